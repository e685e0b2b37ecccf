"""Convolutions of any number of spatial dimensions, and their gradients (transposed convolutions).

A convolution gathers its windows into a matrix (im2col) and multiplies it with the filters, a slab of output rows
at a time so that the matrix stays small. With one input channel a group there is nothing to multiply: the taps of
the kernel are added one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .array import Array, Ints


def convolution(
    data: Array, filters: Array, strides: Ints, dilations: Ints, begin: Ints, end: Ints, auto_pad: str
) -> Array:
    """data [N,I,*spatial], filters [O,I,*kernel] -> [N,O,*out]."""
    return group_convolution(data, filters[None], strides, dilations, begin, end, auto_pad)


def group_convolution(
    data: Array, filters: Array, strides: Ints, dilations: Ints, begin: Ints, end: Ints, auto_pad: str
) -> Array:
    """data [N,G*I,*spatial], filters [G,O,I,*kernel] -> [N,G*O,*out]."""
    begin, end = auto_pads(data.shape[2:], filters.shape[3:], strides, dilations, begin, end, auto_pad)
    wide = accumulator(data.dtype)
    x = pad_spatial(data.astype(wide, copy=False), begin, end)
    w = filters.astype(wide, copy=False)
    depthwise = w.shape[2] == 1 and w.shape[0] > 1
    out = conv_taps(x, w, strides, dilations) if depthwise else conv_matmul(x, w, strides, dilations)
    return narrow(out, data.dtype)


def convolution_backprop(
    data: Array, filters: Array, out_shape: Array | None, strides: Ints, dilations: Ints, begin: Ints, end: Ints,
    output_padding: Ints, auto_pad: str,
) -> Array:  # fmt: skip
    """data [N,I,*spatial], filters [I,O,*kernel] -> [N,O,*out]: the gradient of a convolution by its data."""
    return group_convolution_backprop(
        data, filters[None], out_shape, strides, dilations, begin, end, output_padding, auto_pad
    )


def group_convolution_backprop(
    data: Array, filters: Array, out_shape: Array | None, strides: Ints, dilations: Ints, begin: Ints, end: Ints,
    output_padding: Ints, auto_pad: str,
) -> Array:  # fmt: skip
    """data [N,G*I,*spatial], filters [G,I,O,*kernel] -> [N,G*O,*out].

    Every element of the data adds its filter to a canvas, from which the pads are then cut off.
    """
    groups, depth, channels, *kernel = filters.shape
    spatial = data.shape[2:]
    full = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(spatial, strides, dilations, kernel)]
    extra = tuple(output_padding) or (0,) * len(full)
    begin, out = backprop_window(full, out_shape, begin, end, extra, auto_pad)
    wide = accumulator(data.dtype)
    x = data.astype(wide, copy=False).reshape(len(data), groups, depth, -1)
    w = filters.astype(wide, copy=False)
    canvas = np.zeros((len(data), groups, channels, *[max(f, b + o) for f, b, o in zip(full, begin, out)]), wide)
    if x.size:
        for tap in np.ndindex(*kernel):
            weights = np.swapaxes(w[(slice(None), slice(None), slice(None), *tap)], 1, 2)
            term = np.matmul(weights, x).reshape(len(data), groups, channels, *spatial)
            canvas[last(tap_slices(tap, spatial, strides, dilations))] += term
    cut = canvas[last([slice(b, b + o) for b, o in zip(begin, out)])]
    return np.ascontiguousarray(narrow(cut.reshape(len(data), groups * channels, *out), data.dtype))


def backprop_window(
    full: Ints, out_shape: Array | None, begin: Ints, end: Ints, extra: Ints, auto_pad: str
) -> tuple[list[int], list[int]]:
    """Where the output of a transposed convolution begins on the canvas, and its size.

    With `same_*` and a wanted shape the pads are what is too much, the odd one at the front for `same_upper`.
    """
    explicit = auto_pad == "explicit"
    first = list(begin) if explicit else [0] * len(full)
    last = list(end) if explicit else [0] * len(full)
    if out_shape is None:
        return first, [f - b - e + x for f, b, e, x in zip(full, first, last, extra)]
    out = [int(n) for n in out_shape]
    if auto_pad in ("same_upper", "same_lower"):
        total = [max(f + x - o, 0) for f, x, o in zip(full, extra, out)]
        first = [(t + 1) // 2 if auto_pad == "same_upper" else t // 2 for t in total]
    return first, out


def auto_pads(
    spatial: Ints, kernel: Ints, strides: Ints, dilations: Ints, begin: Ints, end: Ints, auto_pad: str
) -> tuple[list[int], list[int]]:
    """The pads that `auto_pad` stands for; `same_*` splits evenly, the odd one at the end or at the beginning."""
    if auto_pad == "explicit":
        return list(begin), list(end)
    if auto_pad == "valid":
        return [0] * len(spatial), [0] * len(spatial)
    total = [
        max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0) for n, k, s, d in zip(spatial, kernel, strides, dilations)
    ]
    small = [t // 2 for t in total]
    large = [t - t // 2 for t in total]
    return (small, large) if auto_pad == "same_upper" else (large, small)


def accumulator(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type sums of products are formed in: f64, or 64-bit integers where f64 would not be exact.

    In f32 the order of a sum, which BLAS varies from one column to the next, shows in the result; this is the oracle.
    """
    if dtype.kind in "iu":  # sums of narrow products are exact in f64, where BLAS is
        return np.dtype(np.float64 if dtype.itemsize <= 2 else np.uint64 if dtype.kind == "u" else np.int64)
    return np.dtype(np.float64)


