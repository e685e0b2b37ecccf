"""Reductions with the axes that they drop or keep, and the movements around them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.graph import Value
from ..kinds import LOGICAL_REDUCTIONS, REDUCTIONS
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .movement import full_order

ALONG_AXES = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd")
ALL_REDUCTIONS = (*REDUCTIONS, *LOGICAL_REDUCTIONS)


@rewrite
class ReduceKeepsAxes(Rewrite):
    """Unsqueeze(Reduce(x; axes), axes) = Reduce(x; axes, keep_dims)."""

    def pattern(self, p: Tracer, x: Any, axes: Const, new: Const) -> OpPattern:
        return p.Unsqueeze(p.one_of(*ALL_REDUCTIONS, name="reduce")(x, axes, keep_dims=False), new)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        rank = m.x.rank
        if rank is None:
            return Decline("the rank is not known")
        if {int(a) % rank for a in m.axes.reshape(-1)} != {int(a) % rank for a in m.new.reshape(-1)}:
            return Decline("the new axes are not those that were reduced")
        return b.build(replace(m.reduce, keep_dims=True), m.x, m.value("axes"))


@rewrite
class ReduceDropsAxes(Rewrite):
    """Squeeze(Reduce(x; axes, keep_dims), axes) = Reduce(x; axes)."""

    def pattern(self, p: Tracer, x: Any, axes: Const, gone: Const) -> OpPattern:
        return p.Squeeze(p.one_of(*ALL_REDUCTIONS, name="reduce")(x, axes, keep_dims=True), gone)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        rank = m.x.rank
        if rank is None:
            return Decline("the rank is not known")
        if {int(a) % rank for a in m.axes.reshape(-1)} != {int(a) % rank for a in m.gone.reshape(-1)}:
            return Decline("the axes that are dropped are not those that were reduced")
        return b.build(replace(m.reduce, keep_dims=False), m.x, m.value("axes"))


@rewrite
class MergeReduces(Rewrite):
    """ReduceSum(ReduceSum(x; a); c) = ReduceSum(x; a, c), of Mean, Max, Min and Prod as well."""

    def pattern(self, p: Tracer, x: Any, a: Const, c: Const) -> tuple[OpPattern, ...]:
        return tuple(getattr(p, k)(getattr(p, k)(x, a, name="inner"), c, name="outer") for k in ALONG_AXES)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        rank = m.x.rank
        if rank is None or m.inner.keep_dims != m.outer.keep_dims:
            return Decline("one of them keeps its axes, the other does not")
        inner = sorted({int(a) % rank for a in m.a.reshape(-1)})
        left = list(range(rank)) if m.inner.keep_dims else [d for d in range(rank) if d not in inner]
        outer = [left[int(c) % len(left)] for c in m.c.reshape(-1)]
        return b.build(m.outer, m.x, np.array(sorted({*inner, *outer}), np.int64))


@rewrite
class TransposeIntoReduce(Rewrite):
    """Reduce(Transpose(x; p); axes) = Reduce(x; p[axes]), where what remains keeps its order."""

    def pattern(self, p: Tracer, x: Any, order: Const, axes: Const) -> OpPattern:
        return p.one_of(*ALL_REDUCTIONS, name="reduce")(p.Transpose(x, order), axes)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        order = full_order(m.order, m.x.rank)
        if order is None:
            return Decline("the rank is not known")
        axes = sorted({int(a) % order.size for a in m.axes.reshape(-1)})
        kept = [int(order[i]) for i in range(order.size) if i not in axes]
        moved = [int(order[i]) for i in axes]
        if m.reduce.keep_dims:
            slots = [i if i in axes else int(order[i]) for i in range(order.size)]
            if slots != list(range(order.size)) or sorted(moved) != axes:
                return Decline("dimensions that stay are moved")
        elif kept != sorted(kept):
            return Decline("dimensions that stay are moved")
        return b.build(m.reduce, m.x, np.array(sorted(moved), np.int64))


@rewrite
class AdaptivePoolToReduce(Rewrite):
    """AdaptiveAvgPool(x; 1, ..., 1) = ReduceMean(x; spatial axes), AdaptiveMaxPool its first result by ReduceMax."""

    def pattern(self, p: Tracer, x: Any, size: Const) -> tuple[OpPattern, ...]:
        return p.AdaptiveAvgPool(x, size), p.AdaptiveMaxPool(x, size)

    def replace(self, b: Builder, m: Match) -> tuple[Value, ...] | Decline:
        rank = m.x.rank
        if rank is None or (m.size != 1).any():
            return Decline("the result has more than one element a channel")
        if len(m.root.outputs) > 1 and m.root.outputs[1].n_uses:
            return Decline("the indices are read")
        kind = b.ReduceMean if m.root.kind == "AdaptiveAvgPool" else b.ReduceMax
        return (kind(m.x, np.arange(2, rank, dtype=np.int64), keep_dims=True),)
