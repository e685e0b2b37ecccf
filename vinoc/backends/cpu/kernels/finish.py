"""What makes results of the sums of a tile of integers: scale, bias, residual, limits, functions, and rounding to u8.

    y = limit(s * factor[c] + offset[c] + residual * res_factor)        the zero point of a u8 residual is in the offset
    u8: round(y) where nothing follows: scale and zero point of the result are in the parameters by then
    y = function(y, constants[c]); u8: limit(round(y / step + shift))   where functions follow

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
from ..codegen.lanes import nearest, packed
from ..codegen.target import Target
from ..codegen.typed import Typed
from .base import Arguments
from .chain import Expression
from .igemm_bytes import ARGS, FINISH

Value: TypeAlias = Any

ROWS = 4
"""Rows of a step of the inner loop: their latencies overlap."""


CLOSE = 2.0**-14
"""Of a level: closer to halfway between two, and f32 may take the wrong one."""


@record(frozen=True)
class Finish:
    """residual: "", "f32" or "u8"; what follows the limits, if anything; whether the result is u8."""

    residual: str
    post: Expression | None
    quantized: bool

    @property
    def name(self) -> str:
        post = f"_{self.post.name()}" if self.post else ""
        return f"finish_{self.residual or 'none'}_{'u8' if self.quantized else 'f32'}{post}"

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
        self.factor = self._scalar(self.a.res_factor)
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
            self.pairs(begin)
        whole = e.b.and_(self.columns, e.i64(-e.lanes))
        with e.loop(0, whole, e.lanes) as column:
            self.column(column, None, begin)
        with e.when(e.b.icmp_signed("<", whole, self.columns)):
            self.column(whole, self.t.mask(whole, self.columns), begin)

    def pairs(self, end: Value) -> None:
        """Rows up to an even number, two at a time: four vectors of sums become one of bytes."""
        e, half = self.e, self.e.target.width
        params = [self.parameters(e.i64(v * e.lanes)) for v in range(2)]
        vector = ir.VectorType(I32, e.lanes)
        order = ir.Constant(vector, [q + 4 * lane for q in range(4) for lane in range(e.lanes // 4)])
        halves = [ir.Constant(ir.VectorType(I32, half), [k * half + i for i in range(half)]) for k in range(2)]
        with e.loop(0, end, 2) as row:
            rows = (row, e.add(row, 1))
            values = [self.before(r, v, params[v]) for r in rows for v in range(2)]
            levels = self.levels(values)
            mixed = e.b.bitcast(packed(e, levels), vector)
            bytes_ = e.b.bitcast(e.b.shuffle_vector(mixed, mixed, order), ir.VectorType(I8, 2 * half))
            for k, r in enumerate(rows):
                place = e.add(self.out, e.mul(r, self.a.out_stride))
                e.store(e.b.shuffle_vector(bytes_, bytes_, halves[k]), place, 1)

    def before(self, row: Value, vector: int, params: Sequence[Value]) -> Value:
        """What is to be rounded, of a row's vector."""
        e = self.e
        column = e.i64(vector * e.lanes)
        at = e.add(e.mul(row, 4 * e.target.width), 4 * e.lanes * vector)
        value = self.summed(e.load(e.add(self.tile, at), e.VI, 4 * e.lanes), row, column, params, None)
        if self.finish.post is None:
            return value
        value = e.minimum(e.maximum(value, self.lo), self.hi)
        return self.finish.post.emit(self.t, [value, *params[2:]])

    def levels(self, values: Sequence[Value]) -> list[Value]:
        """The levels of four vectors. Behind functions they are as in f64: where a vector has any value that may lie
        closer to halfway between two levels than f32 tells, all are computed so."""
        e, b = self.e, self.e.b
        if self.finish.post is None:
            return [nearest(e, _limited(e, v, self.lo, self.hi)) for v in values]
        step, shift, low, high = self.last
        inverse = b.fdiv(e.splat(1.0), step)
        close: Value = None
        fast = []
        for v in values:
            level = _limited(e, e.fma(v, inverse, shift), low, high)
            fast.append(nearest(e, level))
            far = e.abs(b.fsub(level, b.sitofp(fast[-1], e.V)))
            near = b.fcmp_ordered(">", far, e.splat(0.5 - CLOSE))
            close = near if close is None else b.or_(close, near)
        word = ir.IntType(e.lanes)
        entry = b.block
        with b.if_then(b.icmp_unsigned("!=", b.bitcast(close, word), ir.Constant(word, 0)), likely=False):
            exact = [grids.level_within(self.t, v, *self.last) for v in values]
            inside = b.block
        found = []
        for x, y in zip(fast, exact):
            phi = b.phi(e.VI)
            phi.add_incoming(x, entry)
            phi.add_incoming(y, inside)
            found.append(phi)
        return found

    def parameters(self, column: Value) -> list[Value]:
        """Factor, offset and constants of functions, of a vector of channels."""
        e = self.e
        count = 2 + (len(self.finish.post.operands) - 1 if self.finish.post else 0)
        at = e.add(self.params, e.mul(column, 4))
        return [e.load(e.add(at, e.mul(self.a.total, 4 * k))) for k in range(count)]

    def column(self, column: Value, mask: Value | None, begin: Value) -> None:
        """One vector of channels of all rows from `begin` on."""
        e, params = self.e, self.parameters(column)
        count_of = e.b.sub(self.rows, begin)
        several = e.b.sub(self.rows, e.rem(count_of, ROWS)) if mask is None else begin
        with e.loop(begin, several, ROWS) as row:
            self.some(column, row, ROWS, params, mask)
        with e.loop(several, self.rows) as row:
            self.some(column, row, 1, params, mask)

    def some(self, column: Value, row: Value, count: int, params: Sequence[Value], mask: Value | None) -> None:
        """Some rows of one vector."""
        e, size = self.e, 4 * self.e.target.width
        rows = [e.add(row, k) for k in range(count)]
        sums = [e.load(e.add(self.tile, e.add(e.mul(r, size), e.mul(column, 4))), e.VI) for r in rows]
        values = [self.value(s, r, column, params, mask) for s, r in zip(sums, rows)]
        for r, value in zip(rows, values):
            place = e.add(e.add(self.out, e.mul(r, self.a.out_stride)), e.mul(column, self.out_size))
            if self.finish.quantized:
                self.t.store(dt.u8, e.b.trunc(value, ir.VectorType(I8, e.lanes)), place, mask)
            else:
                self.t.store(dt.f32, value, place, mask)

    def value(self, total: Value, row: Value, column: Value, params: Sequence[Value], mask: Value | None) -> Value:
        """f32, or a level as i32."""
        e, finish = self.e, self.finish
        value = self.summed(total, row, column, params, mask)
        if finish.post is None and finish.quantized:
            return nearest(e, _limited(e, value, self.lo, self.hi))
        value = e.minimum(e.maximum(value, self.lo), self.hi)
        if finish.post is None:
            return value
        value = finish.post.emit(self.t, [value, *params[2:]])
        return grids.level_within(self.t, value, *self.last) if finish.quantized else value

    def summed(self, total: Value, row: Value, column: Value, params: Sequence[Value], mask: Value | None) -> Value:
        """With the residual."""
        e = self.e
        value = e.fma(e.b.sitofp(total, e.V), params[0], params[1])
        if not self.finish.residual:
            return value
        place = e.add(e.add(self.residual, e.mul(row, self.a.res_stride)), e.mul(column, self.res_size))
        return e.fma(self.other(place, mask), self.factor, value)

    def other(self, place: Value, mask: Value | None) -> Value:
        """The residual as f32; u8 without its zero point."""
        if self.finish.residual == "f32":
            return self.t.load(dt.f32, place, mask)
        return self.e.b.uitofp(self.t.load(dt.u8, place, mask), self.e.V)


def _above(e: Emitter, x: Value, low: Value) -> Value:
    """No less than low, which NaN becomes."""
    return e.b.select(e.b.fcmp_ordered(">", x, low), x, low)


def _limited(e: Emitter, x: Value, low: Value, high: Value) -> Value:
    """Within [low, high]; NaN becomes low."""
    x = _above(e, x, low)
    return e.b.select(e.b.fcmp_ordered("<", x, high), x, high)
