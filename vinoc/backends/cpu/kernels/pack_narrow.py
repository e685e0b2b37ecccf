"""Packing a matrix of 16-bit elements into panels: [panel][k][width]. What they mean is not looked at.

A unit is a block of K_BLOCK rows of one panel. Columns beyond the last are copies of the last: what a product makes of
them is never stored.
"""

from __future__ import annotations

from typing import Any

from ..codegen.emit import I16, Emitter
from .base import Arguments, Kernel
from .pack import K_BLOCK

ARGS = ("source", "target", "depth", "columns", "panels", "row", "column")
"""`row` and `column` are strides of the source: from one k to the next, and from one column to the next."""


def _emit(by_columns: bool) -> Any:
    def emit(e: Emitter, a: Arguments) -> None:
        width = e.target.width
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            panel, block = e.rem(unit, a.panels), e.div(unit, a.panels)
            begin = e.mul(block, K_BLOCK)
            end = e.min(e.add(begin, K_BLOCK), a.depth)
            first, last = e.mul(panel, width), e.b.sub(a.columns, e.i64(1))
            target = e.add(a.target, e.mul(e.mul(panel, a.depth), 2 * width))

            def move(k: Any, column: Any) -> None:
                source = e.add(a.source, e.mul(e.min(e.add(first, column), last), a.column))
                item = e.load(e.add(source, e.mul(k, a.row)), I16, 2)
                e.store(item, e.add(target, e.mul(e.add(e.mul(k, width), column), 2)), 2)

            # The innermost loop runs along the lines of the source.
            if by_columns:
                with e.loop(0, width) as column, e.loop(begin, end) as k:
                    move(k, column)
            else:
                with e.loop(begin, end) as k, e.loop(0, width) as column:
                    move(k, column)

    return emit


PACK_NARROW_ROWS = Kernel("pack_narrow_rows", ARGS, _emit(by_columns=False))
"""From a source whose columns are adjacent."""

PACK_NARROW_COLUMNS = Kernel("pack_narrow_columns", ARGS, _emit(by_columns=True))
"""From a source that is adjacent along k: a transposed operand."""
