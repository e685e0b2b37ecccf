"""Computes at compile time what depends on constants alone."""

from __future__ import annotations

from ..ir.builder import Builder
from ..ir.errors import EvaluationError
from ..ir.fold import evaluate_constants
from ..ir.graph import Graph, Node, Value
from .base import Context, Pass, graph_pass
from .rewrite import erase_dead


@graph_pass("fold")
class Fold(Pass):
    """Replaces operations over constants, and shape arithmetic whose result is known, by constants."""

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in graph:
            if node.kind == "Constant" or not node.op.foldable:
                continue
            try:
                replacements = _folded(graph, node)
            except EvaluationError as error:
                context.decline(self.name, node.where, error.what)
                continue
            if replacements is None:
                continue
            for old, new in zip(node.outputs, replacements, strict=True):
                graph.replace_uses(old, new)
            erase_dead(graph, [node])
            count += 1
        return count


def _folded(graph: Graph, node: Node) -> list[Value] | None:
    b = Builder(graph, before=node, loc=node.loc)
    if len(node.outputs) == 1:
        known = node.outputs[0].known
        if known is not None and known.dtype != object:
            return [b.const(known.astype(node.outputs[0].dtype.numpy), name=node.outputs[0].name)]
    if not node.inputs or not all(v is None or v.is_const for v in node.inputs):
        return None
    buffers = evaluate_constants(node.op, node.inputs)
    if buffers is None:
        return None
    return [b.const(buffer, name=out.name) for buffer, out in zip(buffers, node.outputs, strict=True)]
