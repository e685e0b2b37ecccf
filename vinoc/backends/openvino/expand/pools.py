"""Means of windows that reach beyond the pads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.dim import Dim
from ....ir.graph import Value
from ....ir.ops.window import window_size
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite


@rewrite
class PadBeforeAvgPool(Rewrite):
    """AvgPool(x; pads, rounded up, pads counted) = AvgPool(Pad(x; pads); no pads, what is beyond not counted).

    Rounded up, the last window may reach beyond the pads. What lies there is not counted, but OpenVINO's CPU device
    divides by the size of the whole window.
    """

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.AvgPool(x)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        pool = m.AvgPool
        if pool.rounding_type == "floor" or pool.exclude_pad or pool.auto_pad != "explicit":
            return Decline("it rounds down, or does not count pads")
        if not any((*pool.pads_begin, *pool.pads_end)):
            return Decline("it has no pads")
        if pool.rounding_type == "ceil_torch" and not _begins_inside(pool, m.x):
            return Decline("a window may begin in the pads at the end, and PyTorch leaves those out")
        pads = [b.const(np.array([0, 0, *side], np.int64)) for side in (pool.pads_begin, pool.pads_end)]
        padded = b.Pad(m.x, *pads, b.const(0, m.x.dtype), pad_mode="constant")
        nothing = (0,) * len(pool.kernel)
        return b.build(replace(pool, pads_begin=nothing, pads_end=nothing, exclude_pad=True), padded)


def _begins_inside(pool: Any, x: Value) -> bool:
    """Whether pads that lie in the data leave the number of windows as it is: none begins in those at the end."""
    spatial = (x.shape or ())[2:] or (None,) * len(pool.kernel)
    facts = zip(spatial, pool.kernel, pool.strides, pool.pads_begin, pool.pads_end, strict=True)
    return all(
        end <= kernel - stride
        or (isinstance(n, int) and _count(n, kernel, stride, begin, end) == _count(n + begin + end, kernel, stride))
        for n, kernel, stride, begin, end in facts
    )


def _count(n: int, kernel: int, stride: int, begin: int = 0, end: int = 0) -> Dim:
    return window_size(n, kernel, stride, 1, begin, end, "explicit", "ceil_torch")
