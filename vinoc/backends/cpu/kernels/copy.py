"""Copies between places of any strides: layout conversion, transposition, slices.

Five dimensions, outermost first, of which the last is the destination's innermost. A unit is one index of the outer
three; the inner two are walked in blocks, so that a transposition touches each cache line of both sides once a block.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.emit import I8, I16, I32, I64, Emitter
from .base import Arguments, Kernel

DIMS = 5
BLOCK = 16
ARGS = (
    "source", "target",
    *(f"n{k}" for k in range(DIMS)), *(f"s{k}" for k in range(DIMS)), *(f"t{k}" for k in range(DIMS)),
)  # fmt: skip


def _emit(item: ir.Type, size: int) -> Any:
    def emit(e: Emitter, a: Arguments) -> None:
        straight = e.b.and_(e.b.icmp_signed("==", a.s4, e.i64(size)), e.b.icmp_signed("==", a.t4, e.i64(size)))
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            i2, rest = e.rem(unit, a.n2), e.div(unit, a.n2)
            i1, i0 = e.rem(rest, a.n1), e.div(rest, a.n1)
            source, target = a.source, a.target
            for i, s, t in ((i0, a.s0, a.t0), (i1, a.s1, a.t1), (i2, a.s2, a.t2)):
                source, target = e.add(source, e.mul(i, s)), e.add(target, e.mul(i, t))
            with e.b.if_else(straight) as (lines, blocks):
                with lines, e.loop(0, a.n3) as i:
                    _line(e, e.add(source, e.mul(i, a.s3)), e.add(target, e.mul(i, a.t3)), a.n4, size)
                with blocks:
                    _blocks(e, a, source, target, item)

    return emit


def _line(e: Emitter, source: Any, target: Any, count: Any, size: int) -> None:
    """Adjacent elements: whole vectors, then bytes."""
    total = e.mul(count, size)
    vector = ir.VectorType(I8, 4 * e.lanes)
    whole = e.b.and_(total, e.i64(-4 * e.lanes))
    with e.loop(0, whole, 4 * e.lanes) as k:
        e.store(e.load(e.add(source, k), vector, 1), e.add(target, k), 1)
    item = {1: I8, 2: I16, 4: I32, 8: I64}[size]
    with e.loop(whole, total, size) as k:
        e.store(e.load(e.add(source, k), item, size), e.add(target, k), size)


def _blocks(e: Emitter, a: Arguments, source: Any, target: Any, item: ir.Type) -> None:
    """Any strides: blocks of the last two dimensions, the destination's innermost inside."""
    align = item.width // 8
    with e.loop(0, a.n3, BLOCK) as i, e.loop(0, a.n4, BLOCK) as j:
        rows, columns = e.min(e.add(i, BLOCK), a.n3), e.min(e.add(j, BLOCK), a.n4)
        with e.loop(i, rows) as y:
            line, into = e.add(source, e.mul(y, a.s3)), e.add(target, e.mul(y, a.t3))
            with e.loop(j, columns) as x:
                value = e.load(e.add(line, e.mul(x, a.s4)), item, align)
                e.store(value, e.add(into, e.mul(x, a.t4)), align)


COPY = {size: Kernel(f"copy{8 * size}", ARGS, _emit(t, size)) for size, t in ((1, I8), (2, I16), (4, I32), (8, I64))}
