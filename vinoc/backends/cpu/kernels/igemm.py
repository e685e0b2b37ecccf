"""Convolution and matrix product: one micro-kernel over panels of packed weights.

    out[p, :] = clamp(bias + residual[p, :] + sum over taps t and channels c of in[index[p, t], c] * w[t, c, :])

The left operand is read where it lies (implicit GEMM): for every output pixel a table holds the number of the input
pixel under each tap, or -1 for padding, so that strides, dilations, padding and transposed forms are all tables.
(The indirection buffer: Dukhan 2019, "The Indirect Convolution Algorithm", arXiv:1907.02129.)

A tile is `rows` pixels by `vectors` vectors of output channels, held in registers over the whole sum. Weights are
packed as [group][panel][tap][channel][width], zero-padded to the width of a panel. A last panel that is wanted for one
vector alone is passed over by slim tiles, of twice as many rows.

`igemm_sparse` passes over taps that are padding for all rows of a tile: of a 3 x 3 window dilated by 18 on an image of
33 x 33, that is half of the work. (Zero times infinity is then no NaN, as in depthwise convolutions.)

A unit of work is one panel of one block of pixels of one group of one image, panels running fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

from llvmlite import ir

from ....ir.record import record
from ..codegen.emit import F32, I32, I64, PTR, VOID, Emitter
from ..codegen.target import Target
from .base import Arguments, Kernel
from .gemm import AHEAD, prefetch, share, tiles

POST = (PTR, I64, I64, I64, I64)
"""Of an epilogue function: its block, address of the tile, bytes from row to row, rows, first channel, channels."""

SETS = 4
"""Tiles of few rows split the sum over so many sets of accumulators, to hide the latency of the multiply-add."""

LONG = 128 * 1024
"""Bytes of a panel of which the caches do not hold two."""

ARGS = (
    "input", "output", "weights", "bias", "residual", "table", "zeros", "post", "post_args", "lo", "hi",
    "pixels", "taps", "channels", "out_channels", "panels", "groups", "blocks",
    "in_stride", "in_group", "in_image",
    "out_stride", "out_group", "out_image",
    "res_stride", "res_group", "res_image",
)  # fmt: skip


@record(frozen=True)
class Shape:
    """Of a tile: rows at most, vectors of a row, and steps of the sum whose weights are held in registers together."""

    rows: int
    vectors: int
    steps: int

    def sets(self, target: Target, rows: int) -> int:
        """Sets of accumulators of a tile of so many rows."""
        return max(1, min(SETS, min(self.rows * self.vectors, target.sums) // (rows * self.vectors)))


def shapes(target: Target) -> tuple[Shape, Shape]:
    """For panels of which more than one vector is wanted, and for those of which one is: twice as many rows."""
    rows, vectors = target.rows, target.vectors
    if target.element:
        return Shape(rows, vectors, 2), Shape(target.sums, 1, 2)
    return Shape(rows, vectors, 1), Shape(2 * rows, 1, 4 if target.lanes == 16 else 2)


def emit(e: Emitter, a: Arguments, sparse: bool) -> None:
    lo, hi = (e.splat(e.b.bitcast(e.b.trunc(v, I32), F32)) for v in (a.lo, a.hi))
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        panel, rest = e.rem(unit, a.panels), e.div(unit, a.panels)
        block, rest = e.rem(rest, a.blocks), e.div(rest, a.blocks)
        group, image = e.rem(rest, a.groups), e.div(rest, a.groups)
        width = e.target.width
        number = e.add(e.mul(group, a.panels), panel)
        columns = e.min(e.b.sub(a.out_channels, e.mul(panel, width)), width)
        begin, count = share(e, a.pixels, block, a.blocks)
        tile = partial(
            _Tile,
            e,
            a,
            pixels=(begin, count),
            source=_offset(e, a.input, (image, a.in_image), (group, a.in_group)),
            out=_offset(e, a.output, (image, a.out_image), (group, a.out_group), (panel, 4 * width)),
            residual=_offset(e, a.residual, (image, a.res_image), (group, a.res_group)),
            weights=e.add(a.weights, e.mul(number, e.mul(e.mul(a.taps, a.channels), 4 * width))),
            bias=e.add(a.bias, e.mul(number, 4 * width)),
            column=e.mul(panel, width),
            columns=columns,
            first_channel=e.add(e.mul(group, a.out_channels), e.mul(panel, width)),
            limits=(lo, hi),
            sparse=sparse,
        )
        wide, slim = shapes(e.target)
        # Rows at multiples of 2 KiB meet in two sets of the first-level cache: there is no room for more of them.
        crowded = e.b.icmp_signed("==", e.b.and_(a.in_stride, e.i64(2047)), e.i64(0))
        with e.b.if_else(e.b.or_(crowded, e.b.icmp_signed(">", columns, e.i64(e.lanes)))) as (several, one):
            with several:
                tiles(e, begin, count, wide.rows, tile(wide).emit)
            with one:
                _halved(e, begin, count, slim.rows, tile(slim).emit)


def _halved(e: Emitter, begin: Any, count: Any, height: int, emit: Callable[[int, Any], None]) -> None:
    """Rows begin to begin+count in tiles of `height`, then of half of it, and so on: 61 = 24+24+12+1."""
    while height:
        number = e.div(count, height)
        with e.loop(0, number) as i:
            emit(height, e.add(begin, e.mul(i, height)))
        done = e.mul(number, height)
        begin, count = e.add(begin, done), e.b.sub(count, done)
        height = 2 if height == 3 else height // 2


def _offset(e: Emitter, base: Any, *terms: tuple[Any, Any]) -> Any:
    for n, stride in terms:
        base = e.add(base, e.mul(n, stride))
    return base


class _Tile:
    """Emits one tile; the addresses are those of its unit."""

    def __init__(
        self,
        e: Emitter,
        a: Arguments,
        shape: Shape,
        *,
        pixels: tuple[Any, Any],
        source: Any,
        out: Any,
        residual: Any,
        weights: Any,
        bias: Any,
        column: Any,
        columns: Any,
        first_channel: Any,
        limits: tuple[Any, Any],
        sparse: bool,
    ) -> None:
        self.e, self.a, self.shape = e, a, shape
        self.source, self.out, self.residual, self.weights, self.bias = source, out, residual, weights, bias
        self.column, self.columns, self.first_channel = column, columns, first_channel
        self.lo, self.hi = limits
        self.sparse = sparse
        self.pixels, self.depth = pixels, e.mul(a.taps, a.channels)
        self.rate = e.div(e.i64(4 * e.target.width << 16), e.max(pixels[1], 1))
        self.full = e.b.icmp_signed("==", columns, e.i64(shape.vectors * e.lanes))

    def emit(self, rows: int, pixel: Any) -> None:
        e = self.e
        sums = self.sum(rows, pixel)
        if self.shape.vectors == 1:
            self.store_some(rows, pixel, sums)
        else:
            with e.b.if_else(self.full) as (whole, part):
                with whole:
                    self.store_all(rows, pixel, sums)
                with part:
                    self.store_some(rows, pixel, sums)
        self.post(rows, pixel)

    def store_all(self, rows: int, pixel: Any, sums: list[Any]) -> None:
        e, vectors = self.e, self.shape.vectors
        for r in range(rows):
            for v in range(vectors):
                residual = e.load(self.residual_at(pixel, r, v))
                e.store(self.clamp(e.b.fadd(sums[r * vectors + v], residual)), self.place(pixel, r, v))

    def store_some(self, rows: int, pixel: Any, sums: list[Any]) -> None:
        """Of the panel's columns only those that are wanted."""
        e, vectors = self.e, self.shape.vectors
        for v in range(vectors):
            mask = e.mask(self.columns, first=v * e.lanes)
            for r in range(rows):
                residual = e.masked_load(self.residual_at(pixel, r, v), mask)
                result = self.clamp(e.b.fadd(sums[r * vectors + v], residual))
                e.masked_store(result, self.place(pixel, r, v), mask)

    def place(self, pixel: Any, row: int, vector: int) -> Any:
        e = self.e
        return e.add(e.add(self.out, e.mul(e.add(pixel, row), self.a.out_stride)), 4 * e.lanes * vector)

    def residual_at(self, pixel: Any, row: int, vector: int) -> Any:
        """The residual's place; a residual that is none has stride 0 and is a width of negative zeros."""
        e, a = self.e, self.a
        none = e.b.icmp_signed("==", a.res_stride, e.i64(0))
        column = e.b.select(none, e.i64(0), e.mul(self.column, 4))
        return e.add(e.add(e.add(self.residual, column), e.mul(e.add(pixel, row), a.res_stride)), 4 * e.lanes * vector)

    def clamp(self, x: Any) -> Any:
        e = self.e
        return e.minimum(e.maximum(x, self.lo), self.hi)

    def post(self, rows: int, pixel: Any) -> None:
        e, a = self.e, self.a
        with e.when(e.b.icmp_signed("!=", a.post, e.i64(0))):
            type = ir.FunctionType(VOID, [PTR, I64, I64, I64, I64, I64])
            args = [
                e.at(a.post_args),
                self.place(pixel, 0, 0),
                a.out_stride,
                e.i64(rows),
                self.first_channel,
                self.columns,
            ]
            e.b.call(_typed(e, a.post, type), args)

    def sum(self, rows: int, pixel: Any) -> list[Any]:
        """The accumulators of a tile, row by row."""
        e, a, shape, width = self.e, self.a, self.shape, 4 * self.e.target.width
        vectors, sets = shape.vectors, shape.sets(e.target, rows)
        steps = max(2, shape.steps) * sets
        bias = [e.load(e.add(self.bias, 4 * e.lanes * v), align=e.lanes * 4) for v in range(vectors)]
        start = bias * rows + [e.splat(0.0)] * (rows * vectors * (sets - 1))
        entries = e.add(a.table, e.mul(e.mul(pixel, a.taps), 4))
        wanted, stride = self.following(rows, pixel, steps)

        def tap(t: Any, weights: Any, wanted: Any, *sums: Any) -> Sequence[Any]:
            at = e.add(entries, e.mul(t, 4))
            index = [e.load(e.add(at, e.mul(a.taps, 4 * r)), I32) for r in range(rows)]
            sources = [self.row(i) for i in index]
            channels = a.channels
            if self.sparse:
                outside = e.b.icmp_signed("<", reduce(e.b.and_, index), e.i32(0))
                channels = e.b.select(outside, e.i64(0), channels)
            whole = e.b.sub(channels, e.rem(channels, steps))

            def several(k: Any, weights: Any, wanted: Any, *sums: Any) -> Sequence[Any]:
                current = list(sums)
                for n, s in enumerate(range(0, steps, shape.steps)):
                    self.steps(shape.steps, sources, e.add(k, s), e.add(weights, width * s), current, n % sets)
                for s in range(steps):
                    prefetch(e, e.add(wanted, width * s), 4 * e.lanes * vectors)
                return [e.add(weights, width * steps), e.add(wanted, stride), *current]

            def single(k: Any, weights: Any, wanted: Any, *sums: Any) -> Sequence[Any]:
                current = list(sums)
                self.steps(1, sources, k, weights, current, 0)
                return [e.add(weights, width), wanted, *current]

            state = e.fold(0, whole, steps, [weights, wanted, *sums], several)
            end, later, *totals = e.fold(whole, channels, 1, state, single)
            if self.sparse:
                end = e.add(weights, e.mul(a.channels, width))
                later = e.add(wanted, e.mul(e.div(a.channels, steps), stride))
            return [end, later, *totals]

        _, _, *sums = e.fold(0, a.taps, 1, [self.weights, wanted, *start], tap)
        size = rows * vectors
        totals = sums[:size]
        for s in range(1, sets):
            totals = [e.b.fadd(x, y) for x, y in zip(totals, sums[s * size : (s + 1) * size], strict=True)]
        return totals

    def following(self, rows: int, pixel: Any, steps: int) -> tuple[Any, Any]:
        """Where what a tile prefetches begins, and how far that moves on in so many steps of the sum.

        Each tile prefetches its share of the next panel, evenly: the first tile alone would want all of it faster than
        memory gives it. Of long panels a tile prefetches what it comes to itself.
        """
        e, width = self.e, 4 * self.e.target.width
        begin, _ = self.pixels
        done = e.b.lshr(e.mul(e.mul(self.rate, self.depth), e.b.sub(pixel, begin)), e.i64(16))
        stride = e.add(e.b.lshr(e.mul(self.rate, rows * steps), e.i64(16)), 1)
        size = e.mul(self.depth, width)
        long = e.b.icmp_signed(">", size, e.i64(LONG))
        start = e.b.select(long, e.i64(AHEAD), e.add(size, done))
        return e.add(self.weights, start), e.b.select(long, e.i64(steps * width), stride)

    def row(self, entry: Any) -> Any:
        """The address of the input pixel that a table entry names; of zeros where it is -1."""
        e, a = self.e, self.a
        index = e.b.sext(entry, I64)
        address = e.add(self.source, e.mul(index, a.in_stride))
        return e.b.select(e.b.icmp_signed("<", index, e.i64(0)), a.zeros, address)

    def steps(self, count: int, sources: list[Any], k: Any, weights: Any, sums: list[Any], which: int) -> None:
        """Some channels: for each a row of weights times the rows' values of that channel, into a set of sums."""
        e, vectors = self.e, self.shape.vectors
        align, width = e.lanes * 4, 4 * e.target.width
        lines = [
            [e.load(e.add(weights, width * s + align * v), align=align) for v in range(vectors)] for s in range(count)
        ]
        base = which * len(sources) * vectors
        for r, source in enumerate(sources):
            values = e.broadcasts(e.add(source, e.mul(k, 4)), count)
            for x, line in zip(values, lines):
                for v in range(vectors):
                    i = base + r * vectors + v
                    sums[i] = e.fma(x, line[v], sums[i])


def _typed(e: Emitter, address: Any, type: ir.FunctionType) -> Any:
    """A pointer that llvmlite can call."""
    return e.b.inttoptr(address, type.as_pointer())


IGEMM = Kernel("igemm", ARGS, partial(emit, sparse=False))
IGEMM_SPARSE = Kernel("igemm_sparse", ARGS, partial(emit, sparse=True))
