"""The variables of a stateful model, as programs see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..ir.dim import Sym
from ..ir.errors import ArgumentTypeError
from ..ir.graph import Graph
from ..ir.record import record
from ..ir.types import TensorType
from .arguments import fit
from .element import Type
from .shapes import PartialShape
from .tensor import Tensor

if TYPE_CHECKING:
    from .engines import Engine


class VariableState:
    """A variable of a request: what the next inference reads."""

    def __init__(self, name: str, engine: Engine, declared: TensorType | None) -> None:
        self._name = name
        self._engine = engine
        self._declared = declared

    @property
    def name(self) -> str:
        return self._name

    @property
    def state(self) -> Tensor:
        """A copy of the value; before the first assignment zeros, of size 0 along open dimensions."""
        value = self._engine.variables().get(self._name)
        if value is None:
            declared = self._declared
            sizes = [0 if isinstance(d, Sym) else d for d in (declared.shape or (0,) if declared else (0,))]
            return Tensor(declared.dtype if declared else np.float32, sizes)
        if self._declared is None or not self._declared.dtype.packed:
            return Tensor(value)
        tensor = Tensor(self._declared.dtype, value.shape)
        tensor.set_elements(value)
        return tensor

    @state.setter
    def state(self, state: Tensor) -> None:
        """Gives the variable another value. Raises UsageError where it is not of the declared type and shape."""
        where = f"variable '{self._name}'"
        if not isinstance(state, Tensor):
            raise ArgumentTypeError(f"expected a Tensor, got {type(state).__name__}", where, "Tensor(array)")
        value = state.elements().copy()
        if self._declared is not None:
            value = fit(value, self._declared, where)
        self._engine.variables()[self._name] = value

    def reset(self) -> None:
        """Forgets the value: the next inference begins with the initial one."""
        self._engine.variables().pop(self._name, None)

    def __repr__(self) -> str:
        return f"<VariableState: {self._name}>"


@record(frozen=True)
class VariableInfo:
    """What is declared of a variable."""

    data_shape: PartialShape
    data_type: Type
    variable_id: str


class Variable:
    """What a stateful model remembers from one inference to the next."""

    def __init__(self, info: VariableInfo) -> None:
        self.info = info

    def get_info(self) -> VariableInfo:
        return self.info

    def __repr__(self) -> str:
        return f"<Variable: {self.info.variable_id}>"


def variables_of(graph: Graph) -> list[Variable]:
    """The variables of a graph and its bodies."""
    return [
        Variable(VariableInfo(PartialShape(t.shape), Type(t.dtype), name))
        for name, t in declared_variables(graph).items()
    ]


def declared_variables(graph: Graph) -> dict[str, TensorType]:
    """The types of the variables of a graph and its bodies, by name."""
    found: dict[str, TensorType] = {}
    for node in (n for g in graph.walk() for n in g if n.kind == "ReadValue"):
        name: str = node.op.variable_id  # type: ignore[attr-defined]
        found[name] = TensorType(node.op.variable_type, node.op.variable_shape)  # type: ignore[attr-defined]
    return found
