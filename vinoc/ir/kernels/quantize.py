"""Rounding to the values that a smaller element type has, without leaving the type."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import like, widen
from .array import Array


def even_steps(low: Array, high: Array, levels: int) -> tuple[Array, Array]:
    """The size of the steps of `levels` evenly spaced values, and the level of zero: a whole number where it is next to
    one. Of f64."""
    step = (high - low) / (levels - 1)
    zero = -low / step
    whole = np.rint(zero)
    return step, np.where(np.abs(zero - whole) <= 2.0**-9, whole, zero)


def fake_quantize(x: Array, in_low: Array, in_high: Array, out_low: Array, out_high: Array, levels: int) -> Array:
    """Maps [in_low, in_high] to `levels` evenly spaced values of [out_low, out_high]; halves go to the even level.

    level = round(x * (1 / step) + zero), where step = (in_high - in_low) / (levels - 1) and zero = -in_low / step. As
    OpenVINO does it behind a product: the reciprocal is an f32, product and sum are rounded once, to f32, and a zero
    next to a whole number is one. So what lies closer to a border between two levels than f32 tells goes the same way
    everywhere. What is outside of the range becomes out_low or out_high. f64 data are computed in f64.
    """
    data, il, ih, ol, oh = (np.asarray(v, np.float64) for v in (x, in_low, in_high, out_low, out_high))
    single: Any = np.float64 if x.dtype == np.float64 else np.float32
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        step, zero = even_steps(il, ih, levels)
        reciprocal = np.reciprocal(step.astype(single)).astype(np.float64)
        level = np.rint((data * reciprocal + zero.astype(single)).astype(single))
        inside = level.astype(np.float64) * ((oh - ol) / (levels - 1)) + ol
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
