"""Elements narrower than a byte, packed as OpenVINO's helpers pack them: the first element in the highest bits.

(Tensors and files have the first element of u2, u4 and i4 in the lowest bits.)
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np

from ..ir.dtype import Array
from ..ir.errors import UsageError
from .element import Type

_PARTS = {1: (1,), 2: (2,), 4: (4,), 3: (2, 1), 6: (4, 2)}
"""By width: the bits that lie together, from the lowest on. Of 3 and 6 bits the high ones have a byte of their own."""


def pack_data(array: Array, type: Type) -> Array:
    """The bytes of elements of type u1, u2, u3, u4, u6, i4, nf4 or f4e2m1. Raises UsageError for other types, and for
    values that are no whole numbers."""
    parts = _parts(type)
    whole = array.astype(np.int8 if type == "i4" else np.uint8)
    if not np.array_equal(whole, array):
        raise UsageError(f"values of {type.type_name} are whole numbers that fit a byte, got {array}")
    group = 8 // parts[-1]
    codes = np.zeros(-(-whole.size // group) * group, np.uint8)
    codes[: whole.size] = whole.reshape(-1).view(np.uint8)
    columns = []
    for bits in parts:
        columns.append(_together(codes.reshape(codes.size // group, group) & (1 << bits) - 1, bits))
        codes >>= bits
    return np.concatenate(columns, axis=1).reshape(-1)


def _together(codes: Array, bits: int) -> Array:
    """Each row of codes as bytes, the first code in the highest bits of the first byte."""
    per_byte = 8 // bits
    count = codes.shape[1] // per_byte
    shifts = np.arange(per_byte - 1, -1, -1, dtype=np.uint8) * bits
    fields = codes.reshape(len(codes), count, per_byte).astype(np.uint8) << shifts
    joined: Array = np.bitwise_or.reduce(fields.astype(np.uint8), axis=2)
    return joined


def unpack_data(array: Array, type: Type, shape: Iterable[int]) -> Array:
    """The elements, one to a byte, of what `pack_data` gave."""
    parts = _parts(type)
    sizes, group = tuple(shape), 8 // parts[-1]
    counts = [group * bits // 8 for bits in parts]
    raw: Array = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
    n = raw.size // sum(counts)
    rows = raw[: n * sum(counts)].reshape(n, sum(counts))
    codes = np.zeros((len(rows), group), np.uint8)
    begin = low = 0
    for bits, count in zip(parts, counts):
        shifts = np.arange(8 // bits - 1, -1, -1, dtype=np.uint8) * bits
        fields = (rows[:, begin : begin + count, None] >> shifts) & (1 << bits) - 1
        codes |= fields.reshape(n, group).astype(np.uint8) << np.uint8(low)
        begin, low = begin + count, low + bits
    if codes.size < prod(sizes):
        raise UsageError(
            f"{array.size} bytes hold {codes.size} elements of {type.type_name}, {prod(sizes)} are asked for"
        )
    flat = codes.reshape(-1)[: prod(sizes)]
    if type == "i4":
        flat = np.where(flat > 7, flat.astype(np.int8) - 16, flat.astype(np.int8)).astype(np.int8)
    return flat.reshape(sizes)


def _parts(type: Type) -> tuple[int, ...]:
    if type.is_dynamic() or not type.dtype.packed or type.dtype.bits not in _PARTS:
        raise UsageError(
            f"elements of {type.type_name} are not packed", help="those of u1, u2, u3, u4, u6, i4, nf4 are"
        )
    return _PARTS[type.dtype.bits]
