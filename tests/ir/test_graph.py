from __future__ import annotations

import numpy as np
import pytest

from vinoc.ir import Builder, Graph, InferenceError, Loc, TensorType, VerificationError, VinocError, symbol, verify
from vinoc.ir.dtype import f32, i64
from vinoc.ir.op import op_class


def chain(n: int) -> tuple[Graph, Builder]:
    graph = Graph("chain")
    b = Builder(graph)
    value = graph.add_input(TensorType(f32, (symbol("N"), 3)), "x")
    for i in range(n):
        value = b.ReLU(value, name=f"v{i}")
    graph.add_output(value, "y")
    return graph, b


def test_builder_infers_and_names() -> None:
    graph, b = chain(1)
    y = b.Add(graph.inputs[0], 1.5, name="sum")
    assert str(y.type) == "f32[N,3]"
    assert y.name == "sum"
    assert y.node.inputs[1].dtype is f32
    verify(graph)


def test_error_names_node_operands_and_cause() -> None:
    graph, b = chain(0)
    b.loc = Loc("m.onnx", "add1", "Add")
    with pytest.raises(InferenceError) as info:
        b.Add(graph.inputs[0], np.zeros((2, 4), np.float32))
    assert str(info.value).startswith("m.onnx: node 'add1' (Add): Add: ")
    assert "f32[N,3], f32[2,4]" in str(info.value)


def test_wrong_arity_and_attribute() -> None:
    graph, b = chain(0)
    with pytest.raises(InferenceError, match="takes 2 inputs"):
        b.Add(graph.inputs[0])
    with pytest.raises(VinocError, match="numpy"):
        b.Add(graph.inputs[0], graph.inputs[0], auto_broadcast="numpi")
    with pytest.raises(VinocError, match="did you mean 'ReLU'"):
        b.Relu(graph.inputs[0])


def test_iteration_under_change() -> None:
    graph, _ = chain(5)
    seen = []
    for node in graph:
        seen.append(node.outputs[0].name)
        if node.outputs[0].name == "v1":
            graph.insert(op_class("Tanh")(), node.inputs, before=node, name="before")
            graph.insert(op_class("Tanh")(), node.outputs, before=node.next, name="behind")
        if node.outputs[0].name == "v2":
            graph.replace_uses(node.outputs[0], node.inputs[0])
            graph.erase(node)
    assert seen == ["v0", "v1", "behind", "v2", "v3", "v4"]
    verify(graph)
    assert [n.outputs[0].name for n in reversed(graph)] == ["v4", "v3", "behind", "v1", "before", "v0"]


def test_many_insertions_at_one_place_stay_in_order() -> None:
    graph, _ = chain(2)
    last = graph._last
    assert last is not None
    value = graph.inputs[0]
    for _ in range(3000):
        value = graph.insert(op_class("ReLU")(), [value], before=last).outputs[0]
    first = graph.first
    for _ in range(200):
        first = graph.insert(op_class("ReLU")(), [graph.inputs[0]], before=first)
    verify(graph)


def test_replace_infers_again_downstream() -> None:
    graph = Graph("g")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (symbol("N"), 4)), "x")
    target = graph.add_input(TensorType(i64, (2,)), "target")
    y = b.Tanh(b.Reshape(x, target, special_zero=False))
    graph.add_output(y, "y")
    assert str(y.type) == "f32[?,?]"
    shape = graph.insert(op_class("Constant")(value=_ints(2, -1)), (), before=graph.first).outputs[0]
    graph.replace_uses(target, shape)
    assert str(y.type).startswith("f32[2,")
    verify(graph)


def _ints(*values: int) -> object:
    from vinoc.ir.buffer import Buffer

    return Buffer.of(np.array(values, np.int64))


def test_shape_arithmetic_is_followed() -> None:
    graph = Graph("g")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (symbol("N"), 3, symbol("L"))), "x")
    shape = b.ShapeOf(x)
    n = b.Gather(shape, np.array([0]), np.array(0))
    rest = b.Multiply(b.Gather(shape, np.array([2]), np.array(0)), np.array([3]))
    y = b.Reshape(x, b.Concat(n, rest, axis=0), special_zero=False)
    assert str(y.type) == "f32[N,3*L]"


def test_erase_refuses_what_is_read() -> None:
    graph, _ = chain(2)
    assert graph.first is not None
    with pytest.raises(VinocError, match="in use"):
        graph.erase(graph.first)


def test_verifier_finds_broken_invariants() -> None:
    graph, _ = chain(3)
    nodes = list(graph)
    nodes[1].outputs[0].type = TensorType(f32, (7,))
    with pytest.raises(VerificationError, match="recorded as"):
        verify(graph)
    graph, _ = chain(3)
    nodes = list(graph)
    graph.move(nodes[2], before=nodes[0])
    with pytest.raises(VerificationError, match="computed after it"):
        verify(graph)
    graph, _ = chain(3)
    nodes = list(graph)
    del nodes[0].outputs[0]._uses[nodes[1], 0]
    with pytest.raises(VerificationError, match="does not list it as a user"):
        verify(graph)
    graph, _ = chain(3)
    other, _ = chain(1)
    node = next(iter(graph))
    node.inputs = (other.inputs[0],)
    other.inputs[0]._uses[node, 0] = None
    with pytest.raises(VerificationError, match="another graph"):
        verify(graph)


def test_clone_is_equal_and_separate() -> None:
    graph, _ = chain(3)
    copy = graph.clone()
    verify(copy)
    assert str(copy) == str(graph)
    for node in list(copy)[1:]:
        assert all(v is None or v.owner is copy or v.node.graph is copy for v in node.inputs)


def test_to_networkx() -> None:
    import networkx

    graph, _ = chain(4)
    view = graph.to_networkx()
    assert networkx.is_directed_acyclic_graph(view)
    assert view.number_of_edges() == 3


def test_operation_declared_twice_names_both_owners() -> None:
    from vinoc.ir.op import Op, op

    with pytest.raises(VinocError, match=r"vinoc\.ir\.ops.*and by tests"):

        @op(opset=1)
        class Add(Op):
            def infer(self, a):  # type: ignore[no-untyped-def]
                return a.type
