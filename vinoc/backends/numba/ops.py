"""Operations that have a form as loops: `evaluate` says with NumPy what `loops` says with numba.

Where there is a `pack`, `loops` takes the operand of its parameter's name as that arranges it.
"""

from __future__ import annotations

import math

import numpy as np

from ...ir.dtype import Array
from ...ir.kernels import arithmetic
from ...ir.kernels import conv as reference
from ...ir.kernels import pool as pooling
from ...ir.op import Op, Operand, op
from ...ir.ops import convolution, matrix, movement, normalization, reduction, resize
from ...ir.ops import pooling as pool_ops
from ...ir.types import TensorType
from .loops import arrays, attention, conv, depthwise, normalized, pool, resized, transposed, winograd


@op(internal=True)
class BiasedConvolution(convolution.Convolution):
    """min(max(PReLU(Convolution(data, filters) + bias + residual, slopes), low), high).

    Bias and slopes [O]: a number for each channel. The residual has the result's shape, or fewer channels.
    """

    low: float = -math.inf
    high: float = math.inf

    def infer(  # type: ignore[override]  # more operands than the base
        self, data: Operand, filters: Operand, bias: Operand,
        residual: Operand | None = None, slopes: Operand | None = None,
    ) -> TensorType:  # fmt: skip
        return super().infer(data, filters)

    def evaluate(  # type: ignore[override]  # more operands than the base
        self, data: Array, filters: Array, bias: Array, residual: Array | None = None, slopes: Array | None = None
    ) -> Array:
        sums = reference.convolution(
            data, filters, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad
        )
        return ended(sums, bias, residual, slopes, self.low, self.high)

    def pack(self, filters: Array) -> Array:
        return conv.pack_filters(filters)

    def loops(
        self, data: Array, filters: Array, bias: Array, residual: Array | None = None, slopes: Array | None = None
    ) -> Array:
        return conv.convolution(
            data, filters, bias, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad,
            self.low, self.high, residual=residual, slopes=slopes,
        )  # fmt: skip


@op(internal=True)
class WinogradConvolution(BiasedConvolution):
    """BiasedConvolution with filters of 3x3, strides and dilations of 1."""

    def pack(self, filters: Array) -> Array:
        return winograd.pack_transformed(filters)

    def loops(
        self, data: Array, filters: Array, bias: Array, residual: Array | None = None, slopes: Array | None = None
    ) -> Array:
        return winograd.convolution_3x3(
            data, filters, bias, self.pads_begin, self.pads_end, self.auto_pad, self.low, self.high,
            residual=residual, slopes=slopes,
        )  # fmt: skip


@op(internal=True)
class DepthwiseConvolution(convolution.GroupConvolution):
    """BiasedConvolution with filters for each channel."""

    low: float = -math.inf
    high: float = math.inf

    def infer(  # type: ignore[override]  # more operands than the base
        self, data: Operand, filters: Operand, bias: Operand,
        residual: Operand | None = None, slopes: Operand | None = None,
    ) -> TensorType:  # fmt: skip
        return super().infer(data, filters)

    def evaluate(  # type: ignore[override]  # more operands than the base
        self, data: Array, filters: Array, bias: Array, residual: Array | None = None, slopes: Array | None = None
    ) -> Array:
        sums = reference.group_convolution(
            data, filters, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad
        )
        return ended(sums, bias, residual, slopes, self.low, self.high)

    def loops(
        self, data: Array, filters: Array, bias: Array, residual: Array | None = None, slopes: Array | None = None
    ) -> Array:
        return depthwise.depthwise(
            data, filters, bias, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad,
            self.low, self.high, residual=residual, slopes=slopes,
        )  # fmt: skip


@op(internal=True)
class BiasedGroupConvolution(DepthwiseConvolution):
    """BiasedConvolution of groups of channels."""

    def pack(self, filters: Array) -> Array:
        return conv.pack_groups(filters)

    def loops(
        self, data: Array, filters: Array, bias: Array, residual: Array | None = None, slopes: Array | None = None
    ) -> Array:
        return conv.convolution(
            data, filters, bias, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad,
            self.low, self.high, residual=residual, slopes=slopes,
        )  # fmt: skip


@op(internal=True)
class TransposedConvolution(convolution.ConvolutionBackpropData):
    """min(max(PReLU(ConvolutionBackpropData(data, filters) + bias, slopes), low), high).

    Bias and slopes [O]: a number for each channel. The kernel is that of the filters.
    """

    kernel: tuple[int, ...] = ()
    low: float = -math.inf
    high: float = math.inf

    def infer(  # type: ignore[override]  # other operands than the base
        self, data: Operand, filters: Operand, bias: Operand, slopes: Operand | None = None
    ) -> TensorType:
        return super().infer(data, filters)

    def evaluate(  # type: ignore[override]  # other operands than the base
        self, data: Array, filters: Array, bias: Array, slopes: Array | None = None
    ) -> Array:
        sums = reference.convolution_backprop(
            data, filters, None, self.strides, self.dilations, self.pads_begin, self.pads_end,
            self.output_padding, self.auto_pad,
        )  # fmt: skip
        return ended(sums, bias, None, slopes, self.low, self.high)

    def pack(self, filters: Array) -> Array:
        return transposed.pack_transposed(filters, self.strides, self.dilations)

    def loops(self, data: Array, filters: Array, bias: Array, slopes: Array | None = None) -> Array:
        return transposed.convolution_transposed(
            data, filters, bias, self.kernel, self.strides, self.dilations, self.pads_begin, self.pads_end,
            self.output_padding, self.auto_pad, self.low, self.high, slopes=slopes,
        )  # fmt: skip


