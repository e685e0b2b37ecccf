"""The operators that ONNX Runtime's optimizer writes into models (domain com.microsoft)."""

from __future__ import annotations

from collections.abc import Sequence

from .....ir.builder import Builder
from .....ir.dtype import i32, i64
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import MICROSOFT, converter
from .values import ints, number, rank


@converter("FusedMatMul", since=1, domain=MICROSOFT)
@converter("TransposeMatMul", since=1, domain=MICROSOFT)
def fused_mat_mul(ctx: NodeContext) -> Value:
    b, a, w = ctx.b, ctx.input(0), ctx.input(1)
    a, w = _batch_last(ctx, a, "transBatchA"), _batch_last(ctx, w, "transBatchB")
    out = b.MatMul(a, w, transpose_a=bool(ctx.attr("transA", 0)), transpose_b=bool(ctx.attr("transB", 0)))
    alpha = ctx.attr("alpha", 1.0)
    return out if alpha == 1.0 else b.Multiply(out, float(alpha))


def _batch_last(ctx: NodeContext, x: Value, attribute: str) -> Value:
    """`transBatch`: [M, B.., K] stands for [B.., M, K]."""
    if not ctx.attr(attribute, 0):
        return x
    n = rank(ctx, x)
    return ctx.b.Transpose(x, ints(ctx.b, [*range(1, n - 1), 0, n - 1]))


@converter("Gelu", since=1, domain=MICROSOFT)
def gelu(ctx: NodeContext) -> Value:
    return ctx.b.Gelu(ctx.input(0), approximation_mode="ERF")


@converter("BiasGelu", since=1, domain=MICROSOFT)
def bias_gelu(ctx: NodeContext) -> Value:
    return ctx.b.Gelu(ctx.b.Add(ctx.input(0), ctx.input(1)), approximation_mode="ERF")


@converter("FastGelu", since=1, domain=MICROSOFT)
def fast_gelu(ctx: NodeContext) -> Value:
    x, bias = ctx.input(0), ctx.optional(1)
    return ctx.b.Gelu(x if bias is None else ctx.b.Add(x, bias), approximation_mode="TANH")


@converter("QuickGelu", since=1, domain=MICROSOFT)
def quick_gelu(ctx: NodeContext) -> Value:
    """x * sigmoid(alpha * x)."""
    x = ctx.input(0)
    return ctx.b.Swish(x, number(ctx.b, ctx.attr("alpha", 1.702), x.dtype))


@converter("SkipLayerNormalization", since=1, domain=MICROSOFT)
def skip_layer_normalization(ctx: NodeContext) -> Sequence[Value | None]:
    """normalize(x + skip + bias) * gamma + beta over the last axis. Outputs: result, mean, 1 / deviation, the sum."""
    b, gamma, beta, bias = ctx.b, ctx.input(2), ctx.optional(3), ctx.optional(4)
    total = _sum(b, ctx.input(0), ctx.input(1), bias)
    out = b.MVN(total, [-1], eps=ctx.attr("epsilon", 1e-12), normalize_variance=True, eps_mode="INSIDE_SQRT")
    out = b.Multiply(out, gamma)
    if beta is not None:
        out = b.Add(out, beta)
    return _with_statistics(ctx, out, total, centred=True)


@converter("SkipSimplifiedLayerNormalization", since=1, domain=MICROSOFT)
def skip_rms_normalization(ctx: NodeContext) -> Sequence[Value | None]:
    """The same without centring: x / sqrt(mean(x^2) + eps)."""
    b, gamma, bias = ctx.b, ctx.input(2), ctx.optional(3)
    total = _sum(b, ctx.input(0), ctx.input(1), bias)
    inverse = _inverse_deviation(ctx, total)
    return _with_statistics(ctx, b.Multiply(b.Multiply(total, inverse), gamma), total, centred=False)


def _sum(b: Builder, x: Value, skip: Value, bias: Value | None) -> Value:
    total = b.Add(x, skip)
    return total if bias is None else b.Add(total, bias)


def _inverse_deviation(ctx: NodeContext, centred: Value) -> Value:
    b = ctx.b
    variance = b.ReduceMean(b.Multiply(centred, centred), [-1], keep_dims=True)
    return b.Divide(number(b, 1, centred.dtype), b.Sqrt(b.Add(variance, float(ctx.attr("epsilon", 1e-12)))))


def _with_statistics(ctx: NodeContext, out: Value, total: Value, centred: bool) -> Sequence[Value | None]:
    """The outputs that the node has; mean and deviation are training's and computed on request alone."""
    b = ctx.b
    if not (ctx.wants(1) or ctx.wants(2)):
        return [out, None, None, total][: ctx.n_outputs]
    mean = b.ReduceMean(total, [-1], keep_dims=True)
    inverse = _inverse_deviation(ctx, b.Subtract(total, mean) if centred else total)
    return [out, mean, inverse, total][: ctx.n_outputs]


@converter("EmbedLayerNormalization", since=1, domain=MICROSOFT)
def embed_layer_normalization(ctx: NodeContext) -> Sequence[Value | None]:
    """Word + position (+ segment) embeddings, normalized. Outputs: result, mask index, the sum."""
    b, ids, segments = ctx.b, ctx.input(0), ctx.optional(1)
    words, positions, types = ctx.input(2), ctx.input(3), ctx.optional(4)
    gamma, beta, mask, given = ctx.input(5), ctx.input(6), ctx.optional(7), ctx.optional(8)
    if given is None:
        length = b.Gather(b.ShapeOf(ids, output_type=i64), number(b, 1, i64), 0, batch_dims=0)
        given = b.Range(number(b, 0, i64), length, 1, output_type=i64)
    total = b.Add(b.Gather(words, ids, 0, batch_dims=0), b.Gather(positions, given, 0, batch_dims=0))
    if segments is not None and types is not None:
        total = b.Add(total, b.Gather(types, segments, 0, batch_dims=0))
    out = b.MVN(total, [-1], eps=ctx.attr("epsilon", 1e-12), normalize_variance=True, eps_mode="INSIDE_SQRT")
    out = b.Add(b.Multiply(out, gamma), beta)
    outputs: list[Value | None] = [out]
    if ctx.n_outputs > 1:
        outputs.append(_mask_index(ctx, ids, mask))
    if ctx.n_outputs > 2:
        outputs.append(total)
    return outputs


def _mask_index(ctx: NodeContext, ids: Value, mask: Value | None) -> Value:
    """How many tokens of each row count; zero for all where there is no mask."""
    b = ctx.b
    if mask is not None:
        return b.Convert(b.ReduceSum(mask, [1], keep_dims=False), destination_type=i32)
    rows = b.Gather(b.ShapeOf(ids, output_type=i64), ints(b, [0]), 0, batch_dims=0)
    return b.Broadcast(number(b, 0, i32), rows, mode="numpy")
