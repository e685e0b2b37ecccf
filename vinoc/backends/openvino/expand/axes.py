"""Axes that are computed: OpenVINO's CPU device needs a rank that follows without their values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import f32, i64
from ....ir.graph import Value
from ....passes.kinds import LOGICAL_REDUCTIONS, REDUCTIONS
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite


def _count(axes: Value) -> int | None:
    """How many axes there are, where their values are not known but their number is."""
    shape = axes.shape
    if axes.known is not None or shape is None or len(shape) > 1:
        return None
    count = shape[0] if shape else 1
    return count if isinstance(count, int) and count else None


def _named(b: Builder, axes: Value, count: int, rank: int) -> Value:
    """[rank]: whether each axis is in the list, which may count from the end."""
    wide = axes if axes.dtype is i64 else b.Convert(axes, destination_type=i64)
    column = b.Reshape(wide, b.const(np.array([count, 1])), special_zero=False)
    places = np.arange(rank)[None]
    hit = b.LogicalOr(b.Equal(column, b.const(places)), b.Equal(column, b.const(places - rank)))
    return b.ReduceLogicalOr(hit, b.const(np.array([0])), keep_dims=False)


def exchange(b: Builder, axis: Value, rank: int) -> Value:
    """The order in which the axis and the first one have changed places; it is its own inverse."""
    wide = axis if axis.dtype is i64 else b.Convert(axis, destination_type=i64)
    places, zero = b.const(np.arange(rank)), b.const(0)
    at = b.Select(b.Less(wide, zero), b.Add(wide, b.const(rank)), wide)
    elsewhere = b.Select(b.Equal(places, at), zero, places)
    return b.Select(b.Equal(places, zero), at, elsewhere)


@rewrite
class UnsqueezeComputedAxes(Rewrite):
    """Unsqueeze(x; axes) = Reshape(x; s), where s_i is 1 for i in axes, else the next dimension of x.

    The dimension of place i is that of x at i less the number of axes up to i.
    """

    def pattern(self, p: Tracer, x: Any, axes: Any) -> OpPattern:
        return p.Unsqueeze(x, axes)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        count, rank = _count(m.axes), m.x.rank
        if count is None or rank is None:
            return Decline("the axes are known, or the rank is not")
        total = rank + count
        ones = b.const(np.ones(total, np.int64))
        if not rank:
            return b.Reshape(m.x, ones, special_zero=False)
        new = _named(b, m.axes, count, total)
        before = b.CumSum(b.Convert(new, destination_type=i64), b.const(0), exclusive=False, reverse=False)
        place = b.Maximum(b.Subtract(b.const(np.arange(total)), before), b.const(0))
        place = b.Minimum(place, b.const(rank - 1))
        dims = b.Gather(b.ShapeOf(m.x, output_type=i64), place, b.const(0), batch_dims=0)
        return b.Reshape(m.x, b.Select(new, ones, dims), special_zero=False)


@rewrite
class ReduceComputedAxes(Rewrite):
    """Reduce(x; axes) = Reshape(Reduce(x; axes, keep_dims); the dimensions of x that are not in axes)."""

    def pattern(self, p: Tracer, x: Any, axes: Any) -> OpPattern:
        return p.one_of(*REDUCTIONS, name="reduce")(x, axes, keep_dims=False)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        count, rank = _count(m.axes), m.x.rank
        if count is None or rank is None or count > rank:
            return Decline("the axes are known, or the rank is not")
        kept = b.build(replace(m.reduce, keep_dims=True), m.x, m.axes)
        if count == rank:
            return b.Reshape(kept, b.const(np.zeros(0, np.int64)), special_zero=False)
        stays = b.LogicalNot(_named(b, m.axes, count, rank))
        places = b.Reshape(b.NonZero(stays, output_type=i64), b.const(np.array([rank - count])), special_zero=False)
        dims = b.Gather(b.ShapeOf(kept, output_type=i64), places, b.const(0), batch_dims=0)
        return b.Reshape(kept, dims, special_zero=False)


@rewrite
class LogicalReduceComputedAxes(Rewrite):
    """ReduceLogicalOr(x; axes) = ReduceSum(x; axes) > 0, ReduceLogicalAnd(x; axes) = not (ReduceSum(not x; axes) > 0).

    OpenVINO's CPU device has the logical forms for constant axes alone. A sum in f32 is above zero wherever it should.
    """

    def pattern(self, p: Tracer, x: Any, axes: Any) -> OpPattern:
        return p.one_of(*LOGICAL_REDUCTIONS, name="reduce")(x, axes)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.axes.known is not None:
            return Decline("the axes are known")
        every = m.reduce.kind == "ReduceLogicalAnd"
        ones = b.Convert(b.LogicalNot(m.x) if every else m.x, destination_type=f32)
        found = b.Greater(b.ReduceSum(ones, m.axes, keep_dims=m.reduce.keep_dims), b.const(0.0, f32))
        return b.LogicalNot(found) if every else found
