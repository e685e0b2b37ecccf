"""Which nodes the kernel of a product of integers computes: from a u8 residual to the integers of the result."""

from __future__ import annotations

from ....ir.builder import Builder
from ....ir.graph import Graph, Node, Value
from ..quantized.int8 import dequantized, is_scalar
from ..region import extract
from .epilogue import INTEGERS, epilogue


def integer_region(graph: Graph, node: Node) -> str:
    """Puts a product of integers, and what follows it, into a region; returns the kernel's name."""
    if not node.outputs[0].tensor.is_static or not all(node.operand(k).is_const for k in (1, 2, 3)):
        return ""
    kernel = "integer_matmul" if node.kind == "QuantizedMatMul" else "integer_conv"
    found = epilogue(node, channel_axis=-1 if kernel == "integer_matmul" else 1, without=INTEGERS)
    residual = _residual(graph, node, found)
    nodes = [node, *found]
    last = _quantize_behind(nodes[-1])
    extract(graph, [*residual, *nodes, *last], kernel)
    return kernel


def _quantize_behind(node: Node) -> list[Node]:
    """The only reader of a result, if it makes integers on one grid of it."""
    value = node.outputs[0]
    user = next(value.users, None)
    if value.n_uses != 1 or user is None or user.kind != "Quantize" or not is_scalar(user):
        return []
    return [user] if user.outputs[0].shape == value.shape else []


def _residual(graph: Graph, product: Node, found: list[Node]) -> list[Node]:
    """A Dequantize of its own for the first node of an epilogue that adds one to the product, if there is any."""
    inside: Value = product.outputs[0]
    for node in found:
        for index, value in enumerate(node.inputs):
            source = dequantized(value)
            if node.kind == "Add" and value is not inside and source is not None and is_scalar(source):
                b = Builder(graph, before=source, loc=source.loc)
                own = b.node(source.op, *source.inputs)
                graph.set_input(node, index, own.outputs[0])
                if not source.outputs[0].n_uses:
                    graph.erase(source)
                return [own]
        inside = node.outputs[0]
    return []
