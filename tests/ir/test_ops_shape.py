"""Shapes as values, reshaping, squeezing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.dim import Sym, symbol, unknown
from vinoc.ir.dtype import f32, i32
from vinoc.ir.dtype import i64 as t64
from vinoc.ir.errors import InferenceError
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType

from .checked import i64, infer, known, make, one, openvino, run

N, M = symbol("N"), symbol("M")


def reshaped(shape, *target, special_zero=True):
    """The shape that data of `shape` takes, for a target of ints and symbols."""
    graph = Graph()
    data = graph.add_input(TensorType(f32, shape))
    value = graph.add_input(TensorType(t64, (len(target),)))
    value.known = np.array(target, object) if any(isinstance(d, Sym) for d in target) else i64(*target)
    return graph.insert(make("Reshape", special_zero=special_zero), [data, value]).output.type.shape


def test_shape_of_follows_dimensions():
    assert one(make("ShapeOf"), (f32, (N, 3))) == TensorType(t64, (2,))
    assert one(make("ShapeOf", output_type=i32), (f32, None)).dtype is i32
    graph = Graph()
    out = graph.insert(make("ShapeOf"), [graph.add_input(TensorType(f32, (N, 3)))]).output
    assert out.known.tolist() == [N, 3]
    assert run(make("ShapeOf", output_type=i32), np.zeros((2, 0, 3)))[0].tolist() == [2, 0, 3]


@pytest.mark.parametrize(
    ("shape", "target", "expected"),
    [
        ((2, 3, 4), (0, -1), (2, 12)),
        ((N, 3, 4), (0, -1), (N, 12)),
        ((N, 3, 4), (-1, 12), (N, 12)),
        ((N, 3, 4), (-1,), (12 * N,)),
        ((N, M, 64), (0, 0, 4, 16), (N, M, 4, 16)),
        ((N, M, 64), (N, -1, 16), (N, 4 * M, 16)),
        ((N, M, 64), (N * M, -1), (N * M, 64)),
        ((N, 8, M, M), (N, 8, -1), (N, 8, M * M)),
        ((N + 1, 8, 4), (N + 1, -1), (N + 1, 32)),
        ((N, 10), (-1, 20), (N // 2, 20)),
        ((unknown(), 4, 5), (0, -1), (unknown(), 20)),
        ((unknown(), unknown(), 6), (0, 0, 2, -1), (unknown(), unknown(), 2, 3)),
        ((unknown(2, 8), 4), (-1,), (unknown(8, 32),)),
        (None, (2, -1), (2, unknown())),
        (None, (0, 5), (unknown(), 5)),
        ((8,), (unknown(1), 4), (2, 4)),
        ((8, N), (unknown(), unknown()), (unknown(), unknown())),
        ((0, 3), (0, -1), (0, 3)),
        ((1, 1), (), ()),
    ],
)
def test_reshape_works_out_dimensions(shape, target, expected):
    assert reshaped(shape, *target) == expected


def test_reshape_to_an_unknown_target():
    op = make("Reshape")
    assert one(op, (f32, (2, N)), (t64, (3,))).shape == (unknown(),) * 3
    assert one(op, (f32, (2, N)), (t64, (1,))).shape == (2 * N,)
    assert one(op, (f32, (2, N)), (t64, (M,))).shape is None
    assert one(op, (f32, None), (t64, (2,))).shape == (unknown(),) * 2


@pytest.mark.parametrize(
    ("shape", "target", "message"),
    [
        ((2, 3), (4, 2), r"cannot reshape f32\[2,3\] \(6 elements\) to \[4,2\]"),
        ((2, 3), (-1, 4), "cannot reshape"),
        ((2, 3), (-1, -1), "-1 more than once"),
        ((2, 3), (-2, 3), "negative dimension -2"),
        ((2, 3), (2, 3, 0), "copies dimension 2, data has only 2"),
    ],
)
def test_reshape_refuses(shape, target, message):
    with pytest.raises(InferenceError, match=message):
        reshaped(shape, *target)


def test_reshape_wants_integers():
    with pytest.raises(InferenceError, match="expected integers"):
        infer(make("Reshape"), (f32, (2,)), (f32, (1,)))


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_reshape_as_numpy(data):
    dims = data.draw(st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=1, max_size=4))
    x = np.arange(np.prod(dims), dtype=np.float32).reshape(dims)
    target = data.draw(st.permutations(dims))
    expected = x.reshape(target)
    special_zero = data.draw(st.booleans())
    if special_zero:
        target = [0 if i < len(dims) and d == dims[i] and data.draw(st.booleans()) else d for i, d in enumerate(target)]
    if data.draw(st.booleans()):
        target[data.draw(st.integers(0, len(target) - 1))] = -1
    out = run(make("Reshape", special_zero=special_zero), x, i64(*target))[0]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("target", [(0, -1), (3, 0, -1), (-1, 3)])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0, 3)])
def test_reshape_of_nothing_is_openvinos(shape, target):
    if len(target) > len(shape):
        return
    op = make("Reshape", special_zero=True)
    x = np.zeros(shape, np.float32)
    assert run(op, x, i64(*target))[0].shape == openvino(op, x, i64(*target))[0].shape


def test_reshape_of_shape_arithmetic():
    assert known(make("Reshape"), (N, M), i64(2, 1)).tolist() == [[N], [M]]


def test_squeeze():
    squeeze = make("Squeeze")
    assert one(squeeze, (f32, (1, N, 1)), i64(0, -1)).shape == (N,)
    assert one(squeeze, (f32, (N, 3)), i64(0)).shape == (3,)
    assert one(squeeze, (f32, (1, 2, 1))).shape == (2,)
    assert one(squeeze, (f32, (1, 2, 1)), i64()).shape == (2,)
    assert one(squeeze, (f32, (1, N))).shape is None
    assert one(squeeze, (f32, (1, symbol("K", 2)))).shape == (symbol("K", 2),)
    assert one(squeeze, (f32, (1, N)), (t64, (1,))).shape == (unknown(),)
    assert one(squeeze, (f32, (1, N)), (t64, (2,))).shape is None
    assert one(squeeze, (f32, None), i64(0)).shape is None
    with pytest.raises(InferenceError, match=r"dimension 1 of f32\[1,2\] is not 1"):
        infer(squeeze, (f32, (1, 2)), i64(1))
    with pytest.raises(InferenceError, match="out of range"):
        infer(squeeze, (f32, (1, 2)), i64(2))
    x = np.ones((1, 2, 1), np.float32)
    assert run(squeeze, x, i64())[0].shape == (2,)
    for axes in (i64(0), i64(-1), i64(0, 2)):
        np.testing.assert_array_equal(run(squeeze, x, axes)[0], openvino(squeeze, x, axes)[0])


def test_unsqueeze():
    unsqueeze = make("Unsqueeze")
    assert one(unsqueeze, (f32, (N, 3)), i64(0, -1)).shape == (1, N, 3, 1)
    assert one(unsqueeze, (f32, ()), np.array(0)).shape == (1,)
    assert one(unsqueeze, (f32, (N, 3)), (t64, (2,))).shape == (unknown(),) * 4
    assert one(unsqueeze, (f32, None), i64(0)).shape is None
    assert known(unsqueeze, (N, 2), i64(1)).tolist() == [[N], [2]]
    with pytest.raises(InferenceError, match="twice"):
        infer(unsqueeze, (f32, (2,)), i64(0, 0))
    x = np.ones((2, 3), np.float32)
    for axes in (i64(0), i64(-1), i64(3, 1), i64(-4, 2)):
        np.testing.assert_array_equal(run(unsqueeze, x, axes)[0], openvino(unsqueeze, x, axes)[0])
