"""Regions of images brought to one size: of each bin the mean or the maximum of bilinear samples (ROIAlign).

Samples of a region lie on a lattice: a unit, one region, first finds the two elements around each of its rows and
columns, and their weights; then it sums the four rows of channels around each sample of a bin. Images are
channels-last.
"""

from __future__ import annotations

from functools import cache, partial
from math import inf
from typing import Any

from ..codegen.emit import F32, I32, I64, Emitter
from .base import Arguments, Kernel

ARGS = (
    "input", "regions", "images", "output", "scratch", "channels", "height", "width", "row", "column", "bins_y",
    "bins_x", "samples", "scale", "before", "after", "least", "out_region", "out_row", "out_column",
)  # fmt: skip

ENTRY = 24
"""Bytes of a row or column of the lattice: the offsets of two elements, their weights."""


def _emit(maximum: bool, e: Emitter, a: Arguments) -> None:
    scale, before, after, least = (_float(e, v) for v in (a.scale, a.before, a.after, a.least))
    rows, columns = e.mul(a.bins_y, a.samples), e.mul(a.bins_x, a.samples)
    with e.loop(e.function.args[1], e.function.args[2]) as region:
        at = e.add(a.regions, e.mul(region, 16))
        x1, y1, x2, y2 = (
            e.b.fsub(e.b.fmul(e.b.fadd(e.load(e.add(at, 4 * k), F32), before), scale), after) for k in range(4)
        )
        down = e.add(a.scratch, e.mul(e.mul(region, e.add(rows, columns)), ENTRY))
        across = e.add(down, e.mul(rows, ENTRY))
        _lattice(e, a, down, (y1, y2), (a.bins_y, rows), (a.height, a.row), least)
        _lattice(e, a, across, (x1, x2), (a.bins_x, columns), (a.width, a.column), least)
        source = e.add(a.input, e.load(e.add(a.images, e.mul(region, 8)), I64, 8))
        target = e.add(a.output, e.mul(region, a.out_region))
        with e.loop(0, a.bins_y) as i, e.loop(0, a.bins_x) as j:
            out = e.add(e.add(target, e.mul(i, a.out_row)), e.mul(j, a.out_column))
            corner = [e.add(t, e.mul(e.mul(k, a.samples), ENTRY)) for t, k in ((down, i), (across, j))]
            _bin(e, a, maximum, source, corner, out)


def _float(e: Emitter, word: Any) -> Any:
    return e.b.bitcast(e.b.trunc(word, I32), F32)


def _lattice(e: Emitter, a: Arguments, table: Any, ends: Any, counts: Any, axis: Any, least: Any) -> None:
    """The entries of an axis: places first + k * bin / samples + bin / (2 samples)."""
    (first, last), (bins, count), (size, step) = ends, counts, axis
    length = e.b.fsub(last, first)
    length = e.b.select(e.b.fcmp_ordered("<", length, least), least, length)
    bin = e.b.fdiv(length, e.b.sitofp(bins, F32))
    samples, end = e.b.sitofp(a.samples, F32), e.b.sitofp(size, F32)
    zero, one = e.f32(0.0), e.f32(1.0)
    top = e.b.fsub(end, one)
    half = e.b.fdiv(bin, e.b.fmul(samples, e.f32(2.0)))
    with e.loop(0, count) as k:
        moved = e.b.fdiv(e.b.fmul(e.b.sitofp(k, F32), bin), samples)
        place = e.b.fadd(e.b.fadd(first, moved), half)
        inside = e.b.and_(e.b.fcmp_ordered(">=", place, e.f32(-1.0)), e.b.fcmp_ordered("<=", place, end))
        clipped = e.b.select(e.b.fcmp_ordered(">", place, zero), place, zero)
        low = e.minimum(e.floor(clipped), top)
        weight = e.b.select(e.b.fcmp_ordered(">=", clipped, top), zero, e.b.fsub(clipped, low))
        index = e.b.fptosi(low, I64)
        at = e.add(table, e.mul(k, ENTRY))
        e.store(e.mul(index, step), at, 8)
        e.store(e.mul(e.min(e.add(index, 1), e.add(size, -1)), step), e.add(at, 8), 8)
        e.store(e.b.select(inside, e.b.fsub(one, weight), zero), e.add(at, 16))
        e.store(e.b.select(inside, weight, zero), e.add(at, 20))


def _entry(e: Emitter, at: Any) -> list[tuple[Any, Any]]:
    """(offset, weight) of two elements."""
    return [(e.load(e.add(at, 8 * k), I64, 8), e.load(e.add(at, 16 + 4 * k), F32)) for k in range(2)]


def _bin(e: Emitter, a: Arguments, maximum: bool, source: Any, corner: list[Any], out: Any) -> None:
    whole = e.b.and_(a.channels, e.i64(-e.lanes))
    mask = e.mask(e.b.sub(a.channels, whole))
    count = e.b.sitofp(e.mul(a.samples, a.samples), F32)

    def vector(c: Any, mask: Any) -> Any:
        base = e.add(source, e.mul(c, 4))

        def line(y: Any, total: Any) -> list[Any]:
            above = _entry(e, e.add(corner[0], e.mul(y, ENTRY)))

            def sample(x: Any, total: Any) -> list[Any]:
                sum: Any = e.splat(0.0)
                for row, by_row in above:
                    for column, by_column in _entry(e, e.add(corner[1], e.mul(x, ENTRY))):
                        at = e.add(base, e.add(row, column))
                        value = e.load(at) if mask is None else e.masked_load(at, mask)
                        sum = e.fma(value, e.splat(e.b.fmul(by_row, by_column)), sum)
                return [e.maximum(sum, total) if maximum else e.b.fadd(total, sum)]

            return e.fold(0, a.samples, 1, [total], sample)

        (total,) = e.fold(0, a.samples, 1, [e.splat(-inf if maximum else 0.0)], line)
        return total if maximum else e.b.fdiv(total, e.splat(count))

    with e.loop(0, whole, e.lanes) as c:
        e.store(vector(c, None), e.add(out, e.mul(c, 4)))
    with e.when(e.b.icmp_signed(">", a.channels, whole)):
        e.masked_store(vector(whole, mask), e.add(out, e.mul(whole, 4)), mask)


@cache
def align(maximum: bool) -> Kernel:
    """regions [r][4] of x1, y1, x2, y2; `images`: the offset of each region's image in bytes."""
    return Kernel(f"align_regions_{'max' if maximum else 'mean'}", ARGS, partial(_emit, maximum))
