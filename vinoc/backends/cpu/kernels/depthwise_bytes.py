"""Depthwise convolution of u8 by i8 on channels-last images, with exact sums:

    s[p, c] = start[c] + sum over taps t of x[p, t, c] * w[t, c]
    out[p, c] = limit(round(s[p, c] * factor[c] + shift[c]))        as u8, halves to even
    out[p, c] = limit(s[p, c] * factor[c] + shift[c])               as f32

Where functions follow, they are computed of the latter, with constants of their own for each channel; u8 is then
limit(round(y / step + zero)).

start[c] takes the zero points of the data into account: -zero[c] * sum over t of w[t, c]; and that the instruction for
products may take data less 128.

A unit is a band of `out_rows` output lines, cut into strips of pixels and blocks of channels. The input lines under it
are first spread out in a scratch in the first-level cache, with zero points in place of the pixels outside, in one of
two forms:

    quads     elements of four bytes, one each of four lines: a sum of four products with i8 is one instruction
              (vpdpbusd, sdot)
    pairs     elements of two i16, one each of two lines: a sum of two products is one instruction (vpmaddwd), and
              one more adds it

Bands see a line at several places of such a group, so weights are packed for each shift against it, and other places
of a group meet zeros.

Then a tap is an element some pixels away, whatever the vector holds: channels of one pixel, or where these are few
and the stride is 1, elements of a line without regard to pixels. In this `flat` walk weights repeat after the smallest
common multiple of channels and lanes. A phase is what shares weights: these stay in registers over a strip.

A phase is packed as [taps][shifts][groups] vectors of weights, then start, factor, shift and the constants of
functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from llvmlite import ir

from ....ir import dtype as dt
from ....ir.record import record
from ..codegen import grids
from ..codegen import lanes as by
from ..codegen.emit import F32, I8, I16, I32, Emitter
from ..codegen.typed import Typed
from .base import Arguments, Kernel
from .chain import Expression

ARGS = (
    "input", "output", "zeros", "packed",
    "height", "width", "bands", "last_band", "out_width", "strip", "strips", "block", "blocks", "last_block",
    "flat", "phases", "last_phase", "period", "out_step",
    "row_stride", "row_step", "row_pad", "stride", "tap_step", "pad", "extent",
    "in_pixel", "in_line", "in_image", "out_pixel", "out_line", "out_image", "dense",
    "lo", "hi", "step", "zero", "least", "most",
)  # fmt: skip
"""
zeros       a line of zero points, as long as an input line, and as what a strip sees of one
strip, block, last_block    pixels, channels, the first channel of the last block: all are of one size
flat        1 for the flat walk
phases, last_phase, period, out_step    phases of a block, the first element of the last one; elements of the scratch
            and bytes of the result between vectors of a phase
