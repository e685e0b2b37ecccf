"""LSTM, GRU, RNN as OpenVINO's sequences.

ONNX has the time outermost ([T, N, I]; `layout` 1: [N, T, I]) and for each direction; OpenVINO has the batch
outermost. Gates: ONNX's LSTM has i, o, f, c, OpenVINO's f, i, c, o; both have z, r, h in a GRU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .....ir import dtype as dt
from .....ir.builder import Builder
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .recurrent_functions import FORMS
from .recurrent_steps import written_out
from .values import dim, ints, number, to
from .values import reshape as to_shape

LSTM_GATES = (2, 0, 3, 1)  # f, i, c, o among i, o, f, c
SUPPORTED = ("sigmoid", "tanh", "relu")
DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


class _Recurrent:
    """What the three operators share: operands in OpenVINO's order, results in ONNX's."""

    def __init__(self, ctx: NodeContext, gates: int, defaults: Sequence[str]) -> None:
        self.ctx = ctx
        self.gates = gates
        self.direction = ctx.attr("direction", "forward")
        if self.direction not in DIRECTIONS:
            ctx.fail(f"attribute `direction` is '{self.direction}'", f"ONNX knows {', '.join(DIRECTIONS)}")
        self.directions = DIRECTIONS[self.direction]
        self.batch_first = bool(ctx.attr("layout", 0))
        w, r = ctx.input(1), ctx.input(2)
        hidden = ctx.attr("hidden_size", r.shape[-1] if r.shape else None)
        if not isinstance(hidden, int):
            ctx.fail("the hidden size is unknown", "give attribute `hidden_size`")
        self.hidden: int = hidden
        self._check(w, r)
        self.x = self._swapped(ctx.input(0))
        self.activations = self._activations(defaults)

    def _check(self, w: Value, r: Value) -> None:
        for name, value in (("W", w), ("R", r)):
            expected = (self.directions, self.gates * self.hidden)
            if value.shape is not None and (
                len(value.shape) != 3
                or any(isinstance(d, int) and d != e for d, e in zip(value.shape, expected, strict=False))
            ):
                self.ctx.fail(
                    f"{name} is {value.type}, expected [{expected[0]}, {expected[1]}, ..]",
                    "check `hidden_size` and `direction`",
                )

    def _activations(self, defaults: Sequence[str]) -> tuple[str, ...]:
        """The activations of all directions."""
        given = [a.lower() for a in self.ctx.attr("activations", [])] or [*defaults] * self.directions
        for unknown in (a for a in given if a not in FORMS):
            self.ctx.fail(f"activation '{unknown}' is none of {self.ctx.op_type}", f"there are {', '.join(FORMS)}")
        wanted = len(defaults) * self.directions
        if len(given) != wanted:
            self.ctx.fail(
                f"{len(given)} activations are given, {wanted} are needed", f"as {[*defaults]}, for each direction"
            )
        return tuple(given)

    @property
    def is_sequence(self) -> bool:
        """Whether OpenVINO's sequences have what the operator asks for."""
        half = len(self.activations) // self.directions
        alike = self.activations[:half] == self.activations[-half:]
        return alike and set(SUPPORTED).issuperset(self.activations)

    def written_out(self) -> list[Value]:
        """The results of what the sequences lack."""
        found = written_out(self.ctx, self.hidden, self.directions, self.activations)
        return found[: max(self.ctx.n_outputs, 1)]

    def attributes(self) -> dict[str, Any]:
        return {
            "hidden_size": self.hidden,
            "direction": self.direction,
            "activations": self.activations[: len(self.activations) // self.directions],
            "clip": float(self.ctx.attr("clip", 0.0)),
        }

    def _swapped(self, value: Value) -> Value:
        """[T, N, ..] as [N, T, ..], or [D, N, H] as [N, D, H]."""
        return value if self.batch_first else self.ctx.b.Transpose(value, ints(self.ctx.b, [1, 0, 2]))

    def batch(self) -> Value:
        return dim(self.ctx.b, self.x, 0)

    def state(self, index: int) -> Value:
        """An initial state [N, D, H]; zeros where it is left out."""
        given = self.ctx.optional(index)
        if given is not None:
            return self._swapped(given)
        b = self.ctx.b
        shape = b.Concat(self.batch(), ints(b, [self.directions, self.hidden]), axis=0)
        return b.Broadcast(number(b, 0, self.x.dtype), shape, mode="numpy")

    def lengths(self) -> Value:
        """The length of each sequence, [N]."""
        b, given = self.ctx.b, self.ctx.optional(4)
        if given is not None:
            return to(b, given, dt.i64)
        return b.Broadcast(dim(b, self.x, 1), self.batch(), mode="numpy")

    def ordered(self, weights: Value, order: Sequence[int]) -> Value:
        """[D, gates * H, ..] with its gates in another order: integers and their scales, where it is made of these."""
        b, tail, node = self.ctx.b, (weights.rank or 3) - 2, weights.node
        if node is not None and _expands(weights):
            rows = (self.directions, len(order) * self.hidden, 1)
            parts = (self.ordered(_filled(b, node.operand(i), rows), order) for i in range(len(node.inputs)))
            return b.node(node.op, *parts).output
        apart = to_shape(b, weights, [self.directions, len(order), self.hidden, *[-1] * tail])
        there = b.Gather(apart, ints(b, order), 1, batch_dims=0)
        return to_shape(b, there, [self.directions, len(order) * self.hidden, *[-1] * tail])

    def biases(self) -> tuple[Value, Value]:
        """The biases of W and of R, each [D, gates * H]; zeros where they are left out."""
        b, given = self.ctx.b, self.ctx.optional(3)
        if given is None:
            zeros = b.const(np.zeros((self.directions, self.gates * self.hidden), self.x.dtype.numpy))
            return zeros, zeros
        first, second = b.Split(given, number(b, 1, dt.i64), num_splits=2)
        return first, second

    def results(self, outputs: Sequence[Value]) -> list[Value]:
        """Y as [T, D, N, H] and the last states as [D, N, H]; with `layout` 1 [N, T, D, H] and [N, D, H]."""
        b = self.ctx.b
        order = [0, 2, 1, 3] if self.batch_first else [2, 1, 0, 3]
        return [b.Transpose(outputs[0], ints(b, order)), *(self._swapped(v) for v in outputs[1:])]


def _expands(value: Value) -> bool:
    """Whether a value is made of constant integers by Convert, Subtract and Multiply of constants."""
    node = value.node
    if node is None or node.kind not in ("Convert", "Subtract", "Multiply"):
        return False
    return all(v.is_const or _expands(v) for v in map(node.operand, range(len(node.inputs))))


def _filled(b: Builder, value: Value, rows: Sequence[int]) -> Value:
    """A constant for all rows, or for all of a direction, as one for each row."""
    array = value.const
    short = array is not None and all(d in (1, r) for d, r in zip(array.shape[::-1], rows[::-1], strict=False))
    return b.const(np.broadcast_to(array, rows)) if array is not None and short else value


@converter("LSTM")
def lstm(ctx: NodeContext) -> list[Value]:
    """LSTMSequence; with peepholes, coupled gates or other activations a TensorIterator."""
    b = ctx.b
    r = _Recurrent(ctx, 4, ("sigmoid", "tanh", "tanh"))
    if not r.is_sequence or ctx.optional(7) is not None or ctx.attr("input_forget", 0):
        return r.written_out()
    weights = [r.ordered(ctx.input(i), LSTM_GATES) for i in (1, 2)]
    bias = r.ordered(b.Add(*r.biases()), LSTM_GATES)
    return r.results(b.LSTMSequence(r.x, r.state(5), r.state(6), r.lengths(), *weights, bias, **r.attributes()))


@converter("GRU")
def gru(ctx: NodeContext) -> list[Value]:
    """GRUSequence; with other activations a TensorIterator."""
    b = ctx.b
    r = _Recurrent(ctx, 3, ("sigmoid", "tanh"))
    if not r.is_sequence:
        return r.written_out()
    linear = bool(ctx.attr("linear_before_reset", 0))
    of_w, of_r = r.biases()
    bias = b.Add(of_w, of_r)
    if linear:  # the biases of the hidden gate stay apart: z, r, h of W, h of R
        h = r.hidden
        cut = ints(b, [2 * h, h])
        axis = number(b, 1, dt.i64)
        both, _ = b.VariadicSplit(bias, axis, cut)
        (_, hidden_w), (_, hidden_r) = b.VariadicSplit(of_w, axis, cut), b.VariadicSplit(of_r, axis, cut)
        bias = b.Concat(both, hidden_w, hidden_r, axis=1)
    outputs = b.GRUSequence(
        r.x, r.state(5), r.lengths(), ctx.input(1), ctx.input(2), bias, **r.attributes(), linear_before_reset=linear
    )
    return r.results(outputs)


@converter("RNN")
def rnn(ctx: NodeContext) -> list[Value]:
    """RNNSequence; with other activations a TensorIterator."""
    r = _Recurrent(ctx, 1, ("tanh",))
    if not r.is_sequence:
        return r.written_out()
    bias = ctx.b.Add(*r.biases())
    return r.results(
        ctx.b.RNNSequence(r.x, r.state(5), r.lengths(), ctx.input(1), ctx.input(2), bias, **r.attributes())
    )
