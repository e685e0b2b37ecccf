"""Slices: bounds, masks, symbols, extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.dim import Sym, bounds, dim_max, dim_min, symbol, unknown
from vinoc.ir.dtype import f32
from vinoc.ir.dtype import i64 as t64
from vinoc.ir.errors import InferenceError
from vinoc.ir.graph import Graph
from vinoc.ir.kernels.slicing import part
from vinoc.ir.ops.slicing import sliced_dim
from vinoc.ir.types import TensorType

from .checked import i64, infer, iota, known, make, one, openvino, run

N, M = symbol("N"), symbol("M")
K = symbol("K", 4)
MIN, MAX = -(2**63), 2**63 - 1


@pytest.mark.parametrize(
    ("size", "start", "stop", "step", "expected"),
    [
        (N, 0, MAX, 1, N),
        (N, 0, 2**31 - 1, 1, N),
        (N, 0, N, 1, N),
        (N, MIN, MAX, 1, N),
        (N, MAX, MIN, -1, N),
        (N, -1, MIN, -1, N),
        (N, 0, MAX, 2, (N + 1) // 2),
        (2 * N, 0, MAX, 2, N),
        (2 * N, 1, MAX, 2, N),
        (K, 1, MAX, 1, K - 1),
        (K, 0, -1, 1, K - 1),
        (K, 1, -1, 1, K - 2),
        (K, -3, MAX, 1, 3),
        (K, -3, -1, 1, 2),
        (K, 0, 3, 1, 3),
        (K, 1, 3, 1, 2),
        (N, 0, 3, 1, dim_min(3, N)),
        (N, -1, MAX, 1, dim_min(1, N)),
        (N, 0, M, 1, dim_min(M, N)),
        (N + M, M, MAX, 1, N),
        (N + M, 0, M, 1, M),
        (N, 1, MAX, 1, dim_max(0, N - 1)),
        (10, 0, M, 1, dim_min(10, M)),
        (unknown(), 0, 4, 1, unknown(0, 4)),
        (unknown(5), 0, 4, 1, 4),
        (unknown(0, 6), 1, MAX, 1, unknown(0, 5)),
        (N, 0, MAX, M, unknown()),
        (unknown(0, 6), unknown(-9, 9), MAX, 1, unknown(0, 6)),
        (5, MAX, MIN, -1, 5),
        (5, MIN, MAX, 1, 5),
        (5, MIN, MIN, -1, 1),
        (N, N, MIN, -1, N),
    ],
)
def test_sizes(size, start, stop, step, expected):
    assert sliced_dim(size, start, stop, step) == expected


positions = st.one_of(st.integers(-7, 7), st.sampled_from([MIN, MAX, 2**31 - 1]))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 6), positions, positions, st.sampled_from([1, 2, 3, -1, -2, -3]))
def test_a_symbolic_size_covers_every_number(n, start, stop, step):
    exact = np.arange(n)[part(start, stop, step, n)].size
    assert sliced_dim(n, start, stop, step) == exact
    for size in (symbol("S"), symbol("S", n, n + 3), unknown(0, n), unknown(n)):
        d = sliced_dim(size, start, stop, step)
        lo, hi = bounds(d)
        assert lo <= exact <= hi, f"{size}[{start}:{stop}:{step}] is {d}, for {n} it is {exact}"
        if not isinstance(d, Sym) and isinstance(size, Sym):
            other = int(min(size.hi, n + 2))
            assert d == sliced_dim(other, start, stop, step)


def test_step_zero():
    with pytest.raises(InferenceError, match="step 0"):
        sliced_dim(4, 0, 1, 0)


def test_slice_shapes():
    op = make("Slice")
    one_step = i64(1)
    assert one(op, (f32, (N, 5)), i64(1), i64(3), one_step, i64(1)).shape == (N, 2)
    assert one(op, (f32, (K, 5)), i64(1), i64(MAX), one_step).shape == (K - 1, 5)
    assert one(op, (f32, (N, 5)), (t64, (1,)), i64(3), one_step, i64(1)).shape == (N, unknown(0, 3))
    assert one(op, (f32, (N, 5)), i64(0), i64(3), one_step, (t64, (1,))).shape == (unknown(), unknown(0, 5))
    assert one(op, (f32, None), i64(0), i64(3), one_step).shape is None
    with pytest.raises(InferenceError, match="`stop` has 2 entries"):
        infer(op, (f32, (4, 5)), i64(0), i64(3, 2), one_step)
    with pytest.raises(InferenceError, match="out of range"):
        infer(op, (f32, (4, 5)), i64(0), i64(3), one_step, i64(2))
    with pytest.raises(InferenceError, match="rank 1"):
        infer(op, (f32, (4,)), i64(0, 0), i64(1, 1), i64(1, 1))
    assert known(op, (N, 3, M), i64(-2), i64(MAX), one_step).tolist() == [3, M]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_slice_as_openvino(data):
    shape = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    axes = data.draw(st.permutations(range(len(shape))).map(lambda p: p[: max(1, len(p) - 1)]))
    start, stop, step = [], [], []
    for axis in axes:
        n = shape[axis]
        step.append(data.draw(st.sampled_from([1, 2, -1, -2])))
        start.append(data.draw(st.one_of(st.integers(-n - 2, n + 2), st.sampled_from([MIN, MAX]))))
        stop.append(data.draw(st.one_of(st.integers(-n - 2, n + 2), st.sampled_from([MIN, MAX]))))
    args = iota(*shape), i64(*start), i64(*stop), i64(*step), i64(*axes)
    ours = run(make("Slice"), *args)[0]
    if ours.size:
        np.testing.assert_array_equal(ours, openvino(make("Slice"), *args)[0])


def test_strided_slice_shapes():
    op = make("StridedSlice")
    assert one(op, (f32, (N, 5)), i64(0, 1), i64(N_END := 2**31 - 1, 3), i64(1, 1)).shape == (N, 2)
    assert N_END > 0
    masked = make("StridedSlice", begin_mask=(1, 0), end_mask=(1, 1))
    assert one(masked, (f32, (N, 5)), (t64, (2,)), (t64, (2,)), i64(1, 1)).shape == (N, unknown(0, 5))
    assert one(masked, (f32, (N, 5)), i64(0, -2), i64(0, 0), i64(-1, 1)).shape == (N, 2)
    shrink = make("StridedSlice", shrink_axis_mask=(1,))
    assert one(shrink, (f32, (N, 5)), i64(-1), i64(0), i64(1)).shape == (5,)
    assert one(shrink, (f32, (N, 5)), (t64, (1,)), i64(0), i64(1)).shape == (5,)
    fancy = make("StridedSlice", ellipsis_mask=(0, 1), new_axis_mask=(1,), end_mask=(0, 0, 0))
    assert one(fancy, (f32, (N, M, 5)), i64(0, 0, 1), i64(0, 0, 3)).shape == (1, N, M, 2)
    assert one(op, (f32, None), i64(0), i64(1)).shape is None
    assert known(shrink, (N, 3, M), i64(2), i64(3), i64(1)).tolist() == M
    assert known(op, (N, 3, M), i64(1), i64(MAX), i64(1)).tolist() == [3, M]
    with pytest.raises(InferenceError, match="index 5 is out of range"):
        infer(shrink, (f32, (5,)), i64(5), i64(6), i64(1))
    with pytest.raises(InferenceError, match="do not fit rank 1"):
        infer(op, (f32, (5,)), i64(0, 0), i64(1, 1))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_strided_slice_as_openvino(data):
    shape = data.draw(st.lists(st.integers(2, 4), min_size=1, max_size=3))
    count = data.draw(st.integers(1, len(shape)))
    bits = st.lists(st.integers(0, 1), min_size=count, max_size=count)
    begin_mask, end_mask = data.draw(bits), data.draw(bits)
    # OpenVINO reads uninitialised memory where one slice both shrinks and adds dimensions.
    special = data.draw(st.sampled_from(["shrink", "new"]))
    roles = data.draw(st.lists(st.sampled_from(["slice", special]), min_size=count, max_size=count))
    if data.draw(st.booleans()):
        roles[data.draw(st.integers(0, count - 1))] = "ellipsis"
    step = [1 if role != "slice" else data.draw(st.sampled_from([1, 2, -1])) for role in roles]
    begin = [data.draw(st.integers(-2, 1) if r == "shrink" else st.integers(-6, 6)) for r in roles]
    end = [data.draw(st.integers(-3, 5)) for _ in roles]
    masks = {f"{r}_mask": tuple(int(x == k) for x in roles) for r, k in (("new_axis", "new"), ("ellipsis", "ellipsis"))}
    shrink = tuple(int(r == "shrink") for r in roles)
    begin_mask = [0 if r == "shrink" else b for r, b in zip(roles, begin_mask, strict=True)]
    op = make("StridedSlice", begin_mask=begin_mask, end_mask=end_mask, shrink_axis_mask=shrink, **masks)
    args = iota(*shape), i64(*begin), i64(*end), i64(*step)
    ours = run(op, *args)[0]
    if ours.size:
        np.testing.assert_array_equal(ours, openvino(op, *args)[0])


def test_a_string_taken_by_an_index_stays_an_array():
    x = np.array(["ab", "cd"], object)
    out = run(make("StridedSlice", shrink_axis_mask=(1,)), x, i64(1), i64(2), i64(1))[0]
    assert out.shape == ()
    assert out.item() == "cd"


def test_slice_scatter():
    op = make("SliceScatter")
    x = iota(3, 4)
    args = i64(0, -1), i64(3, MIN), i64(2, -2), i64(0, 1)
    expected = x.copy()
    expected[0:3:2, ::-2] = -iota(2, 2)
    np.testing.assert_array_equal(run(op, x, -iota(2, 2), *args)[0], expected)
    assert one(op, (f32, (N, 4)), (f32, None), (t64, (1,)), i64(1), i64(1)).shape == (N, 4)
    with pytest.raises(InferenceError, match="do not fit the slice"):
        infer(op, (f32, (3, 4)), (f32, (2, 4)), i64(0), i64(1), i64(1))


def test_a_slice_to_the_size_of_another_tensor():
    """x[:, :y.shape[1]] has the symbol of y's dimension where that is the smaller."""
    graph = Graph()
    x = graph.add_input(TensorType(f32, (N + M, 3)))
    y = graph.add_input(TensorType(f32, (M,)))
    stop = graph.insert(make("ShapeOf"), [y]).output
    start = graph.add_input(TensorType(t64, (1,)))
    step = graph.add_input(TensorType(t64, (1,)))
    start.known, step.known = i64(0), i64(1)
    assert graph.insert(make("Slice"), [x, start, stop, step]).output.type.shape == (M, 3)


def test_a_backwards_slice_that_starts_before_the_first_element_takes_it():
    """As OpenVINO and ONNX do; Python takes nothing."""
    x = iota(5)
    for start in (-5, -6, MIN):
        assert run(make("Slice"), x, i64(start), i64(MIN), i64(-1))[0].tolist() == [0]
        assert openvino(make("Slice"), x, i64(start), i64(MIN), i64(-1))[0].tolist() == [0]
