"""The contents of constants: read-only, loaded when touched, hashed when compared."""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import numpy as np

from . import dtype as _dtype
from .digest import blake2b
from .dtype import Array, DType
from .errors import VinocError

PAGES = 1 << 20
"""Bytes from which on it pays to give pages back."""

SAMPLES = 16
"""Elements that a buffer is told from others by, at first: each of a large one is another page of a file."""

FEW = 1 << 12
"""Elements up to which buffers are compared as they are, and no digests are made."""


class Buffer:
    """An immutable array that may not have been read yet, or not been worked out.

    Two buffers are equal when type, shape and bytes are, however they are held. A buffer of one repeated value
    keeps one element in memory (`splat`), whatever its shape.
    """

    __slots__ = ("__weakref__", "_array", "_digest", "_hash", "_load", "dtype", "recipe", "shape")

    def __init__(
        self, dtype: DType, shape: tuple[int, ...], load: Callable[[], Array] | Array, recipe: Hashable = None
    ) -> None:
        """`recipe`: where to load it is to compute it, what it is computed of; of equal recipes come equal contents."""
        self.dtype = dtype
        self.shape = shape
        self.recipe = recipe
        self._digest: bytes | None = None
        self._hash: int | None = None
        self._array: Array | None = None
        self._load: Callable[[], Array] | None = None
        if isinstance(load, np.ndarray):
            self._array = _read_only(load)
        else:
            self._load = load

    @staticmethod
    def of(array: Array, dtype: DType | None = None) -> Buffer:
        """A buffer over an array, which must not be written to afterwards."""
        array = np.asarray(array)
        if array.dtype.byteorder == ">":
            array = array.astype(array.dtype.newbyteorder("<"))
        return Buffer(dtype or _dtype.from_numpy(array.dtype), array.shape, array)

    @property
    def array(self) -> Array:
        """The contents, read-only. Loads them at the first touch."""
        load = self._load
        if self._array is None and load is not None:  # another thread may load it, too
            array = load()
            if array.shape != self.shape:
                raise VinocError(f"a constant declared {list(self.shape)} was read as {list(array.shape)}")
            self._array = _read_only(array)
            self._load = None
        assert self._array is not None
        return self._array

    def given_up(self) -> Buffer:
        """One of the same type and shape whose contents are gone: to read them raises VinocError."""
        return Buffer(self.dtype, self.shape, partial(_gone, f"{self.dtype}{list(self.shape)}"))

    @property
    def is_loaded(self) -> bool:
        return self._array is not None

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that the contents take in a file."""
        return packed_size(self.dtype, self.size)

    @property
    def splat(self) -> object | None:
        """The only value that occurs, where memory shows it to be one (stride 0 or one element); else None."""
        a = self.array
        if a.size and is_repeated(a):
            return a[(0,) * a.ndim]  # type: ignore[no-any-return]
        return None

    @property
    def digest(self) -> bytes:
        """A hash of type, shape and bytes."""
        if self._digest is None:
            h = blake2b(f"{self.dtype.name}{self.shape}".encode(), digest_size=16)
            if self.dtype.kind == "s":
                for text in self.array.reshape(-1).tolist():
                    raw = text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogateescape")
                    h.update(len(raw).to_bytes(8, "little") + raw)
            elif (value := _uniform(self.array)) is not None:
                h.update(b"splat" + value)
            else:
                h.update(np.ascontiguousarray(self.array).reshape(-1).view(np.uint8).data)
            self._digest = h.digest()
        return self._digest

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Buffer) or self.dtype is not other.dtype or self.shape != other.shape:
            return False
        if hash(self) != hash(other):
            return False
        if self.size <= FEW and self.dtype.kind != "s":
            return self.array.tobytes() == other.array.tobytes()
        return self.digest == other.digest

    def __hash__(self) -> int:
        """Of a few elements: most buffers differ in them, and large ones that do not are compared by `digest`."""
        if self._hash is None:
            if self.dtype.kind == "s":
                self._hash = hash(self.digest)
            else:
                sample = self.array.flat[:: max(self.size // SAMPLES, 1)]
                self._hash = hash((self.dtype.name, self.shape, sample.tobytes()))
        return self._hash

    def __repr__(self) -> str:
        return f"Buffer({self.dtype.name}{list(self.shape)})"


def _gone(what: str) -> Array:
    raise VinocError(
        f"the contents of a constant {what} are gone: they were packed for a device",
        help="take the graph that was compiled, not that of the compiled model",
    )


def forget_pages(array: Array) -> None:
    """Gives the memory back that the file takes of which an array is a part; it is read again when it is touched.

    Does nothing for small or other arrays, and where the system cannot do it.
    """
    if array.nbytes < PAGES:
        return
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    mapped = base.obj if isinstance(base, memoryview) else base
    if isinstance(mapped, mmap.mmap) and hasattr(mapped, "madvise"):
        mapped.madvise(mmap.MADV_DONTNEED)


def is_repeated(array: Array) -> bool:
    """Whether memory shows the array to be one value (stride 0 or one element)."""
    return not any(s for s, n in zip(array.strides, array.shape, strict=True) if n > 1)


def _uniform(array: Array) -> bytes | None:
    """The bytes of the only value in an array, or None when there are several (most arrays differ at once)."""
    if not array.size:
        return None
    first: bytes = array[(0,) * array.ndim].tobytes()
    if not is_repeated(array):
        if array[(-1,) * array.ndim].tobytes() != first:
            return None
        raw = np.ascontiguousarray(array).reshape(-1, 1).view(np.uint8).reshape(array.size, -1)
        if not (raw == raw[0]).all():
            return None
    return first


def _read_only(array: Array) -> Array:
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def packed_size(dtype: DType, count: int) -> int:
    """Bytes of `count` elements in a file; u3 and u6 pack in groups of three bytes, as OpenVINO does."""
    if dtype.bits in (3, 6):
        group = 24 // dtype.bits
        return -(-count // group) * 3
    return -(-count * dtype.bits // 8)


def pack(dtype: DType, array: Array) -> bytes | memoryview:
    """The bytes of an array as files hold them: little-endian, narrow types packed from the lowest bit up."""
    if not dtype.packed:
        return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    codes = _codes(dtype, array)
    if dtype.bits in (3, 6):
        raise VinocError(f"writing {dtype.name} constants is not supported", help="convert them to u4 or u8")
    per_byte = 8 // dtype.bits
    padded = np.zeros(-(-codes.size // per_byte) * per_byte, np.uint8)
    padded[: codes.size] = codes
    out = np.zeros(padded.size // per_byte, np.uint8)
    for i in range(per_byte):
        shift = (per_byte - 1 - i if dtype.bits == 1 else i) * dtype.bits  # u1 starts at the highest bit
        out |= padded[i::per_byte] << np.uint8(shift)
    return out.tobytes()


def unpack(dtype: DType, raw: Array, shape: tuple[int, ...]) -> Array:
    """The array of the bytes `raw` (uint8); narrow types come out one element to a byte."""
    if not dtype.packed:
        return raw.view(dtype.numpy).reshape(shape)
    if dtype.bits in (3, 6):
        raise VinocError(f"reading {dtype.name} constants is not supported")
    count = math.prod(shape)
    per_byte = 8 // dtype.bits
    mask = np.uint8((1 << dtype.bits) - 1)
    out = np.empty(raw.size * per_byte, np.uint8)
    for i in range(per_byte):
        shift = (per_byte - 1 - i if dtype.bits == 1 else i) * dtype.bits
        out[i::per_byte] = (raw >> np.uint8(shift)) & mask
    out = out[:count]
    if dtype.kind == "i":
        signed = out.astype(np.int8)
        signed[out >= 1 << (dtype.bits - 1)] -= np.int8(1 << dtype.bits) if dtype.bits < 7 else 0
        return signed.astype(dtype.numpy).reshape(shape)
    if dtype.numpy == np.uint8:
        return out.reshape(shape)
    return (out.view(dtype.numpy) if dtype.kind == "f" else out.astype(dtype.numpy)).reshape(shape)


def _codes(dtype: DType, array: Array) -> Array:
    mask = np.uint8((1 << dtype.bits) - 1)
    flat = np.ascontiguousarray(array).reshape(-1)
    raw = flat.view(np.uint8) if flat.dtype.itemsize == 1 else flat.astype(np.uint8)
    return raw & mask
