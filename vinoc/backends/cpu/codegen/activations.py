"""Activations as code over typed vectors; see operations.py."""

from __future__ import annotations

from math import ceil, floor
from typing import Any, TypeAlias

from llvmlite import ir

from ....ir import dtype as dt
from . import functions, grids, math
from .emit import F64
from .operations import Step, integer_compare, operation
from .typed import Typed

Value: TypeAlias = Any


@operation("ReLU", double=True, integer=True)
def relu(t: Typed, s: Step, x: Value) -> Value:
    zero = t.constant(s.source, 0)
    if s.source.is_float:
        return t.b.select(t.b.fcmp_ordered("<", x, zero), zero, x)
    return x if s.source.kind == "u" else t.b.select(t.b.icmp_signed("<", x, zero), zero, x)


@operation("Clamp", double=True, integer=True)
def clamp(t: Typed, s: Step, x: Value) -> Value:
    low, high = s.params
    if not s.source.is_float:
        signed = s.source.kind == "i"
        least = -(1 << (s.source.bits - 1)) if signed else 0
        most = (1 << (s.source.bits - signed)) - 1
        low = least if low <= least else min(ceil(low), most)
        high = most if high >= most else max(floor(high), least)
    bottom, top = (t.rounded(s.source, t.constant(s.source, v)) for v in (low, high))
    if s.source.is_float:
        x = t.b.select(t.b.fcmp_ordered("<", x, bottom), bottom, x)
        return t.b.select(t.b.fcmp_ordered(">", x, top), top, x)
    x = t.b.select(integer_compare(t, s.source, "<", x, bottom), bottom, x)
    return t.b.select(integer_compare(t, s.source, ">", x, top), top, x)


def _bounded(t: Typed, x: Value, low: float, high: float) -> Value:
    return math.clamp(t.e, x, low, high)


@operation("HSigmoid")
def hsigmoid(t: Typed, s: Step, x: Value) -> Value:
    inner = _bounded(t, t.b.fadd(x, t.constant(dt.f32, 3.0)), 0.0, 6.0)
    return t.b.fmul(inner, t.constant(dt.f32, 1 / 6))


@operation("HSwish")
def hswish(t: Typed, s: Step, x: Value) -> Value:
    return t.b.fmul(x, hsigmoid(t, s, x))


@operation("HardSigmoid")
def hard_sigmoid(t: Typed, s: Step, x: Value, alpha: Value, beta: Value) -> Value:
    return _bounded(t, t.b.fadd(t.b.fmul(alpha, x), beta), 0.0, 1.0)


@operation("SoftSign")
def softsign(t: Typed, s: Step, x: Value) -> Value:
    return t.b.fdiv(x, t.b.fadd(t.constant(dt.f32, 1.0), math.call(t.e, "fabs", x)))


@operation("Swish")
def swish(t: Typed, s: Step, x: Value, beta: Value | None = None) -> Value:
    return functions.swish(t.e, x, None if beta is None else t.b.fmul(x, beta))


@operation("Gelu")
def gelu(t: Typed, s: Step, x: Value) -> Value:
    return (functions.gelu if s.params[0] == "ERF" else functions.gelu_tanh)(t.e, x)


@operation("Elu")
def elu(t: Typed, s: Step, x: Value) -> Value:
    return _elu(t, x, t.constant(dt.f32, s.params[0]), None)


@operation("Selu")
def selu(t: Typed, s: Step, x: Value, alpha: Value, scale: Value) -> Value:
    return _elu(t, x, alpha, scale)


def _elu(t: Typed, x: Value, alpha: Value, scale: Value | None) -> Value:
    zero = t.constant(dt.f32, 0.0)
    positive = t.b.fcmp_ordered(">", x, zero)
    negative = t.b.fmul(alpha, math.expm1(t.e, t.e.minimum(x, zero)))
    result = t.b.select(positive, x, negative)
    return result if scale is None else t.b.fmul(scale, result)


@operation("PReLU", double=True, integer=True)
def prelu(t: Typed, s: Step, x: Value, slope: Value) -> Value:
    zero = t.constant(s.source, 0)
    if s.source.is_float:
        return t.b.select(t.b.fcmp_ordered("<", x, zero), t.b.fmul(x, slope), x)
    return t.b.select(integer_compare(t, s.source, "<", x, zero), t.b.mul(x, slope), x)


@operation("FakeQuantize")
def fake_quantize(t: Typed, s: Step, *xs: Value) -> Value:
    """See ir/kernels/quantize.py. What the limits give is found in f64, outside of the loop where they are the same."""
    b, wide, single = t.b, ir.VectorType(F64, t.count), t.vector(dt.f32)
    (levels,) = s.params
    x = xs[0]
    il, ih, ol, oh = (b.fpext(v, wide) for v in xs[1:])
    steps = t.constant(dt.f64, levels - 1)
    step = b.fdiv(b.fsub(ih, il), steps)
    zero = b.fdiv(b.fneg(il), step)
    whole = math.rint(t.e, zero)
    near = b.fcmp_ordered("<=", math.call(t.e, "fabs", b.fsub(zero, whole)), t.constant(dt.f64, 2.0**-9))
    zero = b.fptrunc(b.select(near, whole, zero), single)
    reciprocal = b.fdiv(t.constant(dt.f32, 1.0), b.fptrunc(step, single))
    level = math.rint(t.e, grids.on_grid(t, x, reciprocal, zero))
    inside = math.multiply_add(t.e, level, b.fptrunc(b.fdiv(b.fsub(oh, ol), steps), single), xs[3])
    reverse = b.fcmp_ordered("<", xs[2], xs[1])
    low, high = b.select(reverse, xs[2], xs[1]), b.select(reverse, xs[1], xs[2])
    result = b.select(b.fcmp_ordered(">", x, high), xs[4], inside)
    return b.select(b.fcmp_ordered("<=", x, low), xs[3], result)
