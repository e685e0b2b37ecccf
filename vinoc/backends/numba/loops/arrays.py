"""What NumPy does as fast as loops would, in f32 and into memory that is not new."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .memory import room

Array = np.ndarray[Any, np.dtype[Any]]


def joined(inputs: Sequence[Array], axis: int) -> Array:
    """Arrays one behind the other along an axis."""
    shape = list(inputs[0].shape)
    shape[axis] = sum(array.shape[axis] for array in inputs)
    return np.concatenate(inputs, axis, out=room(shape))


def padded(data: Array, begin: Array, end: Array, value: Array | None) -> Array:
    """So many elements of that value, 0 by default, in front of and behind the data, for each axis."""
    first = begin.tolist()
    out = room([b + n + e for b, n, e in zip(first, data.shape, end.tolist())])
    out[...] = 0 if value is None else value
    out[tuple(slice(b, b + n) for b, n in zip(first, data.shape))] = data
    return out


def product(a: Array, b: Array, transpose_a: bool, transpose_b: bool) -> Array:
    """Products of the last two axes, the others broadcast; a transposition does nothing to a vector."""
    x = np.swapaxes(a, -1, -2) if transpose_a and a.ndim > 1 else a
    y = np.swapaxes(b, -1, -2) if transpose_b and b.ndim > 1 else b
    if y.ndim == 2 and x.ndim > 2:  # one product instead of one for each matrix of the batch
        flat: Array = np.matmul(x.reshape(prod(x.shape[:-1]), x.shape[-1]), y)
        return flat.reshape(*x.shape[:-1], y.shape[1])
    return np.asarray(np.matmul(x, y))


def averaged(data: Array, axes: Array, keep_dims: bool) -> Array:
    """The mean, of sums that are formed pair by pair; NaN of nothing."""
    picked = tuple(axes.reshape(-1).tolist())
    count = np.float32(prod(data.shape[a] for a in picked))
    return np.asarray(np.sum(data, picked, keepdims=keep_dims) / count)


def soft_maximum(data: Array, axis: int) -> Array:
    """exp(x) / sum of exp(x), computed on x minus its maximum."""
    if not data.size:
        return data
    out = room(data.shape)
    np.subtract(data, over_few(np.maximum, data, axis), out=out)
    np.exp(out, out=out)
    out /= over_few(np.add, out, axis)
    return out


def over_few(function: np.ufunc, data: Array, axis: int) -> Array:
    """The elements along an axis combined into one. NumPy is slow where it is short and the last one."""
    if data.shape[axis] > 8 or axis not in (-1, data.ndim - 1):
        return np.asarray(function.reduce(data, axis, keepdims=True))
    out = data[..., :1]
    for i in range(1, data.shape[axis]):
        out = function(out, data[..., i : i + 1])
    return out
