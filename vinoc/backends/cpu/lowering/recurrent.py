"""Recurrent sequences and cells: one product for the inputs of all steps, then the kernel that walks them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ....ir.graph import Node, Value
from ..kernels.base import f32_bits
from ..kernels.recurrent import GATES, STATES, Activation, recurrent, rows_of
from .conv import Epilogue
from .matmul import Panels, _multiply, as_rows
from .panels import pack_matrices
from .place import Form, Place
from .plan import Array, Plan, Unfit, lowers


@lowers("LSTMSequence", "GRUSequence", "RNNSequence")
def sequence(plan: Plan, node: Node) -> None:
    """x [N,T,I], states [N,D,H] -> all states [N,D,T,H], the last ones."""
    op: Any = node.op
    lstm = node.kind == "LSTMSequence"
    states = [plan.read(node.operand(k)) for k in range(1, 3 if lstm else 2)]
    lengths, *weights = [node.operand(k) for k in range(len(states) + 1, len(states) + 5)]
    outs = [plan.write(v, Form.ROWS) for v in node.outputs]
    _run(plan, node, plan.read(node.operand(0)), states, _lengths(plan, lengths), weights, outs, op.direction)


@lowers("LSTMCell", "GRUCell", "RNNCell")
def cell(plan: Plan, node: Node) -> None:
    """A sequence of one step."""
    count = 2 if node.kind == "LSTMCell" else 1
    x = _inserted(plan.read(node.operand(0)))
    states = [_inserted(plan.read(node.operand(k))) for k in range(1, count + 1)]
    weights = [node.operand(k) for k in range(count + 1, count + 4)]
    outs = [_inserted(plan.write(v, Form.ROWS)) for v in node.outputs]
    every = plan.new((x.shape[0], 1, 1, states[0].shape[-1]), x.dtype)
    lengths = plan.packed.get(("lengths", x.shape[0]), lambda: np.ones(x.shape[0], np.int64))
    _run(plan, node, x, states, lengths, weights, [every, *outs], "forward")


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
    plan: Plan, node: Node, x: Place, states: list[Place], lengths: Place | Array, weights: list[Value],
    outs: list[Place], direction: str,
) -> None:  # fmt: skip
    op: Any = node.op
    if x.dtype != np.float32 or not all(v.is_const for v in weights):
        raise Unfit("it is not of f32, or its weights are computed")
    if not all(p.size for p in (x, *outs)):
        raise Unfit("it has nothing to walk")
    name = {"L": "lstm", "G": "gru", "R": "rnn"}[node.kind[0]]
    name = "linear_gru" if name == "gru" and op.linear_before_reset else name
    batch, time, _ = x.shape
    directions, hidden = outs[0].shape[1], outs[0].shape[3]
    lanes, rows = plan.target.lanes, rows_of(plan.target.rows)
    blocks, tiles = -(-hidden // lanes), -(-batch // rows)
    inputs = _inputs(plan, x, weights[0], weights[2], name, directions, hidden)
    make = partial(_pack, name=name, hidden=hidden, lanes=lanes, directions=directions)
    packed = plan.packed.of(weights[1], ("recurrent", name, lanes), make)
    bias = plan.packed.of(weights[2], ("hidden bias", lanes), partial(_hidden_bias, name, directions, hidden, lanes))
    targets = [p if p.strides[-1] == 4 or p.shape[-1] == 1 else plan.new(p.shape, p.dtype) for p in outs]
    out, h_out, c_out = (*targets, targets[-1])[:3]
    h, c = (as_rows(plan, s) for s in (states[0], states[-1]))
    plan.call(
        recurrent(name, _activations(op)), directions * tiles,
        flops=2 * GATES[name] * directions * batch * time * hidden * hidden,
        x=inputs, out=out, h=h, c=c, h_out=h_out, c_out=c_out, lengths=lengths, weights=packed, bias=bias,
        state=plan.scratch(directions * tiles * STATES * rows * blocks * lanes),
        clip=f32_bits(op.clip if op.clip > 0 else np.inf), time=time, batch=batch, hidden=hidden, blocks=blocks,
        tiles=tiles, reverse=int(direction == "reverse"), weights_d=packed.nbytes // directions,
        bias_d=bias.nbytes // directions,
        x_d=inputs.strides[0], x_n=inputs.strides[1], x_t=inputs.strides[2],
        out_n=out.strides[0], out_d=out.strides[1], out_t=out.strides[2],
        h_n=h.strides[0], h_d=h.strides[1], c_n=c.strides[0], c_d=c.strides[1],
        h_out_n=h_out.strides[0], h_out_d=h_out.strides[1], c_out_n=c_out.strides[0], c_out_d=c_out.strides[1],
    )  # fmt: skip
    for target, place in zip(targets, outs, strict=True):
        if target is not place:
            plan.copy(target, place)


def _activations(op: Any) -> tuple[Activation, ...]:
    """With slope and offset, as far as they are given."""
    names = op.activations
    slopes, offsets = ((*given, *(default,) * len(names)) for given, default in (
        (op.activations_alpha, 0.2), (op.activations_beta, 0.5)
    ))  # fmt: skip
    return tuple((n, a, b) if n == "hardsigmoid" else (n, 0.0, 0.0) for n, a, b in zip(names, slopes, offsets))


def _inputs(plan: Plan, x: Place, w: Value, b: Value, name: str, directions: int, hidden: int) -> Place:
    """[D, N, T, gates]: the product of all inputs, with the bias, gates in the kernel's order."""
    lanes, width, gates = plan.target.lanes, plan.target.width, GATES[name]
    batch, time, size = x.shape
    columns = gates * -(-hidden // lanes) * lanes

    def make(array: Array) -> Array:
        ordered = _ordered(array.reshape(directions, gates, hidden, size), lanes)
        return pack_matrices(plan, np.swapaxes(ordered, 1, 2))

    def make_bias(array: Array) -> Array:
        first = array.reshape(directions, -1)[:, : gates * hidden]
        return _ordered(first.reshape(directions, gates, hidden, 1), lanes).reshape(directions, columns)

    packed = plan.packed.of(w, ("recurrent", gates, lanes), make)
    bias = plan.constant(plan.packed.of(b, ("recurrent", gates, lanes), make_bias))
    panels = Panels(packed, 4 * width, size * 4 * width, np.arange(directions) * (packed.nbytes // directions))
    out = plan.new((directions, batch, time, columns), x.dtype)
    flat, into = x.reshaped((batch * time, size)), out.reshaped((directions, batch * time, columns))
    flat = flat or plan.formed(x, Form.ROWS).reshaped((batch * time, size))
    assert flat is not None
    assert into is not None
    left = replace(flat, shape=(directions, *flat.shape), strides=(0, *flat.strides))
    added = replace(bias, shape=into.shape, strides=(4 * columns, 0, 4))
    _multiply(plan, left, panels, into, size, columns, Epilogue(), added)
    return out


def _ordered(array: Array, lanes: int) -> Array:
    """[D, gates, H, X] -> [D, blocks * gates * lanes, X]: the gates of a block of hidden units side by side."""
    directions, gates, hidden, size = array.shape
    blocks = -(-hidden // lanes)
    padded = np.zeros((directions, gates, blocks * lanes, size), np.float32)
    padded[:, :, :hidden] = array
    return padded.reshape(directions, gates, blocks, lanes, size).transpose(0, 2, 1, 3, 4).reshape(directions, -1, size)


def _pack(array: Array, name: str, hidden: int, lanes: int, directions: int) -> Array:
    """[D, gates * H, H] -> [D, block, k, gate, lane]; those of the GRU's hidden gate lie behind the other two."""
    gates = GATES[name]
    split = array.reshape(directions, gates, hidden, hidden)
    parts = [split[:, :2], split[:, 2:]] if name == "gru" else [split]
    packed = []
    for part in parts:
        ordered = _ordered(part, lanes).reshape(directions, -1, part.shape[1] * lanes, hidden)
        packed.append(np.swapaxes(ordered, 2, 3).reshape(directions, -1))
    return np.concatenate(packed, 1)


def _hidden_bias(name: str, directions: int, hidden: int, lanes: int, array: Array) -> Array:
    """[D, blocks * lanes]: the bias of the recurrent part of the hidden gate, where there is one."""
    out = np.zeros((directions, -(-hidden // lanes) * lanes), np.float32)
    if name == "linear_gru":
        out[:, :hidden] = array.reshape(directions, 4, hidden)[:, 3]
    return out
