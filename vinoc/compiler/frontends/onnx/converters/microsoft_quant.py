"""Quantized products of ONNX Runtime (domain com.microsoft)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from .....ir import dtype as dt
from .....ir.buffer import Buffer, unpack
from .....ir.dtype import Array, DType
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import MICROSOFT, converter
from .quantization import _raw, dequantize, dynamic_quantized, quantize
from .values import ints, number, rank, reshape, to

WIDTHS: dict[int, DType] = {2: dt.u2, 4: dt.u4, 8: dt.u8}

Operand: TypeAlias = tuple[Value, Value, Value | None]
"""Integers, their scale, their zero point."""


def _columns(ctx: NodeContext, value: Value | None) -> Value | None:
    """A parameter of the second operand: for all, or one for each column."""
    if value is None or rank(ctx, value) == 0:
        return value
    return reshape(ctx.b, value, [] if value.shape == (1,) else [1, -1])


def _all(ctx: NodeContext, value: Value | None) -> Value | None:
    """A parameter for the whole tensor, as a scalar."""
    return None if value is None else reshape(ctx.b, value, [])


def scaled_sums(ctx: NodeContext, left: Operand, right: Operand) -> Value:
    """(a - a_zero) @ (b - b_zero), exact, times both scales. `left` is (a, scale, zero point), `right` that of b."""
    b, (a, a_scale, a_zero), (w, w_scale, w_zero) = ctx.b, left, right
    factor, shift = _all(ctx, a_scale), _all(ctx, a_zero)
    scale, zero = _columns(ctx, w_scale), _columns(ctx, w_zero)
    zeros = [number(b, 0, x.dtype) if z is None else z for x, z in ((a, shift), (w, zero))]
    sums = b.Convert(b.IntegerMatMul(a, w, *zeros), destination_type=dt.f32)
    found: Value = b.Multiply(sums, b.Multiply(factor, scale))
    return found


@converter("DynamicQuantizeMatMul", domain=MICROSOFT)
def dynamic_quantize_mat_mul(ctx: NodeContext) -> Value:
    """DynamicQuantizeLinear of the data, IntegerMatMul, Multiply by the scales, Add."""
    values, scale, zero = dynamic_quantized(ctx)
    y = scaled_sums(ctx, (values, scale, zero), (ctx.input(1), ctx.input(2), ctx.optional(3)))
    bias = ctx.optional(4)
    return y if bias is None else ctx.b.Add(y, bias)


@converter("MatMulIntegerToFloat", domain=MICROSOFT)
def mat_mul_integer_to_float(ctx: NodeContext) -> Value:
    """IntegerMatMul, Multiply by the scales, Add."""
    left = ctx.input(0), ctx.input(2), ctx.optional(4)
    y = scaled_sums(ctx, left, (ctx.input(1), ctx.input(3), ctx.optional(5)))
    bias = ctx.optional(6)
    return y if bias is None else ctx.b.Add(y, bias)


@converter("QGemm", domain=MICROSOFT)
def q_gemm(ctx: NodeContext) -> Value:
    """alpha * A B + C of dequantized operands, where C counts in scale(A) * scale(B); quantized again, or as reals."""
    b = ctx.b
    a_scale, b_scale = _all(ctx, ctx.input(1)), ctx.input(4)
    assert a_scale is not None
    left = dequantize(ctx, ctx.input(0), a_scale, _all(ctx, ctx.input(2)))
    turned = bool(ctx.attr("transB", 0))
    factor, zero = b_scale, ctx.optional(5)
    if rank(ctx, b_scale) == 1 and b_scale.shape != (1,):
        shape = [-1, 1] if turned else [1, -1]
        factor, zero = reshape(b, b_scale, shape), None if zero is None else reshape(b, zero, shape)
    else:
        factor, zero = reshape(b, b_scale, []), _all(ctx, zero)
    right = dequantize(ctx, ctx.input(3), factor, zero)
    y = b.MatMul(left, right, transpose_a=bool(ctx.attr("transA", 0)), transpose_b=turned)
    c, alpha = ctx.optional(6), float(ctx.attr("alpha", 1.0))
    if c is not None:
        y = b.Add(y, b.Multiply(to(b, c, dt.f32), b.Multiply(a_scale, reshape(b, b_scale, [-1]))))
    y = y if alpha == 1.0 else b.Multiply(y, alpha)
    scale, offset = ctx.optional(7), ctx.optional(8)
    if scale is None:
        return y
    target = offset.dtype if offset is not None else ctx.input(0).dtype
    return quantize(ctx, y, reshape(b, scale, []), _all(ctx, offset), target)


@converter("QLinearSoftmax", domain=MICROSOFT)
def q_linear_softmax(ctx: NodeContext) -> Value:
    """SoftMax of dequantized data, quantized again."""
    b, x = ctx.b, ctx.input(0)
    real = dequantize(ctx, x, reshape(b, ctx.input(1), []), _all(ctx, ctx.optional(2)))
    axis = int(ctx.attr("axis", -1))
    if ctx.attr("opset") < 13 and axis % rank(ctx, x) != rank(ctx, x) - 1:
        ctx.fail("QLinearSoftmax over several dimensions is not supported", "quantize with opset 13 or newer")
    zero = ctx.input(4)
    return quantize(ctx, b.SoftMax(real, axis=axis), reshape(b, ctx.input(3), []), _all(ctx, zero), zero.dtype)


@converter("QLinearWhere", domain=MICROSOFT)
def q_linear_where(ctx: NodeContext) -> Value:
    """Select of dequantized data, quantized again."""
    b = ctx.b
    parts = [
        dequantize(ctx, ctx.input(i), reshape(b, ctx.input(i + 1), []), _all(ctx, ctx.input(i + 2))) for i in (1, 4)
    ]
    zero = ctx.input(8)
    y = b.Select(ctx.input(0), *parts)
    return quantize(ctx, y, reshape(b, ctx.input(7), []), _all(ctx, zero), zero.dtype)


@converter("GatherBlockQuantized", domain=MICROSOFT)
def gather_block_quantized(ctx: NodeContext) -> Value:
    """Gather of codes, of scales and of zero points; then (code - zero point) * scale, block by block."""
    b, codes, where, scales, zeros = ctx.b, ctx.const(0), ctx.input(1), ctx.input(2), ctx.optional(3)
    n, bits = rank(ctx, ctx.input(0)), int(ctx.attr("bits", 4))
    axis, along = int(ctx.attr("gather_axis", 0)) % n, int(ctx.attr("quantize_axis", 1)) % n
    packed = ctx.input(0).dtype is dt.u8
    if codes is None or bits not in WIDTHS or axis == along:
        ctx.fail("its codes are no constant, or not of 2, 4 or 8 bits, or gathered along their blocks")
    if packed:  # several in a byte along the last axis
        codes = _unpacked(codes, bits)
        if zeros is not None and zeros.dtype is dt.u8:
            zeros = b.const(_unpacked(_constant(ctx, zeros), bits)[..., : (scales.shape or (1,))[-1]])
    levels = b.const(codes.astype(np.int8 if codes.dtype.kind == "i" else np.uint8))
    block = np.arange(codes.shape[along]) // int(ctx.attr("block_size", 128))
    moved = along + rank(ctx, where) - 1 if along > axis else along

    def chosen(parameter: Value) -> Value:
        """Of scales or zero points those of each element that is gathered."""
        rows = b.Gather(parameter, where, axis, batch_dims=0)
        found: Value = b.Gather(to(b, rows, scales.dtype), ints(b, block.tolist()), moved, batch_dims=0)
        return found

    real = b.Convert(b.Gather(levels, where, axis, batch_dims=0), destination_type=scales.dtype)
    if zeros is not None:
        real = b.Subtract(real, chosen(zeros))
    elif packed:
        real = b.Subtract(real, float(1 << (bits - 1)))
    return b.Multiply(real, chosen(scales))


def _unpacked(codes: Array, bits: int) -> Array:
    """[.., n] bytes as [.., n * 8 / bits] codes."""
    raw = np.ascontiguousarray(codes)
    return unpack(WIDTHS[bits], raw.reshape(-1), (*raw.shape[:-1], raw.shape[-1] * 8 // bits))


def _constant(ctx: NodeContext, value: Value) -> Array:
    array = value.const
    if array is None:
        ctx.fail("the zero points are no constant", "GatherBlockQuantized is supported for constant ones")
    return array


@converter("MatMulNBits", domain=MICROSOFT)
def mat_mul_n_bits(ctx: NodeContext) -> Value:
    """MatMul with weights that are unpacked here: blocks of `bits`-bit codes, each with a scale and a zero point."""
    b, x, bits = ctx.b, ctx.input(0), int(ctx.attr("bits", 4))
    n, k, size = int(ctx.attr("N")), int(ctx.attr("K")), int(ctx.attr("block_size"))
    codes, scales, zeros = ctx.const(1), ctx.input(2), ctx.optional(3)
    if bits not in WIDTHS:
        ctx.fail(f"weights of {bits} bits are not supported", f"{', '.join(map(str, WIDTHS))} bits are")
    if codes is None or (zeros is not None and not zeros.is_const):
        ctx.fail("the weights are no constant", "MatMulNBits is supported for constant weights and zero points")
    if ctx.optional(4) is not None or ctx.attr("weight_prepacked", 0):
        ctx.fail("`g_idx` and prepacked weights are not supported", "quantize again without reordering")
    blocks = -(-k // size)
    if codes.size * 8 != n * blocks * size * bits:
        ctx.fail(f"{codes.size} bytes of weights are given for {n} x {blocks} blocks of {size}")
    kind = WIDTHS[bits]
    values = _buffer(kind, codes, (n, blocks, size))
    zero = b.const(_zero_points(ctx, zeros, bits, n, blocks), x.dtype)
    weights = dequantize(ctx, b.const(values), to(b, reshape(b, scales, [n, blocks, 1]), x.dtype), zero)
    weights = _raw(ctx, "Reshape", weights, ints(b, [n, blocks * size]), special_zero=False)
    if blocks * size != k:
        weights = b.Slice(weights, ints(b, [0]), ints(b, [k]), ints(b, [1]), ints(b, [1]))
    y = b.MatMul(x, weights, transpose_b=True)
    bias = ctx.optional(5)
    return y if bias is None else b.Add(y, bias)


def _buffer(kind: DType, codes: Array, shape: tuple[int, ...]) -> Buffer:
    raw = np.ascontiguousarray(codes).reshape(-1).view(np.uint8)
    return Buffer.of(unpack(kind, raw, shape), kind)


def _zero_points(ctx: NodeContext, zeros: Value | None, bits: int, n: int, blocks: int) -> Array:
    """[n, blocks, 1] reals: packed codes row by row, numbers, or the middle of the range."""
    if zeros is None:
        return np.full((n, blocks, 1), 1 << (bits - 1), ctx.input(0).dtype.numpy)
    array = zeros.const
    assert array is not None  # checked before
    if zeros.dtype is not dt.u8:
        return array.reshape(n, blocks, 1).astype(ctx.input(0).dtype.numpy)
    width = -(-blocks * bits // 8)
    rows = unpack(WIDTHS[bits], np.ascontiguousarray(array).reshape(-1).view(np.uint8), (n, width * 8 // bits))
    return rows[:, :blocks].reshape(n, blocks, 1).astype(ctx.input(0).dtype.numpy)
