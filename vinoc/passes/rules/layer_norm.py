"""Layer normalization from its written-out form (Ba et al. 2016, arXiv:1607.06450)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.graph import Value
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite


@rewrite
class FuseLayerNorm(Rewrite):
    """MVN(x) = (x - mean) / sqrt(mean((x - mean)^2) + eps); scale and shift stay a Multiply and an Add."""

    def pattern(self, p: Tracer, x: Any, axes: Const, axes2: Const, eps: Const) -> tuple[OpPattern, ...]:
        out = []
        mean = p.ReduceMean(x, axes, keep_dims=True, name="mean")
        once = p.Subtract(x, mean, name="centred")
        again = p.Subtract(x, mean, name="centred2")
        for other in (once, again):
            for square in (p.Power(other, 2.0), p.Multiply(other, other, name="square")):
                variance = p.ReduceMean(square, axes2, keep_dims=True, name="variance")
                inside = p.Add(variance, eps)
                out.append(p.Divide(once, p.Sqrt(inside)))
                out.append(p.Divide(once, p.Power(inside, 0.5, name="root")))
        return tuple(out)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.eps.size != 1 or float(m.eps.reshape(-1)[0]) <= 0:
            return Decline("epsilon is not one positive number")
        rank = m.x.rank
        if rank is None:
            return Decline("the rank is not known")
        axes = sorted(int(a) % rank for a in m.axes.reshape(-1))
        if axes != sorted(int(a) % rank for a in m.axes2.reshape(-1)):
            return Decline("mean and variance are taken over different axes")
        eps = float(str(m.eps.reshape(-1)[0]))  # the decimal number that was meant, not its binary neighbour
        return b.MVN(m.x, np.array(axes, np.int64), normalize_variance=True, eps=eps, eps_mode="INSIDE_SQRT")
