"""Taking regular parts of an array, and writing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .array import Array


def slice_roles(count: int, new_axis: Sequence[int], shrink: Sequence[int], ellipsis: Sequence[int]) -> list[str]:
    """What each of `count` positions of a strided slice is: "ellipsis", "new", "shrink" or "slice"."""
    roles = ["slice"] * count
    for role, mask in (("shrink", shrink), ("new", new_axis), ("ellipsis", ellipsis)):
        for i, bit in enumerate(mask[:count]):
            if bit:
                roles[i] = role
    return roles


def strided_slice(
    data: Array,
    begin: Array,
    end: Array,
    strides: Array | None,
    begin_mask: Sequence[int],
    end_mask: Sequence[int],
    new_axis_mask: Sequence[int],
    shrink_axis_mask: Sequence[int],
    ellipsis_mask: Sequence[int],
) -> Array:
    """data[b0:e0:s0, ...]; a 1 in `begin_mask` or `end_mask` leaves that bound out, the other masks put an axis of
    size 1, an index in place of a range, or `...` at their position."""
    roles = slice_roles(begin.size, new_axis_mask, shrink_axis_mask, ellipsis_mask)
    taken = roles.count("slice") + roles.count("shrink")
    index: list[Any] = []
    axis = 0
    for i, role in enumerate(roles):
        start = None if i < len(begin_mask) and begin_mask[i] else int(begin[i])
        stop = None if i < len(end_mask) and end_mask[i] else int(end[i])
        step = 1 if strides is None else int(strides[i])
        if role == "ellipsis":
            index.append(...)
            axis += data.ndim - taken
            continue
        if role == "new":
            index.append(None)
            continue
        if role == "shrink":
            index.append((0 if step > 0 else -1) if start is None else start)
        else:
            index.append(part(start, stop, step, data.shape[axis]))
        axis += 1
    if ... not in index:
        index.append(...)
    out: Array = data[tuple(index)]
    return out


def part(start: int | None, stop: int | None, step: int, size: int) -> slice:
    """The slice of a dimension, None for a border. Python's, but that a backwards slice which starts before the
    first element starts at it."""
    if start is not None and step < 0:
        start = max(start, -size)
    return slice(start, stop, step)


def slice_index(shape: Sequence[int], start: Array, stop: Array, step: Array, axes: Array | None) -> tuple[slice, ...]:
    """The index that cuts `axes` of a shape, by default the first ones."""
    index = [slice(None)] * len(shape)
    for i in range(start.size):
        axis = i if axes is None else int(axes[i])
        index[axis] = part(int(start[i]), int(stop[i]), int(step[i]), shape[axis])
    return tuple(index)


def slice_(data: Array, start: Array, stop: Array, step: Array, axes: Array | None) -> Array:
    """data[start:stop:step] along each of `axes`, as `part` says: negative positions count from the end,
    what is beyond the borders is clipped."""
    return data[slice_index(data.shape, start, stop, step, axes)]


def slice_scatter(data: Array, updates: Array, start: Array, stop: Array, step: Array, axes: Array | None) -> Array:
    """A copy of `data` whose slice is `updates`."""
    out = data.copy()
    out[slice_index(data.shape, start, stop, step, axes)] = updates
    return out
