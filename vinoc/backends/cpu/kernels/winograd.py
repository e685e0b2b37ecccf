"""Winograd's form of 3x3 and 5x5 convolutions: transforms of tiles of the input and of the sums.

A tile of m x m outputs needs n x n inputs, n = m + r - 1. With d the input tile, g the r x r weights of two channels,

    y = A' [ (B' d B) * (G g G') ] A        (* elementwise, summed over input channels)

so that n^2 products do the work of r^2 m^2: the sum over channels becomes n^2 matrix products, one for each frequency.
(Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308.)

A', B', G belong to points of evaluation: 0, +-1 and infinity for n = 4; 0, +-3/4, +-3/2 and infinity for n = 6, which
are 3 to 5 times as exact as the usual 0, +-1, +-2. B' depends on the points alone.

Transformed inputs V lie as [chunk][frequency][group][tile][channel], sums M likewise; channels are padded to whole
vectors. A unit of work is one tile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir

from ....ir.record import record
from ..codegen.emit import F32, I32, I64, Emitter
from .base import Arguments, Kernel

ALPHA, BETA = 0.75, 1.5
"""The points of n = 6, besides 0 and infinity: +-ALPHA, +-BETA."""

Lines = Sequence[Any]


@record(frozen=True)
class Form:
    """One size of tile, for windows of taps x taps.

    data      n values of a line of inputs -> n values: a column of B' d
    sums      n values of a line of sums -> m values: a column of A' m
    """

    tile: int
    taps: int
    data: Callable[[Emitter, Lines], Lines]
    sums: Callable[[Emitter, Lines], Lines]

    @property
    def size(self) -> int:
        return self.tile + self.taps - 1

    @property
    def name(self) -> str:
        return f"{self.tile}x{self.taps}"


def _data4(e: Emitter, d: Lines) -> Lines:
    return [e.b.fsub(d[0], d[2]), e.b.fadd(d[1], d[2]), e.b.fsub(d[2], d[1]), e.b.fsub(d[3], d[1])]


def _sums4(e: Emitter, m: Lines) -> Lines:
    both, apart = e.b.fadd(m[1], m[2]), e.b.fsub(m[1], m[2])
    return [e.b.fadd(m[0], both), e.b.fadd(apart, m[3])]


def _data6(e: Emitter, d: Lines) -> Lines:
    """Row of point p: the product of (x - q) over the other points q, as coefficients of the d's."""
    a2, b2 = ALPHA * ALPHA, BETA * BETA

    def ends(first: Any, second: Any, third: Any) -> Any:
        return e.fma(e.splat(a2 * b2), first, e.fma(e.splat(-a2 - b2), second, third))

    def pair(point: float, other: float) -> tuple[Any, Any]:
        even, odd = e.fma(e.splat(-other), d[2], d[4]), e.fma(e.splat(-other), d[1], d[3])
        return e.fma(e.splat(point), odd, even), e.fma(e.splat(-point), odd, even)

    return [ends(d[0], d[2], d[4]), *pair(ALPHA, b2), *pair(BETA, a2), ends(d[1], d[3], d[5])]


def _sums6(tile: int, e: Emitter, m: Lines) -> Lines:
    """Row k: the k-th powers of the points; infinity counts in the last."""
    s1, t1, s2, t2 = e.b.fadd(m[1], m[2]), e.b.fsub(m[1], m[2]), e.b.fadd(m[3], m[4]), e.b.fsub(m[3], m[4])

    def power(k: int) -> Any:
        one, two = (t1, t2) if k % 2 else (s1, s2)
        return e.fma(e.splat(BETA**k), two, e.b.fmul(e.splat(ALPHA**k), one))

    *rows, last = [power(k) for k in range(1, tile)]
    return [e.b.fadd(e.b.fadd(m[0], s1), s2), *rows, e.b.fadd(last, m[5])]


_FORMS = (
    Form(2, 3, _data4, _sums4),
    Form(4, 3, _data6, partial(_sums6, 4)),
    Form(2, 5, _data6, partial(_sums6, 2)),
)
FORMS = {(form.tile, form.taps): form for form in _FORMS}

INPUT_ARGS = (
    "input", "output", "zeros", "first", "tiles_y", "tiles_x", "height", "width", "top", "left",
    "in_image", "in_y", "in_x", "in_group", "channels", "groups", "chunk", "out_chunk", "out_plane", "out_tile",
)  # fmt: skip


def _input(form: Form) -> Callable[[Emitter, Arguments], None]:
    def emit(e: Emitter, a: Arguments) -> None:
        transform(e, a, form, 4, e.load, lambda mask: partial(_masked, e, mask))

    return emit


