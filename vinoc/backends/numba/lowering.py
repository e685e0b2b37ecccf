"""The pass that brings a graph to what is written as loops."""

from __future__ import annotations

from ...ir.dtype import f32
from ...ir.graph import Graph, Node, Value
from ...passes.base import Context, Pass, graph_pass
from ..cpu.region import extract
from .chains import chains
from .endings import attributes, has_loops, is_image, replace, with_ending
from .ops import AvgPoolLoops, Joined, MaxPoolValues, PaddedPlain, Product


@graph_pass("numba-loops")
class NumbaLoops(Pass):
    """Operations on f32 that have a form as loops become operations which are written so.

    Convolutions take the bias, the residual, and the activation that follow; elementwise nodes that follow each other
    form chains.
    """

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in list(graph):
            if node.kind in ("Convolution", "GroupConvolution") and has_loops(node):
                with_ending(graph, node)
                context.matches["convolution"] += 1
            elif node.kind == "MaxPool" and is_image(node) and not _is_read(node.outputs[1]):
                replace(graph, [node], MaxPoolValues(**attributes(node)))
                context.matches["pool"] += 1
            elif node.kind == "AvgPool" and is_image(node):
                replace(graph, [node], AvgPoolLoops(**attributes(node)))
                context.matches["pool"] += 1
            elif node.kind == "Concat" and node.outputs[0].dtype is f32 and node.outputs[0].rank:
                replace(graph, [node], Joined(**attributes(node)))
                context.matches["concat"] += 1
            elif node.kind == "MatMul" and node.outputs[0].dtype is f32:
                replace(graph, [node], Product(**attributes(node)))
                context.matches["product"] += 1
            elif node.kind == "Pad" and _only_adds(node):
                replace(graph, [node], PaddedPlain(**attributes(node)))
                context.matches["pad"] += 1
            else:
                continue
            count += 1
        for chain in chains(graph):
            extract(graph, chain, "chain")
            context.matches["chain"] += 1
            count += 1
        return count


def _is_read(value: Value) -> bool:
    return bool(value.n_uses) or value.is_output


def _only_adds(pad: Node) -> bool:
    """True for a Pad of f32 by constants that are not negative, with one number."""
    sizes = [pad.operand(i) for i in (1, 2)]
    if pad.outputs[0].dtype is not f32 or getattr(pad.op, "pad_mode", "") != "constant":
        return False
    return all(v.is_const and v.const is not None and (v.const >= 0).all() for v in sizes)
