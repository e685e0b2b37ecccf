"""Convolutions as loops.

First every plane of the data gets its pads and is dealt out to phases, one for each place within a stride, so that
what all windows see at one tap of the filter lies in one phase, as far from each other as the output pixels are.
A line of a phase is a little longer than one of the output: what is computed for the columns too many is dropped.

A convolution is then a product: the filters, a row an output channel, times the matrix of windows, a row a tap, a
column an output pixel. A panel of a few hundred rows and columns of that matrix stays in the cache while `multiply`
adds its product with four output channels at a time to their sums. Four rows of the panel are read for four sums
each, so that arithmetic, not memory, bounds the innermost loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numba import njit, prange

from ....ir.kernels.conv import auto_pads, out_sizes
from .settings import CACHED, use_threads

Array = np.ndarray[Any, np.dtype[Any]]
Ints = Sequence[int]

# A panel has this many columns and rows; columns are computed in multiples of LANES.
PIXELS = 256
DEPTH = 256
LANES = 16

# Pixels of a plane that are summed together.
BLOCK = 2048


def convolution(
    data: Array, filters: Array, bias: Array | None, strides: Ints, dilations: Ints, begin: Ints, end: Ints,
    auto_pad: str, low: float, high: float,
) -> Array:  # fmt: skip
    """data [N,I,*spatial], filters [O,I,*kernel], bias [O] -> [N,O,*out], limited to low..high."""
    return group_convolution(data, filters[None], bias, strides, dilations, begin, end, auto_pad, low, high)


def group_convolution(
    data: Array, filters: Array, bias: Array | None, strides: Ints, dilations: Ints, begin: Ints, end: Ints,
    auto_pad: str, low: float, high: float,
) -> Array:  # fmt: skip
    """data [N,G*I,*spatial], filters [G,O,I,*kernel], bias [G*O] -> [N,G*O,*out], limited to low..high."""
    begin, end = auto_pads(data.shape[2:], filters.shape[3:], strides, dilations, begin, end, auto_pad)
    padded = [n + b + e for n, b, e in zip(data.shape[2:], begin, end)]
    out = out_sizes(padded, filters.shape[3:], strides, dilations)
    groups, channels, depth, *kernel = filters.shape
    result = np.empty((len(data), groups * channels, *out), np.float32)
    image = (1,) * (2 - len(out))  # one spatial dimension is an image of one row
    convolve = convolve_planes if depth == 1 and groups > 1 else convolve_channels
    convolve(
        np.ascontiguousarray(data).reshape(len(data), groups, depth, *image, *data.shape[2:]),
        np.ascontiguousarray(filters).reshape(groups, channels, depth, *image, *kernel),
        np.zeros((groups, channels), np.float32) if bias is None else bias.reshape(groups, channels),
        result.reshape(len(data), groups, channels, *image, *out),
        (*image, *strides, *image, *dilations, *(0 for _ in image), *begin),
        (np.float32(low), np.float32(high)),
        use_threads(result.size * depth * prod(kernel)),
    )
    return result


def convolve_channels(
    data: Array, filters: Array, bias: Array, out: Array, window: Ints, limits: tuple[Any, Any], threads: int
) -> None:
    """data [N,G,I,H,W], filters [G,O,I,kernel], bias [G,O] -> out [N,G,O,H,W]: phases, then panels."""
    count, groups, depth = data.shape[:3]
    tall, wide = filters.shape[3:]
    lines, pitch = phase_size(out.shape[3:], (tall, wide), window)
    down, right = window[:2]
    phases = data
    if tall * wide * down * right > 1 or data.shape[3:] != out.shape[3:]:
        phases = np.empty((count, groups, depth, down * right, lines * pitch + wide), np.float32)
        rows = data.reshape(-1, *data.shape[3:])
        split_planes(rows, phases.reshape(len(rows), *phases.shape[3:]), (lines, pitch, tall, wide), window)
    panels = -(-out.shape[3] * pitch // PIXELS)
    parts = max(1, min(filters.shape[1] // 16, threads // max(panels * count * groups, 1)))
    multiply_panels(
        phases.reshape(count, groups, depth, down * right, phases[:1, :1, :1].size // (down * right)),
        filters.reshape(*filters.shape[:2], -1),
        bias,
        out,
        (tall, wide, pitch, panels, parts),
        window,
        limits,
    )


@njit(parallel=True, cache=CACHED, error_model="numpy")
def split_planes(planes, phases, size, window):
    """All planes, with their pads, as phases."""
    for c in prange(len(planes)):
        split(planes[c], phases[c], size, window, np.float32(0))


@njit(parallel=True, cache=CACHED, error_model="numpy")
def multiply_panels(phases, weights, bias, out, size, window, limits):
    """Panels of output pixels, and parts of the output channels where there are few panels, are computed at once."""
    panels, parts = size[3:]
    for task in prange(out.shape[0] * out.shape[1] * panels * parts):
        multiply_part(np.int64(task), phases, weights, bias, out, size, window, limits)


@njit(cache=CACHED, error_model="numpy")
def multiply_part(task, phases, weights, bias, out, size, window, limits):
    """One part of the output channels for one panel."""
    panels, parts = size[3:]
    panel, part = divmod(task, parts)
    image, start = divmod(panel, panels)
    n, group = divmod(image, out.shape[1])
    channels = out.shape[2]
    step = -(-channels // (4 * parts)) * 4
    first, last = part * step, min(part * step + step, channels)
    view = (size[0], size[1], size[2], start * PIXELS)
    given, biases, total = weights[group, first:last], bias[group, first:last], out[n, group, first:last]
    convolve_panel(phases[n, group], given, biases, total, view, window, limits)


@njit(cache=CACHED, error_model="numpy")
def convolve_panel(phases, weights, bias, out, size, window, limits):
    """All channels of `out` for a panel of output pixels."""
    pitch, start = size[2:]
    channels, depth = weights.shape
    count = min(PIXELS, out.shape[1] * pitch - start)
    columns = -(-count // LANES) * LANES
    panel = aligned(min(DEPTH, depth + 3) * PIXELS)
    scratch = np.empty((4, DEPTH), np.float32)
    sums = aligned((channels + 3) * PIXELS)
    sums[:] = 0
    for k in range(0, depth, DEPTH):
        rows = min(DEPTH, depth - k)
        gather(phases, panel, k, rows, count, columns, size, window)
        for o in range(0, channels, 4):
            multiply(whole(weights[o : o + 4, k : k + rows], scratch), panel, sums[o * PIXELS :], columns)
    for o in range(channels):
        store(sums[o * PIXELS : o * PIXELS + count], bias[o], out[o], start, pitch, limits)


@njit(cache=CACHED, fastmath={"contract"}, error_model="numpy")
def multiply(weights, panel, sums, columns):
    """sums[c, p] += sum over k of weights[c, k] * panel[k, p], for four c, and four k a step."""
    wa, wb, wc, wd = weights[0], weights[1], weights[2], weights[3]
    for k in range(0, weights.shape[1], 4):
        a0, a1, a2, a3 = wa[k], wa[k + 1], wa[k + 2], wa[k + 3]
        b0, b1, b2, b3 = wb[k], wb[k + 1], wb[k + 2], wb[k + 3]
        c0, c1, c2, c3 = wc[k], wc[k + 1], wc[k + 2], wc[k + 3]
        d0, d1, d2, d3 = wd[k], wd[k + 1], wd[k + 2], wd[k + 3]
        x = panel[k * PIXELS :]
        for p in range(columns):
            x0, x1, x2, x3 = x[p], x[p + PIXELS], x[p + 2 * PIXELS], x[p + 3 * PIXELS]
            sums[p] = sums[p] + a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
            sums[p + PIXELS] = sums[p + PIXELS] + b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
            sums[p + 2 * PIXELS] = sums[p + 2 * PIXELS] + c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
            sums[p + 3 * PIXELS] = sums[p + 3 * PIXELS] + d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3


@njit(cache=CACHED, error_model="numpy")
def aligned(size):
    """An array that begins where a cache line does: vectors that lie across two lines take twice as long."""
    space = np.empty(size + 16, np.float32)
    first = (64 - space.ctypes.data % 64) // 4
    return space[first : first + size]


@njit(cache=CACHED, error_model="numpy")
def whole(weights, scratch):
    """Four rows of weights, and a multiple of four columns: with zeros in place of those that there are not."""
    channels, rows = weights.shape
    if channels == 4 and rows % 4 == 0:
        return weights
    columns = -(-rows // 4) * 4
    for c in range(4):
        for k in range(columns):
            scratch[c, k] = weights[c, k] if c < channels and k < rows else 0
    return scratch[:, :columns]


@njit(cache=CACHED, error_model="numpy")
def gather(phases, panel, first, rows, count, columns, size, window):
    """Rows `first`.. of the matrix of windows: what the output pixels see at one tap of the filter."""
    tall, wide, pitch, start = size
    down, right, dilate_y, dilate_x = window[:4]
    for k in range(rows):
        plane, tap = divmod(first + k, tall * wide)
        tap_y, tap_x = divmod(tap, wide)
        y, phase_y = divmod(tap_y * dilate_y, down)
        x, phase_x = divmod(tap_x * dilate_x, right)
        line = phases[plane, phase_y * right + phase_x, y * pitch + x + start :]
        row = panel[k * PIXELS : k * PIXELS + count]
        for i in range(len(row)):
            row[i] = line[i]
        panel[k * PIXELS + count : k * PIXELS + columns] = 0
    for k in range(rows, -(-rows // 4) * 4):
        panel[k * PIXELS : k * PIXELS + columns] = 0


@njit(cache=CACHED, error_model="numpy")
def store(sums, bias, plane, start, pitch, limits):
    """The sums of a panel, but for the columns too many, into the plane of an output channel."""
    low, high = limits
    y, x = divmod(start, pitch)
    at = 0
    while at < len(sums):
        n = min(pitch - x, len(sums) - at)
        given = sums[at : at + n]
        line = plane[y, x : x + n]
        for i in range(len(line)):
            v = given[i] + bias
            v = low if v < low else v
            line[i] = high if v > high else v
        at, y, x = at + n, y + 1, 0


def convolve_planes(
    data: Array, filters: Array, bias: Array, out: Array, window: Ints, limits: tuple[Any, Any], threads: int
) -> None:
    """data [N,G,1,H,W], filters [G,O,1,kernel], bias [G,O] -> out [N,G,O,H,W]: a filter for each plane of one input."""
    size = *phase_size(out.shape[3:], filters.shape[3:], window), *filters.shape[3:]
    filter_planes(data[:, :, 0], filters[:, :, 0], bias, out, size, window, limits)


@njit(parallel=True, cache=CACHED, error_model="numpy")
def filter_planes(data, filters, bias, out, size, window, limits):
    """Every output plane is a task."""
    for task in prange(out.shape[0] * out.shape[1] * out.shape[2]):
        image, o = divmod(np.int64(task), out.shape[2])
        n, group = divmod(image, out.shape[1])
        filter_plane(data[n, group], filters[group, o], bias[group, o], out[n, group, o], size, window, limits)


@njit(cache=CACHED, error_model="numpy")
def filter_plane(plane, taps, bias, out, size, window, limits):
    """The taps are added one by one, for a few lines at a time."""
    lines, pitch, tall, wide = size
    down, right, dilate_y, dilate_x = window[:4]
    phases = np.empty((down * right, lines * pitch + wide), np.float32)
    split(plane, phases, size, window, np.float32(0))
    some = aligned(BLOCK)
    for start in range(0, len(out) * pitch, BLOCK):
        sums = some[: min(BLOCK, len(out) * pitch - start)]
        sums[:] = 0
        for tap_y in range(tall):
            for tap_x in range(wide):
                y, phase_y = divmod(tap_y * dilate_y, down)
                x, phase_x = divmod(tap_x * dilate_x, right)
                seen = phases[phase_y * right + phase_x, y * pitch + x + start :]
                add_scaled(sums, seen, taps[tap_y, tap_x])
        store(sums, bias, out, start, pitch, limits)


@njit(cache=CACHED, fastmath={"contract"}, error_model="numpy")
def add_scaled(sums, x, factor):
    """sums += factor * x"""
    for i in range(len(sums)):
        sums[i] += factor * x[i]


@njit(cache=CACHED, error_model="numpy")
def phase_size(out, kernel, window):
    """How many lines a phase has, and how long they are."""
    down, right, dilate_y, dilate_x = window[:4]
    return out[0] + (kernel[0] - 1) * dilate_y // down, out[1] + (kernel[1] - 1) * dilate_x // right


@njit(cache=CACHED, error_model="numpy")
def split(plane, phases, size, window, pad):
    """The padded plane as phases: (a, b) has the lines a, a + down, ... and of those the elements b, b + right, ..."""
    lines, pitch, tall, wide = size
    down, right, dilate_y, dilate_x, top, left = window
    for a in range(down):
        for b in range(right):
            if is_seen(a, tall, dilate_y, down) and is_seen(b, wide, dilate_x, right):
                phase = phases[a * right + b]
                phase[lines * pitch :] = pad
                for y in range(lines):
                    at = y * down + a - top
                    target = phase[y * pitch : (y + 1) * pitch]
                    if 0 <= at < plane.shape[0]:
                        copy_line(plane[at], target, b - left, right, pad)
                    else:
                        target[:] = pad


@njit(cache=CACHED, error_model="numpy")
def is_seen(phase, taps, dilation, stride):
    """True where a tap of the filter falls on this phase."""
    for tap in range(taps):  # noqa: SIM110  # numba has no generators in `any`
        if tap * dilation % stride == phase:
            return True
    return False


@njit(cache=CACHED, error_model="numpy")
def copy_line(line, target, start, step, pad):
    """target[i] = line[start + i * step], `pad` where that lies outside."""
    n = len(target)
    first = min(max(-(start // step), 0), n)
    last = max(min((len(line) - 1 - start) // step + 1, n), first)
    target[:first] = pad
    target[last:] = pad
    inside = target[first:last]
    source = line[start + first * step :]
    if step == 1:
        for i in range(len(inside)):
            inside[i] = source[i]
    elif step == 2:
        for i in range(len(inside)):
            inside[i] = source[2 * i]
    else:
        for i in range(len(inside)):
            inside[i] = source[i * step]
