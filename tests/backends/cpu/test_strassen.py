"""Strassen's algorithm for products with constant matrices, against the reference and the plain product."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.codegen.target import TARGETS
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering import strassen
from vinoc.backends.cpu.lowering.plan import Call
from vinoc.ir import Graph

from .checked import build, check, data, targets


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """All products that can be computed so are."""
    monkeypatch.setattr(strassen, "pays", lambda *_: True)


def kernels(graph: Graph, executable: Executable, *inputs: np.ndarray) -> list[str]:
    """Of the plan for such inputs."""
    return [s.kernel.name for s in executable.program([a.shape for a in inputs]).plan.steps if isinstance(s, Call)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batch=st.lists(st.integers(1, 3), max_size=2),
    rows=st.sampled_from([1, 2, 3, 12, 25, 49, 128, 197]),
    depth=st.integers(1, 70).map(lambda n: 2 * n),
    columns=st.sampled_from([1, 5, 8, 16, 31, 32, 33, 64, 70, 100, 129]),
    transposed=st.booleans(),
    end=st.sampled_from(["", "bias", "one bias", "relu", "gelu", "residual", "all"]),
)
def test_shapes(always: None, batch, rows, depth, columns, transposed, end) -> None:
    """Odd numbers of rows and of panels, columns that are no whole vectors, and what follows a product."""
    x, w, bias = data(0, *batch, rows, depth), data(1, depth, columns), data(2, 1 if end == "one bias" else columns)

    def make(b: Any, value: Any) -> Any:
        y = b.MatMul(value, np.ascontiguousarray(w.T) if transposed else w, transpose_b=transposed)
        if "bias" in end or end == "all":
            y = b.Add(y, bias)
        if end in ("residual", "all"):
            y = b.Add(y, b.MatMul(value, w * 2))
        if end in ("relu", "all"):
            y = b.ReLU(y)
        return b.Multiply(b.Tanh(y), bias) if end in ("gelu", "all") else y

    check(make, x, tolerance=5e-6)
    graph = build(make, x)
    assert "strassen" in kernels(graph, Executable(graph, 1, targets()[0]), x)


def test_blocks_of_rows_and_views(always: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than a block has; a matrix that is part of a wider one, and one that lies in columns."""
    w = data(1, 24, 40)
    check(lambda b, x: b.MatMul(x, w), data(0, 1000, 24), tolerance=5e-6)
    check(lambda b, x: b.MatMul(b.Split(x, 1, num_splits=2)[1], w), data(0, 60, 48), tolerance=5e-6)
    check(lambda b, x: b.MatMul(b.Transpose(x, [1, 0]), w), data(0, 24, 61), tolerance=5e-6)
    check(lambda b, x: b.Concat(b.MatMul(x, w), b.MatMul(x, w * 2), axis=1), data(0, 30, 24), tolerance=5e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_values_that_are_not_finite_do_not_spread(always: None, value: float) -> None:
    """They reach the rows and columns that hold them, and no others; nor do sums of blocks that overflow."""
    x, w = data(0, 61, 20), data(1, 20, 70)
    x[3, 4] = x[40, 15] = x[60, 1] = value
    x[3, 14] = 3e38
    check(lambda b, v: b.ReLU(b.Add(b.MatMul(v, w / 100), b.MatMul(v, w / 50))), x, tolerance=5e-6)
    w[5, 3] = w[15, 60] = value
    check(lambda b, v: b.MatMul(v, w), data(2, 61, 20), tolerance=5e-6)


def test_same_bits_each_time(always: None) -> None:
    x, w = data(0, 100, 64), data(1, 64, 96)
    graph = build(lambda b, v: b.MatMul(v, w), x)
    for threads in (1, 2, 3):
        executable = Executable(graph, threads, targets()[-1])
        found = [executable.run([x])[0].copy() for _ in range(4)]
        assert all(np.array_equal(found[0], again) for again in found)


def test_left_operand_is_summed_once(always: None) -> None:
    x, w = data(0, 50, 32), data(1, 32, 64)
    graph = build(lambda b, v: (b.MatMul(v, w), b.MatMul(v, w * 2)), x)
    found = kernels(graph, Executable(graph, 1, targets()[0]), x)
    assert (found.count("strassen_left"), found.count("strassen")) == (1, 2)


def test_accuracy_rules_it_out() -> None:
    x, w = data(0, 512, 512), data(1, 512, 512)
    graph = build(lambda b, v: b.MatMul(v, w), x)
    target = targets()[-1]
    assert "strassen" in kernels(graph, Executable(graph, 1, target), x)
    assert "strassen" not in kernels(graph, Executable(graph, 1, target, accuracy=True), x)


def test_sums_of_levels_stay_exact() -> None:
    """Quantized data are multiplied plainly."""
    x, w = data(0, 512, 512), data(1, 512, 512)
    limits = [np.float32(v) for v in (-4, 3.96875, -4, 3.96875)]
    graph = build(lambda b, v: b.MatMul(b.FakeQuantize(v, *limits, levels=256), w), x)
    assert "strassen" not in kernels(graph, Executable(graph, 1, targets()[-1], integers=False), x)


@pytest.mark.parametrize("name", ["sse2", "avx2", "avx512", "neon"])
def test_where_it_pays(name: str) -> None:
    """Large products of many rows; neither a few rows, nor a short sum, nor threads that would have nothing to do."""
    target = TARGETS[name]
    panels = 768 // target.width
    assert strassen.pays(target, 128, 768, panels, 1)
    assert strassen.pays(target, 197, 768, panels, 2)
    assert not strassen.pays(target, 16, 768, panels, 1)
    assert not strassen.pays(target, 512, 32, panels, 1)
    assert not strassen.pays(target, 128, 768, 2, 4)
    assert not strassen.pays(target, 128, 768, 1, 1)


def test_rounding() -> None:
    """The error of a large product stays below 1e-6 of its range, about that of the plain one."""
    x, w = data(0, 192, 768), data(1, 768, 512)
    want = x.astype(np.float64) @ w
    graph = build(lambda b, v: b.MatMul(v, w), x)
    found = Executable(graph, 1, targets()[-1]).run([x])[0]
    assert np.abs(found - want).max() <= 3e-6 * np.ptp(want)


def test_zeros_stay_zeros_beside_data(always: None) -> None:
    """Rows of padding, and columns that were pruned, do not take up rounding errors of what they are summed with."""
    x, w = data(0, 61, 64), data(1, 64, 70)
    x[20:40] = 0
    w[:, 2] = w[:, 50] = 0
    x[60] *= 1e-12
    want = x.astype(np.float64) @ w
    graph = build(lambda b, v: b.MatMul(v, w), x)
    for target in targets():
        found = Executable(graph, 2, target).run([x])[0]
        assert not found[20:40].any()
        assert not found[:, [2, 50]].any()
        np.testing.assert_allclose(found[60], want[60], atol=2e-6 * np.abs(want[60]).max(), rtol=0)
