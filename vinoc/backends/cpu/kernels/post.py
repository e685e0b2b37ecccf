"""What follows a product, as a function that its kernel calls on each finished tile, while that is in the cache.

    post(block, tile, row bytes, rows, first channel, channels)

computes tile[r, c] = expression(tile[r, c], constants by channel) in place. The block holds, for each operand behind
the first, its address (a constant for each channel) or its bits (a scalar).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

from llvmlite import ir

from ..codegen.emit import VOID, Emitter
from ..codegen.target import Target
from ..codegen.typed import Typed
from .chain import SCALAR, Expression, lanes_of
from .igemm import POST

Value: TypeAlias = Any

ROWS = 4
"""Rows of a step of the inner loop: their latencies overlap."""


def post_name(expression: Expression, reads: Sequence[str]) -> str:
    return f"post_{expression.name()}_{''.join(r[0] for r in reads)}"


def build_post(expression: Expression, reads: Sequence[str], target: Target, module: ir.Module) -> None:
    """Emits the function. reads: SCALAR or ADJACENT for each operand behind the first."""
    e = Emitter(module, post_name(expression, reads), target, ir.FunctionType(VOID, [*POST, POST[-1]]))
    _Post(e, expression, reads).emit()
    e.finish()


class _Post:
    def __init__(self, e: Emitter, expression: Expression, reads: Sequence[str]) -> None:
        self.e, self.expression, self.reads = e, expression, reads
        self.t = Typed(e, lanes_of(e.target, expression.types))
        _, self.tile, self.stride, self.rows, self.first, self.channels = e.function.args
        self.words = [e.arg(k) for k in range(len(reads))]

    def emit(self) -> None:
        e, t = self.e, self.t
        if all(way == SCALAR for way in self.reads):
            self.join_rows()
        whole = e.b.and_(self.channels, e.i64(-t.count))
        with e.loop(0, whole, t.count) as column:
            self.column(column, None)
        with e.when(e.b.icmp_signed("<", whole, self.channels)):
            self.column(whole, t.mask(whole, self.channels))

    def join_rows(self) -> None:
        """Rows without a gap between them that do not fill their vectors are one row."""
        e = self.e
        part = e.b.icmp_signed("!=", e.rem(self.channels, self.t.count), e.i64(0))
        dense = e.b.and_(part, e.b.icmp_signed("==", self.stride, e.mul(self.channels, 4)))
        self.channels = e.b.select(dense, e.mul(self.rows, self.channels), self.channels)
        self.rows = e.b.select(dense, e.i64(1), self.rows)

    def column(self, column: Value, mask: Value | None) -> None:
        """One vector of channels of all rows."""
        e = self.e
        constants = [self.constant(k, column, mask) for k in range(len(self.reads))]
        base = e.add(self.tile, e.mul(column, 4))
        several = e.b.sub(self.rows, e.rem(self.rows, ROWS))
        with e.loop(0, several, ROWS) as row:
            self.some(base, row, ROWS, constants, mask)
        with e.loop(several, self.rows) as row:
            self.some(base, row, 1, constants, mask)

    def some(self, base: Value, row: Value, count: int, constants: Sequence[Value], mask: Value | None) -> None:
        """Some rows of one vector."""
        e, t, type = self.e, self.t, self.expression.type
        places = [e.add(base, e.mul(e.add(row, k), self.stride)) for k in range(count)]
        values = [t.load(type, place, mask) for place in places]
        for place, value in zip(places, [self.expression.emit(t, [v, *constants]) for v in values]):
            t.store(type, value, place, mask)

    def constant(self, number: int, column: Value, mask: Value | None) -> Value:
        type, word = self.expression.operands[number + 1], self.words[number]
        if self.reads[number] == SCALAR:
            return self.t.immediate(type, word)
        offset = self.e.mul(self.e.add(self.first, column), type.numpy.itemsize)
        return self.t.load(type, self.e.add(word, offset), mask)


def builder(expression: Expression, reads: Sequence[str], target: Target) -> Any:
    """What writes the function into a module."""
    return partial(build_post, expression, reads, target)
