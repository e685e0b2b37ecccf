"""Indices that come while the model runs, made into offsets that a gathering kernel can follow.

    table[i] = stride * (index[i] + size, where it is negative)

An index out of range is noted, as fault = [1, index], and stands for 0, so that nothing beyond the data is touched.
A unit is one index.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.emit import I32, I64, Emitter
from .base import Arguments, Kernel

ARGS = ("indices", "table", "size", "stride", "fault")


def _emit(item: ir.Type, bytes: int) -> Any:
    def emit(e: Emitter, a: Arguments) -> None:
        with e.loop(e.function.args[1], e.function.args[2]) as i:
            given = e.load(e.add(a.indices, e.mul(i, bytes)), item, bytes)
            index = given if item == I64 else e.b.sext(given, I64)
            wrapped = e.b.select(e.b.icmp_signed("<", index, e.i64(0)), e.add(index, a.size), index)
            good = e.b.icmp_unsigned("<", wrapped, a.size)
            with e.when(e.b.not_(good)):
                e.store(e.i64(1), a.fault, 8)
                e.store(index, e.add(a.fault, 8), 8)
            offset = e.mul(e.b.select(good, wrapped, e.i64(0)), a.stride)
            e.store(offset, e.add(a.table, e.mul(i, 8)), 8)

    return emit


OFFSETS = {4: Kernel("offsets32", ARGS, _emit(I32, 4)), 8: Kernel("offsets64", ARGS, _emit(I64, 8))}
