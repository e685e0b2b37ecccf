"""Quantized models.

OpenVINO's form: values that become integers pass a FakeQuantize onto the integers and a Convert; integers become
reals by Convert, Subtract (zero point), Multiply (scale). Constant weights keep their integers.
"""

from __future__ import annotations

import numpy as np

from .....ir import dtype as dt
from .....ir import op as _op
from .....ir.dtype import DType
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import MICROSOFT, converter
from ..tensors import element_type
from .convolution import convolve, spatial_rank
from .values import LARGEST, axis_of, dims, ints, number, rank, to
from .values import reshape as to_shape

RANGES: dict[str, tuple[int, int]] = {
    "u8": (0, 255),
    "i8": (-128, 127),
    "u16": (0, 65535),
    "i16": (-32768, 32767),
    "u4": (0, 15),
    "i4": (-8, 7),
    "u2": (0, 3),
    "i2": (-2, 1),
}
"""Smallest and largest value of the integer types."""


def _raw(ctx: NodeContext, kind: str, *inputs: Value, **attributes: object) -> Value:
    """An operation that stays although its operands are constants: weights keep their integers."""
    return ctx.b.node(_op.op_class(kind)(**attributes), *inputs).outputs[0]


def _is_zero(value: Value | None) -> bool:
    if value is None:
        return True
    array = value.const
    return array is not None and not np.any(array)


def dequantize(ctx: NodeContext, x: Value, scale: Value, zero: Value | None) -> Value:
    """(x - zero) * scale, with scale and zero broadcasting to x."""
    y = _raw(ctx, "Convert", x, destination_type=scale.dtype)
    if zero is not None and not _is_zero(zero):
        y = _raw(ctx, "Subtract", y, to(ctx.b, zero, scale.dtype))
    return _raw(ctx, "Multiply", y, scale)


def quantize(ctx: NodeContext, x: Value, scale: Value, zero: Value | None, target: DType) -> Value:
    """round(x / scale) + zero within the range of the target, with scale and zero broadcasting to x.

    A FakeQuantize for up to eight bits. Of more levels its formula rounds where this one does not, and OpenVINO 2026.4
    takes it for nothing, wherever it stands.
    """
    b = ctx.b
    scale = to(b, scale, x.dtype)
    offset = None if zero is None or _is_zero(zero) else to(b, zero, x.dtype)
    if target.is_float:
        return _to_small_float(ctx, x, scale, offset, target)
    if target.name not in RANGES:
        ctx.fail(f"quantization to {target} is not supported", f"known types: {', '.join(RANGES)} and 8-bit floats")
    low, high = RANGES[target.name]
    low_end, high_end = number(b, low, x.dtype), number(b, high, x.dtype)
    if target.bits <= 8 and scale.is_const and (offset is None or offset.is_const):
        begin, end = ((v if offset is None else b.Subtract(v, offset)) for v in (low_end, high_end))
        y = b.FakeQuantize(
            x, b.Multiply(begin, scale), b.Multiply(end, scale), low_end, high_end, levels=high - low + 1
        )
    else:
        y = b.Round(b.Divide(x, scale), mode="half_to_even")
        y = b.Clamp(y if offset is None else b.Add(y, offset), min=float(low), max=float(high))
    return b.Convert(y, destination_type=target)


def _to_small_float(ctx: NodeContext, x: Value, scale: Value, offset: Value | None, target: DType) -> Value:
    y = ctx.b.Divide(x, scale)
    if offset is not None:
        y = ctx.b.Add(y, offset)
    if ctx.attr("saturate", 1) and target.name in LARGEST:
        y = ctx.b.Clamp(y, min=-LARGEST[target.name], max=LARGEST[target.name])
    return ctx.b.Convert(y, destination_type=target)


def _along(ctx: NodeContext, x: Value, parameter: Value | None, axis: int) -> Value | None:
    """A scale or zero point for each slice of `axis`, shaped so that it broadcasts to x."""
    if parameter is None:
        return None
    if parameter.rank == 0 or parameter.shape == (1,):
        return parameter if parameter.rank == 0 else to_shape(ctx.b, parameter, [])
    if rank(ctx, parameter) != 1:
        ctx.fail(f"the scale or zero point is {parameter.type}", "it must be a scalar, or a vector along `axis`")
    if axis == rank(ctx, x) - 1:
        return parameter
    return to_shape(ctx.b, parameter, [-1, *[1] * (rank(ctx, x) - axis - 1)])


def _axis(ctx: NodeContext, x: Value, scale: Value, default: int = 1) -> int:
    """The attribute `axis`; where scale is for the whole tensor it says nothing and need not be valid."""
    whole = scale.rank == 0 or scale.shape == (1,)
    return 0 if whole else axis_of(ctx, x, ctx.attr("axis", default))


