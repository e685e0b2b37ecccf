"""Order, names, types, cuts, and the report of everything that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from vinoc.compiler.frontends.onnx import load
from vinoc.ir import dtype as dt
from vinoc.ir.dim import symbol
from vinoc.ir.errors import ConversionError, UsageError
from vinoc.ir.graph import Graph
from vinoc.ir.loc import Loc
from vinoc.ir.types import TensorType
from vinoc.ir.verify import verify

from .onnx_util import run_graph

NODE = helper.make_node


def build(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, list[object]] | None = None,
    outputs: Sequence[str] = ("y",),
    constants: dict[str, np.ndarray] | None = None,
    opset: int = 13,
) -> onnx.ModelProto:
    infos = [helper.make_tensor_value_info(n, 1, s) for n, s in (inputs or {"x": [2, 3]}).items()]
    initializers = [numpy_helper.from_array(a, n) for n, a in (constants or {}).items()]
    outs = [helper.make_empty_tensor_value_info(n) for n in outputs]
    graph = helper.make_graph(list(nodes), "g", infos, outs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def read(model: onnx.ModelProto) -> Graph:
    graph = load(model.SerializeToString())
    verify(graph)
    return graph


def problems(model: onnx.ModelProto) -> list[tuple[str, str, str]]:
    with pytest.raises(ConversionError) as caught:
        load(model.SerializeToString())
    assert all(p.help for p in caught.value.problems)
    return [(p.op, p.node, p.what) for p in caught.value.problems]


def test_nodes_out_of_order_are_sorted() -> None:
    nodes = [NODE("Neg", ["b"], ["y"]), NODE("Exp", ["a"], ["b"]), NODE("Abs", ["x"], ["a"])]
    graph = read(build(nodes))
    assert [n.kind for n in graph] == ["Abs", "Exp", "Negative"]


def test_a_cycle_names_its_nodes() -> None:
    nodes = [
        NODE("Abs", ["x"], ["a"], "fine"),
        NODE("Add", ["a", "c"], ["b"], "one"),
        NODE("Neg", ["b"], ["c"], "two"),
        NODE("Exp", ["c"], ["y"], "behind"),
    ]
    ((_, _, what),) = problems(build(nodes))
    assert "'one'" in what
    assert "'two'" in what
    assert "behind" not in what


def test_values_that_are_never_defined() -> None:
    nodes = [NODE("Conv", ["x", "conv1.weigth"], ["a"], "conv1"), NODE("Relu", ["a"], ["y"], "relu")]
    model = build(nodes, constants={"conv1.weight": np.ones((1, 1, 1, 1), np.float32)})
    assert problems(model) == [("Conv", "conv1", "missing initializer or value 'conv1.weigth'")]
    with pytest.raises(ConversionError, match=r"did you mean 'conv1\.weight'"):
        load(model.SerializeToString())


def test_an_output_that_nothing_computes() -> None:
    assert problems(build([NODE("Abs", ["x"], ["a"])], outputs=["a", "z"])) == [
        ("output", "", "no node computes the output 'z'")
    ]


def test_names_that_are_used_twice() -> None:
    double = build([NODE("Abs", ["x"], ["y"], "one"), NODE("Neg", ["x"], ["y"], "two")])
    assert problems(double) == [("Neg", "two", "output 'y' is computed by node 'one' too")]
    shadow = build([NODE("Abs", ["x"], ["x"], "one"), NODE("Neg", ["x"], ["y"], "two")])
    assert problems(shadow) == [("Abs", "one", "output 'x' is an input or initializer too")]
    twice = build([NODE("Add", ["x", "w"], ["y"])], constants={"w": np.ones(3, np.float32)})
    twice.graph.initializer.append(twice.graph.initializer[0])
    assert problems(twice) == [("initializer", "w", "two initializers are named 'w'")]


def test_all_problems_are_reported_and_no_consequences() -> None:
    nodes = [
        NODE("Foo", ["x"], ["a"], "foo"),
        NODE("Relu", ["a"], ["b"], "skipped"),
        NODE("Softmx", ["b"], ["c"], "unknown_behind_unknown"),
        NODE("MatMul", ["x", "w"], ["d"], "matmul"),
        NODE("Bar", ["x"], ["e"], "bar", domain="my.own"),
        NODE("Sum", ["c", "d", "e"], ["y"], "sum"),
    ]
    found = problems(build(nodes, constants={"w": np.ones((5, 5), np.float32)}))
    assert [(op, node) for op, node, _ in found] == [
        ("Foo", "foo"),
        ("Softmx", "unknown_behind_unknown"),
        ("MatMul", "matmul"),
        ("Bar", "bar"),
    ]
    assert "'my.own.Bar'" in found[3][2]
    with pytest.raises(ConversionError) as caught:
        load(build(nodes, constants={"w": np.ones((5, 5), np.float32)}).SerializeToString())
    text = str(caught.value)
    assert "did you mean 'Softmax'?" in text
    assert "--output" in text
    assert "--plugin" in text


def test_unknown_operators_in_subgraphs_are_reported() -> None:
    branch = helper.make_graph(
        [NODE("Foo", ["x"], ["b"], "inner")], "b", [], [helper.make_empty_tensor_value_info("b")]
    )
    nodes = [
        NODE("Bar", ["x"], ["c"], "outer"),
        NODE("If", ["c"], ["y"], "if", then_branch=branch, else_branch=branch),
    ]
    assert [(op, node) for op, node, _ in problems(build(nodes))] == [("Bar", "outer"), ("Foo", "inner")]


def test_what_no_output_needs_is_not_converted() -> None:
    nodes = [NODE("Foo", ["x"], ["unused"]), NODE("Relu", ["x"], ["y"])]
    graph = read(build(nodes, constants={"w": np.ones(100, np.float32)}))
    assert [n.kind for n in graph] == ["ReLU"]


def test_initializers_among_the_inputs_are_constants() -> None:
    model = build([NODE("Add", ["x", "w"], ["y"])], {"x": [2, 3], "w": [3]}, constants={"w": np.ones(3, np.float32)})
    model.ir_version = 3
    graph = read(model)
    assert graph.input_names == [("x",)]
    assert graph.output_names == [("y",)]
    assert np.array_equal(run_graph(graph, [np.zeros((2, 3), np.float32)])[0], np.ones((2, 3), np.float32))


def test_provenance_and_names() -> None:
    model = build([NODE("Relu", ["x"], ["a"], "r"), NODE("Neg", ["a"], ["y"])])
    first, second = read(model)
    assert first.loc == Loc("model", "r", "Relu")
    assert second.loc == Loc("model", "y", "Neg")
    assert [v.name for v in (*first.outputs, *second.outputs)] == ["a", "y"]


def test_initializers_name_themselves_in_bodies_too() -> None:
    branches = []
    for kind in ("Add", "Mul"):
        made = helper.make_tensor_value_info(f"{kind}_y", 1, None)
        branches.append(helper.make_graph([NODE(kind, ["x", "w"], [f"{kind}_y"])], kind, [], [made]))
    choice = helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])
    model = build([choice], {"x": [3], "c": []}, constants={"w": np.ones(3, np.float32)})
    model.graph.input[1].type.tensor_type.elem_type = 9
    graph = read(model)
    (node,) = [n for n in graph if n.bodies]
    places = [n.loc for body in node.bodies for n in body if n.kind == "Constant"]
    assert places == [Loc("model", "w"), Loc("model", "w")]
    weighted = read(build([NODE("Add", ["x", "w"], ["y"])], {"x": [3]}, constants={"w": np.ones(3, np.float32)}))
    assert [n.loc for n in weighted] == [Loc("model", "w"), Loc("model", "y", "Add")]


# Types


def test_dimensions_become_symbols() -> None:
    nodes = [NODE("Relu", ["x"], ["y"]), NODE("Relu", ["x2"], ["y2"]), NODE("Relu", ["x3"], ["y3"])]
    model = build(nodes, {"x": ["batch", 3, None], "x2": ["batch", "N+1", "N 1"], "x3": ["?", "7"]}, ["y", "y2", "y3"])
    model.graph.input[2].type.tensor_type.shape.dim[1].dim_value = -1
    types = [str(v.type) for v in read(model).inputs]
    assert types == ["f32[batch,3,x_d2]", "f32[batch,N_1,N_1_2]", "f32[x3_d0,x3_d1]"]


def test_unknown_rank_and_missing_type() -> None:
    model = build([NODE("Relu", ["x"], ["y"])])
    model.graph.input[0].type.tensor_type.ClearField("shape")
    assert read(model).inputs[0].type == TensorType(dt.f32, None)
    model.graph.input[0].type.ClearField("tensor_type")
    assert problems(model) == [("input", "", "'x' has no type")]
    model.graph.input[0].type.map_type.key_type = 1
    assert problems(model) == [("input", "", "'x' is a map")]


def test_declared_types_inside_are_not_believed() -> None:
    model = build([NODE("Relu", ["x"], ["a"]), NODE("Neg", ["a"], ["y"])])
    model.graph.value_info.append(helper.make_tensor_value_info("a", 1, [9, 9]))
    assert str(read(model).outputs[0].type) == "f32[2,3]"


def test_shape_arithmetic_leaves_no_trace_where_shapes_are_fixed() -> None:
    nodes = [
        NODE("Shape", ["x"], ["s"]),
        NODE("Gather", ["s", "zero"], ["n"], axis=0),
        NODE("Concat", ["n", "minus"], ["target"], axis=0),
        NODE("Reshape", ["x", "target"], ["y"]),
    ]
    constants = {"zero": np.array([0]), "minus": np.array([-1])}
    fixed = read(build(nodes, {"x": [2, 3, 4]}, constants=constants))
    assert [n.kind for n in fixed] == ["Constant", "Reshape"]
    assert str(fixed.outputs[0].type) == "f32[2,12]"
    dynamic = read(build(nodes, {"x": ["N", 3, 4]}, constants=constants))
    assert str(dynamic.outputs[0].type) == "f32[N,12]"


# Cuts

CHAIN = [
    NODE("Abs", ["x"], ["a"], "first"),
    NODE("Split", ["a"], ["b0", "b1"], "split", axis=0),
    NODE("Add", ["b0", "b1"], ["c"], "add"),
    NODE("Foo", ["c"], ["y"], "unknown"),
]


@pytest.mark.parametrize(
    ("output", "kind"), [("c", "Add"), ("add", "Add"), ("split:1", "Split"), ("1:split", "Split"), ("a", "Abs")]
)
def test_a_cut_in_front_of_what_is_unknown(output: str, kind: str) -> None:
    graph = load(build(CHAIN).SerializeToString(), outputs=[output])
    assert graph.outputs[0].node is not None
    assert graph.outputs[0].node.kind == kind
    assert graph.outputs[0].index == (1 if kind == "Split" else 0)


def test_a_cut_behind_what_is_unknown() -> None:
    nodes = [NODE("Foo", ["x"], ["a"], "foo"), NODE("Relu", ["a"], ["y"], "relu")]
    given = TensorType(dt.f32, (symbol("N"), 3))
    graph = load(build(nodes).SerializeToString(), inputs={"foo": given})
    assert graph.input_names == [("a",)]
    assert graph.outputs[0].type == given
    with pytest.raises(ConversionError, match="does not say the type of 'a'"):
        load(build(nodes).SerializeToString(), inputs={"a": None})


def test_a_type_given_for_an_input_replaces_the_declared_one() -> None:
    graph = load(build([NODE("Relu", ["x"], ["y"])]).SerializeToString(), inputs={"x": TensorType(dt.f16, (7,))})
    assert graph.outputs[0].type == TensorType(dt.f16, (7,))


def test_a_cut_at_an_unknown_name() -> None:
    with pytest.raises(UsageError, match="no tensor or node 'spilt'") as caught:
        load(build(CHAIN).SerializeToString(), outputs=["spilt"])
    assert caught.value.help == "did you mean 'split'?"
    assert caught.value.where == "--output"


def test_a_long_chain_is_no_deep_recursion() -> None:
    names = ["x", *(f"v{i}" for i in range(3000)), "y"]
    nodes = [NODE("Relu", [a], [b]) for a, b in pairwise(names)]
    assert len(read(build(nodes))) == 3001
    assert len(read(build(nodes[::-1]))) == 3001
