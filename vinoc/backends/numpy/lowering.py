"""Rules that bring a graph to what NumPy alone can hold."""

from __future__ import annotations

from ...ir.buffer import Buffer
from ...ir.builder import Builder
from ...ir.dtype import f8e4m3, f8e5m2, f16, i8, u8
from ...ir.graph import Value
from ...passes.pattern import Const, Match, OpPattern, Tracer
from ...passes.rewrite import Decline, Rewrite, rewrite


@rewrite
class WholeBytes(Rewrite):
    """Convert(c) = Convert(c as i8, u8 or f16) for constants of four or two bits, and of floats of eight, which NumPy
    has no types for."""

    def pattern(self, p: Tracer, c: Const) -> OpPattern:
        return p.Convert(c)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        source = m.value("c").dtype
        if source in (f8e4m3, f8e5m2):
            wide = f16
        elif not source.is_integer or source.bits >= 8:
            return None
        elif source.bits not in (2, 4):
            return Decline(f"an array of {source} holds codes")
        else:
            wide = u8 if source.kind == "u" else i8
        bytes_ = b.const(Buffer.of(m.c.astype(wide.numpy), wide), name=m.value("c").name)
        return b.node(m.Convert, bytes_).outputs[0]
