"""Models that are enormous, deep or odd: refused in words, or read in time and memory that their size explains."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import defs, helper, numpy_helper

from vinoc.compiler.frontends.onnx import load
from vinoc.compiler.frontends.onnx.arity import most_inputs
from vinoc.ir.errors import ConversionError, ModelError

from .frontends.onnx_util import run_graph

N = helper.make_node
MANY = 100_000
ALLOWED = 2**31 - 1


def built(nodes: list[onnx.NodeProto], outputs: tuple[str, ...] = ("y",), shape: tuple[int, ...] = (2, 3)) -> bytes:
    inputs = [helper.make_tensor_value_info("x", 1, shape), helper.make_tensor_value_info("c", 9, [])]
    graph = helper.make_graph(nodes, "g", inputs, [helper.make_empty_tensor_value_info(o) for o in outputs])
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    return bytes(data)


def field(number: int, data: bytes) -> bytes:
    """A field of a message, as protobuf writes it: its own parser refuses to build what is nested this deep."""
    length, head = len(data), bytearray([number << 3 | 2])
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes([*head, length]) + data


def nested(depth: int) -> bytes:
    """If within If within If."""
    out = helper.make_empty_tensor_value_info("b")
    small = helper.make_graph([N("Abs", ["x"], ["b"])], "small", [], [out])
    other = helper.make_attribute("else_branch", small).SerializeToString()
    inner = small.SerializeToString()
    for i in range(depth):
        branch = onnx.AttributeProto(name="then_branch", type=onnx.AttributeProto.GRAPH).SerializeToString()
        node = (
            N("If", ["c"], ["b"], f"if_{i}").SerializeToString() + field(5, branch + field(6, inner)) + field(5, other)
        )
        inner = helper.make_graph([], "g", [], [out]).SerializeToString() + field(1, node)
    ports = (helper.make_tensor_value_info("x", 1, [2, 3]), helper.make_tensor_value_info("c", 9, []))
    inner += b"".join(field(11, v.SerializeToString()) for v in ports)
    head = onnx.ModelProto(ir_version=8, opset_import=[helper.make_opsetid("", 17)])
    return bytes(head.SerializeToString()) + field(7, inner)


def test_subgraphs_within_one_another() -> None:
    assert len(load(nested(20))) == 1
    with pytest.raises(ModelError, match="nested 500 deep"):
        load(nested(500))


@pytest.mark.long
def test_a_chain_of_100_000_nodes() -> None:
    names = ["x", *(f"v{i}" for i in range(MANY - 1)), "y"]
    assert len(load(built([N("Neg", [a], [b]) for a, b in pairwise(names)]))) == MANY


@pytest.mark.long
def test_100_000_inputs_of_one_node() -> None:
    names = [f"v{i}" for i in range(MANY)]
    join = N("Concat", names, ["y"], axis=0)
    graph = load(built([*(N("Neg", ["x"], [n]) for n in names), join]))
    assert str(graph.outputs[0].type) == "f32[200000,3]"


def test_messages_do_not_list_thousands_of_types() -> None:
    with pytest.raises(ConversionError) as caught:
        load(built([N("Relu", ["x"] * 5000, ["y"], "crowded")]))
    assert "'crowded'" in str(caught.value)
    assert "and 4988 more" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_how_many_inputs_operators_take() -> None:
    """The table is that of ONNX's schemas."""
    for schema in defs.get_all_schemas_with_history():
        if schema.domain in ("", "ai.onnx.ml"):
            found = most_inputs(schema.name, schema.since_version)
            assert found == min(schema.max_input, ALLOWED), (schema.name, schema.since_version)


# Valid, and odd


def test_tensors_without_elements() -> None:
    graph = load(built([N("Concat", ["x", "x"], ["j"], axis=1), N("ReduceSum", ["j"], ["y"])], shape=(0, 3)))
    (y,) = run_graph(graph, [np.zeros((0, 3), np.float32), np.array(True)])
    assert y.tolist() == [[0.0]]


def test_weights_that_are_no_numbers() -> None:
    weight = N("Constant", [], ["w"], value=numpy_helper.from_array(np.array([1, np.nan, np.inf], np.float32)))
    graph = load(built([weight, N("Add", ["x", "w"], ["y"])]))
    (y,) = run_graph(graph, [np.zeros((2, 3), np.float32), np.array(True)])
    np.testing.assert_array_equal(y, np.array([[1, np.nan, np.inf]] * 2, np.float32))


def test_inputs_that_nothing_reads_stay() -> None:
    assert [v.name for v in load(built([N("Neg", ["x"], ["y"])])).inputs] == ["x", "c"]


def test_one_value_as_several_outputs() -> None:
    graph = load(built([N("Neg", ["x"], ["y"]), N("Identity", ["y"], ["z"])], ("y", "z", "x", "y")))
    x = np.ones((2, 3), np.float32)
    got = run_graph(graph, [x, np.array(True)])
    assert [float(g[0, 0]) for g in got] == [-1, -1, 1, -1]


def test_names_of_subgraphs_may_be_used_again_in_another() -> None:
    """The standard gives a name one producer in each graph; two branches may both have it."""
    out = helper.make_empty_tensor_value_info("same")
    first, second = (helper.make_graph([N(op, ["x"], ["same"])], op, [], [out]) for op in ("Neg", "Abs"))
    graph = load(built([N("If", ["c"], ["y"], then_branch=first, else_branch=second)]))
    x = np.ones((2, 3), np.float32)
    assert [float(run_graph(graph, [x, np.array(c)])[0][0, 0]) for c in (True, False)] == [-1, 1]
