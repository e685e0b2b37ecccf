"""Images resized, as loops: to the nearest elements, or to weighted sums of a few in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numba import prange

from ....ir.kernels.resize import coordinates, cubic_taps, linear_taps, nearest_index, pad_zeros, targets, triangle_taps
from .memory import room
from .settings import compiled, loop, share, tasks_of, threads_for

Array = np.ndarray[Any, np.dtype[Any]]


def nearest(
    image: Array, target: Array, axes: Array | None, shape_mode: str, transform: str, rounding: str,
    pads_begin: Sequence[int], pads_end: Sequence[int],
) -> Array:  # fmt: skip
    """The image resized along the axes, which are some of its last two, to `target` sizes or by `target` scales."""
    image, lines, columns = framed(image, target, axes, shape_mode, pads_begin, pads_end)
    places = [nearest_places(n, size, scale, transform, rounding) for n, size, scale in (lines, columns)]
    out = room((*image.shape[:-2], lines[1], columns[1]))
    take_nearest(threads_for(out.size), planes_of(image), planes_of(out), places[0], places[1])
    return out


def smooth(
    image: Array, target: Array, axes: Array | None, mode: str, shape_mode: str, transform: str, antialias: bool,
    pads_begin: Sequence[int], pads_end: Sequence[int], cube_coeff: float,
) -> Array:  # fmt: skip
    """The same, where each element of the result is a weighted sum of a few along both axes."""
    image, lines, columns = framed(image, target, axes, shape_mode, pads_begin, pads_end)
    shrinks = antialias and min(lines[2], columns[2]) < 1
    down, right = (
        taps_of(n, size, scale, mode, transform, scale if shrinks else 1.0, cube_coeff)
        for n, size, scale in (lines, columns)
    )
    out = room((*image.shape[:-2], lines[1], columns[1]))
    planes = planes_of(image)
    threads = threads_for(out.size * len(right[1]))
    add_weighted(threads, planes, planes_of(out), *down, *right, tasks_of(threads, len(planes)))
    return out


Axis = tuple[int, int, float]


def framed(
    image: Array, target: Array, axes: Array | None, shape_mode: str,
    pads_begin: Sequence[int], pads_end: Sequence[int],
) -> tuple[Array, Axis, Axis]:  # fmt: skip
    """The image with its pads; of its lines and columns, how many there are, how many there will be, and the scale."""
    over = [int(a) % image.ndim for a in axes.reshape(-1)] if axes is not None else list(range(image.ndim))
    image = np.ascontiguousarray(pad_zeros(image, pads_begin, pads_end))
    sizes, scales = targets([image.shape[a] for a in over], target, shape_mode)
    found = [(n, n, 1.0) for n in image.shape[-2:]]
    for axis, size, scale in zip(over, sizes, scales):
        found[axis - image.ndim] = image.shape[axis], size, scale
    return image, found[0], found[1]


def planes_of(image: Array) -> Array:
    """[...,H,W] as [C,H,W]."""
    return image.reshape(prod(image.shape[:-2]), *image.shape[-2:])


@lru_cache(64)
def nearest_places(n: int, size: int, scale: float, transform: str, rounding: str) -> Array:
    """The element that is nearest to each of the result, kept from call to call."""
    return nearest_index(coordinates(n, size, scale, transform), n, scale, rounding)


@lru_cache(64)
def taps_of(
    n: int, size: int, scale: float, mode: str, transform: str, narrow: float, cube_coeff: float
) -> tuple[Array, Array]:
    """The elements [taps,size] that each of the result is a sum of and their weights, kept from call to call."""
    at = coordinates(n, size, scale, transform)
    if mode == "linear_onnx":
        index, weights = linear_taps(at, n)
    else:
        index, weights = cubic_taps(at, n, cube_coeff) if mode == "cubic" else triangle_taps(at, n, scale, narrow)
    used = weights.any(0)
    return np.ascontiguousarray(index.T[used]), np.ascontiguousarray(weights.T[used], np.float32)


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


@loop
def add_weighted(planes, out, lines, down, columns, right, tasks):
    """out[c, y, x] = sum over i and j of down[i, y] * right[j, x] * planes[c, lines[i, y], columns[j, x]]."""
    for task in prange(tasks):
        first, last = share(task, tasks, len(planes))
        line = np.empty(planes.shape[2], np.float32)
        for c in range(first, last):
            for y in range(out.shape[1]):
                add_lines(planes[c], line, lines[:, y], down[:, y])
                add_columns(line, out[c, y], columns, right)


@compiled
def add_lines(plane, line, lines, weights):
    """The weighted sum of some lines."""
    source, weight = plane[lines[0]], weights[0]
    for x in range(len(line)):
        line[x] = weight * source[x]
    for i in range(1, len(lines)):
        source, weight = plane[lines[i]], weights[i]
        for x in range(len(line)):
            line[x] += weight * source[x]


@compiled
def add_columns(line, out, columns, weights):
    """The weighted sums of some elements of a line."""
    for x in range(len(out)):
        out[x] = weights[0, x] * line[columns[0, x]]
    for j in range(1, len(columns)):
        for x in range(len(out)):
            out[x] += weights[j, x] * line[columns[j, x]]
