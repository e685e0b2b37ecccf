"""Recurrent networks that are given one piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir.builder import Builder
from ..ir.graph import Graph, Node, Value
from ..ir.types import TensorType
from .base import Context, Pass, graph_pass
from .unroll import Unroll

SEQUENCES = {"LSTMSequence": (1, 2), "GRUSequence": (1,), "RNNSequence": (1,)}
"""The state inputs; output k is the last state of input k."""


@graph_pass("low-latency")
class LowLatency(Pass):
    """What a loop or recurrent layer ends with is what it begins with in the next inference: a variable of the model.

    As OpenVINO's LowLatency2. `constant`: a variable begins with zeros; otherwise with what the model begins with.
    A loop of one iteration is then written out. Shapes of states must be known.
    """

    face = True

    constant: bool = True

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in list(graph):
            for port, last in list(_states(node)):
                value = node.operand(port)
                if not isinstance(value.type, TensorType) or not value.type.is_static:
                    context.decline(
                        self.name, node.where, f"the state {value.name or port} is {value.type}, of open size"
                    )
                    continue
                node, out = _with_output(graph, node, last)
                self._keep(graph, node, port, out, f"{node.label}/state{count}")
                count += 1
        context.matches[self.name] += count
        if count:
            Unroll(limit=1).run(graph, context)
        return count

    def _keep(self, graph: Graph, node: Node, port: int, out: Value, variable: str) -> None:
        value = node.operand(port)
        type = value.tensor
        b = Builder(graph, before=node, loc=node.loc)
        first: Any = value
        if self.constant and type.shape is not None:
            first = b.const(np.zeros(type.shape, type.dtype.numpy), type.dtype)  # static
        read = b.ReadValue(first, variable_id=variable, variable_type=type.dtype, variable_shape=type.shape)
        graph.set_input(node, port, read)
        after = node.next
        Builder(graph, before=after, loc=node.loc).Assign(out, variable_id=variable)


def _states(node: Node) -> Iterator[tuple[int, int]]:
    """(input that a state begins with, output of the layer or, for a loop, of its body that it ends with)."""
    op: Any = node.op
    if node.kind in SEQUENCES:
        if op.direction == "forward":
            yield from ((k, k) for k in SEQUENCES[node.kind])
    elif node.kind in ("TensorIterator", "Loop"):
        for source, back in zip(op.body_from, op.back_edge, strict=True):
            if back >= 0 and source >= 0 and op.body_from.count(source) == 1:
                yield source, back


def _with_output(graph: Graph, node: Node, last: int) -> tuple[Node, Value]:
    """The node, and its output that is the last state; a loop that does not tell gets one more."""
    op: Any = node.op
    if node.kind in SEQUENCES:
        return node, node.outputs[last]
    found = [j for j, k in enumerate(op.out_from) if k == last and op.out_axis[j] < 0]
    if found:
        return node, node.outputs[found[0]]
    more = replace(
        op, out_from=(*op.out_from, last), out_axis=(*op.out_axis, -1), out_start=(*op.out_start, 0),
        out_end=(*op.out_end, -1), out_stride=(*op.out_stride, 1), out_part=(*op.out_part, 1),
    )  # fmt: skip
    new = graph.insert(more, node.inputs, before=node, bodies=node.bodies, loc=node.loc)
    for old, out in zip(node.outputs, new.outputs):
        graph.replace_uses(old, out)
    graph.erase(node)
    return new, new.outputs[-1]
