"""Convolutions whose vectors of pixels lie along lines: they are read where they lie, at each tap of the filter.

Nothing is gathered, which pays where there are few output channels for each pixel, and lines that vectors fill.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from .memory import aligned
from .phases import fill, split
from .settings import compiled, inlined, loop, share
from .tiles import ROWS, expect, finish_rows
from .vectors import SHORT, WIDE, element, load, plus_product, zeros

# Vectors that each block of filters is used for before the next one is.
TOGETHER = 32


@loop
def convolve_lines(data, planes, weights, out, given, window, taps, size, step):
    """Some vectors of `step` pixels are a task."""
    if size[0]:
        for plane in prange(data.shape[0] * data.shape[1]):
            split_plane(data, np.int64(plane), planes, weights.shape, window, size)
    for task in prange(len(out) * len(weights) * size[5]):
        if step == WIDE:
            convolve_vectors(np.int64(task), planes, weights, out, given, taps, size, WIDE, zeros(WIDE))
        else:
            convolve_vectors(np.int64(task), planes, weights, out, given, taps, size, SHORT, zeros(SHORT))


@compiled
def split_plane(data, plane, planes, filters, window, size):
    """A plane of data [N,C,H,W], with its pads, as phases."""
    shape = data.shape[2:]
    place = plane * size[1] * size[2]
    form = size[0], size[3], filters[3], filters[4]
    fill(planes, place, size[1] * size[2], np.float32(0))
    split(data, plane * shape[0] * shape[1], shape, planes, place, form, window, 0, np.float32(0))


@compiled
def convolve_vectors(task, planes, weights, out, given, taps, size, step, like):
    """Some vectors of an image and group, for all channels; the last pixels of a line once more, where few are left."""
    (groups, blocks, depth), (channels, height, width) = weights.shape[:3], out.shape[1:]
    image, chunk = divmod(task, size[5])
    apart, count = size[1] * size[2], min(step, width)
    across = -(-width // step)
    first, last = share(chunk, size[5], height * across)
    space, channels = aligned(ROWS * step), channels // groups
    for start in range(first, last, TOGETHER):
        for block in range(blocks):
            row = block * ROWS
            at = (image % groups * blocks + block) * depth * len(taps) * ROWS
            for vector in range(start, min(start + TOGETHER, last)):
                y, x = divmod(vector, across)
                x = max(min(x * step, width - step), 0)
                place = image * depth * apart + y * size[3] + x
                target = ((image * channels + row) * height + y) * width + x
                rows, channel = min(channels - row, ROWS), image % groups * channels + row
                expect(out, target, height * width, rows, channel, given, like)
                sums = multiply_taps(weights, at, planes, place, taps, apart, depth, like)
                finish_rows(sums, space, out, target, height * width, rows, count, step, channel, given)


@inlined
def multiply_taps(weights, at, planes, place, taps, apart, depth, like):
    """Eight vectors of sums: weights [depth,taps,8] from `at` on, times what lies at the taps of each plane."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = like
    for _ in range(depth):
        for tap in taps:
            x = load(planes, place + tap, like)
            s0 = plus_product(s0, element(weights, at), x)
            s1 = plus_product(s1, element(weights, at + 1), x)
            s2 = plus_product(s2, element(weights, at + 2), x)
            s3 = plus_product(s3, element(weights, at + 3), x)
            s4 = plus_product(s4, element(weights, at + 4), x)
            s5 = plus_product(s5, element(weights, at + 5), x)
            s6 = plus_product(s6, element(weights, at + 6), x)
            s7 = plus_product(s7, element(weights, at + 7), x)
            at += ROWS
        place += apart
    return s0, s1, s2, s3, s4, s5, s6, s7
