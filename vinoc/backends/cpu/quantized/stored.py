"""Weights that FakeQuantize rounds, as the integers that they are."""

from __future__ import annotations

import numpy as np

from ....ir.builder import Builder
from ....ir.constant import Constant
from ....ir.dtype import f32
from ....ir.graph import Graph, Node
from ....ir.ops.convert import Convert
from ....passes.base import Context, Pass, graph_pass
from ....passes.decompress import quantizes
from ....passes.mark_weights import not_weights
from .weights import integers_of


@graph_pass("integer-weights")
class IntegerWeights(Pass):
    """FakeQuantize(w) = Convert(q) * scale for constant weights w of products and levels q that fit into i8.

    To come before `fold`, which would make floats of them. Where no computed value of the graph is quantized nothing is
    gained by integers, and all stays as it is.
    """

    needs = frozenset({"FakeQuantize"})

    def run(self, graph: Graph, context: Context) -> int:
        if not any(quantizes(node) for node in graph):
            return 0
        count = 0
        for node in graph:
            if node.kind != "FakeQuantize" or type(node.operand(0).op) is not Constant:
                continue
            why = not_weights(node) or _stored(graph, node)
            if why:
                context.decline(self.name, node.where, why)
            else:
                count += 1
        if count:
            context.matches[self.name] += count
        return count


def _stored(graph: Graph, node: Node) -> str:
    found = integers_of(node.outputs[0])
    if isinstance(found, str):
        return found
    if node.outputs[0].dtype is not f32:
        return f"it is {node.outputs[0].dtype}"
    b = Builder(graph, before=node, loc=node.loc)
    name = node.operand(0).name
    levels = b.const(found.levels, name=f"{name}/i8" if name else "")
    real = b.node(Convert(f32, decompression=True), levels).outputs[0]
    scale = b.const(np.asarray(found.scale, np.float32))
    scaled = b.Multiply(real, scale)
    scaled.name = node.outputs[0].name
    graph.replace_uses(node.outputs[0], scaled)
    graph.erase(node)
    return ""