# QuantizeLinear and DequantizeLinear


def _target(ctx: NodeContext, zero: Value | None) -> DType:
    if zero is not None:
        return zero.dtype
    code = ctx.attr("output_dtype", 0)
    return element_type(code, "attribute `output_dtype`") if code else dt.u8


@converter("QuantizeLinear")
@converter("QuantizeLinear", domain=MICROSOFT)
def quantize_linear(ctx: NodeContext) -> Value:
    """FakeQuantize onto the integers, and Convert; per tensor, per axis or in blocks."""
    b, x, scale, zero = ctx.b, ctx.input(0), ctx.input(1), ctx.optional(2)
    target = _target(ctx, zero)
    wide = dt.f32 if x.dtype.is_integer else x.dtype
    if ctx.attr("precision", 0):
        wide = element_type(ctx.attr("precision"), "attribute `precision`")
    x = to(b, x, wide)
    if ctx.attr("block_size", 0):
        blocks = _Blocks(ctx, x)
        return blocks.join(quantize(ctx, blocks.split(x), blocks.spread(scale), blocks.maybe(zero), target))
    axis = _axis(ctx, x, scale)
    return quantize(ctx, x, _some(_along(ctx, x, scale, axis)), _along(ctx, x, zero, axis), target)


@converter("DequantizeLinear")
@converter("DequantizeLinear", domain=MICROSOFT)
def dequantize_linear(ctx: NodeContext) -> Value:
    """Convert, Subtract, Multiply; per tensor, per axis or in blocks."""
    b, x, scale, zero = ctx.b, ctx.input(0), ctx.input(1), ctx.optional(2)
    code = ctx.attr("output_dtype", 0)
    out = element_type(code, "attribute `output_dtype`") if code else scale.dtype
    if ctx.attr("block_size", 0):
        blocks = _Blocks(ctx, x)
        return to(b, blocks.join(dequantize(ctx, blocks.split(x), blocks.spread(scale), blocks.maybe(zero))), out)
    axis = _axis(ctx, x, scale)
    return to(b, dequantize(ctx, x, _some(_along(ctx, x, scale, axis)), _along(ctx, x, zero, axis)), out)


def _some(value: Value | None) -> Value:
    assert value is not None
    return value


class _Blocks:
    """Every `block_size` elements along `axis` share a scale: [.., n * size, ..] <-> [.., n, size, ..]."""

    def __init__(self, ctx: NodeContext, x: Value) -> None:
        self.ctx = ctx
        self.size = int(ctx.attr("block_size"))
        self.axis = axis_of(ctx, x, ctx.attr("axis", 1))
        self.shape = dims(ctx.b, x)
        length = (x.shape or ())[self.axis]
        if not isinstance(length, int) or self.size < 1 or length % self.size:
            ctx.fail(
                f"dimension {length} along axis {self.axis} is no multiple of block_size {self.size}",
                "fix the shape with `--input_shape`, or quantize per axis",
            )
        self.n = length // self.size
        self.rank = rank(ctx, x)

    def split(self, x: Value) -> Value:
        b = self.ctx.b
        front = b.Gather(self.shape, ints(b, range(self.axis)), 0, batch_dims=0)
        back = b.Gather(self.shape, ints(b, range(self.axis + 1, self.rank)), 0, batch_dims=0)
        return b.Reshape(x, b.Concat(front, ints(b, [self.n, self.size]), back, axis=0), special_zero=False)

    def spread(self, parameter: Value) -> Value:
        return self.ctx.b.Unsqueeze(parameter, ints(self.ctx.b, [self.axis + 1]))

    def maybe(self, parameter: Value | None) -> Value | None:
        return None if parameter is None else self.spread(parameter)

    def join(self, x: Value) -> Value:
        return _raw(self.ctx, "Reshape", x, self.shape, special_zero=False)


@converter("DynamicQuantizeLinear")
def dynamic_quantize_linear(ctx: NodeContext) -> list[Value]:
    """Data as u8 with scale and zero point from their own range, which includes zero."""
    return dynamic_quantized(ctx)