def narrow(sums: Array, dtype: np.dtype[Any]) -> Array:
    """Sums in the type of the result; integers saturate."""
    if dtype.kind in "iu" and sums.dtype.itemsize > dtype.itemsize:
        limits = np.iinfo(dtype)
        sums = np.clip(sums, limits.min, limits.max)
    return sums.astype(dtype, copy=False)


def pad_spatial(data: Array, begin: Ints, end: Ints) -> Array:
    """Zeros around the spatial dimensions of [N,C,*spatial]."""
    if not any(begin) and not any(end):
        return data
    shape = [n + b + e for n, b, e in zip(data.shape[2:], begin, end)]
    out = np.zeros((*data.shape[:2], *shape), data.dtype)
    out[last([slice(b, b + n) for n, b in zip(data.shape[2:], begin)])] = data
    return out


def out_sizes(padded: Ints, kernel: Ints, strides: Ints, dilations: Ints) -> list[int]:
    """How often a window fits into each dimension."""
    return [max((n - d * (k - 1) - 1) // s + 1, 0) for n, k, s, d in zip(padded, kernel, strides, dilations)]


def tap_slices(tap: Ints, out: Ints, strides: Ints, dilations: Ints) -> list[slice]:
    """What one element of the kernel sees: one slice for each spatial dimension of the padded data."""
    return [slice(t * d, t * d + (n - 1) * s + 1, s) for t, n, s, d in zip(tap, out, strides, dilations)]


def last(slices: Sequence[slice]) -> Any:
    """An index for the last dimensions; those before are taken whole."""
    return (..., *slices)


def conv_taps(x: Array, w: Array, strides: Ints, dilations: Ints) -> Array:
    """Padded x [N,G,*spatial], w [G,O,1,*kernel] -> [N,G*O,*out], a tap of the kernel at a time."""
    groups, channels, _, *kernel = w.shape
    out = out_sizes(x.shape[2:], kernel, strides, dilations)
    total = np.zeros((len(x), groups, channels, *out), x.dtype)
    if not total.size:
        return total.reshape(len(x), groups * channels, *out)
    term = np.empty_like(total)
    for tap in np.ndindex(*kernel):
        seen = x[last(tap_slices(tap, out, strides, dilations))]
        weights = w[(slice(None), slice(None), 0, *tap)].reshape(groups, channels, *[1] * len(out))
        np.multiply(seen[:, :, None], weights, out=term)
        total += term
    return total.reshape(len(x), groups * channels, *out)


def conv_matmul(x: Array, w: Array, strides: Ints, dilations: Ints) -> Array:
    """Padded x [N,G*I,*spatial], w [G,O,I,*kernel] -> [N,G*O,*out], by matrices of windows."""
    groups, channels, depth, *kernel = w.shape
    out = out_sizes(x.shape[2:], kernel, strides, dilations)
    result = np.empty((len(x), groups, channels, *out), x.dtype)
    if result.size:
        columns = window_view(x, groups, kernel, strides, dilations)
        matrix = w.reshape(groups, channels, depth * prod(kernel))
        a_row = max(groups * depth * prod(kernel) * prod(out[1:]), 1)
        rows = min(max((1 << 22) // a_row, 1), out[0])  # matrices of a few million elements stay near the caches
        at = 3 + len(kernel)  # the axis of rows
        for n in range(len(x)):
            for first in range(0, out[0], rows):
                some = columns[n : n + 1][last([slice(first, first + rows), *[slice(None)] * (len(out) - 1)])]
                count = some.shape[at]
                part = np.matmul(matrix, some.reshape(1, groups, matrix.shape[2], count * prod(out[1:])))
                result[n : n + 1, :, :, first : first + rows] = part.reshape(1, groups, channels, count, *out[1:])
    return result.reshape(len(x), groups * channels, *out)


def window_view(x: Array, groups: int, kernel: Ints, strides: Ints, dilations: Ints) -> Array:
    """[N,G*I,*spatial] seen as [N,G,I,*kernel,*out]: no copy is made."""
    rank = len(kernel)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilations)]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(2, 2 + rank)))
    view = view[last([slice(None, None, step) for step in (*strides, *dilations)])]
    view = np.moveaxis(view, range(2, 2 + rank), range(2 + rank, 2 + 2 * rank))
    return view.reshape(len(x), groups, x.shape[1] // groups, *view.shape[2:])
