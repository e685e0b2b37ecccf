"""Where a value lies in memory: a buffer, an offset, and a stride for each dimension.

Strides say all about the layout. Row-major is one set of strides, channels-last another; a slice, a part of a
concatenation, a transposed or reshaped tensor are views with strides of their own, which cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from ....ir.record import record

ALIGN = 64


class Form(Enum):
    """What a kernel asks of a place."""

    ANY = auto()
    ROWS = auto()
    """Row-major, without gaps."""
    LAST = auto()
    """Channels-last: the channels of a pixel are adjacent, pixels are equally spaced, images too."""


class Kind(Enum):
    """Who owns a buffer's memory."""

    ARENA = auto()
    CONSTANT = auto()
    INPUT = auto()
    OUTPUT = auto()


@record(eq=False)
class Buffer:
    """A stretch of memory.

    first, last   the positions of the calls between which a buffer of the arena lives
    start         where it begins in the arena, in bytes
    """

    size: int
    kind: Kind = Kind.ARENA
    array: np.ndarray[Any, Any] | None = None
    index: int = -1
    first: int = -1
    last: int = -1
    start: int = 0
    pinned: bool = False

    def touch(self, position: int) -> None:
        if self.first < 0 or position < self.first:
            self.first = position
        if position > self.last:
            self.last = position


@record(frozen=True)
class Place:
    """A tensor in memory. Strides and offset are bytes."""

    buffer: Buffer
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int = 0

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def pixel(self) -> int:
        """Bytes from one pixel to the next, of a channels-last place."""
        return self.strides[-1] if len(self.shape) > 2 else self.strides[0]

    def fits(self, form: Form) -> bool:
        """Whether it has a form. Dimensions of one element may have any stride."""
        if form is Form.ANY:
            return True
        shape, strides, item = self.shape, self.strides, self.itemsize
        if form is Form.ROWS:
            return _are_nested(shape, strides, item)
        pixel, channels = self.pixel, shape[1]
        if pixel < channels * item or (channels > 1 and strides[1] != item):
            return False
        return _are_nested(shape[2:], strides[2:], pixel)

    def viewed(self, shape: tuple[int, ...], strides: tuple[int, ...], moved: int = 0) -> Place:
        """Other elements of the same memory, some bytes on."""
        return Place(self.buffer, shape, strides, self.dtype, self.offset + moved)

    def sliced(self, axis: int, start: int, size: int, step: int = 1) -> Place:
        """The part [start : start + size*step : step] of an axis."""
        shape = (*self.shape[:axis], size, *self.shape[axis + 1 :])
        strides = (*self.strides[:axis], self.strides[axis] * step, *self.strides[axis + 1 :])
        return self.viewed(shape, strides, start * self.strides[axis])

    def cut(self, axis: int, parts: int) -> Place:
        """An axis as two: equal parts, and what is in each."""
        size, stride = self.shape[axis] // parts, self.strides[axis]
        shape = (*self.shape[:axis], parts, size, *self.shape[axis + 1 :])
        return self.viewed(shape, (*self.strides[:axis], size * stride, stride, *self.strides[axis + 1 :]))

    def transposed(self, order: Sequence[int]) -> Place:
        return self.viewed(tuple([self.shape[k] for k in order]), tuple([self.strides[k] for k in order]))

    def reshaped(self, shape: tuple[int, ...]) -> Place | None:
        """The same elements under another shape; None where strides cannot say so."""
        if self.size == 0:
            return self.viewed(shape, row_major(shape, self.itemsize))
        strides = regrouped(self.shape, self.strides, shape, self.itemsize)
        return None if strides is None else self.viewed(shape, strides)

    def view(self) -> np.ndarray[Any, Any]:
        """The memory as an array, once its address is known."""
        buffer = self.buffer
        if buffer.array is None:
            raise ValueError("the buffer has no memory yet")
        raw = buffer.array.reshape(-1).view(np.uint8)
        return np.ndarray(self.shape, self.dtype, raw, self.offset, self.strides)


def regrouped(
    shape: Sequence[int], strides: Sequence[int], wanted: Sequence[int], itemsize: int
) -> tuple[int, ...] | None:
    """Strides under which the same elements, none of them missing, have another shape; None where there are none.

    Both shapes fall into runs of dimensions with equal products. Within a run the old dimensions must lie as one: the
    stride of each is the size times the stride of the next. (NumPy knows the rule as well, but copies where it fails,
    and here there may be no memory to read.)
    """
    old = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    out = [itemsize] * len(wanted)
    first = 0
    while old:
        while wanted[first] == 1:
            first += 1
        last, count, size = first, wanted[first], old[0][0]
        length = 1
        while count != size:
            if count < size:
                last += 1
                count *= wanted[last]
            else:
                size *= old[length][0]
                length += 1
        run, old = old[:length], old[length:]
        if any(s != n * t for (_, s), (n, t) in pairwise(run)):
            return None
        stride = run[-1][1]
        for k in range(last, first - 1, -1):
            out[k] = stride
            stride *= wanted[k]
        first = last + 1
    return tuple(out)


def row_major(shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    strides = [itemsize] * len(shape)
    for k in range(len(shape) - 2, -1, -1):
        strides[k] = strides[k + 1] * max(shape[k + 1], 1)
    return tuple(strides)


def channels_last(shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Strides of [N, C, *spatial] with the channels innermost."""
    strides = [itemsize] * len(shape)
    step = max(shape[1], 1) * itemsize
    for k in range(len(shape) - 1, 1, -1):
        strides[k] = step
        step *= max(shape[k], 1)
    strides[0] = step
    return tuple(strides)


def _are_nested(shape: Sequence[int], strides: Sequence[int], step: int) -> bool:
    """Whether dimensions lie within each other without gaps, the innermost with a step; one element may have any."""
    if 0 in shape:
        return True
    for n, stride in zip(reversed(shape), reversed(strides), strict=True):
        if n > 1:
            if stride != step:
                return False
            step *= n
    return True


def dense(shape: Sequence[int], dtype: np.dtype[Any], form: Form) -> tuple[int, ...]:
    """The strides of a new place of a form."""
    if form is Form.LAST and len(shape) >= 3:
        return channels_last(shape, dtype.itemsize)
    return row_major(shape, dtype.itemsize)


def arrange(buffers: Sequence[Buffer]) -> int:
    """Gives each buffer its start in one arena; returns the bytes that it takes.

    Largest first, each at the lowest offset that is free while it lives. (Greedy by size: Pisarchyk and Lee 2020,
    "Efficient Memory Management for Deep Neural Net Inference", arXiv:2001.03288.)
    """
    total = 0
    taken: list[list[tuple[int, int]]] = [[] for _ in range(max([b.last for b in buffers], default=0) + 1)]
    for buffer in sorted(buffers, key=lambda b: -b.size):
        size = -(-buffer.size // ALIGN) * ALIGN
        offset = 0
        lives = taken if buffer.pinned else taken[buffer.first : buffer.last + 1]
        for start, end in sorted({stretch for at in lives for stretch in at}):
            if start >= offset + size:
                break
            offset = max(offset, end)
        buffer.start = offset
        for at in lives:
            at.append((offset, offset + size))
        total = max(total, offset + size)
    return total
