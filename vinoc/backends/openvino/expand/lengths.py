"""Recurrent networks over sequences of several lengths.

OpenVINO's CPU device looks at the lengths only where all shapes are known, takes two to three times as long then as for
sequences of one length, and loses the states of sequences of no length; elsewhere it runs every sequence to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import i64
from ....ir.fields import attributes_of
from ....ir.graph import Graph, Value
from ....ir.op import Op, op_class
from ....ir.ops.control_flow import TensorIterator
from ....ir.types import TensorType
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite

Results: TypeAlias = "tuple[Value, ...]"


@rewrite
class ExpandSequenceLengths(Rewrite):
    """LSTMSequence, GRUSequence or RNNSequence of several lengths = one of the whole length, read up to each one's end.

    y_t = Select(t < length, y_t, 0), the last state is y at length - 1: what is behind a sequence does not change what
    comes before. Where the last cell state of an LSTM is read, which y does not tell, a TensorIterator over the steps
    keeps it: in step t, h' = Select(t < length, Cell(x_t, h), h). Backwards each sequence is turned within its own
    length before and after it.
    """

    def pattern(self, p: Tracer, x: Any, h: Any, c: Any, lengths: Any, w: Any, r: Any, bias: Any) -> Any:
        gru: OpPattern = p.one_of("GRUSequence", "RNNSequence", name="sequence")(x, h, lengths, w, r, bias)
        return p.one_of("LSTMSequence", name="sequence")(x, h, c, lengths, w, r, bias), gru

    def replace(self, b: Builder, m: Match) -> Results | Decline:
        shape = m.x.shape
        if shape is None:
            return Decline("the rank is not known")
        if _is_whole(m.lengths, shape[1]):
            return Decline("all sequences have the whole length")
        cell = m.root.outputs[-1]
        way = _by_steps if m.has("c") and (cell.n_uses > 0 or cell.is_output) else _whole
        states = [m.h, m.c] if m.has("c") else [m.h]
        backwards = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[m.sequence.direction]
        lengths = m.lengths if m.lengths.dtype is i64 else b.Convert(m.lengths, destination_type=i64)
        ways = []
        for d, back in enumerate(backwards):
            of = [b.Gather(v, b.const(d), b.const(1), batch_dims=0) for v in states]
            weights = [b.Gather(v, b.const(d), b.const(0), batch_dims=0) for v in (m.w, m.r, m.bias)]
            ways.append(way(b, m.sequence, m.x, of, lengths, weights, back))
        joined = [[b.Unsqueeze(v, b.const(np.array([1]))) for v in parts] for parts in zip(*ways, strict=True)]
        return tuple(b.Concat(*parts, axis=1) for parts in joined)


def _whole(
    b: Builder, sequence: Op, x: Value, states: list[Value], lengths: Value, weights: list[Value], back: bool
) -> list[Value]:
    """y [N, T, H] and the last states [N, H], of a sequence of the whole length; a cell state is anything."""
    sizes = b.ShapeOf(x, output_type=i64)
    count, steps = (b.Gather(sizes, b.const(np.array([k])), b.const(0), batch_dims=0) for k in (0, 1))
    x = _turned(b, x, lengths) if back else x
    one, first = b.const(np.array([1])), b.const(np.array([0]))
    op = replace(sequence, direction="forward")  # type: ignore[type-var]
    with_way = [b.Unsqueeze(v, one) for v in states]
    found = b.outputs(op, x, *with_way, b.Broadcast(steps, count), *(b.Unsqueeze(v, first) for v in weights))
    y = b.Squeeze(found[0], one)
    places = b.Range(b.const(0), b.Squeeze(steps, first), b.const(1), output_type=i64)
    going = b.Unsqueeze(b.Less(places, b.Unsqueeze(lengths, one)), b.const(np.array([2])))
    ends = b.Maximum(b.Unsqueeze(b.Subtract(lengths, b.const(1)), one), b.const(0))
    last = b.Squeeze(b.Gather(y, ends, b.const(1), batch_dims=1), one)
    last = b.Select(b.Unsqueeze(b.Less(b.const(0), lengths), one), last, states[0])
    y = b.Select(going, y, b.const(0, y.dtype))
    return [_turned(b, y, lengths) if back else y, last, *(b.Squeeze(v, one) for v in found[2:])]


def _turned(b: Builder, x: Value, lengths: Value) -> Value:
    """[N, T, ...] with each sequence backwards within its own length."""
    turned: Value = b.ReverseSequence(x, lengths, batch_axis=0, seq_axis=1)
    return turned


def _is_whole(lengths: Value, steps: Any) -> bool:
    """Whether the lengths are all the number of steps: a size of the data, repeated."""
    source = lengths
    while source.node is not None and source.node.kind in ("Broadcast", "Convert", "Reshape"):
        source = source.node.operand(0)
    known = source.known
    return known is not None and known.size > 0 and all(n == steps for n in known.reshape(-1))


def _cell(sequence: Op) -> Op:
    """What a sequence does in a step."""
    kind = op_class(type(sequence).kind.replace("Sequence", "Cell"))
    named = {a.name for a in attributes_of(kind)}
    return kind(**{a.name: getattr(sequence, a.name) for a in attributes_of(type(sequence)) if a.name in named})


def _by_steps(
    b: Builder, sequence: Op, x: Value, states: list[Value], lengths: Value, weights: list[Value], back: bool
) -> list[Value]:
    """y [N, T, H] and the last states [N, H]."""
    steps = b.Gather(b.ShapeOf(x, output_type=i64), b.const(1), b.const(0), batch_dims=0)
    places = b.Range(b.const(0), steps, b.const(1), output_type=i64)
    x = _turned(b, x, lengths) if back else x
    operands = [x, *states, lengths, places, *weights]
    last = 1 + len(states)
    inputs = range(len(operands))
    count = len(states)
    iterator = TensorIterator(
        body_from=tuple(inputs),
        slice_axis=tuple({0: 1, last + 1: 0}.get(i, -1) for i in inputs),
        slice_start=(0,) * len(inputs),
        slice_end=(-1,) * len(inputs),
        slice_stride=(1,) * len(inputs),
        slice_part=(1,) * len(inputs),
        back_edge=tuple(i if 1 <= i < last else -1 for i in inputs),
        out_from=tuple(range(1 + count)),
        out_axis=(1, *[-1] * count),
        out_start=(0,) * (1 + count),
        out_end=(-1,) * (1 + count),
        out_stride=(1,) * (1 + count),
        out_part=(1,) * (1 + count),
    )
    y, *found = b.outputs(iterator, *operands, bodies=(_step(_cell(sequence), operands, count),))
    return [_turned(b, y, lengths) if back else y, *found]


def _step(cell: Op, operands: Sequence[Value], count: int) -> Graph:
    """x [N, 1, I], the states, the lengths, the step [1], the weights -> y [N, 1, H] and the new states."""
    graph = Graph(type(cell).kind)
    b = Builder(graph)
    batch, _, width = operands[0].shape or (None, None, None)
    sliced = TensorType(operands[0].dtype, (batch, 1, width))  # type: ignore[arg-type]
    x, *states = (graph.add_input(t) for t in (sliced, *(v.type for v in operands[1 : 1 + count])))
    lengths, step = graph.add_input(operands[1 + count].type), graph.add_input(TensorType(i64, (1,)))
    weights = [graph.add_input(v.type) for v in operands[3 + count :]]
    one = b.const(np.array([1]))
    new = b.outputs(cell, b.Squeeze(x, one), *states, *weights)
    going = b.Unsqueeze(b.Less(step, lengths), one)
    graph.add_output(b.Unsqueeze(b.Select(going, new[0], b.const(0, new[0].dtype)), one))
    for after, before in zip(new, states, strict=True):
        graph.add_output(b.Select(going, after, before))
    return graph
