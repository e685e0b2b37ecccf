"""Recurrent sequences and cells: one product for the inputs of all steps, then the kernel that walks them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ....ir.graph import Node, Value
from ....ir.record import record
from ..kernels.base import f32_bits
from ..kernels.recurrent import GATES, PAIRS, STATES, Activation, recurrent, rows_of
from .conv import Epilogue
from .matmul import _multiply, as_rows
from .place import Form, Place
from .plan import Array, Plan, Unfit, dtype_of, lowers, shape_of
from .recurrent_weights import Stored, hidden_bias, packed_bias, packed_input, packed_state


@lowers("LSTMSequence", "GRUSequence", "RNNSequence")
def sequence(plan: Plan, node: Node) -> None:
    """x [N,T,I], states [N,D,H] -> all states [N,D,T,H], the last ones."""
    _sequence(plan, _Given(node.op, list(map(_floats, node.inputs))), [plan.write(v, Form.ROWS) for v in node.outputs])


@lowers("LSTMCell", "GRUCell", "RNNCell")
def cell(plan: Plan, node: Node) -> None:
    """A sequence of one step."""
    _cell(plan, _Given(node.op, list(map(_floats, node.inputs))), [plan.write(v, Form.ROWS) for v in node.outputs])


@lowers("Region:recurrent")
def with_integers(plan: Plan, node: Node) -> None:
    """The same with what expands its weights; results that nobody reads are none of the Region's."""
    body = node.bodies[0]
    *_, inner = body
    outer = {v: given for v, given in zip(body.inputs, node.inputs, strict=True) if given is not None}
    read = dict(zip(body.outputs, node.outputs, strict=True))
    outs = [plan.write(read[v], Form.ROWS) if v in read else plan.new(shape_of(v), dtype_of(v)) for v in inner.outputs]
    run = _sequence if inner.kind.endswith("Sequence") else _cell
    run(plan, _Given(inner.op, [_stored(v, outer) for v in inner.inputs]), outs)


@record()
class _Given:
    """A recurrent node: what it is, and its operands outside of a Region."""

    op: Any
    operands: list[Stored]

    def values(self, first: int, count: int) -> list[Value]:
        return [operand.levels for operand in self.operands[first : first + count]]

    @property
    def states(self) -> int:
        return 2 if self.op.kind.startswith("LSTM") else 1


def _floats(value: Value | None) -> Stored:
    assert value is not None
    return Stored(value)


def _stored(value: Value | None, outer: dict[Value, Value]) -> Stored:
    """An operand of a node in a Region."""
    assert value is not None
    if value in outer:
        return Stored(outer[value])
    assert value.node is not None
    real, scale = value.node.inputs
    assert real is not None
    assert real.node is not None
    assert scale is not None
    return Stored(outer[real.node.operand(0)], outer[scale])


def _sequence(plan: Plan, given: _Given, outs: list[Place]) -> None:
    x, *states = [plan.read(v) for v in given.values(0, 1 + given.states)]
    (lengths,) = given.values(1 + given.states, 1)
    _run(plan, given, x, states, _lengths(plan, lengths), outs, given.op.direction)


def _cell(plan: Plan, given: _Given, outs: list[Place]) -> None:
    x, *states = [_inserted(plan.read(v)) for v in given.values(0, 1 + given.states)]
    every = plan.new((x.shape[0], 1, 1, states[0].shape[-1]), x.dtype)
    lengths = plan.packed.get(("lengths", x.shape[0]), lambda: np.ones(x.shape[0], np.int64))
    _run(plan, given, x, states, lengths, [every, *map(_inserted, outs)], "forward")


def _inserted(place: Place) -> Place:
    """[N, X] as [N, 1, X]."""
    (n, size), (a, b) = place.shape, place.strides
    return replace(place, shape=(n, 1, size), strides=(a, 0, b))


def _lengths(plan: Plan, value: Value) -> Place | Array:
    if value.is_const:
        return plan.packed.of(value, "i64", lambda array: array.astype(np.int64))
    place = plan.read(value, Form.ROWS)
    if place.dtype != np.int64:
        raise Unfit("its lengths are computed, and not i64")
    return place


