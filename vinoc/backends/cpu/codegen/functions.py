"""Activations, hyperbolic and trigonometric functions of vectors of f32. See math.py for errors and fits."""

from __future__ import annotations

from math import inf, log, pi, sqrt
from typing import Any, TypeAlias

from .emit import F64, I32, I64, Emitter
from .math import call, clamp, copysign, exp, expm1, horner, log1p, log_, log_near, multiply_add, number, vector, whole

Value: TypeAlias = Any

# erf(x) = x P(x*x) / Q(x*x) on |x| <= 3.93, where erf(3.92) rounds to 1; error 1.9e-8.
_ERF_P = (1.12837911, 0.190784484, 0.0527903736, 0.00377963646, 0.000284809037, 2.04196385e-06)
_ERF_Q = (1.0, 0.502411067, 0.11425779, 0.0149974935, 0.00116521888, 3.80040256e-05)
# erfc(sqrt(2) t) = P(t)**-16 on 0 <= t <= 2.9, where t erfc(sqrt(2) t) has come down to 2e-8 (the form is that of
# C. Hastings 1955, "Approximations for Digital Computers"); error 1.1e-6 relative to max(t erfc(sqrt(2) t), 0.02).
_GELU = (
    1.0, 0.0997392088, 0.0844913125, 0.0266027208, -0.000293263962, 0.0026160907, -0.000244785013, 0.000125989071,
)  # fmt: skip
# tanh(x) = x P(x*x) / Q(x*x) on |x| <= 9.02; error 1.3e-9.
_TANH_P = (1.0, 0.136799157, 0.00386832794, 2.80074619e-05, 3.05850314e-08, -1.22034752e-11)
_TANH_Q = (1.0, 0.47013247, 0.0272458401, 0.000393863127, 1.2873669e-06)
# (sin(x) - x) / x**3 and (cos(x) - 1 + x**2 / 2) / x**4 in x*x, |x| <= pi/4; errors 3.8e-9 and 1.2e-10.
_SIN = (-0.166666552, 0.00833215564, -0.00019514632)
_COS = (0.0416666456, -0.00138873095, 2.44324128e-05)
# (atan(x) - x) / x**3 in x*x, |x| <= 1; error 2.6e-9.
_ATAN = (
    -0.333332986, 0.199985489, -0.142642424, 0.109521858, -0.08403451, 0.0579576008, -0.0311778504, 0.0109146088,
    -0.00179362227,
)  # fmt: skip
_HALF_PI = (1.5707963109016418, 1.5893254712295857e-08, 6.123233995736766e-17)
"""pi/2 in three parts of f64, of which two have 26 bits, so that their products with a quadrant are exact."""


LARGEST_ANGLE = 2.0**50
"""Angles beyond it are taken for 0: an f32 of that size says nothing about an angle."""


def erf(e: Emitter, x: Value) -> Value:
    """The error function: 6 ulp."""
    x = clamp(e, x, -3.92, 3.92)
    square = e.b.fmul(x, x)
    return clamp(e, e.b.fdiv(e.b.fmul(x, horner(e, square, _ERF_P)), horner(e, square, _ERF_Q)), -1.0, 1.0)


def tanh(e: Emitter, x: Value) -> Value:
    """The hyperbolic tangent: 5 ulp."""
    x = clamp(e, x, -9.02, 9.02)
    square = e.b.fmul(x, x)
    return clamp(e, e.b.fdiv(e.b.fmul(x, horner(e, square, _TANH_P)), horner(e, square, _TANH_Q)), -1.0, 1.0)


def sigmoid(e: Emitter, x: Value) -> Value:
    """1 / (1 + exp(-x)): 3 ulp above -88; 0 below that, which spares denormal numbers."""
    one = number(e, x, 1.0)
    return e.b.fdiv(one, e.b.fadd(one, _exp_of_negative(e, x)))


def swish(e: Emitter, x: Value, inner: Value | None = None) -> Value:
    """x / (1 + exp(-inner)), inner = x by default; NaN at minus infinity."""
    return e.b.fdiv(x, e.b.fadd(number(e, x, 1.0), _exp_of_negative(e, x if inner is None else inner)))


def _exp_of_negative(e: Emitter, x: Value) -> Value:
    """exp(-x), infinite below -88."""
    large = exp(e, clamp(e, e.b.fneg(x), -87.0, 88.0), bounded=True)
    return e.b.select(e.b.fcmp_ordered("<", x, number(e, x, -88.0)), number(e, x, inf), large)


