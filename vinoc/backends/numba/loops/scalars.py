"""Elementwise operations on one number of f32: what chains of them are made of."""

from __future__ import annotations

import math

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


@njit(cache=CACHED, error_model="numpy")
def sigmoid(x):
    """1 / (1 + exp(-x)), with the exponential of a negative number alone, which cannot overflow."""
    e = np.exp(-np.abs(x))
    return (e if x < 0 else np.float32(1)) / (np.float32(1) + e)


@njit(cache=CACHED, error_model="numpy")
def gelu(x):
    """x times the probability that a normal variable is below x; in f64."""
    return np.float32(0.5 * x * (1 + math.erf(x * math.sqrt(0.5))))


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
