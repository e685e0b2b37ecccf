"""Matrix products against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.codegen.target import Target
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.kernels.gemm import GEMV_PLAIN, WIDE

from .checked import build, check, data, targets


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=0, max_size=2),
    st.sampled_from([1, 2, 3, 7, 12, 13, 30]),
    st.integers(1, 40),
    st.sampled_from([1, 5, 8, 16, 31, 33, 70]),
    st.booleans(),
    st.sampled_from(["", "bias", "relu", "residual", "all"]),
)
def test_constant_right(batch: list[int], rows: int, depth: int, columns: int, transposed: bool, end: str) -> None:
    x, w = data(0, *batch, rows, depth), data(1, depth, columns)
    bias = data(2, columns)

    def make(b, value):
        y = b.MatMul(value, np.ascontiguousarray(w.T) if transposed else w, transpose_b=transposed)
        if end in ("bias", "all"):
            y = b.Add(y, bias)
        if end in ("residual", "all"):
            y = b.Add(y, b.MatMul(value, w * 2))
        return b.ReLU(y) if end in ("relu", "all") else y

    check(make, x, threads=(1, 2))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], bool, bool]:
    rows, columns = (draw(st.sampled_from([1, 2, 4, 5, 13, 33, 50, 150])) for _ in range(2))
    depth = draw(st.sampled_from([1, 3, 16, 17, 40, 130]))
    batch = draw(st.lists(st.integers(1, 3), min_size=0, max_size=2))
    a, b = ([draw(st.sampled_from([n, 1])) for n in batch] for _ in range(2))
    a, b = a[draw(st.integers(0, len(batch))) :], b[draw(st.integers(0, len(batch))) :]
    ta, tb = draw(st.booleans()), draw(st.booleans())
    left = (*a, depth, rows) if ta else (*a, rows, depth)
    right = (*b, columns, depth) if tb else (*b, depth, columns)
    if not a and draw(st.integers(0, 5)) == 0:
        left = (depth,)
    if not b and draw(st.integers(0, 5)) == 0:
        right = (depth,)
    return left, right, ta, tb


@settings(max_examples=40, deadline=None)
@given(pairs())
def test_two_operands(case: tuple[tuple[int, ...], tuple[int, ...], bool, bool]) -> None:
    left, right, ta, tb = case
    make = lambda b, x, y: b.MatMul(x, y, transpose_a=ta, transpose_b=tb)  # noqa: E731
    check(make, data(0, *left), data(1, *right), threads=(1, 2))


@pytest.mark.parametrize("rows", [1, 20])
def test_heads_of_a_transposed_view(rows: int) -> None:
    def make(b, x, y):
        heads = [b.Transpose(b.Reshape(v, np.array([2, -1, 3, 8]), special_zero=False), [0, 2, 1, 3]) for v in (x, y)]
        scores = b.MatMul(heads[0], heads[1], transpose_b=True)
        return scores, b.Transpose(b.MatMul(scores, heads[1]), [0, 2, 1, 3])

    check(make, data(0, 2, rows, 24), data(1, 2, 37, 24))


def test_constants_of_a_batch_and_on_the_left() -> None:
    w = data(0, 3, 5, 7)
    check(lambda b, x: b.MatMul(x, w), data(1, 3, 4, 5))
    check(lambda b, x: b.MatMul(w, x), data(1, 3, 7, 4))
    check(lambda b, x: b.MatMul(w, x), data(1, 7))


def test_nan_and_infinity_stay_in_their_places() -> None:
    x, y = data(0, 6, 20), data(1, 20, 35)
    x[2, 3], y[4, 30], y[7, 34] = np.nan, np.inf, -np.inf
    check(lambda b, v, w: b.MatMul(v, w), x, y)
    check(lambda b, v: b.Clamp(b.MatMul(v, np.ones((20, 3), np.float32)), min=-1.0, max=1.0), x)


def test_nothing_to_sum_or_to_give() -> None:
    check(lambda b, x, y: b.MatMul(x, y), data(0, 3, 0), data(1, 0, 5))
    check(lambda b, x, y: b.MatMul(x, y), data(0, 0, 4), data(1, 4, 5))


@pytest.mark.parametrize("target", [t for t in targets() if t.lanes > 4], ids=lambda t: t.name)
def test_what_stands_for_no_residual_is_as_wide_as_a_panel(target: Target) -> None:
    """One row goes over panels of several vectors: what lies behind a shorter row of zeros would be added."""
    columns = WIDE * target.lanes
    x, y = data(0, 1, 5), data(1, 5, columns)
    executable = Executable(build(lambda b, v, w: b.MatMul(v, w), x, y), 1, target)
    program: Any = executable.program([x.shape, y.shape])
    (call,) = program.plan.steps
    assert call.kernel is GEMV_PLAIN
    assert call.args["residual"].size >= columns