def _run(
    plan: Plan, given: _Given, x: Place, states: list[Place], lengths: Place | Array, outs: list[Place], direction: str
) -> None:
    op, (w, r, b) = given.op, given.operands[-3:]
    if x.dtype != np.float32 or not all(v.levels.is_const for v in (w, r, b)):
        raise Unfit("it is not of f32, or its weights are computed")
    if not all(p.size for p in (x, *outs)):
        raise Unfit("it has nothing to walk")
    name = {"L": "lstm", "G": "gru", "R": "rnn"}[op.kind[0]]
    name = "linear_gru" if name == "gru" and op.linear_before_reset else name
    batch, time, _ = x.shape
    directions, hidden = outs[0].shape[1], outs[0].shape[3]
    blocks, height = -(-hidden // plan.target.lanes), _height(plan, name, batch, directions)
    tiles, tall = -(-batch // height), height > rows_of(plan.target, tall=False)
    inputs, x_scale, x_bias = _inputs(plan, x, (w, r, b), name, directions, hidden)
    packed, scale = packed_state(plan, r, name, hidden, directions, tall)
    bias = hidden_bias(plan, b.levels, name, hidden, directions)
    targets = [p if p.strides[-1] == 4 or p.shape[-1] == 1 else plan.new(p.shape, p.dtype) for p in outs]
    out, h_out, c_out = (*targets, targets[-1])[:3]
    h, c = (as_rows(plan, s) for s in (states[0], states[-1]))
    plan.call(
        recurrent(name, _activations(op), r.levels.dtype, tall), directions * tiles,
        flops=2 * GATES[name] * directions * batch * time * hidden * hidden,
        x=inputs, out=out, h=h, c=c, h_out=h_out, c_out=c_out, lengths=lengths, weights=packed, scale=scale,
        x_scale=x_scale, x_bias=x_bias, bias=bias,
        state=plan.scratch(directions * tiles * STATES * height * blocks * plan.target.lanes),
        clip=f32_bits(op.clip if op.clip > 0 else np.inf), time=time, batch=batch, hidden=hidden, blocks=blocks,
        tiles=tiles, height=height, reverse=int(direction == "reverse"), weights_d=packed.nbytes // directions,
        scale_d=scale.nbytes // directions, bias_d=bias.nbytes // directions,
        x_d=inputs.strides[0], x_n=inputs.strides[1], x_t=inputs.strides[2],
        out_n=out.strides[0], out_d=out.strides[1], out_t=out.strides[2],
        h_n=h.strides[0], h_d=h.strides[1], c_n=c.strides[0], c_d=c.strides[1],
        h_out_n=h_out.strides[0], h_out_d=h_out.strides[1], c_out_n=c_out.strides[0], c_out_d=c_out.strides[1],
    )  # fmt: skip
    for target, place in zip(targets, outs, strict=True):
        if target is not place:
            plan.copy(target, place)


def _height(plan: Plan, name: str, batch: int, directions: int) -> int:
    """Sequences of a unit: as many as pass over R together, but for each thread some, where there are two for each."""
    most = rows_of(plan.target, tall=name in PAIRS)
    tiles = max(-(-batch // most), min(plan.mode.threads // directions, batch // 2), 1)
    return -(-batch // tiles)


def _activations(op: Any) -> tuple[Activation, ...]:
    """With slope and offset, as far as they are given."""
    names = op.activations
    slopes, offsets = ((*given, *(default,) * len(names)) for given, default in (
        (op.activations_alpha, 0.2), (op.activations_beta, 0.5)
    ))  # fmt: skip
    return tuple((n, a, b) if n == "hardsigmoid" else (n, 0.0, 0.0) for n, a, b in zip(names, slopes, offsets))


def _inputs(
    plan: Plan, x: Place, given: tuple[Stored, Stored, Stored], name: str, directions: int, hidden: int
) -> tuple[Place, Array, Array]:
    """[D, N, T, gates]: the product of all inputs, gates in the kernel's order; and what it is multiplied with by a
    kernel that reads integers, and what that adds: the bias, where the product has not got it."""
    w, r, b = given
    batch, time, size = x.shape
    bias = packed_bias(plan, b.levels, name, hidden, directions)
    columns = bias.shape[1]
    panels = packed_input(plan, w, name, hidden, directions)
    flat, first = x.reshaped((batch * time, size)), (batch, time)
    turned = flat is None  # steps may lie outside of sequences
    if turned:
        flat, first = x.transposed((1, 0, 2)).reshaped((batch * time, size)), (time, batch)
    if flat is None:
        flat = plan.formed(x.transposed((1, 0, 2)), Form.ROWS).reshaped((batch * time, size))
    out = plan.new((directions, *first, columns), x.dtype)
    into = out.reshaped((directions, batch * time, columns))
    out = out.transposed((0, 2, 1, 3)) if turned else out
    assert flat is not None
    assert into is not None
    left = replace(flat, shape=(directions, *flat.shape), strides=(0, *flat.strides))
    added = replace(plan.constant(bias), shape=into.shape, strides=(4 * columns, 0, 4))
    _multiply(plan, left, panels, into, size, columns, Epilogue(), added if w.scale is None else None)
    if r.scale is None:
        return out, bias, bias
    if w.scale is not None:
        return out, packed_bias(plan, w.scale, name, hidden, directions), bias
    ones = plan.packed.get(("ones", bias.shape), lambda: np.ones(bias.shape, np.float32))
    return out, ones, plan.packed.get(("zeros", bias.shape), lambda: np.zeros(bias.shape, np.float32))
