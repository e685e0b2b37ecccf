"""Packing a right operand into panels: [pair][panel][k][width], of f32 or of 24 bits (f24.py).

A unit is a block of K_BLOCK rows of one panel of one matrix. Columns beyond the last hold anything: what a product
makes of them is never stored.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir

from ....ir.record import record
from ..codegen.emit import F32, I32, I64, Emitter
from . import f24
from .base import Arguments, Kernel
from .copy import transposed

K_BLOCK = 128

ARGS = ("source", "target", "batches", "depth", "columns", "panels", "blocks", "row", "column")
"""`batches` holds the byte offset of each matrix; `row` and `column` are strides of the source."""

FILTER_ARGS = (*ARGS, "taps")
"""A filter's elements count as [channel, tap]; in the panels they lie as [tap][channel]."""


@record(frozen=True)
class _Form:
    """What a row of a panel holds: bytes of an element; store(e, vector, row, column) puts a vector at some columns."""

    size: int
    store: Callable[[Emitter, Any, Any, Any], None]


_F32 = _Form(4, lambda e, x, row, column: e.store(x, e.add(row, e.mul(column, 4))))
_F24 = _Form(f24.BYTES, f24.store)


class _Unit:
    def __init__(self, e: Emitter, a: Arguments, unit: Any, size: int) -> None:
        block, rest = e.rem(unit, a.blocks), e.div(unit, a.blocks)
        panel, batch = e.rem(rest, a.panels), e.div(rest, a.panels)
        width = e.target.width
        self.first = e.mul(panel, width)
        self.count = e.min(e.b.sub(a.columns, self.first), width)
        self.begin = e.mul(block, K_BLOCK)
        self.end = e.min(e.add(self.begin, K_BLOCK), a.depth)
        offset = e.load(e.add(a.batches, e.mul(batch, 8)), I64, 8)
        self.source = e.add(e.add(a.source, offset), e.mul(self.first, a.column))
        self.row = size * width
        self.target = e.add(a.target, e.mul(e.mul(e.add(e.mul(batch, a.panels), panel), a.depth), self.row))


def _emit_rows(form: _Form, e: Emitter, a: Arguments) -> None:
    with e.loop(e.function.args[1], e.function.args[2]) as number:
        unit = _Unit(e, a, number, form.size)
        columns = range(0, e.target.width, e.lanes)
        masks = [e.mask(unit.count, first=column) for column in columns]
        with e.loop(unit.begin, unit.end) as k:
            line, into = e.add(unit.source, e.mul(k, a.row)), e.add(unit.target, e.mul(k, unit.row))
            for column, mask in zip(columns, masks, strict=True):
                form.store(e, e.masked_load(e.add(line, 4 * column), mask), into, e.i64(column))


def _emit_columns(form: _Form, e: Emitter, a: Arguments) -> None:
    _squares(form, e, a, lambda k: k)


def _emit_filters(e: Emitter, a: Arguments) -> None:
    channels = e.div(a.depth, a.taps)
    _squares(_F32, e, a, lambda k: e.add(e.mul(e.rem(k, a.taps), channels), e.div(k, a.taps)))


def _squares(form: _Form, e: Emitter, a: Arguments, place: Callable[[Any], Any]) -> None:
    """Squares of `lanes` columns by `lanes` steps along them are transposed in registers; step k goes to `place(k)`."""
    lanes = e.lanes
    with e.loop(e.function.args[1], e.function.args[2]) as number:
        unit = _Unit(e, a, number, form.size)
        last = e.b.sub(unit.count, e.i64(1))
        squares = e.b.sub(unit.end, e.rem(e.b.sub(unit.end, unit.begin), lanes))
        with e.loop(0, unit.count, lanes) as column:
            lines = [e.add(unit.source, e.mul(e.min(e.add(column, j), last), a.column)) for j in range(lanes)]

            def put(k: Any, vector: Any) -> None:
                form.store(e, vector, e.add(unit.target, e.mul(place(k), unit.row)), column)

            with e.loop(unit.begin, squares, lanes) as k:
                vectors = transposed(e, [e.load(e.add(line, e.mul(k, 4))) for line in lines])
                for j, vector in enumerate(vectors):
                    put(e.add(k, j), vector)
            with e.loop(squares, unit.end) as k:
                vector = ir.Constant(e.V, ir.Undefined)
                for j, line in enumerate(lines):
                    vector = e.b.insert_element(vector, e.load(e.add(line, e.mul(k, 4)), F32), ir.Constant(I32, j))
                put(k, vector)


PACK_ROWS = Kernel("pack_rows", ARGS, partial(_emit_rows, _F32))
"""From a source whose columns are adjacent."""

PACK_COLUMNS = Kernel("pack_columns", ARGS, partial(_emit_columns, _F32))
"""From a source that is adjacent along k: a transposed operand."""

PACK_ROWS_F24 = Kernel("pack_rows_f24", ARGS, partial(_emit_rows, _F24))
"""The same, rounded to 24 bits."""

PACK_COLUMNS_F24 = Kernel("pack_columns_f24", ARGS, partial(_emit_columns, _F24))
"""The same, rounded to 24 bits."""

PACK_FILTERS = Kernel("pack_filters", FILTER_ARGS, _emit_filters)
"""From the filters of a convolution, one after the other, each [channel, tap]."""
