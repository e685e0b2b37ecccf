"""States of loops that only grow, which each iteration lengthens by what it made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..ir.builder import Builder
from ..ir.graph import Graph, Node, Value
from ..ir.types import normalize_axis
from .base import Context, Pass, graph_pass
from .rewrite import adopt_name, erase_dead


@graph_pass("collect-states")
class CollectStates(Pass):
    """Loop(s = Concat(s, y)) = Concat(s, the y of all iterations, joined), where the body reads s for nothing else.

    So exporters write what gathers results in a loop. A state that has another shape in every iteration would have the
    body planned anew for each. Concat(y, s) joins them in reversed order.
    """

    needs = frozenset({"Loop", "TensorIterator"})

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in list(graph):
            if node.kind not in self.needs:
                continue
            for k in range(len(node.bodies[0].inputs)):
                grown = _growth(node, k)
                if grown:
                    node = _collected(graph, node, k, *grown)
                    count += 1
        if count:
            context.matches[self.name] += count
        return count


def _growth(node: Node, k: int) -> tuple[Node, int] | None:
    """The Concat that lengthens state k of a loop, and its axis."""
    op: Any = node.op
    body = node.bodies[0]
    back = op.back_edge[k]
    if back < 0 or op.body_from[k] < 0 or op.slice_axis[k] >= 0 or op.back_edge.count(back) != 1:
        return None
    state, last = body.inputs[k], body.outputs[back]
    concat = last.node
    if concat is None or concat.kind != "Concat" or last.n_uses != 1 or state.n_uses != 1:
        return None
    if concat.operand(0).rank is None or len(concat.inputs) < 2:
        return None
    outs = [axis for source, axis in zip(op.out_from, op.out_axis, strict=True) if source == back]
    axis = normalize_axis(concat.op.axis, concat.operand(0).rank or 0)  # type: ignore[attr-defined]
    if not outs or max(outs) >= 0 or state not in (concat.inputs[0], concat.inputs[-1]):
        return None
    added = [v for v in concat.inputs if v is not state]
    sizes = [v.shape[axis] if v is not None and v.shape is not None else None for v in added]
    if len(added) != len(concat.inputs) - 1 or not all(isinstance(n, int) for n in sizes):
        return None
    return concat, axis


def _collected(graph: Graph, node: Node, k: int, concat: Node, axis: int) -> Node:
    """The loop without its state k: what it was lengthened by is an output."""
    op: Any = node.op
    back = op.back_edge[k]
    forward = concat.inputs[0] is node.bodies[0].inputs[k]
    body = node.bodies[0].clone()
    last = body.outputs[back].node
    assert last is not None
    added = last.inputs[1:] if forward else last.inputs[:-1]
    part = added[0] if len(added) == 1 else Builder(body, before=last, loc=last.loc).Concat(*added, axis=axis)
    assert part is not None
    body.set_output(back, part)
    erase_dead(body, [last])
    whole = {
        "axis": axis, "start": 0 if forward else -1, "end": -1 if forward else 0, "stride": 1 if forward else -1,
        "part": part.shape[axis],
    }  # fmt: skip
    changed = {
        f"out_{name}": tuple(
            value if source == back else old
            for source, old in zip(op.out_from, getattr(op, f"out_{name}"), strict=True)
        )
        for name, value in whole.items()
    }
    edges = tuple(-1 if i == k else edge for i, edge in enumerate(op.back_edge))
    new = graph.insert(replace(op, back_edge=edges, **changed), node.inputs, before=node, bodies=[body], loc=node.loc)
    b = Builder(graph, before=node, loc=node.loc)
    first = node.inputs[op.body_from[k]]
    for old, out, source in zip(node.outputs, new.outputs, op.out_from, strict=True):
        made: Value = out
        if source == back:
            made = b.Concat(first, out, axis=axis) if forward else b.Concat(out, first, axis=axis)
        adopt_name(old, made)
        graph.replace_uses(old, made)
    erase_dead(graph, [node])
    return new
