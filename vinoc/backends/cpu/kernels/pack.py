"""Packing a right operand into panels: [pair][panel][k][width].

A unit is a block of K_BLOCK rows of one panel of one matrix. Columns beyond the last hold anything: what a product
makes of them is never stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from ..codegen.emit import F32, I32, I64, Emitter
from .base import Arguments, Kernel
from .copy import transposed

K_BLOCK = 128

ARGS = ("source", "target", "batches", "depth", "columns", "panels", "blocks", "row", "column")
"""`batches` holds the byte offset of each matrix; `row` and `column` are strides of the source."""

FILTER_ARGS = (*ARGS, "taps")
"""A filter's elements count as [channel, tap]; in the panels they lie as [tap][channel]."""


class _Unit:
    def __init__(self, e: Emitter, a: Arguments, unit: Any) -> None:
        block, rest = e.rem(unit, a.blocks), e.div(unit, a.blocks)
        panel, batch = e.rem(rest, a.panels), e.div(rest, a.panels)
        width = e.target.width
        self.first = e.mul(panel, width)
        self.count = e.min(e.b.sub(a.columns, self.first), width)
        self.begin = e.mul(block, K_BLOCK)
        self.end = e.min(e.add(self.begin, K_BLOCK), a.depth)
        offset = e.load(e.add(a.batches, e.mul(batch, 8)), I64, 8)
        self.source = e.add(e.add(a.source, offset), e.mul(self.first, a.column))
        self.target = e.add(a.target, e.mul(e.mul(e.add(e.mul(batch, a.panels), panel), a.depth), 4 * width))


def _emit_rows(e: Emitter, a: Arguments) -> None:
    width, step = e.target.width, 4 * e.lanes
    with e.loop(e.function.args[1], e.function.args[2]) as number:
        unit = _Unit(e, a, number)
        masks = [e.mask(unit.count, first=v * e.lanes) for v in range(e.target.vectors)]
        with e.loop(unit.begin, unit.end) as k:
            line, into = e.add(unit.source, e.mul(k, a.row)), e.add(unit.target, e.mul(k, 4 * width))
            for v, mask in enumerate(masks):
                e.store(e.masked_load(e.add(line, step * v), mask), e.add(into, step * v), step)


def _emit_columns(e: Emitter, a: Arguments) -> None:
    _squares(e, a, lambda k: k)


def _emit_filters(e: Emitter, a: Arguments) -> None:
    channels = e.div(a.depth, a.taps)
    _squares(e, a, lambda k: e.add(e.mul(e.rem(k, a.taps), channels), e.div(k, a.taps)))


def _squares(e: Emitter, a: Arguments, place: Callable[[Any], Any]) -> None:
    """Squares of `lanes` columns by `lanes` steps along them are transposed in registers; step k goes to `place(k)`."""
    width, lanes = e.target.width, e.lanes
    with e.loop(e.function.args[1], e.function.args[2]) as number:
        unit = _Unit(e, a, number)
        last = e.b.sub(unit.count, e.i64(1))
        squares = e.b.sub(unit.end, e.rem(e.b.sub(unit.end, unit.begin), lanes))
        with e.loop(0, unit.count, lanes) as column:
            lines = [e.add(unit.source, e.mul(e.min(e.add(column, j), last), a.column)) for j in range(lanes)]
            into = e.add(unit.target, e.mul(column, 4))
            with e.loop(unit.begin, squares, lanes) as k:
                vectors = transposed(e, [e.load(e.add(line, e.mul(k, 4))) for line in lines])
                for j, vector in enumerate(vectors):
                    e.store(vector, e.add(into, e.mul(place(e.add(k, j)), 4 * width)))
            with e.loop(squares, unit.end) as k:
                vector = ir.Constant(e.V, ir.Undefined)
                for j, line in enumerate(lines):
                    vector = e.b.insert_element(vector, e.load(e.add(line, e.mul(k, 4)), F32), ir.Constant(I32, j))
                e.store(vector, e.add(into, e.mul(place(k), 4 * width)))


PACK_ROWS = Kernel("pack_rows", ARGS, _emit_rows)
"""From a source whose columns are adjacent."""

PACK_COLUMNS = Kernel("pack_columns", ARGS, _emit_columns)
"""From a source that is adjacent along k: a transposed operand."""

PACK_FILTERS = Kernel("pack_filters", FILTER_ARGS, _emit_filters)
"""From the filters of a convolution, one after the other, each [channel, tap]."""
