"""Planes dealt out to phases: what the windows of strided convolutions and pools see at one place, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit

from .vectors import HALF, SHORT, element, load, load_second, splat, store, store_some, zeros

Array = np.ndarray[Any, np.dtype[Any]]
Ints = Sequence[int]


@lru_cache(256)
def phases_of(out: Ints, kernel: Ints, steps: Ints) -> tuple[tuple[int, ...], Array]:
    """The size of a phase, as `split` takes it, where windows with those strides and dilations have results `out`.

    And how far from its first element in the first phase a window sees each tap of the filter.
    """
    down, right, dilate_y, dilate_x = steps
    tall, wide = kernel
    lines = out[0] + (tall - 1) * dilate_y // down
    pitch = out[1] + (wide - 1) * dilate_x // right
    taps = np.empty(tall * wide, np.int64)
    for tap, (tap_y, tap_x) in enumerate(np.ndindex(tall, wide)):
        y, phase_y = divmod(tap_y * dilate_y, down)
        x, phase_x = divmod(tap_x * dilate_x, right)
        taps[tap] = (phase_y * right + phase_x) * (lines * pitch + wide) + y * pitch + x
    return (lines, pitch, tall, wide), taps


@njit(error_model="numpy")
def split(planes, at, shape, phases, place, size, window, pad):
    """A plane with its pads, as phases: (a, b) has the lines a, a + down, ... and of those elements b, b + right, ...

    The plane of that shape lies in `planes` from `at` on, the phases come one behind the other from `place` on.
    """
    lines, pitch, tall, wide = size
    down, right, dilate_y, dilate_x, top, left = window
    area = lines * pitch + wide
    for a in range(down):
        for b in range(right):
            if is_seen(a, tall, dilate_y, down) and is_seen(b, wide, dilate_x, right):
                target = place + (a * right + b) * area
                fill(phases, target, area, pad)
                start = b - left
                first = min(max(-(start // right), 0), pitch)
                count = min((shape[1] - 1 - start) // right + 1, pitch) - first
                for y in range(lines):
                    line = y * down + a - top
                    if 0 <= line < shape[0]:
                        source = at + line * shape[1] + start + first * right
                        copy_line(planes, source, right, phases, target + y * pitch + first, count)


@njit(error_model="numpy")
def fill(array, at, count, number):
    """`count` times that number; by vectors, which numba's own assignment is not."""
    vector = splat(number, zeros(SHORT))
    for i in range(at, at + count - SHORT + 1, SHORT):
        store(array, i, vector)
    store_some(array, at + count // SHORT * SHORT, vector, count % SHORT)


@njit(error_model="numpy")
def is_seen(phase, taps, dilation, stride):
    """True where a tap of the filter falls on this phase."""
    for tap in range(taps):  # noqa: SIM110  # numba has no generators in `any`
        if tap * dilation % stride == phase:
            return True
    return False


@njit(error_model="numpy")
def copy_line(source, at, step, target, to, count):
    """`count` elements, of the source those `step` apart."""
    if step < 3 and count >= SHORT:
        copy_vectors(source, at, step, target, to, count, SHORT, zeros(SHORT))
    elif step < 3 and count >= HALF:
        copy_vectors(source, at, step, target, to, count, HALF, zeros(HALF))
    else:
        for i in range(count):
            target[to + i] = element(source, at + i * step)


@njit(error_model="numpy", forceinline=True)
def copy_vectors(source, at, step, target, to, count, width, like):
    """A vector at a time; the last elements once more, where there are too few left."""
    for i in range(0, count, width):
        x = min(i, count - width)
        store(target, to + x, load(source, at + x, like) if step == 1 else load_second(source, at + 2 * x, like))
