"""Shifts by more bits than there are."""

from __future__ import annotations

from typing import Any

from ....ir.builder import Builder
from ....ir.graph import Value
from ....ir.ops.activation import Clamp
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite


@rewrite
class BoundedShift(Rewrite):
    """a << n = Select(n == s, a << s, 0), a >> n = Select(n == s, a >> s, a >> width - 1), s = Clamp(n, 0, width - 1).

    OpenVINO's CPU device takes the shift modulo the width, as processors do.
    """

    def pattern(self, p: Tracer, a: Any, n: Any) -> OpPattern:
        return p.one_of("BitwiseLeftShift", "BitwiseRightShift", name="shift")(a, n)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        most = m.a.dtype.bits - 1
        if _within(m.n, most):
            return Decline("the shift is within the width")
        safe = b.Clamp(m.n, min=0.0, max=float(most))
        shifted = b.build(m.shift, m.a, safe)
        if m.shift.kind == "BitwiseRightShift" and m.a.dtype.kind == "i":
            rest: Value = b.build(m.shift, m.a, b.const(most, m.a.dtype))
        else:
            rest = b.const(0, m.a.dtype)
        return b.Select(b.Equal(m.n, safe), shifted, rest)


def _within(n: Value, most: int) -> bool:
    if n.known is not None:
        return bool(((n.known >= 0) & (n.known <= most)).all())
    op = n.node.op if n.node is not None else None
    return isinstance(op, Clamp) and op.min >= 0 and op.max <= most
