"""The weights file: equal byte strings are stored once, whatever their types."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ...ir.buffer import Buffer, pack
from ...ir.dtype import Array

_CHUNK = 1 << 20
"""Elements that are brought into file order at a time, where an array is not stored that way."""


class Weights:
    """Appends constants to a file, one at a time; a constant whose bytes are there already is only found again.

    Constants are known by a hash of their bytes, so nothing of what was written is held.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._records: dict[bytes, tuple[int, int]] = {}
        self._seen: dict[int, tuple[Buffer, tuple[int, int]]] = {}  # holding the buffer keeps its id its own
        self.size = 0

    def add(self, buffer: Buffer) -> tuple[int, int]:
        """Offset and size of the contents of a buffer. Raises VinocError when its type cannot be stored."""
        seen = self._seen.get(id(buffer))
        if seen is None:
            seen = self._seen[id(buffer)] = buffer, self._add(buffer)
        return seen[1]

    def finish(self) -> None:
        """Ends the file. To OpenVINO a constant without elements has no value at all where the whole file is empty
        ("ptr is Null"), so that a file with such constants alone gets a byte."""
        if self._records and not self.size:
            self._file.write(b"\0")

    def _add(self, buffer: Buffer) -> tuple[int, int]:
        hashed = hashlib.blake2b(digest_size=20)
        size = 0
        for chunk in chunks(buffer):
            hashed.update(chunk)
            size += len(chunk)
        key = hashed.digest()
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = self.size, size
            for chunk in chunks(buffer):
                self._file.write(chunk)
            self.size += size
        return record


def chunks(buffer: Buffer) -> Iterator[bytes | memoryview]:
    """The bytes of a buffer as the file holds them, without a copy where memory holds them so already."""
    array, dtype = buffer.array, buffer.dtype
    if dtype.kind == "s":
        yield pack_strings(array)
    elif array.flags.c_contiguous:
        yield pack(dtype, array)
    elif (value := buffer.splat) is not None:
        full = np.full(min(array.size, _CHUNK), value, array.dtype)
        block = pack(dtype, full)
        for _ in range(array.size // full.size):
            yield block
        if rest := array.size % full.size:
            yield pack(dtype, full[:rest])
    elif dtype.packed:
        yield pack(dtype, array)
    else:
        rows = max(1, _CHUNK * len(array) // array.size)
        for i in range(0, len(array), rows):
            yield pack(dtype, array[i : i + rows])


def pack_strings(array: Array) -> bytes:
    """Strings as OpenVINO stores them: count, where each begins, where the last ends, all texts; numbers are i32."""
    texts = [
        t if isinstance(t, bytes) else str(t).encode("utf-8", "surrogateescape") for t in array.reshape(-1).tolist()
    ]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    return np.array([len(texts), *ends], "<i4").tobytes() + b"".join(texts)
