"""Conversion between element types."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import is_integer, limits
from .array import Array


def convert(x: Array, to: np.dtype[Any]) -> Array:
    """`x` in another element type.

    Boolean means "not 0". Floats lose their fraction on the way to integers, stop at the ends of the range, and NaN
    becomes 0. Integers wrap around. Expressions of dimensions and strings stay as they are.
    """
    if x.dtype in (to, object):
        return x
    if to == np.bool_:
        return np.not_equal(x, np.zeros((), x.dtype))
    target = np.empty(0, to)
    if is_integer(target) and not is_integer(x) and x.dtype != np.bool_:
        return _float_to_integer(x, to)
    with np.errstate(over="ignore", invalid="ignore"):
        return x.astype(to)


def reinterpret(x: Array, to: np.dtype[Any]) -> Array:
    """The bits of `x` as another type of the same width; booleans are 0 and 1."""
    bits = np.ascontiguousarray(x)
    return (bits.view(np.uint8) != 0 if to == np.bool_ else bits.view(to)).reshape(x.shape)


def _float_to_integer(x: Array, to: np.dtype[Any]) -> Array:
    least, most = limits(to)
    wide = np.trunc(x.astype(np.float64))
    inside = np.where((wide > least) & (wide < most), wide, 0).astype(to)
    ends = np.where(wide >= most, np.array(most).astype(to), np.array(least).astype(to))
    return np.where((wide >= most) | (wide <= least), ends, inside)
