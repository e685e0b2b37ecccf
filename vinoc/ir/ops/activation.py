"""Activation functions."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from ..dtype import Array, boolean
from ..errors import InferenceError, VinocError
from ..kernels import activation, arithmetic
from ..op import Op, Operand, op
from ..types import Shape, TensorType
from .elementwise import floating, numeric, same_dtype
from .unary import FloatUnary, Unary

GeluMode: TypeAlias = Literal["ERF", "TANH"]


def scalar(operand: Operand, what: str) -> None:
    """Raises InferenceError unless the operand may hold a single element."""
    if operand.shape and any(isinstance(d, int) and d != 1 for d in operand.shape):
        raise InferenceError(f"{what} must be a scalar, got shape {list(operand.shape)}")


@op(opset=1)
class ReLU(Unary):
    """max(x, 0)."""

    def evaluate(self, data: Array) -> Array:
        return activation.relu(data)


@op(opset=1)
class Clamp(Unary):
    """Limits every element to [min, max]; integers to the integers within."""

    min: float
    max: float

    def validate(self) -> None:
        if self.min > self.max:
            raise VinocError(f"attributes of Clamp: min {self.min} is above max {self.max}")

    def evaluate(self, data: Array) -> Array:
        return arithmetic.clamp(data, self.min, self.max)


@op(opset=1)
class Sigmoid(FloatUnary):
    """1 / (1 + exp(-x))."""

    def evaluate(self, data: Array) -> Array:
        return activation.sigmoid(data)


@op(opset=1)
class Elu(FloatUnary):
    """x where it is positive, alpha * (exp(x) - 1) elsewhere."""

    alpha: float

    def evaluate(self, data: Array) -> Array:
        return activation.elu(data, self.alpha)


@op(opset=7)
class Gelu(FloatUnary):
    """x times the probability that a normal variable is below x: by erf, or by its approximation with tanh."""

    approximation_mode: GeluMode = "ERF"

    def evaluate(self, data: Array) -> Array:
        return activation.gelu(data, self.approximation_mode)


@op(opset=4)
class SoftPlus(FloatUnary):
    """log(1 + exp(x))."""

    def evaluate(self, data: Array) -> Array:
        return activation.softplus(data)


@op(opset=4)
class Mish(FloatUnary):
    """x * tanh(log(1 + exp(x)))."""

    def evaluate(self, data: Array) -> Array:
        return activation.mish(data)


@op(opset=4)
class HSwish(FloatUnary):
    """x * min(max(x + 3, 0), 6) / 6."""

    def evaluate(self, data: Array) -> Array:
        return activation.hswish(data)


@op(opset=5)
class HSigmoid(FloatUnary):
    """min(max(x + 3, 0), 6) / 6."""

    def evaluate(self, data: Array) -> Array:
        return activation.hsigmoid(data)


@op(opset=9)
class SoftSign(FloatUnary):
    """x / (1 + |x|)."""

    def evaluate(self, data: Array) -> Array:
        return activation.softsign(data)


@op(opset=4)
class Swish(Op):
    """x * sigmoid(beta * x); beta, a scalar, is 1 by default."""

    def infer(self, data: Operand, beta: Operand | None = None) -> TensorType:
        found = floating(data)
        if beta is not None:
            same_dtype(data, beta)
            scalar(beta, "beta")
        return found

    def evaluate(self, data: Array, beta: Array | None = None) -> Array:
        return activation.swish(data, beta)


@op(opset=1)
class HardSigmoid(Op):
    """min(max(alpha * x + beta, 0), 1); alpha and beta are scalars."""

    def infer(self, data: Operand, alpha: Operand, beta: Operand) -> TensorType:
        found = floating(data)
        same_dtype(data, alpha, beta)
        scalar(alpha, "alpha")
        scalar(beta, "beta")
        return found

    def evaluate(self, data: Array, alpha: Array, beta: Array) -> Array:
        return activation.hard_sigmoid(data, alpha, beta)


@op(opset=1)
class Selu(Op):
    """scale * x where x is positive, scale * alpha * (exp(x) - 1) elsewhere; alpha and scale are scalars."""

    def infer(self, data: Operand, alpha: Operand, scale: Operand) -> TensorType:
        found = floating(data)
        same_dtype(data, alpha, scale)
        scalar(alpha, "alpha")
        scalar(scale, "scale")
        return found

    def evaluate(self, data: Array, alpha: Array, scale: Array) -> Array:
        return activation.selu(data, alpha, scale)


@op(opset=1)
class PReLU(Op):
    """x where it is positive, slope * x elsewhere.

    A slope of as many elements as `data` has channels (axis 1) applies to these, any other broadcasts to `data`.
    """

    def infer(self, data: Operand, slope: Operand) -> TensorType:
        found = numeric(data)
        same_dtype(data, slope)
        if found.shape is not None and slope.shape is not None:
            _check_slope(found.shape, slope.shape)
        return found

    def evaluate(self, data: Array, slope: Array) -> Array:
        return activation.prelu(data, slope)


def _check_slope(data: Shape, slope: Shape) -> None:
    """Raises InferenceError when the slope surely fits neither the channels nor the shape of the data."""
    channels = data[1] if len(data) > 1 else None
    if len(slope) == 1 and channels is not None and (slope[0] == channels or not isinstance(channels, int)):
        return
    fits = len(slope) <= len(data) and all(
        s in (1, d) or not isinstance(s, int) or not isinstance(d, int) for s, d in zip(reversed(slope), reversed(data))
    )
    if not fits:
        raise InferenceError(f"a slope of shape {list(slope)} does not broadcast to {list(data)}")


@op(internal=True)
class Dropout(Op):
    """The data as they are, and a mask that drops nothing: what dropout means in inference."""

    ratio: float = 0.5

    def infer(self, data: Operand) -> tuple[TensorType, TensorType]:
        found = floating(data)
        return found, TensorType(boolean, found.shape)

    def evaluate(self, data: Array) -> tuple[Array, Array]:
        return data, np.ones(data.shape, np.bool_)
