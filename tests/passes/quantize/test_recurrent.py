"""Weights of recurrent nodes, and in bodies of loops and branches: integers that real OpenVINO takes for floats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinoc.backends.numpy import Interpreter
from vinoc.compiler.driver import read_model
from vinoc.ir import Builder, Graph, TensorType, Value
from vinoc.ir.dtype import f32
from vinoc.ir.ops.control_flow import If, TensorIterator
from vinoc.passes import Context
from vinoc.passes.mark_weights import RECURRENT
from vinoc.passes.quantize import Quantize

from ...backends.ir_util import random, start
from .util import EXACT, compiled, infer, precisions, quantized, relative, written

KINDS = {"LSTM": (4, 2), "GRU": (3, 1), "RNN": (1, 1)}
"""Gates, states."""
SIZE, HIDDEN, TIME, BATCH = 12, 20, 5, 2


def _family(kind: str) -> str:
    return kind.removesuffix("Sequence").removesuffix("Cell")


def weights(*shape: int, seed: int = 1) -> np.ndarray:
    return random(*shape, seed=seed) * np.float32(0.3)


def layer(b: Builder, kind: str, x: Value, states: list[Value], direction: str = "forward") -> Value:
    """A recurrent node named `layer`, its first result: [N,D,T,H], or [N,H] of a cell."""
    gates, _ = KINDS[_family(kind)]
    lead = () if kind.endswith("Cell") else (2 if direction == "bidirectional" else 1,)
    given = [weights(*lead, gates * HIDDEN, n, seed=k) for k, n in ((1, SIZE), (2, HIDDEN))]
    given.append(weights(*lead, gates * HIDDEN, seed=3))
    if kind.endswith("Cell"):
        found = getattr(b, kind)(x, *states, *given, hidden_size=HIDDEN)
    else:
        lengths = np.full(BATCH, TIME, np.int64)
        found = getattr(b, kind)(x, *states, lengths, *given, hidden_size=HIDDEN, direction=direction)
    first: Value = found if isinstance(found, Value) else found[0]
    first.name = "layer"
    return first


def network(kind: str, direction: str = "forward", products: bool = True) -> tuple[Graph, list[np.ndarray]]:
    """A recurrent node, between two products where these are wanted."""
    d = 2 if direction == "bidirectional" else 1
    cell = kind.endswith("Cell")
    shapes = [(BATCH, SIZE) if cell else (BATCH, TIME, SIZE)]
    shapes += [(BATCH, HIDDEN) if cell else (BATCH, d, HIDDEN)] * KINDS[_family(kind)][1]
    b, (x, *states) = start(*shapes)
    if products:
        x = b.Tanh(b.MatMul(x, b.const(weights(SIZE, SIZE, seed=7)), transpose_b=True))
    y = layer(b, kind, x, states, direction)
    if products:
        y = b.MatMul(y, b.const(weights(8, HIDDEN, seed=8)), transpose_b=True)
    b.graph.add_output(y, "y")
    return b.graph, [random(*shape, seed=9 + k) for k, shape in enumerate(shapes)]


def stored(graph: Graph, kind: str) -> list[str]:
    """The types in which the weights of a kind of node are stored; of those that were left alone f32."""

    def type_of(value: Value) -> str:
        while value.node is not None and value.node.kind != "Constant":
            value = value.node.operand(0)
        return str(value.dtype)

    ports = RECURRENT.get(kind, (1,))
    return [type_of(n.operand(p)) for part in graph.walk() for n in part if n.kind == kind for p in ports]


SEQUENCES = [(f"{kind}Sequence", d) for kind in KINDS for d in ("forward", "bidirectional")]
NODES = [*SEQUENCES, *((f"{kind}Cell", "forward") for kind in KINDS)]


@pytest.mark.parametrize("products", [True, False])
@pytest.mark.parametrize(("kind", "direction"), NODES)
def test_both_weights_become_integers_that_openvino_expands(
    kind: str, direction: str, products: bool, tmp_path: Path
) -> None:
    graph, inputs = network(kind, direction, products)
    made = quantized(graph, [inputs])
    assert stored(made, kind) == ["i8", "i8"]
    before, expected = Interpreter(graph).run(inputs)[0], Interpreter(made).run(inputs)[0]
    assert 0 < relative(before, expected) < 0.03
    model = compiled(written(made, tmp_path / "net.xml"))
    assert relative(expected, infer(model, inputs)[0]) < 1e-5
    if products:
        assert {precision for _, precision in precisions(model, "FullyConnected")} <= {"u8", "i8"}


@pytest.mark.parametrize(
    "data", [{"defaults": {"weights": {"mode": "asymmetric"}}}, {"weights": {"layer": {"bits": 4}}}]
)
@pytest.mark.parametrize("kind", ["LSTMSequence", "GRUCell"])
def test_other_integers(kind: str, data: dict[str, Any], tmp_path: Path) -> None:
    graph, inputs = network(kind)
    made = quantized(graph, [inputs], data)
    assert stored(made, kind) == (["i4", "i4"] if "weights" in data else ["u8", "u8"])
    expected = Interpreter(made).run(inputs)[0]
    assert relative(Interpreter(graph).run(inputs)[0], expected) < 0.2
    assert relative(expected, infer(compiled(written(made, tmp_path / "net.xml")), inputs)[0]) < 1e-5


def test_a_scale_for_each_row_or_group(tmp_path: Path) -> None:
    graph, inputs = network("LSTMSequence", products=False)
    errors = []
    for options in ({}, {"group": 4}):
        made = quantized(graph, [inputs], activations=False, weight_bits=4, **options)
        scales = [n.operand(1) for n in made if n.kind == "Multiply"]
        groups = [[], [SIZE // 4, HIDDEN // 4]][bool(options)]
        assert [s.shape for s in scales] == [(1, 4 * HIDDEN, *groups[k : k + 1], 1) for k in range(2)]
        expected = Interpreter(made).run(inputs)[0]
        errors.append(relative(Interpreter(graph).run(inputs)[0], expected))
        assert relative(expected, infer(compiled(written(made, tmp_path / "net.xml")), inputs)[0]) < 1e-5
    assert errors[1] < errors[0]


@pytest.mark.parametrize("ignored", [{"names": ["layer"]}, {"types": ["GRUSequence"]}, {"patterns": ["lay"]}])
def test_what_is_ignored_stays_float(ignored: dict[str, Any]) -> None:
    graph, inputs = network("GRUSequence")
    made = quantized(graph, [inputs], {"ignored": ignored})
    assert stored(made, "GRUSequence") == ["f32", "f32"]
    assert stored(made, "MatMul") == ["i8", "i8"]


def test_computed_weights_are_left_alone() -> None:
    b, (x, h, w) = start((BATCH, SIZE), (BATCH, HIDDEN), (HIDDEN, SIZE))
    b.graph.add_output(b.RNNCell(x, h, w, weights(HIDDEN, HIDDEN), weights(HIDDEN), hidden_size=HIDDEN), "y")
    context = Context(explain=True)
    Quantize(activations=False).run(b.graph, context)
    assert [str(v.dtype) for n in b.graph if n.kind == "Convert" for v in n.inputs if v is not None].count("i8") == 1
    assert any("computed" in d.why for d in context.declined)


def test_compressed_weights_stay_so_when_they_are_read_again(tmp_path: Path) -> None:
    graph, inputs = network("LSTMSequence")
    made = quantized(graph, [inputs])
    again = read_model(written(made, tmp_path / "net.xml"))
    assert stored(again, "LSTMSequence") == ["i8", "i8"]
    assert relative(Interpreter(made).run(inputs)[0], Interpreter(again).run(inputs)[0]) < 1e-6
    assert stored(read_model(written(again, tmp_path / "again.xml")), "LSTMSequence") == ["i8", "i8"]


def test_equal_weights_of_a_cell_and_a_product_are_stored_for_each() -> None:
    """Of a product they have scales of three bits, and may be computed with as integers."""
    b, (x, h) = start((BATCH, HIDDEN), (BATCH, HIDDEN))
    w = b.const(weights(HIDDEN, HIDDEN))
    y = b.RNNCell(b.MatMul(x, w, transpose_b=True), h, w, w, weights(HIDDEN), hidden_size=HIDDEN)
    b.graph.add_output(y, "y")
    made = quantized(b.graph, [[random(BATCH, HIDDEN), random(BATCH, HIDDEN)]])
    assert sum(n.kind == "Constant" and n.outputs[0].dtype.name == "i8" for n in made) == 2


# Bodies


def step(name: str) -> Graph:
    """x [N,1,H], h [N,H] -> tanh(W x + R h), a product named `name` in it."""
    body = Graph("body")
    b = Builder(body)
    x = body.add_input(TensorType(f32, (BATCH, 1, HIDDEN)), "bx")
    h = body.add_input(TensorType(f32, (BATCH, HIDDEN)), "bh")
    left = b.MatMul(b.Squeeze(x, [1]), b.const(weights(HIDDEN, HIDDEN, seed=1)), transpose_b=True)
    left.name = name
    right = b.MatMul(h, b.const(weights(HIDDEN, HIDDEN, seed=2)), transpose_b=True)
    body.add_output(b.Tanh(b.Add(left, right)), "new")
    return body


def iterated() -> tuple[Graph, list[np.ndarray]]:
    """A product of every step's output behind a loop."""
    b, (x, h) = start((BATCH, TIME, HIDDEN), (BATCH, HIDDEN))
    op = TensorIterator(
        body_from=(0, 1), slice_axis=(1, -1), slice_start=(0, 0), slice_end=(-1, 0), slice_stride=(1, 0),
        slice_part=(1, 0), back_edge=(-1, 0), out_from=(0,), out_axis=(-1,), out_start=(0,), out_end=(0,),
        out_stride=(0,), out_part=(0,),
    )  # fmt: skip
    last = b.node(op, x, h, bodies=(step("inside"),)).outputs[0]
    b.graph.add_output(b.MatMul(last, b.const(weights(8, HIDDEN, seed=8)), transpose_b=True), "y")
    return b.graph, [random(BATCH, TIME, HIDDEN), random(BATCH, HIDDEN, seed=2)]


