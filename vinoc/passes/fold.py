"""Computes at compile time what depends on constants alone."""

from __future__ import annotations

from typing import Any

from ..ir.builder import Builder
from ..ir.constant import Constant
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
            if type(node.op) is Constant or not node.op.foldable:
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
    known = node.outputs[0].known if len(node.outputs) == 1 else None
    if known is not None and known.dtype != object:
        contents: list[Any] | None = [known.astype(node.outputs[0].dtype.numpy)]
    elif node.inputs and all(v is None or v.is_const for v in node.inputs):
        contents = evaluate_constants(node.op, node.inputs)
    else:
        return None
    if contents is None:
        return None
    b = Builder(graph, before=node, loc=node.loc)
    return [b.const(made, name=out.name) for made, out in zip(contents, node.outputs, strict=True)]
