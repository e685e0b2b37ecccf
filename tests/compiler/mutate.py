"""Damage to ONNX models: to their bytes, and to what they say. Every function draws from the Random it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

INTEGERS = (0, 1, -1, 2, 3, -2, 7, 100, 1 << 20, 1 << 31, -(1 << 31), (1 << 31) - 1, 1 << 62, (1 << 63) - 1, -(1 << 63))
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 3e38, float("inf"), float("-inf"), float("nan"), 1e10)
WORDS = (
    b"",
    b"linear",
    b"SAME_UPPER",
    b"VALID",
    b"reverse",
    b"nonsense",
    b"\xff\xfe",
    b"DCR",
    b"reflect",
    b"bnc,nc->bn",
)
OP_TYPES = """
    Add Relu Conv Reshape Transpose Concat Gather Slice Split Resize Softmax MatMul Gemm If Loop Scan LSTM TopK Pad
    Tile Where Expand Cast Shape Range ConstantOfShape Squeeze Unsqueeze ReduceSum OneHot NonZero NonMaxSuppression
    Einsum DequantizeLinear QuantizeLinear BatchNormalization MaxPool AveragePool ConvTranspose CumSum ScatterND
    GatherND DepthToSpace SpaceToDepth Flatten Identity Constant Mod Pow EyeLike Det Trilu SequenceAt
    SplitToSequence STFT DFT GridSample RoiAlign Attention GroupNormalization Col2Im Nonsense
