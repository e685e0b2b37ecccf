"""Removes what no output needs."""

from __future__ import annotations

from ..ir.graph import Graph
from .base import Context, Pass, graph_pass


@graph_pass("dce")
class Dce(Pass):
    """Removes nodes whose results nothing reads; operations with state stay."""

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in reversed(graph):
            if node.op.pure and not node.is_read:
                graph.erase(node)
                count += 1
        return count
