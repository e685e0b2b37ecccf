"""Convolutions with filters for each plane of one input."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numba import prange

from .conv import as_given, as_images, endings, fits, windows
from .memory import room
from .phases import room_for, split_lines, strips
from .settings import compiled, inlined, loop, share, tasks_of, threads_for
from .tiles import finish
from .vectors import HALF, SHORT, WIDE, element, load, plus_product, zeros

Array = np.ndarray[Any, np.dtype[Any]]
Ints = Sequence[int]


def depthwise(
    data: Array, filters: Array, bias: Array, strides: Ints, dilations: Ints, begin: Ints, end: Ints, auto_pad: str,
    low: float, high: float, residual: Array | None, slopes: Array | None,
) -> Array:  # fmt: skip
    """data [N,G,*spatial], filters [G,O,1,*kernel], bias and slopes [G*O] -> [N,G*O,*out].

    The sums plus bias plus residual [N,G*O,*out], times a slope where they are negative, limited to low..high.
    """
    shape, result, planes, window, threads, tasks, kernel, size, taps = planned_strips(
        data.shape, filters.shape, len(bias), strides, dilations, begin, end, auto_pad
    )
    out, data = room(result), as_images(data, shape)
    given = endings(result, bias, residual, slopes, low, high)
    filters = np.ascontiguousarray(filters).reshape(kernel)
    filter_planes(threads, data, filters, out.reshape(planes), given, window, taps, size, tasks)
    return as_given(out, strides)


@lru_cache(256)
def planned_strips(
    data: Ints, filters: Ints, channels: int, strides: Ints, dilations: Ints, begin: Ints, end: Ints, auto_pad: str
) -> tuple[Any, ...]:
    """Shapes of data as planes, the result, it as planes; windows, threads, tasks, shape of the filters, and strips."""
    kernel = (1, *filters[3:])[-2:]
    data, window, out = windows(data, kernel, channels, strides, dilations, begin, end, auto_pad)
    fits(data[1] == filters[0] and channels == prod(filters[:2]))
    threads = threads_for(prod(out) * prod(kernel))
    tasks = tasks_of(threads, data[0] * data[1])
    planes = (data[0] * data[1], *data[2:]), out, (out[0] * out[1], *out[2:])
    return *planes, window, threads, tasks, (*filters[:2], *kernel), *strips(out[2:], kernel, window[:4])


@loop
def filter_planes(data, filters, out, given, window, taps, size, tasks):
    """Some planes of data [N*C,H,W] are a task."""
    for task in prange(tasks):
        first, last = share(task, tasks, len(data))
        if out.shape[2] >= WIDE:
            filter_some(first, last, data, filters, out, given, window, taps, size, WIDE, zeros(WIDE))
        elif out.shape[2] >= SHORT:
            filter_some(first, last, data, filters, out, given, window, taps, size, SHORT, zeros(SHORT))
        else:
            filter_some(first, last, data, filters, out, given, window, taps, size, HALF, zeros(HALF))


@compiled
def filter_some(first, last, data, filters, out, given, window, taps, size, step, like):
    """All filters of some planes, strip by strip; the last lines once more, where there are too few left."""
    phases, strip, (height, width) = room_for(size, window, np.float32(0)), size[4], out.shape[1:]
    count = filters.shape[1]
    for plane in range(first, last):
        for line in range(0, height, max(strip, 1)):
            top = min(line, height - strip)
            split_lines(data, plane, phases, size, window, top, np.float32(0))
            for o in range(count):
                channel = plane % len(filters) * count + o
                place = ((plane * count + o) * height + top) * width
                area = strip, width, size[1], window
                filter_lines(phases, area, taps, filters, channel, out, place, given, step, like)


@inlined
def filter_lines(phases, area, taps, filters, channel, out, place, given, step, like):
    """Four vectors below each other at a time; the last lines and columns once more, where there are too few left."""
    height, width, pitch, window = area
    tall, wide = filters.shape[2:]
    count = min(step, width)
    weights = channel * len(taps)
    dense, down = window[2] == 1 and height > 3, window[0]
    for top in range(0, height, 4):
        y0 = max(min(top, height - 4), 0)
        y1, y2, y3 = min(y0 + 1, height - 1), min(y0 + 2, height - 1), min(y0 + 3, height - 1)
        for left in range(0, width, step):
            x = max(min(left, width - step), 0)
            s0 = s1 = s2 = s3 = like
            at = y0 * pitch + x
            if dense and tall == 3 and wide == 3 and down == 1:
                s0, s1, s2, s3 = filter_columns(phases, at, (3, 3, pitch, 1), taps, filters, weights, like)
            elif dense and tall == 3 and wide == 3 and down == 2:
                s0, s1, s2, s3 = filter_columns(phases, at, (3, 3, pitch, 2), taps, filters, weights, like)
            elif dense:
                s0, s1, s2, s3 = filter_columns(phases, at, (tall, wide, pitch, down), taps, filters, weights, like)
            else:
                for i in range(len(taps)):
                    weight, at = element(filters, weights + i), taps[i] + x
                    s0 = plus_product(s0, weight, load(phases, at + y0 * pitch, like))
                    s1 = plus_product(s1, weight, load(phases, at + y1 * pitch, like))
                    s2 = plus_product(s2, weight, load(phases, at + y2 * pitch, like))
                    s3 = plus_product(s3, weight, load(phases, at + y3 * pitch, like))
            at = place + x
            finish(s0, out, at + y0 * width, count, step, channel, given)
            finish(s1, out, at + y1 * width, count, step, channel, given)
            finish(s2, out, at + y2 * width, count, step, channel, given)
            finish(s3, out, at + y3 * width, count, step, channel, given)


@inlined
def filter_columns(phases, at, size, taps, filters, weights, like):
    """Four vectors below each other, for a filter without dilation: the taps of a column on one phase follow lines."""
    tall, wide, pitch, down = size
    s0 = s1 = s2 = s3 = like
    for x in range(wide):
        for phase in range(min(down, tall)):
            line = taps[phase * wide + x] + at
            r0, r1 = load(phases, line, like), load(phases, line + pitch, like)
            r2 = load(phases, line + 2 * pitch, like)
            for y in range(phase, tall, down):
                r3 = load(phases, line + 3 * pitch, like)
                weight = element(filters, weights + y * wide + x)
                s0, s1 = plus_product(s0, weight, r0), plus_product(s1, weight, r1)
                s2, s3 = plus_product(s2, weight, r2), plus_product(s3, weight, r3)
                r0, r1, r2 = r1, r2, r3
                line += pitch
    return s0, s1, s2, s3
