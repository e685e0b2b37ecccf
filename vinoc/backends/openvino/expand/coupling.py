"""Probabilities of two classes, coupled."""

from __future__ import annotations

from typing import Any

from ....ir.builder import Builder
from ....ir.graph import Value
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite


@rewrite
class ExpandCoupleProbabilities(Rewrite):
    """CoupleProbabilities(p) of two classes = Concat(p, 1 - p), which its rounds are on the way to.

    They end up to 0.0025 away from it. OpenVINO has nothing to write those of more classes with.
    """

    def pattern(self, p: Tracer, pairs: Any) -> OpPattern:
        return p.CoupleProbabilities(pairs)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.CoupleProbabilities.classes != 2:
            return Decline("there are more than two classes")
        return b.Concat(m.pairs, b.Subtract(b.const(1.0, m.pairs.dtype), m.pairs), axis=1)
