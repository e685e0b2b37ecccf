"""Passes over what is reduced together: rows of adjacent elements, or columns of vectors side by side.

A tensor's dimensions are either kept or reduced. Where the reduced ones hold adjacent elements, a unit of work is one
kept index: `Rows` runs vectors along its elements. Where a kept dimension is adjacent, a unit is a stripe of one or
SIDE vectors of it: `Columns` runs down the reduced dimensions. Both offer the same two passes, so that a formula is
written once: `fold` gives a number, or one for each column, as vectors; `map` writes what becomes of each element.

Sums are formed in parts of bounded length, whose sums are added: the error grows with the number of parts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from typing import Any, Self, TypeAlias

from ..codegen.emit import Emitter
from .base import Arguments

Value: TypeAlias = Any
Step: TypeAlias = Callable[[Value, Value, int], Value]
"""step(accumulator, x, i): x belongs to number i of what folds give."""

SIDE = 4
PART = 64
KEPT, REDUCED = 3, 3
NAMES = (
    "source", "out", "gamma", "beta",
    *(f"n{k}" for k in range(KEPT)), *(f"m{k}" for k in range(REDUCED)),
    *(f"{p}{k}" for p in "stg" for k in range(KEPT)), *(f"{p}m{k}" for p in "stg" for k in range(REDUCED)),
)  # fmt: skip
"""Sizes n of kept and m of reduced dimensions; strides s of the source, t of the result, g of gamma and beta. The last
of the adjacent kind is the one whose elements vectors hold."""


class _Walk:
    """What both ways share: addresses."""

    def __init__(self, e: Emitter, a: Arguments, affine: str) -> None:
        self.e, self.a, self.affine = e, a, affine
        self.bases: list[Value] = []
        self.swapped = False

    def _base(self, indices: Sequence[Value], bases: Sequence[Value], mark: str = "") -> list[Value]:
        """The addresses of source, result, gamma and beta moved by indices of kept or reduced (`mark` m) dimensions."""
        moved = list(bases)
        for k, index in enumerate(indices):
            for j, name in enumerate("stgg"):
                if j < 2 or self.affine:
                    stride = getattr(self.a, f"{name}{mark}{k}")
                    moved[j] = self.e.add(moved[j], self.e.mul(index, stride))
        return moved

    def over_result(self) -> Self:
        """The same walk over what has been written."""
        other = copy(self)
        other.swapped = True
        return other

    def _source(self, indices: Sequence[Value]) -> Value:
        """The address that a fold reads from, for the outer two reduced indices."""
        return self._base(indices, self.bases, "m")[1 if self.swapped else 0]

    def _start(self) -> list[Value]:
        return [self.a.source, self.a.out, self.a.gamma, self.a.beta]

    def _scaled(self, value: Value, gamma: Value, beta: Value, load: Callable[[Value], Value]) -> Value:
        """value * gamma + beta, where there are such; they are adjacent as the data is, or one number."""
        e = self.e
        if not self.affine:
            return value
        read = load if self.affine == "vector" else e.broadcast
        return e.fma(value, read(gamma), read(beta))

    def _parts(
        self, count: Value, step: int, totals: Sequence[Value], identity: Value, combine: Any, body: Any
    ) -> list[Value]:
        """Folds in parts of PART steps."""
        e = self.e

        def part(begin: Value, *current: Value) -> Sequence[Value]:
            end = e.min(e.add(begin, PART * step), count)
            found = e.fold(begin, end, step, [identity] * len(current), body)
            return [combine(t, f) for t, f in zip(current, found, strict=True)]

        return e.fold(0, count, PART * step, totals, part)


class Rows(_Walk):
    """The elements of one kept index; the last reduced dimension is adjacent."""

    numbers = 1

    def __init__(self, e: Emitter, a: Arguments, affine: str, unit: Value) -> None:
        super().__init__(e, a, affine)
        i2, rest = e.rem(unit, a.n2), e.div(unit, a.n2)
        self.bases = self._base([e.div(rest, a.n1), e.rem(rest, a.n1), i2], self._start())
        self.inner = a.m2

    def fold(self, identity: Value, step: Step, combine: Any, fill: Value | None = None) -> list[Value]:
        """step over all elements, the lanes combined; lanes beyond the end hold `fill`, by default `identity`."""
        e, lanes = self.e, self.e.lanes
        fill = identity if fill is None else fill
        whole = e.b.sub(self.inner, e.rem(self.inner, SIDE * lanes))

        def line(i: Value, j: Value, totals: Sequence[Value]) -> Sequence[Value]:
            source = self._source([i, j])

            def several(k: Value, *current: Value) -> Sequence[Value]:
                at = e.add(source, e.mul(k, 4))
                loads = [e.load(e.add(at, 4 * lanes * s)) for s in range(SIDE)]
                return [step(t, x, 0) for t, x in zip(current, loads, strict=True)]

            def tail(k: Value, total: Value) -> Sequence[Value]:
                x = e.masked_load(e.add(source, e.mul(k, 4)), e.mask(e.b.sub(self.inner, k)), fill)
                return [step(total, x, 0)]

            first, *others = self._parts(whole, SIDE * lanes, totals, identity, combine, several)
            (first,) = e.fold(whole, self.inner, lanes, [first], tail)
            return [first, *others]

        def outer(i: Value, *totals: Value) -> Sequence[Value]:
            return e.fold(0, self.a.m1, 1, totals, lambda j, *current: line(i, j, current))

        a, b, c, d = e.fold(0, self.a.m0, 1, [identity] * SIDE, outer)
        return [e.splat(e.reduce(combine, combine(combine(a, b), combine(c, d))))]

    def map(self, function: Callable[[Value, int], Value], again: bool = False) -> None:
        """out = function(x, 0) * gamma + beta; `again` reads what is in `out` already."""
        self._pass(function, again, [])

    def map_sum(self, function: Callable[[Value, int], Value]) -> list[Value]:
        """out = function(x, 0); returns the sum of these."""
        e = self.e
        a, b, c, d = self._pass(function, False, [e.splat(0.0)] * SIDE)
        return [e.splat(e.reduce(e.b.fadd, e.b.fadd(e.b.fadd(a, b), e.b.fadd(c, d))))]

    def _pass(self, function: Callable[[Value, int], Value], again: bool, totals: Sequence[Value]) -> list[Value]:
        """SIDE vectors a step, whose work overlaps; then one by one. What is written is added to totals, if any."""
        e, wide = self.e, SIDE * self.e.lanes
        whole = e.b.sub(self.inner, e.rem(self.inner, wide))

        def line(i: Value, j: Value, totals: Sequence[Value]) -> Sequence[Value]:
            source, out, gamma, beta = self._base([i, j], self.bases, "m")
            source = out if again else source

            def several(k: Value, *current: Value) -> Sequence[Value]:
                offset = e.mul(k, 4)
                places = [e.add(offset, 4 * e.lanes * v) for v in range(SIDE)]
                values = [function(e.load(e.add(source, at)), 0) for at in places]
                for value, at in zip(values, places, strict=True):
                    scaled = self._scaled(value, self._along(gamma, at), self._along(beta, at), e.load)
                    e.store(scaled, e.add(out, at))
                return [e.b.fadd(t, v) for t, v in zip(current, values)]

            def single(k: Value, *current: Value) -> Sequence[Value]:
                offset, mask = e.mul(k, 4), e.mask(e.b.sub(self.inner, k))
                value = function(e.masked_load(e.add(source, offset), mask), 0)
                g, b = self._along(gamma, offset), self._along(beta, offset)
                scaled = self._scaled(value, g, b, lambda at: e.masked_load(at, mask))
                e.masked_store(scaled, e.add(out, offset), mask)
                return [e.b.fadd(t, e.b.select(mask, value, e.splat(0.0))) for t in current]

            current = e.fold(0, whole, wide, totals, several)
            first = e.fold(whole, self.inner, e.lanes, current[:1], single)
            return [*first, *current[1:]]

        def outer(i: Value, *totals: Value) -> Sequence[Value]:
            return e.fold(0, self.a.m1, 1, totals, lambda j, *current: line(i, j, current))

        return e.fold(0, self.a.m0, 1, totals, outer)

    def _along(self, base: Value, offset: Value) -> Value:
        return self.e.add(base, offset) if self.affine == "vector" else base

    def give(self, values: Sequence[Value]) -> None:
        """Stores the result of a reduction."""
        e = self.e
        e.store(e.b.extract_element(values[0], e.i32(0)), self.bases[1])


class Columns(_Walk):
    """A stripe of a number of vectors, side by side, of the last kept dimension, which is adjacent."""

    def __init__(self, e: Emitter, a: Arguments, affine: str, unit: Value, numbers: int) -> None:
        super().__init__(e, a, affine)
        self.numbers = numbers
        wide = numbers * e.lanes
        stripes = e.div(e.add(a.n2, wide - 1), wide)
        stripe, rest = e.rem(unit, stripes), e.div(unit, stripes)
        column = e.mul(stripe, wide)
        bases = self._base([e.div(rest, a.n1), e.rem(rest, a.n1)], self._start())
        vector = [True, True, affine == "vector", affine == "vector"]
        self.bases = [e.add(p, e.mul(column, 4)) if v else p for p, v in zip(bases, vector, strict=True)]
        count = e.b.sub(a.n2, column)
        self.masks = [e.mask(count, first=v * e.lanes) for v in range(numbers)]
        self.full = e.b.icmp_signed(">=", count, e.i64(wide))

    def _load(self, at: Value, v: int, full: bool) -> Value:
        e = self.e
        at = e.add(at, 4 * e.lanes * v)
        return e.load(at) if full else e.masked_load(at, self.masks[v])

    def fold(self, identity: Value, step: Step, combine: Any, fill: Value | None = None) -> list[Value]:
        """step down each column."""
        e = self.e

        def nest(full: bool) -> list[Value]:
            def line(i: Value, j: Value, totals: Sequence[Value]) -> Sequence[Value]:
                source = self._source([i, j])
                stride = self.a.tm2 if self.swapped else self.a.sm2

                def down(k: Value, *current: Value) -> Sequence[Value]:
                    at = e.add(source, e.mul(k, stride))
                    return [step(t, self._load(at, v, full), v) for v, t in enumerate(current)]

                return self._parts(self.a.m2, 1, totals, identity, combine, down)

            def outer(i: Value, *totals: Value) -> Sequence[Value]:
                return e.fold(0, self.a.m1, 1, totals, lambda j, *current: line(i, j, current))

            return e.fold(0, self.a.m0, 1, [identity] * self.numbers, outer)

        with e.b.if_else(self.full) as (whole, part):
            with whole:
                found, end = nest(True), e.b.block
            with part:
                others, other_end = nest(False), e.b.block
        phis = []
        for x, y in zip(found, others, strict=True):
            phi = e.b.phi(e.V)
            phi.add_incoming(x, end)
            phi.add_incoming(y, other_end)
            phis.append(phi)
        return phis

    def map(self, function: Callable[[Value, int], Value], again: bool = False) -> None:
        """out = function(x, column) * gamma + beta; `again` reads what is in `out` already."""
        e = self.e

        def nest(full: bool) -> None:
            with e.loop(0, self.a.m0) as i, e.loop(0, self.a.m1) as j, e.loop(0, self.a.m2) as k:
                source, out, gamma, beta = self._base([i, j, k], self.bases, "m")
                for v in range(self.numbers):
                    value = function(self._load(out if again else source, v, full), v)
                    value = self._scaled(value, gamma, beta, partial(self._load, v=v, full=full))
                    self._store(value, out, v, full)

        with e.b.if_else(self.full) as (whole, part):
            with whole:
                nest(True)
            with part:
                nest(False)

    def map_sum(self, function: Callable[[Value, int], Value]) -> list[Value]:
        """out = function(x, column); returns the sums of these."""
        e = self.e
        self.map(function)
        return self.over_result().fold(e.splat(0.0), lambda t, x, i: e.b.fadd(t, x), e.b.fadd)

    def _store(self, value: Value, at: Value, v: int, full: bool) -> None:
        e = self.e
        at = e.add(at, 4 * e.lanes * v)
        if full:
            e.store(value, at)
        else:
            e.masked_store(value, at, self.masks[v])

    def give(self, values: Sequence[Value]) -> None:
        """Stores the result of a reduction."""
        for v, value in enumerate(values):
            self._store(value, self.bases[1], v, False)
