"""Logic on the bits of integers (of booleans too, but for the shifts), with NumPy broadcasting."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..dtype import Array
from ..errors import InferenceError
from ..op import Op, Operand, op
from ..types import TensorType
from .elementwise import AutoBroadcast, combine, integral, same_dtype


def bits(operand: Operand) -> TensorType:
    """The operand's type. Raises InferenceError unless its elements are integers or booleans."""
    found = operand.tensor
    if found.dtype.kind not in "iub":
        raise InferenceError(f"an operand is {found.dtype}, expected integers or booleans")
    return found


class Bitwise(Op):
    """What the operations on two operands share."""

    auto_broadcast: AutoBroadcast = "numpy"
    commutative: ClassVar[bool] = True

    def infer(self, a: Operand, b: Operand) -> TensorType:
        left, right = bits(a), bits(b)
        same_dtype(a, b)
        return TensorType(left.dtype, combine(self.auto_broadcast, left.shape, right.shape))


@op(opset=13)
class BitwiseAnd(Bitwise):
    """a & b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_and(a, b)


@op(opset=13)
class BitwiseOr(Bitwise):
    """a | b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_or(a, b)


@op(opset=13)
class BitwiseXor(Bitwise):
    """a ^ b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_xor(a, b)


@op(opset=13)
class BitwiseNot(Op):
    """~a; on booleans: not a."""

    def infer(self, data: Operand) -> TensorType:
        return bits(data)

    def evaluate(self, data: Array) -> Array:
        return np.bitwise_not(data)


class Shift(Op):
    """What the shifts share: integers of one type."""

    auto_broadcast: AutoBroadcast = "numpy"

    def infer(self, a: Operand, b: Operand) -> TensorType:
        left, right = integral(a, "the operand"), integral(b, "the shift")
        same_dtype(a, b)
        return TensorType(left.dtype, combine(self.auto_broadcast, left.shape, right.shape))


@op(opset=15)
class BitwiseLeftShift(Shift):
    """a << b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.left_shift(a, b)


@op(opset=15)
class BitwiseRightShift(Shift):
    """a >> b; the sign is kept."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.right_shift(a, b)
