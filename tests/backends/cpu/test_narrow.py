"""Products with compressed weights."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call
from vinoc.ir.dtype import f32

from .checked import ENDS, build, check, data, ended, targets

TYPES = (np.float16, ml_dtypes.bfloat16)


def expanded(b, array):
    return b.Convert(array, destination_type=f32, decompression=True)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=0, max_size=2),
    st.sampled_from([1, 2, 3, 7, 12, 13, 30]),
    st.sampled_from([1, 5, 8, 40, 130, 260]),
    st.sampled_from([1, 5, 8, 16, 31, 33, 70]),
    st.booleans(),
    st.sampled_from(TYPES),
    st.sampled_from(ENDS),
)
def test_it_is_the_product_with_expanded_weights(
    batch: list[int], rows: int, depth: int, columns: int, transposed: bool, type: np.dtype, end: str
) -> None:
    x, bias = data(0, *batch, rows, depth), data(2, columns)
    w = (data(1, depth, columns) / depth**0.5).astype(type)

    def make(b, value):
        wide = expanded(b, np.ascontiguousarray(w.T) if transposed else w)
        return ended(b, lambda: b.MatMul(value, wide, transpose_b=transposed), bias, end)

    check(make, x, threads=(1, 2), tolerance=4e-6)


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("rows", [1, 13])
def test_every_number_of_16_bits_is_expanded_exactly(type: np.dtype, rows: int) -> None:
    """A product with the unit matrix, by all numbers but those that are not finite."""
    numbers = np.arange(1 << 16, dtype=np.uint16).view(type)
    with np.errstate(invalid="ignore"):  # signalling NaN
        finite = np.isfinite(numbers.astype(np.float32))
    numbers = np.where(finite, numbers, type(0)).reshape(1, -1)
    x = np.zeros((rows, 1), np.float32)
    x[-1] = 1
    for target in targets():
        graph = build(lambda b, v: b.MatMul(v, expanded(b, numbers)), x)
        (found,) = Executable(graph, 1, target).run([x])
        # A sum that begins with 0 has no -0.
        np.testing.assert_array_equal(found[-1], numbers[0].astype(np.float32), err_msg=target.name)


def test_nan_and_infinity_of_weights() -> None:
    w = data(0, 9, 40).astype(np.float16)
    w[3, 5], w[4, 33], w[5, 34] = np.nan, np.inf, -np.inf
    check(lambda b, x: b.MatMul(x, expanded(b, w)), np.abs(data(1, 2, 9)) + 1)


def test_the_same_bits_as_with_expanded_weights() -> None:
    x, w = data(0, 3, 200), data(1, 200, 70).astype(np.float16)
    graphs = [
        build(lambda b, v: b.MatMul(v, expanded(b, w)), x),
        build(lambda b, v: b.MatMul(v, w.astype(np.float32)), x),
    ]
    for target in targets():
        narrow, wide = (Executable(graph, 2, target).run([x])[0] for graph in graphs)
        np.testing.assert_array_equal(narrow, wide, err_msg=target.name)


def test_weights_of_several_users() -> None:
    """Each product has its own kernel; who else reads them gets them expanded."""
    w = data(0, 20, 40).astype(np.float16)

    def make(b, x):
        wide = expanded(b, w)
        return b.MatMul(x, wide), b.MatMul(b.ReLU(x), wide), b.MatMul(wide, b.MatMul(x, wide), transpose_a=True)

    check(make, data(1, 20, 20))
    executable = Executable(build(make, data(1, 20, 20)), 1)
    plan = executable.program([(20, 20)]).plan
    assert [s.kernel.name for s in plan.steps if isinstance(s, Call)].count("gemm_f16") == 2


def test_compressed_weights_that_no_product_takes() -> None:
    w, v = data(0, 4, 20, 8).astype(np.float16), data(1, 6).astype(ml_dtypes.bfloat16)
    check(lambda b, x: b.MatMul(x, expanded(b, w)), data(2, 4, 3, 20))
    check(lambda b, x: b.Multiply(x, expanded(b, v)), data(3, 5, 6))
    check(lambda b, x: b.MatMul(x, expanded(b, v[:, None].repeat(5, 1)), transpose_a=True), data(3, 6, 4))


def test_nothing_to_sum_or_to_give() -> None:
    check(lambda b, x: b.MatMul(x, expanded(b, np.zeros((0, 5), np.float16))), data(0, 3, 0))
    check(lambda b, x: b.MatMul(x, expanded(b, np.zeros((5, 4), np.float16))), data(0, 0, 5))
