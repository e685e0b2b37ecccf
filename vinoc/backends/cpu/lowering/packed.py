"""What plans share: packed constants and tables, each made once and kept for as long as somebody needs it.

What is made from constants lives as long as they do: weights of the model as long as the model, constants that came out
of folding for one set of input shapes as long as the plan for these. Tables live as long as a plan that holds them. So
the bounded cache of plans bounds all of it, however many shapes come.
"""

from __future__ import annotations

import ctypes
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import field
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ....ir.buffer import forget_pages
from ....ir.constant import Constant
from ....ir.graph import Node, Value
from ....ir.record import record
from ..engine.locks import Lock

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

LARGE = 1 << 14
"""Bytes from which on it pays to let go of a constant."""


SLAB, PART, TOGETHER = 32 << 20, 128 << 10, 8 << 20
"""Arrays of PART bytes and more share memory of SLAB bytes, in models that have TOGETHER bytes of constants. For so
much NumPy asks the system for pages of 2 MiB: weights in pages of 4 KiB take more translations of addresses than a
processor keeps from one inference to the next. It keeps those of fewer weights, and a first touch of a large page may
take long: virtual machines give free ones back to their host, so that small models would load more slowly."""


@record()
class Packed:
    """What is made once and shared by all plans of a model: packed weights, tables. By a key.

    run        calls a kernel at once: run(KERNEL, units, **args), where arrays stand for their addresses
    constants  bytes of the model's constants
    open       whether the model has inputs of open shapes
    """

    run: Callable[..., None]
    constants: int = 0
    open: bool = False
    arrays: dict[Any, Array] = field(default_factory=dict)
    """Made from constants, by the identities of their buffers and a tag."""
    tables: weakref.WeakValueDictionary[Any, Array] = field(default_factory=weakref.WeakValueDictionary)
    lock: Any = field(default_factory=lambda: Lock(again=True))
    _made_of: dict[int, tuple[weakref.ref[Any], set[Any]]] = field(default_factory=dict)
    _gone: deque[int] = field(default_factory=deque)
    _slab: Array = field(default_factory=lambda: np.empty(0, np.uint8))
    """What is left of the last one."""

    def of(self, constant: Value, tag: Any, make: Callable[[Array], Array]) -> Array:
        """What is made from a constant's content, by a tag that says what."""
        return self.of_all([constant], tag, make)

    def of_all(self, constants: Sequence[Value], tag: Any, make: Callable[..., Array]) -> Array:
        """What is made from the contents of several constants."""
        buffers = [c.op.value for c in constants if isinstance(c.op, Constant)]
        assert len(buffers) == len(constants)
        key = (tuple(map(id, buffers)), tag)
        with self.lock:
            self._forget()
            found = self.arrays.get(key)
            if found is None:
                found = self.arrays[key] = aligned(make(*(b.array for b in buffers)))
                for buffer in buffers:
                    self._keys_of(buffer).add(key)
                    forget_pages(buffer.array)
            return found

    def get(self, key: Any, make: Callable[[], Array]) -> Array:
        """A table. It lives as long as the caller, or another one, holds it."""
        found = self.tables.get(key)
        if found is not None:
            return found
        with self.lock:
            found = self.tables.get(key)
            if found is None:
                found = self.tables[key] = aligned(make())
            return found

    def fresh(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """As the function of that name, for what lasts."""
        size = prod(shape) * np.dtype(dtype).itemsize
        if size < PART or self.constants < TOGETHER:
            return fresh(shape, dtype)
        with self.lock:
            rounded = -(-size // 64) * 64
            if rounded > len(self._slab):
                self._slab = fresh((max(SLAB, rounded),), np.uint8)
            out: Array = self._slab[:size].view(dtype).reshape(shape)
            self._slab = self._slab[rounded:]
            return out

    def give_up(self, node: Node) -> None:
        """Lets go of a constant, and of what was made from it but by those who hold that."""
        assert isinstance(node.op, Constant)
        with self.lock:
            self._drop(id(node.op.value))
        node.op = Constant(node.op.value.given_up())

    def _keys_of(self, buffer: Any) -> set[Any]:
        """The keys of what is made from a buffer. Its end is noted, so that its identity is not taken for another's."""
        number = id(buffer)
        if number not in self._made_of:
            # A buffer may end inside any allocation, whatever locks are held: it is only noted there.
            gone = self._gone
            self._made_of[number] = (weakref.ref(buffer, lambda _: gone.append(number)), set())
        return self._made_of[number][1]

    def _forget(self) -> None:
        """Drops what was made from constants that are gone."""
        while self._gone:
            self._drop(self._gone.popleft())

    def _drop(self, number: int) -> None:
        _, keys = self._made_of.pop(number, (None, ()))
        for key in keys:
            self.arrays.pop(key, None)


def address_of(array: Array) -> int:
    """Where an array begins: `array.ctypes.data`, found in a quarter of the time for arrays that can be written."""
    if not array.flags.writeable:
        return array.ctypes.data
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))  # type: ignore[arg-type]  # it has a buffer
    except (TypeError, ValueError, BufferError):  # empty, or of a type that buffers do not know
        return array.ctypes.data


def addresses_of(arrays: Sequence[Array]) -> list[int]:
    """Those of several arrays, found in half of the time where all can be written."""
    try:
        return [_address(_buffer(a)) for a in arrays]  # type: ignore[arg-type]
    except (TypeError, ValueError, BufferError):
        return [address_of(a) for a in arrays]


_address, _buffer = ctypes.addressof, ctypes.c_char.from_buffer


def aligned(array: Array) -> Array:
    """A C-contiguous copy that begins at a multiple of 64 bytes; itself, where it is one."""
    if array.flags.c_contiguous and address_of(array) % 64 == 0:
        return array
    out = fresh(array.shape, array.dtype)
    out[...] = array
    return out


def fresh(shape: tuple[int, ...], dtype: Any = np.float32, make: Callable[..., Array] = np.empty) -> Array:
    """An array that begins at a multiple of 64 bytes; its contents are anything, or what `make` fills memory with."""
    raw = make(prod(shape) * np.dtype(dtype).itemsize + 64, np.uint8)
    return np.ndarray(shape, dtype, raw, -address_of(raw) % 64)
