"""Keeps weights of few bits as they are stored."""

from __future__ import annotations

from dataclasses import replace

from ..ir.graph import Graph, Node
from ..ir.ops.convert import Convert
from .base import Context, Pass, graph_pass

STEPS = ("Subtract", "Multiply", "Reshape", "Transpose", "Convert")
PRODUCTS = ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData", "MatMul")


@graph_pass("mark-weights")
class MarkWeights(Pass):
    """Marks Convert(w) of integer weights as decompression, so that `fold` leaves (Convert(w) - zero) * scale alone.

    To come before `fold`. The weights stay i8, u8, i4 or u4 in the file, as OpenVINO's own compression leaves them,
    and its kernels expand them as they read. Only what a product, a Convolution or a Gather reads is marked.
    """

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in graph:
            op = node.op
            if not isinstance(op, Convert) or op.decompression or not node.operand(0).is_const:
                continue
            source = node.operand(0).dtype
            if not source.is_integer or source.bits > 8 or not op.destination_type.is_float:
                continue
            why = not_weights(node)
            if why:
                context.decline(self.name, node.where, why)
                continue
            graph.set_op(node, replace(op, decompression=True))
            count += 1
        if count:
            context.matches[self.name] += count
        return count


def not_weights(node: Node) -> str:
    """Why what is converted is not only read as weights; empty where it is."""
    stack, seen = [node], set()
    while stack:
        n = stack.pop()
        for user, index in n.output.uses:
            if isinstance(user, Graph):
                return "it is an output of the graph"
            if (user.kind in PRODUCTS and index == 1) or (user.kind == "Gather" and index == 0):
                continue
            others = [v for i, v in enumerate(user.inputs) if i != index and v is not None]
            if user.kind not in STEPS or not all(v.is_const or _converted(v.node) for v in others):
                return f"'{user.label}' ({user.kind}) reads it, which is no product"
            if user not in seen:
                seen.add(user)
                stack.append(user)
    return ""


def _converted(node: Node | None) -> bool:
    """Whether a node converts a constant: a zero point that is stored as the weights are."""
    return node is not None and node.kind == "Convert" and node.operand(0).is_const
