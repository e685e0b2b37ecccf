"""Resizing as ONNX defines it: along an axis every element of the result is a weighted sum of elements of the data."""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np

from .array import Array


def points(n: int, m: int, scale: float, coordinates: str, start: float = 0.0, end: float = 1.0) -> Array:
    """Where each of m elements of the result lies among the n of the data. `start`, `end`: the part looked at.

    The length of the result is n * scale, of which m is the whole part: it may have a fraction.
    """
    x = np.arange(m, dtype=np.float64)
    if coordinates == "asymmetric":
        return x / scale
    if coordinates == "align_corners":
        length = scale * n
        return x * (n - 1) / (length - 1) if length != 1 else np.zeros_like(x)
    if coordinates == "tf_crop_and_resize":
        step = (end - start) * (n - 1)
        return start * (n - 1) + (x * step / (m - 1) if m > 1 else step / 2 + x)
    if coordinates == "tf_half_pixel_for_nn":
        return (x + 0.5) / scale
    half = (x + 0.5) / scale - 0.5
    if coordinates == "pytorch_half_pixel" and m <= 1:
        return np.zeros_like(x)
    if coordinates == "half_pixel_symmetric":  # centred, although rounding the size cut a fraction off
        return half + n / 2 * (1 - m / (scale * n))
    return half


def nearest_places(x: Array, n: int, rounding: str) -> Array:
    """The index of the element nearest to each point."""
    if rounding == "round_prefer_floor":
        rounded = np.ceil(x - 0.5)
    elif rounding == "round_prefer_ceil":
        rounded = np.floor(x + 0.5)
    else:
        rounded = np.floor(x) if rounding == "floor" else np.ceil(x)
    return np.clip(rounded, 0, n - 1).astype(np.int64)


def weight_matrix(x: Array, n: int, scale: float, cubic: float | None, antialias: bool, exclude_outside: bool) -> Array:
    """[points, n]: the weights of linear interpolation or, with a coefficient `cubic`, of cubic.

    Antialiasing widens the filter as the image shrinks. Neighbours outside of the data are those at the border, or
    with `exclude_outside` left out.
    """
    reach = 1 if cubic is None else 2
    stretch = min(scale, 1.0) if antialias else 1.0
    first = int(np.floor(-reach / stretch)) + 1
    taps = np.arange(first, reach + 1 - first if antialias else reach + 1)
    base = np.floor(x)
    distance = (taps - (x - base)[:, None]) * stretch
    w = np.clip(1 - np.abs(distance), 0, 1) if cubic is None else keys(distance, cubic)
    at = base[:, None].astype(np.int64) + taps
    if exclude_outside:
        w = np.where((at >= 0) & (at < n), w, 0.0)
    if exclude_outside or antialias:
        w /= w.sum(axis=1, keepdims=True)
    matrix = np.zeros((len(x), n))
    rows = np.broadcast_to(np.arange(len(x))[:, None], at.shape)
    np.add.at(matrix, (rows, np.clip(at, 0, n - 1)), w)
    return matrix


def keys(distance: Array, a: float) -> Array:
    """Keys' kernel (R. Keys, Cubic convolution interpolation for digital image processing, 1981)."""
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def resize(
    data: Array, target: Array, roi: Array | None, axes: Any, by_scales: bool, policy: str, mode: str,
    coordinates: str, nearest: str, cubic: float, antialias: bool, exclude_outside: bool, fill: float,
) -> Array:  # fmt: skip
    """`data` resized along the axes: to sizes, by scales, or (`policy`) in proportion to what fits into the sizes."""
    numbers = [float(v) for v in target.reshape(-1)]
    now = [data.shape[a] for a in axes]
    if by_scales:
        scales, sizes = numbers, [floor(n * s) for n, s in zip(now, numbers)]
    elif policy == "stretch":
        sizes = [int(v) for v in numbers]
        scales = [m / n for m, n in zip(sizes, now)]
    else:
        ratios = [m / n for m, n in zip(numbers, now)]
        scale = min(ratios) if policy == "not_larger" else max(ratios)
        scales, sizes = [scale] * len(now), [floor(scale * n + 0.5) for n in now]
    part = [0.0] * len(now) + [1.0] * len(now) if roi is None else [float(v) for v in roi.reshape(-1)]
    out = data if mode == "nearest" else data.astype(np.float64)
    outside = np.zeros([1] * data.ndim, np.bool_)
    for i, (axis, n, m, scale) in enumerate(zip(axes, now, sizes, scales)):
        crop = coordinates == "tf_crop_and_resize"
        if n == m and scale == 1.0 and not crop:
            continue
        x = points(n, m, scale, coordinates, part[i], part[i + len(now)])
        if mode == "nearest":
            out = np.take(out, nearest_places(x, n, nearest), axis)
        else:
            matrix = weight_matrix(x, n, scale, cubic if mode == "cubic" else None, antialias, exclude_outside)
            out = np.moveaxis(np.tensordot(out, matrix, (axis, 1)), -1, axis)
        if crop:
            column = [-1 if k == axis else 1 for k in range(data.ndim)]
            outside = outside | ((x < 0) | (x > n - 1)).reshape(column)
    if outside.any():
        out = np.where(outside, out.dtype.type(fill), out)
    if data.dtype.kind in "iu" and mode != "nearest":
        limits = np.iinfo(data.dtype)
        out = np.clip(np.rint(out), limits.min, limits.max)
    return np.ascontiguousarray(out.astype(data.dtype, copy=False))
