"""Convolution and matrix product of u8 by i8, exact in i32: implicit GEMM as in igemm.py, four channels a step.

    s[p, :] = start + sum over taps t and channels c of in[index[p, t], c] * w[t, c, :]

`start` takes the zero points of the data into account: -zero * sum of the weights. Padding reads a row of zero points.
Weights are packed as [group][panel][tap][channels / 4][width][4] in one of the forms of codegen/dots.py. The four bytes
of a step may lie beyond the last channel of a pixel, where weights are zero: sources have room for some bytes more.

Sums of some tiles go to the stack, and from there by one call of a function of their own (finish.py) to the output.

A unit of work is a part of the panels of one block of pixels of one group of one image, parts running fastest. Spans
of rows go through it; in the form SPREAD all taps of a pixel are gathered and widened to i16 on the stack first, and
then are one tap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from llvmlite import ir

from ..codegen.dots import DOT, GATHERED, LISTED, ORDERS, PAIRS, QUAD, SPREAD, WIDE, Dots, data_bytes, packed_bytes
from ..codegen.emit import I8, I16, I32, I64, PTR, VOID, Emitter
from .base import Arguments, Kernel
from .gemm import AHEAD, prefetch, share, tiles
from .igemm import Shape, _halved, _offset, _typed, shapes

FINISH = ir.FunctionType(VOID, [PTR, I64, I64, I64, I64, I64, I64])
"""Of what stores a span of rows: the argument block, the addresses of its sums, of its outputs, residuals and
parameters, how many rows and columns it has."""

SPAN = 48
"""Most rows whose sums are finished by one call."""

ROOM = 12288
"""Elements of data on the stack, in the form SPREAD."""

UNROLL = 4
"""Steps of four channels in one round of the loop, over all sets of accumulators."""

LISTED_UNROLL = 2
"""The same of a list of rows."""

ARGS = (
    "input", "output", "weights", "start", "params", "residual", "table", "zeros", "finish",
    "first", "at",
    "lo", "hi", "res_factor", "res_zero", "step", "shift", "low", "high",
    "pixels", "taps", "quads", "out_channels", "panels", "part", "parts", "span", "sources", "length",
    "groups", "blocks", "total",
    "in_stride", "in_group", "in_image",
    "out_stride", "out_group", "out_image", "out_size",
    "res_stride", "res_group", "res_image", "res_size",
)  # fmt: skip
"""params: [parameters][total] of f32, total = groups * panels * width; out_size, res_size: bytes of an element.

part, parts: panels of a unit, how many units share a block;  span: rows between two calls of `finish`;  sources,
length: taps that are gathered, elements of one.

