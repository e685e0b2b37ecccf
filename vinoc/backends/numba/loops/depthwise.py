"""Convolutions with filters for each plane of one input, a plane a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit, prange

from .conv import as_given, endings, fits, images
from .phases import phases_of, split
from .settings import loop, use_threads
from .tiles import aligned, finish
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
    kernel = (1, *filters.shape[3:])[-2:]
    data, window, out = images(data, kernel, len(bias), strides, dilations, begin, end, auto_pad)
    fits(data.shape[1] == len(filters) and len(bias) == len(filters) * filters.shape[1])
    given = endings(out, bias, residual, slopes, low, high)
    threads = use_threads(out.size * filters.size // max(len(bias), 1))
    filters = np.ascontiguousarray(filters).reshape(*filters.shape[:2], *kernel)
    size, taps = phases_of(out.shape[2:], kernel, window[:4])
    filter_planes(threads, data, filters, out, given, window, taps, size)
    return as_given(out, strides)


@loop
def filter_planes(data, filters, out, given, window, taps, size):
    """Every plane of data [N,C,H,W] is a task."""
    for plane in prange(data.shape[0] * data.shape[1]):
        filter_plane(data, np.int64(plane), filters, out, given, window, taps, size)


@njit(error_model="numpy")
def filter_plane(data, plane, filters, out, given, window, taps, size):
    """All filters of one plane, as vectors along its lines."""
    lines, pitch, _, wide = size
    phases = aligned(window[0] * window[1] * (lines * pitch + wide) + WIDE)
    shape = data.shape[2:]
    split(data, plane * shape[0] * shape[1], shape, phases, 0, size, window, np.float32(0))
    count = filters.shape[1]
    for o in range(count):
        channel = plane % len(filters) * count + o
        place = (plane * count + o) * out.shape[2] * out.shape[3]
        if out.shape[3] >= WIDE:
            filter_lines(phases, pitch, taps, window, filters, channel, out, place, given, WIDE, zeros(WIDE))
        elif out.shape[3] >= SHORT:
            filter_lines(phases, pitch, taps, window, filters, channel, out, place, given, SHORT, zeros(SHORT))
        else:
            filter_lines(phases, pitch, taps, window, filters, channel, out, place, given, HALF, zeros(HALF))


@njit(error_model="numpy")
def filter_lines(phases, pitch, taps, window, filters, channel, out, place, given, step, like):
    """Four vectors below each other at a time; the last lines and columns once more, where there are too few left."""
    height, width = out.shape[2:]
    count = min(step, width)
    weights = channel * len(taps)
    dense = window[2] == 1
    regular = len(taps) == 9 and taps[2] == 2 and taps[3] == pitch and taps[6] == 2 * pitch
    for top in range(0, height, 4):
        y0 = max(min(top, height - 4), 0)
        y1, y2, y3 = min(y0 + 1, height - 1), min(y0 + 2, height - 1), min(y0 + 3, height - 1)
        for left in range(0, width, step):
            x = max(min(left, width - step), 0)
            s0 = s1 = s2 = s3 = like
            if regular and height > 3:
                s0, s1, s2, s3 = filter_3x3(phases, y0 * pitch + x, pitch, filters, weights, like)
            elif dense and height > 3:
                size = filters.shape[2], filters.shape[3], pitch, window[0]
                s0, s1, s2, s3 = filter_columns(phases, y0 * pitch + x, size, taps, filters, weights, like)
            else:
                for i in range(len(taps)):
                    weight, at = element(filters, weights + i), taps[i] + x
                    s0 = plus_product(s0, weight, load(phases, at + y0 * pitch, like))
                    s1 = plus_product(s1, weight, load(phases, at + y1 * pitch, like))
                    s2 = plus_product(s2, weight, load(phases, at + y2 * pitch, like))
                    s3 = plus_product(s3, weight, load(phases, at + y3 * pitch, like))
            at = place + x
            finish(s0, out, at + y0 * width, count, channel, given)
            finish(s1, out, at + y1 * width, count, channel, given)
            finish(s2, out, at + y2 * width, count, channel, given)
            finish(s3, out, at + y3 * width, count, channel, given)


@njit(error_model="numpy", forceinline=True)
def filter_3x3(phases, at, pitch, filters, weights, like):
    """Four vectors below each other, of which neighbours see the same lines."""
    s0 = s1 = s2 = s3 = like
    for x in range(3):
        top, middle = element(filters, weights + x), element(filters, weights + 3 + x)
        bottom = element(filters, weights + 6 + x)
        r0, r1 = load(phases, at + x, like), load(phases, at + pitch + x, like)
        r2, r3 = load(phases, at + 2 * pitch + x, like), load(phases, at + 3 * pitch + x, like)
        r4, r5 = load(phases, at + 4 * pitch + x, like), load(phases, at + 5 * pitch + x, like)
        s0 = plus_product(plus_product(plus_product(s0, top, r0), middle, r1), bottom, r2)
        s1 = plus_product(plus_product(plus_product(s1, top, r1), middle, r2), bottom, r3)
        s2 = plus_product(plus_product(plus_product(s2, top, r2), middle, r3), bottom, r4)
        s3 = plus_product(plus_product(plus_product(s3, top, r3), middle, r4), bottom, r5)
    return s0, s1, s2, s3


@njit(error_model="numpy", forceinline=True)
def filter_columns(phases, at, size, taps, filters, weights, like):
    """The same for a filter of any size without dilation: the taps of a column that fall on one phase follow lines."""
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
