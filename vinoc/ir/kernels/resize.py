"""Interpolation, one axis after the other: an output element is a weighted sum of a few input elements (taps).

Every mode is a rule that gives, for an axis, the indices [out, taps] and their weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

import numpy as np

from .array import Array

Taps = tuple[Array, Array]


def interpolate(
    image: Array, target: Array, axes: Array | None, mode: str, shape_mode: str, transform: str, nearest: str,
    antialias: bool, pads_begin: Sequence[int], pads_end: Sequence[int], cube_coeff: float,
) -> Array:  # fmt: skip
    """image resized along the axes to `target` sizes, or by `target` scales."""
    over = [int(a) % image.ndim for a in axes.reshape(-1)] if axes is not None else list(range(image.ndim))
    padded = pad_zeros(image, pads_begin, pads_end)
    sizes, scales = targets([padded.shape[a] for a in over], target, shape_mode)
    integer = image.dtype.kind in "iu"
    wide = np.dtype(np.float64 if image.dtype.itemsize > 4 or (integer and image.dtype.itemsize > 2) else np.float32)
    out = padded if mode == "nearest" else padded.astype(wide, copy=False)
    shrinks = antialias and any(s < 1 for s in scales)
    if mode == "bilinear_pillow" or mode == "bicubic_pillow":
        return pillow(out, over, sizes, mode, image.dtype)
    for axis, size, scale in zip(over, sizes, scales):
        n = out.shape[axis]
        at = coordinates(n, size, scale, transform)
        if mode == "nearest":
            out = np.take(out, nearest_index(at, n, scale, nearest), axis)
        elif mode == "linear_onnx":
            out = apply_taps(out, axis, linear_taps(at, n))
        elif mode == "cubic":
            out = apply_taps(out, axis, cubic_taps(at, n, cube_coeff))
        else:
            out = apply_taps(out, axis, triangle_taps(at, n, scale, scale if shrinks else 1.0))
    if mode != "nearest":
        out = saturated(out, image.dtype)
    return np.ascontiguousarray(out.astype(image.dtype, copy=False))


def pillow(image: Array, over: Sequence[int], sizes: Sequence[int], mode: str, dtype: np.dtype[Any]) -> Array:
    """The last axis first; integers are rounded behind each, as Pillow does, which resizes widths before heights."""
    out = image
    for axis, size in sorted(zip(over, sizes), reverse=True):
        if out.shape[axis] != size:
            out = saturated(apply_taps(out, axis, pillow_taps(out.shape[axis], size, mode)), dtype)
    return np.ascontiguousarray(out.astype(dtype, copy=False))


def saturated(image: Array, dtype: np.dtype[Any]) -> Array:
    """Rounded to even and limited to what an integer type holds; floats as they are."""
    if dtype.kind not in "iu":
        return image
    limits = np.iinfo(dtype)
    out: Array = np.clip(np.rint(image), limits.min, limits.max)
    return out


def targets(sizes: Sequence[int], target: Array, shape_mode: str) -> tuple[list[int], list[float]]:
    """The sizes of the result and the factors of growth."""
    if shape_mode == "sizes":
        out = [int(t) for t in target.reshape(-1)]
        return out, [o / n for o, n in zip(out, sizes)]
    scales = [float(s) for s in target.reshape(-1)]
    return [scaled_size(n, s) for n, s in zip(sizes, scales)], scales


def scaled_size(size: Any, scale: float) -> Any:
    """size * scale rounded down: exact for scales as 2 and 0.75, else with a millionth lest 10 * 0.7 be 6."""
    over, under = scale.as_integer_ratio()
    return size * over // under if under <= 16 else floor(size * float(np.float32(scale) + np.float32(1e-6)))


def pad_zeros(image: Array, begin: Sequence[int], end: Sequence[int]) -> Array:
    """Zeros around the image; lists shorter than its rank are for its first axes."""
    if not any(begin) and not any(end):
        return image
    first = [*begin, *[0] * (image.ndim - len(begin))]
    last = [*end, *[0] * (image.ndim - len(end))]
    return np.pad(image, list(zip(first, last)))


def coordinates(n: int, size: int, scale: float, transform: str) -> Array:
    """Where the elements of the result lie in the input, as f32. An axis that keeps its size stays as it is."""
    x = np.arange(size, dtype=np.float32)
    if size == n or scale == 1:
        return x
    s = np.float32(scale)
    if transform == "align_corners":
        return x * np.float32(n - 1) / np.float32(size - 1) if size > 1 else np.zeros_like(x)
    if transform == "asymmetric":
        return x / s
    if transform == "tf_half_pixel_for_nn":
        return (x + np.float32(0.5)) / s
    if transform == "pytorch_half_pixel" and size == 1:
        return np.zeros_like(x)
    return (x + np.float32(0.5)) / s - np.float32(0.5)


def nearest_index(at: Array, n: int, scale: float, mode: str) -> Array:
    if mode == "round_prefer_floor":
        index = np.ceil(at - np.float32(0.5))
    elif mode == "round_prefer_ceil":
        index = np.floor(at + np.float32(0.5))
    elif mode == "ceil" or (mode == "simple" and scale < 1):
        index = np.ceil(at)
    elif mode == "floor":
        index = np.floor(at)
    else:
        index = np.trunc(at)
    return index.astype(np.int64).clip(0, n - 1)


def linear_taps(at: Array, n: int) -> Taps:
    """The two neighbours; beyond an end the end itself."""
    at = at.clip(0, n - 1)
    left = np.floor(at)
    weight = at - left
    index = left.astype(np.int64)
    return np.stack([index, np.minimum(index + 1, n - 1)], 1), np.stack([1 - weight, weight], 1)


def cubic_taps(at: Array, n: int, a: float) -> Taps:
    """The four neighbours by Keys' kernel with coefficient a; beyond an end the end itself."""
    left = np.floor(at)
    t = (at - left).astype(np.float64)
    weights = [cubic(1 + t, a), cubic(t, a), cubic(1 - t, a), cubic(2 - t, a)]
    index = left.astype(np.int64)[:, None] + np.arange(-1, 3)
    return index.clip(0, n - 1), np.stack(weights, 1)


