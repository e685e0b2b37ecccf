"""Sequences and optionals against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from vinoc.ir.graph import Graph

from .onnx_util import compare, make_model, read, run_graph, run_reference

X = np.random.default_rng(5).normal(size=(6, 3)).astype(np.float32)
INTERNAL = "Sequence", "Optional", "SplitToSequence", "ConcatFromSequence"


def check(
    *steps: tuple[Any, ...], outputs: list[str], opset: int = 18, p: int | None = None, **constants: Any
) -> Graph:
    """Nodes (op, inputs, output, attributes) over x, y and the position p, an input of the model."""
    nodes = [helper.make_node(op, ins, [out], **(rest[0] if rest else {})) for op, ins, out, *rest in steps]
    data: dict[str, Any] = {"x": X, "y": X[:2] + 1}
    if p is not None:
        data["p"] = np.array(p)
    read_by = {name for node in nodes for name in node.input}
    data = {k: v for k, v in data.items() if k in read_by}
    model = make_model(nodes, data, opset, {k: np.asarray(v) for k, v in constants.items()}, outputs)
    graph = read(model)
    compare(run_graph(graph, list(data.values())), run_reference(model, data))
    return graph


def internal(graph: Graph) -> list[str]:
    return [n.kind for n in graph if n.kind.startswith(INTERNAL)]


def test_known_elements_leave_no_sequence() -> None:
    graph = check(
        ("SequenceConstruct", ["x", "y"], "s"),
        ("SequenceInsert", ["s", "y", "zero"], "t"),
        ("SequenceInsert", ["t", "x"], "u"),
        ("SequenceErase", ["u", "one"], "v"),
        ("SequenceErase", ["v"], "w"),
        ("SequenceAt", ["w", "last"], "a"),
        ("SequenceLength", ["w"], "n"),
        ("ConcatFromSequence", ["w"], "c", {"axis": 0}),
        outputs=["a", "n", "c"], zero=0, one=1, last=-1,
    )  # fmt: skip
    assert not internal(graph)


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axis", [0, -1])
def test_unbind(axis: int, keepdims: int) -> None:
    graph = check(
        ("SplitToSequence", ["x"], "s", {"axis": axis, "keepdims": keepdims}),
        ("SequenceAt", ["s", "i"], "a"),
        ("ConcatFromSequence", ["s"], "c", {"axis": -1, "new_axis": 1}),
        outputs=["a", "c"], i=2,
    )  # fmt: skip
    assert not internal(graph)


@pytest.mark.parametrize("split", [4, [1, 3, 2], 2])
def test_split_to_sequence(split: Any) -> None:
    steps = [("SplitToSequence", ["x", "n"], "s"), ("SequenceAt", ["s", "one"], "a")]
    graph = check(*steps, outputs=["a"], n=split, one=1)
    assert not internal(graph)


def test_positions_of_run_time_keep_the_sequence() -> None:
    for p in (0, 1, -1):
        graph = check(
            ("SequenceConstruct", ["x", "y"], "s"),
            ("SequenceInsert", ["s", "x", "p"], "t"),
            ("SequenceErase", ["t", "p"], "u"),
            ("SequenceAt", ["u", "p"], "a"),
            ("SequenceLength", ["u"], "n"),
            ("ConcatFromSequence", ["t"], "c", {"axis": 0}),
            outputs=["a", "n", "c"], p=p,
        )  # fmt: skip
        assert set(internal(graph)) >= {"SequenceConstruct", "SequenceInsert", "SequenceErase", "SequenceAt"}


def test_splitting_by_a_length_of_run_time() -> None:
    steps = [("SplitToSequence", ["x", "p"], "s"), ("SequenceAt", ["s", "zero"], "a")]
    graph = check(*steps, outputs=["a"], p=4, zero=0)
    assert str(graph.outputs[0].type) == "f32[?,3]"


def test_an_empty_sequence_grows() -> None:
    graph = check(
        ("SequenceEmpty", [], "e", {"dtype": 1}),
        ("SequenceLength", ["e"], "n"),
        ("SequenceInsert", ["e", "x"], "s"),
        ("SequenceAt", ["s", "zero"], "a"),
        outputs=["n", "a"], zero=0,
    )  # fmt: skip
    assert not internal(graph)


def test_optionals_that_hold_something() -> None:
    graph = check(
        ("Optional", ["x"], "o"),
        ("OptionalHasElement", ["o"], "h"),
        ("OptionalGetElement", ["o"], "a"),
        ("Add", ["a", "a"], "z"),
        outputs=["h", "z"],
    )  # fmt: skip
    assert not internal(graph)
