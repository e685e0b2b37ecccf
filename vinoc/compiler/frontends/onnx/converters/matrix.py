"""Products of matrices."""

from __future__ import annotations

from .....ir import dtype as dt
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .values import number, to
from .values import reshape as to_shape


@converter("MatMul")
def mat_mul(ctx: NodeContext) -> Value:
    """MatMul."""
    return ctx.b.MatMul(ctx.input(0), ctx.input(1))


@converter("Gemm")
def gemm(ctx: NodeContext) -> Value:
    """alpha * A @ B + beta * C."""
    b, c = ctx.b, ctx.optional(2)
    product = b.MatMul(
        ctx.input(0), ctx.input(1), transpose_a=bool(ctx.attr("transA", 0)), transpose_b=bool(ctx.attr("transB", 0))
    )
    y = _scaled(ctx, product, ctx.attr("alpha", 1.0))
    beta = ctx.attr("beta", 1.0)
    if c is None or beta == 0.0:
        return y
    return b.Add(y, _scaled(ctx, c, beta))


def _scaled(ctx: NodeContext, x: Value, factor: float) -> Value:
    if factor == 1.0:
        return x
    if x.dtype.is_float:
        return ctx.b.Multiply(x, number(ctx.b, factor, x.dtype))
    # The factor may be a fraction: integers are scaled in f32.
    return to(ctx.b, ctx.b.Multiply(to(ctx.b, x, dt.f32), number(ctx.b, factor, dt.f32)), x.dtype)


@converter("Einsum")
def einsum(ctx: NodeContext) -> Value:
    """Einsum."""
    inputs = [ctx.input(i) for i in range(len(ctx.inputs))]
    return ctx.b.Einsum(*inputs, equation=ctx.attr("equation").replace(" ", ""))


@converter("MatMulInteger")
def mat_mul_integer(ctx: NodeContext) -> Value:
    """MatMul of operands less their zero points, in f32."""
    b = ctx.b
    a, w = _centred(ctx, 0, 2, row=True), _centred(ctx, 1, 3, row=False)
    return to(b, b.MatMul(a, w), dt.i32)


def _centred(ctx: NodeContext, index: int, zero_index: int, row: bool) -> Value:
    """An operand less its zero point, one for each row of A or column of B, as f32."""
    b, values, zero = ctx.b, ctx.input(index), ctx.optional(zero_index)
    out = to(b, values, dt.f32)
    if zero is None:
        return out
    zero = to(b, zero, dt.f32)
    if row and zero.rank == 1 and zero.shape != (1,):
        zero = to_shape(b, zero, [-1, 1])
    return b.Subtract(out, zero)
