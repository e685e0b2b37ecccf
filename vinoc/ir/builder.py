"""Building graphs: operations are called by name, types are inferred at once.

    b = Builder(graph)
    y = b.Add(b.MatMul(x, w, transpose_b=True), bias)

Arguments are inputs, keywords are attributes. NumPy arrays and numbers become constants: a Python float takes
the element type of the first tensor among the inputs, Python ints are i64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import loc as _loc
from .buffer import Buffer
from .constant import Constant
from .dtype import Array, DType
from .errors import InferenceError, VinocError
from .fold import evaluate_constants
from .graph import Graph, Node, Value
from .loc import AnyLoc
from .op import Op, op_class
from .types import TensorType

_OPERANDS = frozenset((Value, type(None)))


class Builder:
    """Inserts nodes into a graph: at its end, or before a node.

    With `fold`, an operation over constants becomes a constant at once. All nodes get the location `loc`.
    """

    def __init__(
        self, graph: Graph, before: Node | None = None, loc: AnyLoc = _loc.UNKNOWN, fold: bool = False
    ) -> None:
        self.graph = graph
        self.before = before
        self.loc = loc
        self.fold = fold

    def const(self, value: Any, dtype: DType | None = None, name: str = "") -> Value:
        """A constant from an array, a number, a list or a Buffer."""
        if not isinstance(value, Buffer):
            array: Array = np.asarray(value, dtype.numpy if dtype else None)
            value = Buffer.of(array, dtype)
        return self._insert(Constant(value), (), (), name).outputs[0]

    def node(self, op: Op, *inputs: Any, bodies: Sequence[Graph] = (), name: str = "") -> Node:
        """A node of an operation. Never folded."""
        return self._insert(op, self._values(inputs), bodies, name)

    def outputs(self, op: Op, *inputs: Any, bodies: Sequence[Graph] = (), name: str = "") -> tuple[Value, ...]:
        """All outputs of an operation; constants where it can be folded."""
        values = self._values(inputs)
        if self.fold and not bodies and _all_const(values):
            buffers = evaluate_constants(op, values)
            if buffers is not None:
                names = [name if i == 0 or not name else f"{name}.{i}" for i in range(len(buffers))]
                return tuple(self.const(b, name=n) for b, n in zip(buffers, names, strict=True))
        return self._insert(op, values, bodies, name).outputs

    def build(self, op: Op, *inputs: Any, bodies: Sequence[Graph] = (), name: str = "") -> Value:
        """The first output of an operation; a constant where it can be folded."""
        return self.outputs(op, *inputs, bodies=bodies, name=name)[0]

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        if not kind[:1].isupper():
            raise AttributeError(kind)
        cls = op_class(kind)

        def make(*inputs: Any, name: str = "", bodies: Sequence[Graph] = (), **attributes: Any) -> Any:
            try:
                op = cls(**attributes)
            except TypeError as error:
                raise VinocError(f"{kind}: {error}") from None
            outs = self.outputs(op, *inputs, bodies=bodies, name=name)
            return outs[0] if len(outs) == 1 else outs

        return make

    def _values(self, inputs: Sequence[Any]) -> tuple[Value | None, ...]:
        if _OPERANDS.issuperset(map(type, inputs)):
            return tuple(inputs)
        like = next((v.type.dtype for v in inputs if isinstance(v, Value) and isinstance(v.type, TensorType)), None)
        out: list[Value | None] = []
        for v in inputs:
            if v is None or isinstance(v, Value):
                out.append(v)
            elif isinstance(v, float) and like is not None:
                out.append(self.const(_number(v, like)))
            else:
                array = np.asarray(v)
                out.append(
                    self.const(array.astype(np.int64) if array.size == 0 and isinstance(v, list | tuple) else array)
                )
        return tuple(out)

    def _insert(self, op: Op, inputs: Sequence[Value | None], bodies: Sequence[Graph], name: str) -> Node:
        return self.graph.insert(op, inputs, before=self.before, bodies=bodies, loc=self.loc, name=name)


def _all_const(values: Sequence[Value | None]) -> bool:
    for v in values:  # noqa: SIM110  # asked of every node that a frontend makes
        if v is not None and type(v.owner.op) is not Constant:
            return False
    return True


def _number(value: float, like: DType) -> Array:
    """A float as a scalar of another type. Raises InferenceError where an integer type cannot hold it."""
    if like.is_integer:
        low = -(1 << (like.bits - 1)) if like.kind == "i" else 0
        if not value.is_integer() or not low <= value < low + (1 << like.bits):
            raise InferenceError(f"the number {value} is given where {like} is expected")
        return np.asarray(int(value)).astype(like.numpy)
    return np.asarray(value, like.numpy)
