"""Recurrent sequences: what the state adds, step by step, with the gates in registers.

    LSTM                  c' = f c + i g,  h' = o act(c'),  gates f, i, g, o
    GRU                   h' = z h + (1 - z) n,  n = act(x_n + R_n (r h)); linear: n = act(x_n + r (R_n h + b_n))
    RNN                   h' = act(x + R h)

Products of the input with its weights, and biases, are there already: x[d][n][t]. Hidden units are taken in blocks of
a vector; the gates of a block lie side by side, in x as in the packed R, [d][block][k][gate][lane], so that one sum
over the state yields all gates of a block, which never leave registers.

R may be integers of eight bits, times a scale for each of its rows, [d][block][gate][lane]: sums are scaled before they
are added to x * x_scale + x_bias, since the weights of the input may be such integers, too.

A unit is one direction of a few sequences, through all steps: nothing waits for other threads. Beyond its length a
sequence gives zeros and keeps its state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, TypeAlias

from ....ir.dtype import DType, f32, i8
from ..codegen.emit import F32, I32, I64, Emitter
from ..codegen.functions import sigmoid, tanh
from ..codegen.math import clamp, number
from ..codegen.target import Target
from ..codegen.typed import Typed
from .base import Arguments, Kernel, f32_bits
from .gemm import sums

Value: TypeAlias = Any

STATES = 5
"""Arrays of a unit's state: h before and after the step, c, and for the GRU z and r h."""

ARGS = (
    "x", "out", "h", "c", "h_out", "c_out", "state", "lengths", "weights", "scale", "x_scale", "x_bias", "bias", "clip",
    "time", "batch", "hidden", "blocks", "tiles", "height", "reverse", "weights_d", "scale_d", "bias_d",
    "x_d", "x_n", "x_t", "out_n", "out_d", "out_t", "h_n", "h_d", "c_n", "c_d",
    "h_out_n", "h_out_d", "c_out_n", "c_out_d",
)  # fmt: skip

GATES = {"lstm": 4, "gru": 3, "linear_gru": 3, "rnn": 1}
Activation: TypeAlias = tuple[str, float, float]
"""A name: sigmoid, tanh, relu, or hardsigmoid; and slope and offset of the last one."""


PAIRS = {"lstm": ((0, 1), (2, 3)), "gru": ((0, 1), (2,)), "rnn": ((0,),)}
"""Gates of tall tiles, which sum two at a time: twice as many sequences fit into the registers, and pass over R
together. The three gates of a linear GRU are best summed at once."""


def parts_of(cell: str, tall: bool) -> tuple[tuple[int, ...], ...]:
    """Gates that are summed together, and lie so in R. The hidden gate of a GRU waits for the others."""
    return PAIRS[cell] if tall or cell == "gru" else (tuple(range(GATES[cell])),)


def rows_of(target: Target, tall: bool) -> int:
    """Sequences of a unit, at most: as many as a matrix tile has rows, or so many that four gates fit into registers,
    of which there are 16 where a matrix tile takes 12."""
    if tall:
        return target.rows
    return target.rows // 3 if target.rows * target.vectors <= 12 else target.rows // 2


def _activate(e: Emitter, activation: Activation, x: Value) -> Value:
    name, slope, offset = activation
    if name == "hardsigmoid":
        line = e.b.fadd(e.b.fmul(x, number(e, x, slope)), number(e, x, offset))
        return clamp(e, line, 0.0, 1.0)
    if name == "sigmoid":
        return sigmoid(e, x)
    return tanh(e, x) if name == "tanh" else e.maximum(x, e.splat(0.0))


