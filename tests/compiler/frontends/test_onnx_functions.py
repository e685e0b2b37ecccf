"""Functions of a model, written out at every call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import helper

from vinoc.compiler.frontends.onnx import load
from vinoc.ir.errors import ConversionError, ModelError

from .onnx_util import run_graph, run_reference

NODE = helper.make_node
OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]


def function(
    name: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    nodes: Sequence[onnx.NodeProto],
    attributes: Sequence[str] = (),
) -> onnx.FunctionProto:
    return helper.make_function("local", name, list(inputs), list(outputs), list(nodes), OPSETS, list(attributes))


def model(nodes: Sequence[onnx.NodeProto], functions: Sequence[onnx.FunctionProto]) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", 1, [2, 3])],
        [helper.make_tensor_value_info("y", 1, [2, 3])],
    )
    return helper.make_model(graph, opset_imports=OPSETS, functions=list(functions), ir_version=9)


def referring(node: onnx.NodeProto, name: str, of_caller: str, kind: int) -> onnx.NodeProto:
    """Gives a node an attribute whose value is the caller's."""
    node.attribute.append(onnx.AttributeProto(name=name, ref_attr_name=of_caller, type=kind))
    return node


X = np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32)

LEAK = function(
    "Leak",
    ["a"],
    ["b"],
    [referring(NODE("LeakyRelu", ["a"], ["b"]), "alpha", "slope", onnx.AttributeProto.FLOAT)],
    ["slope"],
)


def test_a_call_and_its_attributes() -> None:
    proto = model([NODE("Leak", ["x"], ["y"], domain="local", slope=0.25)], [LEAK])
    assert np.array_equal(run_graph(load(proto.SerializeToString()), [X])[0], run_reference(proto, {"x": X})[0])
    default = model([NODE("Leak", ["x"], ["y"], domain="local")], [LEAK])
    assert np.allclose(run_graph(load(default.SerializeToString()), [X])[0], np.where(X < 0, X * np.float32(0.01), X))


def test_attributes_with_defaults() -> None:
    body = function(
        "Leak", ["a"], ["b"], [referring(NODE("LeakyRelu", ["a"], ["b"]), "alpha", "slope", onnx.AttributeProto.FLOAT)]
    )
    body.attribute_proto.append(helper.make_attribute("slope", 0.5))
    proto = model([NODE("Leak", ["x"], ["y"], domain="local")], [body])
    assert np.array_equal(run_graph(load(proto.SerializeToString()), [X])[0], np.where(X < 0, X / 2, X))


def test_nested_calls_optional_inputs_and_names() -> None:
    inner = function("Inner", ["a", "low"], ["t"], [NODE("Clip", ["a", "low"], ["t"])])
    outer = function("Outer", ["a"], ["t"], [NODE("Inner", ["a"], ["u"], domain="local"), NODE("Neg", ["u"], ["t"])])
    proto = model(
        [NODE("Outer", ["x"], ["t"], domain="local"), NODE("Outer", ["t"], ["y"], domain="local")], [inner, outer]
    )
    graph = load(proto.SerializeToString())
    assert np.array_equal(run_graph(graph, [X])[0], X)
    assert graph.outputs[0].name == "y"


def test_a_reference_passes_through_calls_and_subgraphs() -> None:
    branch = helper.make_graph(
        [referring(NODE("LeakyRelu", ["a"], ["r"]), "alpha", "slope", onnx.AttributeProto.FLOAT)],
        "b",
        [],
        [helper.make_empty_tensor_value_info("r")],
    )
    nodes = [
        NODE("ReduceSum", ["a"], ["s"], keepdims=0),
        NODE("Greater", ["s", "s"], ["c"]),
        NODE("If", ["c"], ["b"], then_branch=branch, else_branch=branch),
    ]
    inner = function("Inner", ["a"], ["b"], nodes, ["slope"])
    call = referring(NODE("Inner", ["a"], ["b"], domain="local"), "slope", "k", onnx.AttributeProto.FLOAT)
    outer = function("Outer", ["a"], ["b"], [call], ["k"])
    proto = model([NODE("Outer", ["x"], ["y"], domain="local", k=0.5)], [inner, outer])
    assert np.array_equal(run_graph(load(proto.SerializeToString()), [X])[0], np.where(X < 0, X / 2, X))


def test_recursion_is_refused() -> None:
    one = function("One", ["a"], ["b"], [NODE("Two", ["a"], ["b"], domain="local")])
    two = function("Two", ["a"], ["b"], [NODE("One", ["a"], ["b"], domain="local")])
    with pytest.raises(ConversionError, match="calls itself"):
        load(model([NODE("One", ["x"], ["y"], "call", domain="local")], [one, two]).SerializeToString())


def test_exponential_growth_is_refused_before_it_happens() -> None:
    functions = [function("F0", ["a"], ["b"], [NODE("Neg", ["a"], ["b"])])]
    for i in range(1, 60):
        calls = [NODE(f"F{i - 1}", ["a"], ["t"], domain="local"), NODE(f"F{i - 1}", ["t"], ["b"], domain="local")]
        functions.append(function(f"F{i}", ["a"], ["b"], calls))
    with pytest.raises(ConversionError, match=r"'call' \(F59\): function 'F59' is 1\.7e\+18 nodes"):
        load(model([NODE("F59", ["x"], ["y"], "call", domain="local")], functions).SerializeToString())


def test_deep_nesting_is_refused() -> None:
    functions = [function("F0", ["a"], ["b"], [NODE("Neg", ["a"], ["b"])])]
    functions += [
        function(f"F{i}", ["a"], ["b"], [NODE(f"F{i - 1}", ["a"], ["b"], domain="local")]) for i in range(1, 500)
    ]
    with pytest.raises(ModelError, match="nested more than"):
        load(model([NODE("F499", ["x"], ["y"], domain="local")], functions).SerializeToString())


def test_unknown_operators_in_functions_are_reported_once() -> None:
    body = function("F", ["a"], ["b"], [NODE("Foo", ["a"], ["b"], "inner")])
    proto = model([NODE("F", ["x"], ["t"], domain="local"), NODE("F", ["t"], ["y"], domain="local")], [body])
    with pytest.raises(ConversionError) as caught:
        load(proto.SerializeToString())
    assert [(p.op, p.node) for p in caught.value.problems] == [("Foo", "inner")]
