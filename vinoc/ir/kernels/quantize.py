"""Rounding to the values that a smaller element type has, without leaving the type."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import like, widen

Array = np.ndarray[Any, np.dtype[Any]]


def fake_quantize(x: Array, in_low: Array, in_high: Array, out_low: Array, out_high: Array, levels: int) -> Array:
    """Maps [in_low, in_high] to `levels` evenly spaced values of [out_low, out_high], in f64.

    In f32 the formula itself would move values across the border between two levels. Halves are rounded to even.
    What is outside of the range becomes out_low or out_high. The sizes of steps are found first: where f32 holds them,
    the level of zero is zero, and what lies halfway between two levels is seen to do so.
    """
    data, il, ih, ol, oh = (np.asarray(v, np.float64) for v in (x, in_low, in_high, out_low, out_high))
    steps = data.dtype.type(levels - 1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inside = np.rint((data - il) / ((ih - il) / steps)) * ((oh - ol) / steps) + ol
    below, above = data <= np.minimum(il, ih), data > np.maximum(il, ih)
    return like(np.where(below, ol, np.where(above, oh, inside)), x)


def fake_convert(x: Array, scale: Array, shift: Array | None, small: np.dtype[Any]) -> Array:
    """x * scale - shift through an 8-bit float (e4m3 or e5m2), which saturates, and back."""
    largest = 448.0 if "e4m3" in small.name else 57344.0
    factor = widen(scale)
    offset = np.zeros((), factor.dtype) if shift is None else widen(shift)
    scaled = widen(x) * factor - offset
    kept = np.minimum(np.maximum(scaled, -largest), largest)
    return like((kept.astype(small).astype(factor.dtype) + offset) / factor, x)
