"""Activation functions: stable, computed in f32 where the element type is narrower."""

from __future__ import annotations

import numpy as np

from . import special
from .arithmetic import like, widen
from .array import Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), with the exponential of a negative number alone, which cannot overflow."""
    wide = widen(x)
    e = np.exp(-np.abs(wide))
    return like(np.where(wide >= 0, 1, e) / (1 + e), x)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))."""
    wide = widen(x)
    return like(np.maximum(wide, 0) + np.log1p(np.exp(-np.abs(wide))), x)


def mish(x: Array) -> Array:
    """x * tanh(softplus(x))."""
    wide = widen(x)
    return like(wide * np.tanh(softplus(wide)), x)


def swish(x: Array, beta: Array | None) -> Array:
    """x * sigmoid(beta * x); beta is 1 by default."""
    wide = widen(x)
    return like(wide * sigmoid(wide if beta is None else wide * _scalar(beta)), x)


def gelu(x: Array, mode: str) -> Array:
    """x * P(X <= x) of the normal distribution: by erf, or by its approximation with tanh."""
    wide = x.astype(np.float64)
    if mode == "ERF":
        return like(0.5 * wide * (1 + special.erf(wide / np.sqrt(2.0))), x)
    return like(0.5 * wide * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide * wide * wide))), x)


def elu(x: Array, alpha: float) -> Array:
    """x where it is positive, alpha * (exp(x) - 1) elsewhere."""
    wide = widen(x)
    return like(np.where(wide > 0, wide, alpha * np.expm1(np.minimum(wide, 0))), x)


def selu(x: Array, alpha: Array, scale: Array) -> Array:
    """scale * x where x is positive, scale * alpha * (exp(x) - 1) elsewhere."""
    wide = widen(x)
    negative = _scalar(alpha) * np.expm1(np.minimum(wide, 0))
    return like(_scalar(scale) * np.where(wide > 0, wide, negative), x)


def prelu(x: Array, slope: Array) -> Array:
    """x where it is positive, slope * x elsewhere. A slope for each channel lies along axis 1."""
    axis = 1 if x.ndim > 1 else 0
    if slope.ndim == 1 and x.ndim > 1 and slope.shape[0] == x.shape[axis]:
        slope = slope.reshape(-1, *[1] * (x.ndim - 2))
    zero = np.zeros((), x.dtype)
    return np.where(x < zero, x * slope, x)


def hard_sigmoid(x: Array, alpha: Array, beta: Array) -> Array:
    """alpha * x + beta, limited to [0, 1]."""
    return like(np.minimum(np.maximum(_scalar(alpha) * widen(x) + _scalar(beta), 0), 1), x)


def hsigmoid(x: Array) -> Array:
    """(x + 3) / 6, limited to [0, 1]; multiplied by 1 / 6, as all that compute it fast do."""
    wide = widen(x)
    return like(np.minimum(np.maximum(wide + 3, 0), 6) * wide.dtype.type(1 / 6), x)


def hswish(x: Array) -> Array:
    """x * (x + 3) / 6, where the factor is limited to [0, 1]."""
    wide = widen(x)
    return like(wide * (np.minimum(np.maximum(wide + 3, 0), 6) * wide.dtype.type(1 / 6)), x)


def softsign(x: Array) -> Array:
    """x / (1 + |x|)."""
    wide = widen(x)
    return like(wide / (1 + np.abs(wide)), x)


def relu(x: Array) -> Array:
    """max(x, 0), NaN for NaN."""
    return np.maximum(x, np.zeros((), x.dtype))


def _scalar(x: Array) -> Array:
    """The only element, without dimensions that would lead to a result of another rank."""
    return widen(x).reshape(())
