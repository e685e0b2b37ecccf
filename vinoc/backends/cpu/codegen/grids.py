"""Quantize and Dequantize as code over typed vectors; see operations.py, and quantized/ops.py for what they mean."""

from __future__ import annotations

from typing import Any, TypeAlias

from llvmlite import ir

from ....ir import dtype as dt
from . import lanes, math
from .emit import F64
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


def level_within(t: Typed, x: Value, scale: Value, zero: Value, low: Value, high: Value) -> Value:
    """round(x * (1 / scale) + zero) within low .. high as i32, of vectors of f32; NaN gives the lower limit."""
    reciprocal = t.b.fdiv(t.constant(dt.f32, 1.0), scale)
    y = on_grid(t, x, reciprocal, zero)
    y = t.b.select(t.b.fcmp_ordered(">", y, low), y, low)
    return lanes.nearest(t.e, t.b.select(t.b.fcmp_ordered("<", y, high), y, high))


def on_grid(t: Typed, x: Value, reciprocal: Value, zero: Value) -> Value:
    """x * reciprocal + zero, rounded once: by a fused product, or in f64, which holds the product of two f32."""
    if t.e.target.fma:
        return math.multiply_add(t.e, x, reciprocal, zero)
    x, reciprocal, zero = (t.b.fpext(v, ir.VectorType(F64, t.count)) for v in (x, reciprocal, zero))
    return t.b.fptrunc(t.b.fadd(t.b.fmul(x, reciprocal), zero), t.vector(dt.f32))


@operation("Dequantize")
def dequantize(t: Typed, s: Step, q: Value, scale: Value, zero: Value) -> Value:
    wide = t.wide.get(q)
    x = t.convert(q, dt.u8, dt.f32) if wide is None else t.b.sitofp(wide, t.vector(dt.f32))
    return t.b.fmul(t.b.fsub(x, zero), scale)


def stored_together(t: Typed, levels: list[Value]) -> Value:
    """The bytes of four adjacent vectors of levels, as one vector."""
    e = t.e
    return lanes.gathered(e, lanes.packed(e, levels))
