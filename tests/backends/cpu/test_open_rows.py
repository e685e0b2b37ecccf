"""Products whose rows are open: few and many pass over one form of the weights, of which 24 bits are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering import rounded as policy
from vinoc.backends.cpu.lowering import strassen
from vinoc.backends.cpu.lowering.plan import Call
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph
from vinoc.ir import dtype as dt
from vinoc.ir.builder import Builder
from vinoc.ir.dim import symbol
from vinoc.ir.types import TensorType

from .checked import ENDS, assert_close, data, ended
from .test_f24 import WIDE, rounded

SEVEN = [True, False]


def product(w: np.ndarray, transposed: bool = False, end: str = "", bias: np.ndarray | None = None) -> Graph:
    """x [N, k] by a constant matrix."""
    graph = Graph("open")
    x = graph.add_input(TensorType(dt.f32, (symbol("N"), w.shape[0])), "x")
    b, stored = Builder(graph), np.ascontiguousarray(w.T) if transposed else w
    bias = np.zeros(w.shape[1], np.float32) if bias is None else bias
    graph.add_output(ended(b, lambda: b.MatMul(x, stored, transpose_b=transposed), bias, end), "y")
    return graph


def kernels(executable: Executable, rows: int, depth: int) -> list[str]:
    program: Any = executable.program([(rows, depth)])
    return [s.kernel.name for s in program.plan.steps if isinstance(s, Call)]


@pytest.fixture(params=SEVEN, ids=["seven", "plain"])
def seven(request: pytest.FixtureRequest) -> Iterator[bool]:
    """All weights are large, rows many, and their products of one kind."""
    with chosen(request.param):
        yield request.param


def chosen(seven: bool) -> Any:
    return mock.patch.multiple(strassen, pays=lambda *_: seven, EXPANDED=0, is_rounded=is_large)


def is_large(plan: Any, node: Any) -> bool:
    with mock.patch.multiple(policy, LEAST=1, TOGETHER=1):
        return policy.is_rounded(plan, node)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(SEVEN),
    st.sampled_from([1, 2, 3, 12, 25, 49, 128, 401]),
    st.integers(1, 70).map(lambda n: 2 * n),
    st.sampled_from([1, 5, 8, 16, 31, 32, 33, 64, 70, 100, 129]),
    st.booleans(),
    st.sampled_from(ENDS),
)
def test_it_is_the_product_with_rounded_weights(
    seven: bool, rows: int, depth: int, columns: int, transposed: bool, end: str
) -> None:
    x, bias, w = data(0, rows, depth), data(2, columns), data(1, depth, columns) / np.float32(depth**0.5)
    (want,) = Interpreter(product(rounded(w), transposed, end, bias)).run([x])
    with chosen(seven):
        for target in WIDE:
            for threads in (1, 2, 3):
                executable = Executable(product(w, transposed, end, bias), threads, target)
                (got,) = executable.run([x])
                assert "strassen_f24" in kernels(executable, rows, depth)
                assert_close(want, got, 1e-5, f"{target.name}, {threads} threads")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_values_that_are_not_finite_do_not_spread(seven: bool, value: float) -> None:
    x, w = data(0, 61, 20), rounded(data(1, 20, 70))
    x[3, 4] = x[40, 15] = x[60, 1] = value
    w[5, 3] = w[15, 60] = value
    (want,) = Interpreter(product(w)).run([x])
    for target in WIDE:
        (got,) = Executable(product(w), 2, target).run([x])
        assert_close(want, got, 5e-6, target.name)


def test_zeros_stay_zeros_beside_data(seven: bool) -> None:
    x, w = data(0, 61, 64), data(1, 64, 70)
    x[20:40] = 0
    w[:, 2] = w[:, 50] = 0
    x[60] *= 1e-12
    want = x.astype(np.float64) @ rounded(w)
    for target in WIDE:
        (found,) = Executable(product(w), 2, target).run([x])
        assert not found[20:40].any()
        assert not found[:, [2, 50]].any()
        np.testing.assert_allclose(found[60], want[60], atol=2e-6 * np.abs(want[60]).max(), rtol=0)


@pytest.mark.parametrize("target", WIDE, ids=lambda t: t.name)
def test_one_form_of_the_weights_serves_few_rows_and_many(target: Any) -> None:
    depth, columns = 2048, 2080
    executable = Executable(product(data(1, depth, columns)), 1, target)
    found = {rows: kernels(executable, rows, depth) for rows in (1, 2 * target.rows, 300)}
    assert found == {
        1: ["gemm_f24"],
        2 * target.rows: ["gemm_f24"],
        300: ["strassen_left", "strassen_f24"],
    }
    kept = sum(a.nbytes for a in executable.packed.arrays.values())
    assert 3 * depth * columns <= kept < 3.01 * depth * columns


@pytest.mark.parametrize("options", [{"accuracy": True}, {"exact": True}])
def test_all_bits_are_kept_where_they_are_asked_for(options: dict[str, bool]) -> None:
    for target in WIDE:
        executable = Executable(product(data(1, 2048, 2080)), 1, target, **options)
        names = {name for rows in (1, 300) for name in kernels(executable, rows, 2048)}
        assert not any("f24" in name for name in names)


def test_the_same_bits_each_time(seven: bool) -> None:
    x, w = data(0, 100, 64), data(1, 64, 300)
    for threads in (1, 2, 3):
        executable = Executable(product(w), threads, (WIDE or [None])[-1])
        found = [executable.run([x])[0].copy() for _ in range(4)]
        assert all(np.array_equal(found[0], again) for again in found)
