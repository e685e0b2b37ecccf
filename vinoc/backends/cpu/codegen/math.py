"""Exponential functions, logarithms and powers of vectors of f32, as code that an Emitter writes.

All take and give vectors of any length, keep NaN, and give the infinities and zeros of IEEE 754. The bounds on the
errors, in units in the last place (ulp), hold with and without fused multiply-add; the tests state and check them.

The polynomials were fitted to the function in f64 on 2000-3000 Chebyshev nodes, by least squares of the relative
error, reweighted towards the worst point (C. L. Lawson, 1961) until that did not improve; then rounded to f32.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, inf, log
from typing import Any, TypeAlias

from llvmlite import ir

from .emit import F32, F64, I32, I64, Emitter

Value: TypeAlias = Any

_LOG2E = 1.4426950408889634
_LN2 = (0.693359375, -2.12194440e-4)
"""ln 2 in two parts; the first has 9 bits, so its product with an exponent is exact."""

_MAGIC = 12582912.0
"""1.5 * 2**23: added to a number below 2**22 it leaves the nearest integer in the low bits."""

EXP_LOW, EXP_HIGH = -104.0, 89.0
"""Beyond these the exponential is 0 or infinite."""

# (exp(r) - 1 - r) / r**2 on |r| <= ln(2)/2; error 3.3e-9 relative to exp(r), 1.4e-8 relative to expm1(r).
_EXP = (0.49999994, 0.166665152, 0.041668456, 0.00836941879, 0.00138131448)
_EXPM1 = (0.49999997, 0.16666539, 0.041667223, 0.00836718082, 0.00138823956)
# (log(1 + t) - t + t**2 / 2) / t**3 on [sqrt(1/2) - 1, sqrt(2) - 1]; error 7.5e-10.
_LOG = (
    0.333333135, -0.250000089, 0.200021192, -0.166679963, 0.142195523, -0.124055892, 0.11888162, -0.116756521,
    0.067466408,
)  # fmt: skip


def vector(like: Value, element: ir.Type) -> Any:
    """The type of vectors of another element, as long as `like`."""
    return ir.VectorType(element, like.type.count)


def number(e: Emitter, like: Value, x: float) -> Value:
    """A number in all lanes of the type of `like`."""
    return e.splat(x, like.type)


def whole(e: Emitter, like: Value, n: int, element: ir.Type = I32) -> Value:
    """An integer in all lanes, as many as `like` has."""
    return ir.Constant(vector(like, element), [element(n)] * like.type.count)


def horner(e: Emitter, x: Value, coefficients: Sequence[float]) -> Value:
    """c[0] + c[1] x + c[2] x**2 + ..."""
    result = number(e, x, coefficients[-1])
    for c in coefficients[-2::-1]:
        result = multiply_add(e, result, x, number(e, x, c))
    return result


def multiply_add(e: Emitter, a: Value, b: Value, c: Value) -> Value:
    """a * b + c of f32 or f64, in one rounding where the target can."""
    if not e.target.fma:
        return e.b.fadd(e.b.fmul(a, b), c)
    return call(e, "fma", a, b, c)


def call(e: Emitter, name: str, *args: Value) -> Value:
    """An LLVM intrinsic over vectors of f32 or f64."""
    type = args[0].type
    suffix = f"v{type.count}{'f64' if type.element == F64 else 'f32'}"
    return e.call(f"llvm.{name}.{suffix}", type, [a.type for a in args], args)


def bits(e: Emitter, x: Value) -> Value:
    return e.b.bitcast(x, vector(x, I32))


def floats(e: Emitter, x: Value) -> Value:
    return e.b.bitcast(x, vector(x, F32))


def is_nan(e: Emitter, x: Value) -> Value:
    return e.b.fcmp_unordered("uno", x, x)


def copysign(e: Emitter, magnitude: Value, sign: Value) -> Value:
    return call(e, "copysign", magnitude, sign)


def clamp(e: Emitter, x: Value, low: float, high: float) -> Value:
    """x limited; NaN stays."""
    return e.minimum(e.maximum(x, number(e, x, low)), number(e, x, high))


# Quotients and rounding


def mean(e: Emitter, total: Value, count: Value, inverse: Value) -> Value:
    """total / count of f32, rounded once: count is a whole number below 2**23, inverse = 1 / count.

    Where products are fused, the remainder of the quotient by the inverse tells what it lacks. (P. Markstein 1990,
    "Computation of elementary functions on the IBM RISC System/6000 processor".)
    """
    if not e.target.fma:
        return e.b.fdiv(total, count)
    near = e.b.fmul(total, inverse)
    rest = multiply_add(e, e.b.fneg(near), count, total)
    exact = multiply_add(e, rest, inverse, near)
    return e.b.select(e.b.fcmp_ordered("ord", rest, rest), exact, near)  # infinite totals leave NaN


def inverse_root(e: Emitter, x: Value) -> Value:
    """1 / sqrt(x) for a vector of f32 between 1e-30 and 1e30, to 2 ulp: an estimate and Newton's y += y/2 (1 - x y^2).

    Where there are no estimates it is exact, and four times as slow.
    """
    if e.target.lanes == 16:
        none = ir.Constant(e.V, ir.Undefined)
        everywhere = ir.Constant(ir.IntType(16), 0xFFFF)
        y, steps = e.call("llvm.x86.avx512.rsqrt14.ps.512", e.V, [e.V, e.V, ir.IntType(16)], [x, none, everywhere]), 1
    elif e.target.lanes == 8:
        y, steps = e.call("llvm.x86.avx.rsqrt.ps.256", e.V, [e.V], [x]), 2
    else:
        return e.b.fdiv(e.splat(1.0), e.sqrt(x))
    for _ in range(steps):
        rest = e.b.fsub(e.splat(1.0), e.b.fmul(e.b.fmul(x, y), y))
        y = e.fma(e.b.fmul(y, e.splat(0.5)), rest, y)
    return y


def rint(e: Emitter, x: Value) -> Value:
    """The nearest integer, halves to the even one."""
    if _rounds(e) or x.type.element == F64:
        return call(e, "nearbyint", x)
    # SSE2 has no such instruction: adding 2**23 leaves no room for a fraction.
    big = copysign(e, number(e, x, 8388608.0), x)
    rounded = copysign(e, e.b.fsub(e.b.fadd(x, big), big), x)
    small = e.b.fcmp_ordered("<", call(e, "fabs", x), number(e, x, 8388608.0))
    return e.b.select(small, rounded, x)


def floor(e: Emitter, x: Value) -> Value:
    """The largest integer not above x."""
    if _rounds(e) or x.type.element == F64:
        return call(e, "floor", x)
    near = rint(e, x)
    down = e.b.select(e.b.fcmp_ordered(">", near, x), number(e, x, 1.0), number(e, x, 0.0))
    return copysign(e, e.b.fsub(near, down), x)


def ceil(e: Emitter, x: Value) -> Value:
    """The smallest integer not below x."""
    if _rounds(e) or x.type.element == F64:
        return call(e, "ceil", x)
    return e.b.fneg(floor(e, e.b.fneg(x)))


def trunc(e: Emitter, x: Value) -> Value:
    """x without its fraction."""
    if _rounds(e) or x.type.element == F64:
        return call(e, "trunc", x)
    return copysign(e, floor(e, call(e, "fabs", x)), x)


def _rounds(e: Emitter) -> bool:
    return e.target.name != "sse2"


# Exponentials


def exp(e: Emitter, x: Value, bounded: bool = False) -> Value:
    """e to the power x: 1.1 ulp. `bounded` promises -87 <= x <= 88, or NaN, and saves a few instructions."""
    if not bounded:
        x = clamp(e, x, EXP_LOW, EXP_HIGH)
    shifted, n, r = _reduce(e, x)
    p = multiply_add(e, e.b.fmul(r, r), horner(e, r, _EXP), r)
    p = e.b.fadd(p, number(e, x, 1.0))
    return _scale_near(e, p, shifted) if bounded else _scale(e, p, shifted, n)


def expm1(e: Emitter, x: Value) -> Value:
    """exp(x) - 1, exact near 0 too: 2 ulp."""
    # Beyond these it is -1 or infinite; the power of two stays a normal number, or is infinite.
    x = clamp(e, x, -87.0, EXP_HIGH)
    shifted, n, r = _reduce(e, x)
    p = multiply_add(e, e.b.fmul(r, r), horner(e, r, _EXPM1), r)
    # 2**128 is no float, so half of the power is taken, twice.
    half = floats(e, e.b.shl(e.b.add(e.b.sub(bits(e, shifted), _magic_bits(e, x)), whole(e, x, 126)), whole(e, x, 23)))
    result = multiply_add(e, half, p, e.b.fsub(half, number(e, x, 0.5)))
    return e.b.select(e.b.fcmp_ordered("==", n, number(e, x, 0.0)), p, e.b.fadd(result, result))


def _reduce(e: Emitter, x: Value) -> tuple[Value, Value, Value]:
    """n + magic, n, r with x = n ln 2 + r, |r| <= ln(2)/2, n an integer."""
    magic = number(e, x, _MAGIC)
    shifted = multiply_add(e, x, number(e, x, _LOG2E), magic)
    n = e.b.fsub(shifted, magic)
    r = multiply_add(e, n, number(e, x, -_LN2[0]), x)
    return shifted, n, multiply_add(e, n, number(e, x, -_LN2[1]), r)


def _magic_bits(e: Emitter, x: Value) -> Value:
    return whole(e, x, 0x4B400000)


def _scale_near(e: Emitter, p: Value, shifted: Value) -> Value:
    """p * 2**n for a normal result: n is added to the exponent. The magic number's own bits are shifted out."""
    return floats(e, e.b.add(bits(e, p), e.b.shl(bits(e, shifted), whole(e, p, 23))))


