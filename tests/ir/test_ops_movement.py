"""Permuting, repeating, joining, splitting, padding, shifting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.dim import symbol, unknown
from vinoc.ir.dtype import f32
from vinoc.ir.dtype import i32 as t32
from vinoc.ir.dtype import i64 as t64
from vinoc.ir.errors import InferenceError, VinocError
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType

from .checked import i32, i64, infer, iota, known, make, one, openvino, run, scalar

N, M = symbol("N"), symbol("M")


def with_known(kind, data_shape, *values, **attributes):
    """The output shape for operands whose values are lists of ints and symbols."""
    graph = Graph()
    operands = [graph.add_input(TensorType(f32, data_shape))]
    for value in values:
        operands.append(graph.add_input(TensorType(t64, (len(value),))))
        operands[-1].known = np.array(value, object)
    return graph.insert(make(kind, **attributes), operands).output.type.shape


def test_transpose():
    op = make("Transpose")
    assert one(op, (f32, (N, 2, 3)), i64(2, 0, 1)).shape == (3, N, 2)
    assert one(op, (f32, (N, 2, 3)), i64()).shape == (3, 2, N)
    assert one(op, (f32, (N, 2)), (t64, (2,))).shape == (unknown(), unknown())
    assert one(op, (f32, None), i64(1, 0)).shape == (unknown(), unknown())
    assert one(op, (f32, None), i64()).shape is None
    for order in ((0, 0), (0, 2), (0,)):
        with pytest.raises(InferenceError):
            infer(op, (f32, (2, 3)), i64(*order))
    x = iota(2, 3, 4)
    np.testing.assert_array_equal(run(op, x, i64(2, 0, 1))[0], openvino(op, x, i64(2, 0, 1))[0])
    np.testing.assert_array_equal(run(op, x, i64())[0], x.T)


def test_tile():
    op = make("Tile")
    assert one(op, (f32, (N, 3)), i64(2, 2, 1)).shape == (2, 2 * N, 3)
    assert one(op, (f32, (N, 3)), i64(2)).shape == (N, 6)
    assert with_known("Tile", (1, 3), (N, 2)) == (N, 6)
    assert one(op, (f32, (N, 3)), (t64, (3,))).shape == (unknown(),) * 3
    assert one(op, (f32, None), i64(2)).shape is None
    with pytest.raises(InferenceError, match="negative"):
        infer(op, (f32, (2,)), i64(-1))
    x = iota(2, 3)
    for repeats in (i64(2, 1, 2), i64(3), i64(0, 2)):
        np.testing.assert_array_equal(run(op, x, repeats)[0], openvino(op, x, repeats)[0])


def test_broadcast_shapes():
    op = make("Broadcast")
    assert one(op, (f32, (3, 1)), i64(2, 3, 4)).shape == (2, 3, 4)
    assert with_known("Broadcast", (1, 3), (N, 3)) == (N, 3)
    assert with_known("Broadcast", (5, 3), (unknown(), N)) == (5, 3)
    assert one(op, (f32, (3,)), (t64, (2,))).shape == (unknown(), 3)
    assert one(op, (f32, None), i64(2, 3)).shape == (2, 3)
    assert one(op, (f32, (3,)), (t64, (N,))).shape is None
    both = make("Broadcast", mode="bidirectional")
    assert one(both, (f32, (3, 1)), i64(1, 4)).shape == (3, 4)
    assert with_known("Broadcast", (3, 1), (1, N), mode="bidirectional") == (3, N)
    assert one(make("Broadcast", mode="explicit"), (f32, (3,)), i64(3, 4), i64(0)).shape == (3, 4)
    with pytest.raises(InferenceError, match=r"f32\[2\] does not broadcast to \[3\]"):
        infer(op, (f32, (2,)), i64(3))
    with pytest.raises(InferenceError, match="more dimensions"):
        infer(op, (f32, (2, 3)), i64(3))
    with pytest.raises(InferenceError, match="axes_mapping"):
        infer(make("Broadcast", mode="explicit"), (f32, (2,)), i64(2))


@pytest.mark.parametrize(
    ("mode", "shape", "target", "mapping"),
    [
        ("numpy", (3, 1), (2, 3, 4), None),
        ("numpy", (), (2, 3), None),
        ("bidirectional", (3, 1, 2), (1, 4, 1), None),
        ("bidirectional", (3,), (2, 1), None),
        ("explicit", (2, 4), (2, 3, 4), (0, 2)),
        ("explicit", (3,), (2, 3, 4), (1,)),
    ],
)
def test_broadcast_as_openvino(mode, shape, target, mapping):
    op = make("Broadcast", mode=mode)
    x = iota(*shape) if shape else scalar(3)
    extra = [] if mapping is None else [i64(*mapping)]
    np.testing.assert_array_equal(run(op, x, i64(*target), *extra)[0], openvino(op, x, i64(*target), *extra)[0])


def test_concat():
    op = make("Concat", axis=1)
    assert one(op, (f32, (N, 2)), (f32, (N, M)), (f32, (N, 3))).shape == (N, M + 5)
    assert one(op, (f32, (unknown(), 2)), (f32, (4, 3))).shape == (4, 5)
    assert one(op, (f32, (4, 2)), (f32, None)).shape == (4, unknown(2))
    assert one(op, (f32, None), (f32, None)).shape is None
    assert one(make("Concat", axis=-1), (f32, (2, 2)), (f32, (2, 3))).shape == (2, 5)
    assert known(make("Concat", axis=0), (N,), i64(3), (M + 1,)).tolist() == [N, 3, M + 1]
    with pytest.raises(InferenceError, match="input 1 does not fit along axis 1"):
        infer(op, (f32, (2, 2)), (f32, (3, 2)))
    with pytest.raises(InferenceError, match="rank"):
        infer(op, (f32, (2, 2)), (f32, (2,)))
    with pytest.raises(InferenceError, match="element types"):
        infer(op, (f32, (2, 2)), (t32, (2, 2)))
    np.testing.assert_array_equal(run(op, iota(2, 3), iota(2, 0), iota(2, 1))[0], [[0, 1, 2, 0], [3, 4, 5, 1]])


def test_split():
    op = make("Split", num_splits=3)
    assert [t.shape for t in infer(op, (f32, (N, 6)), scalar(1, np.int64))] == [(N, 2)] * 3
    assert [t.shape for t in infer(op, (f32, (6 * N, 1)), scalar(0, np.int64))] == [(2 * N, 1)] * 3
    assert [t.shape for t in infer(op, (f32, (3, 6)), (t64, ()))] == [(unknown(), unknown())] * 3
    with pytest.raises(InferenceError, match="3 equal parts"):
        infer(op, (f32, (4,)), scalar(0, np.int64))
    with pytest.raises(VinocError, match="at least 1"):
        make("Split", num_splits=0)
    x = iota(2, 6)
    for ours, theirs in zip(run(op, x, scalar(-1, np.int64)), openvino(op, x, scalar(-1, np.int64)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_variadic_split():
    op = make("VariadicSplit")
    axis = scalar(1, np.int64)
    assert [t.shape for t in infer(op, (f32, (2, N)), axis, i64(1, -1))] == [(2, 1), (2, N - 1)]
    assert [t.shape for t in infer(op, (f32, (2, 5)), axis, (t64, (2,)))] == [(2, unknown(0, 5))] * 2
    assert [t.shape for t in infer(op, (f32, None), axis, i64(1, 2))] == [None] * 2
    for lengths in ((1, 2), (3, 3), (-1, -1), (-2, 7), (6, -1)):
        with pytest.raises(InferenceError, match="cannot be split"):
            infer(op, (f32, (2, 5)), axis, i64(*lengths))
    with pytest.raises(InferenceError, match="number of outputs"):
        infer(op, (f32, (2, 5)), axis, (t64, (N,)))
    x = iota(2, 5)
    for lengths in (i64(1, -1, 2), i64(0, 5), i64(5)):
        for ours, theirs in zip(run(op, x, axis, lengths), openvino(op, x, axis, lengths), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_pad_shapes():
    op = make("Pad")
    zero = i64(0, 0)
    assert one(op, (f32, (N, 3)), i64(0, 1), i64(2, -2)).shape == (N + 2, 2)
    assert with_known("Pad", (N, 3), (0, 0), (M, 1)) == (N + M, 4)
    assert one(op, (f32, (N, 3)), (t64, (2,)), zero).shape == (unknown(), unknown())
    assert one(op, (f32, None), (t64, (2,)), zero).shape == (unknown(), unknown())
    assert one(op, (f32, (unknown(2, 4),)), i64(1), i64(-3)).shape == (unknown(0, 2),)
    with pytest.raises(InferenceError, match="more than there is"):
        infer(op, (f32, (2, 3)), zero, i64(-3, 0))
    with pytest.raises(InferenceError, match="exceeds 2"):
        infer(make("Pad", pad_mode="reflect"), (f32, (3,)), i64(3), i64(0))
    with pytest.raises(InferenceError, match="element types"):
        infer(op, (f32, (2,)), i64(0), i64(0), scalar(1, np.int64))


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_pad_as_openvino(data):
    mode = data.draw(st.sampled_from(["constant", "edge", "reflect", "symmetric"]))
    shape = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    begin, end = [], []
    for n in shape:
        most = {"reflect": n - 1, "symmetric": n}.get(mode, 3)
        b = data.draw(st.integers(-(n - 1), most))
        begin.append(b)
        end.append(data.draw(st.integers(-(n - 1 + min(b, 0)), most)))
    x = iota(*shape)
    op = make("Pad", pad_mode=mode)
    args = [x, i64(*begin), i64(*end), *([scalar(9.0)] if mode == "constant" else [])]
    np.testing.assert_array_equal(run(op, *args)[0], openvino(op, *args)[0])


def test_pad_of_positive_numbers_is_numpys():
    x = iota(3, 4)
    for mode in ("constant", "edge", "reflect", "symmetric"):
        out = run(make("Pad", pad_mode=mode), x, i64(1, 2), i64(2, 0))[0]
        np.testing.assert_array_equal(out, np.pad(x, ((1, 2), (2, 0)), mode))


def test_roll():
    op = make("Roll")
    x = iota(2, 5)
    for shift, axes in (((1, 2), (1, 1)), ((1, -3), (0, 1)), ((7,), (-1,))):
        np.testing.assert_array_equal(
            run(op, x, i64(*shift), i64(*axes))[0], openvino(op, x, i64(*shift), i64(*axes))[0]
        )
    np.testing.assert_array_equal(run(op, x, scalar(1, np.int64), i64(0, 1))[0], np.roll(x, (1, 1), (0, 1)))
    assert one(op, (f32, (N, 3)), (t64, (1,)), (t64, (1,))).shape == (N, 3)
    with pytest.raises(InferenceError, match="2 shifts are given for 1 axes"):
        infer(op, (f32, (N, 3)), i64(1, 2), i64(0))


def test_reverse_sequence():
    x = iota(4, 3, 2)
    for batch, seq, lengths in ((0, 1, i32(1, 2, 3, 0)), (1, 0, i32(4, 2, 1))):
        op = make("ReverseSequence", batch_axis=batch, seq_axis=seq)
        np.testing.assert_array_equal(run(op, x, lengths)[0], openvino(op, x, lengths)[0])
    assert one(make("ReverseSequence"), (f32, (unknown(), N)), (t32, (4,))).shape == (4, N)
    with pytest.raises(InferenceError, match="differs"):
        infer(make("ReverseSequence"), (f32, (3, 2)), (t32, (4,)))


def test_strings_move():
    x = np.array([["a", "b"], ["c", "d"]], object)
    assert run(make("Transpose"), x, i64(1, 0))[0].tolist() == [["a", "c"], ["b", "d"]]
    assert run(make("Concat", axis=0), x, x)[0].shape == (4, 2)
