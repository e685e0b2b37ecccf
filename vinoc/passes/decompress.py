"""The opposite of compressed weights."""

from __future__ import annotations

from dataclasses import replace

from ..ir.graph import Graph
from ..ir.ops.convert import Convert
from .base import Context, Pass, graph_pass


@graph_pass("decompress")
class Decompress(Pass):
    """Lets the expansion of compressed weights be folded: takes away the mark that keeps it from being."""

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in graph:
            if isinstance(node.op, Convert) and node.op.decompression:
                graph.set_op(node, replace(node.op, decompression=False))
                count += 1
        context.matches[self.name] += count
        return count
