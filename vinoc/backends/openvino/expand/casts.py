"""Conversions to floats of eight and of four bits."""

from __future__ import annotations

from typing import Any

from ....ir.builder import Builder
from ....ir.dtype import f4e2m1, f8e4m3, f8e5m2
from ....ir.graph import Value
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite


@rewrite
class ClampKeepsNan(Rewrite):
    """Convert(Clamp(x)) to eight bits = Convert(Select(IsNaN(x), x, Clamp(x))).

    OpenVINO's CPU device makes the upper limit of a NaN.
    """

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Convert(p.Clamp(x))

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.Convert.destination_type not in (f8e4m3, f8e5m2) or not m.x.dtype.is_float:
            return Decline("it is no conversion of floats to eight bits")
        kept = b.Select(b.IsNaN(m.x), m.x, b.build(m.Clamp, m.x))
        return b.build(m.Convert, kept)


@rewrite
class NanToFourBits(Rewrite):
    """Convert(x) to f4e2m1, which has no NaN = Convert(Select(IsNaN(x), -0, x)).

    OpenVINO makes the largest number of a NaN.
    """

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Convert(x)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.Convert.destination_type is not f4e2m1 or not m.x.dtype.is_float:
            return Decline("it is no conversion of floats to f4e2m1")
        if _is_guarded(m.x):
            return Decline("NaN is cared for")
        return b.build(m.Convert, b.Select(b.IsNaN(m.x), b.const(-0.0, m.x.dtype), m.x))


def _is_guarded(x: Value) -> bool:
    node = x.node
    if node is None or node.kind != "Select":
        return x.is_const
    test = node.operand(0).node
    return test is not None and test.kind == "IsNaN"
