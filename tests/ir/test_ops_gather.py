"""Gathering, scattering, sorting, selecting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.builder import Builder
from vinoc.ir.dim import symbol, unknown
from vinoc.ir.dtype import f32
from vinoc.ir.dtype import i32 as t32
from vinoc.ir.dtype import i64 as t64
from vinoc.ir.errors import EvaluationError, InferenceError
from vinoc.ir.graph import Graph

from .checked import i32, i64, infer, iota, known, make, one, openvino, run, scalar

N, M = symbol("N"), symbol("M")
ZERO = scalar(0, np.int64)
ONE = scalar(1, np.int64)


def same_as_openvino(op, *args):
    for ours, theirs in zip(run(op, *args), openvino(op, *args), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_gather_shapes():
    op = make("Gather")
    assert one(op, (f32, (N, M, 4)), (t64, (3,)), ONE).shape == (N, 3, 4)
    assert one(op, (f32, (N, M, 4)), (t64, ()), scalar(-1, np.int64)).shape == (N, M)
    assert one(op, (f32, (N, 4)), (t64, (M, 2)), ZERO).shape == (M, 2, 4)
    assert one(op, (f32, (N, 4)), (t64, (2,)), (t64, ())).shape == (unknown(), unknown())
    assert one(op, (f32, None), (t64, (2,)), ZERO).shape is None
    batched = make("Gather", batch_dims=1)
    assert one(batched, (f32, (N, 4, 5)), (t64, (2, 3)), ONE).shape == (2, 3, 5)
    assert one(make("Gather", batch_dims=-1), (f32, (2, 4, 5)), (t64, (2, 3)), ONE).shape == (2, 3, 5)
    with pytest.raises(InferenceError, match="index 4 is out of range for a dimension of 4"):
        infer(op, (f32, (4,)), i64(0, 4), ZERO)
    with pytest.raises(InferenceError, match="axis 2 is out of range"):
        infer(op, (f32, (4,)), i64(0), scalar(2, np.int64))
    with pytest.raises(InferenceError, match="beyond axis 0"):
        infer(batched, (f32, (2, 4)), (t64, (2, 3)), ZERO)
    with pytest.raises(InferenceError, match="expected integers"):
        infer(op, (f32, (4,)), (f32, (1,)), ZERO)


def test_gather_of_dimensions():
    op = make("Gather")
    assert known(op, (N, M, 3), scalar(1, np.int64), ZERO).item() == M
    assert known(op, (N, M, 3), i64(-1, 0), ZERO).tolist() == [3, N]


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_gather_as_openvino(data):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    axis = data.draw(st.integers(0, len(shape) - 1))
    batch = data.draw(st.integers(0, axis))
    tail = data.draw(st.lists(st.integers(1, 3), max_size=2))
    n = shape[axis]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    indices = rng.integers(-n, n, (*shape[:batch], *tail))
    axis = axis - len(shape) if data.draw(st.booleans()) else axis
    same_as_openvino(make("Gather", batch_dims=batch), iota(*shape), indices, scalar(axis, np.int64))


def test_gather_out_of_range_is_refused():
    with pytest.raises(IndexError, match="out of bounds"):
        make("Gather").evaluate(iota(3), i64(3), ZERO)
    builder = Builder(Graph(), fold=True)
    index = builder.const(i64(0))
    with pytest.raises((InferenceError, EvaluationError), match=r"range|bounds"):
        builder.Gather(iota(3), builder.Add(index, i64(-4)), ZERO)


def test_gather_of_strings_is_an_array():
    (out,) = run(make("Gather"), np.array(["a", "bc"], object), scalar(1, np.int64), ZERO)
    assert out.dtype == object
    assert out.shape == ()


def test_gather_elements():
    op = make("GatherElements", axis=1)
    assert one(op, (f32, (N, 4)), (t64, (2, M))).shape == (2, M)
    assert one(op, (f32, None), (t64, (2, M))).shape == (2, M)
    assert one(op, (f32, (2, M)), (t64, None)).shape == (unknown(), unknown())
    with pytest.raises(InferenceError, match="rank"):
        infer(op, (f32, (2, 4)), (t64, (2,)))
    with pytest.raises(InferenceError, match="differs"):
        infer(op, (f32, (2, 4)), (t64, (3, 4)))
    same_as_openvino(op, iota(2, 4), np.array([[0, 3, -1], [2, 2, 0]], np.int64))


def test_gather_nd():
    op = make("GatherND")
    assert one(op, (f32, (N, M, 4)), (t64, (5, 2))).shape == (5, 4)
    assert one(op, (f32, (N, M, 4)), (t64, (5, N))).shape is None
    assert one(make("GatherND", batch_dims=1), (f32, (N, M, 4)), (t64, (2, 5, 1))).shape == (2, 5, 4)
    with pytest.raises(InferenceError, match="too deep"):
        infer(op, (f32, (2,)), (t64, (1, 2)))
    with pytest.raises(InferenceError, match="index 3 is out of range for a dimension of 3"):
        infer(op, (f32, (2, 3)), np.array([[1, 3]]))
    same_as_openvino(op, iota(2, 3, 4), np.array([[0, 1], [1, -1]], np.int64))
    same_as_openvino(op, iota(2, 3), np.array([[[0, 1]], [[1, 2]]], np.int64))
    same_as_openvino(make("GatherND", batch_dims=1), iota(2, 3, 4), np.array([[[0], [2]], [[1], [1]]], np.int64))
    same_as_openvino(make("GatherND", batch_dims=2), iota(2, 2, 4), np.array([[[0], [2]], [[1], [3]]], np.int64))


def test_gather_tree():
    op = make("GatherTree")
    steps = i32(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 10, 2, 3).reshape(4, 1, 4).astype(np.float32)
    parents = i32(0, 0, 0, 0, 1, 0, 2, 3, 2, 1, 0, 3, 0, 1, 2, 2).reshape(4, 1, 4).astype(np.float32)
    for longest, end in ((3, 10), (4, 11), (2, 4)):
        same_as_openvino(op, steps, parents, np.array([longest], np.float32), scalar(end))
    assert one(op, (t32, (N, 2, 3)), (t32, (4, 2, 3)), (t32, (2,)), (t32, ())).shape == (4, 2, 3)


def test_scatter_update():
    op = make("ScatterUpdate")
    assert one(op, (f32, (N, 4)), (t64, (2,)), (f32, (2, 4)), ZERO).shape == (N, 4)
    assert known(op, (N, M, 3), i64(1), i64(7), ZERO).tolist() == [N, 7, 3]
    with pytest.raises(InferenceError, match="updates f32"):
        infer(op, (f32, (3, 4)), (t64, (2,)), (f32, (3, 4)), ZERO)
    same_as_openvino(op, iota(3, 4), i64(2, 0), -iota(2, 4), ZERO)
    same_as_openvino(op, iota(3, 4), np.array([[1], [3]], np.int64), -iota(3, 2, 1), ONE)
    assert run(op, iota(3), scalar(1, np.int64), scalar(9), ZERO)[0].tolist() == [0, 9, 2]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_scatter_elements_as_openvino(data):
    reduction = data.draw(st.sampled_from(["none", "sum", "prod", "min", "max", "mean"]))
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    axis = data.draw(st.integers(0, len(shape) - 1))
    dtype = data.draw(st.sampled_from([np.float32, np.int32]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.integers(-9, 9, shape).astype(dtype)
    size = list(shape)
    if reduction == "none":  # of several updates for one place the last counts, or none is: no duplicates
        indices = np.broadcast_to(
            rng.permutation(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape
        ).astype(np.int64)
    else:
        size[axis] = data.draw(st.integers(1, 5))
        indices = rng.integers(-shape[axis], shape[axis], size).astype(np.int64)
    updates = rng.integers(-9, 9, size).astype(dtype)
    init = data.draw(st.booleans()) or reduction == "none"
    op = make("ScatterElementsUpdate", reduction=reduction, use_init_val=init)
    same_as_openvino(op, x, indices, updates, scalar(axis, np.int64))


def test_scatter_elements():
    op = make("ScatterElementsUpdate", reduction="sum")
    bits = np.array([True, False])
    assert run(op, bits, i64(0, 1), bits[::-1], ZERO)[0].tolist() == [True, True]
    assert one(op, (f32, (N, 4)), (t64, (2, 3)), (f32, (2, M)), ONE).shape == (N, 4)
    assert run(op, scalar(1, np.float16).reshape(1), i64(0), scalar(2, np.float16).reshape(1), ZERO)[0].tolist() == [3]
    for bad in (((t64, (2,)), (f32, (2,))), ((t64, (2, 3)), (f32, (3, 3)))):
        with pytest.raises(InferenceError):
            infer(op, (f32, (4, 4)), *bad, ONE)
    with pytest.raises(InferenceError, match="no mean"):
        infer(make("ScatterElementsUpdate", reduction="mean"), bits, i64(0, 1), bits, ZERO)


@pytest.mark.parametrize("reduction", ["none", "sum", "sub", "prod", "min", "max"])
def test_scatter_nd_as_openvino(reduction):
    op = make("ScatterNDUpdate", reduction=reduction)
    points = [[0, 1], [2, -1]] if reduction == "none" else [[0, 1], [2, -1], [0, 1]]
    x = iota(3, 4, 2)
    same_as_openvino(op, x, np.array(points, np.int64), -3 * iota(len(points), 2) + 4)
    same_as_openvino(op, x, np.array([[1]], np.int64), -iota(1, 4, 2))


def test_scatter_nd_shapes():
    op = make("ScatterNDUpdate")
    assert one(op, (f32, (N, 4)), (t64, (5, 1)), (f32, (5, 4))).shape == (N, 4)
    assert one(op, (f32, (N, 4)), (t64, (5, M)), (f32, None)).shape == (N, 4)
    assert known(op, (N, M), np.array([[0]], np.int64), i64(5)).tolist() == [5, M]
    with pytest.raises(InferenceError, match="index -4 is out of range"):
        infer(op, (f32, (3, 4)), np.array([[-4]]), (f32, (1, 4)))
    with pytest.raises(InferenceError, match="do not fit"):
        infer(op, (f32, (3, 4)), (t64, (5, 1)), (f32, (5, 3)))


def test_nonzero():
    op = make("NonZero")
    x = np.array([[0, 1, 0], [2, 0, 3]], np.float32)
    same_as_openvino(op, x)
    assert run(op, np.array(5.0, np.float32))[0].tolist() == [[0]]
    assert run(op, np.array(0.0, np.float32))[0].shape == (1, 0)
    assert run(op, np.array([True, False]))[0].tolist() == [[0]]
    assert run(make("NonZero", output_type=t32), np.zeros((2, 3)))[0].shape == (2, 0)
    assert one(op, (f32, (N, 3))).shape == (2, unknown())
    assert one(op, (f32, (2, 3))).shape == (2, unknown(0, 6))
    assert one(op, (f32, None)).shape[0].lo == 1


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_top_k_as_openvino(data):
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(np.prod(shape)).reshape(shape)
    k = data.draw(st.integers(1, shape[axis]))
    mode, sort = data.draw(st.sampled_from(["max", "min"])), data.draw(st.sampled_from(["value", "index"]))
    op = make("TopK", axis=axis, mode=mode, sort=sort, index_element_type=data.draw(st.sampled_from([t32, t64])))
    same_as_openvino(op, x.astype(np.float32), scalar(k, np.int64))


def test_top_k():
    op = make("TopK", axis=-1, mode="max", sort="value")
    values, indices = run(op, i32(1, 3, 3, -(2**31), 2), scalar(5, np.int64))
    assert values.tolist() == [3, 3, 2, 1, -(2**31)]
    assert indices.tolist() == [1, 2, 4, 0, 3]
    assert run(make("TopK", axis=0, mode="min", sort="value"), i32(2, 1, 1), scalar(2, np.int64))[1].tolist() == [1, 2]
    assert run(op, np.array([0, 255, 3], np.uint8), scalar(1, np.int64))[0].tolist() == [255]
    assert [t.shape for t in infer(op, (f32, (N, M)), scalar(3, np.int64))] == [(N, 3)] * 2
    assert [t.shape for t in infer(op, (f32, (N, 5)), (t64, ()))] == [(N, unknown(0, 5))] * 2
    assert [t.shape for t in infer(op, (f32, None), ONE)] == [None, None]
    with pytest.raises(InferenceError, match="top 4"):
        infer(op, (f32, (3,)), scalar(4, np.int64))
    with pytest.raises(InferenceError, match="one element"):
        infer(op, (f32, (3,)), i64(1, 2))


def test_unique():
    x = np.array([[2, 1, 1], [2, 1, 1], [0, 5, 5]], np.int32)
    for ordered in (True, False):
        op = make("Unique", sorted=ordered)
        same_as_openvino(op, x)
        same_as_openvino(op, x, ZERO)
        same_as_openvino(op, x, ONE)
    op = make("Unique", index_element_type=t32)
    shapes = [t.shape for t in infer(op, (f32, (N, 3)), ZERO)]
    assert shapes == [(unknown(), 3), (unknown(),), (N,), (unknown(),)]
    assert [t.shape for t in infer(op, (f32, (2, 3)))] == [(unknown(1, 6),), (unknown(1, 6),), (6,), (unknown(1, 6),)]
    assert run(make("Unique", sorted=False), np.array(["b", "a", "b"], object))[0].tolist() == ["b", "a"]


@pytest.mark.parametrize("kind", ["bf16", "f16", "i4"])
def test_narrow_types(kind):
    from vinoc.ir.dtype import dtype

    x = np.array([1, 3, 2, 0]).astype(dtype(kind).numpy)
    assert run(make("TopK", axis=0, mode="max", sort="value"), x, scalar(2, np.int64))[1].tolist() == [1, 2]
    assert run(make("Gather"), x, i64(1), ZERO)[0].astype(int).tolist() == [3]
    assert run(make("NonZero"), x)[0].tolist() == [[0, 1, 2]]
    assert run(make("Pad"), x, i64(1), i64(0))[0].astype(int).tolist() == [0, 1, 3, 2, 0]
    added = run(make("ScatterElementsUpdate", reduction="sum"), x, i64(0, 0), x[:2], ZERO)[0]
    assert added.astype(int).tolist() == [5, 3, 2, 0]
