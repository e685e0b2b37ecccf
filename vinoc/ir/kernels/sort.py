"""Sorting and selecting."""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import Array


def nonzero(data: Array, dtype: np.dtype[Any]) -> Array:
    """The coordinates of all elements that are not zero, [rank, n], in row-major order; of a scalar [1, n]."""
    return np.stack(np.nonzero(np.atleast_1d(data != 0 if data.dtype.kind != "b" else data))).astype(dtype)


def top_k(data: Array, k: Array, axis: int, mode: str, sort: str, index_dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """The k largest or smallest elements along an axis, and their positions; of equal ones the first count.

    sort "value" (and "none", which leaves the order open): the best first; "index": in their order in `data`.
    """
    count = int(k.item())
    n = data.shape[axis]
    if not 0 <= count <= n:
        raise ValueError(f"the top {count} of {n} elements are asked for")
    if mode == "min":
        order = np.argsort(data, axis, kind="stable")
    else:  # descending and stable: backwards twice
        order = n - 1 - np.flip(np.argsort(np.flip(data, axis), axis, kind="stable"), axis)
    order = np.take(order, np.arange(count), axis)
    if sort == "index":
        order = np.sort(order, axis)
    return np.take_along_axis(data, order, axis), order.astype(index_dtype)


def unique(
    data: Array, axis: Array | None, in_order: bool, index_dtype: np.dtype[Any], count_dtype: np.dtype[Any]
) -> tuple[Array, Array, Array, Array]:
    """The distinct elements, or slices along an axis; where each occurs first; which each element is; how often.

    Sorted, or with `in_order` in the order of first occurrence. Without an axis `data` is flattened.
    """
    along = None if axis is None else int(axis.item())
    rows = data.reshape(-1) if along is None else data
    _, first, inverse, counts = np.unique(rows, return_index=True, return_inverse=True, return_counts=True, axis=along)
    inverse = inverse.reshape(-1)
    if in_order:
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        first, inverse, counts = first[order], rank[inverse], counts[order]
    values = np.take(rows, first, along or 0)
    return values, first.astype(index_dtype), inverse.astype(index_dtype), counts.astype(count_dtype)