def softplus(e: Emitter, x: Value) -> Value:
    """log(1 + exp(x)) = max(x, 0) + log(1 + w), w = exp(-|x|): 3 ulp.

    w is at most 1: above sqrt(2) - 1 the logarithm is ln 2 + log(1 + t), t = (w - 1)/2.
    """
    w = exp(e, e.maximum(e.b.fneg(call(e, "fabs", x)), number(e, x, -87.0)), bounded=True)
    large = e.b.fcmp_ordered(">", w, number(e, x, sqrt(2) - 1))
    half = multiply_add(e, w, number(e, x, 0.5), number(e, x, -0.5))
    tail = log_near(e, e.b.select(large, half, w))
    tail = e.b.fadd(tail, e.b.select(large, number(e, x, log(2)), number(e, x, 0.0)))
    return e.b.fadd(e.maximum(x, number(e, x, 0.0)), tail)


def mish(e: Emitter, x: Value) -> Value:
    """x tanh(log(1 + w)), w = exp(x): with n = w (w + 2) it is x n / (n + 2). Above 20 it is x."""
    two = number(e, x, 2.0)
    w = exp(e, e.minimum(x, number(e, x, 20.0)))
    n = e.b.fmul(w, e.b.fadd(w, two))
    return e.b.fmul(x, e.b.fdiv(n, e.b.fadd(n, two)))


def gelu(e: Emitter, x: Value) -> Value:
    """max(x, 0) - t erfc(sqrt(2) t), t = |x| / 2: an error of 5e-7 of max(|result|, 1), from x = -3 on 5e-6 of it."""
    half = e.b.fmul(x, number(e, x, 0.5))
    size = call(e, "fabs", half)
    t = e.minimum(size, number(e, x, 20.0))  # there the power is infinite, so that 0 is subtracted
    power = horner(e, t, _GELU)
    for _ in range(4):
        power = e.b.fmul(power, power)
    return e.b.fsub(e.b.fadd(half, size), e.b.fdiv(t, power))


def gelu_tanh(e: Emitter, x: Value) -> Value:
    """x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x**3))): an error of 1e-6 of max(|result|, 1)."""
    c = sqrt(2 / pi)
    inner = e.b.fmul(x, horner(e, e.b.fmul(x, x), (c, 0.044715 * c)))
    half = e.b.fmul(x, number(e, x, 0.5))
    return multiply_add(e, half, tanh(e, inner), half)


def sinh(e: Emitter, x: Value) -> Value:
    """(m + m / (m + 1)) / 2 with m = expm1(|x|), and the sign of x; large: exp(|x| - ln 2)."""
    size = call(e, "fabs", x)
    one, half = number(e, x, 1.0), number(e, x, 0.5)
    m = expm1(e, e.minimum(size, number(e, x, 30.0)))
    near = e.b.fmul(half, e.b.fadd(m, e.b.fdiv(m, e.b.fadd(m, one))))
    large = e.b.fcmp_ordered(">", size, number(e, x, 20.0))
    return copysign(e, e.b.select(large, _half_exp(e, size), near), x)


def cosh(e: Emitter, x: Value) -> Value:
    """exp(|x|) / 2 + exp(-|x|) / 2."""
    size = call(e, "fabs", x)
    small = exp(e, e.b.fneg(size))
    return multiply_add(e, number(e, x, 0.5), small, _half_exp(e, size))


def _half_exp(e: Emitter, x: Value) -> Value:
    """exp(x) / 2, finite as long as that is: exp(x/2) squared would double the error, so ln 2 is taken off first."""
    # ln 2 = 0.693359375 - 2.12e-4: the first part is exact in x's place, the second is a factor.
    shifted = e.b.fsub(x, number(e, x, 0.693359375))
    return e.b.fmul(exp(e, shifted), number(e, x, 0.693359375 - log(2) + 1.0 + (0.693359375 - log(2)) ** 2 / 2))


def asinh(e: Emitter, x: Value) -> Value:
    """log1p(|x| + x**2 / (1 + sqrt(1 + x**2))) with the sign of x; log(|x|) + ln 2 where the square is too large."""
    size, one = call(e, "fabs", x), number(e, x, 1.0)
    near = e.minimum(size, number(e, x, 1e9))
    square = e.b.fmul(near, near)
    root = e.b.fadd(one, e.sqrt(e.b.fadd(square, one)))
    small = log1p(e, e.b.fadd(near, e.b.fdiv(square, root)))
    return copysign(e, e.b.select(_beyond(e, size), _log_twice(e, size), small), x)


def acosh(e: Emitter, x: Value) -> Value:
    """log1p(t + sqrt(t (t + 2))), t = x - 1; NaN below 1."""
    t = e.b.fsub(x, number(e, x, 1.0))
    near = e.minimum(t, number(e, x, 1e9))
    root = e.sqrt(e.b.fmul(near, e.b.fadd(near, number(e, x, 2.0))))
    small = log1p(e, e.b.fadd(near, root))
    result = e.b.select(_beyond(e, x), _log_twice(e, x), small)
    return e.b.select(e.b.fcmp_ordered("<", t, number(e, x, 0.0)), number(e, x, float("nan")), result)


def _beyond(e: Emitter, x: Value) -> Value:
    return e.b.fcmp_ordered(">", x, number(e, x, 1e9))


