"""Elementwise operations on one number of f32: what chains of them are made of."""

from __future__ import annotations

import numpy as np
from numba import njit

from .settings import CACHED


@njit(cache=CACHED, error_model="numpy")
def relu(x):
    """max(x, 0), NaN for NaN."""
    return np.float32(0) if x < 0 else x


@njit(cache=CACHED, error_model="numpy")
def clamp(x, low, high):
    """x limited to low..high, NaN for NaN."""
    limited = low if x < low else x
    return high if limited > high else limited


@njit(cache=CACHED, error_model="numpy")
def prelu(x, slope):
    """x where it is positive, slope * x elsewhere."""
    return x * slope if x < 0 else x


@njit(cache=CACHED, error_model="numpy")
def hard_sigmoid(x, alpha, beta):
    """alpha * x + beta, limited to 0..1."""
    return clamp(alpha * x + beta, np.float32(0), np.float32(1))


@njit(cache=CACHED, error_model="numpy", fastmath={"contract"})
def exp(x):
    """e^x = 2^n e^r with r = x - n ln 2, |r| <= ln 2 / 2, and a polynomial for e^r: vectors of it need no library.

    The relative error is below 1.3e-7; what would be less than 2e-38 is 0.
    """
    t = np.float32(-88) if x < np.float32(-88) else x
    n = np.rint(np.float32(1.442695) * t)
    n = max(min(n, np.float32(128)), np.float32(-126))
    r = (t - n * np.float32(0.693359375)) + n * np.float32(2.12194440e-4)
    p = np.float32(0.0083694188) + np.float32(0.0013813142) * r
    p = np.float32(0.1666651517) + (np.float32(0.0416684560) + p * r) * r
    p = np.float32(1) + (r + r * r * (np.float32(0.4999999404) + p * r))
    exponent = np.int32((np.int32(n) + np.int32(126)) << np.int32(23))  # as f32, 2^(n - 1)
    y = p * np.float32(2) * exponent.view(np.float32)
    y = np.float32(np.inf) if x > np.float32(88.722839) else y
    return x if x != x else y


@njit(cache=CACHED, error_model="numpy")
def sigmoid(x):
    """1 / (1 + exp(-x)), with the exponential of a negative number alone, which cannot overflow."""
    e = exp(-np.abs(x))
    return (e if x < 0 else np.float32(1)) / (np.float32(1) + e)


@njit(cache=CACHED, error_model="numpy", fastmath={"contract"})
def tanh(x):
    """(1 - e) / (1 + e) with e = exp(-2 |x|), and a polynomial near 0, where the difference is not exact."""
    u = x * x
    p = np.float32(-0.0537292287) + (np.float32(0.0206019990) - np.float32(0.0056607802) * u) * u
    near = x + x * u * (np.float32(-0.3333327770) + (np.float32(0.1333132833) + p * u) * u)
    e = exp(np.float32(-2) * np.abs(x))
    far = (np.float32(1) - e) / (np.float32(1) + e)
    return near if u < np.float32(0.4) else -far if x < 0 else far


@njit(cache=CACHED, error_model="numpy", fastmath={"contract"})
def gelu(x):
    """x times the probability that a normal variable is below x, (1 + erf(z)) / 2 with z = x / sqrt(2); in f64.

    erf(z) = z P(z^2) / Q(z^2), exact to 2e-9, and 1 or -1 from 4 on.
    """
    z = np.float64(x) * 0.7071067811865476
    u = min(z * z, 16.0)
    p = 3.839527119e-3 + u * (3.826920311e-4 + u * (4.780535103e-6 - 1.366675834e-8 * u))
    p = 1.128379182 + u * (1.847103171e-1 + u * (5.433258804e-2 + u * p))
    q = 1.545351139e-2 + u * (1.309578341e-3 + u * 6.400922727e-5)
    q = 1 + u * (4.970288019e-1 + u * (1.138262915e-1 + u * q))
    erf = z * p / q if u < 16 else (1.0 if z > 0 else -1.0)
    return np.float32(0.5 * x * (1 + erf)) if x == x else x


@njit(cache=CACHED, error_model="numpy")
def hsigmoid(x):
    """(x + 3) / 6, limited to 0..1."""
    return clamp(x + np.float32(3), np.float32(0), np.float32(6)) * np.float32(1 / 6)


@njit(cache=CACHED, error_model="numpy")
def hswish(x):
    """x * hsigmoid(x)"""
    return x * hsigmoid(x)


@njit(cache=CACHED, error_model="numpy")
def maximum(a, b):
    """The larger of a and b; NaN where either is NaN."""
    return a if a > b or a != a else b


@njit(cache=CACHED, error_model="numpy")
def minimum(a, b):
    """The smaller of a and b; NaN where either is NaN."""
    return a if a < b or a != a else b


@njit(cache=CACHED, error_model="numpy")
def whole_number(x, low, high):
    """What is left of x in an integer type of the range low..high: no fraction, nothing beyond the ends; 0 for NaN."""
    return np.float32(0) if x != x else clamp(np.trunc(x), low, high)


@njit(cache=CACHED, error_model="numpy")
def fake_quantize(x, in_low, in_high, out_low, out_high, levels):
    """Maps in_low..in_high to `levels` even steps of out_low..out_high, halves to even; levels are found in f32."""
    low, high, steps = np.float64(in_low), np.float64(in_high), np.float64(levels - 1)
    step, width = (high - low) / steps, (np.float64(out_high) - np.float64(out_low)) / steps
    zero = -low / step
    whole = np.rint(zero)
    shift = np.float64(np.float32(whole if abs(zero - whole) <= 2.0**-9 else zero))
    reciprocal = np.float64(np.float32(1) / np.float32(step))
    level = np.rint(np.float32(x * reciprocal + shift))
    inside = np.float64(level) * width + np.float64(out_low)
    limited = out_high if x > max(low, high) else np.float32(inside)
    return out_low if x <= min(low, high) else limited