def transform(
    e: Emitter, a: Arguments, form: Form, item: int, load: Callable[[Any], Any], masked: Callable[[Any], Any]
) -> None:
    """V of tiles first + begin ... first + end. Inputs that lie outside the image are read from zeros.

    item, load, masked: bytes of an input, what reads a vector of them at an address, and what does so under a mask.
    """
    size = form.size
    table, corner = e.scratch(2 * size * size), e.scratch(e.lanes * size * size)
    whole = e.b.and_(a.channels, e.i64(-e.lanes))
    rest = e.b.sub(a.channels, whole)
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        image, y, x = position(e, a, unit)
        y, x = e.b.sub(e.mul(y, form.tile), a.top), e.b.sub(e.mul(x, form.tile), a.left)
        into = place(e, unit, a.output, a.chunk, a.out_chunk, a.out_tile)
        with e.loop(0, a.groups) as group:
            base = e.add(e.add(a.input, e.mul(image, a.in_image)), e.mul(group, a.in_group))
            _addresses(e, a, table, size, base, y, x)
            target, planes = e.add(into, e.mul(group, a.out_plane)), e.mul(a.groups, a.out_plane)

            def one(c: Any, load: Callable[[Any], Any], target: Any = target, planes: Any = planes) -> None:
                offsets = e.mul(c, item), e.mul(c, 4)
                _data_tile(e, form, table, corner, offsets, load, target, planes, e.mul(a.in_x, form.tile))

            with e.loop(0, whole, e.lanes) as c:
                one(c, load)
            with e.when(e.b.icmp_signed("!=", rest, e.i64(0))):
                one(whole, masked(e.mask(rest)))


def _masked(e: Emitter, mask: Any, address: Any) -> Any:
    return e.masked_load(address, mask)


def position(e: Emitter, a: Arguments, unit: Any) -> tuple[Any, Any, Any]:
    """(image, y, x) of a tile."""
    number = e.add(a.first, unit)
    x, rest = e.rem(number, a.tiles_x), e.div(number, a.tiles_x)
    return e.div(rest, a.tiles_y), e.rem(rest, a.tiles_y), x


def place(e: Emitter, unit: Any, base: Any, chunk: Any, chunk_bytes: Any, tile_bytes: Any) -> Any:
    """Where frequency 0 of a unit's tile lies."""
    return e.add(e.add(base, e.mul(e.div(unit, chunk), chunk_bytes)), e.mul(e.rem(unit, chunk), tile_bytes))


def _addresses(e: Emitter, a: Arguments, table: Any, size: int, base: Any, y: Any, x: Any) -> None:
    """Addresses of the pixels of an input tile, row by row."""
    columns = []
    for j in range(size):
        at = e.add(x, j)
        columns.append((e.b.icmp_unsigned("<", at, a.width), e.mul(at, a.in_x)))
    for i in range(size):
        at = e.add(y, i)
        inside, line = e.b.icmp_unsigned("<", at, a.height), e.add(base, e.mul(at, a.in_y))
        for j, (here, offset) in enumerate(columns):
            address = e.b.select(e.b.and_(inside, here), e.add(line, offset), a.zeros)
            e.store(address, e.add(table, 8 * (i * size + j)), 8)


def _data_tile(
    e: Emitter,
    form: Form,
    table: Any,
    corner: Any,
    offsets: tuple[Any, Any],
    load: Callable[[Any], Any],
    target: Any,
    planes: Any,
    ahead: Any,
) -> None:
    """One vector of channels of a tile: columns, then rows. What the next tile adds, `ahead` on, is prefetched.

    offsets: of the channels within a pixel, and within the result.
    """
    size, step = form.size, 4 * e.lanes
    for j in range(size):
        pixels = [e.add(e.load(e.add(table, 8 * (i * size + j)), I64, 8), offsets[0]) for i in range(size)]
        if j >= size - form.tile:
            for pixel in pixels:
                e.prefetch(e.add(pixel, ahead))
        column = [load(pixel) for pixel in pixels]
        for i, v in enumerate(form.data(e, column)):
            e.store(v, e.add(corner, step * (i * size + j)), step)
    into = e.add(target, offsets[1])
    for i in range(size):
        row = [e.load(e.add(corner, step * (i * size + j)), align=step) for j in range(size)]
        for j, v in enumerate(form.data(e, row)):
            e.store(v, e.add(into, e.mul(planes, i * size + j)), step)


OUTPUT_ARGS = (
    "input", "output", "bias", "residual", "trash", "flags", "lo", "hi", "first", "tiles_y", "tiles_x",
    "height", "width", "out_image", "out_y", "out_x", "out_group", "res_image", "res_y", "res_x", "res_group",
    "channels", "groups", "chunk", "in_chunk", "in_plane", "in_tile", "bias_group",
)  # fmt: skip


def _output(form: Form) -> Callable[[Emitter, Arguments], None]:
    """Outputs of tiles from M, with bias, residual (its address is 0 where there is none) and limits.

    Outputs beyond the image go to the trash. Flags say of each tile whether one of its sums is not finite: then the
    transforms may have spread it to outputs that are, and WINOGRAD_REPAIR computes the tile once more.
    """

    def emit(e: Emitter, a: Arguments) -> None:
        tile = _OutputTile(e, a, form)
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            tile.emit(unit)

    return emit


