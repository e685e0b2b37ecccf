"""Strides of the same elements under another shape, beside NumPy."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vinoc.backends.cpu.lowering.place import regrouped


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, ...]]:
    """A view of some strides, and another shape of as many elements."""
    shape = draw(st.lists(st.integers(1, 4), max_size=5))
    array = np.arange(prod(shape) * 2 ** len(shape), dtype=np.float32).reshape([2 * n for n in shape])
    array = array[tuple(slice(0, None, 2) if draw(st.booleans()) else slice(0, n) for n in shape)]
    if draw(st.booleans()):
        array = np.ascontiguousarray(array)
    if draw(st.booleans()) and shape:
        array = np.broadcast_to(array, (3, *shape))
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    left, wanted = array.size, []
    while left > 1:
        n = draw(st.sampled_from([d for d in range(1, left + 1) if left % d == 0]))
        wanted.append(n)
        left //= n
    return array, (*wanted, *[1] * draw(st.integers(0, 2)))


@given(cases())
def test_as_numpy_does_without_copying(case: tuple[np.ndarray, tuple[int, ...]]) -> None:
    array, wanted = case
    found = regrouped(array.shape, array.strides, wanted, array.itemsize)
    reshaped = array.reshape(wanted)
    if found is None:
        assert not np.shares_memory(reshaped, array)
        return
    view = np.lib.stride_tricks.as_strided(array, wanted, found)
    np.testing.assert_array_equal(view, reshaped)


def test_what_lies_apart_is_not_joined() -> None:
    assert regrouped((2, 3), (4, 8), (6,), 4) is None
    assert regrouped((2, 3), (24, 8), (6,), 4) == (8,)
    assert regrouped((1, 1), (0, 0), (1,), 4) == (4,)
    assert regrouped((6,), (0,), (2, 3), 4) == (0, 0)
