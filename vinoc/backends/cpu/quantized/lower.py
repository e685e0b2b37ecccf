"""What a graph of static shapes goes through before kernels are chosen, where values are quantized."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ....ir.builder import Builder
from ....ir.graph import Graph, Node
from ....ir.ops.convert import Convert
from ....passes.base import Context, Pass, graph_pass
from ....passes.manager import PassManager
from ....passes.rewrite import erase_dead
from ..codegen.target import TARGETS, Target

if TYPE_CHECKING:
    from ..lowering.plan import Mode

INTEGER_PRODUCTS = frozenset({"IntegerMatMul", "IntegerConvolution"})

MAY_BE_INTEGERS = INTEGER_PRODUCTS | {"FakeQuantize", "Convert"}


@graph_pass("cpu-integer-sums")
class CpuIntegerSums(Pass):
    """IntegerMatMul and IntegerConvolution become products of u8 and constant i8; or of floats, in exact parts.

    It runs on a model, so that all shapes share the weights, and for the rest once shapes are known.
    """

    def run(self, graph: Graph, context: Context) -> int:
        found = [node for node in graph if node.kind in INTEGER_PRODUCTS]
        if not found:
            return 0
        from .sums import rewritten  # few models have any

        count = 0
        for node in found:
            made = rewritten(Builder(graph, before=node, loc=node.loc, fold=True), node)
            if made is None:
                context.decline(self.name, node.where, "its weights are computed, or shapes are not known yet")
                continue
            made.name = made.name or node.outputs[0].name
            graph.replace_uses(node.outputs[0], made)
            erase_dead(graph, [node])
            context.matches[self.name] += 1
            count += 1
        return count


AFTER = "fold,cse,dce"
"""What stayed float loses the marks that kept its weights as they are stored."""


def integers(graph: Graph, target: str, mode: Mode) -> list[str]:
    """Makes integers of what is quantized; says which products of quantized values stay float, and why."""
    if not {n.kind for n in graph} & MAY_BE_INTEGERS:  # most models
        return []
    if CpuIntegerSums().run(graph, Context()):
        PassManager(AFTER).run(graph)
    if not any(n.kind == "FakeQuantize" or _marked(n) for n in graph):
        return []
    from .int8 import PLAIN, CpuInt8

    context = Context(explain=True)
    CpuInt8(target, mode.threads, mode.accuracy, not mode.integers).run(graph, context)
    expand(graph, TARGETS[target])
    PassManager(AFTER).run(graph)
    return [f"{d.where}: stays float: {d.why}" for d in context.declined if d.why not in PLAIN]


def expand(graph: Graph, target: Target) -> int:
    """Lets weights of few bits that stayed float be folded, by taking their marks away; but those that a kernel reads
    as integers all the same. Returns how many there were."""
    from ..lowering.recurrent_weights import kept  # lowerings know quantized graphs

    stay = kept(graph, target)
    marked = [n for n in graph if _marked(n) and n not in stay]
    for node in marked:
        graph.set_op(node, replace(node.op, decompression=False))  # type: ignore[type-var]
    return len(marked)


def _marked(node: Node) -> bool:
    return isinstance(node.op, Convert) and node.op.decompression and node.operand(0).dtype.is_integer
