"""Elements by computed indices, repeated tensors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.ir.errors import EvaluationError

from .checked import build, check


@st.composite
def picks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    shape = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    axis = draw(st.integers(0, len(shape) - 1))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    number = draw(st.sampled_from([np.int8, np.int16, np.float32, np.int64]))
    data = (rng.standard_normal(shape) * 50).astype(number)
    size = draw(st.lists(st.integers(1, 5), min_size=1, max_size=2))
    indices = rng.integers(-shape[axis], shape[axis], size).astype(draw(st.sampled_from([np.int32, np.int64])))
    return data, np.asarray(indices), axis


@settings(max_examples=40, deadline=None)
@given(picks(), st.booleans())
def test_gather(case: tuple[np.ndarray, np.ndarray, int], turned: bool) -> None:
    data, indices, axis = case

    def make(b, v, i):
        v = b.Transpose(v, list(range(data.ndim))[::-1]) if turned else v
        return b.Gather(v, i, axis)

    check(make, np.ascontiguousarray(data.T) if turned else data, indices, threads=(1, 2))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.data())
def test_batches_with_indices_of_their_own(shape: list[int], draw: st.DataObject) -> None:
    """Along the batch's own last dimension, too, and along one that is further behind."""
    batch = draw.draw(st.integers(1, len(shape) - 1))
    axis = draw.draw(st.integers(batch, len(shape) - 1))
    picked = draw.draw(st.lists(st.integers(1, 5), max_size=2))
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(np.float32)
    indices = rng.integers(-shape[axis], shape[axis], shape[:batch] + picked)
    dims = draw.draw(st.sampled_from([batch, batch - indices.ndim] if picked else [batch]))
    check(lambda b, v, i: b.Gather(v, i, axis, batch_dims=dims), x, indices, threads=(1, 2))


def test_many_batches_with_indices_of_their_own() -> None:
    x, indices = np.ones((70, 3), np.float32), np.zeros((70, 2), np.int64)
    check(lambda b, v, i: b.Gather(v, i, 1, batch_dims=1), x, indices, islands=["Gather"], threads=(1,))


@pytest.mark.parametrize("index", [5, -6])
def test_an_index_of_a_batch_that_is_out_of_range(index: int) -> None:
    x, good = np.ones((2, 3, 5), np.float32), np.zeros((2, 2), np.int64)
    executable = Executable(build(lambda b, v, i: b.Gather(v, i, 2, batch_dims=1), x, good), 1)
    bad = np.array([[0, 1], [index, 0]])
    with pytest.raises(EvaluationError, match=f"index {index} is out of bounds for axis 2 with size 5"):
        executable.run([x, bad])


def test_rows_of_a_table() -> None:
    table = np.random.default_rng(0).standard_normal((50, 33)).astype(np.float32)
    check(lambda b, i: b.Gather(table, i, 0), np.array([[3, -1, 7], [0, 49, -50]]))


@pytest.mark.parametrize("index", [50, -51, 2**40, -(2**62)])
def test_an_index_out_of_range_is_an_error(index: int) -> None:
    table = np.zeros((50, 4), np.float32)
    good, bad = np.array([1, 2]), np.array([1, index])
    executable = Executable(build(lambda b, i: b.Gather(table, i, 0), good), 1)
    for _ in range(2):
        executable.run([good])
        with pytest.raises(EvaluationError, match=f"index {index} is out of bounds for axis 0 with size 50"):
            executable.run([bad])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), min_size=1, max_size=3), st.integers(0, 1))
def test_tile(dims: list[tuple[int, int]], more: int) -> None:
    x = np.random.default_rng(0).standard_normal([n for n, _ in dims]).astype(np.float32)
    times = [2] * more + [t for _, t in dims]
    check(lambda b, v: b.Tile(v, np.array(times)), x, threads=(1, 2))


def test_broadcast() -> None:
    x = np.random.default_rng(0).standard_normal((3, 1, 5)).astype(np.float32)
    check(lambda b, v: b.Broadcast(v, np.array([2, 3, 4, 5])), x)
    check(lambda b, v: b.Broadcast(v, np.array([1, 4, 1]), mode="bidirectional"), x)
    check(lambda b, v: b.Broadcast(v, np.array([3, 7, 1, 5]), np.array([0, 2, 3]), mode="explicit"), x)
    check(lambda b, v: b.SoftMax(b.Broadcast(v, np.array([3, 4, 5])), axis=1), x)
    check(
        lambda b, v: b.MatMul(
            b.Broadcast(v, np.array([3, 4, 5])), b.Broadcast(v, np.array([3, 4, 5])), transpose_b=True
        ),
        x,
    )
