"""Images resized to the nearest elements, as loops."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numba import prange

from ....ir.kernels.resize import coordinates, nearest_index, pad_zeros, targets
from .memory import room
from .settings import loop, threads_for

Array = np.ndarray[Any, np.dtype[Any]]


def nearest(
    image: Array, target: Array, axes: Array | None, shape_mode: str, transform: str, rounding: str,
    pads_begin: Sequence[int], pads_end: Sequence[int],
) -> Array:  # fmt: skip
    """The image resized along the axes, which are some of its last two, to `target` sizes or by `target` scales."""
    over = [int(a) % image.ndim for a in axes.reshape(-1)] if axes is not None else list(range(image.ndim))
    image = np.ascontiguousarray(pad_zeros(image, pads_begin, pads_end))
    sizes, scales = targets([image.shape[a] for a in over], target, shape_mode)
    shape, places = list(image.shape), [whole(n) for n in image.shape[-2:]]
    for axis, size, scale in zip(over, sizes, scales):
        shape[axis] = size
        places[axis - image.ndim] = nearest_places(image.shape[axis], size, scale, transform, rounding)
    out = room(shape)
    take_nearest(
        threads_for(out.size), image.reshape(-1, *image.shape[-2:]), out.reshape(-1, *shape[-2:]), places[0], places[1]
    )
    return out


@lru_cache(64)
def whole(size: int) -> Array:
    """Every element of an axis that keeps its size."""
    return np.arange(size)


@lru_cache(64)
def nearest_places(n: int, size: int, scale: float, transform: str, rounding: str) -> Array:
    """The element that is nearest to each of the result, kept from call to call."""
    return nearest_index(coordinates(n, size, scale, transform), n, scale, rounding)


@loop
def take_nearest(planes, out, lines, columns):
    """out[c, y, x] = planes[c, lines[y], columns[x]]; a line that is that of before is copied."""
    for c in prange(len(out)):
        for y in range(len(lines)):
            if y and lines[y] == lines[y - 1]:
                out[c, y] = out[c, y - 1]
            else:
                for x in range(len(columns)):
                    out[c, y, x] = planes[c, lines[y], columns[x]]
