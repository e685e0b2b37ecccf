"""FakeQuantize from its parts, and what it can take into its ranges.

FakeQuantize(x; a, b, c, d) puts levels of [a, b] on levels of [c, d] (Jacob et al. 2018, arXiv:1712.05877).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array
from ...ir.graph import Value
from ..kinds import CONVOLUTIONS
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .broadcasting import keeps_shape

INTEGERS = {"u8": (0, 255), "i8": (-128, 127), "u16": (0, 65535), "i16": (-32768, 32767)}


def _ranges(m: Match, *values: Array) -> bool:
    """Whether constants can be worked into the ranges without widening what is quantized."""
    return all(keeps_shape(m.x.shape, v) and v.dtype.kind == "f" for v in values)


@rewrite
class QuantizeDequantize(Rewrite):
    """(Convert(FakeQuantize(x; a, b, 0, 255); u8) - zero) * s = FakeQuantize(x; a, b, -zero * s, (255 - zero) * s)."""

    def pattern(
        self, p: Tracer, x: Any, a: Const, b: Const, c: Const, d: Const, zero: Const, s: Const
    ) -> tuple[OpPattern, ...]:
        stored = p.Convert(p.FakeQuantize(x, a, b, c, d), name="stored")
        given = p.Convert(stored, name="given")
        return p.Multiply(p.Subtract(given, zero), s), p.Multiply(given, s)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        limits = INTEGERS.get(m.stored.destination_type.name)
        if limits is None or (m.c != limits[0]).any() or (m.d != limits[1]).any():
            return Decline("the levels are not those of the integer type")
        if m.FakeQuantize.levels != limits[1] - limits[0] + 1 or m.given.destination_type is not m.x.dtype:
            return Decline("the number of levels, or the type after them, is another")
        zero = m.zero if m.has("zero") else np.zeros((), m.s.dtype)
        if not _ranges(m, m.s, zero):
            return Decline("scale or zero point broadcast what is quantized")
        ends = [((np.asarray(limit, m.s.dtype) - zero) * m.s).astype(m.s.dtype) for limit in limits]
        return b.build(m.FakeQuantize, m.x, m.value("a"), m.value("b"), *ends)


@rewrite
class ReluIntoFakeQuantize(Rewrite):
    """FakeQuantize(ReLU(x); a, b) = FakeQuantize(x; a, b), where a >= 0: what is below a becomes the lowest level."""

    def pattern(self, p: Tracer, x: Any, a: Const, b: Any, c: Any, d: Any) -> OpPattern:
        return p.FakeQuantize(p.ReLU(x), a, b, c, d)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if (m.a < 0).any():
            return Decline("the range begins below zero")
        return b.build(m.FakeQuantize, m.x, *m.root.inputs[1:])


@rewrite
class FakeQuantizeMultiply(Rewrite):
    """FakeQuantize(x; a, b, c, d) * s = FakeQuantize(x; a, b, c * s, d * s), s > 0."""

    def pattern(self, p: Tracer, x: Any, a: Any, b: Any, c: Const, d: Const, s: Const) -> OpPattern:
        return p.Multiply(p.FakeQuantize(x, a, b, c, d), s)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if not _ranges(m, m.s) or (m.s <= 0).any():
            return Decline("the factor is not positive, or broadcasts what is quantized")
        return b.build(m.FakeQuantize, m.x, m.value("a"), m.value("b"), m.c * m.s, m.d * m.s)


@rewrite
class MultiplyIntoFakeQuantize(Rewrite):
    """FakeQuantize(x * s; a, b) = FakeQuantize(x; a / s, b / s), s > 0."""

    def pattern(self, p: Tracer, x: Any, a: Const, b: Const, c: Any, d: Any, s: Const) -> OpPattern:
        return p.FakeQuantize(p.Multiply(x, s), a, b, c, d)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if not _ranges(m, m.s) or (m.s <= 0).any():
            return Decline("the factor is not positive, or broadcasts what is quantized")
        if m.x.op is not None and m.x.op.kind in ("Convert", "Subtract", *CONVOLUTIONS, "MatMul"):
            return Decline("the factor belongs to what comes before: a dequantization, or a product")
        with np.errstate(all="ignore"):
            low, high = m.a / m.s, m.b / m.s
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            return Decline("the range would not be finite")
        return b.build(m.FakeQuantize, m.x, low, high, *m.root.inputs[3:])


@rewrite
class AddIntoFakeQuantize(Rewrite):
    """FakeQuantize(x + t; a, b) = FakeQuantize(x; a - t, b - t). A bias stays with its product."""

    def pattern(self, p: Tracer, x: Any, a: Const, b: Const, c: Any, d: Any, t: Const) -> OpPattern:
        return p.FakeQuantize(p.Add(x, t), a, b, c, d)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if not _ranges(m, m.t):
            return Decline("the term broadcasts what is quantized")
        if m.x.op is not None and m.x.op.kind in (*CONVOLUTIONS, "MatMul", "Convert"):
            return Decline("the term is the bias of a product")
        return b.build(m.FakeQuantize, m.x, m.a - m.t, m.b - m.t, *m.root.inputs[3:])


@rewrite
class FakeQuantizeReshape(Rewrite):
    """Reshape(FakeQuantize(w)) = FakeQuantize(Reshape(w)) for constant weights with one range for all elements."""

    def pattern(self, p: Tracer, w: Const, a: Const, b: Const, c: Const, d: Const, shape: Any) -> OpPattern:
        return p.one_of("Reshape", "Transpose", name="moved")(p.FakeQuantize(w, a, b, c, d), shape)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        ranges = (m.a, m.b, m.c, m.d)
        if any(r.size != 1 for r in ranges):
            return Decline("elements have ranges of their own")
        shape = m.root.operand(1).const
        if shape is None:
            return Decline("the target is not known")
        if m.moved.kind == "Transpose":
            moved = np.transpose(m.w, shape if shape.size else None)
        else:
            moved = m.moved.evaluate(m.w, shape)
        weights = b.const(np.ascontiguousarray(moved), name=m.value("w").name)
        scalars = [r.reshape(()) for r in ranges]
        return b.build(m.FakeQuantize, weights, *scalars)
