"""Quantize and Dequantize as code over typed vectors; see operations.py, and quantized/ops.py for what they mean."""

from __future__ import annotations

from typing import Any, TypeAlias

from ....ir import dtype as dt
from . import lanes, math
from .operations import Step, operation
from .typed import Typed

Value: TypeAlias = Any


@operation("Quantize")
def quantize(t: Typed, s: Step, x: Value, scale: Value, zero: Value) -> Value:
    return t.b.trunc(level(t, s, x, scale, zero), t.vector(dt.u8))


def level(t: Typed, s: Step, x: Value, scale: Value, zero: Value) -> Value:
    """What a Quantize gives, as i32."""
    low, high = (t.constant(dt.f32, n) for n in s.params)
    return level_within(t, x, scale, zero, low, high)


def level_within(t: Typed, x: Value, scale: Value, zero: Value, low: Value, high: Value) -> Value:
    """round(x / scale + zero) within low .. high as i32, of vectors of f32, halves to even; NaN gives the lower limit.

    In f64, as Quantize means it: in f32 the sum with the zero point would take a value that is no more than 2**-17 of a
    level from halfway over to the other level, one in a hundred thousand, and deep networks make much of that.
    """
    b = t.b
    least, most = (b.fmul(b.fsub(v, zero), scale) for v in (low, high))
    x = b.select(b.fcmp_ordered(">", x, least), x, least)
    x = b.select(b.fcmp_ordered("<", x, most), x, most)
    return _nearest(t, x, b.fdiv(t.constant(dt.f64, 1.0), _wide(t, scale)), _wide(t, zero))


GRAIN = 1.5 * 2.0**22
"""Added to a f64 below 2**22 it leaves a multiple of 2**-30."""


def _nearest(t: Typed, x: Value, step: Value, zero: Value) -> Value:
    """round(x * step + zero) as i32, of f32 x, a reciprocal and a zero point in f64. The result is below 2**21.

    The sum is first rounded to a multiple of 2**-30: what lies halfway between two levels gets there though the
    reciprocal is not exact.
    """
    grain = t.constant(dt.f64, GRAIN)
    near = math.multiply_add(t.e, _wide(t, x), step, t.b.fadd(zero, grain))
    return lanes.nearest(t.e, t.b.fsub(near, grain))


def _wide(t: Typed, x: Value) -> Value:
    return t.convert(x, dt.f32, dt.f64)


@operation("Dequantize")
def dequantize(t: Typed, s: Step, q: Value, scale: Value, zero: Value) -> Value:
    return t.b.fmul(t.b.fsub(t.convert(q, dt.u8, dt.f32), zero), scale)


def stored_together(t: Typed, levels: list[Value]) -> Value:
    """The bytes of four adjacent vectors of levels, as one vector."""
    e = t.e
    return lanes.gathered(e, lanes.packed(e, levels))
