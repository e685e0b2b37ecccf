"""Pooling: the elements of a window are visited one by one, each for all windows at once."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .array import Array, Ints
from .conv import auto_pads, last


def max_pool(
    data: Array, kernel: Ints, strides: Ints, dilations: Ints, begin: Ints, end: Ints, rounding: str, auto_pad: str,
    axis: int, index_type: np.dtype[Any],
) -> tuple[Array, Array]:  # fmt: skip
    """The largest element of each window and its place, counted in row-major order over the axes from `axis` on.

    Of equal elements the first counts, pads and NaN never do. A window of pads alone gives the type's lowest number
    and the index 0.
    """
    spatial = data.shape[2:]
    begin, end = auto_pads(spatial, kernel, strides, dilations, begin, end, auto_pad)
    out = pool_sizes(spatial, kernel, strides, dilations, begin, end, rounding)
    best = np.full((*data.shape[:2], *out), lowest(data.dtype), data.dtype)
    place = np.full(best.shape, -1, np.int64)
    positions = np.arange(prod(spatial), dtype=np.int64).reshape(spatial)
    for tap in np.ndindex(*kernel):
        windows, seen = tap_ranges(tap, spatial, out, strides, dilations, begin)
        if windows:
            target, at, source = best[last(windows)], place[last(windows)], data[last(seen)]
            better = (source > target) | ((at < 0) & (source == source))
            np.copyto(target, source, where=better)
            np.copyto(at, positions[tuple(seen)], where=better)
    return best, flat_index(np.maximum(place, 0), data.shape, axis).astype(index_type)


def avg_pool(
    data: Array, kernel: Ints, strides: Ints, begin: Ints, end: Ints, exclude_pad: bool, rounding: str, auto_pad: str
) -> Array:
    """The mean of each window, over its elements that lie in the data, or in data and pads.

    What a window of `ceil` has beyond the pads never counts; a mean of nothing is 0. Integers are rounded to even.
    """
    spatial = data.shape[2:]
    ones = [1] * len(kernel)
    begin, end = auto_pads(spatial, kernel, strides, ones, begin, end, auto_pad)
    out = pool_sizes(spatial, kernel, strides, ones, begin, end, rounding)
    wide = np.float64 if data.dtype in (np.float64, np.int32, np.int64, np.uint32, np.uint64) else np.float32
    x: Array = data.astype(wide, copy=False)
    total: Array = np.zeros((*data.shape[:2], *out), wide)
    for tap in np.ndindex(*kernel):
        windows, seen = tap_ranges(tap, spatial, out, strides, ones, begin)
        if windows:
            total[last(windows)] += x[last(seen)]
    total /= window_counts(spatial, kernel, strides, out, begin, end, exclude_pad).astype(wide)
    return np.rint(total).astype(data.dtype) if data.dtype.kind in "iu" else total.astype(data.dtype, copy=False)


def window_counts(
    spatial: Ints, kernel: Ints, strides: Ints, out: Ints, begin: Ints, end: Ints, exclude_pad: bool
) -> Array:
    """How many elements each window averages, at least one."""
    counts: Array = np.ones(len(out) * (1,))
    for i, (n, k, s, o, b, e) in enumerate(zip(spatial, kernel, strides, out, begin, end)):
        first = np.arange(o) * s - b
        low, high = (0, n) if exclude_pad else (-b, n + e)
        along = np.minimum(first + k, high) - np.maximum(first, low)
        shape = [1] * len(out)
        shape[i] = o
        counts = counts * along.clip(0).reshape(shape)
    return np.maximum(counts, 1)


def pool_sizes(
    spatial: Ints, kernel: Ints, strides: Ints, dilations: Ints, begin: Ints, end: Ints, rounding: str
) -> list[int]:
    """How many windows there are along each dimension."""
    out = []
    for n, k, s, d, b, e in zip(spatial, kernel, strides, dilations, begin, end):
        span = n + b + e - d * (k - 1) - 1
        count = (span if rounding == "floor" else span + s - 1) // s + 1
        if rounding == "ceil_torch":  # every window begins inside the data or the pads before it
            count = min(count, -(-(n + b) // s))
        out.append(max(count, 0))
    return out


def tap_ranges(
    tap: Ints, spatial: Ints, out: Ints, strides: Ints, dilations: Ints, begin: Ints
) -> tuple[list[slice], list[slice]]:
    """The windows in which an element of the kernel lies inside the data, and what it sees there; empty for none."""
    windows, seen = [], []
    for t, n, o, s, d, b in zip(tap, spatial, out, strides, dilations, begin):
        at = t * d - b  # the place that the first window sees
        first = max(-(at // s), 0)
        last = min((n - 1 - at) // s, o - 1)
        if first > last:
            return [], []
        windows.append(slice(first, last + 1))
        seen.append(slice(at + first * s, at + last * s + 1, s))
    return windows, seen


def flat_index(place: Array, shape: Ints, axis: int) -> Array:
    """Places within the spatial dimensions, counted over the axes from `axis` on instead."""
    axis = axis % len(shape)
    area = prod(shape[2:])
    if axis >= 2:
        return place % max(prod(shape[axis:]), 1)
    ones = (1,) * (len(shape) - 2)
    place = place + area * np.arange(shape[1]).reshape(1, -1, *ones)
    return place + area * shape[1] * np.arange(shape[0]).reshape(-1, 1, *ones) if axis == 0 else place


def lowest(dtype: np.dtype[Any]) -> Any:
    """The lowest number of a type; of floats the lowest finite one."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return np.finfo(dtype if dtype.kind == "f" else np.float32).min


def adaptive_avg_pool(data: Array, sizes: Array) -> Array:
    """Means over a grid of cells that covers the data: cell i of m spans floor(i*n/m) .. ceil((i+1)*n/m)."""
    wide = data.dtype if data.dtype in (np.float32, np.float64) else np.dtype(np.float32)
    out = data.astype(wide, copy=False)
    for axis, m in enumerate(sizes.tolist(), 2):
        cells = [np.take(out, range(a, b), axis).mean(axis, dtype=wide) for a, b in cell_edges(data.shape[axis], m)]
        out = np.stack(cells, axis) if cells else np.zeros((*out.shape[:axis], 0, *out.shape[axis + 1 :]), wide)
    return out.astype(data.dtype, copy=False)


def adaptive_max_pool(data: Array, sizes: Array, index_type: np.dtype[Any]) -> tuple[Array, Array]:
    """Maxima over the same cells, with their places among the spatial elements. Of equal elements the first counts."""
    spatial = data.shape[2:]
    edges = [cell_edges(n, m) for n, m in zip(spatial, sizes.tolist())]
    shape = (*data.shape[:2], *[len(e) for e in edges])
    values, places = np.empty(shape, data.dtype), np.empty(shape, index_type)
    positions = np.arange(prod(spatial)).reshape(spatial)
    for cell in np.ndindex(*shape[2:]):
        part = tuple(slice(*e[i]) for i, e in zip(cell, edges))
        flat = data[last(part)].reshape(*data.shape[:2], -1)
        where = flat.argmax(-1)
        values[(..., *cell)] = np.take_along_axis(flat, where[..., None], -1)[..., 0]
        places[(..., *cell)] = positions[part].reshape(-1)[where]
    return values, places


def cell_edges(size: int, cells: int) -> list[tuple[int, int]]:
    return [(i * size // cells, -(-(i + 1) * size // cells)) for i in range(cells)]
