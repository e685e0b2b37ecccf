"""The variables of a stateful model, as programs see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..ir.dim import Sym
from ..ir.errors import ArgumentTypeError
from ..ir.graph import Graph
from ..ir.types import TensorType
from .arguments import fit
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


def declared_variables(graph: Graph) -> dict[str, TensorType]:
    """The types of the variables of a graph and its bodies, by name."""
    found: dict[str, TensorType] = {}
    for node in (n for g in graph.walk() for n in g if n.kind == "ReadValue"):
        name: str = node.op.variable_id  # type: ignore[attr-defined]
        found[name] = TensorType(node.op.variable_type, node.op.variable_shape)  # type: ignore[attr-defined]
    return found
