"""Zero padding that the next operation can do itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...ir.builder import Builder
from ...ir.graph import Value
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite


def _spatial(m: Match) -> tuple[list[int], list[int]] | Decline:
    """What the Pad adds around the spatial dimensions, when it adds zeros there alone."""
    begin, end = m.begin.tolist(), m.end.tolist()
    if m.Pad.pad_mode != "constant":
        return Decline(f"the mode is '{m.Pad.pad_mode}', not constant")
    if any(begin[:2]) or any(end[:2]):
        return Decline("it pads the batch or the channels")
    if min(begin + end, default=0) < 0:
        return Decline("it crops")
    return begin[2:], end[2:]


@rewrite
class PadIntoConvolution(Rewrite):
    """Conv(Pad0(x, a), w; pads=b) = Conv(x, w; pads=a+b)."""

    def pattern(self, p: Tracer, x: Any, w: Any, begin: Const, end: Const) -> tuple[OpPattern, ...]:
        conv = p.one_of("Convolution", "GroupConvolution", name="conv")
        return conv(p.Pad(x, begin, end, 0.0), w), conv(p.Pad(x, begin, end), w)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        spatial = _spatial(m)
        if isinstance(spatial, Decline):
            return spatial
        if m.conv.auto_pad not in ("explicit", "valid"):
            return Decline(f"auto_pad is '{m.conv.auto_pad}'")
        own = m.conv.auto_pad == "explicit"
        pads = [
            tuple(n + (k if own else 0) for n, k in zip(new, old, strict=True))
            for new, old in zip(spatial, (m.conv.pads_begin, m.conv.pads_end), strict=True)
        ]
        return b.build(replace(m.conv, pads_begin=pads[0], pads_end=pads[1], auto_pad="explicit"), m.x, m.w)


@rewrite
class PadIntoAvgPool(Rewrite):
    """AvgPool(Pad0(x, a)) = AvgPool(x; pads=a, exclude-pad=false), when the pool pads nothing itself."""

    def pattern(self, p: Tracer, x: Any, begin: Const, end: Const) -> tuple[OpPattern, ...]:
        return p.AvgPool(p.Pad(x, begin, end, 0.0)), p.AvgPool(p.Pad(x, begin, end))

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        spatial = _spatial(m)
        if isinstance(spatial, Decline):
            return spatial
        pool = m.AvgPool
        if pool.auto_pad not in ("explicit", "valid") or any(pool.pads_begin) or any(pool.pads_end):
            return Decline("the pool pads by itself")
        if pool.rounding_type != "floor":
            return Decline("the pool rounds its output size up")
        if any(n >= k for pads in spatial for n, k in zip(pads, pool.kernel, strict=True)):
            return Decline("the padding is as wide as the window")
        begin, end = spatial
        fused = replace(pool, pads_begin=tuple(begin), pads_end=tuple(end), exclude_pad=False, auto_pad="explicit")
        return b.build(fused, m.x)
