"""The opposite of compressed weights."""

from __future__ import annotations

from dataclasses import replace

from ..ir.constant import Constant
from ..ir.dtype import bf16, f16, f32
from ..ir.graph import Graph, Node
from ..ir.ops.convert import Convert
from ..ir.ops.quantize import FakeQuantize
from .base import Context, Pass, graph_pass
from .filters import is_large_factor
from .mark_weights import RECURRENT, not_weights, readers

LEVELS = 256
"""Of eight bits."""


@graph_pass("decompress")
class Decompress(Pass):
    """Lets the expansion of compressed weights be folded: takes away the mark that keeps it from being.

    With `keep-products` large weights of matrix products that are f16 or bf16 get, or keep, the mark, whoever converts
    them: for devices whose kernels expand weights as they read them. So do weights of eight bits and fewer that
    recurrent nodes read, and others where values are quantized as well: these devices compute the products in integers.
    """

    needs = frozenset({"Convert"})

    keep_products: bool = False

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        quantized = self.keep_products and any(quantizes(n) for n in graph)
        for node in graph:
            if not isinstance(node.op, Convert):
                continue
            keep = self.keep_products and _expands_products(node)
            keep = keep or (self.keep_products and _expands_integers(node, quantized))
            if node.op.decompression != keep:
                graph.set_op(node, replace(node.op, decompression=keep))
                count += 1
        context.matches[self.name] += count
        return count


def quantizes(node: Node) -> bool:
    """Whether a node rounds values that are computed to levels of eight bits."""
    return isinstance(node.op, FakeQuantize) and node.op.levels <= LEVELS and not node.operand(0).is_const


def _expands_integers(node: Node, quantized: bool) -> bool:
    """Whether a node expands constants of eight bits and fewer that are only read as weights; where nothing else is
    quantized, of recurrent nodes."""
    source = node.operand(0)
    small = type(source.op) is Constant and source.dtype.is_integer and source.dtype.bits <= 8
    if not small or node.outputs[0].dtype is not f32 or not_weights(node):
        return False
    return quantized or all(user.kind in RECURRENT for user, _ in readers(node) if not isinstance(user, Graph))


def _expands_products(node: Node) -> bool:
    """Whether a node expands a large constant matrix of 16-bit floats that only products read, on their right."""
    source, out = node.operand(0), node.outputs[0]
    if type(source.op) is not Constant or source.dtype not in (f16, bf16) or out.dtype is not f32:
        return False
    return is_large_factor(out)
