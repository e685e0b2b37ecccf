"""What programs give as operands: nodes, outputs, ports of models, numbers and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ir.dtype import DType
from ...ir.errors import UsageError
from ...ir.graph import Value
from ...ir.types import TensorType
from .make import make_constant
from .node import Node
from .ports import Output


def operand(given: Any, like: DType | None = None) -> Value:
    """The value that is meant: the first output of a node, an output, or a constant made of a number or an array.

    `like` is the element type that a Python number takes. Raises UsageError for anything else.
    """
    if isinstance(given, Node):
        return given._values()[0]
    if isinstance(given, Output):
        return given._value
    if isinstance(given, bool) or not isinstance(given, int | float) or like is None:
        return make_constant(given).outputs[0]
    if like.is_integer and not float(given).is_integer():
        raise UsageError(f"the number {given} is given where {like} is expected", help="convert the other operand")
    return make_constant(given, like).outputs[0]


def pair(left: Any, right: Any) -> Sequence[Value]:
    """Two operands of one operation: where one is a Python number, it takes the other's element type."""
    if isinstance(left, int | float):
        second = operand(right)
        return operand(left, _dtype(second)), second
    first = operand(left)
    return first, operand(right, _dtype(first))


def _dtype(value: Value) -> DType | None:
    return value.type.dtype if isinstance(value.type, TensorType) else None