def _scale(e: Emitter, p: Value, shifted: Value, n: Value) -> Value:
    """p * 2**n for -151 <= n <= 129: denormal, zero or infinite where it must be."""
    if e.target.name.startswith("avx512") and p.type.count == 16:
        types = [p.type, p.type, p.type, ir.IntType(16), I32]
        args = [p, n, p, ir.IntType(16)(-1), I32(4)]
        return e.call("llvm.x86.avx512.mask.scalef.ps.512", p.type, types, args)
    exponent = e.b.sub(bits(e, shifted), _magic_bits(e, p))
    first = e.b.ashr(exponent, whole(e, p, 1))
    second = e.b.sub(exponent, first)
    for k in (first, second):
        p = e.b.fmul(p, floats(e, e.b.shl(e.b.add(k, whole(e, p, 127)), whole(e, p, 23))))
    return p


# Logarithms


def log_(e: Emitter, x: Value) -> Value:
    """The natural logarithm: 1.5 ulp. -inf for 0, NaN below."""
    exponent, m = _split(e, x)
    t = e.b.fsub(m, number(e, x, 1.0))
    square = e.b.fmul(t, t)
    tail = e.b.fmul(e.b.fmul(horner(e, t, _LOG), t), square)
    tail = multiply_add(e, exponent, number(e, x, _LN2[1]), tail)
    tail = multiply_add(e, square, number(e, x, -0.5), tail)
    result = multiply_add(e, exponent, number(e, x, _LN2[0]), e.b.fadd(t, tail))
    return _log_ends(e, x, result)


