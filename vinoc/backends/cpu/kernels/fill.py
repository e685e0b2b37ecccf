"""One value into all elements of a place of any strides.

Five dimensions, outermost first, of which the last is the innermost. A unit is one index of the outer three.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.emit import I8, I16, I32, I64, Emitter
from ..codegen.lanes import recast, store_bytes
from .base import Arguments, Kernel
from .copy import DIMS

ARGS = ("target", "value", *(f"n{k}" for k in range(DIMS)), *(f"t{k}" for k in range(DIMS)))
"""The value's bits."""

FEW = 8
"""Bytes of the shorter vectors at the end of a line."""


def _emit(item: ir.Type, size: int) -> Any:
    def emit(e: Emitter, a: Arguments) -> None:
        value = a.value if size == 8 else e.b.trunc(a.value, item)
        vector = e.splat(value, ir.VectorType(item, 4 * e.lanes // size))
        straight = e.b.icmp_signed("==", a.t4, e.i64(size))
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            i2, rest = e.rem(unit, a.n2), e.div(unit, a.n2)
            i1, i0 = e.rem(rest, a.n1), e.div(rest, a.n1)
            target = e.add(e.add(e.add(a.target, e.mul(i0, a.t0)), e.mul(i1, a.t1)), e.mul(i2, a.t2))
            step = 4 * e.lanes // size
            whole = e.b.select(straight, e.b.and_(a.n4, e.i64(-step)), e.i64(0))
            with e.loop(0, a.n3) as i:
                line = e.add(target, e.mul(i, a.t3))
                with e.loop(0, whole, step) as k:
                    e.store(vector, e.add(line, e.mul(k, size)), size)
                if e.lanes == 16:  # the rest of a line under a mask
                    left = e.mul(e.b.sub(a.n4, whole), size)
                    with e.b.if_else(straight) as (rest, apart):
                        with rest, e.when(e.b.icmp_signed(">", left, e.i64(0))):
                            store_bytes(e, recast(e, vector, I8), e.add(line, e.mul(whole, size)), left)
                        with apart:
                            _items(e, a, value, line, whole, size)
                else:
                    few = ir.VectorType(item, FEW // size)
                    most = e.b.select(straight, e.b.and_(a.n4, e.i64(-few.count)), e.i64(0))
                    with e.loop(whole, most, few.count) as k:
                        e.store(e.splat(value, few), e.add(line, e.mul(k, size)), size)
                    _items(e, a, value, line, most, size)

    return emit


def _items(e: Emitter, a: Arguments, value: Any, line: Any, first: Any, size: int) -> None:
    """Elements one by one, from `first` on."""
    with e.loop(first, a.n4) as k:
        e.store(value, e.add(line, e.mul(k, a.t4)), size)


FILL = {size: Kernel(f"fill{8 * size}", ARGS, _emit(t, size)) for size, t in ((1, I8), (2, I16), (4, I32), (8, I64))}
