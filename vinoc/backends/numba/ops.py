"""Operations that have a form as loops: `evaluate` says with NumPy what `loops` says with numba."""

from __future__ import annotations

import math

import numpy as np

from ...ir.dtype import Array
from ...ir.kernels import arithmetic
from ...ir.kernels import conv as reference
from ...ir.kernels import pool as pooling
from ...ir.op import Operand, op
from ...ir.ops import convolution
from ...ir.ops import pooling as pool_ops
from ...ir.types import TensorType
from .loops import conv, pool


@op(internal=True)
class BiasedConvolution(convolution.Convolution):
    """min(max(Convolution(data, filters) + bias, low), high), with a bias [O] for each channel."""

    low: float = -math.inf
    high: float = math.inf

    def infer(self, data: Operand, filters: Operand, bias: Operand | None = None) -> TensorType:
        return super().infer(data, filters)

    def evaluate(self, data: Array, filters: Array, bias: Array | None = None) -> Array:
        sums = reference.convolution(
            data, filters, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad
        )
        return biased(sums, bias, self.low, self.high)

    def loops(self, data: Array, filters: Array, bias: Array | None = None) -> Array:
        return conv.convolution(
            data, filters, bias, self.strides, self.dilations, self.pads_begin, self.pads_end,
            self.auto_pad, self.low, self.high,
        )  # fmt: skip


@op(internal=True)
class BiasedGroupConvolution(convolution.GroupConvolution):
    """min(max(GroupConvolution(data, filters) + bias, low), high), with a bias [G*O] for each channel."""

    low: float = -math.inf
    high: float = math.inf

    def infer(self, data: Operand, filters: Operand, bias: Operand | None = None) -> TensorType:
        return super().infer(data, filters)

    def evaluate(self, data: Array, filters: Array, bias: Array | None = None) -> Array:
        sums = reference.group_convolution(
            data, filters, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad
        )
        return biased(sums, bias, self.low, self.high)

    def loops(self, data: Array, filters: Array, bias: Array | None = None) -> Array:
        return conv.group_convolution(
            data, filters, bias, self.strides, self.dilations, self.pads_begin, self.pads_end,
            self.auto_pad, self.low, self.high,
        )  # fmt: skip


def biased(sums: Array, bias: Array | None, low: float, high: float) -> Array:
    """Sums [N,O,*spatial] with a bias [O], limited; NaN stays."""
    if bias is not None:
        sums = sums + bias.reshape(-1, *[1] * (sums.ndim - 2))
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
