"""Losses, which models exported with their training head compute."""

from __future__ import annotations

from .....ir import dtype as dt
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .values import ints, number, rank, to


@converter("NegativeLogLikelihoodLoss", since=12)
def negative_log_likelihood(ctx: NodeContext) -> Value:
    """Minus the log-probability of the target class, weighted and reduced."""
    return _likelihood(ctx, ctx.input(0))


@converter("SoftmaxCrossEntropyLoss", since=12)
def softmax_cross_entropy(ctx: NodeContext) -> list[Value]:
    """LogSoftmax over the classes, then the negative log-likelihood; the log-probabilities on request."""
    logarithms = ctx.b.LogSoftmax(ctx.input(0), axis=1)
    loss = _likelihood(ctx, logarithms)
    return [loss, logarithms] if ctx.wants(1) else [loss]


def _likelihood(ctx: NodeContext, logarithms: Value) -> Value:
    """[N, C, ..] at the targets [N, ..]; elements with the target `ignore_index` weigh nothing."""
    b, target, weight = ctx.b, to(ctx.b, ctx.input(1), dt.i64), ctx.optional(2)
    counted = None
    if ctx.has("ignore_index"):
        counted = b.NotEqual(target, number(b, ctx.attr("ignore_index", 0), dt.i64))
        target = b.Select(counted, target, number(b, 0, dt.i64))
    picked = b.Squeeze(b.GatherElements(logarithms, b.Unsqueeze(target, ints(b, [1])), axis=1), ints(b, [1]))
    loss = b.Negative(picked)
    zero, one = number(b, 0, loss.dtype), number(b, 1, loss.dtype)
    weights = None if weight is None else b.Gather(weight, target, number(b, 0, dt.i64), batch_dims=0)
    if counted is not None:
        weights = b.Select(counted, one if weights is None else weights, zero)
        loss = b.Select(counted, loss, zero)
    if weights is not None:
        loss = b.Multiply(loss, weights)
    reduction = ctx.attr("reduction", "mean")
    if reduction == "none":
        return loss
    if reduction not in ("sum", "mean"):
        ctx.fail(f"attribute `reduction` is '{reduction}'", "ONNX knows none, sum, mean")
    axes = ints(b, range(rank(ctx, loss)))
    if reduction == "mean" and weights is None:
        return b.ReduceMean(loss, axes, keep_dims=False)
    total = b.ReduceSum(loss, axes, keep_dims=False)
    if reduction == "sum" or weights is None:
        return total
    whole = b.Broadcast(weights, b.ShapeOf(loss, output_type=dt.i64), mode="numpy")
    return b.Divide(total, b.ReduceSum(whole, axes, keep_dims=False))
