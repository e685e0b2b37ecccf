"""The weights file, mapped into memory: constants are read when they are touched."""

from __future__ import annotations

import mmap
from itertools import pairwise
from pathlib import Path

import numpy as np

from ....ir.buffer import Buffer, packed_size, unpack
from ....ir.dtype import Array, DType
from ....ir.errors import ModelError, VinocError


class Weights:
    """Constants by offset and size. One Buffer stands for all constants of equal place, type and shape."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw: Array | None = None
        self._buffers: dict[tuple[int, int, DType, tuple[int, ...]], Buffer] = {}

    def _bytes(self) -> Array:
        if self._raw is None:
            try:
                with open(self.path, "rb") as file:
                    empty = file.seek(0, 2) == 0  # an empty file cannot be mapped
                    content = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except OSError as error:
                what = f"the weights file cannot be read: {error.strerror}"
                raise ModelError(what, str(self.path), "put the .bin file beside the .xml, or name it") from error
            self._raw = np.frombuffer(content, np.uint8)
        return self._raw

    def get(self, offset: int, size: int, dtype: DType, shape: tuple[int, ...]) -> Buffer:
        """A constant. Raises VinocError when its place, size and shape do not agree."""
        key = offset, size, dtype, shape
        found = self._buffers.get(key)
        if found is None:
            found = self._buffers[key] = self._make(offset, size, dtype, shape)
        return found

    def _make(self, offset: int, size: int, dtype: DType, shape: tuple[int, ...]) -> Buffer:
        raw = self._bytes()
        count = 1
        for d in shape:
            count *= d
        if dtype.bits in (3, 6):
            raise VinocError(f"constants of type {dtype} are not read", help="store them as u4 or u8")
        expected = packed_size(dtype, count)
        if dtype.kind != "s" and size != expected:
            raise VinocError(f"size {size} does not fit {dtype}{list(shape)}, which takes {expected} bytes")
        if offset < 0 or size < 0 or offset + size > raw.size:
            what = f"bytes {offset}..{offset + size} lie outside of {self.path.name}, which has {raw.size}"
            raise VinocError(what, help="the .bin file is cut off, or belongs to another model")
        part = raw[offset : offset + size]
        if dtype.kind == "s":
            return Buffer(dtype, shape, strings(part, shape))
        return Buffer(dtype, shape, lambda: _load(part, dtype, shape))


def _load(raw: Array, dtype: DType, shape: tuple[int, ...]) -> Array:
    if dtype.kind == "b":
        return np.not_equal(raw, 0).reshape(shape)
    array = unpack(dtype, raw, shape)
    return array if array.flags.aligned else array.copy()  # tensors are stored back to back, at any address


def strings(raw: Array, shape: tuple[int, ...]) -> Array:
    """Strings from the form of OpenVINO: count, where each begins, where the last ends, all texts; numbers are i32.
    Raises VinocError when that does not fit."""
    count = int(np.prod(shape, dtype=np.int64))
    head = 4 * (count + 2)
    numbers = raw[:head].copy().view("<i4") if raw.size >= head else np.empty(0, np.int32)
    if numbers.size != count + 2 or numbers[0] != count:
        raise VinocError("the strings of the constant do not fit its shape")
    ends = numbers[1:]
    if ends[0] != 0 or np.any(np.diff(ends) < 0) or head + ends[-1] > raw.size:
        raise VinocError("the strings of the constant are damaged")
    out = np.empty(count, object)
    texts = raw[head:].tobytes()
    try:
        out[:] = [texts[a:b].decode() for a, b in pairwise(ends.tolist())]
    except UnicodeDecodeError:
        raise VinocError("the strings of the constant are not UTF-8") from None
    return out.reshape(shape)