first, at: of the form LISTED, whose rows of weights stand in lists (`listed`), three for each panel and tap."""


def emit(form: str, straight: bool, e: Emitter, a: Arguments) -> None:
    scratch, room = e.scratch(SPAN * e.target.width), e.scratch(ROOM // 2 + GATHERED) if form == SPREAD else None
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        part, rest = e.rem(unit, a.parts), e.div(unit, a.parts)
        block, rest = e.rem(rest, a.blocks), e.div(rest, a.blocks)
        group, image = e.rem(rest, a.groups), e.div(rest, a.groups)
        source = _offset(e, a.input, (image, a.in_image), (group, a.in_group))
        begin, count = share(e, a.pixels, block, a.blocks)
        spans = e.div(e.add(count, e.add(a.span, -1)), a.span)
        with e.loop(0, spans) as number:
            first = e.add(begin, e.mul(number, a.span))
            rows = e.min(e.b.sub(e.add(begin, count), first), a.span)
            if form == SPREAD:
                _spread(e, a, straight, source, first, room, rows)
            panel = e.mul(part, a.part)
            with e.loop(panel, e.min(e.add(panel, a.part), a.panels)) as panel:
                _panel(e, a, Dots(e, form), straight, image, group, panel, first, rows, scratch, room or source)


def _panel(
    e: Emitter, a: Arguments, dots: Dots, straight: bool, image: Any, group: Any, panel: Any, first: Any, rows: Any,
    scratch: Any, source: Any,
) -> None:  # fmt: skip
    """A span of rows of one panel. The source is that of the image, or of the span in the form SPREAD."""
    number, column = e.add(e.mul(group, a.panels), panel), e.mul(panel, e.target.width)
    columns = e.min(e.b.sub(a.out_channels, column), e.target.width)
    row = packed_bytes(dots.form) * e.target.width
    span = partial(
        _Span,
        e,
        a,
        dots,
        straight=straight,
        scratch=scratch,
        source=source,
        out=_offset(e, a.output, (image, a.out_image), (group, a.out_group), (column, a.out_size)),
        residual=_offset(e, a.residual, (image, a.res_image), (group, a.res_group), (column, a.res_size)),
        weights=e.add(a.weights, e.mul(number, e.mul(e.mul(a.taps, a.quads), row))),
        start=e.add(a.start, e.mul(number, 4 * e.target.width)),
        first=e.add(a.first, e.mul(e.mul(number, a.taps), 4 * len(ORDERS))),
        params=e.add(a.params, e.mul(number, 4 * e.target.width)),
        columns=columns,
        begin=first,
    )
    wide, slim = shapes(e.target)
    if e.target.element:  # turning bits and widening take registers
        wide = replace(wide, rows=e.target.sums // wide.vectors)
    slim = slim if straight or dots.form == SPREAD else Shape(wide.rows, 1, 1)
    with e.b.if_else(e.b.icmp_signed(">", columns, e.i64(e.lanes))) as (several, one):
        for branch, shape, cut in ((several, wide, tiles), (one, slim, _halved)):
            with branch:
                part = span(shape)
                cut(e, first, rows, shape.rows, part.tile)
                part.finish(rows)


def _spread(e: Emitter, a: Arguments, straight: bool, source: Any, first: Any, target: Any, rows: Any) -> None:
    """Windows over bytes become adjacent rows of i16. What is read beyond a tap is overwritten by the next one, or
    meets weights of zero."""
    size, count, length = e.mul(a.quads, data_bytes(SPREAD)), rows, a.length
    if straight:  # rows without gaps are one
        dense = e.b.and_(*(e.b.icmp_signed("==", n, a.in_stride) for n in (a.length, e.mul(a.quads, QUAD))))
        count = e.b.select(dense, e.i64(1), rows)
        length = e.b.select(dense, e.mul(rows, a.length), a.length)
    with e.loop(0, count) as row:
        pixel, place = e.add(first, row), e.add(target, e.mul(row, size))
        if straight:
            _widened(e, length, e.add(source, e.mul(pixel, a.in_stride)), place)
        else:
            entries = e.add(a.table, e.mul(e.mul(pixel, a.sources), 4))
            with e.loop(0, a.sources) as tap:
                line = _pixel(e, a, source, e.add(entries, e.mul(tap, 4)))
                _widened(e, length, line, e.add(place, e.mul(e.mul(tap, a.length), 2)))


def _widened(e: Emitter, length: Any, source: Any, target: Any) -> None:
    def step(c: Any) -> None:
        x = e.load(e.add(source, c), ir.VectorType(I8, GATHERED), 1)
        e.store(e.b.zext(x, ir.VectorType(I16, GATHERED)), e.add(target, e.mul(c, 2)), 2)

    step(e.i64(0))
    with e.loop(GATHERED, length, GATHERED) as c:
        step(c)


def _pixel(e: Emitter, a: Arguments, source: Any, entry: Any) -> Any:
    """The address of the input pixel that a table entry names; of zero points where it is -1."""
    index = e.b.sext(e.load(entry, I32), I64)
    address = e.add(source, e.mul(index, a.in_stride))
    return e.b.select(e.b.icmp_signed("<", index, e.i64(0)), a.zeros, address)


class _Span:
    """Emits the tiles of a span of rows, and the call that finishes them; the addresses are those of its unit."""

    def __init__(
        self,
        e: Emitter,
        a: Arguments,
        dots: Dots,
        shape: Shape,
        *,
        straight: bool,
        scratch: Any,
        source: Any,
        out: Any,
        residual: Any,
        weights: Any,
        start: Any,
        first: Any,
        params: Any,
        columns: Any,
        begin: Any,
    ) -> None:
        self.e, self.a, self.dots, self.shape, self.straight = e, a, dots, shape, straight
        self.scratch, self.source, self.out, self.residual = scratch, source, out, residual
        self.weights, self.start, self.params, self.columns = weights, start, params, columns
        self.first, self.begin = first, begin
        self.row_bytes = packed_bytes(dots.form) * e.target.width
        self.ahead = e.min(e.mul(e.mul(a.taps, a.quads), self.row_bytes), AHEAD)

    def tile(self, rows: int, pixel: Any) -> None:
        """The sums of some rows, to the stack."""
        e, vectors = self.e, self.shape.vectors
        place = e.add(self.scratch, e.mul(e.b.sub(pixel, self.begin), 4 * e.target.width))
        for i, total in enumerate(self.sum(rows, pixel)):
            row, vector = divmod(i, vectors)
            e.store(total, e.add(place, 4 * (row * e.target.width + vector * e.lanes)), align=4 * e.lanes)

    def finish(self, rows: Any) -> None:
        """The results of the span."""
        e, a = self.e, self.a
        args = [
            e.function.args[0],
            self.scratch,
            e.add(self.out, e.mul(self.begin, a.out_stride)),
            e.add(self.residual, e.mul(self.begin, a.res_stride)),
            self.params,
            rows,
            self.columns,
        ]
        e.b.call(_typed(e, a.finish, FINISH), args)

    def sum(self, rows: int, pixel: Any) -> list[Any]:
        """The accumulators of a tile, row by row."""
        e, a, vectors = self.e, self.a, self.shape.vectors
        sets = self.shape.sets(e.target, rows)
        steps, together = max(UNROLL, sets), 2 if e.target.element else 1
        first = [e.load(e.add(self.start, 4 * e.lanes * v), e.VI, 4 * e.lanes) for v in range(vectors)]
        start = first * rows + [e.splat(0, e.VI)] * (rows * vectors * (sets - 1))
        entries = e.add(a.table, e.mul(e.mul(pixel, a.taps), 4))
        whole = e.b.sub(a.quads, e.rem(a.quads, steps))

        def tap(t: Any, weights: Any, *sums: Any) -> Sequence[Any]:
            if self.dots.form == SPREAD:
                row, first = e.mul(a.quads, data_bytes(SPREAD)), e.b.sub(pixel, self.begin)
                sources = [e.add(self.source, e.mul(e.add(first, r), row)) for r in range(rows)]
            elif self.straight:
                sources = [e.add(self.source, e.mul(e.add(pixel, r), a.in_stride)) for r in range(rows)]
            else:
                places = [e.add(entries, e.mul(e.add(t, e.mul(a.taps, r)), 4)) for r in range(rows)]
                sources = [_pixel(e, a, self.source, place) for place in places]
            if self.dots.form == LISTED:
                return [weights, *self.lists(t, sources, sums)]

            def several(k: Any, weights: Any, *sums: Any) -> Sequence[Any]:
                current = list(sums)
                for s in range(0, steps, together):
                    numbers = [n % sets for n in range(s, s + together)]
                    self.step(sources, e.add(k, s), e.add(weights, self.row_bytes * s), current, numbers)
                return [e.add(weights, self.row_bytes * steps), *current]

            def single(k: Any, weights: Any, *sums: Any) -> Sequence[Any]:
                current = list(sums)
                self.step(sources, k, weights, current, [0])
                return [e.add(weights, self.row_bytes), *current]

            state = e.fold(0, whole, steps, [weights, *sums], several)
            return e.fold(whole, a.quads, 1, state, single)

        if self.straight or self.dots.form == SPREAD:
            _, *sums = tap(e.i64(0), self.weights, *start)
        else:
            _, *sums = e.fold(0, a.taps, 1, [self.weights, *start], tap)
        size = rows * vectors
        totals = sums[:size]
        for s in range(1, sets):
            totals = [e.b.add(x, y) for x, y in zip(totals, sums[s * size : (s + 1) * size], strict=True)]
        return totals

    def lists(self, t: Any, sources: list[Any], sums: Sequence[Any]) -> Sequence[Any]:
        """A tap of the form LISTED: a list of rows for each order of the data."""
        e, a = self.e, self.a
        place = e.add(self.first, e.mul(t, 4 * len(ORDERS)))
        ends = [e.b.sext(e.load(e.add(place, 4 * k), I32), I64) for k in range(len(ORDERS) + 1)]
        for order, first, last in zip(ORDERS, ends, ends[1:]):

            def several(count: int, i: Any, *sums: Any, order: Sequence[int] = order) -> Sequence[Any]:
                current = list(sums)
                for n in range(count):
                    k = e.b.sext(e.load(e.add(a.at, e.mul(e.add(i, n), 4)), I32), I64)
                    row = e.add(a.weights, e.mul(e.add(i, n), self.row_bytes))
                    self.step(sources, k, row, current, [0], order)
                return current

            middle = e.b.sub(last, e.rem(e.b.sub(last, first), LISTED_UNROLL))
            sums = e.fold(first, middle, LISTED_UNROLL, sums, partial(several, LISTED_UNROLL))
            sums = e.fold(middle, last, 1, sums, partial(several, 1))
        return sums

    def step(
        self, sources: list[Any], k: Any, weights: Any, sums: list[Any], sets: Sequence[int],
        order: Sequence[int] = ORDERS[0],
    ) -> None:  # fmt: skip
        """Four channels into each of some sets of sums."""
        e, vectors = self.e, self.shape.vectors
        lines = []
        for s in range(len(sets)):
            row = e.add(weights, self.row_bytes * s)
            lines.append([self.dots.weights(row, v) for v in range(vectors)])
            prefetch(e, e.add(row, self.ahead), self.row_bytes * vectors // e.target.vectors)
        for r, source in enumerate(sources):
            data = self.dots.data(e.add(source, e.mul(k, data_bytes(self.dots.form))), len(sets), order)
            for x, line, number in zip(data, lines, sets, strict=True):
                for v in range(vectors):
                    i = (number * len(sources) + r) * vectors + v
                    sums[i] = self.dots.add(sums[i], x, line[v])
        if len(sets) > 1:
            e.settle()


@cache
def igemm_bytes(form: str, straight: bool = False) -> Kernel:
    """The kernel that reads weights in a form of codegen/dots.py.

    `straight`: there is one tap, output pixels are those of the input in their order, and the table is not read.
    """
    assert form in (DOT, PAIRS, LISTED, WIDE, SPREAD)
    return Kernel(f"igemm_bytes_{form}{'_rows' if straight else ''}", ARGS, partial(emit, form, straight))
