"""Pooling as loops, a plane a task.

As for convolutions, a plane gets its pads and is dealt out to phases first (see `split`): what all windows see at
one of their places then lies in one phase, and is compared or added for a few lines of windows at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numba import njit, prange

from ....ir.kernels.conv import auto_pads
from ....ir.kernels.pool import lowest, pool_sizes, window_counts
from .memory import room
from .phases import phase_size, split
from .settings import CACHED, use_threads
from .tiles import aligned

Array = np.ndarray[Any, np.dtype[Any]]
Ints = Sequence[int]

# Pixels of a plane that are compared together.
BLOCK = 2048


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
    use_threads(out.size * prod(kernel))
    largest_planes(
        planes, out.reshape(len(planes), *image, *out.shape[2:]), (*image, *kernel), window, lowest(out.dtype)
    )
    return out


def avg_pool(
    data: Array, kernel: Ints, strides: Ints, begin: Ints, end: Ints, exclude_pad: bool, rounding: str, auto_pad: str
) -> Array:
    """The mean of each window, over its elements that lie in the data, or in data and pads."""
    spatial, ones = data.shape[2:], [1] * len(kernel)
    begin, end = auto_pads(spatial, kernel, strides, ones, begin, end, auto_pad)
    sizes = pool_sizes(spatial, kernel, strides, ones, begin, end, rounding)
    out = room((*data.shape[:2], *sizes))
    counts = window_counts(spatial, kernel, strides, sizes, begin, end, exclude_pad).astype(np.float32)
    image = (1,) * (4 - data.ndim)
    window = (*image, *strides, *image, *ones, *(0 for _ in image), *begin)
    planes = np.ascontiguousarray(data).reshape(-1, *image, *spatial)
    use_threads(out.size * prod(kernel))
    add_planes(planes, out.reshape(len(planes), *image, *sizes), (*image, *kernel), window)
    out /= counts
    return out


@njit(parallel=True, cache=CACHED, error_model="numpy")
def largest_planes(planes, out, kernel, window, nothing):
    """out[c, y, x] = the largest of planes[c] that the window at (y, x) sees, `nothing` where that is none."""
    for c in prange(len(planes)):
        largest_plane(planes[c], out[c], kernel, window, nothing)


@njit(cache=CACHED, error_model="numpy")
def largest_plane(plane, out, kernel, window, nothing):
    down, right, dilate_y, dilate_x = window[:4]
    tall, wide = kernel
    lines, pitch = phase_size(out.shape, kernel, window)
    area = lines * pitch + wide
    phases = aligned(down * right * area)
    split(plane, 0, plane.shape, phases, 0, (lines, pitch, tall, wide), window, np.float32(np.nan))
    some = aligned(BLOCK)
    for start in range(0, len(out) * pitch, BLOCK):
        best = some[: min(BLOCK, len(out) * pitch - start)]
        best[:] = np.nan
        for tap_y in range(tall):
            for tap_x in range(wide):
                y, phase_y = divmod(tap_y * dilate_y, down)
                x, phase_x = divmod(tap_x * dilate_x, right)
                larger(best, phases[(phase_y * right + phase_x) * area + y * pitch + x + start :])
        y, x = divmod(start, pitch)
        for i in range(len(best)):
            if x < out.shape[1]:
                out[y, x] = nothing if best[i] != best[i] else best[i]
            x += 1
            if x == pitch:
                y, x = y + 1, 0


@njit(cache=CACHED, error_model="numpy")
def larger(best, x):
    """best = max(best, x), the other one where one is NaN."""
    for i in range(len(best)):
        best[i] = x[i] if x[i] > best[i] or best[i] != best[i] else best[i]


@njit(parallel=True, cache=CACHED, error_model="numpy")
def add_planes(planes, out, kernel, window):
    """out[c, y, x] = the sum of what the window at (y, x) sees of planes[c]."""
    for c in prange(len(planes)):
        add_plane(planes[c], out[c], kernel, window)


@njit(cache=CACHED, error_model="numpy")
def add_plane(plane, out, kernel, window):
    down, right, _, _, top, left = window
    tall, wide = kernel
    for y in range(len(out)):
        first_y, last_y = max(y * down - top, 0), min(y * down - top + tall, plane.shape[0])
        for x in range(out.shape[1]):
            first_x, last_x = max(x * right - left, 0), min(x * right - left + wide, plane.shape[1])
            total = np.float32(0)
            for at_y in range(first_y, last_y):
                for at_x in range(first_x, last_x):
                    total += plane[at_y, at_x]
            out[y, x] = total
