"""Merges nodes that compute the same."""

from __future__ import annotations

from typing import Any

from ..ir.constant import Constant
from ..ir.graph import Graph, Node
from .base import Context, Pass, graph_pass


@graph_pass("cse")
class Cse(Pass):
    """Merges equal operations on equal operands, constants of equal contents among them."""

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        seen: dict[tuple[Any, ...], list[Node]] = {}
        for node in graph:
            if not node.op.pure or node.bodies:
                continue
            op, inputs = node.op, node.inputs
            key: tuple[Any, ...] = (type(op), *inputs)
            if type(op) is Constant:
                key = (op.value,)
            elif op.commutative and len(inputs) == 2 and inputs[0] is not inputs[1]:
                key = (type(op), frozenset(inputs))
            alike = seen.setdefault(key, [])
            first = next((n for n in alike if n.op == op), None)
            if first is None:
                alike.append(node)
                continue
            for old, new in zip(node.outputs, first.outputs, strict=True):
                graph.replace_uses(old, new)
            graph.erase(node)
            count += 1
        return count
