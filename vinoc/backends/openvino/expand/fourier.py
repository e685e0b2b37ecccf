"""Fourier transforms of real signals along a computed axis, which OpenVINO's CPU device rejects."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.graph import Value
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite
from .axes import exchange


@rewrite
class RealTransformComputedAxis(Rewrite):
    """RDFT(x; axis, n) = RDFT(x with the axis and the first one exchanged; 0, n), exchanged again; IRDFT too.

    The last dimension, of real and imaginary parts, stays: of the result of RDFT, of the data of IRDFT.
    """

    def pattern(self, p: Tracer, x: Any, axis: Any, size: Any) -> tuple[OpPattern, ...]:
        transform = p.one_of("RDFT", "IRDFT", name="transform")
        return transform(x, axis), transform(x, axis, size)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.axis.known is not None or m.axis.shape != (1,) or m.x.rank is None:
            return Decline("it is not along one computed axis")
        forward = m.transform.kind == "RDFT"
        rank = m.x.rank - (not forward)
        order = exchange(b, m.axis, rank)
        with_parts = b.Concat(order, b.const(np.array([rank])), axis=0)
        sizes = [m.size] if m.has("size") else []
        x = b.Transpose(m.x, order if forward else with_parts)
        y = b.build(m.transform, x, b.const(np.array([0])), *sizes)
        return b.Transpose(y, with_parts if forward else order)
