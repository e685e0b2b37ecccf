"""Rows of a mask that hide everything."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.graph import Value
from ....passes.pattern import Const, Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite


@rewrite
class MaximumIsNothing(Rewrite):
    """(ReduceMax(x; axes) == -inf) = not ReduceLogicalOr(x != -inf; axes).

    The maximum of nothing but infinities is -3.4e38 on OpenVINO's CPU device, which begins with that number.
    """

    def pattern(self, p: Tracer, x: Any, axes: Const, limit: Const) -> OpPattern:
        return p.Equal(p.ReduceMax(x, axes), limit)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.limit.size != 1 or not m.x.dtype.is_float or not np.isneginf(m.limit.astype(np.float64)).all():
            return Decline("the maximum is not compared with -inf")
        rank = m.x.rank
        if rank is None or m.limit.ndim > rank - (0 if m.ReduceMax.keep_dims else m.axes.size):
            return Decline("the rank is not known, or the comparison adds to it")
        seen = b.NotEqual(m.x, m.value("limit"))
        return b.LogicalNot(b.ReduceLogicalOr(seen, m.value("axes"), keep_dims=m.ReduceMax.keep_dims))