row_step, tap_step    lines, pixels between taps;  extent: pixels under a window
dense       1 where the pixels of the input have no gaps and blocks are whole pixels
lo, hi      limits of f32;  least, most: of u8
"""

SCRATCH = 6144
"""Elements of four bytes in the scratch."""

SLACK = 64
"""Elements behind each line of it, for vectors that reach beyond."""

MOST_TAPS = 7
"""In either direction."""


@record(frozen=True)
class Shape:
    """What code is generated for: lines of an element of the scratch, 4 (quads) or 2 (pairs); lines and taps of a
    window, its stride in lines, output lines of a band."""

    height: int
    lines: int
    taps: int
    stride: int
    out_rows: int

    @property
    def step(self) -> int:
        """Lines between groups. Those of four overlap where that spares products."""
        return 2 if self.lines <= 3 else self.height

    @property
    def shifts(self) -> list[int]:
        """Places in a group at which windows begin."""
        return sorted({r * self.stride % self.step for r in range(self.out_rows)})

    def groups_of(self, row: int) -> tuple[int, list[int]]:
        """Of an output line: its shift, and the first lines of its groups."""
        first = row * self.stride
        shift = first % self.step
        return shift, [first - shift + self.height * k for k in range(-(-(shift + self.lines) // self.height))]

    @property
    def most_groups(self) -> int:
        return max(len(self.groups_of(r)[1]) for r in range(self.out_rows))

    @property
    def planes(self) -> list[int]:
        """The lines of the scratch: the first input line of each."""
        return sorted({first for r in range(self.out_rows) for first in self.groups_of(r)[1]})

    @property
    def weights(self) -> int:
        """Vectors of weights of a phase."""
        return self.taps * len(self.shifts) * self.most_groups

    @property
    def plane_size(self) -> int:
        """Elements of a line of the scratch, without the slack."""
        return SCRATCH // len(self.planes) - SLACK


@record(frozen=True)
class Result:
    """What becomes of the sums: whether they are limited as reals, functions of these, whether they become u8."""

    limited: bool
    post: Expression | None
    quantized: bool

    @property
    def constants(self) -> int:
        """By channel: factor, shift, those of the functions."""
        return 2 + (len(self.post.operands) - 1 if self.post else 0)

    @property
    def name(self) -> str:
        functions = f"_{self.post.name()}" if self.post else ""
        return f"{'u8' if self.quantized else 'f32'}{'l' if self.limited else ''}{functions}"


class _Kernel:
    def __init__(self, e: Emitter, a: Arguments, shape: Shape, result: Result) -> None:
        self.e, self.a, self.shape, self.result = e, a, shape, result
        self.t = Typed(e, e.lanes)
        self.item = 1 if result.quantized else 4
        self.phase_bytes = 4 * e.lanes * (shape.weights + 1 + result.constants)
        self.plane_bytes = 4 * (shape.plane_size + SLACK)

    def emit(self) -> None:
        e, a = self.e, self.a
        scratch = e.scratch(SCRATCH)
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            block, rest = e.rem(unit, a.blocks), e.div(unit, a.blocks)
            strip, rest = e.rem(rest, a.strips), e.div(rest, a.strips)
            band, image = e.rem(rest, a.bands), e.div(rest, a.bands)
            channel = e.min(e.mul(block, a.block), a.last_block)
            row = e.min(e.mul(band, self.shape.out_rows), a.last_band)
            x = e.mul(strip, a.strip)
            pixels = e.min(a.strip, e.b.sub(a.out_width, x))
            source = e.add(e.add(a.input, e.mul(image, a.in_image)), channel)
            self.spread(scratch, source, channel, e.b.sub(e.mul(row, a.row_stride), a.row_pad), x, pixels)
            out = e.add(a.output, e.mul(image, a.out_image))
            for n, stride in ((row, a.out_line), (x, a.out_pixel), (channel, e.i64(self.item))):
                out = e.add(out, e.mul(n, stride))
            packed = e.add(a.packed, e.mul(block, e.mul(a.phases, self.phase_bytes)))
            with e.loop(0, a.phases) as phase:
                first = e.min(e.mul(phase, e.lanes), a.last_phase)
                self.phase(scratch, first, e.add(packed, e.mul(phase, self.phase_bytes)), out, pixels)

    # Into the scratch

    def spread(self, scratch: Any, source: Any, channel: Any, top: Any, x: Any, pixels: Any) -> None:
        """All lines of the scratch: pixels left of the image, inside, and right of it."""
        e, a = self.e, self.a
        left = e.b.sub(e.mul(x, a.stride), a.pad)
        count = e.add(e.mul(e.add(pixels, -1), a.stride), a.extent)
        before = e.min(e.max(e.b.sub(e.i64(0), left), 0), count)
        end = e.max(e.min(e.add(left, count), a.width), e.add(left, before))
        inside = e.b.sub(e.b.sub(end, left), before)
        after = e.b.sub(e.b.sub(count, before), inside)
        nothing = e.add(a.zeros, channel)
        for number, first in enumerate(self.shape.planes):
            target = e.add(scratch, number * self.plane_bytes)
            at = e.mul(e.add(left, before), a.in_pixel)
            lines = range(first, first + self.shape.height)
            rows = [self.line(source, nothing, e.add(top, e.mul(a.row_step, k))) for k in lines]
            outside = [nothing] * self.shape.height
            size = e.mul(a.block, 4)
            self.runs(target, outside, before)
            self.runs(e.add(target, e.mul(before, size)), [e.add(row, at) for row in rows], inside)
            self.runs(e.add(target, e.mul(e.add(before, inside), size)), outside, after)

    def line(self, source: Any, nothing: Any, y: Any) -> Any:
        """The address of an input line, or that of zero points."""
        e, a = self.e, self.a
        return e.b.select(e.b.icmp_unsigned("<", y, a.height), e.add(source, e.mul(y, a.in_line)), nothing)

    def runs(self, target: Any, rows: Sequence[Any], pixels: Any) -> None:
        """Adjacent elements: all pixels at once, or one after the other."""
        e, a = self.e, self.a
        dense = e.b.icmp_signed("!=", a.dense, e.i64(0))
        count = e.b.select(dense, e.b.select(e.b.icmp_signed(">", pixels, e.i64(0)), e.i64(1), e.i64(0)), pixels)
        size = e.b.select(dense, e.mul(pixels, a.block), a.block)
        steps = [4 * e.lanes] if self.shape.height == 4 else [2 * e.lanes, 8]
        with e.loop(0, count) as run:
            base = e.add(target, e.mul(run, e.mul(size, 4)))
            sources = [e.add(row, e.mul(run, a.in_pixel)) for row in rows]
            done: Any = e.i64(0)
            for step in steps:
                whole = e.b.and_(size, e.i64(-step))
                with e.loop(done, whole, step) as c:
                    self.elements(e.add(base, e.mul(c, 4)), [e.add(s, c) for s in sources], step, None)
                done = whole
            with e.when(e.b.icmp_signed("<", done, size)):
                left = e.b.sub(size, done)
                self.elements(e.add(base, e.mul(done, 4)), [e.add(s, done) for s in sources], steps[-1], left)

    def elements(self, target: Any, sources: Sequence[Any], count: int, left: Any) -> None:
        """`count` bytes of each source, or the first `left` of them."""
        e = self.e
        inputs = [by.load_bytes(e, s, count, left) for s in sources]
        if self.shape.height == 2:
            order = [n for k in range(count) for n in (k, k + count)]
            both = e.b.shuffle_vector(*inputs, ir.Constant(ir.VectorType(I32, 2 * count), order))
            return e.store(e.b.zext(both, ir.VectorType(I16, 2 * count)), target, 4)
        if e.lanes > 4:
            order = by.spread_order(count)
            inputs = [by.recast(e, by.permuted(e, by.recast(e, x, I32), order), I8) for x in inputs]
        for k, quarter in enumerate(by.quads(e, inputs)):
            e.store(by.dot_data(e, quarter), e.add(target, 4 * e.lanes * k), 4)
        return None

    # Out of it

    def phase(self, scratch: Any, first: Any, packed: Any, out: Any, pixels: Any) -> None:
        """All vectors of a strip that share weights."""
        e, a, shape = self.e, self.a, self.shape
        weights = [self.weight(packed, k) for k in range(shape.weights)]
        tail = e.add(packed, 4 * e.lanes * shape.weights)
        start = e.load(tail, e.VI)
        constants = [e.load(e.add(tail, 4 * e.lanes * (k + 1))) for k in range(self.result.constants)]
        base, target = e.add(scratch, e.mul(first, 4)), e.add(out, e.mul(first, self.item))
        flat = e.b.icmp_signed("!=", a.flat, e.i64(0))
        room = e.b.sub(e.mul(pixels, a.block), first)
        fits = e.b.icmp_signed(">=", room, e.i64(e.lanes))
        whole = e.b.select(fits, e.add(e.div(e.add(room, -e.lanes), a.period), 1), e.i64(0))
        count = e.div(e.add(e.max(room, 0), e.add(a.period, -1)), a.period)
        narrow = e.b.icmp_signed("<", a.block, e.i64(e.lanes))
        whole = e.b.select(flat, whole, e.b.select(narrow, e.i64(0), pixels))
        count = e.b.select(flat, count, pixels)

        def vectors(i: Any, number: int, left: Any) -> None:
            sums = []
            for k in range(number):
                at = e.add(base, e.mul(e.mul(e.add(i, k), a.period), 4))
                sums.append(self.sums(at, weights, start))
            self.finish(sums, constants, e.add(target, e.mul(i, a.out_step)), left)

        even = e.b.and_(whole, e.i64(-2))
        with e.loop(0, even, 2) as i:
            vectors(i, 2, None)
        with e.loop(even, whole) as i:
            vectors(i, 1, None)
        with e.loop(whole, count) as i:
            left = e.b.select(flat, e.b.sub(room, e.mul(i, a.period)), a.block)
            vectors(i, 1, left)

    def weight(self, packed: Any, number: int) -> Any:
        return self.e.load(self.e.add(packed, 4 * self.e.lanes * number), self.vector)

    @property
    def vector(self) -> ir.Type:
        """Elements of the scratch, or weights."""
        height, lanes = self.shape.height, self.e.lanes
        return ir.VectorType(I8 if height == 4 else I16, height * lanes)

    def sums(self, at: Any, weights: Sequence[Any], start: Any) -> list[Any]:
        """The sums of the output lines of a band, for one vector of elements."""
        shape, e = self.shape, self.e
        totals = [start] * shape.out_rows
        dot = by.dot_quads if shape.height == 4 else by.dot_pairs
        tap = e.mul(e.mul(self.a.tap_step, self.a.block), 4)
        for t in range(shape.taps):
            here = e.add(at, e.mul(tap, t))
            for number, first in enumerate(shape.planes):
                x = e.load(e.add(here, number * self.plane_bytes), self.vector, 4)
                for r in range(shape.out_rows):
                    w = self.place(t, first, r)
                    if w is not None:
                        totals[r] = dot(e, totals[r], x, weights[w])
        return totals

    def place(self, tap: int, first: int, row: int) -> int | None:
        """Which vector of weights a line of the scratch meets under a tap, for an output line."""
        shape = self.shape
        shift, groups = shape.groups_of(row)
        if first not in groups:
            return None
        return (tap * len(shape.shifts) + shape.shifts.index(shift)) * shape.most_groups + groups.index(first)

    def finish(self, sums: Sequence[Sequence[Any]], constants: Sequence[Any], target: Any, left: Any) -> None:
        """Scales, limits and stores vectors of some positions and all lines of a band."""
        e, a = self.e, self.a
        places = [
            e.add(e.add(target, e.mul(a.out_step, k)), e.mul(a.out_line, r))
            for k in range(len(sums))
            for r in range(self.shape.out_rows)
        ]
        values = [self.value(total, constants) for totals in sums for total in totals]
        if self.result.quantized:
            for n in range(0, len(values), 4):
                self.store_bytes(values[n : n + 4], places[n : n + 4], left)
        else:
            for value, place in zip(values, places):
                self.t.store(dt.f32, value, place, None if left is None else e.mask(left))

    def value(self, total: Any, constants: Sequence[Any]) -> Any:
        """f32; where functions are followed by rounding a level as i32."""
        e, a, post = self.e, self.a, self.result.post
        straight = post is None and self.result.quantized
        value = (e.fma if straight else e.scaled)(e.b.sitofp(total, e.V), constants[0], constants[1])
        if self.result.limited:
            value = e.minimum(e.maximum(value, self.scalar(a.lo)), self.scalar(a.hi))
        if post is None:
            return value
        value = post.emit(self.t, [value, *constants[2:]])
        if not self.result.quantized:
            return value
        low, high = (e.b.uitofp(e.splat(e.b.trunc(v, I32), e.VI), e.V) for v in (a.least, a.most))
        return grids.level_within(self.t, value, self.scalar(a.step), self.scalar(a.zero), low, high)

    def scalar(self, word: Any) -> Any:
        return self.e.splat(self.e.b.bitcast(self.e.b.trunc(word, I32), F32))

    def store_bytes(self, values: Sequence[Any], places: Sequence[Any], left: Any) -> None:
        """Up to four vectors are packed into one of bytes, whose parts go to their places.

        What packing saturates is limited again: to what an activation leaves.
        """
        e, a = self.e, self.a
        near = values if self.result.post else [by.nearest(e, v) for v in values]
        found = by.packed(e, [*near, *[near[-1]] * (4 - len(near))])
        lo, hi = (e.splat(e.b.trunc(v, I8), found.type) for v in (a.least, a.most))
        found = e.b.select(e.b.icmp_unsigned("<", found, lo), lo, found)
        found = e.b.select(e.b.icmp_unsigned(">", found, hi), hi, found)
        for k, place in enumerate(places):
            by.store_bytes(e, by.part_of(e, found, k), place, left)


@cache
def depthwise_bytes(shape: Shape, result: Result) -> Kernel:
    """The kernel of windows of a geometry, and of what follows them."""

    def emit(e: Emitter, a: Arguments) -> None:
        _Kernel(e, a, shape, result).emit()

    form = "quads" if shape.height == 4 else "pairs"
    size = f"{shape.lines}x{shape.taps}s{shape.stride}r{shape.out_rows}"
    return Kernel(f"depthwise_{form}_{size}_{result.name}", ARGS, emit)