def dynamic_quantized(ctx: NodeContext) -> list[Value]:
    """Data as u8 with scale and zero point from their own range, which includes zero."""
    b, x = ctx.b, ctx.input(0)
    flat = x if x.rank is not None else to_shape(b, x, [-1])
    axes = ints(b, range(rank(ctx, flat)))
    zero, top = number(b, 0, x.dtype), number(b, 255, x.dtype)
    high = b.Maximum(b.ReduceMax(flat, axes, keep_dims=False), zero)
    low = b.Minimum(b.ReduceMin(flat, axes, keep_dims=False), zero)
    scale = b.Divide(b.Subtract(high, low), top)
    scale = b.Select(b.Equal(scale, zero), number(b, 1, x.dtype), scale)
    offset = b.Clamp(b.Round(b.Divide(b.Subtract(zero, low), scale), mode="half_to_even"), min=0.0, max=255.0)
    steps = b.Add(b.Round(b.Divide(x, scale), mode="half_to_even"), offset)
    y = b.Convert(b.Clamp(steps, min=0.0, max=255.0), destination_type=dt.u8)
    return [y, scale, b.Convert(offset, destination_type=dt.u8)]


# Operators on integers


def _dequantized(ctx: NodeContext, index: int, axis: int) -> Value:
    """Inputs index, index + 1, index + 2: integers, scale, zero point; as reals."""
    x, scale, zero = ctx.input(index), ctx.input(index + 1), ctx.optional(index + 2)
    return dequantize(ctx, x, _some(_along(ctx, x, scale, axis)), _along(ctx, x, zero, axis))


@converter("QLinearConv")
def qlinear_conv(ctx: NodeContext) -> Value:
    """Convolution of dequantized operands, quantized again. The bias counts in scale(x) * scale(w)."""
    b, bias = ctx.b, ctx.optional(8)
    x, filters = _dequantized(ctx, 0, 1), _dequantized(ctx, 3, 0)
    n = spatial_rank(ctx, x, filters)
    y = convolve(ctx, x, filters, n)
    if bias is not None:
        real = b.Multiply(to(b, bias, dt.f32), b.Multiply(ctx.input(1), ctx.input(4)))
        y = b.Add(y, to_shape(b, real, [1, -1, *[1] * n]))
    return requantized(ctx, y, 6, 7)


def requantized(ctx: NodeContext, y: Value, scale: int, zero: int) -> Value:
    """A result as integers; inputs `scale` and `zero` are for the whole tensor."""
    offset = ctx.optional(zero)
    target = offset.dtype if offset is not None else ctx.input(0).dtype
    return quantize(ctx, y, _some(_along(ctx, y, ctx.input(scale), 0)), _along(ctx, y, offset, 0), target)


@converter("QLinearMatMul")
def qlinear_mat_mul(ctx: NodeContext) -> Value:
    """MatMul of dequantized operands, quantized again."""
    a, w = ctx.input(0), ctx.input(3)
    left = _dequantized(ctx, 0, rank(ctx, a) - 2) if rank(ctx, ctx.input(1)) <= 1 else plain(ctx, 0)
    right = _dequantized(ctx, 3, rank(ctx, w) - 1) if rank(ctx, ctx.input(4)) <= 1 else plain(ctx, 3)
    return requantized(ctx, ctx.b.MatMul(left, right), 6, 7)


def plain(ctx: NodeContext, index: int) -> Value:
    """As `_dequantized`, where scale and zero point broadcast as they are."""
    return dequantize(ctx, ctx.input(index), ctx.input(index + 1), ctx.optional(index + 2))


def _binary(op_type: str, kind: str) -> None:
    def convert(ctx: NodeContext) -> Value:
        return requantized(ctx, getattr(ctx.b, kind)(plain(ctx, 0), plain(ctx, 3)), 6, 7)

    convert.__doc__ = f"{kind} of dequantized operands, quantized again."
    convert.__qualname__ = op_type
    converter(op_type, domain=MICROSOFT)(convert)


_binary("QLinearAdd", "Add")
_binary("QLinearMul", "Multiply")


@converter("QLinearSigmoid", domain=MICROSOFT)
def qlinear_sigmoid(ctx: NodeContext) -> Value:
    """Sigmoid of dequantized data, quantized again."""
    return requantized(ctx, ctx.b.Sigmoid(plain(ctx, 0)), 3, 4)


@converter("QLinearLeakyRelu", domain=MICROSOFT)
def qlinear_leaky_relu(ctx: NodeContext) -> Value:
    """PReLU of dequantized data, quantized again."""
    x = plain(ctx, 0)
    return requantized(ctx, ctx.b.PReLU(x, number(ctx.b, ctx.attr("alpha", 0.01), x.dtype)), 3, 4)


@converter("QLinearConcat", domain=MICROSOFT)
def qlinear_concat(ctx: NodeContext) -> Value:
    """Concat of dequantized data, quantized again. Inputs 0 and 1 are the result's scale and zero point."""
    parts = [plain(ctx, i) for i in range(2, len(ctx.inputs), 3)]
    y = ctx.b.Concat(*parts, axis=ctx.attr("axis"))
    zero = ctx.input(1)
    return quantize(ctx, y, ctx.input(0), zero, zero.dtype)
