"""Elements and slices by indices that come while the model runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.ir.errors import EvaluationError

from .checked import build, check

TYPES = (np.float32, np.int64, np.bool_)
SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4)
NAN = np.array([np.nan, -0.0, np.inf], np.float32)


def numbers(rng: np.random.Generator, shape: Any, dtype: Any) -> np.ndarray:
    found = rng.integers(0, 2 if dtype is np.bool_ else 100, shape).astype(dtype)
    return np.asarray(found)


def indices(rng: np.random.Generator, size: int, shape: Any, dtype: Any = np.int64) -> np.ndarray:
    return np.asarray(rng.integers(-size, size, shape).astype(dtype))


@settings(max_examples=8, deadline=None)
@given(SHAPES, st.integers(0, 3), st.integers(1, 6), st.sampled_from(TYPES), st.booleans(), st.integers(0, 99))
def test_one_element_an_index(shape: list[int], axis: int, count: int, dtype: Any, wide: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis %= len(shape)
    x = numbers(rng, shape, dtype)
    picked = [*shape[:axis], count, *shape[axis + 1 :]]
    k = indices(rng, shape[axis], picked, np.int64 if wide else np.int32)
    check(lambda b, x, k: b.GatherElements(x, k, axis=axis), x, k, threads=(1, 3))
    u = numbers(rng, picked, dtype)
    check(lambda b, x, k, u: b.ScatterElementsUpdate(x, k, u, b.const(np.int64(axis))), x, k, u, threads=(1, 3))


@pytest.mark.parametrize("reduction", ["sum", "prod", "min", "max"])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
def test_what_meets_in_one_element_is_combined(reduction: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, u = numbers(rng, (3, 4), dtype), numbers(rng, (9, 4), dtype)
    k = indices(rng, 3, (9, 4))
    check(lambda b, x, k, u: b.ScatterElementsUpdate(x, k, u, b.const(np.int64(0)), reduction=reduction), x, k, u)
    check(
        lambda b, x, k, u: b.ScatterNDUpdate(x, k, u, reduction=reduction),
        x, indices(rng, 3, (9, 1)), u,
    )  # fmt: skip


def test_special_values_are_combined_as_in_the_reference() -> None:
    x, k = np.array([1, np.nan, 2], np.float32), np.array([0, 1, 2])
    for reduction in ("none", "sum", "prod", "min", "max"):
        check(
            lambda b, x, k, u, r=reduction: b.ScatterElementsUpdate(x, k, u, b.const(np.int64(0)), reduction=r),
            x,
            k,
            NAN,
        )


@settings(max_examples=8, deadline=None)
@given(SHAPES, st.integers(0, 3), st.lists(st.integers(1, 3), max_size=2), st.sampled_from(TYPES), st.integers(0, 99))
def test_slices_along_an_axis(shape: list[int], axis: int, picks: list[int], dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis %= len(shape)
    k = indices(rng, shape[axis], picks, np.int32)
    u = numbers(rng, [*shape[:axis], *picks, *shape[axis + 1 :]], dtype)
    check(
        lambda b, x, k, u: b.ScatterUpdate(x, k, u, b.const(np.int64(axis))),
        numbers(rng, shape, dtype), k, u, threads=(1, 3),
    )  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(SHAPES, st.integers(1, 4), st.lists(st.integers(1, 4), max_size=2), st.sampled_from(TYPES), st.integers(0, 99))
def test_slices_at_points(shape: list[int], depth: int, count: list[int], dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    depth = min(depth, len(shape))
    x = numbers(rng, shape, dtype)
    k = np.stack([indices(rng, n, count) for n in shape[:depth]], -1)
    check(lambda b, x, k: b.GatherND(x, k), x, k, threads=(1, 3))
    u = numbers(rng, [*count, *shape[depth:]], dtype)
    check(lambda b, x, k, u: b.ScatterNDUpdate(x, k, u), x, k, u, threads=(1, 3))


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=3, max_size=4), st.integers(1, 3), st.integers(0, 99))
def test_points_of_batches(shape: list[int], count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = numbers(rng, shape, np.float32)
    for batch in (1, 2):
        k = indices(rng, shape[batch], (*shape[:batch], count, 1))
        check(lambda b, x, k, batch=batch: b.GatherND(x, k, batch_dims=batch), x, k, threads=(1, 2))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_one_hot(axis: int, dtype: Any) -> None:
    k = np.array([[0, 3, -1], [2, 9, -(2**40)]])
    on, off = np.array(1, dtype), np.array(0, dtype)
    check(lambda b, k: b.OneHot(k, b.const(np.int64(4)), b.const(on), b.const(off), axis=axis), k)
    check(lambda b, k: b.OneHot(k, b.const(np.int64(4)), b.const(off), b.const(on), axis=axis), k.astype(np.int32))


def test_results_that_are_parts_of_others() -> None:
    """Concat along the inner axis: rows lie apart."""
    rng = np.random.default_rng(0)
    x, k, u = numbers(rng, (3, 4), np.float32), np.array([[2], [0]]), numbers(rng, (2, 4), np.float32)
    check(lambda b, x, k, u: b.Concat(b.ScatterNDUpdate(x, k, u), b.Abs(x), axis=1), x, k, u)
    check(lambda b, x, k: b.Concat(b.GatherND(x, k), b.GatherND(b.Abs(x), k), axis=-1), x, k)


@pytest.mark.parametrize("index", [3, -4, 2**62])
def test_an_index_out_of_range_touches_nothing(index: int) -> None:
    x, k = np.arange(12, dtype=np.float32).reshape(3, 4), np.array([[0], [index]])
    start = [np.array([n]) for n in (0, 1, 1, 1)]
    cases = (
        (build(lambda b, x, k: b.GatherND(x, k), x, k), k),
        (build(lambda b, x, k: b.ScatterNDUpdate(x, k, b.const(x_rows)), x, k), k),
        (build(lambda b, x, k: b.ScatterElementsUpdate(x, k, b.const(x_rows[:, :1]), b.const(np.int64(0))), x, k), k),
        (build(lambda b, x, k: b.GatherElements(b.Slice(x, *start), k, axis=0), x, k), k),
    )
    for graph, bad in cases:
        executable = Executable(graph, 2)
        with pytest.raises(EvaluationError, match=f"index {index} is out of bounds"):
            executable.run([x, bad])
        assert executable.run([x, np.array([[0], [-1]])])[0].size


x_rows = np.ones((2, 4), np.float32)
