"""Loops over cells of recurrent networks become sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.builder import Builder
from ..ir.fields import attributes_of
from ..ir.graph import Graph, Node, Value
from ..ir.loc import fuse
from ..ir.op import op_class
from ..ir.record import record
from .base import Context, Pass, graph_pass
from .kinds import RESHAPES
from .rewrite import adopt_name, erase_dead

CELLS = {"LSTMCell": 2, "GRUCell": 1, "RNNCell": 1}
"""How many states each has."""
FORWARD, BACKWARD = (0, -1, 1, 1), (-1, 0, -1, 1)


@graph_pass("fuse-sequence")
class FuseSequence(Pass):
    """TensorIterator(x; h_t = Cell(x_t, h_t-1)) = Sequence(x), for LSTMCell, GRUCell and RNNCell.

    The body takes one step of x along its first or second axis, forwards or backwards, and nothing but the cell and
    reshapes around it.
    """

    needs = frozenset({"TensorIterator"})

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in list(graph):
            if node.kind != "TensorIterator" or context.is_spent:
                continue
            found = _recognized(node)
            if isinstance(found, str):
                context.decline(self.name, node.where, found)
                continue
            source, name = node.loc, node.label
            _replace(graph, node, found)
            count += 1
            context.rewrote(self.name, source, [name], [found.cell.kind.replace("Cell", "Sequence")])
        return count


@record()
class _Loop:
    """A cell in a loop: its node, the axis of the steps, the direction, and what the operands are outside.

    `results` says for each output of the loop which state it is; ("all", axis) is the list of all hidden states.
    """

    cell: Node
    axis: int
    reverse: bool
    x: Value
    states: list[Value]
    weights: list[Value]
    results: list[int | tuple[str, int]]


def _recognized(node: Node) -> _Loop | str:
    body, op = node.bodies[0], node.op
    cells = [n for n in body if n.kind in CELLS]
    others = [n for n in body if n.kind not in (*CELLS, *RESHAPES, "Constant")]
    if len(cells) != 1 or others:
        return "its body does not consist of one cell and reshapes"
    cell, ports = cells[0], _Ports(node)
    sliced = [k for k, axis in enumerate(op.slice_axis) if axis >= 0]  # type: ignore[attr-defined]
    x = _through(cell.operand(0))
    if len(sliced) != 1 or x is not body.inputs[sliced[0]]:
        return "it does not slice the input of the cell and nothing else"
    axis, steps = ports.step(sliced[0])
    if axis > 1 or steps not in (FORWARD, BACKWARD) or x.rank != 3:
        return "it does not take one step after the other along the first or second of three axes"
    n_states = CELLS[cell.kind]
    states: list[Value] = []
    for i in range(n_states):
        outside = ports.carried(_through(cell.operand(1 + i)), cell.outputs[i])
        if outside is None or outside.rank != 2:
            return "a state of the cell does not come from the step before"
        states.append(outside)
    weights = [ports.constant(v) for v in cell.inputs[1 + n_states :]]
    if any(w is None for w in weights):
        return "the weights of the cell change"
    results = [ports.result(i, cell, steps[2]) for i in range(len(node.outputs))]
    if any(r is None for r in results):
        return "an output is neither a state nor the list of all hidden states"
    return _Loop(
        cell, axis, steps == BACKWARD, ports.outside(sliced[0]), states, [w for w in weights if w is not None],
        [r for r in results if r is not None],
    )  # fmt: skip


class _Ports:
    """The ports of a loop, by the values of its body."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.op: Any = node.op
        self.body = node.bodies[0]

    def outside(self, k: int) -> Value:
        return self.node.operand(self.op.body_from[k])

    def step(self, k: int) -> tuple[int, tuple[int, int, int, int]]:
        op = self.op
        return op.slice_axis[k], (op.slice_start[k], op.slice_end[k], op.slice_stride[k], op.slice_part[k])

    def carried(self, value: Value, made: Value) -> Value | None:
        """The initial value of an input of the body that the next step gets from `made`."""
        for k, own in enumerate(self.body.inputs):
            if own is value and self.op.slice_axis[k] < 0 and self.op.back_edge[k] >= 0:
                back = self.body.outputs[self.op.back_edge[k]]
                return self.outside(k) if _through(back) is made and back.rank == 2 and own.rank == 2 else None
        return None

    def constant(self, value: Value | None) -> Value | None:
        """A value that no step changes: a constant of the body, or what enters it unchanged."""
        if value is None or value.is_const:
            return value
        for k, own in enumerate(self.body.inputs):
            if own is value and self.op.slice_axis[k] < 0 and self.op.back_edge[k] < 0 and self.op.body_from[k] >= 0:
                return self.outside(k)
        return None

    def result(self, i: int, cell: Node, stride: int) -> int | tuple[str, int] | None:
        value, axis = self.body.outputs[self.op.out_from[i]], self.op.out_axis[i]
        made = _through(value)
        if made.node is not cell:
            return None
        if axis < 0:
            return made.index if value.rank == 2 else None
        whole = (self.op.out_start[i], self.op.out_end[i], self.op.out_stride[i], self.op.out_part[i])
        fits = axis <= 1 and value.rank == 3 and value.shape is not None and value.shape[axis] == 1
        return ("all", axis) if fits and made.index == 0 and whole[2] == stride else None


def _through(value: Value) -> Value:
    """The value before reshapes."""
    while value.node is not None and value.node.kind in RESHAPES:
        value = value.node.operand(0)
    return value


def _replace(graph: Graph, node: Node, found: _Loop) -> None:
    b = Builder(graph, before=node, loc=fuse((node.loc, found.cell.loc), "fuse-sequence"))
    swap = np.array([1, 0, 2], np.int64)
    x = b.Transpose(found.x, swap) if found.axis == 0 else found.x
    one, zero = np.array([1], np.int64), np.array([0], np.int64)
    states = [b.Unsqueeze(s, one) for s in found.states]
    weights = [b.const(w.const[None]) if w.const is not None else b.Unsqueeze(w, zero) for w in found.weights]
    kind: Any = op_class(found.cell.kind.replace("Cell", "Sequence"))
    options = {a.name: getattr(found.cell.op, a.name) for a in attributes_of(type(found.cell.op))}
    op = kind(**options, direction="reverse" if found.reverse else "forward")
    made = b.outputs(op, x, *states, _lengths(b, x), *weights)
    for old, result in zip(node.outputs, found.results, strict=True):
        if isinstance(result, int):
            new = b.Squeeze(made[1 + result], one)
        else:
            new = b.Squeeze(made[0], one)
            new = b.Transpose(new, swap) if result[1] == 0 else new
        adopt_name(old, new)
        graph.replace_uses(old, new)
    erase_dead(graph, [node])


def _lengths(b: Builder, x: Value) -> Value:
    """The length of every sequence of x [N, T, I]: T, N times."""
    assert x.shape is not None
    batch, steps = x.shape[:2]
    if isinstance(batch, int) and isinstance(steps, int):
        return b.const(np.full(batch, steps, np.int64))
    shape = b.ShapeOf(x)
    first, axis = np.array([0], np.int64), np.array(0, np.int64)
    n, t = b.Gather(shape, first, axis), b.Gather(shape, first + 1, axis)
    return b.Broadcast(t, n, mode="numpy")
