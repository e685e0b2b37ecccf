"""Packing a right operand into panels: [pair][panel][k][width], of f32 or of 24 bits (f24.py).

A unit is a block of rows of one panel of one matrix. Columns beyond the last hold anything: what a product makes of
them is never stored. Where the source lies in rows, units run over the panels first: each row of a block is then read
from one end to the other, which the processor foresees. Where it lies in columns, they run over the blocks first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir

from ....ir.record import record
from ..codegen.emit import F32, I32, I64, Emitter
from . import f24
from .base import Arguments, Kernel
from .copy import transposed

K_BLOCK, ROW_BLOCK = 128, 16
"""Rows of a block; and where the source lies in rows: as many as prefetchers follow."""

ARGS = ("source", "target", "batches", "depth", "columns", "panels", "blocks", "row", "column")
"""`batches` holds the byte offset of each matrix; `row` and `column` are strides of the source."""

FILTER_ARGS = (*ARGS, "taps")
"""A filter's elements count as [channel, tap]; in the panels they lie as [tap][channel]."""


def _store_floats(e: Emitter, vectors: Sequence[Any], row: Any) -> None:
    for v, x in enumerate(vectors):
        e.store(x, e.add(row, 4 * e.lanes * v))


@record(frozen=True)
class _Form:
    """What panels hold: bytes of an element, and how the vectors of a row are stored."""

    size: int
    store: Callable[[Emitter, Sequence[Any], Any], None]


_F32 = _Form(4, _store_floats)
_F24 = _Form(f24.BYTES, f24.store_row)


class _Unit:
    def __init__(self, e: Emitter, a: Arguments, unit: Any, size: int, rows: bool = False) -> None:
        width, count = e.target.width, (a.panels, a.blocks) if rows else (a.blocks, a.panels)
        inner, rest = e.rem(unit, count[0]), e.div(unit, count[0])
        outer, batch = e.rem(rest, count[1]), e.div(rest, count[1])
        panel, block = (inner, outer) if rows else (outer, inner)
        self.first = e.mul(panel, width)
        self.count = e.min(e.b.sub(a.columns, self.first), width)
        height = ROW_BLOCK if rows else K_BLOCK
        self.begin = e.mul(block, height)
        self.end = e.min(e.add(self.begin, height), a.depth)
        offset = e.load(e.add(a.batches, e.mul(batch, 8)), I64, 8)
        self.source = e.add(e.add(a.source, offset), e.mul(self.first, a.column))
        self.row = size * width
        self.target = e.add(a.target, e.mul(e.mul(e.add(e.mul(batch, a.panels), panel), a.depth), self.row))


def _emit_rows(form: _Form, e: Emitter, a: Arguments) -> None:
    with e.loop(e.function.args[1], e.function.args[2]) as number:
        unit = _Unit(e, a, number, form.size, rows=True)
        masks = [(column, e.mask(unit.count, first=column)) for column in range(0, e.target.width, e.lanes)]
        with e.loop(unit.begin, unit.end) as k:
            line = e.add(unit.source, e.mul(k, a.row))
            vectors = [e.masked_load(e.add(line, 4 * column), mask) for column, mask in masks]
            form.store(e, vectors, e.add(unit.target, e.mul(k, unit.row)))


def _emit_columns(form: _Form, e: Emitter, a: Arguments) -> None:
    _squares(form, e, a, lambda k: k)


def _emit_filters(e: Emitter, a: Arguments) -> None:
    channels = e.div(a.depth, a.taps)
    _squares(_F32, e, a, lambda k: e.add(e.mul(e.rem(k, a.taps), channels), e.div(k, a.taps)))


def _squares(form: _Form, e: Emitter, a: Arguments, place: Callable[[Any], Any]) -> None:
    """Squares of `lanes` columns by `lanes` steps along them are transposed in registers; step k goes to `place(k)`."""
    width, lanes = e.target.width, e.lanes
    with e.loop(e.function.args[1], e.function.args[2]) as number:
        unit = _Unit(e, a, number, form.size)
        last = e.b.sub(unit.count, e.i64(1))
        lines = [e.add(unit.source, e.mul(e.min(e.i64(j), last), a.column)) for j in range(width)]
        groups = [lines[j : j + lanes] for j in range(0, width, lanes)]
        squares = e.b.sub(unit.end, e.rem(e.b.sub(unit.end, unit.begin), lanes))

        def put(k: Any, vectors: Sequence[Any]) -> None:
            form.store(e, vectors, e.add(unit.target, e.mul(place(k), unit.row)))

        with e.loop(unit.begin, squares, lanes) as k:
            found = [transposed(e, [e.load(e.add(line, e.mul(k, 4))) for line in group]) for group in groups]
            for j, vectors in enumerate(zip(*found, strict=True)):
                put(e.add(k, j), vectors)
        with e.loop(squares, unit.end) as k:
            put(k, [_gathered(e, [e.add(line, e.mul(k, 4)) for line in group]) for group in groups])


def _gathered(e: Emitter, addresses: Sequence[Any]) -> Any:
    """A vector of floats that lie apart."""
    vector = ir.Constant(e.V, ir.Undefined)
    for j, address in enumerate(addresses):
        vector = e.b.insert_element(vector, e.load(address, F32), ir.Constant(I32, j))
    return vector


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
