"""The operations of quantized graphs once they are lowered: between reals and u8, and products of integers.

    q = clamp(round(x * (1 / scale) + zero), low, high)  Quantize; halves to even
    x = (q - zero) * scale                               Dequantize
    y = scale[c] * sum of (q - zero) * w                 products: exact in i32, then one rounding to f32
    s = sum of (q - zero) * w                            the sums themselves, where a model asks for them

(Affine quantization: Jacob et al. 2018, arXiv:1712.05877.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir import dtype as dt
from ....ir.dtype import Array
from ....ir.errors import InferenceError
from ....ir.kernels.conv import group_convolution
from ....ir.kernels.integer import wrapped
from ....ir.op import Op, Operand, TensorOperand, op
from ....ir.ops.convolution import Convolution, GroupConvolution
from ....ir.ops.matrix import MatMul
from ....ir.types import TensorType, broadcast


@op(internal=True)
class Quantize(Op):
    """u8 = clamp(round(data * (1 / scale) + zero), low, high), halves to even; NaN becomes `low`.

    The reciprocal is an f32; product and sum are rounded once, to f32 (see ir/kernels/quantize.py).
    `scale` > 0 and `zero` are f32 and broadcast to the data. `zero` is a real number: ranges that begin elsewhere than
    on the grid have such.
    """

    low: int = 0
    high: int = 255

    def infer(self, data: Operand, scale: Operand, zero: Operand) -> TensorType:
        _of_type(dt.f32, data=data, scale=scale, zero=zero)
        return TensorType(dt.u8, _kept(data, scale, zero))

    def evaluate(self, data: Array, scale: Array, zero: Array) -> Array:
        with np.errstate(all="ignore"):
            level = np.rint((data * (1 / scale).astype(np.float64) + zero).astype(np.float32))
        level = np.where(level > self.low, level, self.low)
        return np.asarray(np.minimum(level, self.high).astype(np.uint8))


@op(internal=True)
class Dequantize(Op):
    """f32 = (data - zero) * scale, data u8. `scale` > 0 and the whole `zero` are f32 and broadcast to the data."""

    def infer(self, data: Operand, scale: Operand, zero: Operand) -> TensorType:
        _of_type(dt.u8, data=data)
        _of_type(dt.f32, scale=scale, zero=zero)
        return TensorType(dt.f32, _kept(data, scale, zero))

    def evaluate(self, data: Array, scale: Array, zero: Array) -> Array:
        return np.asarray((data.astype(np.float32) - zero) * scale, np.float32)


@op(internal=True)
class QuantizedConvolution(Convolution):
    """scale[c] * Convolution(data - zero, filters) in f32. data u8, filters i8, scale [O] or [1] f32.

    `zero`, a whole number from 0 to 255 as f32 with one element, is what pads hold. `winograd`: how it is computed, in
    floats that hold whole numbers.
    """

    winograd: bool = False

    def infer(self, data: Operand, zero: Operand, filters: Operand, scale: Operand) -> TensorType:  # type: ignore[override]
        filters = _as_data(data, zero, filters, scale)
        return TensorType(dt.f32, Convolution.infer(self, data, filters).shape)

    def evaluate(self, data: Array, zero: Array, filters: Array, scale: Array) -> Array:  # type: ignore[override]
        return _convolved(
            data, zero, filters[None], scale,
            self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad,
        )  # fmt: skip


@op(internal=True)
class QuantizedGroupConvolution(GroupConvolution):
    """The same in groups: filters [G,O,I,*kernel], scale [G*O] or [1].

    Of depthwise convolutions, and of no others, `zero` may also be [1,C,1,...]: one for each channel.
    """

    def infer(self, data: Operand, zero: Operand, filters: Operand, scale: Operand) -> TensorType:  # type: ignore[override]
        filters = _as_data(data, zero, filters, scale)
        return TensorType(dt.f32, GroupConvolution.infer(self, data, filters).shape)

    def evaluate(self, data: Array, zero: Array, filters: Array, scale: Array) -> Array:  # type: ignore[override]
        return _convolved(
            data, zero, filters, scale,
            self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad,
        )  # fmt: skip


@op(internal=True)
class QuantizedMatMul(Op):
    """scale[n] * (data - zero) @ weights in f32. data [..., k] u8, weights [k, n] i8, or [n, k] where transposed."""

    transpose_b: bool = False

    def infer(self, data: Operand, zero: Operand, weights: Operand, scale: Operand) -> TensorType:
        matrix = _as_data(data, zero, weights, scale, "weights")
        return TensorType(dt.f32, MatMul(transpose_b=self.transpose_b).infer(data, matrix).shape)

    def evaluate(self, data: Array, zero: Array, weights: Array, scale: Array) -> Array:
        matrix = weights.astype(np.float64)
        sums = (data.astype(np.float64) - zero) @ (matrix.T if self.transpose_b else matrix)
        return np.asarray(sums * scale.astype(np.float64), np.float32)


@op(internal=True)
class ByteMatMul(Op):
    """(data - zero) @ weights as i32, modulo 2^32. data [..., k] u8, zero f32 with one element, weights [k, n] i8."""

    transpose_b: bool = False

    def infer(self, data: Operand, zero: Operand, weights: Operand) -> TensorType:
        matrix = _as_data(data, zero, weights, zero, "weights")
        return TensorType(dt.i32, MatMul(transpose_b=self.transpose_b).infer(data, matrix).shape)

    def evaluate(self, data: Array, zero: Array, weights: Array) -> Array:
        matrix = weights.astype(np.float64)
        return wrapped((data.astype(np.float64) - zero) @ (matrix.T if self.transpose_b else matrix))


@op(internal=True)
class ByteConvolution(GroupConvolution):
    """Convolution of data - zero by filters as i32, modulo 2^32. data u8, zero f32 with one element, filters
    [G,O,I,*kernel] i8."""

    def infer(self, data: Operand, zero: Operand, filters: Operand) -> TensorType:  # type: ignore[override]
        filters = _as_data(data, zero, filters, zero)
        return TensorType(dt.i32, GroupConvolution.infer(self, data, filters).shape)

    def evaluate(self, data: Array, zero: Array, filters: Array) -> Array:  # type: ignore[override]
        centred = data.astype(np.float64) - zero.reshape(-1)
        geometry = self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad
        return wrapped(group_convolution(centred, filters.astype(np.float64), *geometry))


def _as_data(data: Operand, zero: Operand, weights: Operand, scale: Operand, name: str = "filters") -> Any:
    """Weights of the data's type, for the rules of the float operation; checks the types of all operands."""
    _of_type(dt.u8, data=data)
    _of_type(dt.i8, **{name: weights})
    _of_type(dt.f32, zero=zero, scale=scale)
    return TensorOperand(TensorType(dt.u8, weights.shape))


def _convolved(
    data: Array, zero: Array, filters: Array, scale: Array,
    strides: Any, dilations: Any, begin: Any, end: Any, auto_pad: Any,
) -> Array:  # fmt: skip
    sums = group_convolution(
        data.astype(np.float64) - zero, filters.astype(np.float64), strides, dilations, begin, end, auto_pad
    )
    by_channel = scale.astype(np.float64).reshape(-1, *[1] * (data.ndim - 2))
    return np.asarray(sums * by_channel, np.float32)


def _of_type(wanted: dt.DType, **operands: Operand) -> None:
    for name, operand in operands.items():
        if operand.dtype is not wanted:
            raise InferenceError(f"`{name}` is {operand.type}, expected elements of {wanted}")


def _kept(data: Operand, *grid: Operand) -> Any:
    """The shape of the data, to which the grid must broadcast."""
    shape = data.shape
    for operand in grid:
        shape = broadcast(shape, operand.shape)
    if shape is not None and data.shape is not None and len(shape) != len(data.shape):
        raise InferenceError("scale and zero have more dimensions than the data")
    return shape
