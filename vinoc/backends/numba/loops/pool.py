"""Pooling as loops, a plane a task.

As for convolutions, a plane gets its pads and is dealt out to phases first (see `split`):
what neighbouring windows see at one of their places then lies side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numba import njit, prange

from ....ir.kernels.conv import auto_pads
from ....ir.kernels.pool import lowest, pool_sizes, window_counts
from .memory import room
from .phases import phases_of, split
from .settings import loop, use_threads
from .tiles import aligned
from .vectors import HALF, SHORT, WIDE, known, larger, load, plus, store_some, zeros

Array = np.ndarray[Any, np.dtype[Any]]
Ints = Sequence[int]


def max_pool(
    data: Array, kernel: Ints, strides: Ints, dilations: Ints, begin: Ints, end: Ints, rounding: str, auto_pad: str
) -> Array:
    """The largest element of each window; pads and NaN never count. A window of them alone gives the lowest number."""
    spatial = data.shape[2:]
    begin, end = auto_pads(spatial, kernel, strides, dilations, begin, end, auto_pad)
    out = room((*data.shape[:2], *pool_sizes(spatial, kernel, strides, dilations, begin, end, rounding)))
    image = (1,) * (4 - data.ndim)  # one spatial dimension is an image of one row
    window = (*image, *strides, *image, *dilations, *(0 for _ in image), *begin)
    planes = np.ascontiguousarray(data).reshape(-1, *image, *spatial)
    threads = use_threads(out.size * prod(kernel))
    result = out.reshape(len(planes), *image, *out.shape[2:])
    size, taps = phases_of(result.shape[1:], (*image, *kernel), window[:4])
    largest_planes(threads, planes, result, window, taps, size, lowest(out.dtype))
    return out


def avg_pool(
    data: Array, kernel: Ints, strides: Ints, begin: Ints, end: Ints, exclude_pad: bool, rounding: str, auto_pad: str
) -> Array:
    """The mean of each window, over its elements that lie in the data, or in data and pads."""
    spatial, ones = data.shape[2:], [1] * len(kernel)
    begin, end = auto_pads(spatial, kernel, strides, ones, begin, end, auto_pad)
    sizes = pool_sizes(spatial, kernel, strides, ones, begin, end, rounding)
    out = room((*data.shape[:2], *sizes))
    counts = counted(spatial, kernel, strides, tuple(sizes), tuple(begin), tuple(end), exclude_pad)
    image = (1,) * (4 - data.ndim)
    window = (*image, *strides, *image, *ones, *(0 for _ in image), *begin)
    planes = np.ascontiguousarray(data).reshape(-1, *image, *spatial)
    threads = use_threads(out.size * prod(kernel))
    result = out.reshape(len(planes), *image, *sizes)
    size, taps = phases_of(result.shape[1:], (*image, *kernel), window[:4])
    add_planes(threads, planes, result, window, taps, size)
    out /= counts
    return out


@lru_cache(64)
def counted(spatial: Ints, kernel: Ints, strides: Ints, out: Ints, begin: Ints, end: Ints, exclude_pad: bool) -> Array:
    """How many elements each window averages, kept from call to call."""
    return window_counts(spatial, kernel, strides, out, begin, end, exclude_pad).astype(np.float32)


@loop
def largest_planes(planes, out, window, taps, size, nothing):
    """out[c, y, x] = the largest of planes[c] that the window at (y, x) sees, `nothing` where that is none."""
    for c in prange(len(planes)):
        phases, place = in_phases(planes, np.int64(c), out, size, window, np.float32(np.nan))
        if out.shape[2] >= WIDE:
            largest_lines(phases, size[1], taps, out, place, nothing, WIDE, zeros(WIDE))
        elif out.shape[2] >= SHORT:
            largest_lines(phases, size[1], taps, out, place, nothing, SHORT, zeros(SHORT))
        else:
            largest_lines(phases, size[1], taps, out, place, nothing, HALF, zeros(HALF))


@njit(error_model="numpy")
def in_phases(planes, c, out, size, window, pad):
    """A plane dealt out to phases, and where its result begins."""
    lines, pitch, _, wide = size
    phases = aligned(window[0] * window[1] * (lines * pitch + wide) + WIDE)
    shape = planes.shape[1:]
    split(planes, c * shape[0] * shape[1], shape, phases, 0, size, window, pad)
    return phases, c * out.shape[1] * out.shape[2]


@njit(error_model="numpy")
def largest_lines(phases, pitch, taps, out, place, nothing, step, like):
    """A vector at a time; the last columns once more, where there are too few left."""
    width = out.shape[2]
    count = min(step, width)
    for y in range(out.shape[1]):
        for left in range(0, width, step):
            x = max(min(left, width - step), 0)
            v = load(phases, taps[0] + y * pitch + x, like)
            for tap in taps[1:]:
                v = larger(v, load(phases, tap + y * pitch + x, like))
            store_some(out, place + y * width + x, known(v, nothing), count)


@loop
def add_planes(planes, out, window, taps, size):
    """out[c, y, x] = the sum of what the window at (y, x) sees of planes[c]."""
    for c in prange(len(planes)):
        phases, place = in_phases(planes, np.int64(c), out, size, window, np.float32(0))
        if out.shape[2] >= WIDE:
            add_lines(phases, size[1], taps, out, place, WIDE, zeros(WIDE))
        elif out.shape[2] >= SHORT:
            add_lines(phases, size[1], taps, out, place, SHORT, zeros(SHORT))
        else:
            add_lines(phases, size[1], taps, out, place, HALF, zeros(HALF))


@njit(error_model="numpy")
def add_lines(phases, pitch, taps, out, place, step, like):
    """A vector at a time, as above."""
    width = out.shape[2]
    count = min(step, width)
    for y in range(out.shape[1]):
        for left in range(0, width, step):
            x = max(min(left, width - step), 0)
            v = like
            for tap in taps:
                v = plus(v, load(phases, tap + y * pitch + x, like))
            store_some(out, place + y * width + x, v, count)
