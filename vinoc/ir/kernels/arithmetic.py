"""Arithmetic that NumPy has not in this form.

Object arrays hold dimensions that are expressions (`2*N+1`) with inclusive bounds `lo` and `hi`. What such an
expression leaves open raises ValueError.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import Array


def widen(x: Array) -> Array:
    """Floats narrower than f32 as f32, for formulas of several steps; all else as it is."""
    narrow = x.dtype.itemsize < 4 and x.dtype != np.bool_ and not is_integer(x)
    return x.astype(np.float32) if narrow else x


def like(x: Array, model: Array) -> Array:
    """`x` in the element type of `model`. What overflows becomes infinite, without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(x).astype(model.dtype, copy=False)


def is_integer(x: Array) -> bool:
    """True for integers, those of two and four bits included."""
    return x.dtype.name.lstrip("u").startswith("int")


def limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The smallest and the largest value of an integer type."""
    bits = int(dtype.name.lstrip("uint"))
    return (0, 2**bits - 1) if dtype.name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def divide(a: Array, b: Array, floor: bool) -> Array:
    """a / b, exact for floats; integers are rounded down or towards zero, and x / 0 is 0."""
    if object in (a.dtype, b.dtype):
        return np.floor_divide(a, b) if floor else np.floor_divide(_positive(a), _positive(b))
    if not is_integer(a):
        return np.divide(a, b)
    with np.errstate(divide="ignore", over="ignore"):
        quotient = np.floor_divide(a, b)
        if floor:
            return quotient
        negative = (a < 0) != (b < 0)
        inexact = np.multiply(quotient, b) != a
    one = np.ones((), quotient.dtype)
    return np.where(negative & inexact & (b != 0), quotient + one, quotient)


def mod(a: Array, b: Array) -> Array:
    """The remainder with the sign of a; 0 for integers where b is 0."""
    if object in (a.dtype, b.dtype):
        return np.remainder(_positive(a), _positive(b))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.fmod(a, b)


def floor_mod(a: Array, b: Array) -> Array:
    """The remainder with the sign of b; 0 for integers where b is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.remainder(a, b)


def power(a: Array, b: Array) -> Array:
    """a ** b; for integers 1 / a**-b without its fraction where b is negative, and 0 for 0 ** -1."""
    if not is_integer(a) or b.dtype.kind == "u":
        return np.power(a, b)
    positive = np.power(a, np.maximum(b, np.zeros((), b.dtype)))
    if not np.any(b < 0):
        return positive
    odd = b % 2 != 0
    unit = np.where(a == 1, 1, np.where(a == -1, np.where(odd, -1, 1), 0))
    return np.where(b < 0, unit.astype(positive.dtype), positive)


def equal(a: Array, b: Array) -> Array:
    """a == b; of dimensions, where their bounds decide it."""
    if object in (a.dtype, b.dtype):
        return np.asarray(np.frompyfunc(_decide_equal, 2, 1)(a, b), np.bool_)
    return np.equal(a, b)


def floor(x: Array) -> Array:
    """The largest integer not above x."""
    return x if is_integer(x) else np.floor(x)


def ceiling(x: Array) -> Array:
    """The smallest integer not below x."""
    return x if is_integer(x) else np.ceil(x)


def round_to_integer(x: Array, mode: str) -> Array:
    """The nearest integer; halves to the even one ("half_to_even") or away from zero."""
    if is_integer(x):
        return x
    if mode == "half_to_even":
        return np.rint(x)
    whole = np.trunc(x)
    return like(whole + np.copysign(np.abs(x - whole) >= 0.5, x), x)


def is_infinite(x: Array, negative: bool, positive: bool) -> Array:
    """True for the infinities of the wanted signs."""
    return np.logical_and(np.isinf(x), np.where(np.signbit(x), negative, positive))


def clamp(x: Array, low: float, high: float) -> Array:
    """Limits to [low, high]; integers to the integers within, as far as the element type reaches."""
    if is_integer(x):
        least, most = limits(x.dtype)
        bottom = np.array(least if low <= least else min(int(np.ceil(low)), most)).astype(x.dtype)
        top = np.array(most if high >= most else max(int(np.floor(high)), least)).astype(x.dtype)
    else:
        with np.errstate(over="ignore"):
            bottom, top = np.array(low).astype(x.dtype), np.array(high).astype(x.dtype)
    return np.asarray(np.minimum(np.maximum(x, bottom), top))


def _positive(x: Array) -> Array:
    """`x`, for which rounding down and towards zero are the same. ValueError where it may be negative."""
    if any(getattr(v, "lo", v) < 0 for v in np.asarray(x).reshape(-1).tolist()):
        raise ValueError("a dimension may be negative")
    return x


def _decide_equal(a: Any, b: Any) -> bool:
    if isinstance(a, str | bytes) or isinstance(b, str | bytes):
        return bool(a == b)
    difference = a - b
    low, high = getattr(difference, "lo", difference), getattr(difference, "hi", difference)
    if low > 0 or high < 0:
        return False
    if low == high == 0:
        return True
    raise ValueError("the bounds of the dimensions do not decide whether they are equal")
