from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinoc.ir import VinocError
from vinoc.ir.buffer import Buffer, pack, packed_size, unpack
from vinoc.ir.dtype import DType, dtype, f32, from_numpy


def test_equality_is_of_contents_not_of_storage() -> None:
    splat = Buffer.of(np.broadcast_to(np.float32(0.5), (4, 4)))
    written = Buffer.of(np.full((4, 4), 0.5, np.float32))
    assert splat == written
    assert hash(splat) == hash(written)
    assert splat.splat == np.float32(0.5)
    assert splat != Buffer.of(np.full((4, 4), 0.25, np.float32))
    assert splat != Buffer.of(np.full((2, 8), 0.5, np.float32))
    assert Buffer.of(np.zeros(4, np.int8)) != Buffer.of(np.zeros(4, np.uint8))


def test_arrays_are_read_only_and_loaded_when_touched() -> None:
    calls = []
    buffer = Buffer(f32, (2,), lambda: (calls.append(1), np.ones(2, np.float32))[1])
    assert not calls
    assert buffer.array.sum() == 2
    assert buffer.array.sum() == 2
    assert calls == [1]
    with pytest.raises(ValueError, match="read-only"):
        buffer.array[0] = 3
    with pytest.raises(VinocError, match="was read as"):
        _ = Buffer(f32, (3,), lambda: np.ones(2, np.float32)).array


PACKED = [d for d in DType.registry.values() if d.packed and d.bits not in (3, 6)]


@pytest.mark.parametrize("d", PACKED, ids=lambda d: d.name)
@given(st.integers(0, 9), st.randoms())
def test_pack_and_unpack(d: DType, count: int, random: object) -> None:
    codes = np.array([random.getrandbits(d.bits) for _ in range(count)], np.uint8)  # type: ignore[attr-defined]
    values = unpack(d, np.frombuffer(_pack_codes(codes, d), np.uint8), (count,))
    assert values.dtype == d.numpy
    assert bytes(pack(d, values)) == _pack_codes(codes, d)
    assert len(_pack_codes(codes, d)) == packed_size(d, count)


def _pack_codes(codes: np.ndarray, d: DType) -> bytes:
    """An independent packing, bit by bit: lowest bits first, u1 highest first."""
    bits = "".join(format(int(c), f"0{d.bits}b")[::-1] for c in codes)
    out = bytearray()
    for i in range(0, len(bits), 8):
        byte = bits[i : i + 8].ljust(8, "0")
        out.append(int(byte, 2) if d.bits == 1 else int(byte[::-1], 2))
    return bytes(out)


@pytest.mark.parametrize("d", DType.registry.values(), ids=lambda d: d.name)
def test_numpy_types(d: DType) -> None:
    assert dtype(d.name) is d
    assert np.zeros(2, d.numpy).dtype == d.numpy
    if d.name not in ("u1", "u3", "u6", "nf4"):
        assert from_numpy(d.numpy) is d


def test_unknown_type_is_named() -> None:
    with pytest.raises(VinocError, match="did you mean 'f32'"):
        dtype("f322")
