"""Reductions over some axes. No axes: nothing is reduced."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import is_integer, like, limits
from .array import Array


def axes_of(axes: Array) -> tuple[int, ...]:
    """The axes as Python ints."""
    return tuple(np.asarray(axes).reshape(-1).tolist())


def total(x: Array, axes: Array, keep_dims: bool) -> Array:
    """The sum; of floats it is accumulated in f64."""
    return like(np.sum(_accumulator(x), axis=axes_of(axes), keepdims=keep_dims, dtype=_wide(x)), x)


def product(x: Array, axes: Array, keep_dims: bool) -> Array:
    """The product; of floats it is accumulated in f64."""
    return like(np.prod(_accumulator(x), axis=axes_of(axes), keepdims=keep_dims, dtype=_wide(x)), x)


def mean(x: Array, axes: Array, keep_dims: bool) -> Array:
    """The mean; of integers without its fraction. NaN (0 for integers) where there is nothing to average."""
    picked = axes_of(axes)
    count = int(np.prod([x.shape[a] for a in picked]))
    if is_integer(x):
        summed = np.sum(x.astype(np.int64), axis=picked, keepdims=keep_dims)
        return like(np.sign(summed) * (np.abs(summed) // max(count, 1)), x)
    summed = np.sum(x.astype(np.float64), axis=picked, keepdims=keep_dims)
    return like(summed / count if count else np.full_like(summed, np.nan), x)


def largest(x: Array, axes: Array, keep_dims: bool) -> Array:
    """The maximum; of nothing, the lowest value of the type."""
    lowest: Any = np.array(limits(x.dtype)[0] if is_integer(x) else -np.inf).astype(x.dtype)
    return np.asarray(np.max(x, axis=axes_of(axes), keepdims=keep_dims, initial=lowest))


def smallest(x: Array, axes: Array, keep_dims: bool) -> Array:
    """The minimum; of nothing, the highest value of the type."""
    highest: Any = np.array(limits(x.dtype)[1] if is_integer(x) else np.inf).astype(x.dtype)
    return np.asarray(np.min(x, axis=axes_of(axes), keepdims=keep_dims, initial=highest))


def l1(x: Array, axes: Array, keep_dims: bool) -> Array:
    """The sum of the magnitudes."""
    return total(np.absolute(x), axes, keep_dims)


def l2(x: Array, axes: Array, keep_dims: bool) -> Array:
    """The root of the sum of squares; of integers without its fraction."""
    squares = np.square(x.astype(np.float64))
    return like(np.sqrt(np.sum(squares, axis=axes_of(axes), keepdims=keep_dims)), x)


def cumulative_sum(x: Array, axis: Array | None, exclusive: bool, reverse: bool) -> Array:
    """Running sums along an axis (default 0), from its end if `reverse`; `exclusive` leaves the element itself out."""
    along = 0 if axis is None else int(np.asarray(axis).reshape(()))
    forward = np.flip(x, along) if reverse else x
    sums = np.cumsum(_accumulator(forward), axis=along, dtype=_wide(x))
    if exclusive:
        sums = np.roll(sums, 1, along)
        sums[(slice(None),) * (along % x.ndim) + (slice(0, 1),)] = 0
    return like(np.flip(sums, along) if reverse else sums, x)


def cumulative_product(x: Array, axis: Array, exclusive: bool, reverse: bool) -> Array:
    """Running products along an axis, from its end if `reverse`; `exclusive` leaves the element itself out."""
    along = int(np.asarray(axis).reshape(()))
    forward = np.flip(x, along) if reverse else x
    products = np.cumprod(_accumulator(forward), axis=along, dtype=_wide(x))
    if exclusive:
        products = np.roll(products, 1, along)
        products[(slice(None),) * (along % x.ndim) + (slice(0, 1),)] = 1
    return like(np.flip(products, along) if reverse else products, x)


def _accumulator(x: Array) -> Array:
    """`x`, or its floats as f64 where NumPy cannot accumulate them in f64 by itself."""
    return x.astype(np.float64) if x.dtype.kind not in "fiuO" else x


def _wide(x: Array) -> np.dtype[Any]:
    """The type to accumulate in."""
    return x.dtype if x.dtype.kind in "iuO" else np.dtype(np.float64)
