"""If, Loop, Scan: bodies, captures, values that change their type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from vinoc.compiler.frontends.onnx import load
from vinoc.ir.errors import ConversionError
from vinoc.ir.graph import Graph
from vinoc.ir.verify import verify

from .onnx_util import compare, run_graph, run_reference

NODE = helper.make_node
FLOAT, INT, BOOL = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.BOOL


def info(name: str, kind: int = FLOAT, shape: Sequence[Any] | None = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def subgraph(
    nodes: Sequence[onnx.NodeProto],
    outputs: Sequence[onnx.ValueInfoProto],
    inputs: Sequence[onnx.ValueInfoProto] = (),
    constants: dict[str, np.ndarray] | None = None,
) -> onnx.GraphProto:
    tensors = [numpy_helper.from_array(a, n) for n, a in (constants or {}).items()]
    return helper.make_graph(list(nodes), "body", list(inputs), list(outputs), tensors)


def model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)


def agree(proto: onnx.ModelProto, *cases: dict[str, np.ndarray]) -> Graph:
    """Compares with ONNX Runtime on every case, also after a copy of the graph."""
    graph = load(proto.SerializeToString())
    for g in graph.walk():
        verify(g)
    for inputs in cases:
        wanted = run_reference(proto, inputs)
        compare(run_graph(graph, list(inputs.values())), wanted)
        compare(run_graph(graph.clone(), list(inputs.values())), wanted)
    return graph


X = np.random.default_rng(2).normal(size=(2, 3)).astype(np.float32)
YES, NO = np.array(True), np.array(False)


def branches(condition: str = "c") -> onnx.NodeProto:
    """relu(x) + w, or x: the branches read an input, a computed value, and a constant of the outer graph."""
    then = subgraph([NODE("Relu", ["a"], ["r"]), NODE("Add", ["r", "w"], ["t"])], [info("t")])
    other = subgraph([NODE("Identity", ["x"], ["e"])], [info("e")])
    return NODE("If", [condition], ["y"], "if", then_branch=then, else_branch=other)


def test_if_on_an_input() -> None:
    nodes = [NODE("Neg", ["x"], ["a"]), branches()]
    proto = model(
        subgraph(nodes, [info("y")], [info("x", FLOAT, ["N", 3]), info("c", BOOL, [])], {"w": np.ones(3, np.float32)})
    )
    graph = agree(proto, {"x": X, "c": YES}, {"x": X, "c": NO})
    (node,) = (n for n in graph if n.kind == "If")
    assert len(node.inputs) == 3  # the condition, a, x: the constant is made again in the body
    assert str(graph.outputs[0].type) == "f32[N,3]"


@pytest.mark.parametrize("condition", [True, False])
def test_if_on_a_constant_takes_the_branch_inline(condition: bool) -> None:
    nodes = [NODE("Neg", ["x"], ["a"]), branches()]
    constants = {"w": np.ones(3, np.float32), "c": np.array(condition)}
    graph = agree(model(subgraph(nodes, [info("y")], [info("x", FLOAT, [2, 3])], constants)), {"x": X})
    assert "If" not in [n.kind for n in graph]


def test_if_whose_condition_follows_from_shapes_is_inlined() -> None:
    nodes = [
        NODE("Shape", ["x"], ["s"]),
        NODE("Gather", ["s", "one"], ["n"]),
        NODE("Equal", ["n", "three"], ["c"]),
        NODE("Neg", ["x"], ["a"]),
        branches(),
    ]
    constants = {"w": np.ones(3, np.float32), "one": np.array(1), "three": np.array(3)}
    graph = agree(model(subgraph(nodes, [info("y")], [info("x", FLOAT, ["N", 3])], constants)), {"x": X})
    assert sorted(n.kind for n in graph) == ["Add", "Constant", "Negative", "ReLU"]


def test_branches_of_different_rank() -> None:
    then = subgraph([NODE("ReduceSum", ["x"], ["t"], keepdims=0)], [info("t")])
    other = subgraph([NODE("Identity", ["x"], ["e"])], [info("e")])
    node = NODE("If", ["c"], ["y"], then_branch=then, else_branch=other)
    proto = model(subgraph([node], [info("y")], [info("x", FLOAT, [2, 3]), info("c", BOOL, [])]))
    graph = agree(proto, {"x": X, "c": YES}, {"x": X, "c": NO})
    assert graph.outputs[0].shape is None


def test_captures_of_captures() -> None:
    inner = subgraph([NODE("Mul", ["a", "w"], ["i"])], [info("i")])
    plain = subgraph([NODE("Add", ["a", "m"], ["j"])], [info("j")])
    middle = subgraph(
        [NODE("Exp", ["x"], ["m"]), NODE("If", ["c2"], ["o"], then_branch=inner, else_branch=plain)], [info("o")]
    )
    other = subgraph([NODE("Identity", ["x"], ["e"])], [info("e")])
    nodes = [NODE("Neg", ["x"], ["a"]), NODE("If", ["c"], ["y"], then_branch=middle, else_branch=other)]
    inputs = [info("x", FLOAT, [2, 3]), info("c", BOOL, []), info("c2", BOOL, [])]
    proto = model(subgraph(nodes, [info("y")], inputs, {"w": np.full(3, 2, np.float32)}))
    agree(proto, *({"x": X, "c": c, "c2": d} for c in (YES, NO) for d in (YES, NO)))


def loop_body(
    nodes: Sequence[onnx.NodeProto], outputs: Sequence[str], carried: Sequence[str], **constants: np.ndarray
) -> onnx.GraphProto:
    inputs = [info("i", INT, []), info("go", BOOL, []), *(info(c) for c in carried)]
    return subgraph(nodes, [info(outputs[0], BOOL, []), *(info(o) for o in outputs[1:])], inputs, constants)


def test_loop_with_scan_outputs_and_captures() -> None:
    nodes = [
        NODE("Cast", ["i"], ["k"], to=FLOAT),
        NODE("Mul", ["x", "k"], ["p"]),
        NODE("Add", ["acc", "p"], ["sum"]),
        NODE("ReduceSum", ["sum"], ["total"], keepdims=0),
        NODE("Identity", ["go"], ["again"]),
    ]
    body = loop_body(nodes, ["again", "sum", "total"], ["acc"])
    node = NODE("Loop", ["n", "", "x"], ["last", "totals"], body=body)
    proto = model(subgraph([node], [info("last"), info("totals")], [info("n", INT, []), info("x", FLOAT, ["N", 3])]))
    graph = agree(proto, *({"n": np.array(n), "x": X} for n in (0, 1, 4)))
    assert str(graph.outputs[0].type) == "f32[N,3]"


def test_loop_until_a_condition() -> None:
    nodes = [NODE("Add", ["acc", "one"], ["next"]), NODE("Less", ["next", "limit"], ["again"])]
    body = loop_body(nodes, ["again", "next"], ["acc"], one=np.array(1, np.float32))
    node = NODE("Loop", ["", "c", "start"], ["y"], body=body)
    inputs = [info("c", BOOL, []), info("start", FLOAT, []), info("limit", FLOAT, [])]
    cases = [
        {"c": c, "start": np.array(s, np.float32), "limit": np.array(5, np.float32)}
        for c, s in ((YES, 0), (YES, 9), (NO, 0))
    ]
    agree(model(subgraph([node], [info("y")], inputs)), *cases)


def test_loop_that_grows_what_it_carries() -> None:
    nodes = [NODE("Concat", ["acc", "x"], ["next"], axis=0), NODE("Identity", ["go"], ["again"])]
    node = NODE("Loop", ["n", "", "x"], ["y"], body=loop_body(nodes, ["again", "next"], ["acc"]))
    proto = model(subgraph([node], [info("y")], [info("n", INT, []), info("x", FLOAT, [2, 3])]))
    graph = agree(proto, *({"n": np.array(n), "x": X} for n in (0, 3)))
    shape = graph.outputs[0].shape
    assert shape is not None
    assert shape[1] == 3
    assert not isinstance(shape[0], int)


def test_loop_that_changes_rank() -> None:
    nodes = [NODE("Unsqueeze", ["acc", "zero"], ["next"]), NODE("Identity", ["go"], ["again"])]
    body = loop_body(nodes, ["again", "next"], ["acc"], zero=np.array([0]))
    node = NODE("Loop", ["n", "", "x"], ["y"], body=body)
    proto = model(subgraph([node], [info("y")], [info("n", INT, []), info("x", FLOAT, [2, 3])]))
    graph = agree(proto, *({"n": np.array(n), "x": X} for n in (0, 2)))
    assert graph.outputs[0].shape is None


def test_loop_in_a_loop() -> None:
    inner_nodes = [NODE("Add", ["b", "x"], ["b2"]), NODE("Identity", ["go2"], ["again2"])]
    inner = subgraph(
        inner_nodes, [info("again2", BOOL, []), info("b2")], [info("j", INT, []), info("go2", BOOL, []), info("b")]
    )
    nodes = [NODE("Loop", ["i", "", "acc"], ["next"], body=inner), NODE("Identity", ["go"], ["again"])]
    node = NODE("Loop", ["n", "", "x"], ["y"], body=loop_body(nodes, ["again", "next"], ["acc"]))
    proto = model(subgraph([node], [info("y")], [info("n", INT, []), info("x", FLOAT, [2, 3])]))
    agree(proto, {"n": np.array(4), "x": X})


def scan(**attributes: Any) -> onnx.ModelProto:
    """Carries the sum of rows; gives each sum, and each row twice."""
    nodes = [NODE("Add", ["s", "row"], ["s2"]), NODE("Identity", ["s2"], ["o"]), NODE("Mul", ["row", "two"], ["p"])]
    body = subgraph(
        nodes, [info("s2"), info("o"), info("p")], [info("s"), info("row")], {"two": np.array(2, np.float32)}
    )
    node = NODE("Scan", ["z", "x"], ["last", "sums", "doubles"], body=body, num_scan_inputs=1, **attributes)
    outputs = [info("last"), info("sums"), info("doubles")]
    return model(subgraph([node], outputs, [info("z", FLOAT, ["K"]), info("x", FLOAT, ["R", "C"])]))


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"scan_input_directions": [1], "scan_output_directions": [0, 1]},
        {"scan_input_axes": [1], "scan_output_axes": [1, -1]},
        {"scan_input_axes": [-1], "scan_input_directions": [1]},
    ],
)
def test_scan(attributes: dict[str, Any]) -> None:
    x = np.random.default_rng(3).normal(size=(4, 4)).astype(np.float32)
    agree(scan(**attributes), {"z": np.zeros(4, np.float32), "x": x})


def test_a_problem_in_a_body_is_reported_once() -> None:
    nodes = [
        NODE("MatMul", ["acc", "w"], ["bad"], "mm"),
        NODE("Concat", ["acc", "acc"], ["next"], axis=0),
        NODE("Identity", ["go"], ["again"]),
        NODE("Add", ["bad", "next"], ["o"], "skipped"),
    ]
    body = loop_body(nodes, ["again", "next", "o"], ["acc"], w=np.ones((7, 7), np.float32))
    node = NODE("Loop", ["n", "", "x"], ["y", "z"], body=body)
    proto = model(subgraph([node], [info("y"), info("z")], [info("n", INT, []), info("x", FLOAT, [2, 3])]))
    with pytest.raises(ConversionError) as caught:
        load(proto.SerializeToString())
    assert [p.node for p in caught.value.problems] == ["mm"]


def test_a_name_that_a_body_reads_and_nothing_defines() -> None:
    branch = subgraph([NODE("Relu", ["absent"], ["b"], "inner")], [info("b")])
    node = NODE("If", ["c"], ["y"], "if", then_branch=branch, else_branch=branch)
    proto = model(subgraph([node], [info("y")], [info("c", BOOL, [])]))
    with pytest.raises(ConversionError, match="missing initializer or value 'absent'"):
        load(proto.SerializeToString())
