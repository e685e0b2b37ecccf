"""TensorProto -> Buffer: every way in which ONNX stores a tensor, checked before it is believed."""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ....ir import buffer as _buffer
from ....ir import dtype as _dtype
from ....ir.buffer import Buffer
from ....ir.dtype import Array, DType
from ....ir.errors import ModelError
from ....ir.types import TensorType, check_size

LARGE = 1 << 16
"""Bytes from which on a constant is used where it lies in the file, aligned or not."""

EXTERNAL = 1
"""The data location of what lies in a file beside the model."""

ELEMENT_TYPES: dict[int, DType] = {
    1: _dtype.f32,
    2: _dtype.u8,
    3: _dtype.i8,
    4: _dtype.u16,
    5: _dtype.i16,
    6: _dtype.i32,
    7: _dtype.i64,
    8: _dtype.string,
    9: _dtype.boolean,
    10: _dtype.f16,
    11: _dtype.f64,
    12: _dtype.u32,
    13: _dtype.u64,
    14: _dtype.c64,
    15: _dtype.c128,
    16: _dtype.bf16,
    17: _dtype.f8e4m3,
    18: _dtype.f8e4m3fnuz,
    19: _dtype.f8e5m2,
    20: _dtype.f8e5m2fnuz,
    21: _dtype.u4,
    22: _dtype.i4,
    23: _dtype.f4e2m1,
    24: _dtype.f8e8m0,
    25: _dtype.u2,
    26: _dtype.i2,
}
"""TensorProto.DataType -> element type."""

# The typed field that holds the elements where raw_data does not, and the type in which the field counts.
_FIELDS: dict[str, tuple[str, Any]] = {
    "f32": ("float_data", np.float32),
    "c64": ("float_data", np.float32),
    "f64": ("double_data", np.float64),
    "c128": ("double_data", np.float64),
    "i64": ("int64_data", np.int64),
    "u64": ("uint64_data", np.uint64),
    "u32": ("uint64_data", np.uint64),
}


def element_type(code: int, what: str) -> DType:
    """The element type of an ONNX code. Raises ModelError naming `what`."""
    found = ELEMENT_TYPES.get(code)
    if found is None:
        why = "no element type" if code == 0 else f"the unknown element type {code}"
        raise ModelError(f"{what} has {why}", help="the file is damaged, or made by a newer ONNX than vinoc knows")
    return found


class TensorReader:
    """Reads the tensors of one model; `folder` is where external data may lie (None: nowhere)."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._files: dict[str, memoryview] = {}

    def buffer(self, t: Any, name: str = "", raw: memoryview | None = None) -> Buffer:
        """The contents of a TensorProto. `raw` stands in for its raw_data where the reader kept that apart.

        Raises ModelError, naming the tensor, where dimensions, type and data do not agree.
        """
        what = f"tensor '{name or t.name or '?'}'"
        dtype = element_type(t.data_type, what)
        shape = tuple(t.dims)
        count = math.prod(shape)
        if shape and min(shape) < 0:
            raise ModelError(f"{what} has the negative dimension {min(shape)}", help="the file is damaged")
        check_size(TensorType(dtype, shape))
        if t.HasField("segment"):
            raise ModelError(f"{what} is split into segments", help="store the tensor in one piece")
        if raw is not None:
            return self._from_bytes(raw, dtype, shape, count, what)
        if t.data_location == EXTERNAL:
            return self._external(t, dtype, shape, count, what)
        if t.HasField("raw_data"):
            return self._from_bytes(memoryview(t.raw_data), dtype, shape, count, what)
        return Buffer(dtype, shape, _typed(t, dtype, count, what).reshape(shape))

    def array(self, t: Any, name: str = "") -> Array:
        return self.buffer(t, name).array

    def _from_bytes(self, raw: memoryview, dtype: DType, shape: tuple[int, ...], count: int, what: str) -> Buffer:
        if dtype is _dtype.string:
            raise ModelError(f"{what} holds strings as raw data", help="ONNX allows strings in string_data alone")
        _check_size(raw.nbytes, dtype, count, what)
        return Buffer(dtype, shape, _decode(raw, dtype, shape))

    def _external(self, t: Any, dtype: DType, shape: tuple[int, ...], count: int, what: str) -> Buffer:
        entries = {e.key: e.value for e in t.external_data}
        location = entries.get("location", "")
        data = self._open(location, what)
        try:
            offset = int(entries.get("offset", "0") or 0)
            length = int(entries["length"]) if entries.get("length") else _buffer.packed_size(dtype, count)
        except ValueError:
            raise ModelError(f"{what}: offset or length of its external data is not a number") from None
        if offset < 0 or length < 0 or offset + length > data.nbytes:
            raise ModelError(
                f"{what} reads bytes {offset} to {offset + length} of '{location}', which has {data.nbytes}",
                help="the data file is cut short, or belongs to another model",
            )
        _check_size(length, dtype, count, what)
        part = data[offset : offset + length]
        return Buffer(dtype, shape, _later(part, dtype, shape))

    @property
    def files(self) -> list[Path]:
        """The data files that were read so far."""
        return [self.folder / location for location in self._files] if self.folder is not None else []

    def _open(self, location: str, what: str) -> memoryview:
        """The bytes of a data file, mapped. Only files below the model's folder are opened."""
        if location in self._files:
            return self._files[location]
        if not location:
            raise ModelError(f"{what} has external data without a location", help="the file is damaged")
        if self.folder is None:
            raise ModelError(
                f"{what} has external data, and the model has no folder", help="load the model from a file"
            )
        root = os.path.realpath(self.folder)
        if os.path.isabs(location) or "\\" in location or "\0" in location or ".." in Path(location).parts:
            path = None
        else:
            path = os.path.realpath(os.path.join(root, location))
        if path is None or not path.startswith(root.rstrip(os.sep) + os.sep):
            raise ModelError(
                f"{what} has its data in {location!r}, outside the model's folder",
                help="vinoc reads external data beside the model only; copy the file there and correct the location",
            )
        if not os.path.isfile(path):
            raise ModelError(
                f"{what} has its data in '{location}', which is not there", help="put the data file beside the model"
            )
        self._files[location] = view = map_file(path)
        return view


