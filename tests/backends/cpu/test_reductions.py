"""Reductions of any type, running sums, the best elements of a line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call
from vinoc.ir import dtype as dt

from .checked import build, check

SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4)


def wild(rng: np.random.Generator, shape: Any, dtype: Any) -> np.ndarray:
    """Numbers from all of an integer type's range; floats with NaN and infinities among them."""
    if np.dtype(dtype).kind == "f":
        x = rng.standard_normal(shape).astype(dtype)
        return np.where(rng.random(shape) < 0.02, rng.choice(np.array([np.nan, np.inf, -np.inf], dtype)), x)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


@settings(max_examples=16, deadline=None)
@given(
    st.sampled_from(["ReduceSum", "ReduceMean", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceL1"]),
    st.sampled_from((np.int8, np.int32, np.int64, np.uint16, np.float64)), SHAPES,
    st.sets(st.integers(0, 3), min_size=1), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_reductions(kind: str, dtype: Any, shape: list[int], axes: set[int], keep: bool, seed: int) -> None:
    x = wild(np.random.default_rng(seed), shape, dtype)
    over = np.array(sorted({a % len(shape) for a in axes}))
    if kind == "ReduceMean" and np.dtype(dtype).kind in "iu":
        x = x % 100  # sums of 64 bits wrap around in another way
    check(lambda b, x: getattr(b, kind)(x, b.const(over), keep_dims=keep), x, threads=(1, 3), tolerance=1e-12)


@pytest.mark.parametrize("width", [128, 131, 300])
@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float64, np.uint16])
def test_columns_side_by_side(width: int, dtype: Any) -> None:
    """Whole blocks of columns, and a last one that is shifted back."""
    x = wild(np.random.default_rng(width), (2, 5, width), dtype)
    x = np.where(np.isnan(x) | np.isinf(x), 0, x) if np.dtype(dtype).kind == "f" else x % 50
    along = only(1)
    for kind in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceL1"):
        check(lambda b, x, kind=kind: getattr(b, kind)(x, along, keep_dims=False), x, threads=(1, 3), tolerance=1e-12)
    for reverse in (False, True):
        check(lambda b, x, r=reverse: b.CumSum(x, np.array(1), exclusive=r, reverse=r), x, threads=(1, 3))


def only(axis: int) -> np.ndarray:
    return np.array([axis])


def test_columns_of_booleans_and_of_f32() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((7, 200)) < 0.9
    check(lambda b, x: b.ReduceLogicalAnd(x, only(0), keep_dims=True), x)
    y = rng.standard_normal((9, 150)).astype(np.float32)
    y[3, 20], y[4, 21] = np.nan, -np.inf
    check(lambda b, y: b.CumSum(y, np.array(0)), y)


@settings(max_examples=10, deadline=None)
@given(SHAPES, st.sets(st.integers(0, 3), min_size=1), st.booleans(), st.integers(0, 99))
def test_logical_reductions(shape: list[int], axes: set[int], keep: bool, seed: int) -> None:
    x = np.random.default_rng(seed).random(shape) < 0.7
    over = np.array(sorted({a % len(shape) for a in axes}))
    for kind in ("ReduceLogicalAnd", "ReduceLogicalOr"):
        check(lambda b, x, kind=kind: getattr(b, kind)(x, b.const(over), keep_dims=keep), x, threads=(1, 2))


def test_reductions_of_views() -> None:
    x = np.random.default_rng(0).integers(-99, 99, (3, 5, 4)).astype(np.int32)
    check(lambda b, x: b.ReduceSum(b.Transpose(x, np.array([2, 0, 1])), b.const(np.array([0, 2])), keep_dims=False), x)


@settings(max_examples=12, deadline=None)
@given(
    SHAPES, st.integers(0, 3), st.booleans(), st.booleans(),
    st.sampled_from([np.float32, np.float64, np.int32]), st.integers(0, 99),
)  # fmt: skip
def test_running_sums(shape: list[int], axis: int, exclusive: bool, reverse: bool, dtype: Any, seed: int) -> None:
    x = wild(np.random.default_rng(seed), shape, dtype)
    along = np.array(axis % len(shape))
    check(lambda b, x: b.CumSum(x, b.const(along), exclusive=exclusive, reverse=reverse), x, threads=(1, 2))


def test_running_sums_are_formed_in_doubles() -> None:
    x = np.full(100_001, 0.1, np.float32)
    x[0] = 1e6
    check(lambda b, x: b.CumSum(x, b.const(np.array(0))), x, tolerance=0.0)


@settings(max_examples=16, deadline=None)
@given(
    SHAPES, st.integers(0, 3), st.integers(1, 6), st.sampled_from(["max", "min"]),
    st.sampled_from(["value", "index"]), st.sampled_from([np.float32, np.int64, np.uint8]),
    st.sampled_from([dt.i32, dt.i64]), st.integers(0, 99),
)  # fmt: skip
def test_top(shape: list[int], axis: int, k: int, mode: str, sort: str, dtype: Any, index: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis %= len(shape)
    k = min(k, shape[axis])
    x = rng.choice(wild(rng, 4, dtype), shape)  # with many that are equal
    check(
        lambda b, x: b.TopK(x, b.const(np.int64(k)), axis=axis, mode=mode, sort=sort, index_element_type=index),
        x, threads=(1, 2),
    )  # fmt: skip


@pytest.mark.parametrize("index", [dt.i32, dt.i64])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.float64])
def test_the_best_of_columns(dtype: Any, index: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.choice(wild(rng, 6, dtype), (2, 9, 150))
    for mode in ("max", "min"):
        check(
            lambda b, x, mode=mode: b.TopK(
                x, b.const(np.int64(1)), axis=1, mode=mode, sort="value", index_element_type=index
            ),
            x, threads=(1, 3),
        )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.float64])
