"""Loops whose iterations need nothing of one another, computed at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.builder import Builder
from ..ir.constant import Constant
from ..ir.dim import bounds
from ..ir.dtype import Array
from ..ir.errors import InferenceError
from ..ir.graph import Graph, Node, Value
from ..ir.loc import fuse
from ..ir.types import normalize_axes, normalize_axis
from .base import Context, Pass, graph_pass
from .kinds import BINARY, LOGICAL_REDUCTIONS, REDUCTIONS, UNARY
from .rewrite import adopt_name, erase_dead

BY_ELEMENT = BINARY | {"Select"}
REDUCING = frozenset((*REDUCTIONS, *LOGICAL_REDUCTIONS))
BY_AXES = REDUCING | {"Squeeze", "Unsqueeze"}
BY_AXIS = frozenset({"SoftMax", "LogSoftmax"})


@graph_pass("batch-loops")
class BatchLoops(Pass):
    """A TensorIterator whose iterations need nothing of one another = its body, computed for all iterations at once.

    What differs from iteration to iteration gets them as one more dimension, the last: parts of a sliced input
    [.., T, ..] become [.., 1, .., T], and functions of elements, reductions, transposes, soft maxima over the other
    dimensions stay what they are. So distances of all rows to all others, which exporters write as a loop over one
    side, are one difference of [N, F, 1] and [F, T], and its sum over F.
    """

    needs = frozenset({"TensorIterator"})

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in [n for n in graph if n.kind == "TensorIterator"]:
            why = _obstacle(node)
            if why:
                context.decline(self.name, node.where, why)
            else:
                count += _batch(graph, node, context)
        if count:
            context.matches[self.name] += count
        return count


def _obstacle(node: Node) -> str:
    """Why the iterations cannot be computed at once; nothing where they can."""
    op: Any = node.op
    body = node.bodies[0]
    for k, source in enumerate(op.back_edge):
        if source >= 0 and _origin(body.outputs[source]) is not body.inputs[k]:
            return "an iteration needs what the one before has computed"
    plain = (0, -1, 1, 1)
    ways = zip(op.slice_axis, op.slice_start, op.slice_end, op.slice_stride, op.slice_part, strict=True)
    outs = zip(op.out_axis, op.out_start, op.out_end, op.out_stride, op.out_part, strict=True)
    if any(axis >= 0 and tuple(way) != plain for axis, *way in (*ways, *outs)):
        return "parts of several elements, from the end, or not of all"
    apart = {v for v, axis in zip(body.inputs, op.slice_axis, strict=True) if axis >= 0}
    if any(op.slice_axis[k] >= 0 and node.operand(i).rank is None for k, i in enumerate(op.body_from)):
        return "the rank of what it slices is not known"
    for inner in body:
        if not apart.isdisjoint(inner.inputs):
            if why := _difference(inner, apart):
                return why
            apart.update(inner.outputs)
        elif inner.bodies or not inner.op.pure:
            return f"its body has a {inner.kind}"
    for source, axis in zip(op.out_from, op.out_axis, strict=True):
        if (axis >= 0) != (body.outputs[source] in apart):
            return "it collects what all iterations have in common, or wants what the last one computes"
    if -1 in op.out_axis and _fewest(node) < 1:
        return "it may have no iterations, and gives what the last one leaves"
    return ""


def _origin(value: Value) -> Value:
    while value.node is not None and value.node.kind == "Identity":
        value = value.node.operand(0)
    return value


def _fewest(node: Node) -> float:
    """A lower bound of the number of iterations."""
    op: Any = node.op
    sliced = [(node.operand(op.body_from[k]).shape, axis) for k, axis in enumerate(op.slice_axis) if axis >= 0]
    return max((bounds(shape[axis])[0] for shape, axis in sliced if shape is not None), default=0)


def _difference(node: Node, apart: set[Value]) -> str:
    """Why a node that reads what differs from iteration to iteration cannot be computed for all at once."""
    ranks = [v.rank for v in (*node.inputs, *node.outputs) if v is not None]
    if None in ranks or None in node.inputs:
        return f"the rank of an operand of {node.kind} is not known"
    if node.kind in BY_ELEMENT or node.kind in BY_AXIS:
        return ""
    if apart.intersection(node.inputs[1:]):
        return f"{node.kind} has further operands that differ"
    if node.kind in UNARY:
        return ""
    if node.kind in BY_AXES | {"Transpose"} and len(node.inputs) == 2 and node.operand(1).const is not None:
        return ""
    return f"{node.kind} is not computed for all iterations at once"


def _numbers(node: Node) -> Array:
    """The second operand, which is constant."""
    found = node.operand(1).const
    assert found is not None
    return found.reshape(-1)


def _batch(graph: Graph, node: Node, context: Context) -> int:
    b = Builder(graph, before=node, loc=fuse((node.loc,), "batch-loops"))
    try:
        results = _Batched(b, node).results()
        for old, new in zip(node.outputs, results, strict=True):
            adopt_name(old, new)
            graph.replace_uses(old, new)
    except InferenceError as error:
        context.decline(BatchLoops.name, node.where, error.what)
        return 0
    erase_dead(graph, [node])
    return 1


class _Batched:
    """The body of a loop under way into the graph around it. `apart`: what has the iterations as its last dimension."""

    def __init__(self, b: Builder, node: Node) -> None:
        self.b, self.node, self.op = b, node, node.op
        self.values: dict[Value, Value] = {}
        self.apart: set[Value] = set()

    def results(self) -> list[Value]:
        op: Any = self.op
        body = self.node.bodies[0]
        for inner, source, axis in zip(body.inputs, op.body_from, op.slice_axis, strict=True):
            value = self.node.operand(source)
            self.values[inner] = value if axis < 0 else self.entered(value, axis)
            if axis >= 0:
                self.apart.add(inner)
        for node in body:
            if self.apart.isdisjoint(node.inputs):
                self.copy(node)
            else:
                self.values[node.outputs[0]] = self.computed(node)
                self.apart.add(node.outputs[0])
        pairs = zip(op.out_from, op.out_axis, strict=True)
        return [self.left(self.values[body.outputs[source]], axis) for source, axis in pairs]

    def entered(self, value: Value, axis: int) -> Value:
        """[.., T, ..] as [.., 1, .., T]"""
        order = [k for k in range(value.rank or 0) if k != axis] + [axis]
        last = value if order == sorted(order) else self.b.Transpose(value, np.array(order))
        return self.b.Unsqueeze(last, np.array([axis]))

    def left(self, value: Value, axis: int) -> Value:
        """[.., 1, .., T] as [.., T, ..]"""
        if axis < 0:
            return value
        out = self.b.Squeeze(value, np.array([axis]))
        last = (out.rank or 1) - 1
        order = [*range(axis), last, *range(axis, last)]
        return out if order == sorted(order) else self.b.Transpose(out, np.array(order))

    def copy(self, node: Node) -> None:
        """What all iterations have in common."""
        if type(node.op) is Constant:
            self.values[node.outputs[0]] = self.b.const(node.op.value)
            return
        made = self.b.outputs(node.op, *(v and self.values[v] for v in node.inputs))
        self.values.update(zip(node.outputs, made, strict=True))

    def computed(self, node: Node) -> Value:
        b, op = self.b, node.op
        operands = [v for v in node.inputs if v is not None]
        x = self.values[operands[0]]
        rank = operands[0].rank or 0
        if node.kind in BY_ELEMENT:
            whole = max(v.rank or 0 for v in operands)
            return b.build(op, *(self.spread(v, whole) for v in operands))
        if node.kind in BY_AXIS:
            y: Value = getattr(b, node.kind)(x, axis=normalize_axis(op.axis, rank))  # type: ignore[attr-defined]
            return y
        if node.kind in UNARY:
            return b.build(op, x, *(self.values[v] for v in operands[1:]))
        given = [int(k) for k in _numbers(node)]
        if node.kind == "Transpose":
            return b.build(op, x, np.array([*(given or range(rank)[::-1]), rank], np.int64))
        counted = (node.outputs[0].rank or 0) if node.kind == "Unsqueeze" else rank
        return b.build(op, x, np.array(normalize_axes(given, counted), np.int64))

    def spread(self, value: Value, rank: int) -> Value:
        """An operand of a function of elements of so many dimensions; what is in common has 1 in place of T."""
        found = self.values[value]
        if value in self.apart or not value.rank:
            return found
        single = all(d == 1 for d in value.shape or ())
        return found if single and value.rank < rank else self.b.Unsqueeze(found, np.array([-1]))