def map_file(path: str | os.PathLike[str]) -> memoryview:
    """The bytes of a file, read when touched."""
    with open(path, "rb") as f:
        if os.fstat(f.fileno()).st_size == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ))


def _check_size(nbytes: int, dtype: DType, count: int, what: str) -> None:
    expected = _buffer.packed_size(dtype, count)
    if nbytes != expected:
        raise ModelError(
            f"{what} has {nbytes} bytes, {count} elements of {dtype} take {expected}",
            help="the file is damaged; export the model again",
        )


def _decode(raw: memoryview, dtype: DType, shape: tuple[int, ...]) -> Array:
    if not dtype.packed and dtype.kind != "b":
        array: Array = np.frombuffer(raw, dtype.numpy).reshape(shape)
        # Weights may lie at any byte; what reads them can do with that.
        large = dtype is _dtype.f32 and array.nbytes >= LARGE
        return array if array.flags.aligned or large else np.array(array)
    flat = np.frombuffer(raw, np.uint8)
    if dtype.kind == "b":
        flags: Array = (flat != 0).reshape(shape)
        return flags  # any other byte is not a valid bool to NumPy
    return _buffer.unpack(dtype, flat, shape)


def _later(raw: memoryview, dtype: DType, shape: tuple[int, ...]) -> Callable[[], Array]:
    return lambda: _decode(raw, dtype, shape)


def _typed(t: Any, dtype: DType, count: int, what: str) -> Array:
    """The elements of a tensor that uses a typed field, flat."""
    if dtype is _dtype.string:
        strings = np.empty(len(t.string_data), object)
        strings[:] = [s.decode("utf-8", "surrogateescape") for s in t.string_data]
        _check_count(strings.size, count, "string_data", what)
        return strings
    field, held = _FIELDS.get(dtype.name, ("int32_data", np.int32))
    values = np.array(getattr(t, field), held)
    if dtype.kind == "c":
        _check_count(values.size, 2 * count, field, what)
        return values.view(dtype.numpy)
    if dtype.packed:
        _check_count(values.size, -(-count * dtype.bits // 8), field, what)
        return _buffer.unpack(dtype, values.astype(np.uint8), (count,))
    _check_count(values.size, count, field, what)
    if field != "int32_data" or dtype.kind == "i":
        return values.astype(dtype.numpy, copy=False)
    if dtype.kind == "b":
        return values != 0
    # Floats narrower than f32 are held as their bits, unsigned types as numbers.
    return values.astype(np.uint16 if dtype.bits == 16 else np.uint8).view(dtype.numpy)


def _check_count(found: int, expected: int, field: str, what: str) -> None:
    if found != expected:
        raise ModelError(
            f"{what} has {found} numbers in {field}, its dimensions ask for {expected}",
            help="the file is damaged; export the model again",
        )


def sparse_array(proto: Any, reader: TensorReader, name: str = "") -> Array:
    """A SparseTensorProto as a dense array. Raises ModelError when an index is out of range."""
    name = name or proto.values.name
    values = reader.array(proto.values, name)
    indices = reader.array(proto.indices, f"{name} (indices)")
    shape = tuple(proto.dims)
    total = math.prod(shape)
    if any(d < 0 for d in shape) or total > 1 << 31:
        raise ModelError(f"sparse tensor '{name}' has the shape {list(shape)}", help="the file is damaged")
    steps = np.array([math.prod(shape[i + 1 :]) for i in range(len(shape))], np.int64)
    flat = indices if indices.ndim == 1 else indices @ steps
    if values.shape != flat.shape or (flat.size and not 0 <= flat.min() <= flat.max() < total):
        raise ModelError(
            f"sparse tensor '{name}' has indices outside its shape {list(shape)}", help="the file is damaged"
        )
    out: Array = np.zeros(total, values.dtype)
    out[flat] = values
    return out.reshape(shape)
