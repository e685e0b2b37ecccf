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
from numba import prange

from ....ir.kernels.conv import auto_pads
from ....ir.kernels.pool import pool_sizes, window_counts
from .arrays import averaged
from .memory import room
from .phases import room_for, split_lines, strips
from .settings import compiled, loop, share, tasks_of, threads_for
from .tiles import store_places
from .vectors import HALF, SHORT, WIDE, known, larger, load, plus, zeros

Array = np.ndarray[Any, np.dtype[Any]]
Ints = Sequence[int]

# The lowest finite number.
LOWEST = np.finfo(np.float32).min


def max_pool(
    data: Array, kernel: Ints, strides: Ints, dilations: Ints, begin: Ints, end: Ints, rounding: str, auto_pad: str
) -> Array:
    """The largest element of each window; pads and NaN never count. A window of them alone gives the lowest number."""
    shape, planes, result, window, threads, tasks, size, taps = pooled(
        data.shape, kernel, strides, dilations, begin, end, rounding, auto_pad
    )
    out = room(shape)
    data = np.ascontiguousarray(data).reshape(planes)
    largest_planes(threads, data, out.reshape(result), window, taps, size, LOWEST, tasks)
    return out


@lru_cache(256)
def pooled(
    data: Ints, kernel: Ints, strides: Ints, dilations: Ints, begin: Ints, end: Ints, rounding: str, auto_pad: str
) -> tuple[Any, ...]:
    """The shape of the result, those of data and result as planes, and what the loops take.

    Of one spatial dimension an image of one row is made.
    """
    spatial = data[2:]
    begin, end = auto_pads(spatial, kernel, strides, dilations, begin, end, auto_pad)
    sizes = pool_sizes(spatial, kernel, strides, dilations, begin, end, rounding)
    image, planes = (1,) * (2 - len(spatial)), data[0] * data[1]
    window = (*image, *strides, *image, *dilations, *(0 for _ in image), *begin)
    shape, result = (*data[:2], *sizes), (planes, *image, *sizes)
    threads = threads_for(prod(result) * prod(kernel))
    tasks = tasks_of(threads, planes)
    cut = strips(result[1:], (*image, *kernel), window[:4])
    return shape, (planes, *image, *spatial), result, window, threads, tasks, *cut


def avg_pool(
    data: Array, kernel: Ints, strides: Ints, begin: Ints, end: Ints, exclude_pad: bool, rounding: str, auto_pad: str
) -> Array:
    """The mean of each window, over its elements that lie in the data, or in data and pads."""
    ones = (1,) * len(kernel)
    shape, planes, result, window, threads, tasks, size, taps = pooled(
        data.shape, kernel, strides, ones, begin, end, rounding, auto_pad
    )
    if len(taps) == planes[1] * planes[2] and result[1:] == (1, 1) and not any((*begin, *end)):
        return averaged(data, np.arange(2, data.ndim), keep_dims=True)
    out = room(shape)
    add_planes(threads, np.ascontiguousarray(data).reshape(planes), out.reshape(result), window, taps, size, tasks)
    out /= counted(data.shape[2:], kernel, strides, shape[2:], begin, end, exclude_pad, auto_pad)
    return out


@lru_cache(64)
def counted(
    spatial: Ints, kernel: Ints, strides: Ints, out: Ints, begin: Ints, end: Ints, exclude_pad: bool, auto_pad: str
) -> Array:
    """How many elements each window averages, kept from call to call."""
    begin, end = auto_pads(spatial, kernel, strides, (1,) * len(kernel), begin, end, auto_pad)
    return window_counts(spatial, kernel, strides, out, begin, end, exclude_pad).astype(np.float32)


@loop
def largest_planes(planes, out, window, taps, size, nothing, tasks):
    """out[c, y, x] = the largest of planes[c] that the window at (y, x) sees, `nothing` where that is none."""
    for task in prange(tasks):
        first, last = share(task, tasks, len(planes))
        if out.shape[2] >= WIDE:
            largest_some(first, last, planes, out, window, taps, size, nothing, WIDE, zeros(WIDE))
        elif out.shape[2] >= SHORT:
            largest_some(first, last, planes, out, window, taps, size, nothing, SHORT, zeros(SHORT))
        else:
            largest_some(first, last, planes, out, window, taps, size, nothing, HALF, zeros(HALF))


@compiled
def largest_some(first, last, planes, out, window, taps, size, nothing, step, like):
    """Some planes, a vector at a time; the last lines and columns once more, where there are too few left."""
    phases, pitch, (height, width) = room_for(size, window, np.float32(np.nan)), size[1], out.shape[1:]
    count = min(step, width)
    for c in range(first, last):
        for line in range(0, height, max(size[4], 1)):
            top = min(line, height - size[4])
            split_lines(planes, c, phases, size, window, top, np.float32(np.nan))
            for y in range(size[4]):
                place = (c * height + top + y) * width
                for left in range(0, width, step):
                    x = max(min(left, width - step), 0)
                    v = load(phases, taps[0] + y * pitch + x, like)
                    for tap in taps[1:]:
                        v = larger(v, load(phases, tap + y * pitch + x, like))
                    store_places(out, place + x, known(v, nothing), count, step)


@loop
def add_planes(planes, out, window, taps, size, tasks):
    """out[c, y, x] = the sum of what the window at (y, x) sees of planes[c]."""
    for task in prange(tasks):
        first, last = share(task, tasks, len(planes))
        if out.shape[2] >= WIDE:
            add_some(first, last, planes, out, window, taps, size, WIDE, zeros(WIDE))
        elif out.shape[2] >= SHORT:
            add_some(first, last, planes, out, window, taps, size, SHORT, zeros(SHORT))
        else:
            add_some(first, last, planes, out, window, taps, size, HALF, zeros(HALF))


@compiled
def add_some(first, last, planes, out, window, taps, size, step, like):
    """Some planes, as above."""
    phases, pitch, (height, width) = room_for(size, window, np.float32(0)), size[1], out.shape[1:]
    count = min(step, width)
    for c in range(first, last):
        for line in range(0, height, max(size[4], 1)):
            top = min(line, height - size[4])
            split_lines(planes, c, phases, size, window, top, np.float32(0))
            for y in range(size[4]):
                place = (c * height + top + y) * width
                for left in range(0, width, step):
                    x = max(min(left, width - step), 0)
                    v = like
                    for tap in taps:
                        v = plus(v, load(phases, tap + y * pitch + x, like))
                    store_places(out, place + x, v, count, step)
