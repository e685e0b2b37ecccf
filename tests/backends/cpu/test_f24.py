"""Products of few rows with large weights, of which 24 bits are kept."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.codegen.target import Target
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering import rounded as policy
from vinoc.backends.cpu.lowering.plan import Call
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph

from .checked import ENDS, assert_close, build, data, ended, targets

LARGEST = float(np.finfo(np.float32).max)
WIDE = [t for t in targets() if t.lanes > 4]
"""Those that gain by it."""


def rounded(w: np.ndarray) -> np.ndarray:
    """To multiples of 2^-15 of the power of two below, or of 2^-141; towards zero where that leaves the range."""
    with np.errstate(invalid="ignore"):
        _, exponent = np.frexp(w.astype(np.float64))
        step = np.ldexp(1.0, np.maximum(exponent - 16, -141))
        near = np.rint(w / step) * step
        near = np.where(np.abs(near) > LARGEST, np.trunc(w / step) * step, near)
    return np.where(np.isfinite(w), near, w).astype(np.float32)


def kernels(executable: Executable) -> list[str]:
    program: Any = executable.program([v.shape for v in executable.graph.inputs])  # type: ignore[misc]
    return [s.kernel.name for s in program.plan.steps if isinstance(s, Call)]


def product(x: np.ndarray, w: np.ndarray, transposed: bool = False) -> Graph:
    stored = np.ascontiguousarray(w.T) if transposed else w
    return build(lambda b, v: b.MatMul(v, stored, transpose_b=transposed), x)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 2), min_size=0, max_size=2),
    st.sampled_from([1, 2, 3, 6]),
    st.sampled_from([1, 5, 8, 40, 130, 260]),
    st.sampled_from([1, 5, 8, 16, 31, 33, 70]),
    st.booleans(),
    st.sampled_from(ENDS),
)
def test_it_is_the_product_with_rounded_weights(
    batch: list[int], rows: int, depth: int, columns: int, transposed: bool, end: str
) -> None:
    x, bias, w = data(0, *batch, rows, depth), data(2, columns), data(1, depth, columns) / np.float32(depth**0.5)

    def graph(weights: np.ndarray) -> Graph:
        def make(b: Any, value: Any) -> Any:
            stored = np.ascontiguousarray(weights.T) if transposed else weights
            return ended(b, lambda: b.MatMul(value, stored, transpose_b=transposed), bias, end)

        return build(make, x)

    (want,) = Interpreter(graph(rounded(w))).run([x])
    with mock.patch.multiple(policy, LEAST=1, TOGETHER=1):
        for target in WIDE:
            few = 3 * (x.size // depth) <= 2 * target.rows
            for threads in (1, 2, 3):
                executable = Executable(graph(w), threads, target)
                (got,) = executable.run([x])
                assert ("gemm_f24" in kernels(executable)) == few
                assert_close(want, got, 4e-6 if few else 4e-5, f"{target.name}, {threads} threads")


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("target", WIDE, ids=lambda t: t.name)
def test_every_kind_of_number_is_rounded_to_the_nearest(target: Target, transposed: bool) -> None:
    """A product with 1 by random bits, which have all exponents, NaN and infinities, and by the ends of the ranges."""
    count = policy.TOGETHER
    bits = np.random.default_rng(0).integers(0, 1 << 32, count, np.uint32)
    ends = [0, 1, 0x7F, 0x80, 0x81, 0x180, 0x7FFFFF, 0x800000, 0x3F80007F, 0x3F800080, 0x3F800180, 0x3FFFFF80]
    ends += [0x7F7FFF7F, 0x7F7FFF80, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF]
    bits[: 2 * len(ends)] = [end | sign for end in ends for sign in (0, 1 << 31)]
    w = bits.view(np.float32).reshape(1, -1)
    x = np.ones((1, 1), np.float32)
    executable = Executable(product(x, w, transposed), 1, target)
    (got,) = executable.run([x])
    assert "gemm_f24" in kernels(executable)
    want = rounded(w) + np.float32(0)  # a sum that begins with 0 has no -0
    np.testing.assert_array_equal(got, want)
    normal = np.isfinite(w) & (np.abs(w) >= 2.0**-126)
    error = np.abs(got[normal].astype(np.float64) - w[normal]) / np.abs(w[normal])
    assert 0.9 * 2.0**-16 < error[np.abs(w[normal]) < LARGEST * (1 - 2.0**-16)].max() <= 2.0**-16
    assert error.max() < 2.0**-15, "the largest of all are cut off"
    assert np.isfinite(got[np.isfinite(w)]).all()


def test_the_same_bits_with_any_number_of_threads() -> None:
    x, w = data(0, 2, 2100), data(1, 2100, 2001)
    for target in WIDE:
        engines = [Executable(product(x, w), threads, target) for threads in (1, 2, 3)]
        one, *others = (engine.run([x])[0] for engine in engines)
        assert all(kernels(engine) == ["gemm_f24"] for engine in engines)
        for other in others:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("target", targets(), ids=lambda t: t.name)
def test_where_it_is_done(target: Target) -> None:
    def kernel(rows: int, depth: int, columns: int, accuracy: bool = False, exact: bool = False) -> str:
        graph = product(data(0, rows, depth), data(1, depth, columns))
        (name,) = kernels(Executable(graph, 1, target, accuracy=accuracy, exact=exact))
        return name

    wide = "gemm_f24" if target.lanes > 4 else "gemm"
    most = 2 * target.rows // 3
    assert kernel(1, 2048, 2048) == wide
    assert kernel(most, 2048, 2048) == wide
    assert kernel(most + 1, 2048, 2048) == "gemm", "many rows: the arithmetic takes longer than the weights"
    assert kernel(1, 2048, 2047) == "gemm", "few weights stay in the caches"
    assert kernel(1, 2048, 2048, accuracy=True) == "gemm"
    assert kernel(1, 2048, 2048, exact=True) == "gemm"


@pytest.mark.parametrize("target", WIDE, ids=lambda t: t.name)
def test_products_of_a_model_count_together(target: Target) -> None:
    weights = data(1, 512, 1024), data(2, 1024, 511), data(3, 511, 512)

    def found(layers: int) -> list[str]:
        def make(b: Any, x: Any) -> Any:
            for w in weights * layers:
                x = b.MatMul(b.ReLU(x), w)
            return x

        names = kernels(Executable(build(make, data(0, 1, 512)), 1, target))
        return [name for name in names if name.startswith("gemm")]

    assert set(found(3)) == {"gemm"}
    assert found(4) == ["gemm_f24", "gemm", "gemm"] * 4, "small matrices stay in the caches"


def test_the_panels_take_three_quarters_of_the_memory() -> None:
    x, w = data(0, 1, 2048), data(1, 2048, 2080)
    executable = Executable(product(x, w), 1, WIDE[0] if WIDE else None)
    program: Any = executable.program([x.shape])
    (step,) = program.plan.steps
    assert step.args["b"].nbytes == (3 if WIDE else 4) * w.size
