"""The bits of small integers as another type."""

from __future__ import annotations

from typing import Any

from ....ir.builder import Builder
from ....ir.dtype import boolean, i32
from ....ir.graph import Value
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite


@rewrite
class ExpandBitCast(Rewrite):
    """BitCast(x) between signed and unsigned of w = 8 or 16 bits = x + 2^w where x < 0, x - 2^w where it is too large.

    In i32, which holds both. Booleans become 0 and 1. OpenVINO has no operation that reads the bits of floats.
    """

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.BitCast(x)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        new, old = m.BitCast.destination_type, m.x.dtype
        if old is boolean and new.is_integer and new.bits == 8:
            return b.Convert(m.x, destination_type=new)
        if not (old.is_integer and new.is_integer and old.bits == new.bits and new.bits in (8, 16)):
            return Decline("it is not between integers of 8 or of 16 bits")
        if old is new:
            return m.x
        wide, turn = b.Convert(m.x, destination_type=i32), 1 << new.bits
        if new.kind == "u":
            moved = b.Select(b.Less(wide, b.const(0, i32)), b.Add(wide, b.const(turn, i32)), wide)
        else:
            moved = b.Select(b.GreaterEqual(wide, b.const(turn // 2, i32)), b.Subtract(wide, b.const(turn, i32)), wide)
        return b.Convert(moved, destination_type=new)