class _OutputTile:
    def __init__(self, e: Emitter, a: Arguments, form: Form) -> None:
        self.e, self.a, self.form = e, a, form
        count = form.tile**2
        self.table, self.residuals = e.scratch(2 * count), e.scratch(2 * count)
        self.corner = e.scratch(e.lanes * form.tile * form.size)
        self.limits = [e.splat(e.b.bitcast(e.b.trunc(v, I32), F32)) for v in (a.lo, a.hi)]
        self.some = e.b.icmp_signed("!=", a.residual, e.i64(0))

    def emit(self, unit: Any) -> None:
        e, a = self.e, self.a
        image, y, x = position(e, a, unit)
        y, x = e.mul(y, self.form.tile), e.mul(x, self.form.tile)
        source = place(e, unit, a.input, a.chunk, a.in_chunk, a.in_tile)
        e.store(e.i32(0), self.flag(unit))
        with e.loop(0, a.groups) as group:
            self.addresses(self.table, a.output, (image, group, y, x), "out")
            with e.b.if_else(self.some) as (with_residual, without):
                with with_residual:
                    self.addresses(self.residuals, a.residual, (image, group, y, x), "res")
                    self.channels(unit, group, source, True)
                with without:
                    self.channels(unit, group, source, False)

    def flag(self, unit: Any) -> Any:
        return self.e.add(self.a.flags, self.e.mul(self.e.add(self.a.first, unit), 4))

    def addresses(self, table: Any, base: Any, at: tuple[Any, Any, Any, Any], which: str) -> None:
        """Of the tile's pixels."""
        e, a, tile = self.e, self.a, self.form.tile
        image, group, y, x = at
        by_image, by_group, by_y, by_x = (getattr(a, f"{which}_{k}") for k in ("image", "group", "y", "x"))
        base = e.add(e.add(base, e.mul(image, by_image)), e.mul(group, by_group))
        for i in range(tile):
            row = e.add(y, i)
            inside, line = e.b.icmp_signed("<", row, a.height), e.add(base, e.mul(row, by_y))
            for j in range(tile):
                column = e.add(x, j)
                here = e.b.and_(inside, e.b.icmp_signed("<", column, a.width))
                address = e.b.select(here, e.add(line, e.mul(column, by_x)), a.trash)
                e.store(address, e.add(table, 8 * (i * tile + j)), 8)

    def channels(self, unit: Any, group: Any, source: Any, some: bool) -> None:
        e, a = self.e, self.a
        whole = e.b.and_(a.channels, e.i64(-e.lanes))
        source, bias = e.add(source, e.mul(group, a.in_plane)), e.add(a.bias, e.mul(group, a.bias_group))
        with e.loop(0, whole, e.lanes) as c:
            self.one(unit, c, source, bias, some, None)
        rest = e.b.sub(a.channels, whole)
        with e.when(e.b.icmp_signed("!=", rest, e.i64(0))):
            self.one(unit, whole, source, bias, some, e.mask(rest))

    def one(self, unit: Any, c: Any, source: Any, bias: Any, some: bool, mask: Any) -> None:
        """One vector of channels of a tile."""
        e, a, tile, size = self.e, self.a, self.form.tile, self.form.size
        step, offset, planes = 4 * e.lanes, e.mul(c, 4), e.mul(a.groups, a.in_plane)
        source = e.add(source, offset)
        for j in range(size):
            column = [e.load(e.add(source, e.mul(planes, i * size + j)), align=step) for i in range(size)]
            for i, v in enumerate(self.form.sums(e, column)):
                e.store(v, e.add(self.corner, step * (i * size + j)), step)
        zero = check = e.splat(0.0)
        plus = e.load(e.add(bias, offset))
        for i in range(tile):
            row = [e.load(e.add(self.corner, step * (i * size + j)), align=step) for j in range(size)]
            for j, v in enumerate(self.form.sums(e, row)):
                check = e.fma(v, zero, check)
                self.store(e.b.fadd(v, plus), i * tile + j, offset, some, mask)
        spoilt = e.b.fcmp_unordered("uno", check, check)
        bits = e.b.bitcast(spoilt, ir.IntType(e.lanes))
        with e.when(e.b.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))):
            e.store(e.i32(1), self.flag(unit))

    def store(self, value: Any, number: int, offset: Any, some: bool, mask: Any) -> None:
        e = self.e

        def at(table: Any) -> Any:
            return e.add(e.load(e.add(table, 8 * number), I64, 8), offset)

        e.prefetch(e.add(at(self.table), e.mul(self.a.out_x, self.form.tile)), write=True)

        if some:
            other = at(self.residuals)
            e.prefetch(e.add(other, e.mul(self.a.res_x, self.form.tile)))
            value = e.b.fadd(value, e.load(other) if mask is None else e.masked_load(other, mask))
        lo, hi = self.limits
        value = e.minimum(e.maximum(value, lo), hi)
        if mask is None:
            e.store(value, at(self.table))
        else:
            e.masked_store(value, at(self.table), mask)


WINOGRAD_INPUT = {k: Kernel(f"winograd_input{f.name}", INPUT_ARGS, _input(f)) for k, f in FORMS.items()}
WINOGRAD_OUTPUT = {k: Kernel(f"winograd_output{f.name}", OUTPUT_ARGS, _output(f)) for k, f in FORMS.items()}
