"""Probabilities of classes from those of pairs of classes: see ir/kernels/coupling.py, which takes the same steps.

A unit is a block of rows, with a scratch of its own: a matrix Q of the classes, and Q p.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ....ir import dtype as dt
from ....ir.kernels.coupling import ROUNDS
from ..codegen.emit import F32, I32, I64, Emitter
from .base import Arguments, Kernel
from .scalar import read, write

Value: TypeAlias = Any

ARGS = ("pairs", "pairs_row", "out", "out_row", "scratch", "scratch_unit", "rows", "block", "classes", "start", "limit")
"""`start` is 1 / classes, `limit` 0.005 / classes: bits of f32."""


class _Row:
    """Writes the code for one row."""

    def __init__(self, e: Emitter, a: Arguments, pairs: Value, out: Value, scratch: Value) -> None:
        self.e, self.a, self.b = e, a, e.b
        self.pairs, self.out, self.matrix = pairs, out, scratch
        self.products = e.add(scratch, e.mul(e.mul(a.classes, a.classes), 4))

    def pair(self, i: Value, j: Value) -> Value:
        """The probability of i among i and j, where i < j."""
        e, b = self.e, self.b
        before = b.sub(e.mul(i, self.a.classes), e.div(e.mul(i, e.add(i, 1)), 2))
        return read(e, dt.f32, e.add(self.pairs, e.mul(b.sub(b.sub(e.add(before, j), i), e.i64(1)), 4)))

    def cell(self, i: Value, j: Value) -> Value:
        return self.e.add(self.matrix, self.e.mul(self.e.add(self.e.mul(i, self.a.classes), j), 4))

    def at(self, base: Value, i: Value) -> Value:
        return self.e.add(base, self.e.mul(i, 4))

    def get(self, address: Value) -> Value:
        return read(self.e, dt.f32, address)

    def put(self, value: Value, address: Value) -> None:
        write(self.e, dt.f32, value, address)

    def number(self, word: Value) -> Value:
        return self.b.bitcast(self.b.trunc(word, I32), F32)

    def prepare(self) -> None:
        """Equal probabilities, and Q."""
        e, b = self.e, self.b
        one = e.f32(1.0)
        with e.loop(0, self.a.classes) as i:
            self.put(self.number(self.a.start), self.at(self.out, i))

            def left(j: Value, total: Value, i: Value = i) -> Sequence[Value]:
                v = self.pair(j, i)
                self.put(self.get(self.cell(j, i)), self.cell(i, j))
                return [b.fadd(total, b.fmul(v, v))]

            def right(j: Value, total: Value, i: Value = i) -> Sequence[Value]:
                v = self.pair(i, j)
                u = b.fsub(one, v)
                self.put(b.fneg(b.fmul(u, v)), self.cell(i, j))
                return [b.fadd(total, b.fmul(u, u))]

            (total,) = e.fold(0, i, 1, [e.f32(0.0)], left)
            (total,) = e.fold(e.add(i, 1), self.a.classes, 1, [total], right)
            self.put(total, self.cell(i, i))

    def multiply(self) -> Value:
        """Q p is kept; returns p^T Q p."""
        e, b = self.e, self.b

        def row(i: Value, whole: Value) -> Sequence[Value]:
            def term(j: Value, total: Value) -> Sequence[Value]:
                return [b.fadd(total, b.fmul(self.get(self.cell(i, j)), self.get(self.at(self.out, j))))]

            (total,) = e.fold(0, self.a.classes, 1, [e.f32(0.0)], term)
            self.put(total, self.at(self.products, i))
            return [b.fadd(whole, b.fmul(self.get(self.at(self.out, i)), total))]

        return e.fold(0, self.a.classes, 1, [e.f32(0.0)], row)[0]

    def worst(self, whole: Value) -> Value:
        """The largest error of a condition; NaN is none."""
        e, b = self.e, self.b

        def larger(i: Value, most: Value) -> Sequence[Value]:
            error = e.abs(b.fsub(self.get(self.at(self.products, i)), whole))
            return [b.select(b.fcmp_ordered(">", error, most), error, most)]

        return e.fold(0, self.a.classes, 1, [e.f32(0.0)], larger)[0]

    def step(self, whole: Value) -> None:
        """Each probability in turn is moved, and all are divided by their sum."""
        e, b = self.e, self.b

        def move(i: Value, whole: Value) -> Sequence[Value]:
            own, product = self.get(self.cell(i, i)), self.get(self.at(self.products, i))
            change = b.fdiv(b.fsub(whole, product), own)
            place = self.at(self.out, i)
            self.put(b.fadd(self.get(place), change), place)
            divisor = b.fadd(e.f32(1.0), change)
            slope = b.fadd(b.fmul(change, own), b.fmul(e.f32(2.0), product))
            whole = b.fdiv(b.fdiv(b.fadd(whole, b.fmul(change, slope)), divisor), divisor)
            with e.loop(0, self.a.classes) as j:
                at, p = self.at(self.products, j), self.at(self.out, j)
                self.put(b.fdiv(b.fadd(self.get(at), b.fmul(change, self.get(self.cell(i, j)))), divisor), at)
                self.put(b.fdiv(self.get(p), divisor), p)
            return [whole]

        e.fold(0, self.a.classes, 1, [whole], move)

    def run(self) -> None:
        """Until the conditions hold."""
        e, b = self.e, self.b
        self.prepare()
        before = b.block
        head, look, onward, after = (e.function.append_basic_block(n) for n in ("head", "look", "onward", "after"))
        b.branch(head)
        b.position_at_end(head)
        left = b.phi(I64)
        left.add_incoming(e.i64(ROUNDS), before)
        b.cbranch(b.icmp_signed(">", left, e.i64(0)), look, after)
        b.position_at_end(look)
        whole = self.multiply()
        good = b.fcmp_ordered("<", self.worst(whole), self.number(self.a.limit))
        b.cbranch(good, after, onward)
        b.position_at_end(onward)
        self.step(whole)
        left.add_incoming(e.add(left, -1), b.block)
        b.branch(head)
        b.position_at_end(after)


def _emit(e: Emitter, a: Arguments) -> None:
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        first = e.mul(unit, a.block)
        scratch = e.add(a.scratch, e.mul(unit, a.scratch_unit))
        with e.loop(first, e.min(e.add(first, a.block), a.rows)) as r:
            _Row(e, a, e.add(a.pairs, e.mul(r, a.pairs_row)), e.add(a.out, e.mul(r, a.out_row)), scratch).run()


COUPLE = Kernel("couple_f32", ARGS, _emit)
