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
    return t.b.trunc(lanes.nearest(t.e, level(t, s, x, scale, zero)), t.vector(dt.u8))


def level(t: Typed, s: Step, x: Value, scale: Value, zero: Value) -> Value:
    """x / scale + zero in f32, within the limits; NaN is the lower one.

    The quotient is rounded correctly, as a division would, by a product with the reciprocal and a step of Newton's with a
    fused remainder (P. Markstein, 1990): what lies halfway between two levels stays there. The limits are applied
    first, where infinities would spoil the remainder.
    """
    e, b = t.e, t.b
    low, high = (b.fmul(b.fsub(t.constant(dt.f32, n), zero), scale) for n in s.params)
    x = b.select(b.fcmp_ordered(">", x, low), x, low)
    x = b.select(b.fcmp_ordered("<", x, high), x, high)
    if not e.target.fma:
        return b.fadd(b.fdiv(x, scale), zero)
    reciprocal = b.fdiv(t.constant(dt.f32, 1.0), scale)
    near = b.fmul(x, reciprocal)
    rest = math.multiply_add(e, b.fneg(near), scale, x)
    return b.fadd(math.multiply_add(e, rest, reciprocal, near), zero)


@operation("Dequantize")
def dequantize(t: Typed, s: Step, q: Value, scale: Value, zero: Value) -> Value:
    return t.b.fmul(t.b.fsub(t.convert(q, dt.u8, dt.f32), zero), scale)


def stored_together(t: Typed, levels: list[Value]) -> Value:
    """The bytes of four adjacent vectors of levels, as one vector."""
    e = t.e
    found = lanes.packed(e, [lanes.nearest(e, v) for v in levels])
    return lanes.gathered(e, found)
