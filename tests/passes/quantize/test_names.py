"""Which names mean what, and what is wrong with ranges for a graph; all of it at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vinoc.ir import Builder, Graph, TensorType
from vinoc.ir import dtype as dt
from vinoc.ir.loc import Fused, Loc
from vinoc.ir.text import print_graph
from vinoc.passes import Context
from vinoc.passes.quantize import Quantize, Ranges, RangesError, needed

from ...backends.ir_util import random, start

PLAIN = {"strides": (1, 1), "pads_begin": (0, 0), "pads_end": (0, 0), "dilations": (1, 1)}


def network() -> Graph:
    """Two branches that a Concat joins, and a product behind it."""
    b, (x,) = start((1, 2, 4, 4))
    b.loc = Loc("m.onnx", "left_node", "Conv")
    left = b.Convolution(x, b.const(random(2, 2, 1, 1), name="left_w"), name="left", **PLAIN)
    b.loc = Fused((Loc("m.onnx", "right_node", "Conv"), Loc("m.onnx", "right_bn", "BatchNormalization")), "fuse")
    right = b.Convolution(x, b.const(random(2, 2, 1, 1, seed=1), name="right_w"), name="right", **PLAIN)
    b.loc = Loc("m.onnx", "end_node", "Conv")
    joined = b.Concat(left, right, axis=1, name="joined")
    b.graph.add_output(b.Convolution(joined, b.const(random(3, 4, 1, 1), name="end_w"), name="end", **PLAIN), "y")
    return b.graph


FULL = {"x0": (-1, 1), "left": (-1, 1), "right": (-2, 3)}


def ranges(values: dict[str, Any], **more: Any) -> Ranges:
    entries = {n: {"min": v[0], "max": v[1]} if isinstance(v, tuple) else v for n, v in values.items()}
    return Ranges.of({"values": entries, **more}, "r.json")


def limits(graph: Graph) -> dict[str, float]:
    """The upper ends of what was inserted, by value."""
    places = [n for n in graph if n.outputs[0].name.endswith("/quantized")]
    return {n.operand(0).name: round(float(n.operand(2).const), 2) for n in places}


def quantize(graph: Graph, given: Ranges, **options: Any) -> list[str]:
    context = Context(explain=True)
    Quantize(ranges=given, **{"exact": False} | options).run(graph, context)
    return [f"{d.where}: {d.why}" for d in context.declined]


def test_values_are_known_by_value_and_by_node() -> None:
    assert list(needed(network())) == ["x0", "left", "right"]
    for names in (FULL, {"x0": (-1, 1), "left_node": (-1, 1), "right": (-2, 3)}):
        graph = network()
        quantize(graph, ranges(names))
        assert limits(graph) == {"x0": 1.0, "left": 3.0, "right": 3.0}


def test_a_range_behind_what_moves_values_will_do() -> None:
    b, (x,) = start((1, 2, 4, 4))
    moved = b.Transpose(b.ReLU(x, name="relu"), [0, 1, 3, 2], name="moved")
    b.graph.add_output(b.Convolution(moved, random(2, 2, 3, 3), **PLAIN), "y")
    assert list(needed(b.graph)) == ["relu"]
    quantize(b.graph, ranges({"moved": (0, 2)}))
    assert limits(b.graph) == {"relu": 2.0}


def test_operands_that_are_unified_or_not() -> None:
    graph = network()
    quantize(graph, ranges(FULL), unify=())
    found = limits(graph)
    assert found["left"] < 1.1 < found["right"]


@pytest.mark.parametrize(
    "ignored",
    [{"names": ["left"]}, {"names": ["left_node"]}, {"patterns": ["left"]}, {"patterns": [".*eft_n"]}],
)
def test_ignored_nodes_stay_as_they_are(ignored: dict[str, Any]) -> None:
    graph = network()
    declined = quantize(graph, ranges(FULL, ignored=ignored))
    assert any("left_node" in d and "it is to be ignored" in d for d in declined)
    (left,) = [n for n in graph if n.outputs[0].name == "left"]
    assert [v.name for v in left.inputs] == ["x0", "left_w"]
    assert left.operand(1).is_const


def test_nodes_that_fusions_took_up_are_known() -> None:
    graph = network()
    quantize(graph, ranges(FULL, ignored={"names": ["right_bn"]}, weights={"end_node": {"bits": 4}}))
    text = print_graph(graph)
    assert "right_w/" not in text
    assert '"end_w/i4"' in text


def test_an_ignored_kind_is_not_carried() -> None:
    graph = network()
    values = {"x0": (-1, 1), "joined": (-2, 3)}
    assert list(needed(graph, ranges({}, ignored={"types": ["Concat"]}))) == ["x0", "joined"]
    quantize(graph, ranges(values, ignored={"types": ["Concat"]}))
    assert set(limits(graph)) == {"x0", "joined"}


FAULTS: list[tuple[Ranges, list[str]]] = [
    (ranges({**FULL, "rihgt": (0, 1)}), ["'rihgt': the model has no such value (did you mean 'right'?)"]),
    (ranges({**FULL, "right_bn": (0, 1)}), ["'right_bn': the model has no such value (it became part of another)"]),
    (ranges({"x0": (-1, 1)}), ["'left': has no range (f32[1,2,4,4], read by 'end_node' (Concat))", "'right': has no"]),
    (
        ranges({**FULL, "left": {"min": -1, "max": 1, "mode": "symmetric"}}),
        ["'left', 'right': have settings of their own, but are quantized alike (Concat reads them)"],
    ),
    (
        ranges({**FULL, "x0": {"min": [0, 0, 0], "max": [1, 1, 1]}}),
        ["'x0': 3 ranges are given along axis 1 of f32[1,2,4,4]"],
    ),
    (
        ranges({**FULL, "x0": {"min": [0, 0], "max": [1, 1], "axis": 5}}),
        ["'x0': 2 ranges are given along axis 5 of f32[1,2,4,4]"],
    ),
    (
        ranges(FULL, weights={"end_w": {"min": [0, 0], "max": [1, 1]}}),
        ["'end_w': the weights of 'end_node': 2 ranges are given for their 3 output channels"],
    ),
    (ranges(FULL, ignored={"patterns": ["none"]}), ["'none': the name of no node begins with this pattern"]),
    (  # of everything
        ranges({"x": (0, 1), "right": (0, 1)}, weights={"lef_w": {}}, ignored={"names": ["q"], "types": ["Cnocat"]}),
        [
            "'x': the model",
            "'lef_w': the model",
            "'q': the model",
            "'Cnocat': there is",
            "'x0': has no",
            "'left': has no",
        ],
    ),
]


@pytest.mark.parametrize(("given", "wanted"), FAULTS, ids=[w[0][:30] for _, w in FAULTS])
def test_faults(given: Ranges, wanted: list[str]) -> None:
    graph = network()
    before = print_graph(graph)
    with pytest.raises(RangesError) as caught:
        Quantize(ranges=given).run(graph, Context())
    told = [str(p) for p in caught.value.problems]
    assert len(told) == len(wanted), told
    assert all(any(w in t for t in told) for w in wanted), told
    assert caught.value.where == "r.json"
    assert print_graph(graph) == before


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(value: float) -> None:
    graph = Graph("net")
    b = Builder(graph)
    x = graph.add_input(TensorType(dt.f32, (2, 3)), "x")
    w = random(3, 4)
    w[1, 1] = value
    graph.add_output(b.MatMul(x, b.const(w, name="w"), name="product"), "y")
    with pytest.raises(RangesError, match="'w': the weights of 'product': they are not finite"):
        Quantize(activations=False).run(graph, Context())


def test_values_of_one_framework_node_have_names_of_their_own() -> None:
    b, (x,) = start((1, 2, 4, 4))
    b.loc = Loc("m.onnx", "block", "Block")
    y = x
    for seed in range(3):
        y = b.ReLU(b.Convolution(y, random(2, 2, 1, 1, seed=seed), **PLAIN))
    b.graph.add_output(y, "y")
    names = needed(b.graph)
    assert len(names) == 3
    values = {name: (0, i + 1) for i, name in enumerate(names)}
    quantize(b.graph, ranges(values))
    ends = [float(n.operand(2).const) for n in b.graph if n.outputs[0].name.endswith("/quantized")]
    assert np.allclose(ends, [1, 2, 3], rtol=1e-3)


def test_weights_that_others_read_too_stay_for_them() -> None:
    b, (x,) = start((2, 3))
    w = b.const(random(3, 3), name="w")
    b.graph.add_output(b.Add(b.MatMul(x, w), b.MatMul(b.ReLU(x), w, transpose_b=True)), "y")
    b.graph.add_output(b.Negative(w), "z")
    Quantize(activations=False).run(b.graph, Context())
    stored = [n.outputs[0].dtype.name for n in b.graph if n.kind == "Constant"]
    assert stored.count("i8") == 2  # one by columns, one by rows
    assert stored.count("f32") == 1


def test_a_given_range_of_weights_clips_them() -> None:
    b, (x,) = start((2, 2))
    b.graph.add_output(b.MatMul(x, b.const(np.float32([[1, 4], [-2, 8]]), name="w")), "y")
    given = ranges({}, weights={"w": {"min": -2.0, "max": 2.0}})
    Quantize(ranges=given, activations=False, half=False).run(b.graph, Context())
    (stored,) = [n.op.value.array for n in b.graph if n.outputs[0].dtype is dt.i8]
    assert stored.tolist() == [[63, 127], [-127, 127]]


def test_a_value_has_the_range_of_what_it_was_moved_from() -> None:
    """A Sigmoid reads the Concat as well, so that no integers go through it: it is quantized behind it."""
    graph = network()
    joined = next(n for n in graph if n.kind == "Concat")
    extra = Builder(graph, before=None).Sigmoid(joined.outputs[0])
    graph.add_output(extra, "z")
    per_channel = {"min": [-1, -3], "max": [1, 2]}
    assert list(needed(graph)) == ["x0", "joined"]
    quantize(graph, ranges(FULL | {"left": per_channel}), unknown="ignore")
    assert limits(graph) == {"x0": 1.0, "joined": 3.0}


def test_a_value_without_a_range_of_all_that_it_was_moved_from_has_none() -> None:
    graph = network()
    graph.add_output(Builder(graph).Sigmoid(next(n for n in graph if n.kind == "Concat").outputs[0]), "z")
    with pytest.raises(RangesError, match="'joined': has no range"):
        quantize(graph, ranges({"x0": (-1, 1), "left": (-1, 1)}), unknown="ignore")
