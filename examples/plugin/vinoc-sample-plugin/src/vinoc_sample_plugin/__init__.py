"""A rewrite rule in a package of its own."""

from __future__ import annotations

from typing import Any

from vinoc.passes.rewrite import Decline, Rewrite, rewrite


@rewrite
class ReluOfClamp(Rewrite):
    """ReLU(Clamp(x; lo, hi)) = Clamp(x; max(lo, 0), hi), where hi is not negative."""

    def pattern(self, p: Any, x: Any) -> Any:
        return p.ReLU(p.Clamp(x))

    def replace(self, b: Any, m: Any) -> Any:
        clamp = m.Clamp
        if clamp.max < 0:
            return Decline("everything is clamped below zero")
        return b.Clamp(m.x, min=max(clamp.min, 0.0), max=clamp.max)
