"""Merges nodes that compute the same."""

from __future__ import annotations

from typing import Any

from ..ir.graph import Graph
from .base import Context, Pass, graph_pass


@graph_pass("cse")
class Cse(Pass):
    """Merges equal operations on equal operands, constants of equal contents among them."""

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        seen: dict[tuple[Any, ...], Any] = {}
        for node in graph:
            if not node.op.pure or node.bodies:
                continue
            inputs = node.inputs
            key: tuple[Any, ...] = (node.op, *inputs)
            if node.op.commutative and len(inputs) == 2:
                key = (node.op, frozenset(inputs) if inputs[0] is not inputs[1] else inputs)
            first = seen.setdefault(key, node)
            if first is node:
                continue
            for old, new in zip(node.outputs, first.outputs, strict=True):
                graph.replace_uses(old, new)
            graph.erase(node)
            count += 1
        return count
