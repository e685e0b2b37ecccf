"""Mathematical functions of one operand."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import numpy as np

from ..dim import merge_dim
from ..dtype import Array, boolean
from ..errors import InferenceError
from ..kernels import arithmetic, linear_algebra, special
from ..op import Op, Operand, op
from ..types import TensorType
from .elementwise import floating, numeric

RoundMode: TypeAlias = Literal["half_to_even", "half_away_from_zero"]


class Unary(Op):
    """What the functions of numbers share: the result has the type of the operand."""

    def infer(self, data: Operand) -> TensorType:
        return numeric(data)


class FloatUnary(Op):
    """What the functions share that make sense for floating-point numbers alone."""

    def infer(self, data: Operand) -> TensorType:
        return floating(data)


@op(opset=16)
class Identity(Op):
    """The operand itself, of any type."""

    symbolic: ClassVar[bool] = True

    def infer(self, data: Operand) -> TensorType:
        return data.tensor

    def evaluate(self, data: Array) -> Array:
        return data


@op(opset=1)
class Abs(Unary):
    """|x|."""

    def evaluate(self, data: Array) -> Array:
        return np.absolute(data)


@op(opset=1)
class Negative(Unary):
    """-x."""

    symbolic: ClassVar[bool] = True

    def evaluate(self, data: Array) -> Array:
        return np.negative(data)


@op(opset=1)
class Sign(Unary):
    """-1, 0 or 1; NaN for NaN."""

    def evaluate(self, data: Array) -> Array:
        return np.sign(data)


@op(opset=1)
class Ceiling(Unary):
    """The smallest integer not below x."""

    def evaluate(self, data: Array) -> Array:
        return arithmetic.ceiling(data)


@op(opset=1)
class Floor(Unary):
    """The largest integer not above x."""

    def evaluate(self, data: Array) -> Array:
        return arithmetic.floor(data)


@op(opset=5)
class Round(Unary):
    """The nearest integer; `mode` says where halves go."""

    mode: RoundMode = "half_to_even"

    def evaluate(self, data: Array) -> Array:
        return arithmetic.round_to_integer(data, self.mode)


@op(opset=1)
class Sqrt(FloatUnary):
    """The square root."""

    def evaluate(self, data: Array) -> Array:
        return np.sqrt(data)


@op(opset=1)
class Exp(FloatUnary):
    """e to the power x."""

    def evaluate(self, data: Array) -> Array:
        return np.exp(data)


@op(opset=1)
class Log(FloatUnary):
    """The natural logarithm."""

    def evaluate(self, data: Array) -> Array:
        return np.log(data)


@op(opset=1)
class Erf(FloatUnary):
    """The error function."""

    def evaluate(self, data: Array) -> Array:
        return special.erf(data)


@op(opset=1)
class Sin(FloatUnary):
    """The sine."""

    def evaluate(self, data: Array) -> Array:
        return np.sin(data)


@op(opset=1)
class Cos(FloatUnary):
    """The cosine."""

    def evaluate(self, data: Array) -> Array:
        return np.cos(data)


@op(opset=1)
class Tan(FloatUnary):
    """The tangent."""

    def evaluate(self, data: Array) -> Array:
        return np.tan(data)


@op(opset=1)
class Asin(FloatUnary):
    """The inverse of the sine."""

    def evaluate(self, data: Array) -> Array:
        return np.arcsin(data)


@op(opset=1)
class Acos(FloatUnary):
    """The inverse of the cosine."""

    def evaluate(self, data: Array) -> Array:
        return np.arccos(data)


@op(opset=1)
class Atan(FloatUnary):
    """The inverse of the tangent."""

    def evaluate(self, data: Array) -> Array:
        return np.arctan(data)


@op(opset=1)
class Sinh(FloatUnary):
    """The hyperbolic sine."""

    def evaluate(self, data: Array) -> Array:
        return np.sinh(data)


@op(opset=1)
class Cosh(FloatUnary):
    """The hyperbolic cosine."""

    def evaluate(self, data: Array) -> Array:
        return np.cosh(data)


@op(opset=1)
class Tanh(FloatUnary):
    """The hyperbolic tangent."""

    def evaluate(self, data: Array) -> Array:
        return np.tanh(data)


@op(opset=4)
class Asinh(FloatUnary):
    """The inverse of the hyperbolic sine."""

    def evaluate(self, data: Array) -> Array:
        return np.arcsinh(data)


@op(opset=4)
class Acosh(FloatUnary):
    """The inverse of the hyperbolic cosine."""

    def evaluate(self, data: Array) -> Array:
        return np.arccosh(data)


@op(opset=4)
class Atanh(FloatUnary):
    """The inverse of the hyperbolic tangent."""

    def evaluate(self, data: Array) -> Array:
        return np.arctanh(data)


class Predicate(Op):
    """What the questions about floating-point numbers share: the result is boolean."""

    def infer(self, data: Operand) -> TensorType:
        return TensorType(boolean, floating(data).shape)


@op(opset=10)
class IsFinite(Predicate):
    """True for numbers, false for infinities and NaN."""

    def evaluate(self, data: Array) -> Array:
        return np.isfinite(data)


@op(opset=10)
class IsNaN(Predicate):
    """True for NaN."""

    def evaluate(self, data: Array) -> Array:
        return np.isnan(data)


@op(opset=10)
class IsInf(Predicate):
    """True for the infinities of the wanted signs."""

    detect_negative: bool = True
    detect_positive: bool = True

    def evaluate(self, data: Array) -> Array:
        return arithmetic.is_infinite(data, self.detect_negative, self.detect_positive)


@op(opset=14)
class Inverse(Op):
    """The inverse of square matrices [..., M, M], or, with `adjoint`, of their transposes."""

    adjoint: bool = False

    def infer(self, data: Operand) -> TensorType:
        found = floating(data)
        if found.shape is None:
            return found
        if len(found.shape) < 2:
            raise InferenceError(f"expected matrices, got rank {len(found.shape)}")
        try:
            side = merge_dim(found.shape[-2], found.shape[-1])
        except InferenceError:
            raise InferenceError(f"matrices of {found.shape[-2]} x {found.shape[-1]} are not square") from None
        return TensorType(found.dtype, (*found.shape[:-2], side, side))

    def evaluate(self, data: Array) -> Array:
        return linear_algebra.inverse(data, self.adjoint)
