"""What a quantized model is judged by: its float outputs, or what its choices are made from.

NonMaxSuppression, TopK, NonZero and the like choose among elements. Where two are nearly equal, rounding decides, and
other boxes come out, or another number of them: that tells nothing of the error, and cannot be subtracted. So in place
of an output that follows from a choice, or that is no float (classes of pixels), stand the floats that it is chosen by
and chosen from: the last values on the way to it that follow from products, and from no choice.
"""

from __future__ import annotations

from ...ir.graph import Graph, Node, Value
from ...ir.types import TensorType
from ...passes.mark_weights import PRODUCTS, RECURRENT

CHOICES = frozenset({"NonMaxSuppression", "TopK", "NonZero", "Unique", "Multinomial"})
"""Operations of which a result says which elements, or how many."""


def judged_values(graph: Graph) -> list[Value]:
    """The floats that a model is judged by: some or all of its outputs, and values within."""
    rounded, chosen = _followers(graph)
    found: dict[Value, None] = {}
    for output in graph.outputs:
        if output in chosen or not _is_float(output):
            found |= dict.fromkeys(_before(output, rounded, chosen))
        else:
            found[output] = None
    return list(found)


def same_in(values: list[Value], original: Graph, graph: Graph) -> list[Value]:
    """The values of another form of a graph that stand where these stand: its outputs, and values of the same names."""
    places = {value: i for i, value in enumerate(original.outputs)}
    names = {v.name: v for node in graph for v in node.outputs}
    return [graph.outputs[places[v]] if v in places else names[v.name] for v in values]


def _followers(graph: Graph) -> tuple[set[Value], set[Value]]:
    """The values that follow from products, which quantization changes, and those that follow from choices of these."""
    rounded: set[Value] = set()
    chosen: set[Value] = set()
    for node in graph:
        reads = {v for v in node.inputs if v is not None}
        if node.kind in PRODUCTS or node.kind in RECURRENT or (reads & rounded and node.kind != "ShapeOf"):
            rounded |= set(node.outputs)
        if reads & chosen:
            chosen |= set(node.outputs)
        elif node.kind in CHOICES and reads & rounded:
            chosen |= {v for v in node.outputs if not _is_kept(node, v)}
    return rounded, chosen


def _is_kept(node: Node, value: Value) -> bool:
    """The elements that TopK gives: which they are hardly changes their values."""
    return node.kind == "TopK" and value.index == 0


def _is_float(value: Value) -> bool:
    return isinstance(value.type, TensorType) and value.dtype.is_float


def _before(value: Value, rounded: set[Value], chosen: set[Value]) -> list[Value]:
    """The last floats before a value that follow from products and from no choice."""
    found, seen, waiting = [], {value}, [value]
    while waiting:
        at = waiting.pop(0)
        if at in rounded and at not in chosen and _is_float(at):
            found.append(at)
        elif at in rounded and at.node is not None:
            fresh = [v for v in at.node.inputs if v is not None and v not in seen]
            seen |= set(fresh)
            waiting += fresh
    return found
