"""Which nodes the kernel of a product of integers computes: from a u8 residual to the integers of the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.graph import Graph, Node, Value
from ..quantized.int8 import along_channels, dequantized, is_scalar
from ..region import extract
from .epilogue import ACTIVATIONS, INTEGERS, epilogue
from .integer_epilogue import grid_of


def integer_region(graph: Graph, node: Node) -> str:
    """Puts a product of integers, and what follows it, into a region; returns the kernel's name."""
    if not node.outputs[0].tensor.is_static or not all(node.operand(k).is_const for k in (1, 2, 3)):
        return ""
    op: Any = node.op
    kernel = "integer_matmul" if node.kind == "QuantizedMatMul" else "integer_conv"
    kernel = "level_conv" if node.kind == "QuantizedConvolution" and op.winograd else kernel
    found = epilogue(node, channel_axis=-1 if kernel == "integer_matmul" else 1, without=INTEGERS)
    residual = _residual(graph, node, found)
    nodes = [node, *found]
    last = _quantize_behind(node, found)
    extract(graph, [*residual, *nodes, *last], kernel)
    return kernel


def _quantize_behind(product: Node, found: list[Node]) -> list[Node]:
    """The only reader of a result, if it makes integers of it that the product's kernel can make."""
    value = [product, *found][-1].outputs[0]
    user = next(value.users, None)
    if value.n_uses != 1 or user is None or user.kind != "Quantize" or user.outputs[0].shape != value.shape:
        return []
    return [user] if is_scalar(user) or _fits_by_channel(product, found, user) else []


def _fits_by_channel(product: Node, found: list[Node], quantize: Node) -> bool:
    """Whether a grid for each channel can be folded: behind a bias and limits that are the same levels everywhere."""
    if product.kind == "QuantizedMatMul" or not along_channels(quantize):
        return False
    if epilogue(product, channel_axis=1, residual=False, post=False) != found:
        return False
    lo, hi = -np.inf, np.inf
    if found and found[-1].kind in ACTIVATIONS:
        op: Any = found[-1].op
        lo, hi = (0.0, np.inf) if op.kind == "ReLU" else (op.min, op.max)
    return grid_of(quantize.op, quantize.operand(1), quantize.operand(2)).limits(lo, hi) is not None


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