def ended(sums: Array, bias: Array, residual: Array | None, slopes: Array | None, low: float, high: float) -> Array:
    """Sums [N,O,*spatial] with what follows a convolution; NaN stays."""
    shape = (-1, *[1] * (sums.ndim - 2))
    sums = sums + bias.reshape(shape)
    if residual is not None:
        sums[:, : residual.shape[1]] += residual
    if slopes is not None:
        sums = np.where(sums < 0, sums * slopes.reshape(shape), sums)
    return arithmetic.clamp(sums, low, high)


@op(internal=True)
class MaxPoolValues(pool_ops.MaxPool):
    """MaxPool without the places of the largest elements."""

    def infer(self, data: Operand) -> TensorType:  # type: ignore[override]  # one output instead of two
        return super().infer(data)[0]

    def evaluate(self, data: Array) -> Array:  # type: ignore[override]
        values, _ = pooling.max_pool(
            data, self.kernel, self.strides, self.dilations, self.pads_begin, self.pads_end,
            self.rounding_type, self.auto_pad, self.axis, np.dtype(np.int64),
        )  # fmt: skip
        return values

    def loops(self, data: Array) -> Array:
        return pool.max_pool(
            data, self.kernel, self.strides, self.dilations, self.pads_begin, self.pads_end,
            self.rounding_type, self.auto_pad,
        )  # fmt: skip


@op(internal=True)
class AvgPoolLoops(pool_ops.AvgPool):
    """AvgPool of f32."""

    def loops(self, data: Array) -> Array:
        return pool.avg_pool(
            data, self.kernel, self.strides, self.pads_begin, self.pads_end,
            self.exclude_pad, self.rounding_type, self.auto_pad,
        )  # fmt: skip


@op(internal=True)
class NearestImage(resize.Interpolate):
    """Interpolate of f32 to the nearest elements, along the last two axes."""

    def loops(self, image: Array, sizes_or_scales: Array, axes: Array | None = None) -> Array:
        return resized.nearest(
            image, sizes_or_scales, axes, self.shape_calculation_mode, self.coordinate_transformation_mode,
            self.nearest_mode, self.pads_begin, self.pads_end,
        )  # fmt: skip


@op(internal=True)
class SmoothImage(resize.Interpolate):
    """Interpolate of f32 to sums of elements, linear or cubic, along the last two axes."""

    def loops(self, image: Array, sizes_or_scales: Array, axes: Array | None = None) -> Array:
        return resized.smooth(
            image, sizes_or_scales, axes, self.mode, self.shape_calculation_mode,
            self.coordinate_transformation_mode, self.antialias, self.pads_begin, self.pads_end, self.cube_coeff,
        )  # fmt: skip


@op(internal=True)
class NormalizedRows(normalization.MVN):
    """MVN of f32 over the last axes."""

    def loops(self, data: Array, axes: Array) -> Array:
        return normalized.normalized(data, axes, self.normalize_variance, self.eps, self.eps_mode)


@op(internal=True)
class Joined(movement.Concat):
    """Concat of f32."""

    def loops(self, *inputs: Array) -> Array:
        return arrays.joined(inputs, self.axis)


@op(internal=True)
class PaddedPlain(movement.Pad):
    """Pad of f32 with a number, where nothing is cut off."""

    def loops(self, data: Array, pads_begin: Array, pads_end: Array, pad_value: Array | None = None) -> Array:
        return arrays.padded(data, pads_begin, pads_end, pad_value)


@op(internal=True)
class Product(matrix.MatMul):
    """MatMul of f32, summed in f32."""

    def loops(self, a: Array, b: Array) -> Array:
        return arrays.product(a, b, self.transpose_a, self.transpose_b)


@op(internal=True)
class AttentionLoop(matrix.ScaledDotProductAttention):
    """ScaledDotProductAttention of f32."""

    def loops(
        self, query: Array, key: Array, value: Array, mask: Array | None = None, scale: Array | None = None
    ) -> Array:
        return attention.attention(query, key, value, mask, scale, self.causal)


@op(internal=True)
class Averaged(reduction.ReduceMean):
    """ReduceMean of f32, summed in f32."""

    def loops(self, data: Array, axes: Array) -> Array:
        return arrays.averaged(data, axes, self.keep_dims)


@op(internal=True)
class SoftMaximum(normalization.SoftMax):
    """SoftMax of f32."""

    def loops(self, data: Array) -> Array:
        return arrays.soft_maximum(data, self.axis)


@op(internal=True)
class Reshaped(Op):
    """Reshape to a shape that is known."""

    shape: tuple[int, ...]

    def infer(self, data: Operand) -> TensorType:
        return TensorType(data.dtype, self.shape)

    def evaluate(self, data: Array) -> Array:
        return np.reshape(data, self.shape)
