"""Planes dealt out to phases: what the windows of strided convolutions and pools see at one place, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .memory import aligned
from .settings import compiled, inlined
from .vectors import HALF, SHORT, WIDE, element, load, load_second, splat, store, zeros

Array = np.ndarray[Any, np.dtype[Any]]
Ints = Sequence[int]

# Numbers that the phases of some lines of a plane have at most: half of what a cache of the first level holds.
STRIP = 1 << 12


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


@lru_cache(256)
def strips(out: Ints, kernel: Ints, steps: Ints) -> tuple[tuple[int, ...], Array]:
    """The size of the phases that some lines of the result are computed from, with how many lines that is, and taps."""
    down, right = steps[:2]
    most = max(STRIP // (down * right * (out[1] + kernel[1])), 4)
    count = max(-(-out[0] // most), 1)
    lines = -(-out[0] // count)
    size, taps = phases_of((lines, out[1]), kernel, steps)
    return (*size, lines), taps


@compiled
def split(planes, at, shape, phases, place, size, window, top, pad):
    """A plane with its pads, as phases: (a, b) has the lines a, a + down, ... and of those elements b, b + right, ...

    The plane of that shape lies in `planes` from `at` on, the phases come one behind the other from `place` on, of each
    the lines from `top` on. Pads to the left and to the right are there already.
    """
    lines, pitch, tall, wide = size
    down, right, dilate_y, dilate_x, above, left = window
    area = lines * pitch + wide
    for a in range(down):
        for b in range(right):
            if is_seen(a, tall, dilate_y, down) and is_seen(b, wide, dilate_x, right):
                target = place + (a * right + b) * area
                start = b - left
                first = min(max(-(start // right), 0), pitch)
                count = max(min((shape[1] - 1 - start) // right + 1, pitch) - first, 0)
                for y in range(top, top + lines):
                    line = y * down + a - above
                    if 0 <= line < shape[0]:
                        source = at + line * shape[1] + start + first * right
                        copy_line(planes, source, right, phases, target + first, count)
                    else:
                        fill(phases, target, pitch, pad)
                    target += pitch


@compiled
def room_for(size, window, pad):
    """Room for the phases of some lines, with the pads in it."""
    phases = aligned(window[0] * window[1] * (size[0] * size[1] + size[3]) + WIDE)
    fill(phases, 0, len(phases), pad)
    return phases


@compiled
def split_lines(planes, c, phases, size, window, top, pad):
    """The lines of plane c of planes [C,H,W] that the strip of the result from line `top` on sees."""
    shape = planes.shape[1:]
    split(planes, c * shape[0] * shape[1], shape, phases, 0, size[:4], window, top, pad)


@compiled
def fill(array, at, count, number):
    """`count` times that number; by vectors, which numba's own assignment is not."""
    vector = splat(number, zeros(SHORT))
    whole = count // SHORT * SHORT
    for i in range(at, at + whole, SHORT):
        store(array, i, vector)
    for i in range(at + whole, at + count):
        array[i] = number


@compiled
def is_seen(phase, taps, dilation, stride):
    """True where a tap of the filter falls on this phase."""
    for tap in range(taps):  # noqa: SIM110  # numba has no generators in `any`
        if tap * dilation % stride == phase:
            return True
    return False


@inlined
def copy_line(source, at, step, target, to, count):
    """`count` elements, of the source those `step` apart."""
    if step < 3 and count >= SHORT:
        copy_vectors(source, at, step, target, to, count, SHORT, zeros(SHORT))
    elif step < 3 and count >= HALF:
        copy_vectors(source, at, step, target, to, count, HALF, zeros(HALF))
    else:
        for i in range(count):
            target[to + i] = element(source, at + i * step)


@inlined
def copy_vectors(source, at, step, target, to, count, width, like):
    """A vector at a time; the last elements once more, where there are too few left."""
    for i in range(0, count, width):
        x = min(i, count - width)
        store(target, to + x, load(source, at + x, like) if step == 1 else load_second(source, at + 2 * x, like))
