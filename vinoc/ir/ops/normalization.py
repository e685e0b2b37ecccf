"""Normalizations and soft maxima."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..dim import Dim, merge_dim
from ..dtype import Array
from ..errors import InferenceError, VinocError
from ..kernels import norm
from ..op import Op, Operand, op
from ..types import Shape, TensorType, normalize_axes, normalize_axis
from .elementwise import floating, integral

EpsInSqrt: TypeAlias = Literal["INSIDE_SQRT", "OUTSIDE_SQRT"]
EpsMode: TypeAlias = Literal["add", "max"]


def per_channel(data: TensorType, **operands: Operand) -> Shape | None:
    """The shape of data, its channels told by lists of one number a channel. Raises InferenceError."""
    if data.shape is not None and len(data.shape) < 2:
        raise InferenceError(f"data of rank {len(data.shape)} has no channels")
    channels: Dim | None = data.shape[1] if data.shape is not None else None
    for name, operand in operands.items():
        listed = floating(operand, f"`{name}`")
        if listed.dtype is not data.dtype:
            raise InferenceError(f"`{name}` is {listed.dtype}, data is {data.dtype}")
        if listed.shape is None:
            continue
        if len(listed.shape) != 1:
            raise InferenceError(f"`{name}` has rank {len(listed.shape)}, expected one number a channel")
        if channels is not None:
            try:
                channels = merge_dim(channels, listed.shape[0])
            except InferenceError:
                raise InferenceError(f"`{name}` has {listed.shape[0]} numbers for {channels} channels") from None
    if data.shape is None or channels is None:
        return data.shape
    return (data.shape[0], channels, *data.shape[2:])


def check_axes(data: TensorType, axes: Operand) -> None:
    """Raises InferenceError unless the axes are integers in the range of data's rank, each once."""
    listed = integral(axes, "axes")
    if listed.shape is not None and len(listed.shape) > 1:
        raise InferenceError(f"axes have rank {len(listed.shape)}, expected a number or a list")
    if data.shape is not None and axes.known is not None:
        normalize_axes(axes.known.reshape(-1).tolist(), len(data.shape), "axes")


@op(opset=5)
class BatchNormInference(Op):
    """(data - mean) / sqrt(variance + epsilon) * gamma + beta, channel by channel (axis 1)."""

    epsilon: float

    def validate(self) -> None:
        if self.epsilon < 0:
            raise VinocError(f"{self.kind}: attribute `epsilon` is {self.epsilon}, expected a number >= 0")

    def infer(self, data: Operand, gamma: Operand, beta: Operand, mean: Operand, variance: Operand) -> TensorType:
        shape = per_channel(floating(data, "data"), gamma=gamma, beta=beta, mean=mean, variance=variance)
        return TensorType(data.dtype, shape)

    def evaluate(self, data: Array, gamma: Array, beta: Array, mean: Array, variance: Array) -> Array:
        return norm.batch_norm(data, gamma, beta, mean, variance, self.epsilon)


@op(opset=6)
class MVN(Op):
    """Mean-variance normalization: (x - mean) / sqrt(variance + eps), or / (sqrt(variance) + eps)."""

    eps: float
    normalize_variance: bool = True
    eps_mode: EpsInSqrt = "INSIDE_SQRT"

    def infer(self, data: Operand, axes: Operand) -> TensorType:
        check_axes(floating(data, "data"), axes)
        return data.tensor

    def evaluate(self, data: Array, axes: Array) -> Array:
        return norm.mvn(data, axes, self.normalize_variance, self.eps, self.eps_mode)


@op(opset=12)
class GroupNormalization(Op):
    """Each of num_groups groups of channels is normalized, then scaled and moved channel by channel."""

    num_groups: int
    epsilon: float

    def infer(self, data: Operand, scale: Operand, bias: Operand) -> TensorType:
        shape = per_channel(floating(data, "data"), scale=scale, bias=bias)
        channels = shape[1] if shape is not None else None
        if self.num_groups < 1 or (isinstance(channels, int) and channels % self.num_groups):
            raise InferenceError(f"{channels} channels cannot be divided into {self.num_groups} groups")
        return TensorType(data.dtype, shape)

    def evaluate(self, data: Array, scale: Array, bias: Array) -> Array:
        return norm.group_norm(data, scale, bias, self.num_groups, self.epsilon)


@op(opset=1)
class NormalizeL2(Op):
    """data / sqrt(sum of squares over the axes (+) eps), where (+) is addition or the maximum."""

    eps: float
    eps_mode: EpsMode

    def infer(self, data: Operand, axes: Operand) -> TensorType:
        check_axes(floating(data, "data"), axes)
        return data.tensor

    def evaluate(self, data: Array, axes: Array) -> Array:
        return norm.normalize_l2(data, axes, self.eps, self.eps_mode)


@op(opset=1)
class LRN(Op):
    """Local response normalization: data / (bias + alpha / size^n * local sum of squares)^beta over n axes."""

    alpha: float
    beta: float
    bias: float
    size: int

    def validate(self) -> None:
        if self.size < 1:
            raise VinocError(f"{self.kind}: attribute `size` is {self.size}, expected a number >= 1")

    def infer(self, data: Operand, axes: Operand) -> TensorType:
        check_axes(floating(data, "data"), axes)
        return data.tensor

    def evaluate(self, data: Array, axes: Array) -> Array:
        return norm.lrn(data, axes, self.alpha, self.beta, self.bias, self.size)


@op(opset=8)
class SoftMax(Op):
    """exp(x) / sum of exp(x) along an axis."""

    axis: int = 1

    def infer(self, data: Operand) -> TensorType:
        if floating(data, "data").shape is not None:
            normalize_axis(self.axis, len(data.shape or ()))
        return data.tensor

    def evaluate(self, data: Array) -> Array:
        return norm.softmax(data, self.axis)


@op(opset=5)
class LogSoftmax(Op):
    """x - log(sum of exp(x)) along an axis."""

    axis: int = 1

    def infer(self, data: Operand) -> TensorType:
        if floating(data, "data").shape is not None:
            normalize_axis(self.axis, len(data.shape or ()))
        return data.tensor

    def evaluate(self, data: Array) -> Array:
        return norm.log_softmax(data, self.axis)


@op(opset=1)
class GRN(Op):
    """Global response normalization: data / sqrt(sum of squares over the channels + bias)."""

    bias: float

    def infer(self, data: Operand) -> TensorType:
        if floating(data, "data").shape is not None and len(data.shape or ()) < 2:
            raise InferenceError(f"data of rank {data.rank} has no channels")
        return data.tensor

    def evaluate(self, data: Array) -> Array:
        return norm.grn(data, self.bias)
