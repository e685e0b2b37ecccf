"""Sequences: tuples of arrays. One is wrapped in a tuple of its own, since a bare tuple means several outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import Array


def construct(values: Any) -> Any:
    return (tuple(values),)


def at(data: Any, position: Array) -> Array:
    """Raises IndexError when there is no such element."""
    element: Array = data[int(position.reshape(()))]
    return element


def insert(data: Any, value: Array, position: Array | None) -> Any:
    where = len(data) if position is None else int(position.reshape(()))
    if not -len(data) <= where <= len(data):
        raise IndexError(f"position {where} is outside a sequence of {len(data)}")
    where = where + len(data) if where < 0 else where
    return ((*data[:where], value, *data[where:]),)


def erase(data: Any, position: Array | None) -> Any:
    where = -1 if position is None else int(position.reshape(()))
    if not -len(data) <= where < len(data):
        raise IndexError(f"position {where} is outside a sequence of {len(data)}")
    where %= len(data)
    return ((*data[:where], *data[where + 1 :]),)


def split(data: Array, lengths: Array, axis: int, squeeze: bool) -> Any:
    """Parts of those lengths; a scalar is the length of all, except that the last may be shorter."""
    size = data.shape[axis]
    if lengths.ndim == 0:
        starts = range(int(lengths), size, int(lengths))
    else:
        if int(lengths.sum()) != size:
            raise ValueError(f"the lengths {lengths.tolist()} do not add up to {size}")
        starts = np.cumsum(lengths)[:-1].tolist()
    parts = np.split(data, list(starts), axis)
    return (tuple([p.squeeze(axis) for p in parts] if squeeze else parts),)


def concat(data: Any, axis: int, new_axis: bool) -> Array:
    return np.stack(data, axis) if new_axis else np.concatenate(data, axis)


def present(value: Any) -> Any:
    if value is None:
        raise ValueError("the optional is empty")
    return whole(value)


def whole(value: Any) -> Any:
    """A value as one output."""
    return (value,) if isinstance(value, tuple) else value
