"""Sequences: Python lists of arrays, never changed in place."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Items = list[Any]


def at(items: Items, position: Array) -> Any:
    """The element at a position; negative ones count from the end."""
    return items[place(items, position, 0)]


def insert(items: Items, item: Any, position: Array | None) -> Items:
    """With an element put in before a position, by default at the end."""
    i = len(items) if position is None else place(items, position, 1)
    return [*items[:i], item, *items[i:]]


def erase(items: Items, position: Array | None) -> Items:
    """Without the element at a position, by default the last."""
    i = place(items, np.array(-1) if position is None else position, 0)
    return [*items[:i], *items[i + 1 :]]


def place(items: Items, position: Array, extra: int) -> int:
    """A position counted from the front. Raises IndexError where it is none."""
    i, n = int(position.item()), len(items)
    if not -n <= i < n + extra:
        raise IndexError(f"position {i} is out of range for a sequence of {n}")
    return i + n if i < 0 else i


def concatenate(items: Items, axis: int, new_axis: bool) -> Array:
    """One tensor of all elements: joined along an axis, or stacked along a new one."""
    if not items:
        raise ValueError("an empty sequence cannot be joined")
    return np.stack(items, axis) if new_axis else np.concatenate(items, axis)


def split(data: Array, lengths: Array | None, axis: int, keepdims: bool) -> Items:
    """The parts of a tensor along an axis: of the given lengths, of one length, or single slices."""
    n = data.shape[axis]
    if lengths is None:
        parts = np.split(data, n, axis) if n else []
        return list(parts) if keepdims else [np.squeeze(p, axis) for p in parts]
    if lengths.ndim == 0:
        cuts = np.arange(int(lengths), n, int(lengths))
    else:
        if int(lengths.sum()) != n:
            raise ValueError(f"a dimension of {n} cannot be split into {lengths.tolist()}")
        cuts = np.cumsum(lengths[:-1], dtype=np.int64)
    return list(np.split(data, cuts, axis))