def log_near(e: Emitter, t: Value) -> Value:
    """log(1 + t) for sqrt(1/2) - 1 <= t <= sqrt(2) - 1, exact near 0 too: 1.5 ulp."""
    square = e.b.fmul(t, t)
    tail = e.b.fmul(e.b.fmul(horner(e, t, _LOG), t), square)
    return e.b.fadd(t, multiply_add(e, square, number(e, t, -0.5), tail))


def _split(e: Emitter, x: Value) -> tuple[Value, Value]:
    """(n, m) with x = m * 2**n, sqrt(1/2) <= m < sqrt(2), n as a float; for positive finite x."""
    tiny = e.b.fcmp_ordered("<", x, number(e, x, 1.17549435e-38))
    scaled = e.b.select(tiny, e.b.fmul(x, number(e, x, 8388608.0)), x)
    # The bits of sqrt(1/2) are subtracted, so that the exponent changes there.
    offset = e.b.sub(bits(e, scaled), whole(e, x, 0x3F3504F3))
    n = e.b.sitofp(e.b.ashr(offset, whole(e, x, 23)), x.type)
    n = e.b.fsub(n, e.b.select(tiny, number(e, x, 23.0), number(e, x, 0.0)))
    mantissa = e.b.and_(offset, whole(e, x, 0x7FFFFF))
    return n, floats(e, e.b.add(mantissa, whole(e, x, 0x3F3504F3)))


def _log_ends(e: Emitter, x: Value, result: Value) -> Value:
    """What the logarithm is at 0, below, at infinity and NaN."""
    zero = number(e, x, 0.0)
    result = e.b.select(e.b.fcmp_ordered("<", x, number(e, x, inf)), result, x)
    result = e.b.select(e.b.fcmp_ordered("<", x, zero), number(e, x, float("nan")), result)
    return e.b.select(e.b.fcmp_ordered("==", x, zero), number(e, x, -inf), result)


