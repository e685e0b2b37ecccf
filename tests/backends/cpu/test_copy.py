"""Copies between layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .checked import check

SIZES = st.sampled_from([1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 65, 130, 200])


def filled(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)


@settings(max_examples=40, deadline=None)
@given(SIZES, SIZES, st.integers(1, 3), st.sampled_from(["float32", "int32", "int64", "int8", "float16"]))
def test_transposition(rows: int, columns: int, batch: int, dtype: str) -> None:
    x = filled((batch, rows, columns), dtype)

    def make(b: Any, v: Any) -> Any:
        y = b.Transpose(v, np.array([0, 2, 1], np.int64))
        return b.Concat(y, y, axis=0)

    check(make, x, threads=(1, 3))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=4, max_size=4), st.permutations(range(4)), st.booleans())
def test_any_order(shape: list[int], order: list[int], wide: bool) -> None:
    x = filled(tuple(shape), "float64" if wide else "float32")

    def make(b: Any, v: Any) -> Any:
        y = b.Transpose(v, np.array(order, np.int64))
        return b.Concat(y, y, axis=1)

    check(make, x, threads=(2,))


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16", "int64"])
def test_slices_and_concatenation(dtype: str) -> None:
    x = filled((2, 37, 5, 9), dtype)

    def make(b: Any, v: Any) -> Any:
        parts = b.Split(v, np.int64(2), num_splits=5)
        return b.Concat(parts[4], parts[0], parts[2], axis=1), b.Concat(parts[1], parts[1], axis=3)

    check(make, x)


def test_bits_pass_unchanged() -> None:
    x = np.arange(0x7F800000, 0x7F800000 + 40 * 40, dtype=np.uint32).reshape(40, 40).view(np.int32)  # NaN, as floats
    check(lambda b, v: b.Transpose(v, np.array([1, 0], np.int64)), x)
