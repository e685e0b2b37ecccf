"""Products of matrices."""

from __future__ import annotations

from .....ir import dtype as dt
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .einstein import written_out
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
    """Products of matrices, sums and transposes; Einsum for diagonals, integers, and ranks that are not known."""
    inputs = [ctx.input(i) for i in range(len(ctx.inputs))]
    equation = ctx.attr("equation").replace(" ", "")
    found = written_out(ctx.b, equation, inputs)
    return ctx.b.Einsum(*inputs, equation=equation) if found is None else found


@converter("MatMulInteger")
def mat_mul_integer(ctx: NodeContext) -> Value:
    """IntegerMatMul: exact, modulo 2^32. In IR sums are f32: exact below 2^24."""
    a, w, row, column = ctx.input(0), ctx.input(1), zero_point(ctx, 2, 0), zero_point(ctx, 3, 1)
    if row.rank == 1 and row.shape != (1,):
        row = to_shape(ctx.b, row, [-1, 1])
    found: Value = ctx.b.IntegerMatMul(a, w, row, column)
    return found


def zero_point(ctx: NodeContext, index: int, of: int) -> Value:
    """The zero point of an operand, as it is given; 0 where it is left out."""
    given = ctx.optional(index)
    return number(ctx.b, 0, ctx.input(of).dtype) if given is None else given
