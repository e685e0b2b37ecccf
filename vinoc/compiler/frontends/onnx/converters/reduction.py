"""Reductions, searches for extremes, running sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .....ir.builder import Builder
from .....ir.dim import bounds
from .....ir.dtype import boolean, i64
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .values import INT_MIN, all_axes, concat, dim, dims, integers, ints, number, reshape, scalar, to

Reduction = Callable[[Builder, Value, Value, bool], Value]
"""(builder, data, axes, keep_dims) -> reduced."""
Elementwise = Callable[[Builder, Value], Value]
"""What is left of a reduction over no axes, which `noop_with_empty_axes` asks for."""


def _plain(kind: str) -> Reduction:
    def reduce(b: Builder, x: Value, axes: Value, keep: bool) -> Value:
        return getattr(b, kind)(x, axes, keep_dims=keep)

    return reduce


def _extreme(kind: str, of_booleans: str) -> Reduction:
    def reduce(b: Builder, x: Value, axes: Value, keep: bool) -> Value:
        return getattr(b, of_booleans if x.dtype is boolean else kind)(x, axes, keep_dims=keep)

    return reduce


def _log_sum(b: Builder, x: Value, axes: Value, keep: bool) -> Value:
    return b.Log(b.ReduceSum(x, axes, keep_dims=keep))


def _log_sum_exp(b: Builder, x: Value, axes: Value, keep: bool) -> Value:
    """log sum exp(x) = m + log sum exp(x - m), where m is the maximum, or 0 where that is infinite."""
    top = b.ReduceMax(x, axes, keep_dims=True)
    top = b.Select(b.IsFinite(top), top, number(b, 0, x.dtype))
    total = b.Add(b.Log(b.ReduceSum(b.Exp(b.Subtract(x, top)), axes, keep_dims=True)), top)
    return total if keep else b.Squeeze(total, axes)


def _sum_square(b: Builder, x: Value, axes: Value, keep: bool) -> Value:
    return b.ReduceSum(b.Multiply(x, x), axes, keep_dims=keep)


def _by_attribute(reduce: Reduction) -> Callable[[NodeContext], Value]:
    def convert(ctx: NodeContext) -> Value:
        x, axes = ctx.input(0), ctx.attr("axes", None)
        which = ints(ctx.b, axes) if axes else all_axes(ctx.b, x)
        return reduce(ctx.b, x, which, bool(ctx.attr("keepdims", 1)))

    return convert


def _by_input(reduce: Reduction, alone: Elementwise) -> Callable[[NodeContext], Value]:
    def convert(ctx: NodeContext) -> Value:
        """Over the given axes, over all where none are."""
        x, axes = ctx.input(0), ctx.optional(1)
        keep = bool(ctx.attr("keepdims", 1))
        noop = bool(ctx.attr("noop_with_empty_axes", 0))
        if axes is None or axes.shape == (0,):
            if noop:
                return alone(ctx.b, x)
            axes = all_axes(ctx.b, x)
        axes = integers(ctx, axes)
        if not noop and (axes.shape is None or any(bounds(d)[0] == 0 for d in axes.shape)):
            axes = _or_all(ctx.b, axes, x)
        return reduce(ctx.b, x, axes, keep)

    return convert


def _or_all(b: Builder, axes: Value, x: Value) -> Value:
    """The axes, behind which come all those of x where there are none."""
    given, whole = reshape(b, to(b, axes, i64), [-1]), all_axes(b, x)
    is_empty = b.Equal(dims(b, given), number(b, 0, i64))
    stop = b.Select(is_empty, dims(b, whole), number(b, 0, i64))
    return concat(b, [given, b.Slice(whole, [0], stop, [1], [0])])


def _same(b: Builder, x: Value) -> Value:
    return b.Identity(x)


for _name, _reduce, _alone, _axes_are_input in (
    ("ReduceSum", _plain("ReduceSum"), _same, 13),
    ("ReduceMean", _plain("ReduceMean"), _same, 18),
    ("ReduceProd", _plain("ReduceProd"), _same, 18),
    ("ReduceMax", _extreme("ReduceMax", "ReduceLogicalOr"), _same, 18),
    ("ReduceMin", _extreme("ReduceMin", "ReduceLogicalAnd"), _same, 18),
    ("ReduceL1", _plain("ReduceL1"), lambda b, x: b.Abs(x), 18),
    ("ReduceL2", _plain("ReduceL2"), lambda b, x: b.Abs(x), 18),
    ("ReduceLogSum", _log_sum, lambda b, x: b.Log(x), 18),
    ("ReduceLogSumExp", _log_sum_exp, _same, 18),
    ("ReduceSumSquare", _sum_square, lambda b, x: b.Multiply(x, x), 18),
):
    converter(_name, since=1)(_by_attribute(_reduce))
    converter(_name, since=_axes_are_input)(_by_input(_reduce, _alone))


def _arg(mode: str) -> Callable[[NodeContext], Value]:
    def convert(ctx: NodeContext) -> Value:
        b, x, axis = ctx.b, ctx.input(0), ctx.attr("axis", 0)
        last = ctx.attr("select_last_index", 0)
        data = b.Slice(x, [-1], [INT_MIN], [-1], [axis]) if last else x
        index = b.TopK(data, 1, axis=axis, mode=mode, sort="value", index_element_type=i64, stable=True)[1]
        if last:  # the first among the mirrored elements
            index = b.Subtract(b.Subtract(dim(b, x, axis), 1), index)
        return index if ctx.attr("keepdims", 1) else b.Squeeze(index, [axis])

    return convert


converter("ArgMax", since=1)(_arg("max"))
converter("ArgMin", since=1)(_arg("min"))


@converter("CumSum", since=11)
def cum_sum(ctx: NodeContext) -> Value:
    axis = scalar(ctx.b, integers(ctx, ctx.input(1)))
    exclusive, reverse = bool(ctx.attr("exclusive", 0)), bool(ctx.attr("reverse", 0))
    return ctx.b.CumSum(ctx.input(0), axis, exclusive=exclusive, reverse=reverse)


@converter("TopK", since=1)
def top_k_of_attribute(ctx: NodeContext) -> Sequence[Value]:
    return _top_k(ctx, ctx.b.const(np.int64(ctx.attr("k"))))


@converter("TopK", since=10)
def top_k(ctx: NodeContext) -> Sequence[Value]:
    return _top_k(ctx, scalar(ctx.b, integers(ctx, ctx.input(1))))


def _top_k(ctx: NodeContext, k: Value) -> Sequence[Value]:
    """Equal elements come in the order of their indices, so the sort is stable."""
    mode = "max" if ctx.attr("largest", 1) else "min"
    axis = ctx.attr("axis", -1)
    return ctx.b.TopK(ctx.input(0), k, axis=axis, mode=mode, sort="value", index_element_type=i64, stable=True)
