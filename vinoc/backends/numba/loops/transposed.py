"""Transposed convolutions as loops.

An element of the data at y adds to the result at y * stride + t * dilation for tap t of the filter: in the phase
t * dilation % stride of the lines, at its line y + t * dilation // stride. So each phase of the result is a convolution
of the data with those taps that fall on it, in reversed order. The phases are computed as channels of one convolution,
whose planes are then laid into each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numba import prange

from ....ir.kernels.conv import backprop_window
from .conv import convolution, pack_filters
from .memory import room
from .settings import compiled, loop, threads_for

Array = np.ndarray[Any, np.dtype[Any]]
Ints = Sequence[int]


def pack_transposed(filters: Array, strides: Ints, dilations: Ints) -> Array:
    """Filters [I,O,*kernel] as those of a convolution, packed: a channel for each channel and phase, zeros between."""
    depth, channels, *kernel = filters.shape
    sizes = [(k - 1) * d // s + 1 for k, d, s in zip(kernel, dilations, strides)]
    phases = np.zeros((channels, *strides, depth, *sizes), np.float32)
    for tap in np.ndindex(*kernel):
        places = [divmod(t * d, s) for t, d, s in zip(tap, dilations, strides)]
        first = tuple(phase for _, phase in places)
        last = tuple(size - 1 - place for size, (place, _) in zip(sizes, places))
        phases[(slice(None), *first, slice(None), *last)] = filters[(slice(None), slice(None), *tap)].T
    return pack_filters(phases.reshape(-1, depth, *sizes))


def convolution_transposed(
    data: Array, filters: Array, bias: Array, kernel: Ints, strides: Ints, dilations: Ints, begin: Ints, end: Ints,
    output_padding: Ints, auto_pad: str, low: float, high: float, slopes: Array | None,
) -> Array:  # fmt: skip
    """data [N,I,*spatial], filters of that kernel as packed above, bias and slopes [O] -> [N,O,*out].

    The sums plus bias, times a slope where they are negative, limited to low..high.
    """
    spatial, phases, channels = data.shape[2:], prod(strides), len(bias)
    full = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(spatial, strides, dilations, kernel)]
    more = tuple(output_padding) or (0,) * len(full)
    begin, sizes = backprop_window(full, None, begin, end, more, auto_pad)
    ones = (1,) * len(full)
    lines = [-(-max(f, b + o) // s) for f, b, o, s in zip(full, begin, sizes, strides)]
    front = tuple(d * (k - 1) // s for k, d, s in zip(kernel, dilations, strides))
    back = tuple(m - n for m, n in zip(lines, spatial))
    slopes = None if slopes is None else np.repeat(slopes, phases)
    parts = convolution(
        data, filters, np.repeat(bias, phases), ones, ones, front, back, "explicit",
        low, high, residual=None, slopes=slopes,
    )  # fmt: skip
    if max(strides) == 1 and not any(begin) and sizes == lines:
        return parts
    out = room((len(data), channels, *sizes))
    image = (1,) * (2 - len(full))  # one spatial dimension is an image of one row
    parts = parts.reshape(len(data) * channels, phases, *image, *lines)
    begin = (*(0 for _ in image), *begin)
    lay_phases(threads_for(out.size), parts, out.reshape(-1, *image, *sizes), (*image, *strides), begin)
    return out


@loop
def lay_phases(parts, out, strides, begin):
    """out[c, y, x] = the place of the canvas that is `begin` further; phase by phase it is parts[c, phase]."""
    for c in prange(len(out)):
        lay_plane(parts[c], out[c], strides, begin)


@compiled
def lay_plane(parts, out, strides, begin):
    down, right = strides
    for y in range(len(out)):
        line, phase = divmod(y + begin[0], down)
        for x_phase in range(right):
            source = parts[phase * right + x_phase, line]
            first = (x_phase - begin[1]) % right
            start = (first + begin[1]) // right
            for i in range((out.shape[1] - first + right - 1) // right):
                out[y, first + i * right] = source[start + i]
