"""What makes results of the sums of integers: scale, bias, residual, limits, functions, and rounding to u8.

    straight    u8: limit(round(s * factor[c] + offset[c] + residual * res_factor))
    else        y = function(limit(s * factor[c] + offset[c] + residual));  u8: limit(round(y / step + shift))

Straight is what whole numbers alone give; scales and zero points are in the parameters. Else each product and sum is
rounded, as floats are: what f32 cannot hold depends on the order. A u8 residual is (r - res_zero) * res_factor there.
The function is generated for each combination of residual (none, f32, u8), functions and type of the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

from llvmlite import ir

from ....ir import dtype as dt
from ....ir.record import record
from ..codegen import grids
from ..codegen.emit import F32, I8, I32, Emitter
from ..codegen.lanes import gathered, load_bytes, nearest, packed, permuted, store_bytes
from ..codegen.target import Target
from ..codegen.typed import Typed
from .base import Arguments
from .chain import Expression
from .igemm_bytes import ARGS, FINISH

Value: TypeAlias = Any

ROWS = 4
"""Rows of a step of the inner loop: their latencies overlap."""


@record(frozen=True)
class Finish:
    """residual: "", "f32" or "u8"; what follows the limits, if anything; whether the result is u8; whether there are
    limits; whether what is rounded fits into i32, so that bytes are limited in place of reals."""

    residual: str
    post: Expression | None
    quantized: bool
    limited: bool
    bounded: bool

    @property
    def straight(self) -> bool:
        return self.quantized and self.post is None

    @property
    def name(self) -> str:
        post = f"_{self.post.name()}" if self.post else ""
        result = f"{'u8' if self.quantized else 'f32'}{'l' if self.limited else ''}{'b' if self.bounded else ''}"
        return f"finish_{self.residual or 'none'}_{result}{post}"

    @property
    def build(self) -> Any:
        """What writes it into a module, for a target."""
        return partial(_build, self)


def _build(finish: Finish, target: Target, module: ir.Module) -> None:
    e = Emitter(module, finish.name, target, FINISH)
    _Finish(e, finish).emit()
    e.finish()


class _Finish:
    def __init__(self, e: Emitter, finish: Finish) -> None:
        self.e, self.finish = e, finish
        self.a = Arguments(e, ARGS)
        self.t = Typed(e, e.lanes)
        _, self.tile, self.out, self.residual, self.params, self.rows, self.columns = e.function.args
        self.out_size, self.res_size = (1 if finish.quantized else 4), {"u8": 1}.get(finish.residual, 4)
        self.factor, self.zero = self._scalar(self.a.res_factor), self._scalar(self.a.res_zero)
        self.lo, self.hi = self._scalar(self.a.lo), self._scalar(self.a.hi)
        self.last = [self._scalar(v) for v in (self.a.step, self.a.shift, self.a.low, self.a.high)]

    def _scalar(self, word: Value) -> Value:
        return self.e.splat(self.e.b.bitcast(self.e.b.trunc(word, I32), F32))

    def emit(self) -> None:
        e = self.e
        begin: Value = e.i64(0)
        if self.finish.quantized and e.target.vectors == 2:
            full = e.b.icmp_signed("==", self.columns, e.i64(e.target.width))
            begin = e.b.select(full, e.b.and_(self.rows, e.i64(-2)), begin)
            self.integers(e.i64(0), begin, 2, e.i64(0), None)
        whole = e.b.and_(self.columns, e.i64(-e.lanes))
        with e.loop(0, whole, e.lanes) as column:
            self.column(column, None, begin)
        with e.when(e.b.icmp_signed("<", whole, self.columns)):
            self.column(whole, self.t.mask(whole, self.columns), begin)

    def column(self, column: Value, mask: Value | None, begin: Value) -> None:
        """One vector of channels of all rows from `begin` on, some rows at a time."""
        e = self.e
        several = e.b.sub(self.rows, e.rem(e.b.sub(self.rows, begin), ROWS))
        if self.finish.quantized:
            self.integers(begin, several, 1, column, mask)
        else:
            self.reals(begin, several, ROWS, column, mask)
        params = self.parameters(column)
        with e.loop(several, self.rows) as row:
            value = self.value(row, column, params, mask)
            self.store(e.b.trunc(self.levels([value])[0], ir.VectorType(I8, e.lanes))
                       if self.finish.quantized else value, row, column, mask)  # fmt: skip

    def reals(self, begin: Value, end: Value, count: int, column: Value, mask: Value | None) -> None:
        """Rows of one vector, `count` at a time."""
        e = self.e
        params = self.parameters(column)
        with e.loop(begin, end, count) as row:
            rows = [e.add(row, k) for k in range(count)]
            values = [self.value(r, column, params, mask) for r in rows]
            for r, value in zip(rows, values):
                self.store(value, r, column, mask)

    def integers(self, begin: Value, end: Value, vectors: int, column: Value, mask: Value | None) -> None:
        """Rows of one or two vectors, four vectors at a time, which become one of bytes."""
        e, lanes, count = self.e, self.e.lanes, 4 // vectors
        columns = [e.add(column, lanes * v) for v in range(vectors)]
        params = [self.parameters(c) for c in columns]
        size = lanes * vectors
        with e.loop(begin, end, count) as row:
            rows = [e.add(row, k) for k in range(count)]
            values = [self.value(r, c, p, mask) for r in rows for c, p in zip(columns, params)]
            if self.finish.bounded:
                together = packed(e, [nearest(e, v) for v in values])
                lo, hi = (e.splat(e.b.trunc(nearest_of(e, v), I8), together.type) for v in (self.a.lo, self.a.hi))
                together = e.b.select(e.b.icmp_unsigned("<", together, lo), lo, together)
                together = gathered(e, e.b.select(e.b.icmp_unsigned(">", together, hi), hi, together))
            else:
                together = gathered(e, packed(e, self.levels(values)))
            for k, r in enumerate(rows):
                self.store(permuted(e, together, range(k * size, (k + 1) * size)), r, column, mask)

    def store(self, value: Value, row: Value, column: Value, mask: Value | None) -> None:
        e = self.e
        place = e.add(e.add(self.out, e.mul(row, self.a.out_stride)), e.mul(column, self.out_size))
        if mask is None:
            e.store(value, place, self.out_size)
        elif self.finish.quantized:
            store_bytes(e, value, place, e.b.sub(self.columns, column))
        else:
            self.t.store(dt.f32, value, place, mask)

    def value(self, row: Value, column: Value, params: Sequence[Value], mask: Value | None) -> Value:
        """What is to be rounded, or is the result, of a row's vector."""
        e = self.e
        at = e.add(e.mul(row, 4 * e.target.width), e.mul(column, 4))
        total = e.b.sitofp(e.load(e.add(self.tile, at), e.VI, 4 * e.lanes), e.V)
        value = (e.fma if self.finish.straight else e.scaled)(total, params[0], params[1])
        if self.finish.residual:
            place = e.add(e.add(self.residual, e.mul(row, self.a.res_stride)), e.mul(column, self.res_size))
            value = self.plus(value, self.other(place, mask))
        if self.finish.straight:
            return value
        if self.finish.limited:
            value = e.minimum(e.maximum(value, self.lo), self.hi)
        return self.finish.post.emit(self.t, [value, *params[2:]]) if self.finish.post else value

    def plus(self, value: Value, other: Value) -> Value:
        """With the residual."""
        e = self.e
        if self.finish.straight:
            return e.fma(other, self.factor, value)
        return e.b.fadd(value, e.b.fmul(e.b.fsub(other, self.zero), self.factor) if self.res_size == 1 else other)

    def other(self, place: Value, mask: Value | None) -> Value:
        """The residual as f32; u8 with its zero point, of which whole vectors can be read."""
        if self.finish.residual == "f32":
            return self.t.load(dt.f32, place, mask)
        return self.e.b.uitofp(load_bytes(self.e, place, self.e.lanes), self.e.V)

    def parameters(self, column: Value) -> list[Value]:
        """Factor, offset and constants of functions, of a vector of channels."""
        e = self.e
        count = 2 + (len(self.finish.post.operands) - 1 if self.finish.post else 0)
        at = e.add(self.params, e.mul(column, 4))
        return [e.load(e.add(at, e.mul(self.a.total, 4 * k))) for k in range(count)]

    def levels(self, values: Sequence[Value]) -> list[Value]:
        """The levels of some vectors."""
        if not self.finish.straight:
            return [grids.level_within(self.t, v, *self.last) for v in values]
        return [nearest(self.e, _limited(self.e, v, self.lo, self.hi)) for v in values]


def nearest_of(e: Emitter, word: Value) -> Value:
    """A whole number that is given as f32, as i32."""
    return e.b.fptosi(e.b.bitcast(e.b.trunc(word, I32), F32), I32)


def _limited(e: Emitter, x: Value, low: Value, high: Value) -> Value:
    """Within [low, high]; NaN becomes low."""
    x = e.b.select(e.b.fcmp_ordered(">", x, low), x, low)
    return e.b.select(e.b.fcmp_ordered("<", x, high), x, high)