def cubic(x: Array, a: float) -> Array:
    """Keys' cubic kernel at a distance of 0 to 2; 0 beyond."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def triangle_taps(at: Array, n: int, scale: float, narrow: float) -> Taps:
    """All within reach, weighted by a triangle of width 2 / narrow. What lies outside of the input is left out."""
    reach = 2 if scale > 1 else ceil(2 / narrow)
    index = np.rint(at).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    weights = np.maximum(0, 1 - np.abs(narrow * (at[:, None].astype(np.float64) - index)))
    weights *= (index >= 0) & (index < n)
    total = weights.sum(1, keepdims=True)
    return index.clip(0, n - 1), weights / np.where(total == 0, 1, total)


def pillow_taps(n: int, size: int, mode: str) -> Taps:
    """The taps of Pillow's resize: a filter that widens as the image shrinks, cut off at the ends."""
    support = 1.0 if mode == "bilinear_pillow" else 2.0
    step = n / size
    width = max(step, 1.0)
    center = (np.arange(size) + 0.5) * step
    first = np.maximum(np.trunc(center - support * width + 0.5), 0)
    last = np.minimum(np.trunc(center + support * width + 0.5), n)
    index = first[:, None] + np.arange(2 * ceil(support * width) + 1)
    distance = (index - center[:, None] + 0.5) / width
    weights = np.maximum(0, 1 - np.abs(distance)) if mode == "bilinear_pillow" else cubic(distance, -0.5)
    weights = weights * (index < last[:, None])
    return index.astype(np.int64).clip(0, n - 1), weights / weights.sum(1, keepdims=True)


def apply_taps(x: Array, axis: int, taps: Taps) -> Array:
    """Weighted sums along an axis."""
    index, weights = taps
    column = (-1,) + (1,) * (x.ndim - 1 - axis)
    total = np.zeros((*x.shape[:axis], len(index), *x.shape[axis + 1 :]), x.dtype)
    for tap in range(index.shape[1]):
        weight = weights[:, tap].astype(x.dtype)
        if weight.any():
            total += np.take(x, index[:, tap], axis) * weight.reshape(column)
    return total