def _log_twice(e: Emitter, x: Value) -> Value:
    return e.b.fadd(log_(e, x), number(e, x, log(2)))


def atanh(e: Emitter, x: Value) -> Value:
    """log1p(2 |x| / (1 - |x|)) / 2 with the sign of x."""
    size, one = call(e, "fabs", x), number(e, x, 1.0)
    ratio = e.b.fdiv(e.b.fadd(size, size), e.b.fsub(one, size))
    result = e.b.fmul(number(e, x, 0.5), log1p(e, ratio))
    return copysign(e, e.b.select(e.b.fcmp_ordered(">", size, one), number(e, x, float("nan")), result), x)


# Trigonometry


def sin(e: Emitter, x: Value) -> Value:
    """The sine: 1.6 ulp for |x| < 2**26 (2**50 with fused multiply-add)."""
    quadrant, s, c = _quarter(e, x)
    return _negate_if(e, _odd(e, quadrant, c, s), quadrant, 2)


def cos(e: Emitter, x: Value) -> Value:
    """The cosine: 1.6 ulp for |x| < 2**26 (2**50 with fused multiply-add)."""
    quadrant, s, c = _quarter(e, x)
    return _negate_if(e, _odd(e, quadrant, s, c), e.b.add(quadrant, whole(e, x, 1)), 2)


def tan(e: Emitter, x: Value) -> Value:
    """The tangent: 3 ulp for |x| < 2**26 (2**50 with fused multiply-add)."""
    quadrant, s, c = _quarter(e, x)
    return _negate_if(e, e.b.fdiv(_odd(e, quadrant, c, s), _odd(e, quadrant, s, c)), quadrant, 1)


def _quarter(e: Emitter, x: Value) -> tuple[Value, Value, Value]:
    """The quadrant of an angle, and the sine and cosine of what is left, |r| <= pi/4. Reduced in f64."""
    wide = vector(x, F64)
    size = call(e, "fabs", x)
    x = e.b.select(e.b.fcmp_ordered(">", size, number(e, x, LARGEST_ANGLE)), number(e, x, 0.0), x)
    x = e.b.select(e.b.fcmp_ordered("==", size, number(e, x, inf)), number(e, x, float("nan")), x)
    angle = e.b.fpext(x, wide)
    magic = e.splat(6755399441055744.0, wide)  # 1.5 * 2**52
    shifted = multiply_add(e, angle, e.splat(2 / pi, wide), magic)
    n = e.b.fsub(shifted, magic)
    for part in _HALF_PI:
        angle = multiply_add(e, n, e.splat(-part, wide), angle)
    r = e.b.fptrunc(angle, x.type)
    square = e.b.fmul(r, r)
    s = multiply_add(e, e.b.fmul(r, square), horner(e, square, _SIN), r)
    c = multiply_add(e, square, number(e, x, -0.5), number(e, x, 1.0))
    c = multiply_add(e, e.b.fmul(square, square), horner(e, square, _COS), c)
    low = e.b.trunc(e.b.bitcast(shifted, vector(x, I64)), vector(x, I32))
    return low, s, c


def _odd(e: Emitter, quadrant: Value, odd: Value, even: Value) -> Value:
    """One value in odd quadrants, the other in even ones."""
    bit = e.b.and_(quadrant, whole(e, odd, 1))
    return e.b.select(e.b.icmp_signed("!=", bit, whole(e, odd, 0)), odd, even)


def _negate_if(e: Emitter, x: Value, quadrant: Value, bit: int) -> Value:
    on = e.b.icmp_signed("!=", e.b.and_(quadrant, whole(e, x, bit)), whole(e, x, 0))
    return e.b.select(on, e.b.fneg(x), x)


def atan(e: Emitter, x: Value) -> Value:
    """The inverse of the tangent: 2 ulp. Above 1 it is pi/2 - atan(1/x)."""
    size, one = call(e, "fabs", x), number(e, x, 1.0)
    large = e.b.fcmp_ordered(">", size, one)
    r = e.b.select(large, e.b.fdiv(one, size), size)
    square = e.b.fmul(r, r)
    small = multiply_add(e, e.b.fmul(r, square), horner(e, square, _ATAN), r)
    return copysign(e, e.b.select(large, e.b.fsub(number(e, x, pi / 2), small), small), x)


def asin(e: Emitter, x: Value) -> Value:
    """atan(x / sqrt((1 - x) (1 + x))); NaN beyond 1."""
    one = number(e, x, 1.0)
    return atan(e, e.b.fdiv(x, e.sqrt(e.b.fmul(e.b.fsub(one, x), e.b.fadd(one, x)))))


def acos(e: Emitter, x: Value) -> Value:
    """2 atan(sqrt((1 - x) / (1 + x))); NaN beyond 1."""
    one = number(e, x, 1.0)
    half = atan(e, e.sqrt(e.b.fdiv(e.b.fsub(one, x), e.b.fadd(one, x))))
    return e.b.fadd(half, half)