def branched() -> tuple[Graph, list[np.ndarray]]:
    b, (x, h) = start((BATCH, 1, HIDDEN), (BATCH, HIDDEN))
    positive = b.Greater(b.ReduceSum(h, [0, 1], keep_dims=False), np.float32(-1e9))
    found = b.node(If(then_inputs=(1, 2), else_inputs=(1, 2)), positive, x, h, bodies=(step("inside"), step("other")))
    b.graph.add_output(b.MatMul(found.outputs[0], b.const(weights(8, HIDDEN, seed=8)), transpose_b=True), "y")
    return b.graph, [random(BATCH, 1, HIDDEN), random(BATCH, HIDDEN, seed=2)]


@pytest.mark.parametrize("make", [iterated, branched])
def test_weights_in_bodies(make: Any, tmp_path: Path) -> None:
    graph, inputs = make()
    made = quantized(graph, [inputs])
    assert set(stored(made, "MatMul")) == {"i8"}
    assert [n.kind for part in made.walk() for n in part if part is not made].count("FakeQuantize") == 0
    before, expected = Interpreter(graph).run(inputs)[0], Interpreter(made).run(inputs)[0]
    assert 0 < relative(before, expected) < 0.03
    assert relative(expected, infer(compiled(written(made, tmp_path / "net.xml"), EXACT), inputs)[0]) < 1e-5


def test_what_is_ignored_in_bodies() -> None:
    graph, inputs = iterated()
    made = quantized(graph, [inputs], {"ignored": {"names": ["inside"]}})
    (body,) = (part for part in made.walk() if part is not made)
    kept = [n for n in body if n.kind == "MatMul" and n.operand(1).is_const]
    assert [n.output.name for n in kept] == ["inside"]
    assert stored(made, "MatMul").count("i8") == 2