def log1p(e: Emitter, x: Value) -> Value:
    """log(1 + x), exact near 0 too: 3 ulp.

    log(u) * x / (u - 1) with u = 1 + x rounded. (D. Goldberg 1991, "What Every Computer Scientist Should Know About
    Floating-Point Arithmetic", theorem 4.)
    """
    one = number(e, x, 1.0)
    u = e.b.fadd(one, x)
    ratio = e.b.fdiv(x, e.b.fsub(u, one))
    result = e.b.fmul(log_(e, u), ratio)
    same = e.b.or_(e.b.fcmp_ordered("==", u, one), e.b.fcmp_ordered("==", u, number(e, x, inf)))
    return e.b.select(same, x, result)


# Powers


def power(e: Emitter, x: Value, y: Value) -> Value:
    """x to the power y: 0.6 ulp, the cases of C's pow included. 2 ** (y log2 |x|) in f64, with the sign of x."""
    wide = vector(x, F64)
    size = call(e, "fabs", x)
    exponent, m = _split(e, size)
    logarithm = e.b.fadd(e.b.fpext(exponent, wide), _log2(e, e.b.fpext(m, wide)))
    product = e.b.fmul(e.b.fpext(y, wide), logarithm)
    product = e.b.select(e.b.fcmp_ordered("==", logarithm, e.splat(0.0, wide)), e.splat(0.0, wide), product)
    result = e.b.fptrunc(_exp2(e, product), x.type)
    return _power_cases(e, x, size, y, result)


def _log2(e: Emitter, m: Value) -> Value:
    """log2 in f64 on [sqrt(1/2), sqrt(2)]: the series of 2 atanh(s) / ln 2, s = (m - 1) / (m + 1); error 2e-12."""
    one = number(e, m, 1.0)
    s = e.b.fdiv(e.b.fsub(m, one), e.b.fadd(m, one))
    return e.b.fmul(s, horner(e, e.b.fmul(s, s), [2 / (2 * k + 1) / log(2) for k in range(7)]))


def _exp2(e: Emitter, x: Value) -> Value:
    """2**x in f64: the series on |x| <= 1/2; error 1e-11. Limited to what f32 can tell from 0 and infinity."""
    x = clamp(e, x, -200.0, 200.0)
    magic = number(e, x, 6755399441055744.0)  # 1.5 * 2**52
    shifted = e.b.fadd(x, magic)
    f = e.b.fsub(x, e.b.fsub(shifted, magic))
    p = horner(e, f, [log(2) ** k / factorial(k) for k in range(10)])
    n = e.b.bitcast(shifted, vector(x, I64))
    return e.b.bitcast(
        e.b.add(e.b.bitcast(p, vector(x, I64)), e.b.shl(n, whole(e, x, 52, I64))),
        x.type,
    )


def _power_cases(e: Emitter, x: Value, size: Value, y: Value, result: Value) -> Value:
    """Zeros, infinities, negative bases, NaN."""
    zero, one, infinite = (number(e, x, v) for v in (0.0, 1.0, inf))
    b = e.b
    up = b.fcmp_ordered(">", y, zero)
    at_end = b.or_(b.fcmp_ordered("==", size, zero), b.fcmp_ordered("==", size, infinite))
    large = b.icmp_signed("==", b.fcmp_ordered("==", size, infinite), up)
    result = b.select(at_end, b.select(large, infinite, zero), result)
    whole_y = b.fcmp_ordered("==", trunc(e, y), y)
    small = b.fcmp_ordered("<", call(e, "fabs", y), number(e, x, 16777216.0))
    parity = b.fptosi(b.select(small, y, zero), vector(x, I32))
    odd = b.and_(whole_y, b.icmp_signed("!=", b.and_(parity, whole(e, x, 1)), whole(e, x, 0)))
    negative = b.icmp_signed("<", bits(e, x), whole(e, x, 0))
    result = b.select(b.and_(negative, odd), b.fneg(result), result)
    undefined = b.and_(b.and_(negative, b.not_(at_end)), b.not_(whole_y))
    undefined = b.or_(undefined, b.fcmp_unordered("uno", x, y))
    result = b.select(undefined, number(e, x, float("nan")), result)
    trivial = b.or_(b.fcmp_ordered("==", y, zero), b.fcmp_ordered("==", x, one))
    return b.select(trivial, one, result)
