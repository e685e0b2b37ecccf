"""Products of integers of eight bits, with sums in i32 that wrap as ONNX's do."""

from __future__ import annotations

import numpy as np

from .array import Array, Ints
from .conv import group_convolution

EXACT = 1 << 24
"""Whole numbers up to which f32 holds all."""

LARGEST = 255 * 255
"""Product of two numbers of eight bits, each less a zero point."""


def integer_matmul(a: Array, b: Array, a_zero: Array, b_zero: Array) -> Array:
    """(a - a_zero) @ (b - b_zero), in floats that hold every sum."""
    wide = accumulated(a.shape[-1])
    return wrapped(np.matmul(centred(a, a_zero, wide), centred(b, b_zero, wide)))


def integer_convolution(
    data: Array, filters: Array, data_zero: Array, filters_zero: Array, groups: int,
    strides: Ints, dilations: Ints, begin: Ints, end: Ints, auto_pad: str,
) -> Array:  # fmt: skip
    """data [N,G*I,*spatial], filters [G*O,I,*kernel], each less its zero point -> [N,G*O,*out]."""
    x, w = centred(data, data_zero, np.float64), centred(filters, filters_zero, np.float64)
    split = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    return wrapped(group_convolution(x, split, strides, dilations, begin, end, auto_pad))


def accumulated(terms: int) -> type[np.floating]:
    """The float type in which sums of so many products are exact."""
    return np.float32 if terms * LARGEST < EXACT else np.float64


def centred(values: Array, zero: Array, wide: type[np.floating]) -> Array:
    """Integers less their zero point, as floats."""
    return np.asarray(values.astype(wide) - zero.astype(wide))


def wrapped(sums: Array) -> Array:
    """Whole numbers modulo 2^32, as i32."""
    return np.asarray(sums.astype(np.int64).astype(np.int32))
