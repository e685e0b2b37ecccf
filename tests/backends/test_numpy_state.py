"""Variables, sequences and bodies in the interpreter and in generated modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinoc.backends.numpy import Interpreter, NumpyBackend
from vinoc.backends.numpy.codegen import Generator
from vinoc.ir.builder import Builder
from vinoc.ir.dim import symbol, unknown
from vinoc.ir.dtype import DType, boolean, f32, i64
from vinoc.ir.errors import EvaluationError
from vinoc.ir.graph import Graph
from vinoc.ir.types import SequenceType, TensorType

from .numpy_modules import assert_same, run_here, same


def counter(initial: bool) -> Graph:
    """y = state + x, kept as the new state; the assignment stands before the output."""
    graph = Graph("counter")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (2,)), "x")
    init = (b.Multiply(x, 10.0),) if initial else ()
    state = b.ReadValue(*init, variable_id="total", variable_type=f32, variable_shape=(2,))
    total = b.Add(state, x)
    b.Assign(total, variable_id="total")
    graph.add_output(b.Multiply(total, 1.0), "y")
    return graph


@pytest.mark.parametrize(("initial", "expected"), [(True, [11, 12, 13]), (False, [1, 2, 3])])
def test_variables_live_from_run_to_run(initial: bool, expected: list[int]) -> None:
    graph = counter(initial)
    one = np.ones(2, np.float32)
    space: dict[str, Any] = {"__name__": "m"}
    exec(Generator(graph, "m").render()[0], space)
    interpreter = Interpreter(graph)
    for _ in range(2):
        for value in expected:
            assert interpreter.run([one])[0].tolist() == [value, value]
            assert space["infer"]({"x": one})["y"].tolist() == [value, value]
        interpreter.reset()
        space["reset"]()


def test_a_variable_without_a_first_value_is_named() -> None:
    graph = Graph()
    b = Builder(graph)
    read = b.ReadValue(variable_id="memory", variable_type=f32, variable_shape=(unknown(), 2))
    graph.add_output(read, "y")
    with pytest.raises(EvaluationError, match="variable 'memory' has no initial value"):
        Interpreter(graph).run([])


def test_sequences_are_tuples() -> None:
    graph = Graph()
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (2, 3)), "x")
    many = graph.add_input(SequenceType(TensorType(f32, (symbol("N"), 3))), "many")
    longer = b.SequenceInsert(many, x, b.const(0))
    graph.add_output(longer, "longer")
    graph.add_output(b.ConcatFromSequence(longer, axis=0), "joined")
    graph.add_output(b.SequenceLength(b.SequenceErase(longer)), "length")
    graph.add_output(b.SequenceAt(b.SplitToSequence(x, b.const(1), axis=1), b.const(-1)), "last")
    graph.add_output(b.SequenceLength(b.SequenceConstruct(x)), "one")
    inputs = [np.ones((2, 3), np.float32), [np.zeros((1, 3), np.float32), np.full((3, 3), 2, np.float32)]]
    expected = Interpreter(graph).run(inputs)
    assert [len(v) for v in expected[0]] == [2, 1, 3]
    assert expected[1].shape == (6, 3)
    assert [int(expected[2]), int(expected[4])] == [2, 1]
    same(expected, run_here(graph, [inputs[0], tuple(inputs[1])]))


def test_sequence_elements_are_checked() -> None:
    graph = Graph("g")
    graph.add_output(graph.add_input(SequenceType(TensorType(f32, (2,))), "many"), "out")
    with pytest.raises(EvaluationError, match=r"input 'many': expected dimension 0 to be 2 .*, got f32\[3\]"):
        Interpreter(graph).run([[np.ones(2, np.float32), np.ones(3, np.float32)]])


def branching() -> Graph:
    """Two levels of If over x: |x|, or -x and again."""

    def body(name: str, *ops: str) -> Graph:
        graph = Graph(name)
        value = graph.add_input(TensorType(f32, (50,)), "x")
        for kind in ops:
            value = getattr(Builder(graph), kind)(value)
        graph.add_output(value)
        return graph

    outer = Graph("otherwise")
    again = outer.add_input(TensorType(boolean, ()), "again")
    x = outer.add_input(TensorType(f32, (50,)), "x")
    b = Builder(outer)
    weight = b.const(np.arange(50, dtype=np.float32), name="weight")
    bodies = [body("then", "Negative"), body("else", "Negative", "Exp")]
    y = b.If(again, b.Add(x, weight), then_inputs=(1,), else_inputs=(1,), bodies=bodies)
    outer.add_output(y)
    graph = Graph("branching")
    first = graph.add_input(TensorType(boolean, ()), "first")
    second = graph.add_input(TensorType(boolean, ()), "second")
    x = graph.add_input(TensorType(f32, (50,)), "x")
    bodies = [body("yes", "Abs"), outer]
    y = Builder(graph).If(first, second, x, then_inputs=(2,), else_inputs=(1, 2), bodies=bodies, name="choice")
    graph.add_output(y, "y")
    return graph


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_bodies_become_nested_functions(first: bool, second: bool) -> None:
    graph = branching()
    inputs = [np.array(first), np.array(second), np.linspace(-1, 1, 50, dtype=np.float32)]
    assert_same(graph, inputs)
    text = Generator(graph, "m").render()[0]
    assert "    def then_choice(inputs):" in text
    assert "        def else_if(inputs):" in text


def test_a_failure_in_a_body_names_the_node_within() -> None:
    body = Graph("body")
    x = body.add_input(TensorType(f32, (symbol("N"),)), "x")
    b = Builder(body)
    body.add_output(b.Add(x, b.const(np.ones(3, np.float32)), name="inner sum"))
    graph = Graph("g")
    x = graph.add_input(TensorType(f32, (symbol("N"),)), "x")
    condition = Builder(graph).const(True)
    y = Builder(graph).If(condition, x, then_inputs=(1,), else_inputs=(1,), bodies=[body, body.clone()])
    graph.add_output(y, "y")
    run = Interpreter(graph).run
    assert run([np.ones(3, np.float32)])[0].tolist() == [2, 2, 2]
    with pytest.raises(EvaluationError, match=r"^node .inner sum. .*ValueError.*inputs: f32.4., f32.3."):
        run([np.ones(4, np.float32)])


def test_big_dead_values_are_deleted_and_outputs_are_not(tmp_path: Path) -> None:
    graph = Graph("big")
    x = graph.add_input(TensorType(f32, (1 << 22,)), "x")
    b = Builder(graph)
    first = b.Add(x, 1.0, name="first")
    value = first
    for i in range(4):
        value = b.Multiply(value, 0.5, name=f"half{i}")
    graph.add_output(value, "y")
    graph.add_output(first, "first")
    lines = [line.strip() for line in Generator(graph, "m").render()[0].split("\n") if line.strip().startswith("del ")]
    assert lines == ["del half0, half1"]
    assert_same(graph, [np.ones(1 << 22, np.float32)])
    assert [p.name for p in NumpyBackend().write(graph, tmp_path, "m")] == ["m.py"]


def test_types_stay_what_they_are() -> None:
    """Rank 0 and every element type that NumPy has, through an operation that copies."""
    for name in ("f64", "f16", "i8", "u8", "i16", "u16", "u32", "u64", "i32"):
        graph = Graph()
        x = graph.add_input(TensorType(DType.registry[name], ()), "x")
        b = Builder(graph)
        y = b.Add(x, b.const(np.array(2, DType.registry[name].numpy)))
        graph.add_output(y, "y")
        graph.add_output(b.Reshape(y, np.array([1, 1], i64.numpy)), "z")
        assert_same(graph, [np.array(1, DType.registry[name].numpy)])
