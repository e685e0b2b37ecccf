"""Branches, loops, state."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.backends.numpy.interpreter import Interpreter
from vinoc.ir.builder import Builder
from vinoc.ir.dim import symbol, unknown
from vinoc.ir.dtype import boolean, f32
from vinoc.ir.dtype import i64 as t64
from vinoc.ir.errors import EvaluationError, InferenceError, VinocError
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType
from vinoc.ir.verify import verify

from .checked import i64, iota, make

N, M = symbol("N"), symbol("M")


def graph_of(*types):
    graph = Graph("body")
    return graph, [graph.add_input(TensorType(*t), f"x{i}") for i, t in enumerate(types)]


# If


def branches(shape, other=None):
    """Bodies x + 1 and x twice, one after the other."""
    then, (x,) = graph_of((f32, shape))
    then.add_output(Builder(then).Add(x, 1.0))
    otherwise, (x,) = graph_of((f32, other or shape))
    otherwise.add_output(Builder(otherwise).Concat(x, x, axis=0))
    return then, otherwise


def conditional(shape, bodies, cond=None):
    graph, (c, x) = graph_of((boolean, ()), (f32, shape))
    b = Builder(graph)
    cond = c if cond is None else b.const(np.array(cond))
    graph.add_output(b.If(cond, x, bodies=bodies, then_inputs=(1,), else_inputs=(1,)))
    verify(graph)
    return graph


def test_if_joins_the_branches():
    assert conditional((2, 3), branches((2, 3))).outputs[0].type == TensorType(f32, (unknown(2, 4), 3))
    assert conditional((N, 3), branches((N, 3))).outputs[0].type.shape == (unknown(), 3)


def test_a_known_condition_decides():
    assert conditional((N, 3), branches((N, 3)), True).outputs[0].type.shape == (N, 3)
    assert conditional((N, 3), branches((N, 3)), False).outputs[0].type.shape == (2 * N, 3)


def test_if_runs_one_branch():
    graph = conditional((2, 3), branches((2, 3)))
    x = iota(2, 3)
    np.testing.assert_array_equal(Interpreter(graph)(np.array(True), x)[0], x + 1)
    np.testing.assert_array_equal(Interpreter(graph)(np.array(False), x)[0], np.concatenate([x, x]))


def test_a_symbol_of_the_body_alone_does_not_leave_it():
    body, _ = branches((M, 3))
    assert conditional((N, 3), (body, body.clone()), True).outputs[0].type.shape == (unknown(), 3)
    assert conditional((M, 3), (body.clone(), body.clone()), True).outputs[0].type.shape == (M, 3)


def test_if_refuses():
    with pytest.raises(InferenceError, match=r"declared f32\[2,3\], it gets f32\[4,3\]"):
        conditional((4, 3), branches((2, 3)))
    graph, (x,) = graph_of((f32, (2, 3)))
    with pytest.raises(InferenceError, match="expected one boolean"):
        Builder(graph).If(x, x, bodies=branches((2, 3)), then_inputs=(1,), else_inputs=(1,))
    graph, (c, x) = graph_of((boolean, ()), (f32, (2, 3)))
    with pytest.raises(InferenceError, match="reads input 2, there are 2"):
        Builder(graph).If(c, x, bodies=branches((2, 3)), then_inputs=(2,), else_inputs=(1,))
    with pytest.raises(InferenceError, match="0 entries, the body has 1 inputs"):
        Builder(graph).If(c, x, bodies=branches((2, 3)), then_inputs=(), else_inputs=(1,))


# Loops


def ports(ins, outs, **more):
    """Fields from one tuple a port: inputs (from, back edge[, axis, start, end, stride, part]), outputs (from, axis
    [, stride])."""
    ins = [(*p, *(-1, 0, -1, 1, 1)[len(p) - 2 :]) for p in ins]
    outs = [(*p, *(1,)[len(p) - 2 :]) for p in outs]
    names = ("body_from", "back_edge", "slice_axis", "slice_start", "slice_end", "slice_stride", "slice_part")
    fields = dict(zip(names, zip(*ins, strict=True), strict=True))
    fields |= dict(zip(("out_from", "out_axis", "out_stride"), zip(*outs, strict=True), strict=True))
    n = len(outs)
    return {**fields, "out_start": (0,) * n, "out_end": (-1,) * n, "out_part": (1,) * n, **more}


def summing(step, total, stop_at=None):
    """state + part -> (state, state), and whether to go on."""
    body, (part, state) = graph_of((f32, step), (f32, total))
    b = Builder(body)
    new = b.Add(part, state)
    body.add_output(new)
    body.add_output(b.const(np.array(True)) if stop_at is None else b.Less(b.ReduceMax(new, i64(0, 1)), stop_at))
    return body


def looped(trips, body, shape=(4, 3), cond=True, known_trips=True):
    """A loop that adds its input to its state in each iteration."""
    graph, (x, s, n) = graph_of((f32, shape), (f32, (1, 3)), (t64, ()))
    b = Builder(graph)
    count = b.const(np.array(trips)) if known_trips else n
    fields = ports([(2, -1), (3, 0)], [(0, -1), (0, 0)], condition_output=1)
    outs = b.Loop(count, b.const(np.array(cond)), x, s, bodies=(body,), **fields)
    for out in outs:
        graph.add_output(out)
    verify(graph)
    return graph


def test_loop_with_a_trip_count():
    graph = looped(3, summing((1, 3), (1, 3)), shape=(1, 3))
    assert [v.type.shape for v in graph.outputs] == [(1, 3), (3, 3)]
    x, s = iota(1, 3), np.ones((1, 3), np.float32)
    last, steps = Interpreter(graph)(x, s, np.array(0))
    np.testing.assert_array_equal(last, s + 3 * x)
    np.testing.assert_array_equal(steps, np.concatenate([s + x, s + 2 * x, s + 3 * x]))


def test_loop_until_a_condition_fails():
    graph = looped(-1, summing((1, 3), (1, 3), stop_at=5.0), shape=(1, 3))
    assert [v.type.shape for v in graph.outputs] == [(1, 3), (unknown(1), 3)]
    last, steps = Interpreter(graph)(np.ones((1, 3), np.float32), np.zeros((1, 3), np.float32), np.array(0))
    assert last.tolist() == [[5, 5, 5]]
    assert steps.shape == (5, 3)


def test_loop_of_unknown_length():
    graph = looped(0, summing((1, 3), (1, 3)), shape=(1, 3), known_trips=False)
    assert [v.type.shape for v in graph.outputs] == [(1, 3), (unknown(), 3)]
    x, s = iota(1, 3), np.ones((1, 3), np.float32)
    assert Interpreter(graph)(x, s, np.array(2))[1].shape == (2, 3)


@pytest.mark.parametrize(("trips", "cond"), [(0, True), (3, False)])
def test_a_loop_that_never_runs(trips, cond):
    graph = looped(trips, summing((1, 3), (1, 3)), shape=(1, 3), cond=cond)
    assert [v.type.shape for v in graph.outputs] == [(1, 3), (0, 3)]
    s = np.ones((1, 3), np.float32)
    last, steps = Interpreter(graph)(iota(1, 3), s, np.array(0))
    np.testing.assert_array_equal(last, s)
    assert steps.shape == (0, 3)
    assert steps.dtype == np.float32


def test_a_loop_counts():
    body, (i, _) = graph_of((t64, ()), (f32, (1,)))
    b = Builder(body)
    body.add_output(b.Unsqueeze(i, i64(0)))
    graph, (x,) = graph_of((f32, (1,)))
    fields = ports([(-1, -1), (2, -1)], [(0, 0)])
    b = Builder(graph)
    graph.add_output(b.Loop(b.const(np.array(4)), b.const(np.array(True)), x, bodies=(body,), **fields))
    assert graph.outputs[0].type.shape == (4,)
    assert Interpreter(graph)(iota(1))[0].tolist() == [0, 1, 2, 3]


def test_a_state_that_grows_is_declared_wide():
    body, (state,) = graph_of((f32, (unknown(), 3)))
    body.add_output(Builder(body).Concat(state, np.zeros((1, 3), np.float32), axis=0))
    graph, (x,) = graph_of((f32, (2, 3)))
    b = Builder(graph)
    fields = ports([(2, 0)], [(0, -1)])
    graph.add_output(b.Loop(b.const(np.array(3)), b.const(np.array(True)), x, bodies=(body,), **fields))
    assert graph.outputs[0].type.shape == (unknown(1), 3)
    assert Interpreter(graph)(iota(2, 3))[0].shape == (5, 3)
    narrow, (state,) = graph_of((f32, (2, 3)))
    narrow.add_output(Builder(narrow).Concat(state, np.zeros((1, 3), np.float32), axis=0))
    with pytest.raises(InferenceError, match=r"declared f32\[2,3\], it gets f32\[3,3\]"):
        b.Loop(b.const(np.array(3)), b.const(np.array(True)), x, bodies=(narrow,), **fields)


def iterated(shape, ins, outs, step=(1, 3), total=(1, 3)):
    graph, (x, s) = graph_of((f32, shape), (f32, total))
    body = summing(step, total)
    outs = Builder(graph).TensorIterator(x, s, bodies=(body,), **ports(ins, outs))
    for out in outs:
        graph.add_output(out)
    verify(graph)
    return graph


@pytest.mark.parametrize("backwards", [False, True])
def test_tensor_iterator(backwards):
    direction = (0, -1, 0, -1, 1) if backwards else (0,)
    ins = [(0, -1, *direction), (1, 0)]
    graph = iterated((4, 3), ins, [(0, -1), (0, 0, -1 if backwards else 1)])
    assert [v.type.shape for v in graph.outputs] == [(1, 3), (4, 3)]
    x = iota(4, 3)
    last, steps = Interpreter(graph)(x, np.zeros((1, 3), np.float32))
    np.testing.assert_array_equal(last[0], x.sum(0))
    expected = np.cumsum(x[::-1], 0)[::-1] if backwards else np.cumsum(x, 0)
    np.testing.assert_array_equal(steps, expected)


def test_tensor_iterator_over_a_symbol():
    graph = iterated((N, 3), [(0, -1, 0), (1, 0)], [(0, -1), (0, 0)])
    assert [v.type.shape for v in graph.outputs] == [(1, 3), (N, 3)]
    assert iterated((2 * N, 3), [(0, -1, 0, 0, -1, 2, 2), (1, 0)], [(0, 0), (0, 0)], (2, 3), (2, 3)).outputs[
        0
    ].type.shape == (2 * N, 3)


def test_tensor_iterator_of_parts():
    graph = iterated((6, 3), [(0, -1, 0, 0, -1, 2, 2), (1, 0)], [(0, -1), (0, 0)], (2, 3), (2, 3))
    assert [v.type.shape for v in graph.outputs] == [(2, 3), (6, 3)]
    x = iota(6, 3)
    last, _ = Interpreter(graph)(x, np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(last, x[0:2] + x[2:4] + x[4:6])
    backwards = iterated((6, 3), [(0, -1, 0, -1, 0, -2, 2), (1, 0)], [(0, 0, -1), (0, -1)], (2, 3), (2, 3))
    steps, _ = Interpreter(backwards)(x, np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(steps[4:], x[4:])
    np.testing.assert_array_equal(steps[:2], x[0:2] + x[2:4] + x[4:6])


def test_loops_refuse():
    with pytest.raises(InferenceError, match="no input is sliced"):
        iterated((1, 3), [(0, -1), (1, 0)], [(0, -1), (0, 0)])
    with pytest.raises(InferenceError, match=r"gets f32\[2,3\]"):
        iterated((4, 3), [(0, -1, 0, 0, -1, 2, 2), (1, 0)], [(0, -1), (0, 0)])
    with pytest.raises(VinocError, match="differ in length"):
        make("TensorIterator", **{**ports([(0, -1)], [(0, -1)]), "slice_axis": ()})
    with pytest.raises(VinocError, match="stride 0"):
        make("TensorIterator", **ports([(0, -1, 0, 0, -1, 0, 1)], [(0, -1)]))


# State


def test_state_types():
    graph, (x,) = graph_of((f32, (1, N)))
    b = Builder(graph)
    old = b.ReadValue(x, variable_id="v", variable_type=f32, variable_shape=(1, unknown(1, 8)))
    assert old.type == TensorType(f32, (1, unknown(1, 8)))
    assert b.ReadValue(variable_id="w", variable_type=f32, variable_shape=None).type.shape is None
    assert b.Assign(old, variable_id="v").type == old.type
    with pytest.raises(InferenceError, match="variable 'v' is"):
        b.ReadValue(x, variable_id="v", variable_type=f32, variable_shape=(2, 3))


def test_state_is_not_folded_and_not_computed_here():
    assert not make("Assign", variable_id="v").foldable
    with pytest.raises(EvaluationError, match="state lives in the runtime"):
        make("Assign", variable_id="v").evaluate(iota(1))
    with pytest.raises(EvaluationError, match="variable 'v'"):
        make("ReadValue", variable_id="v", variable_type=f32, variable_shape=()).evaluate()
