"""Values that are known before a model runs: shape arithmetic, and what may go wrong in it."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.ir import Builder, Graph, InferenceError, TensorType, VinocError, symbol, verify
from vinoc.ir.dtype import f32, i64

N = symbol("N", 1)


def start(*shape: object) -> Builder:
    """A builder over a graph with one input of that shape."""
    graph = Graph("g")
    graph.add_input(TensorType(f32, shape), "x")  # type: ignore[arg-type]
    return Builder(graph)


def test_every_part_of_a_split_shape_is_known() -> None:
    b = start(N, 3, 2 * N, 5)
    x = b.graph.inputs[0]
    shape = b.ShapeOf(x)
    first, second = b.Split(shape, 0, num_splits=2)
    assert [first.known.tolist(), second.known.tolist()] == [[N, 3], [2 * N, 5]]
    head, tail = b.VariadicSplit(shape, 0, [1, -1])
    assert [head.known.tolist(), tail.known.tolist()] == [[N], [3, 2 * N, 5]]
    assert b.Reshape(x, b.Concat(tail, head, axis=0), special_zero=False).shape == (3, 2 * N, 5, N)
    verify(b.graph)


def test_parts_are_known_again_when_the_input_changes() -> None:
    b = start(N, 3)
    y = b.graph.add_input(TensorType(f32, (7, 8)), "y")
    shape = b.ShapeOf(b.graph.inputs[0])
    parts = b.Split(shape, 0, num_splits=2)
    out = b.Broadcast(b.const(np.float32(1)), b.Concat(*parts[::-1], axis=0))
    assert out.shape == (3, N)
    assert shape.node is not None
    b.graph.set_input(shape.node, 0, y)
    assert [p.known.tolist() for p in parts] == [[7], [8]]
    assert out.shape == (8, 7)
    verify(b.graph)


def test_what_asks_a_symbol_for_a_number_is_unknown() -> None:
    b = start(N, 3)
    parts = b.VariadicSplit(np.arange(4), 0, b.ShapeOf(b.graph.inputs[0]))
    assert [p.known for p in parts] == [None, None]


def test_constants_that_do_not_fit_are_refused() -> None:
    b = start(4)
    data, axis = b.const(np.arange(4)), b.const(np.int64(0))
    with pytest.raises(VinocError, match="VariadicSplit"):
        b.VariadicSplit(data, axis, b.Add(b.const(np.array([1, 2])), 0))
    with pytest.raises(VinocError, match="Gather"):
        b.Gather(data, b.Add(b.const(np.array([9])), 0), axis)


def test_a_sequence_among_the_inputs() -> None:
    """Numbers become constants, whatever stands before them."""
    b = start(2)
    sequence = b.SequenceConstruct(b.graph.inputs[0])
    assert b.SequenceAt(sequence, 0).type == TensorType(f32, (2,))
    one = b.graph.add_input(TensorType(f32, ()), "one")
    scalars = b.SequenceConstruct(one)
    assert b.SequenceInsert(scalars, one, -1).type == b.SequenceErase(scalars, 0).type == scalars.type


def test_enormous_numbers_of_axes_are_refused() -> None:
    b = start(2)
    x = b.graph.inputs[0]
    for count in (100, 1 << 40):
        axes = b.graph.add_input(TensorType(i64, (count,)))
        with pytest.raises(InferenceError, match="Unsqueeze"):
            b.Unsqueeze(x, axes)
    with pytest.raises(InferenceError, match="Unsqueeze"):
        b.Unsqueeze(x, np.arange(70_000))
