"""Arithmetic on two operands, and selection, with NumPy broadcasting."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import numpy as np

from .. import types
from ..dtype import Array, boolean
from ..errors import InferenceError
from ..kernels import arithmetic
from ..op import Op, Operand, op
from ..types import Shape, TensorType

AutoBroadcast: TypeAlias = Literal["none", "numpy"]


def same_dtype(*operands: Operand) -> None:
    """Raises InferenceError unless all operands have one element type."""
    first = operands[0].dtype
    for other in operands[1:]:
        if other.dtype is not first:
            raise InferenceError(
                f"element types {first} and {other.dtype} differ", help="insert a Convert to bring them to one type"
            )


def numeric(operand: Operand, what: str = "an operand") -> TensorType:
    """The operand's type. Raises InferenceError unless its elements are real numbers or integers."""
    found = operand.tensor
    if found.dtype.kind not in "fiu":
        raise InferenceError(f"{what} is {found.dtype}, expected numbers", help="insert a Convert before it")
    return found


def floating(operand: Operand, what: str = "an operand") -> TensorType:
    """The operand's type. Raises InferenceError unless its elements are floating-point numbers."""
    found = operand.tensor
    if found.dtype.kind != "f":
        raise InferenceError(
            f"{what} is {found.dtype}, expected floating-point numbers", help="insert a Convert to f32 before it"
        )
    return found


def integral(operand: Operand, what: str) -> TensorType:
    """The operand's type. Raises InferenceError unless its elements are integers."""
    found = operand.tensor
    if found.dtype.kind not in "iu":
        raise InferenceError(f"{what} is {found.dtype}, expected integers", help="insert a Convert to i64 before it")
    return found


def logical(operand: Operand, what: str = "an operand") -> TensorType:
    """The operand's type. Raises InferenceError unless its elements are booleans."""
    found = operand.tensor
    if found.dtype is not boolean:
        raise InferenceError(f"{what} is {found.dtype}, expected boolean", help="insert a Convert to boolean before it")
    return found


def combine(mode: str, *shapes: Shape | None) -> Shape | None:
    """The shape of an elementwise result: broadcast by NumPy's rule, or, for mode "none", all shapes equal."""
    if mode == "numpy":
        return types.broadcast(*shapes)
    merged = shapes[0]
    for shape in shapes[1:]:
        merged = types.merge(merged, shape)
    return merged


class Binary(Op):
    """What the arithmetic operations share: both operands and the result have one element type, of numbers."""

    auto_broadcast: AutoBroadcast = "numpy"

    def infer(self, a: Operand, b: Operand) -> TensorType:
        left, right = numeric(a), numeric(b)
        if left == right:
            return left
        same_dtype(a, b)
        return TensorType(left.dtype, combine(self.auto_broadcast, left.shape, right.shape))


@op(opset=1)
class Add(Binary):
    """a + b."""

    commutative: ClassVar[bool] = True
    symbolic: ClassVar[bool] = True
    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.add(a, b)


@op(opset=1)
class Subtract(Binary):
    """a - b."""

    symbolic: ClassVar[bool] = True
    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.subtract(a, b)


@op(opset=1)
class Multiply(Binary):
    """a * b."""

    commutative: ClassVar[bool] = True
    symbolic: ClassVar[bool] = True
    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.multiply(a, b)


@op(opset=1)
class Divide(Binary):
    """a / b; on integers rounded towards minus infinity (`m_pythondiv`) or towards zero, and 0 where b is 0."""

    symbolic: ClassVar[bool] = True
    auto_broadcast: AutoBroadcast = "numpy"
    m_pythondiv: bool = True

    def evaluate(self, a: Array, b: Array) -> Array:
        return arithmetic.divide(a, b, self.m_pythondiv)


@op(opset=1)
class Power(Binary):
    """a to the power b; on integers the fraction of a negative power is cut off."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return arithmetic.power(a, b)


@op(opset=1)
class Maximum(Binary):
    """The larger of a and b; NaN where either is NaN."""

    commutative: ClassVar[bool] = True
    symbolic: ClassVar[bool] = True
    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.maximum(a, b)


@op(opset=1)
class Minimum(Binary):
    """The smaller of a and b; NaN where either is NaN."""

    commutative: ClassVar[bool] = True
    symbolic: ClassVar[bool] = True
    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.minimum(a, b)


@op(opset=1)
class Mod(Binary):
    """The remainder of a division rounded towards zero, with the sign of a (C's `%`); 0 for integers where b is 0."""

    symbolic: ClassVar[bool] = True
    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return arithmetic.mod(a, b)


@op(opset=1)
class FloorMod(Binary):
    """The remainder of a division rounded down, with the sign of b (Python's `%`); 0 for integers where b is 0."""

    symbolic: ClassVar[bool] = True
    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return arithmetic.floor_mod(a, b)


@op(opset=1)
class SquaredDifference(Binary):
    """(a - b) squared."""

    commutative: ClassVar[bool] = True
    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.square(np.subtract(a, b))


@op(opset=1)
class Select(Op):
    """Elements of `then` where `cond` is true, of `otherwise` elsewhere. All three broadcast together."""

    symbolic: ClassVar[bool] = True
    auto_broadcast: AutoBroadcast = "numpy"

    def infer(self, cond: Operand, then: Operand, otherwise: Operand) -> TensorType:
        logical(cond, "the condition")
        same_dtype(then, otherwise)
        return TensorType(then.dtype, combine(self.auto_broadcast, cond.shape, then.shape, otherwise.shape))

    def evaluate(self, cond: Array, then: Array, otherwise: Array) -> Array:
        return np.where(cond, then, otherwise)