""".split()  # noqa: SIM905  # a list of seventy strings is no easier to read


# Bytes


def mutate_bytes(raw: bytes, r: Random) -> bytes:
    """One to four places flipped, set, cut out, doubled, filled or cut off."""
    data = bytearray(raw)
    for _ in range(r.randint(1, 4)):
        if not data:
            break
        at = r.randrange(len(data))
        size = r.choice((1, 2, 8, 64))
        how = r.randrange(7)
        if how == 0:
            data[at] ^= 1 << r.randrange(8)
        elif how == 1:
            data[at] = r.randrange(256)
        elif how == 2:
            del data[at : at + size]
        elif how == 3:
            del data[at:]
        elif how == 4:
            data[at:at] = data[at : at + size]
        elif how == 5:
            data[at:at] = bytes(r.randrange(256) for _ in range(min(size, 8)))
        else:
            data[at : at + size] = bytes([r.choice((0, 255, 127, 128))]) * size
    return bytes(data)


# Structure


def graphs_of(graph: GraphProto) -> Iterator[GraphProto]:
    """The graph and those in the attributes of its nodes."""
    yield graph
    for node in graph.node:
        for a in node.attribute:
            if a.type == AttributeProto.GRAPH:
                yield from graphs_of(a.g)


def mutate_model(model: ModelProto, r: Random) -> ModelProto:
    """A copy with one to three things changed."""
    out = ModelProto()
    out.CopyFrom(model)
    for _ in range(r.choice((1, 1, 1, 2, 3))):
        r.choice(MUTATIONS)(out, r)
    return out


def _graph(model: ModelProto, r: Random) -> GraphProto:
    return r.choice(list(graphs_of(model.graph)))


def _node(model: ModelProto, r: Random) -> NodeProto | None:
    nodes = [n for g in graphs_of(model.graph) for n in g.node] + [n for f in model.functions for n in f.node]
    return r.choice(nodes) if nodes else None


def _name(model: ModelProto, r: Random) -> str:
    """A name of the model, or one that nothing has."""
    graph = _graph(model, r)
    names = [n for node in graph.node for n in (*node.input, *node.output)]
    names += [t.name for t in graph.initializer] + [v.name for v in graph.input]
    return r.choice([*names, "", "absent"])


def attribute_value(model: ModelProto, r: Random) -> None:
    node = _node(model, r)
    if node is None or not node.attribute:
        return
    a = r.choice(list(node.attribute))
    if a.type == AttributeProto.INT:
        a.i = r.choice(INTEGERS)
    elif a.type == AttributeProto.FLOAT:
        a.f = r.choice(FLOATS)
    elif a.type == AttributeProto.STRING:
        a.s = r.choice(WORDS)
    elif a.type == AttributeProto.INTS:
        _list(a.ints, INTEGERS, r)
    elif a.type == AttributeProto.FLOATS:
        _list(a.floats, FLOATS, r)
    elif a.type == AttributeProto.STRINGS:
        _list(a.strings, WORDS, r)
    elif a.type == AttributeProto.TENSOR:
        _tensor(a.t, r)


def _list(items: Any, values: Any, r: Random) -> None:
    how = r.randrange(4)
    if how == 0 and len(items):
        items[r.randrange(len(items))] = r.choice(values)
    elif how == 1 and len(items):
        items.pop()
    elif how == 2:
        items.extend([r.choice(values)] * r.choice((1, 1, 2, 70)))
    else:
        del items[:]


def attribute_removed(model: ModelProto, r: Random) -> None:
    node = _node(model, r)
    if node is not None and node.attribute:
        del node.attribute[r.randrange(len(node.attribute))]


def attribute_type(model: ModelProto, r: Random) -> None:
    node = _node(model, r)
    if node is not None and node.attribute:
        r.choice(list(node.attribute)).type = r.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13))


def attribute_added(model: ModelProto, r: Random) -> None:
    """One that another node has, or that many operators know."""
    node, other = _node(model, r), _node(model, r)
    if node is None or other is None:
        return
    if other.attribute and r.random() < 0.5:
        node.attribute.append(r.choice(list(other.attribute)))
        return
    name = r.choice(("axis", "axes", "keepdims", "to", "group", "pads", "strides", "mode", "perm", "auto_pad", "body"))
    value = r.choice((r.choice(INTEGERS), r.choice(FLOATS), r.choice(WORDS), [r.choice(INTEGERS)], [1.5]))
    node.attribute.append(onnx.helper.make_attribute(name, value))


def node_input(model: ModelProto, r: Random) -> None:
    node = _node(model, r)
    if node is not None:
        _names(node.input, model, r)


def node_output(model: ModelProto, r: Random) -> None:
    node = _node(model, r)
    if node is not None:
        _names(node.output, model, r)


def _names(names: Any, model: ModelProto, r: Random) -> None:
    how = r.randrange(4)
    if how == 0 and len(names):
        names.pop()
    elif how == 1:
        names.append(_name(model, r))
    elif len(names):
        names[r.randrange(len(names))] = _name(model, r)


def node_moved(model: ModelProto, r: Random) -> None:
    """A node removed, doubled, or put elsewhere."""
    graph = _graph(model, r)
    if not len(graph.node):
        return
    nodes = list(graph.node)
    how, at = r.randrange(3), r.randrange(len(nodes))
    node = nodes[at] if how == 1 else nodes.pop(at)
    if how:
        nodes.insert(r.randrange(len(nodes) + 1), node)
    kept = [NodeProto.FromString(n.SerializeToString()) for n in nodes]
    del graph.node[:]
    graph.node.extend(kept)


def node_type(model: ModelProto, r: Random) -> None:
    node = _node(model, r)
    if node is None:
        return
    if r.random() < 0.1:
        node.domain = r.choice(("com.microsoft", "ai.onnx.ml", "local", "nonsense"))
        return
    other = _node(model, r)
    node.op_type = other.op_type if other is not None and r.random() < 0.4 else r.choice(OP_TYPES)


def value_info(model: ModelProto, r: Random) -> None:
    graph = _graph(model, r)
    infos = [*graph.input, *graph.output]
    if not infos:
        return
    info: ValueInfoProto = r.choice(infos)
    tensor = info.type.tensor_type
    how = r.randrange(8)
    if how == 0:
        tensor.elem_type = r.randrange(28)
    elif how == 1:
        tensor.ClearField("shape")
    elif how == 2:
        tensor.shape.dim.add().dim_value = r.choice(INTEGERS)
    elif how == 3 and len(tensor.shape.dim):
        tensor.shape.dim.pop()
    elif how == 4:
        info.name = _name(model, r)
    elif how == 5:
        info.type.sequence_type.elem_type.tensor_type.elem_type = r.randrange(28)
    elif how == 6 and len(tensor.shape.dim):
        r.choice(list(tensor.shape.dim)).dim_param = r.choice(("N", "", "?", "a b", "N+1", "-1", "min", "K" * 300))
    elif len(tensor.shape.dim):
        r.choice(list(tensor.shape.dim)).dim_value = r.choice(INTEGERS)


def graph_ports(model: ModelProto, r: Random) -> None:
    """An input or output of a graph removed or doubled."""
    graph = _graph(model, r)
    ports = r.choice((graph.input, graph.output))
    if not len(ports):
        return
    if r.random() < 0.5:
        del ports[r.randrange(len(ports))]
    else:
        ports.add().CopyFrom(ports[r.randrange(len(ports) - 1)] if len(ports) > 1 else ports[0])


def initializer(model: ModelProto, r: Random) -> None:
    graph = _graph(model, r)
    if not len(graph.initializer):
        return
    at = r.randrange(len(graph.initializer))
    how = r.randrange(6)
    if how == 0:
        del graph.initializer[at]
    elif how == 1:
        graph.initializer[at].name = _name(model, r)
    elif how == 2:
        graph.initializer.add().CopyFrom(graph.initializer[at])
    else:
        _tensor(graph.initializer[at], r)


def _tensor(t: TensorProto, r: Random) -> None:
    how = r.randrange(7)
    if how == 0:
        t.data_type = r.randrange(28)
    elif how == 1:
        _list(t.dims, INTEGERS, r)
    elif how == 2:
        t.raw_data = t.raw_data[: r.randrange(len(t.raw_data) + 1)]
    elif how == 3:
        t.raw_data += bytes(r.choice((1, 4, 8)))
    elif how == 4 and t.raw_data:
        size = r.choice((1, 4, 8))
        at = r.randrange(len(t.raw_data)) // size * size
        value = r.choice((r.choice(INTEGERS), r.getrandbits(63))) & ((1 << 8 * size) - 1)
        length = len(t.raw_data)
        t.raw_data = (t.raw_data[:at] + value.to_bytes(size, "little") + t.raw_data[at + size :])[:length]
    elif how == 5:
        t.data_location = TensorProto.EXTERNAL
        t.external_data.add(key="location", value=r.choice(("", "w.bin", "../../../etc/passwd", "/etc/passwd", ".")))
        t.external_data.add(key="offset", value=r.choice(("0", "-1", "x", str(1 << 62))))
    else:
        _reshaped(t, r)


def _reshaped(t: TensorProto, r: Random) -> None:
    """Dimensions in another order or split: the data still fit."""
    dims = list(t.dims)
    r.shuffle(dims)
    if dims and r.random() < 0.5:
        dims.insert(r.randrange(len(dims) + 1), 1)
    t.ClearField("dims")
    t.dims.extend(dims)


def versions(model: ModelProto, r: Random) -> None:
    how = r.randrange(3)
    if how == 0:
        model.ir_version = r.choice(INTEGERS)
    elif how == 1 and len(model.opset_import):
        r.choice(list(model.opset_import)).version = r.choice((*INTEGERS, 1, 5, 7, 9, 11, 12, 13, 15, 18, 21, 24))
    else:
        model.opset_import.add(
            domain=r.choice(("", "ai.onnx", "com.microsoft")), version=r.choice((0, 1, 8, 12, 18, 24))
        )


def sizes(model: ModelProto, r: Random) -> None:
    """The numbers of a small integer tensor: shapes, axes, bounds, repeats."""
    found = [t for g in graphs_of(model.graph) for t in g.initializer if t.data_type == 7 and 0 < len(t.raw_data) <= 64]
    if found:
        t = r.choice(found)
        at = r.randrange(len(t.raw_data) // 8) * 8 if len(t.raw_data) >= 8 else 0
        t.raw_data = t.raw_data[:at] + r.choice(INTEGERS).to_bytes(8, "little", signed=True) + t.raw_data[at + 8 :]


MUTATIONS: tuple[Callable[[ModelProto, Random], None], ...] = (
    attribute_value, attribute_value, attribute_removed, attribute_type, attribute_added, node_input, node_input,
    node_output, node_moved, node_type, node_type, value_info, value_info, graph_ports, initializer, initializer,
    versions, sizes, sizes,
)  # fmt: skip