@pytest.mark.parametrize(("lines", "n"), [(1, 16), (3, 17), (7, 100), (2, 1003), (300, 2), (300, 21), (300, 70)])
def test_the_best_along_lines(lines: int, n: int, dtype: Any) -> None:
    """Long lines are compared in vectors, short ones side by side; of equal elements the first counts, NaN is best."""
    rng = np.random.default_rng(n)
    for x in (rng.choice(wild(rng, 40, dtype), (lines, n)), np.full((lines, n), 3, dtype)):
        for mode in ("max", "min"):
            check(
                lambda b, x, mode=mode: b.TopK(x, b.const(np.int64(1)), axis=1, mode=mode, sort="value"),
                x, threads=(1, 2),
            )  # fmt: skip


def test_the_best_channel_of_a_channels_last_image() -> None:
    """The classes of a segmentation: pixels side by side, not one by one."""
    x, w = np.zeros((1, 8, 20, 20), np.float32), np.random.default_rng(0).standard_normal((6, 8, 1, 1))

    def make(b: Any, v: Any) -> Any:
        classes = b.Convolution(
            v, w.astype(np.float32), strides=[1, 1], dilations=[1, 1], pads_begin=[0, 0], pads_end=[0, 0]
        )
        return b.TopK(classes, b.const(np.int64(1)), axis=1, mode="max", sort="value")[1]

    plan = Executable(build(make, x), 1).program([x.shape]).plan
    names = [s.kernel.name for s in plan.steps if isinstance(s, Call)]
    assert any(n.startswith("best") and n.endswith("columns") for n in names), names


def test_top_of_a_long_line() -> None:
    rng = np.random.default_rng(0)
    for x in (rng.standard_normal(5000), np.arange(5000), -np.arange(5000), np.zeros(5000)):
        for sort in ("value", "index"):
            check(
                lambda b, x, sort=sort: b.TopK(x, b.const(np.int64(300)), axis=0, mode="max", sort=sort),
                x.astype(np.float32), threads=(1,),
            )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("n", [69, 100, 1003])
def test_top_of_lines_of_adjacent_elements(n: int, dtype: Any) -> None:
    """A vector is compared at a time; many are equal, NaN is largest."""
    x = np.random.default_rng(n).choice(wild(np.random.default_rng(n), 30, dtype), (5, n))
    for mode in ("max", "min"):
        check(
            lambda b, x, mode=mode: b.TopK(x, b.const(np.int64(5)), axis=1, mode=mode, sort="value"), x, threads=(1, 2)
        )


def test_top_of_too_many_is_an_island() -> None:
    x = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    with pytest.raises(AssertionError):
        check(lambda b, x: b.TopK(x, b.const(np.int64(5000)), axis=0, mode="max", sort="value"), x, threads=(1,))
    check(
        lambda b, x: b.TopK(x, b.const(np.int64(5000)), axis=0, mode="max", sort="value"),
        x, threads=(1,), islands=["TopK"],
    )  # fmt: skip
