"""Scaled dot-product attention, a few queries at a time.

    out[i, :] = sum over j of softmax over j (scale * q[i] . k[j] + mask[i, j]) * v[j, :]

Keys and values are packed into panels, as right operands of products. The scores of a tile of queries against all keys
stand in a scratch on the stack, in the first- or second-level cache: their maximum, exponentials and sum are taken in
place, then they are the left operand of the product with the values; the division by the sum comes at the store. The
whole matrix of scores never exists.

A unit is one tile of queries of one pair (of query and key matrices).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any, TypeAlias

from ..codegen.emit import F32, I32, I64, Emitter
from ..codegen.math import exp
from .base import Arguments, Kernel
from .gemm import load_floats, rows_from, sums

Value: TypeAlias = Any

SCRATCH_BYTES = 256 * 1024
"""Of the stack, at most, for scores."""

ARGS = (
    "q", "k", "v", "mask", "out", "pairs", "scale",
    "queries", "keys", "depth", "columns", "tiles", "q_row", "mask_row", "out_row",
)  # fmt: skip
"""`pairs` holds, for each pair, the byte offsets of q, k, v, mask and out."""


def most_keys(rows: int, width: int) -> int:
    """Keys whose scores fit into the scratch."""
    return SCRATCH_BYTES // (4 * rows) // width * width - 2 * width


class _Unit:
    """A tile of queries."""

    def __init__(self, e: Emitter, a: Arguments, masked: bool, unit: Value, scratch: Value) -> None:
        self.e, self.a, self.masked = e, a, masked
        width = e.target.width
        tile, pair = e.rem(unit, a.tiles), e.div(unit, a.tiles)
        at = e.add(a.pairs, e.mul(pair, 40))
        q, k, v, mask, out = (e.load(e.add(at, 8 * i), I64, 8) for i in range(5))
        first = e.div(e.mul(a.queries, tile), a.tiles)
        self.rows = e.b.sub(e.div(e.mul(a.queries, e.add(tile, 1)), a.tiles), first)
        self.q = e.add(e.add(a.q, q), e.mul(first, a.q_row))
        self.k, self.v = e.add(a.k, k), e.add(a.v, v)
        self.mask = e.add(e.add(a.mask, mask), e.mul(first, a.mask_row))
        self.out = e.add(e.add(a.out, out), e.mul(first, a.out_row))
        self.panels = e.div(e.add(a.keys, width - 1), width)
        # A line more than whole panels: rows at multiples of 4 KiB would share their cache sets.
        self.row = e.add(e.mul(self.panels, 4 * width), 64)
        self.scores = scratch
        self.scale = e.splat(e.b.bitcast(e.b.trunc(a.scale, I32), F32))

    def run(self, rows: int) -> None:
        e = self.e
        with e.loop(0, self.panels) as panel:
            self._score(rows, panel)
        factors = [self._exponentials(r) for r in range(rows)]
        panels = e.div(e.add(self.a.columns, e.target.width - 1), e.target.width)
        with e.loop(0, panels) as panel:
            self._mix(rows, panel, factors)

    def _sums(self, rows: int, left: Value, row: Value, depth: Value, panel: Value) -> list[Value]:
        e = self.e
        sources = rows_from(e, left, row, rows)
        start = [e.splat(0.0)] * (rows * e.target.vectors)
        return sums(e, sources, depth, start, panel, e.i64(4 * e.target.width), partial(load_floats, e))

    def _score(self, rows: int, panel: Value) -> None:
        """Scores of a panel of keys; those beyond the last key are -inf."""
        e, a, width = self.e, self.a, self.e.target.width
        keys = e.add(self.k, e.mul(e.mul(panel, a.depth), 4 * width))
        found = self._sums(rows, self.q, a.q_row, a.depth, keys)
        left = e.b.sub(a.keys, e.mul(panel, width))
        masks = [e.mask(left, first=v * e.lanes) for v in range(e.target.vectors)]
        for i, total in enumerate(found):
            r, v = divmod(i, e.target.vectors)
            offset = e.add(e.mul(panel, 4 * width), 4 * e.lanes * v)
            score = e.b.fmul(total, self.scale)
            if self.masked:
                at = e.add(e.add(self.mask, e.mul(a.mask_row, r)), offset)
                score = e.b.fadd(score, e.masked_load(at, masks[v]))
            score = e.b.select(masks[v], score, e.splat(-inf))
            e.store(score, e.add(e.add(self.scores, e.mul(self.row, r)), offset), 4 * e.lanes)

    def _exponentials(self, r: int) -> Value:
        """A row of scores becomes exp(score - maximum); returns 1 / their sum."""
        e, vectors = self.e, self.e.target.vectors
        base = e.add(self.scores, e.mul(self.row, r))
        steps = e.mul(self.panels, 4 * e.target.width)

        def largest(at: Value, *current: Value) -> Sequence[Value]:
            address = e.add(base, at)
            return [e.maximum(t, e.load(e.add(address, 4 * e.lanes * v))) for v, t in enumerate(current)]

        def total(at: Value, *current: Value) -> Sequence[Value]:
            address = e.add(base, at)
            out = []
            for v, t in enumerate(current):
                place = e.add(address, 4 * e.lanes * v)
                x = _exp(e, e.b.fsub(e.load(place), peak))
                e.store(x, place)
                out.append(e.b.fadd(t, x))
            return out

        peaks = e.fold(0, steps, 4 * e.target.width, [e.splat(-inf)] * vectors, largest)
        peak = e.splat(e.reduce(e.maximum, _joined(e.maximum, peaks)))
        totals = e.fold(0, steps, 4 * e.target.width, [e.splat(0.0)] * vectors, total)
        whole = e.reduce(e.b.fadd, _joined(e.b.fadd, totals))
        return e.splat(e.b.fdiv(e.f32(1.0), whole))

    def _mix(self, rows: int, panel: Value, factors: Sequence[Value]) -> None:
        """A panel of the result: the exponentials times the values, divided by their sum."""
        e, a, width = self.e, self.a, self.e.target.width
        values = e.add(self.v, e.mul(e.mul(panel, a.keys), 4 * width))
        found = self._sums(rows, self.scores, self.row, a.keys, values)
        left = e.b.sub(a.columns, e.mul(panel, width))
        masks = [e.mask(left, first=v * e.lanes) for v in range(e.target.vectors)]
        for i, total in enumerate(found):
            r, v = divmod(i, e.target.vectors)
            at = e.add(e.add(self.out, e.mul(a.out_row, r)), e.add(e.mul(panel, 4 * width), 4 * e.lanes * v))
            e.masked_store(e.b.fmul(total, factors[r]), at, masks[v])


def _exp(e: Emitter, x: Value) -> Value:
    """e to the power x <= 0; 0 where that is no normal number, since it is added to 1."""
    low = e.splat(-87.0)
    return e.b.select(e.b.fcmp_ordered("<", x, low), e.splat(0.0), exp(e, e.maximum(x, low), bounded=True))


def _joined(combine: Callable[[Value, Value], Value], values: Sequence[Value]) -> Value:
    result = values[0]
    for value in values[1:]:
        result = combine(result, value)
    return result


def _emit(masked: bool) -> Callable[[Emitter, Arguments], None]:
    def emit(e: Emitter, a: Arguments) -> None:
        scratch = e.scratch(SCRATCH_BYTES // 4)
        with e.loop(e.function.args[1], e.function.args[2]) as number:
            unit = _Unit(e, a, masked, number, scratch)
            e.switch(unit.rows, {n: partial(unit.run, n) for n in range(1, e.target.rows + 1)})

    return emit


ATTENTION = Kernel("attention", ARGS, _emit(False))
MASKED_ATTENTION = Kernel("masked_attention", ARGS, _emit(True))
