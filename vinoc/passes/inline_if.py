"""Ifs of which only one branch can ever run."""

from __future__ import annotations

from itertools import islice

from ..ir.errors import InferenceError
from ..ir.graph import Graph, Node
from ..ir.inline import inline_body
from ..ir.ops.control_flow import If
from ..ir.types import TensorType
from .base import Context, Pass, graph_pass
from .rewrite import adopt_name, erase_dead

LIMIT = 50_000
"""Nodes of a graph up to which branches are tried: each try copies the graph."""


@graph_pass("inline-if")
class InlineIf(Pass):
    """Puts a branch in the place of its If: where the condition is known, or the other branch cannot be.

    Exporters write `if x.shape[-1] == 1: x = x.squeeze(-1)` as an If whose output has one rank or another. OpenVINO
    cannot run such a model, yet mostly only one of the ranks is taken by what comes behind. So, where the ranks of
    the branches differ, each branch is tried in a copy of the graph: one that makes a later node invalid would stop
    the original model too, and is out of the question.
    """

    needs = frozenset({"If"})

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in graph:
            if type(node.op) is not If:
                continue
            branch = _known(node)
            if branch is None and _ranks_differ(node):
                branch = self.only_possible(graph, node, context)
            if branch is not None:
                _inline(graph, node, branch)
                count += 1
        context.matches[self.name] += count
        return count

    def only_possible(self, graph: Graph, node: Node, context: Context) -> int | None:
        if len(graph) > LIMIT:
            context.decline(self.name, node.where, f"the graph has more than {LIMIT} nodes, its branches are not tried")
            return None
        possible = [branch for branch in (0, 1) if _is_possible(graph, node, branch)]
        if len(possible) == 1:
            return possible[0]
        which = "both branches are" if possible else "neither branch is"
        context.decline(self.name, node.where, f"the condition is not known, and {which} possible")
        return None


def _known(node: Node) -> int | None:
    """The branch that runs, where that is known: 0 is `then`."""
    known = node.operand(0).known
    return None if known is None or known.dtype == object else int(not known.item())


def _ranks_differ(node: Node) -> bool:
    pairs = zip(node.bodies[0].outputs, node.bodies[1].outputs, strict=True)
    return any(
        isinstance(a.type, TensorType) and isinstance(b.type, TensorType) and a.type.rank != b.type.rank
        for a, b in pairs
    )


def _is_possible(graph: Graph, node: Node, branch: int) -> bool:
    """Whether all nodes remain valid with the branch in place, and with those that are then certain."""
    copy = graph.clone()
    position = next(i for i, n in enumerate(graph) if n is node)
    try:
        _inline(copy, next(islice(copy, position, None)), branch)
        for other in copy:
            if type(other.op) is If and (known := _known(other)) is not None:
                _inline(copy, other, known)
    except InferenceError:
        return False
    return True


def _inline(graph: Graph, node: Node, branch: int) -> None:
    assert isinstance(node.op, If)
    chosen = (node.op.then_inputs, node.op.else_inputs)[branch]
    results = inline_body(graph, node.bodies[branch], [node.operand(i) for i in chosen], before=node)
    for old, new in zip(node.outputs, results, strict=True):
        adopt_name(old, new)
        graph.replace_uses(old, new)
    erase_dead(graph, [node])
