"""Convolutions as loops.

A convolution is a product: the filters, a row an output channel, times the matrix of windows, a row a tap of the
filter, a column an output pixel. Some vectors of pixels are computed together: for some input channels, their parts of
the matrix of windows are gathered into panels, which stay in the cache while the filters, eight rows at a time, are
multiplied with each of them in registers (`multiply`), so that filters are read once for all these pixels. The first
input channels add the bias, those that follow add to what is there, the last do what else follows.

Where there are pads or strides, every plane of the data first gets its pads and is dealt out to phases (see `split`),
so that what neighbouring windows see at one tap lies side by side. Where there are few output channels and vectors fill
the lines, that is read where it lies, and nothing is gathered (see `lines`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numba import prange
from numba.extending import register_jitable

from ....ir.kernels.conv import auto_pads
from .lines import convolve_lines, split_plane
from .memory import aligned, room
from .phases import phases_of
from .settings import compiled, loop, tasks_of, threads_for
from .tiles import ROWS, expect, finish_rows, multiply
from .vectors import SHORT, WIDE, load, load_some, store, zeros

Array = np.ndarray[Any, np.dtype[Any]]
Ints = Sequence[int]

# The slope of no PReLU.
ONE = np.ones(1, np.float32)

# Blocks of filters up to which a vector of pixels is read where it lies rather than gathered first.
FEW = 8

# Rows of the matrix of windows that are gathered at once, as whole input channels, and the numbers that the panels of
# all vectors then have at most: half of what a cache of the second level holds.
DEEP, PANELS = 1024, 1 << 14

# Vectors that are computed together at most.
TOGETHER = 32


def pack_filters(filters: Array) -> Array:
    """Filters [O,I,*kernel] as [1,O/8,I,kernel,8]."""
    return pack_groups(filters[None])


def pack_groups(filters: Array) -> Array:
    """Filters [G,O,I,*kernel] as [G,O/8,I,kernel,8], one spatial dimension as two: what eight channels have at one tap.

    Zeros stand for the channels that lack.
    """
    groups, channels, depth, *kernel = filters.shape
    blocks = -(-channels // ROWS)
    packed = np.zeros((groups, blocks * ROWS, depth, *kernel), np.float32)
    packed[:, :channels] = filters
    kernel = [1] * (2 - len(kernel)) + kernel
    return np.ascontiguousarray(np.moveaxis(packed.reshape(groups, blocks, ROWS, depth, *kernel), 2, -1))


def convolution(
    data: Array, filters: Array, bias: Array, strides: Ints, dilations: Ints, begin: Ints, end: Ints, auto_pad: str,
    low: float, high: float, residual: Array | None, slopes: Array | None,
) -> Array:  # fmt: skip
    """data [N,G*I,*spatial], packed filters [G,O/8,I,kernel,8], bias and slopes [G*O] -> [N,G*O,*out].

    The sums plus bias plus residual [N,G*O,*out], or of the first channels alone, times a slope where they are
    negative, limited to low..high.
    """
    shape, result, window, threads, size, count, taps, step = planned(
        data.shape, filters.shape, len(bias), strides, dilations, begin, end, auto_pad
    )
    out, data = room(result), as_images(data, shape)
    given = endings(result, bias, residual, slopes, low, high)
    planes = room((count,)) if count else data.reshape(-1)
    if step:
        convolve_lines(threads, data, planes, filters, out, given, window, taps, size, step)
    else:
        convolve(threads, data, planes, filters, out, given, window, taps, size)
    return as_given(out, strides)


@lru_cache(256)
def planned(
    data: Ints, filters: Ints, channels: int, strides: Ints, dilations: Ints, begin: Ints, end: Ints, auto_pad: str
) -> tuple[Any, ...]:
    """Shapes of data and result as images, the windows, and what the loops take.

    That is: threads; lines of a phase, phases, elements and pitch of one, the width of the result, tasks by pixels and
    by channels; how many numbers the planes as phases have, 0 for data as they are; the taps; and how many pixels of a
    line are a vector, 0 where vectors are gathered.
    """
    groups, blocks, depth, tall, wide = filters[:5]
    data, window, out = windows(data, (tall, wide), channels, strides, dilations, begin, end, auto_pad)
    fits(data[1] == groups * depth and blocks == -(-channels // (groups * ROWS)))
    threads = threads_for(prod(out) * depth * tall * wide)
    phases, pixels = window[0] * window[1], out[2] * out[3]
    (lines, pitch, _, _), taps = phases_of(out[2:], (tall, wide), window[:4])
    area = lines * pitch + wide
    count = data[0] * data[1] * phases * area + WIDE
    step = along_lines(out[3], blocks) if tall * wide > 1 else 0
    if phases == 1 and data[2:] == (lines, pitch) and (tall * wide == 1 or 0 < step <= out[3]):
        lines, area, count = 0, lines * pitch, 0
    if step:
        chunks, parts = tasks_of(threads, out[2]), 1
    else:
        chunks, parts = shares(pixels, data[0] * groups, blocks, depth, tall * wide, threads)
    return data, out, window, threads, (lines, phases, area, pitch, out[3], chunks, parts), count, taps, step


def shares(pixels: int, images: int, blocks: int, depth: int, taps: int, threads: int) -> tuple[int, int]:
    """Into how many tasks pixels and channels are cut."""
    tiles = -(-pixels // WIDE)
    chunks, parts = -(-tiles // together(min(depth, slab_of(taps)) * taps)), 1
    if threads > 1 and chunks * images < 4 * threads:
        return (4 * threads, 1) if tiles >= 16 * threads else (chunks, min(blocks, 2 * threads))
    return chunks, parts


def along_lines(width: int, blocks: int) -> int:
    """How many pixels of a line are a vector, where less of such vectors stays empty than gathering costs; else 0."""
    sizes = [-(-width // step) * step for step in (WIDE, SHORT)]
    step = WIDE if width >= WIDE and sizes[0] == sizes[1] else SHORT
    return step if width and 2 * blocks * (sizes[step == SHORT] - width) <= width else 0


def as_images(data: Array, shape: Ints) -> Array:
    """Data as the loops take them: in one piece, of two spatial dimensions."""
    data = np.ascontiguousarray(data).reshape(shape)
    return data if data.flags.writeable else data.copy()


def windows(
    shape: Ints, kernel: Ints, channels: int, strides: Ints, dilations: Ints, begin: Ints, end: Ints, auto_pad: str
) -> tuple[Ints, Ints, Ints]:
    """Shapes of data and result as images, and the windows' strides, dilations and pads.

    Of one spatial dimension an image of one row is made.
    """
    if len(shape) == 3:
        shape = *shape[:2], 1, shape[2]
        strides, dilations, begin, end = (1, *strides), (1, *dilations), (0, *begin), (0, *end)
    if auto_pad != "explicit":
        begin, end = auto_pads(shape[2:], kernel, strides, dilations, begin, end, auto_pad)
    (down, right), (dilate_y, dilate_x), (top, left), (tall, wide) = strides, dilations, begin, kernel
    height = (shape[2] + top + end[0] - dilate_y * (tall - 1) - 1) // down + 1
    width = (shape[3] + left + end[1] - dilate_x * (wide - 1) - 1) // right + 1
    out = shape[0], channels, max(height, 0), max(width, 0)
    return shape, (down, right, dilate_y, dilate_x, top, left), out


def fits(it_does: bool) -> None:
    """The loops do not look where they read and write."""
    if not it_does:
        raise ValueError("the shapes of data, filters and bias do not go together")


def as_given(out: Array, strides: Ints) -> Array:
    """The result, with one spatial dimension where there are strides for one."""
    return out if len(strides) == 2 else out.reshape(*out.shape[:2], -1)


def endings(out: Ints, bias: Array, residual: Array | None, slopes: Array | None, low: float, high: float) -> Any:
    """What `finish` does to a result of shape `out`; some array stands for what there is not."""
    more, adds = bias, 0
    if residual is not None:
        more, adds = np.ascontiguousarray(residual), residual.shape[1]
        if adds < out[1] and out[0] > 1:  # images would not begin where those of the result do
            more, adds = np.zeros(out, np.float32), out[1]
            more[:, : residual.shape[1]] = residual.reshape(out[0], -1, *out[2:])
        fits(more.size * out[1] == prod(out) * adds)
        more = more.reshape(-1)
    if slopes is None:
        return bias, more, adds, ONE, 0, low, high
    fits(len(slopes) == len(bias))
    return bias, more, adds, slopes, 1, low, high


@loop
def convolve(data, planes, weights, out, given, window, taps, size):
    """Some tiles of output pixels are a task, or parts of their output channels where there are few tiles."""
    if size[0]:
        for plane in prange(data.shape[0] * data.shape[1]):
            split_plane(data, np.int64(plane), planes, weights.shape, window, size)
    chunks, parts = size[5:]
    for task in prange(len(out) * len(weights) * chunks * parts):
        chunk, part = divmod(np.int64(task), parts)
        convolve_chunk(chunk, part, planes, weights, out, given, taps, size)


@register_jitable
def slab_of(taps):
    """Input channels whose windows are gathered at once."""
    return max(DEEP // taps, 1)


@register_jitable
def together(rows):
    """Vectors whose panels of so many rows the cache holds."""
    return min(max(PANELS // (rows * WIDE), 1), TOGETHER)


@compiled
def convolve_chunk(chunk, part, planes, weights, out, given, taps, size):
    """Some vectors of pixels of an image and group, for all output channels or a part of them."""
    chunks, parts = size[5:]
    image, chunk = divmod(chunk, chunks)
    pixels, depth = out.shape[2] * out.shape[3], weights.shape[2]
    some = -(-pixels // (WIDE * chunks))
    step = -(-weights.shape[1] // parts)
    blocks = part * step, min(part * step + step, weights.shape[1])
    slab = min(slab_of(len(taps)), depth)
    most = min(some, together(slab * len(taps))) * WIDE
    room = aligned(slab * len(taps) * most + WIDE), np.empty((2, WIDE), np.int64), aligned(ROWS * WIDE)
    bias, more, adds, slopes, apart, low, high = given
    nothing, one = np.zeros(len(bias), np.float32), np.ones(1, np.float32)
    end = min((chunk + 1) * some * WIDE, pixels)
    for first in range(chunk * some * WIDE, end, most):
        for begin in range(0, depth, slab):
            channels = begin, min(begin + slab, depth)
            start = (bias, more, adds) if begin == 0 else (nothing, out.reshape(-1), len(bias))
            ending = (slopes, apart, low, high) if channels[1] == depth else (one, 0, -np.inf, np.inf)
            tile = image, first, min(first + most, end)
            convolve_tile(tile, blocks, channels, planes, weights, out, start + ending, taps, size, room)


@compiled
def convolve_tile(tile, blocks, channels, planes, weights, out, given, taps, size, room):
    """Some vectors of pixels, for some blocks of output channels, as far as some input channels go."""
    image, first, last = tile
    pixels, depth = out.shape[2] * out.shape[3], (channels[1] - channels[0]) * len(taps)
    apart = size[1] * size[2]
    plane = (image * weights.shape[2] + channels[0]) * apart
    in_place = len(taps) == 1 and size[3] == size[4] and blocks[1] - blocks[0] <= FEW
    for start in range(first, last, WIDE):
        count, place = min(WIDE, last - start), (start - first) * depth
        if count <= SHORT:
            gather(planes, room, place, plane, start, count, depth, taps, size, SHORT, zeros(SHORT))
        elif count < WIDE or not in_place:
            gather(planes, room, place, plane, start, count, depth, taps, size, WIDE, zeros(WIDE))
    group, all_channels = image % len(weights), out.shape[1] // len(weights)
    for block in range(blocks[0], blocks[1]):
        at = ((group * weights.shape[1] + block) * weights.shape[2] + channels[0]) * len(taps) * ROWS
        row = block * ROWS
        for start in range(first, last, WIDE):
            count, place = min(WIDE, last - start), (start - first) * depth
            where = (image * all_channels + row) * pixels + start, all_channels - row, count, group * all_channels + row
            if count <= SHORT:
                convolve_vector(
                    where, weights, at, room[0], place, SHORT, depth, out, given, room[2], SHORT, zeros(SHORT)
                )
            elif count < WIDE or not in_place:
                convolve_vector(where, weights, at, room[0], place, WIDE, depth, out, given, room[2], WIDE, zeros(WIDE))
            else:
                convolve_vector(
                    where, weights, at, planes, plane + start, apart, depth, out, given, room[2], WIDE, zeros(WIDE)
                )


@compiled
def convolve_vector(where, weights, at, panel, place, apart, depth, out, given, space, step, like):
    """One vector of pixels, for eight output channels."""
    target, rows, count, channel = where
    pitch = out.shape[2] * out.shape[3]
    rows = min(rows, ROWS)
    expect(out, target, pitch, rows, channel, given, like)
    sums = multiply(weights, at, panel, place, apart, depth, like)
    finish_rows(sums, space, out, target, pitch, rows, count, step, channel, given)


@compiled
def gather(planes, room, place, first, start, count, depth, taps, size, step, like):
    """The panel [depth,step]: what `count` output pixels from `start` on see at each tap of the filter.

    Pixels of one line lie side by side in the planes; what a vector holds behind them, the next line overwrites.
    """
    phases, plane, pitch, width = size[1:5]
    panel, (source, target) = room[0], (room[1][0], room[1][1])
    y, x = divmod(start, width)
    lines, at = 0, 0
    while at < count:
        source[lines], target[lines] = y * pitch + x, at
        at, y, x, lines = at + width - x, y + 1, 0, lines + 1
    for _ in range(depth // len(taps)):
        for tap in taps:
            if lines == 1 and count < step:
                store(panel, place, load_some(planes, first + tap + source[0], count, like))
            else:
                for i in range(lines):
                    store(panel, place + target[i], load(planes, first + tap + source[i], like))
            place += step
        first += phases * plane
