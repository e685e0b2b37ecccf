"""Room for results: memory that is new costs the system more time than many an operation."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .settings import compiled

Array = np.ndarray[Any, np.dtype[Any]]

# Numbers, fewer than which are simply allocated.
FEW = 1 << 13


class Kept(threading.local):
    """For each thread, by size: the memory that its results had, and where in it they begin."""

    def __init__(self) -> None:
        self.spaces: dict[int, list[tuple[Array, int]]] = {}


kept = Kept()


def room(shape: Sequence[int]) -> Array:
    """An f32 array of that shape that holds anything: the memory of an earlier result which nobody refers to any more.

    Sizes are rounded up by less than a quarter, so that there are few of them.
    """
    count = prod(shape)
    if count < FEW:
        return np.empty(shape, np.float32)
    step = 1 << (count.bit_length() - 3)
    size = -(-count // step) * step
    spaces = kept.spaces.setdefault(size, [])
    for whole, first in spaces:
        if sys.getrefcount(whole) == 3:  # in the list, as the loop's variable, as an argument
            return whole[first : first + count].reshape(shape)
    whole = np.empty(size + 16, np.float32)
    first = -whole.ctypes.data % 64 // 4  # a vector that lies across two cache lines takes twice as long
    spaces.append((whole, first))
    return whole[first : first + count].reshape(shape)


@compiled
def aligned(size):
    """An array that begins where a cache line does: vectors that lie across two lines take twice as long."""
    space = np.empty(size + 16, np.float32)
    first = (64 - space.ctypes.data % 64) // 4
    return space[first : first + size]
