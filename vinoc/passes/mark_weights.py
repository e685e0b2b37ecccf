"""Keeps weights of few bits as they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..ir.graph import Graph, Node
from ..ir.ops.convert import Convert
from .base import Context, Pass, graph_pass
from .kinds import CONVOLUTIONS

STEPS = ("Subtract", "Multiply", "Reshape", "Transpose", "Convert")
PRODUCTS = (*CONVOLUTIONS, "MatMul")

RECURRENT = {
    "LSTMSequence": (4, 5), "GRUSequence": (3, 4), "RNNSequence": (3, 4),
    "LSTMCell": (3, 4), "GRUCell": (2, 3), "RNNCell": (2, 3),
}  # fmt: skip
"""Which operands of recurrent nodes are weights: of the input, and of the state."""


def weight_ports(node: Node) -> tuple[int, ...]:
    """The operands of a node that are weights."""
    if node.kind in PRODUCTS:
        return (1,)
    return (0,) if node.kind == "Gather" else RECURRENT.get(node.kind, ())


@graph_pass("mark-weights")
class MarkWeights(Pass):
    """Marks Convert(w) of integer weights as decompression, so that `fold` leaves (Convert(w) - zero) * scale alone.

    To come before `fold`. The weights stay i8, u8, i4 or u4 in the file, as OpenVINO's own compression leaves them,
    and its kernels expand them as they read. Only what a product, a recurrent node or a Gather reads as weights is
    marked.
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
    for user, index in readers(node):
        if isinstance(user, Graph):
            return "it is an output of the graph"
        if index not in weight_ports(user):
            return f"'{user.label}' ({user.kind}) reads it, which is no product"
    return ""


def readers(node: Node) -> Iterator[tuple[Node | Graph, int]]:
    """Who reads what is converted, as it is or behind steps that expand it."""
    stack, seen = [node], set()
    while stack:
        for user, index in stack.pop().output.uses:
            if isinstance(user, Graph) or index in weight_ports(user) or not _is_step(user, index):
                yield user, index
            elif user not in seen:
                seen.add(user)
                stack.append(user)


def _is_step(node: Node, index: int) -> bool:
    others = [v for i, v in enumerate(node.inputs) if i != index and v is not None]
    return node.kind in STEPS and all(v.is_const or _converted(v.node) for v in others)


def _converted(node: Node | None) -> bool:
    """Whether a node converts a constant: a zero point that is stored as the weights are."""
    return node is not None and node.kind == "Convert" and node.operand(0).is_const
