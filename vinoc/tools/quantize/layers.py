"""The products and recurrent nodes of a graph: what they read, how much they compute, what their weights take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ...ir.graph import Graph, Node, Value
from ...ir.loc import leaves
from ...ir.types import static_shape
from ...passes.mark_weights import PRODUCTS, RECURRENT, weight_ports
from ...passes.quantize.places import CARRIERS


def products(graph: Graph) -> list[Node]:
    """The products and recurrent nodes of a graph, in its order, and of its bodies."""
    inner = [node for node in graph if node.bodies]
    below = [node for owner in inner for body in owner.bodies for node in products(body)]
    return [node for node in graph if node.kind in PRODUCTS or node.kind in RECURRENT] + below


def weights_of(node: Node) -> list[Value]:
    """What a product or a recurrent node reads as weights."""
    return [node.operand(port) for port in weight_ports(node)]


MADE_OF = ("Conv", "Gemm", "MatMul", "LSTM", "GRU", "RNN")
"""How the kinds of framework nodes begin that are products."""


def layer_name(node: Node) -> str:
    """What a product is called: by the framework node that it was, of those that were fused."""
    found = [leaf.node for leaf in leaves(node.loc) if leaf.node and leaf.op_type.startswith(MADE_OF)]
    return found[-1] if found else node.label  # those before it gave it terms or factors


def stored(value: Value) -> Iterator[Node]:
    """The constants that a value follows from."""
    node = value.node
    if node is None:
        return
    if node.kind == "Constant":
        yield node
    for v in node.inputs:
        if v is not None:
            yield from stored(v)


def multiplications(node: Node) -> int:
    """Multiplications of a product, for its shapes; 0 where these are not known. In a body: of one iteration."""
    if node.kind in RECURRENT:
        steps, *sizes = (static_shape(v.shape) for v in (node.operand(0), *weights_of(node)))
        return math.prod(steps[:-1]) * sum(math.prod(size or (0,)) for size in sizes) if steps else 0
    out, weights = node.outputs[0].shape, node.operand(1).shape
    if out is None or weights is None or not all(isinstance(d, int) for d in (*out, *weights)):
        return 0
    size = math.prod(int(str(d)) for d in out)
    if node.kind == "MatMul":
        left = node.operand(0).shape
        across = getattr(node.op, "transpose_a", False)
        return size * int(str(left[-2 if across else -1])) if left else 0
    filters = math.prod(int(str(d)) for d in weights)
    if node.kind.endswith("BackpropData"):
        data = node.operand(0).shape or ()
        grouped = int(str(weights[0])) if node.kind.startswith("Group") else 1
        channels = int(str(weights[1 if grouped > 1 else 0])) * grouped
        return math.prod(int(str(d)) for d in data) * filters // max(channels, 1)
    outputs = math.prod(int(str(d)) for d in weights[: 2 if node.kind == "GroupConvolution" else 1])
    return size * filters // max(outputs, 1)


def source_names(node: Node, names: Mapping[Value, str]) -> Sequence[str]:
    """The quantized values that a product's data come from, through what carries integers; () where it reads floats."""
    found: dict[str, None] = {}
    front = [node.operand(0)]
    seen = set(front)
    while front:
        value = front.pop()
        producer = value.node
        if producer is None:
            return ()
        if producer.kind == "FakeQuantize":
            found[names.get(value, value.name)] = None
            continue
        parts = producer.inputs if producer.kind == "Concat" else producer.inputs[:1]
        if producer.kind not in CARRIERS or not parts:
            return ()
        front += [v for v in parts if v is not None and v not in seen]
        seen.update(v for v in parts if v is not None)
    return list(found)
