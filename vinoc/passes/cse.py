"""Merges nodes that compute the same."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ..ir.constant import Constant
from ..ir.graph import Graph, Node
from .base import Context, Pass, graph_pass


@graph_pass("cse")
class Cse(Pass):
    """Merges equal operations on equal operands, constants of equal contents among them.

    Weights that rules derive from others are compared by what they are derived from, and not computed here.
    """

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        constants: dict[Hashable, Node] = {}
        others: dict[tuple[Any, ...], list[Node]] = {}
        for node in graph:
            op = node.op
            if type(op) is Constant:
                value = op.value
                first = constants.setdefault(value if value.recipe is None else value.recipe, node)
            elif op.pure and not node.bodies:
                first = _first(node, others)
            else:
                continue
            if first is node:
                continue
            for old, new in zip(node.outputs, first.outputs, strict=True):
                graph.replace_uses(old, new)
            graph.erase(node)
            count += 1
        return count


def _first(node: Node, seen: dict[tuple[Any, ...], list[Node]]) -> Node:
    """The first node of those seen, this one among them, that computes what this one does."""
    op, inputs = node.op, node.inputs
    key: tuple[Any, ...] = (type(op), *inputs)
    if op.commutative and len(inputs) == 2 and inputs[0] is not inputs[1]:
        key = (type(op), frozenset(inputs))
    alike = seen.setdefault(key, [])
    for first in alike:
        if first.op == op:
            return first
    alike.append(node)
    return node
