"""The reference interpreter: what it computes, checks and frees."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

from vinoc.backends.numpy import Interpreter
from vinoc.ir.buffer import Buffer
from vinoc.ir.builder import Builder
from vinoc.ir.constant import Constant
from vinoc.ir.dim import symbol
from vinoc.ir.dtype import Array, f32
from vinoc.ir.errors import EvaluationError
from vinoc.ir.graph import Graph, Node, Value
from vinoc.ir.loc import Loc
from vinoc.ir.ops.elementwise import Add
from vinoc.ir.types import TensorType


def sum_graph(*shapes: tuple[Any, ...]) -> Graph:
    """The sum of inputs a, b, ... plus one."""
    graph = Graph("sums")
    inputs = [graph.add_input(TensorType(f32, s), "abcdef"[i]) for i, s in enumerate(shapes)]
    b = Builder(graph, loc=Loc("m.onnx", "total", "Sum"))
    total: Value = b.Add(inputs[0], 1.0)
    for value in inputs[1:]:
        total = b.Add(total, value)
    graph.add_output(total, "y")
    return graph


def ones(*shape: int, dtype: str = "float32") -> Array:
    return np.ones(shape, dtype)


def test_runs_again_with_other_shapes() -> None:
    run = Interpreter(sum_graph((symbol("N"), 2), (symbol("N"), 2))).run
    np.testing.assert_array_equal(run([ones(3, 2), ones(3, 2)])[0], np.full((3, 2), 3, np.float32))
    np.testing.assert_array_equal(run([ones(1, 2), ones(1, 2)])[0], np.full((1, 2), 3, np.float32))


def test_an_input_may_be_an_output_and_an_output_may_repeat() -> None:
    graph = sum_graph((2,))
    graph.add_output(graph.inputs[0], "same")
    graph.add_output(graph.outputs[0], "again")
    first, same, again = Interpreter(graph).run([ones(2)])
    np.testing.assert_array_equal(same, [1, 1])
    np.testing.assert_array_equal(first, [2, 2])
    assert again is first


def test_scalar_results_are_arrays() -> None:
    result = Interpreter(sum_graph(())).run([np.array(1, np.float32)])[0]
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float32


def test_values_are_freed_after_their_last_use() -> None:
    """While the last node runs, the results of the first are gone."""
    graph = Graph()
    b = Builder(graph)
    value: Value = graph.add_input(TensorType(f32, (4,)), "x")
    for _ in range(3):
        value = b.Add(value, 1.0)
    graph.add_output(value, "y")
    alive: list[weakref.ref[Array]] = []
    counts: list[int] = []

    def note(node: Node, outputs: Any, seconds: float) -> None:
        alive.append(weakref.ref(outputs[0]))
        counts.append(sum(r() is not None for r in alive))

    Interpreter(graph, on_node=note).run([ones(4)])
    assert counts == [1, 2, 2]


def test_hook_sees_every_node_in_order_but_constants() -> None:
    seen: list[tuple[str, tuple[int, ...]]] = []
    graph = sum_graph((2,), (2,))
    Interpreter(graph, on_node=lambda n, outs, s: seen.append((n.kind, outs[0].shape)) if s >= 0 else None).run(
        [ones(2), ones(2)]
    )
    assert seen == [("Add", (2,)), ("Add", (2,))]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([ones(3, 2)], r"expected 2 inputs \(a: f32\[N,2\], b: f32\[N,2\]\), got 1"),
        (
            [ones(3, 2, dtype="float64"), ones(3, 2)],
            r"input 'a': expected element type f32, got float64 .*\n.*astype",
        ),
        ([ones(3), ones(3, 2)], r"input 'a': expected rank 2 \(f32\[N,2\]\), got f32\[3\]"),
        ([ones(3, 4), ones(3, 2)], r"input 'a': expected dimension 1 to be 2 \(f32\[N,2\]\), got f32\[3,4\]"),
        ([ones(3, 2), ones(4, 2)], r"input 'b': dimension N is 4, it was set to 3 by input 'a'"),
        ([ones(9, 2), ones(9, 2)], r"input 'a': expected dimension 0 to be 1 to 8"),
        ([[1.0, 2.0], ones(3, 2)], r"input 'a': expected f32\[N,2\], got a list of 2"),
        ([None, ones(3, 2)], r"input 'a': expected f32\[N,2\], got -"),
    ],
)
def test_inputs_that_do_not_fit(inputs: list[Any], message: str) -> None:
    n = symbol("N", 1, 8)
    with pytest.raises(EvaluationError, match=message):
        Interpreter(sum_graph((n, 2), (n, 2))).run(inputs)


def test_a_compound_dimension_is_checked_against_its_symbol() -> None:
    n = symbol("N")
    graph = sum_graph((n,))
    graph.add_input(TensorType(f32, (2 * n + 1,)), "z")
    run = Interpreter(graph).run
    run([ones(3), ones(7)])
    with pytest.raises(EvaluationError, match=r"input 'z': dimension 2\*N\+1 is 6, it was set to 7"):
        run([ones(3), ones(6)])


def test_a_failure_names_the_node_the_operands_and_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Add, a: Array, b: Array) -> Array:
        raise ZeroDivisionError("no luck")

    graph = sum_graph((2,))
    monkeypatch.setattr(Add, "evaluate", fail)
    with pytest.raises(EvaluationError) as caught:
        Interpreter(graph).run([ones(2)])
    text = str(caught.value)
    assert text == "m.onnx: node 'total' (Sum): Add: ZeroDivisionError: no luck [inputs: f32[2], f32[]]"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (ones(3, dtype="float64"), "output 0 contradicts inference: expected element type f32, got float64"),
        (ones(2), r"expected dimension 0 to be N = 3 \(f32\[N\]\), got f32\[2\]"),
        (ones(3, 1), r"expected rank 1"),
        ((ones(3), ones(3)), "2 results for 1 outputs"),
    ],
)
def test_results_that_contradict_inference(result: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = sum_graph((symbol("N"),))
    monkeypatch.setattr(Add, "evaluate", lambda self, a, b: result)
    with pytest.raises(EvaluationError, match=message):
        Interpreter(graph).run([ones(3)])


def test_a_constant_that_cannot_be_read_names_its_node() -> None:
    def broken() -> Array:
        raise OSError("disk on fire")

    graph = Graph()
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (2,)), "x")
    weight = graph.insert(Constant(Buffer(f32, (2,), broken)), (), name="w")
    graph.add_output(b.Add(x, weight.output), "y")
    with pytest.raises(EvaluationError, match=r"node 'w' \(Constant\): the constant cannot be read: disk on fire"):
        Interpreter(graph).run([ones(2)])


def test_no_warning_for_divisions_by_zero_and_overflow() -> None:
    graph = Graph()
    x = graph.add_input(TensorType(f32, (2,)), "x")
    graph.add_output(Builder(graph).Divide(x, x), "y")
    np.testing.assert_array_equal(Interpreter(graph).run([np.array([0, 1], np.float32)])[0], [np.nan, 1])
