"""Reductions, soft maxima and normalizations against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call
from vinoc.backends.numpy import Interpreter

from .checked import assert_close, build, check, data, targets


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    """A shape, axes, and an order in which the data lies."""
    shape = draw(st.lists(st.sampled_from([1, 2, 3, 5, 17, 40]), min_size=1, max_size=4))
    while np.prod(shape) > 30000:
        shape[int(np.argmax(shape))] = 3
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    return shape, axes, draw(st.permutations(range(len(shape))))


def turned(b, v, order):
    """`v` transposed, by a view: the operation meets strides."""
    return b.Transpose(v, list(order))


def source(shape: list[int], order: list[int]) -> np.ndarray:
    x = data(0, *shape)
    return np.ascontiguousarray(x.transpose(np.argsort(order)))


REDUCTIONS = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"]


@settings(max_examples=40, deadline=None)
@given(cases(), st.sampled_from(REDUCTIONS), st.booleans())
def test_reductions(case: tuple, kind: str, keep: bool) -> None:
    shape, axes, order = case

    def make(b, v):
        return getattr(b, kind)(turned(b, v, order), np.array(axes), keep_dims=keep)

    check(make, source(shape, order), threads=(1, 2), tolerance=3e-6 if kind != "ReduceProd" else 1e-5)


@settings(max_examples=25, deadline=None)
@given(cases(), st.sampled_from(["SoftMax", "LogSoftmax"]))
def test_soft_maxima(case: tuple, kind: str) -> None:
    shape, axes, order = case
    check(lambda b, v: getattr(b, kind)(turned(b, v, order), axis=axes[0]), source(shape, order) * 5, threads=(1, 2))


@pytest.mark.parametrize(
    ("part", "kernel"), [(0.25, "softmax_rows"), (0.75, "softmax_columns1"), (3, "softmax_columns")]
)
def test_columns_fill_their_vectors(part: float, kernel: str) -> None:
    """A soft maximum down a few columns, as over keys where heads lie innermost, does not compute idle vectors."""
    for target in targets():
        x = data(3, 2, 30, int(part * target.lanes)) * 5
        graph = build(lambda b, v: b.SoftMax(v, axis=1), x)
        executable = Executable(graph, 1, target)
        (found,) = executable.run([x])
        assert_close(Interpreter(graph).run([x])[0], found, 2e-6, target.name)
        names = [s.kernel.name for s in executable.program([x.shape]).plan.steps if isinstance(s, Call)]
        assert [n for n in names if n.startswith("softmax")] == [kernel]


@settings(max_examples=30, deadline=None)
@given(
    cases(),
    st.booleans(),
    st.sampled_from(["INSIDE_SQRT", "OUTSIDE_SQRT"]),
    st.sampled_from(["", "g", "b", "gb", "gB"]),
)
def test_mean_variance(case: tuple, variance: bool, mode: str, affine: str) -> None:
    shape, axes, order = case
    gamma = data(1, *[n if k in axes else 1 for k, n in enumerate(shape)])
    beta = data(2, *[1 if k in axes and "B" in affine else n for k, n in enumerate(shape)])

    def make(b, v):
        y = b.MVN(turned(b, v, order), np.array(axes), normalize_variance=variance, eps=1e-3, eps_mode=mode)
        y = b.Multiply(y, gamma) if "g" in affine else y
        return b.Add(y, beta) if "b" in affine.lower() else y

    check(make, source(shape, order) + 3, threads=(1, 2), tolerance=1e-5)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_groups(last: bool, groups: int) -> None:
    x = data(0, 2, 6, 5, 7)
    order = [0, 3, 1, 2] if last else [0, 1, 2, 3]

    def make(b, v):
        return b.GroupNormalization(turned(b, v, order), data(1, 6), data(2, 6), num_groups=groups, epsilon=1e-4)

    check(make, np.ascontiguousarray(x.transpose(np.argsort(order))), tolerance=1e-5)


@settings(max_examples=15, deadline=None)
@given(cases(), st.sampled_from(["add", "max"]))
def test_unit_length(case: tuple, mode: str) -> None:
    shape, axes, order = case
    make = lambda b, v: b.NormalizeL2(turned(b, v, order), np.array(axes), eps=0.5, eps_mode=mode)  # noqa: E731
    check(make, source(shape, order), threads=(1, 2))


def test_special_values() -> None:
    x = data(0, 6, 37)
    x[0, 5], x[1, 6], x[2, 36], x[3] = np.nan, np.inf, -np.inf, -np.inf
    for kind in REDUCTIONS:
        check(lambda b, v, k=kind: getattr(b, k)(v, np.array([1])), x, tolerance=1e-5)
        check(lambda b, v, k=kind: getattr(b, k)(v, np.array([0])), x, tolerance=1e-5)
    for axis in (0, 1):
        check(lambda b, v, a=axis: b.SoftMax(v, axis=a), x)
        check(lambda b, v, a=axis: b.LogSoftmax(v, axis=a), x)
        check(lambda b, v, a=axis: b.MVN(v, np.array([a]), eps=1e-3), x, tolerance=1e-5)


def test_a_large_mean_costs_no_digits() -> None:
    check(lambda b, v: b.MVN(v, np.array([1]), eps=1e-6), data(0, 4, 1000) + 1000, tolerance=5e-4)


def test_many_terms() -> None:
    check(lambda b, v: b.ReduceSum(v, np.array([0, 1])), np.abs(data(0, 1000, 317)), tolerance=1e-6)
    check(lambda b, v: b.ReduceSum(v, np.array([0])), np.abs(data(0, 5000, 17)), tolerance=1e-6)


@pytest.mark.parametrize("shape", [(1, 4420, 2), (3, 7, 5, 3), (2, 33, 4), (5, 2), (1, 1, 2)])
@pytest.mark.parametrize("kind", ["SoftMax", "LogSoftmax"])
def test_short_rows(shape: tuple[int, ...], kind: str) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32) * 5
    x.reshape(-1)[:2] = np.inf, np.nan
    with np.errstate(all="ignore"):
        check(lambda b, v: getattr(b, kind)(v, axis=-1), x)
