"""Products of matrices, sums of products by equation, attention."""

from __future__ import annotations

from math import prod

import numpy as np

from .arithmetic import like, widen
from .array import Array
from .conv import accumulator, narrow
from .norm import softmax


def matmul(a: Array, b: Array, transpose_a: bool, transpose_b: bool) -> Array:
    """Products of the last two axes, the others broadcast; a transposition does nothing to a vector."""
    wide = accumulator(a.dtype)
    x, y = a.astype(wide, copy=False), b.astype(wide, copy=False)
    if transpose_a and x.ndim > 1:
        x = np.swapaxes(x, -1, -2)
    if transpose_b and y.ndim > 1:
        y = np.swapaxes(y, -1, -2)
    if y.ndim == 2 and x.ndim > 2:  # one product instead of one for each matrix of the batch
        product = np.matmul(x.reshape(prod(x.shape[:-1]), x.shape[-1]), y).reshape(*x.shape[:-1], y.shape[1])
    else:
        product = np.matmul(x, y)
    return np.asarray(narrow(np.asarray(product), a.dtype))


def einsum(equation: str, *operands: Array) -> Array:
    """The sum of products that the equation says, in Einstein's notation."""
    wide = accumulator(operands[0].dtype)
    wides = [x.astype(wide, copy=False) for x in operands]
    total = np.asarray(np.einsum(equation.replace(" ", ""), *wides, optimize=len(wides) > 1))
    return np.ascontiguousarray(narrow(total, operands[0].dtype)).reshape(total.shape)


def attention(query: Array, key: Array, value: Array, mask: Array | None, scale: Array | None, causal: bool) -> Array:
    """softmax(query key^T * scale + mask) value.

    A boolean mask allows where it is true. A causal one allows what is not behind, and takes the place of `mask`.
    """
    q, k, v = widen(query), widen(key), widen(value)
    factor = widen(scale).reshape(()) if scale is not None else q.dtype.type(1) / np.sqrt(q.dtype.type(q.shape[-1]))
    scores = np.matmul(q * factor, np.swapaxes(k, -1, -2))
    if causal:
        allowed: Array = np.tri(*scores.shape[-2:], dtype=bool)
        scores = np.where(allowed, scores, scores.dtype.type(-np.inf))
    elif mask is not None and mask.dtype == np.bool_:
        scores = np.where(mask, scores, scores.dtype.type(-np.inf))
    elif mask is not None:
        scores = scores + widen(mask)
    return like(np.matmul(softmax(scores, -1), v), query)