class _Unit:
    """The steps of a few sequences in one direction."""

    def __init__(
        self,
        e: Emitter,
        a: Arguments,
        cell: str,
        activations: Sequence[Activation],
        stored: DType,
        tall: bool,
        unit: Value,
        rows: int,
    ) -> None:
        self.e, self.a, self.cell, self.activations, self.stored, self.rows = e, a, cell, activations, stored, rows
        self.parts = parts_of(cell, tall)
        tile, d = e.rem(unit, a.tiles), e.div(unit, a.tiles)
        self.first = e.mul(tile, a.height)
        self.step_bytes = 4 * e.lanes
        self.row_bytes = e.mul(a.blocks, self.step_bytes)
        array = e.mul(self.row_bytes, a.height)
        state = e.add(a.state, e.mul(unit, e.mul(array, STATES)))
        self.state = [e.add(state, e.mul(array, k)) for k in range(STATES)]
        self.weights = e.add(a.weights, e.mul(d, a.weights_d))
        lines = (a.scale, a.x_scale, a.x_bias)
        self.scale, self.x_scale, self.x_bias = (e.add(line, e.mul(d, a.scale_d)) for line in lines)
        self.bias = e.add(a.bias, e.mul(d, a.bias_d))
        self.backwards = e.b.or_(e.b.icmp_signed("!=", a.reverse, e.i64(0)), e.b.icmp_signed("==", d, e.i64(1)))
        numbers = [e.add(self.first, r) for r in range(rows)]
        self.x = [self._at(a.x, (d, a.x_d), (n, a.x_n)) for n in numbers]
        self.out = [self._at(a.out, (d, a.out_d), (n, a.out_n)) for n in numbers]
        self.h = [self._at(a.h, (d, a.h_d), (n, a.h_n)) for n in numbers]
        self.c = [self._at(a.c, (d, a.c_d), (n, a.c_n)) for n in numbers]
        self.h_out = [self._at(a.h_out, (d, a.h_out_d), (n, a.h_out_n)) for n in numbers]
        self.c_out = [self._at(a.c_out, (d, a.c_out_d), (n, a.c_out_n)) for n in numbers]
        self.lengths = [e.load(e.add(a.lengths, e.mul(n, 8)), I64, 8) for n in numbers]
        limit = e.splat(e.b.bitcast(e.b.trunc(a.clip, I32), F32))
        self.limits = (e.b.fneg(limit), limit)

    def _at(self, base: Value, *terms: tuple[Value, Value]) -> Value:
        for n, stride in terms:
            base = self.e.add(base, self.e.mul(n, stride))
        return base

    def _own(self, array: Value, r: int, block: Value) -> Value:
        """The address of a block in a state array."""
        e = self.e
        return e.add(e.add(array, e.mul(self.row_bytes, r)), e.mul(block, self.step_bytes))

    def run(self) -> None:
        e, a = self.e, self.a
        h, c = self.state[0], self.state[2]
        self._move(lambda r, block: self.h[r], lambda r, block: self._own(h, r, block), False)
        if self.cell == "lstm":
            self._move(lambda r, block: self.c[r], lambda r, block: self._own(c, r, block), False)

        def step(s: Value, before: Value, after: Value) -> Sequence[Value]:
            t = e.b.select(self.backwards, e.b.sub(e.b.sub(a.time, e.i64(1)), s), s)
            active = [e.b.icmp_signed(">", length, t) for length in self.lengths]
            if self.cell == "gru":
                self._blocks(partial(self._gates, t, before, active))
                self._blocks(partial(self._hidden, t, before, after, active))
            else:
                self._blocks(partial(self._block, t, before, after, active))
            return [after, before]

        last, _ = e.fold(0, a.time, 1, [h, self.state[1]], step)
        self._move(lambda r, block: self._own(last, r, block), lambda r, block: self.h_out[r], True)
        if self.cell == "lstm":
            self._move(lambda r, block: self._own(c, r, block), lambda r, block: self.c_out[r], True)

    def _blocks(self, body: Callable[[Value, Value], None]) -> None:
        """body(block, mask of its hidden units)."""
        e = self.e
        with e.loop(0, self.a.blocks) as block:
            body(block, e.mask(e.b.sub(self.a.hidden, e.mul(block, e.lanes))))

    def _move(self, source: Any, target: Any, out: bool) -> None:
        """A state from the operand, or to the result; what is beyond the hidden units is 0."""
        e = self.e

        def body(block: Value, mask: Value) -> None:
            offset = e.mul(block, self.step_bytes)
            for r in range(self.rows):
                if out:
                    e.masked_store(e.load(source(r, block)), e.add(target(r, block), offset), mask)
                else:
                    e.store(e.masked_load(e.add(source(r, block), offset), mask), target(r, block))

        self._blocks(body)

    def _inputs(self, t: Value, block: Value, gates: Sequence[int]) -> list[Value]:
        """What the input adds to gates of a block, sequence by sequence."""
        e, count = self.e, GATES[self.cell]
        first = e.mul(block, self.step_bytes * count)
        at = e.add(e.mul(t, self.a.x_t), first)
        found = [e.load(e.add(e.add(x, at), self.step_bytes * g)) for x in self.x for g in gates]
        if self.stored is f32:
            return found
        lines = [e.add(line, first) for line in (self.x_scale, self.x_bias)]
        scales, biases = ([e.load(e.add(line, self.step_bytes * g)) for g in gates] for line in lines)
        return [e.fma(x, scales[k % len(gates)], biases[k % len(gates)]) for k, x in enumerate(found)]

    def _sums(self, start: Callable[[], list[Value]], states: Value, block: Value, part: Sequence[int]) -> list[Value]:
        """start() + R h for gates that lie together, or R of what else stands in `states`."""
        e, typed, gates = self.e, Typed(self.e, self.e.lanes), len(part)
        vector = self.stored.numpy.itemsize * e.lanes
        before = e.mul(self.a.blocks, part[0])
        panels = e.add(self.weights, e.mul(e.mul(before, self.a.hidden), vector))
        panel = e.add(panels, e.mul(e.mul(block, self.a.hidden), vector * gates))
        sources = [self._own(states, r, e.i64(0)) for r in range(self.rows)]

        def load(row: Value) -> list[Value]:
            places = [e.add(row, vector * v) for v in range(gates)]
            if self.stored is f32:
                return [e.load(at, align=vector) for at in places]
            return [typed.convert(typed.load(self.stored, at), self.stored, f32) for at in places]

        if self.stored is f32:
            return sums(e, sources, self.a.hidden, start(), panel, e.i64(vector * gates), load)
        zeros = [e.splat(0.0)] * (self.rows * gates)
        found = sums(e, sources, self.a.hidden, zeros, panel, e.i64(vector * gates), load)
        scale = e.add(self.scale, e.mul(e.add(before, e.mul(block, gates)), self.step_bytes))
        scales = [e.load(e.add(scale, self.step_bytes * g)) for g in range(gates)]
        return [e.fma(x, scales[k % gates], s) for k, (x, s) in enumerate(zip(found, start(), strict=True))]

    def _act(self, x: Value, index: int, clip: bool = True) -> Value:
        e = self.e
        if clip:
            x = e.minimum(e.maximum(x, self.limits[0]), self.limits[1])
        return _activate(e, self.activations[index], x)

    def _finish(
        self, r: int, t: Value, block: Value, mask: Value, active: Value, new: Value, old: Value, into: Value
    ) -> None:
        """Gives the new state, or zeros, and keeps it, or the old one."""
        e = self.e
        at = e.add(e.add(self.out[r], e.mul(t, self.a.out_t)), e.mul(block, self.step_bytes))
        e.masked_store(e.b.select(active, new, e.splat(0.0)), at, mask)
        e.store(e.b.select(active, new, old), into)

    def _block(self, t: Value, before: Value, after: Value, active: Sequence[Value], block: Value, mask: Value) -> None:
        """All of a step for one block, where the gates depend on the old state alone."""
        e = self.e
        hidden: list[Value] = []

        def start(part: Sequence[int]) -> list[Value]:
            inputs = self._inputs(t, block, part)
            if self.cell != "linear_gru":
                return inputs
            bias = e.load(e.add(self.bias, e.mul(block, self.step_bytes)))
            hidden.extend(inputs[2::3])
            return [bias if i % 3 == 2 else x for i, x in enumerate(inputs)]

        found = [self._sums(partial(start, part), before, block, part) for part in self.parts]
        for r in range(self.rows):
            pairs = zip(found, self.parts, strict=True)
            gates = [x for sums_, part in pairs for x in sums_[r * len(part) : (r + 1) * len(part)]]
            old = e.load(self._own(before, r, block))
            if self.cell == "lstm":
                new = self._lstm(gates, r, block, active[r])
            elif self.cell == "rnn":
                new = self._act(gates[0], 0)
            else:
                update, reset = (self._act(g, 0) for g in gates[:2])
                new = self._act(e.b.fadd(hidden[r], e.b.fmul(reset, gates[2])), 1)
                new = self._mix(update, old, new)
            self._finish(r, t, block, mask, active[r], new, old, self._own(after, r, block))

    def _lstm(self, gates: Sequence[Value], r: int, block: Value, active: Value) -> Value:
        e = self.e
        at = self._own(self.state[2], r, block)
        old = e.load(at)
        forget, write, output = (self._act(gates[k], 0) for k in (0, 1, 3))
        cell = e.b.fadd(e.b.fmul(forget, old), e.b.fmul(write, self._act(gates[2], 1)))
        e.store(e.b.select(active, cell, old), at)
        return e.b.fmul(output, self._act(cell, 2, clip=False))

    def _mix(self, update: Value, old: Value, new: Value) -> Value:
        e = self.e
        return e.b.fadd(e.b.fmul(update, old), e.b.fmul(e.b.fsub(e.splat(1.0), update), new))

    def _gates(self, t: Value, before: Value, active: Sequence[Value], block: Value, mask: Value) -> None:
        """The first half of a GRU's step: z, and r h."""
        e = self.e
        part = self.parts[0]
        found = self._sums(partial(self._inputs, t, block, part), before, block, part)
        for r in range(self.rows):
            update, reset = (self._act(g, 0) for g in found[2 * r : 2 * r + 2])
            old = e.load(self._own(before, r, block))
            e.store(update, self._own(self.state[3], r, block))
            e.store(e.b.fmul(reset, old), self._own(self.state[4], r, block))

    def _hidden(
        self, t: Value, before: Value, after: Value, active: Sequence[Value], block: Value, mask: Value
    ) -> None:
        """The second half: the hidden gate, and the new state."""
        e = self.e
        part = self.parts[1]
        found = self._sums(partial(self._inputs, t, block, part), self.state[4], block, part)
        for r in range(self.rows):
            old, update = e.load(self._own(before, r, block)), e.load(self._own(self.state[3], r, block))
            new = self._mix(update, old, self._act(found[r], 1))
            self._finish(r, t, block, mask, active[r], new, old, self._own(after, r, block))


@cache
def recurrent(cell: str, activations: tuple[Activation, ...], stored: DType, tall: bool) -> Kernel:
    """The kernel of a cell with activations, for R stored as f32 or i8; in tall tiles, or others."""
    lines = [f"_{f32_bits(a):x}_{f32_bits(b):x}" if name == "hardsigmoid" else "" for name, a, b in activations]
    names = "_".join(name + line for (name, _, _), line in zip(activations, lines, strict=True))

    def emit(e: Emitter, a: Arguments) -> None:
        most = rows_of(e.target, tall)

        def rows(n: int, unit: Value) -> None:
            _Unit(e, a, cell, activations, stored, tall, unit, n).run()

        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            left = e.b.sub(a.batch, e.mul(e.rem(unit, a.tiles), a.height))
            e.switch(e.min(left, a.height), {n: partial(rows, n, unit) for n in range(1, most + 1)})

    return Kernel(f"{cell}_{names}{'_tall' * tall}{'_i8' * (stored is i8)}", ARGS, emit)
