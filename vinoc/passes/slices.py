"""Slices that part a value between them."""

from __future__ import annotations

import numpy as np

from ..ir.builder import Builder
from ..ir.graph import Graph, Node, Value
from ..ir.loc import fuse
from ..ir.order import in_order
from .base import Context, Pass, graph_pass
from .rewrite import adopt_name, erase_dead

Part = tuple[int, int, Node]
"""Where a slice begins and ends, and its node."""


@graph_pass("slices-to-split")
class SlicesToSplit(Pass):
    """Slice(x; 0 to a), Slice(x; a to b), ... = Split(x), where together they are x along an axis, each element once.

    Lists stay as they are: they are the arithmetic of shapes.
    """

    needs = frozenset({"Slice"})

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        seen: set[Value] = set()
        for node in list(graph):
            if node.kind != "Slice" or node.graph is not graph or node.inputs[0] in seen:
                continue
            source = node.operand(0)
            seen.add(source)
            for axis, parts in _by_axis(source).items():
                why = _gap(source, axis, parts)
                if why:
                    context.decline(self.name, node.where, why)
                elif not context.is_spent:
                    names, loc = [p[2].label for p in parts], fuse((p[2].loc for p in parts), self.name)
                    _split(graph, source, axis, sorted(parts, key=lambda p: p[:2]))
                    count += 1
                    context.rewrote(self.name, loc, names, ["Split"])
        return count


def _by_axis(source: Value) -> dict[int, list[Part]]:
    """The slices of a value along one axis of known length, without gaps, by that axis; two of them at least."""
    found: dict[int, list[Part]] = {}
    for user in source.users:
        part = _part(user) if user.kind == "Slice" and user.inputs[0] is source else None
        if part is not None:
            found.setdefault(part[0], []).append((part[1], part[2], user))
    return {axis: parts for axis, parts in found.items() if len(parts) > 1}


def _part(node: Node) -> tuple[int, int, int] | None:
    """(axis, begin, end) of a slice along one axis."""
    shape = node.operand(0).shape
    lists = [v.const if v is not None else None for v in node.inputs[1:]]
    if shape is None or len(shape) < 2 or len(lists) < 4 or any(c is None or c.size != 1 for c in lists):
        return None
    start, stop, step, axis = (int(c.reshape(-1)[0]) for c in lists if c is not None)
    axis %= len(shape)
    n = shape[axis]
    if not isinstance(n, int) or step != 1:
        return None
    begin, end, _ = slice(start, stop).indices(n)
    return axis, begin, end


def _gap(source: Value, axis: int, parts: list[Part]) -> str:
    """Why the parts are not the whole, each element once; empty where they are."""
    assert source.shape is not None
    at = 0
    for begin, end, _ in sorted(parts, key=lambda p: p[:2]):
        if begin != at or end <= begin:
            return f"{'elements before' if begin > at else 'some elements from'} {begin} are in no or in two slices"
        at = end
    return "" if at == source.shape[axis] else f"the elements from {at} on are in no slice"


def _split(graph: Graph, source: Value, axis: int, parts: list[Part]) -> None:
    nodes = [node for _, _, node in parts]
    b = Builder(graph, before=in_order(nodes)[0], loc=fuse((n.loc for n in nodes), "slices-to-split"))
    lengths = [end - begin for begin, end, _ in parts]
    at = np.array(axis, np.int64)
    if len(set(lengths)) == 1:
        made = b.Split(source, at, num_splits=len(parts))
    else:
        made = b.VariadicSplit(source, at, np.array(lengths, np.int64))
    for node, new in zip(nodes, made, strict=True):
        adopt_name(node.output, new)
        graph.replace_uses(node.output, new)
    erase_dead(graph, nodes)
