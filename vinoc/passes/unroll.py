"""Short loops, written out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.builder import Builder
from ..ir.dtype import Array
from ..ir.graph import Graph, Node, Value
from ..ir.inline import inline_body
from ..ir.kernels.loops import slice_count
from ..ir.loc import fuse
from .base import Context, Pass, graph_pass
from .rewrite import adopt_name, erase_dead


@graph_pass("unroll")
class Unroll(Pass):
    """Writes the iterations of a TensorIterator or Loop one after the other, where they are few and their number known.

    `limit` iterations at most, and not more than `size` nodes in all.
    """

    limit: int = 8
    size: int = 1000

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in list(graph):
            if node.kind not in ("TensorIterator", "Loop"):
                continue
            trips = _trips(node)
            if isinstance(trips, str):
                context.decline(self.name, node.where, trips)
            elif trips > self.limit or trips * len(node.bodies[0]) > self.size:
                context.decline(self.name, node.where, f"{trips} iterations are too many")
            else:
                _unroll(graph, node, trips)
                count += 1
        if count:
            context.matches[self.name] += count
        return count


def _trips(node: Node) -> int | str:
    """How often the body runs, or why that is not known."""
    op: Any = node.op
    counts: list[Any] = []
    for k, axis in enumerate(op.slice_axis):
        if axis < 0:
            continue
        shape = node.operand(op.body_from[k]).shape
        size = shape[axis] if shape is not None else None
        if not isinstance(size, int):
            return "the length of what it slices is not known"
        counts.append(slice_count(size, op.slice_start[k], op.slice_end[k], op.slice_stride[k], op.slice_part[k]))
    if node.kind == "Loop":
        limit, go_on = node.operand(0).known, node.operand(1).const
        if limit is None or limit.dtype == object or go_on is None:
            return "the number of iterations, or whether there are any, is not constant"
        if not go_on.all():
            return "it never runs"
        stays = node.bodies[0].outputs[op.condition_output].const if op.condition_output >= 0 else np.array(True)
        if stays is None or not stays.all():
            return "the body decides when it ends"
        if int(limit.reshape(-1)[0]) >= 0:
            counts.append(int(limit.reshape(-1)[0]))
    if not counts or min(counts) < 1:
        return "it has no limit, or never runs"
    return int(min(counts))


def _unroll(graph: Graph, node: Node, trips: int) -> None:
    op: Any = node.op
    body = node.bodies[0]
    b = Builder(graph, before=node, loc=fuse((node.loc,), "unroll"))
    state: list[Value | None] = [None if i < 0 else node.inputs[i] for i in op.body_from]
    collected: list[list[Value]] = [[] for _ in op.out_from]
    results: list[Value] = []
    for i in range(trips):
        arguments = [_argument(b, op, k, v, i) for k, v in enumerate(state)]
        results = inline_body(graph, body, arguments, before=node)
        for parts, source in zip(collected, op.out_from, strict=True):
            parts.append(results[source])
        for k, source in enumerate(op.back_edge):
            if source >= 0:
                state[k] = results[source]
    for old, parts, axis, stride in zip(node.outputs, collected, op.out_axis, op.out_stride, strict=True):
        if axis < 0:
            new = parts[-1]
        else:
            ordered = parts if stride > 0 else parts[::-1]
            new = b.Concat(*ordered, axis=axis) if len(ordered) > 1 else ordered[0]
        adopt_name(old, new)
        graph.replace_uses(old, new)
    erase_dead(graph, [node])


def _argument(b: Builder, op: Any, k: int, value: Value | None, i: int) -> Value:
    """What input k of the body is in iteration i."""
    if value is None:
        return b.const(np.array(i, np.int64))
    axis = op.slice_axis[k]
    if axis < 0:
        return value
    assert value.shape is not None
    size = value.shape[axis]
    assert isinstance(size, int)
    start, stride, part = op.slice_start[k], op.slice_stride[k], op.slice_part[k]
    first = start if start >= 0 else size + start
    low = first + i * stride if stride > 0 else first + i * stride - part + 1
    return b.Slice(value, _list(low), _list(low + part), _list(1), _list(axis))


def _list(n: int) -> Array:
    return np.array([n], np.int64)
