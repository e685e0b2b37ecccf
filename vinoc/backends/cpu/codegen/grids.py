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
    found = level(t, s, x, scale, zero)
    result = t.b.trunc(found, t.vector(dt.u8))
    t.wide[result] = found
    return result


def level(t: Typed, s: Step, x: Value, scale: Value, zero: Value) -> Value:
    """What a Quantize gives, as i32."""
    low, high = (t.constant(dt.f32, n) for n in s.params)
    return level_within(t, x, scale, zero, low, high)


GRAIN = 1.5 * 2.0**16
"""Added to a f32 below 2**15 it leaves a multiple of 1/128."""


WHOLE = 1.5 * 2.0**23
"""Added to a f32 below 2**22 it leaves a whole number, in the low bits."""


def level_within(t: Typed, x: Value, scale: Value, zero: Value, low: Value, high: Value) -> Value:
    """round(x / scale + zero) within low .. high as i32, of vectors of f32, halves to even; NaN gives the lower limit.

    Quantize means this of real numbers. A sum with the zero point in f32 would take what is no more than 2**-17 of a
    level from halfway over to the other level: one value in a hundred thousand, and deep networks make much of that.
    So the first guess, made of a multiple of 1/128, is mended by what remains of x, which a fused product gives
    exactly. What lies halfway is a multiple of 1/128, though the reciprocal is not exact: the first guess goes to
    even, and stays.
    """
    e, b = t.e, t.b
    least, most = (b.fmul(b.fsub(v, zero), scale) for v in (low, high))
    x = b.select(b.fcmp_ordered(">", x, least), x, least)
    x = b.select(b.fcmp_ordered("<", x, most), x, most)
    reciprocal, grain = b.fdiv(t.constant(dt.f32, 1.0), scale), t.constant(dt.f32, GRAIN)
    whole = t.constant(dt.f32, WHOLE)
    near = math.multiply_add(e, x, reciprocal, b.fadd(zero, grain))
    raised = b.fadd(near, t.constant(dt.f32, WHOLE - GRAIN))
    rest = math.multiply_add(e, b.fsub(zero, b.fsub(raised, whole)), scale, x)
    guess = b.sub(math.bits(e, raised), math.bits(e, whole))
    return b.add(guess, lanes.nearest(e, b.fmul(rest, reciprocal)))


@operation("Dequantize")
def dequantize(t: Typed, s: Step, q: Value, scale: Value, zero: Value) -> Value:
    wide = t.wide.get(q)
    x = t.convert(q, dt.u8, dt.f32) if wide is None else t.b.sitofp(wide, t.vector(dt.f32))
    return t.b.fmul(t.b.fsub(x, zero), scale)


def stored_together(t: Typed, levels: list[Value]) -> Value:
    """The bytes of four adjacent vectors of levels, as one vector."""
    e = t.e
    return lanes.gathered(e, lanes.packed(e, levels))
