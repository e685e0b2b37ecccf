"""Rounding weights to half precision so that the errors of a filter cancel.

The nearest value is the best for each weight alone, but a layer sums weights times activations, and activations are
alike: neighbouring pixels differ little, and what comes out of a ReLU is positive. Errors that add up then show.
So each weight becomes the upper *or* the lower neighbour, chosen together, as error diffusion does for the pixels of a
halftone (Floyd & Steinberg, "An adaptive algorithm for spatial greyscale", Proc. SID 17/2, 1976). Choosing by a second
moment of the inputs is known from quantization (Nagel et al., "Up or down? Adaptive rounding for post-training
quantization", ICML 2020); here no inputs are known, so that moment is a model of them:

- within a kernel, inputs d taps apart correlate by CORRELATION^d (the usual model of pictures, a first-order Markov
  process: Jain, "Fundamentals of digital image processing", 1989, section 2.10). Each round flips the one weight of
  each kernel that lowers the expected error most;
- across the channels of a filter, inputs share a mean: the sum of the errors is brought to zero by flipping those
  weights that lie closest to halfway, which costs least.

Weights are treated in blocks that fit a cache; nothing is sorted but the few that lie close to halfway.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..ir.dtype import Array
from ..ir.record import record
from .half import BLOCK, INFINITY, MAGNITUDE, nearest

CORRELATION = 0.9
"""Of inputs one tap apart: somewhat less than of pixels (0.95), as feature maps hold details."""

KERNEL = 32
"""Taps treated together; longer kernels are cut along their last axis."""


@record(frozen=True)
class Filters:
    """Which elements of an array are summed: axis 1 after a reshape to [-1, summed, trailing].

    The last axes of a summed run are the taps of a `kernel`, where there is one (then `trailing` is 1).
    """

    summed: int
    trailing: int = 1
    kernel: tuple[int, ...] = ()


def compensated(array: Array, filters: Filters) -> Array:
    """Half-precision values, each one of the two neighbours, such that errors cancel within a filter.

    The errors of a filter add up to no more than one step of its largest weight. What f16 holds exactly stays;
    what is beyond its range becomes the largest and is left out of the sums.
    """
    view = array.reshape(-1, filters.summed, filters.trailing)
    half = np.empty(view.shape, np.float16)
    for outer, inner in _blocks(view.shape):
        block = view[outer, :, inner].transpose(0, 2, 1)
        rows = _round_rows(np.ascontiguousarray(block).reshape(-1, filters.summed), filters.kernel)
        half[outer, :, inner] = rows.reshape(block.shape).transpose(0, 2, 1)
    return half.reshape(array.shape)


def compensated_together(arrays: Sequence[Array], filters: Filters) -> Iterator[Array]:
    """`compensated` of many small arrays of one dtype: what a call costs is paid once a block."""
    stacked = np.concatenate([a.reshape(-1, filters.summed, filters.trailing) for a in arrays])
    half = compensated(stacked, filters)
    start = 0
    for array in arrays:
        count = array.size // (filters.summed * filters.trailing)
        yield half[start : start + count].reshape(array.shape)
        start += count


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    outer, summed, inner = shape
    columns = min(inner, max(1, BLOCK // summed))
    rows = max(1, BLOCK // (summed * columns))
    for i in range(0, outer, rows):
        for j in range(0, inner, columns):
            yield slice(i, i + rows), slice(j, j + columns)


def _round_rows(rows: Array, kernel: tuple[int, ...]) -> Array:
    half = nearest(rows)
    error = _error(rows, half)
    if not error.any():
        return half
    if math.prod(kernel) > 1:
        _settle_kernels(half, error, kernel)
    _settle_sums(rows, half, error, math.sqrt(2 / rows.shape[1]))
    return half


def _error(rows: Array, half: Array) -> Array:
    """Exact differences; zero where a value is beyond the range."""
    with np.errstate(invalid="ignore"):
        error: Array = rows - half.astype(rows.dtype)
    if not max(error.max(), -error.min()) <= 16:  # half a step of the largest; false for NaN as well
        error[~(np.abs(error) <= 16)] = 0
    return error


def _neighbours(half: Array, error: Array) -> tuple[Array, Array]:
    """The neighbours on the other side of the weights, and by how much the error changes with them."""
    bits = half.view(np.uint16)
    other = bits - np.uint16(1)
    other += (np.signbit(error) == (bits > MAGNITUDE)).view(np.uint8) * np.uint16(2)
    np.copyto(other, bits, where=error == 0)
    other = other.view(np.float16)
    with np.errstate(invalid="ignore"):
        change = half.astype(error.dtype) - other.astype(error.dtype)
        if not np.isfinite(change.sum()):  # beyond the largest value lies infinity
            change[~np.isfinite(change)] = 0
    return other, change


def _settle_kernels(half: Array, error: Array, kernel: tuple[int, ...]) -> None:
    """Lowers the expected error of each kernel, a flip at a time. Changes `half` and `error`."""
    other, change = _neighbours(half, error)
    taps, correlation = _taps(kernel, error.dtype)
    last = kernel[-1]
    e, d = (_kernels(a, taps, last) for a in (error, change))
    flipped = _flips(e, d, correlation)
    chosen = np.ascontiguousarray(_unpacked(flipped, error.shape, taps, last))
    np.copyto(half, other, where=chosen)
    np.add(error, change, out=error, where=chosen)


def _flips(e: Array, d: Array, correlation: Array) -> Array:
    """Which errors `e` to change by `d` (both [taps, kernels]): in each round the one that gains most in each kernel,
    in half as many rounds as there are taps (few kernels need them all).

    With R the correlations, flipping tap k changes the expected square e'Re by d_k (2 (Re)_k + d_k).
    """
    flipped = np.zeros(e.shape, bool)
    live = np.arange(e.shape[1])
    slope = _doubled_product(correlation, e)
    for _ in range(max(1, len(e) // 2)):
        best, tap = _lowest((slope + d) * d)
        column = np.flatnonzero(best < 0)
        if not column.size:
            break
        live, tap = live[column], tap[column]
        flipped[tap, live] ^= True
        change = d[tap, column]
        slope, d = slope.take(column, axis=1), d.take(column, axis=1)
        slope += 2 * correlation.take(tap, axis=1) * change
        d[tap, np.arange(len(live))] = -change
    return flipped


def _lowest(gain: Array) -> tuple[Array, Array]:
    """The minimum of each column and its (first) row; `argmin` along the first axis is many times slower."""
    best = gain[0].copy()
    at = np.zeros(best.shape, np.uint8)
    for i, row in enumerate(gain[1:], 1):
        lower = row < best
        np.maximum(at, lower.view(np.uint8) * np.uint8(i), out=at)
        np.minimum(best, row, out=best)
    return best, at


def _doubled_product(correlation: Array, e: Array) -> Array:
    """2 R e, a column at a time: a product so narrow is not worth the threads of a matrix library."""
    total = np.zeros_like(e)
    term = np.empty_like(e)
    for column, row in zip(2 * correlation.T, e, strict=True):
        np.multiply(column[:, None], row, out=term)
        total += term
    return total


def _taps(kernel: tuple[int, ...], dtype: np.dtype[np.generic]) -> tuple[int, Array]:
    """How many consecutive elements are treated together, and how their inputs correlate."""
    if math.prod(kernel) > KERNEL:
        kernel = (kernel[-1],) if kernel[-1] <= KERNEL else (KERNEL,)
    place = np.indices(kernel).reshape(len(kernel), -1)
    distance = np.abs(place[:, :, None] - place[:, None]).sum(axis=0)
    return math.prod(kernel), (CORRELATION**distance).astype(dtype)


def _kernels(array: Array, taps: int, last: int) -> Array:
    """The elements as [taps, kernels]; runs of `last` that are no multiple of `taps` are padded with zeros."""
    if array.size % taps or (last > taps and last % taps):
        runs = array.reshape(-1, last)
        array = np.zeros((len(runs), -(-last // taps) * taps), array.dtype)
        array[:, :last] = runs
    return np.ascontiguousarray(array.reshape(-1, taps).T)


def _unpacked(kernels: Array, shape: tuple[int, ...], taps: int, last: int) -> Array:
    flat = kernels.T
    if kernels.size != math.prod(shape):
        flat = np.ascontiguousarray(flat).reshape(-1, -(-last // taps) * taps)[:, :last]
    return flat.reshape(shape)


def _settle_sums(rows: Array, half: Array, error: Array, share: float) -> None:
    """Brings the sum of each row's errors to zero by flipping what lies closest to halfway. Changes `half`.

    `share` says how close, of a step: the sum of n errors grows as the root of n, so that a small share is enough;
    what it is not enough for is tried again with a larger one.
    """
    total = error.sum(axis=1)
    at = np.flatnonzero(_candidates(rows, error, np.sign(total), share))
    row = at // rows.shape[1]
    other, change = _neighbours(half.reshape(-1)[at], error.reshape(-1)[at])
    gain = np.abs(change).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        cost = 1 - 2 * np.abs(error.reshape(-1)[at]) / gain
    order = np.argsort(np.where(gain > 0, row + cost / 4, np.inf))
    order = order[: np.count_nonzero(gain)]
    at, row, other, change, gain = at[order], row[order], other[order], change[order], gain[order]
    reached = np.cumsum(gain)
    start = np.searchsorted(row, row)  # where each row's run begins
    reached -= reached[start] - gain[start]
    chosen = reached - gain / 2 < np.abs(total)[row]
    half.reshape(-1)[at[chosen]] = other[chosen]
    error.reshape(-1)[at[chosen]] += change[chosen]
    _settle_rest(rows, half, error, share)


def _candidates(rows: Array, error: Array, sign: Array, share: float) -> Array:
    """Whose error has the sign of its row's sum and is at least (1 - share) / 2 of a step."""
    if share >= 1:
        return error * sign[:, None] > 0
    bits = rows.astype(np.float32, copy=False).view(np.uint32) & np.uint32(0x7F800000)
    power = bits.view(np.float32)  # the power of two below the weight: 2^10 steps
    return error * (sign * (2**11 / (1 - share)))[:, None].astype(error.dtype) > power


def _settle_rest(rows: Array, half: Array, error: Array, share: float) -> None:
    """Goes on with the rows whose sum is still above a step of their largest weight."""
    largest = (half.view(np.uint16) & MAGNITUDE).max(axis=1)
    largest = np.minimum(largest, INFINITY - np.uint16(2)).view(np.float16)  # the step of the very last is infinite
    left = np.flatnonzero(np.abs(error.sum(axis=1)) > np.spacing(largest).astype(error.dtype))
    if left.size and share < 2:
        some_half, some_error = half[left], error[left]
        _settle_sums(rows[left], some_half, some_error, 4 * share if share < 1 else 2.0)
        half[left] = some_half
