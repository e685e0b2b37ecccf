"""Logic on booleans, with NumPy broadcasting."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..dtype import Array
from ..op import Op, Operand, op
from ..types import TensorType
from .elementwise import AutoBroadcast, combine, logical


class Logical(Op):
    """What the operations on two booleans share."""

    auto_broadcast: AutoBroadcast = "numpy"
    commutative: ClassVar[bool] = True
    symbolic: ClassVar[bool] = True

    def infer(self, a: Operand, b: Operand) -> TensorType:
        left, right = logical(a), logical(b)
        return TensorType(left.dtype, combine(self.auto_broadcast, left.shape, right.shape))


@op(opset=1)
class LogicalAnd(Logical):
    """a and b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_and(a, b)


@op(opset=1)
class LogicalOr(Logical):
    """a or b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_or(a, b)


@op(opset=2)
class LogicalXor(Logical):
    """Exactly one of a and b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_xor(a, b)


@op(opset=1)
class LogicalNot(Op):
    """not a."""

    symbolic: ClassVar[bool] = True

    def infer(self, data: Operand) -> TensorType:
        return logical(data)

    def evaluate(self, data: Array) -> Array:
        return np.logical_not(data)
