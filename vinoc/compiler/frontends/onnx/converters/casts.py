"""Cast and CastLike: between numbers of all widths, and between numbers and strings."""

from __future__ import annotations

from math import prod

from .....ir.dtype import DType, bf16, boolean, f8e8m0, f16, f32, i32, string, u8, u32
from .....ir.graph import Value
from .....ir.types import static_shape
from ..context import NodeContext
from ..registry import converter
from ..tensors import ELEMENT_TYPES
from . import values
from .values import LARGEST, number, to

LARGE = 1 << 16
"""Elements of a matrix from which on it is left compressed."""

ROUND_MODES = ("up", "down", "nearest")


def _cast(ctx: NodeContext, x: Value, dtype: DType) -> Value:
    """A conversion; to eight-bit floats (opset 19) saturating, infinity included, unless asked not to."""
    b = ctx.b
    if x.dtype is dtype:
        return x
    if string in (x.dtype, dtype):
        return b.StringToNumber(x, destination_type=dtype) if x.dtype is string else b.NumberToString(x)
    if dtype is f8e8m0:
        return _to_exponent(ctx, x)
    if dtype.is_integer and dtype.packed and not x.dtype.is_integer and x.dtype is not boolean:
        x = to(b, x, i32)  # then the higher bits are dropped, as among integers
    limit = LARGEST.get(dtype.name) if dtype.bits == 8 else None
    if limit is not None and x.dtype.is_float and ctx.attr("saturate", 1):
        x = b.Clamp(x, min=-limit, max=limit)
    if dtype is f32 and _is_compressed(x):
        return b.Convert(x, destination_type=f32, decompression=True)
    return to(b, x, dtype)


def _is_compressed(x: Value) -> bool:
    """Whether a constant is a large matrix of 16 bits: weights that are stored so, and may stay so."""
    shape = static_shape(x.tensor.shape)
    return x.is_const and x.dtype in (f16, bf16) and shape is not None and len(shape) == 2 and prod(shape) >= LARGE


def _to_exponent(ctx: NodeContext, x: Value) -> Value:
    """The bits of an f8e8m0, which are the biased exponent of a power of two; 255 is NaN.

    In f32 the same exponent stands above 23 bits of fraction; below 2^-126 it is 0 and the fraction counts on its own.
    """
    b = ctx.b
    mode = ctx.attr("round_mode", "up")
    if mode not in ROUND_MODES:
        ctx.fail(f"attribute `round_mode` is '{mode}'", f"ONNX knows {', '.join(ROUND_MODES)}")
    x = to(b, x, f32)
    bits = b.BitCast(b.Abs(x), destination_type=u32)
    one = number(b, 1, u32)
    exponent = b.BitwiseRightShift(bits, number(b, 23, u32))
    fraction = b.BitwiseAnd(bits, number(b, (1 << 23) - 1, u32))
    half = number(b, 1 << 22, u32)
    tiny = b.Equal(exponent, number(b, 0, u32))
    if mode == "down":
        code = exponent
    else:
        above = b.Greater(fraction, number(b, 0, u32)) if mode == "up" else b.GreaterEqual(fraction, half)
        above = b.Select(tiny, b.Greater(fraction, half), above)
        code = b.Select(above, b.Add(exponent, one), exponent)
    least, most = number(b, 0, f32), number(b, 2.0**127, f32)
    if ctx.attr("saturate", 1):
        code = b.Minimum(code, number(b, 254, u32))
        lost = b.IsNaN(x)
    else:
        outside = b.LogicalOr(b.LessEqual(b.Abs(x), least), b.Greater(b.Abs(x), most))
        lost = b.LogicalOr(b.IsNaN(x), outside)
    code = b.Select(lost, number(b, 255, u32), code)
    return b.BitCast(to(b, code, u8), destination_type=f8e8m0)


@converter("Cast", since=1)
def cast_by_name(ctx: NodeContext) -> Value:
    """Before opset 6 the type is named by a string."""
    from onnx import TensorProto

    name = ctx.attr("to").upper()
    if name not in TensorProto.DataType.keys():  # noqa: SIM118  # an enum wrapper of protobuf, no dict
        ctx.fail(f"attribute `to` is '{name}', which is no element type", "see TensorProto.DataType in onnx.proto")
    return _cast(ctx, ctx.input(0), ELEMENT_TYPES[TensorProto.DataType.Value(name)])


@converter("Cast", since=6)
def cast(ctx: NodeContext) -> Value:
    """Convert; floats to integers of less than a byte by way of i32."""
    return _cast(ctx, ctx.input(0), values.element_type(ctx, "to"))


@converter("CastLike", since=15)
def cast_like(ctx: NodeContext) -> Value:
    """Cast to the type of the second input."""
    return _cast(ctx, ctx.input(0), ctx.input(1).dtype)
