"""What a graph of static shapes goes through before kernels are chosen, where values are quantized."""

from __future__ import annotations

from dataclasses import replace

from ....ir.graph import Graph, Node
from ....ir.ops.convert import Convert
from ....passes.base import Context
from ....passes.manager import PassManager
from .int8 import CpuInt8

AFTER = "fold,cse,dce"
"""What stayed float loses the marks that kept its weights as they are stored."""


def integers(graph: Graph) -> Context | None:
    """Makes integers of what is quantized; what the pass reports, or None where there is nothing for it."""
    if not any(n.kind == "FakeQuantize" or _marked(n) for n in graph):
        return None
    context = Context(explain=True)
    CpuInt8().run(graph, context)
    expand(graph)
    PassManager(AFTER).run(graph)
    return context


def expand(graph: Graph) -> int:
    """Lets weights of few bits that stayed float be folded, by taking their marks away. Returns how many there were."""
    marked = [n for n in graph if _marked(n)]
    for node in marked:
        graph.set_op(node, replace(node.op, decompression=False))  # type: ignore[type-var]
    return len(marked)


def _marked(node: Node) -> bool:
    return isinstance(node.op, Convert) and node.op.decompression and node.operand(0).dtype.is_integer
