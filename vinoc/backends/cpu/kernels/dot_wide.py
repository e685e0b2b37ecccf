"""Products of rows with constant columns, summed in f64: out[n, p] = sum over k of a[n, k] * w[p, k].

The data is f64, or f32 that is widened as it is loaded. A unit is a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, TypeAlias

from llvmlite import ir

from ....ir import dtype as dt
from ....ir.dtype import DType
from ..codegen.emit import F64, Emitter
from ..codegen.typed import Typed
from .base import Arguments, Kernel
from .scalar import read, write

Value: TypeAlias = Any

ARGS = ("source", "source_row", "weights", "target", "target_row", "terms", "columns")

SUMS = 4
"""Vectors that are summed apart: their latencies overlap."""


def _emit(type: DType, e: Emitter, a: Arguments) -> None:
    count = max(e.lanes // 2, 2)
    t = Typed(e, count)
    item = type.numpy.itemsize
    with e.loop(e.function.args[1], e.function.args[2]) as n, e.loop(0, a.columns) as p:
        row, column = e.add(a.source, e.mul(n, a.source_row)), e.add(a.weights, e.mul(e.mul(p, a.terms), 8))

        def product(k: Value, so_far: Value, width: int) -> Value:
            x = _wide(e, read(e, type, e.add(row, e.mul(k, item)), width), width)
            w = read(e, dt.f64, e.add(column, e.mul(k, 8)), width)
            return e.b.fadd(so_far, e.b.fmul(x, w))

        def several(k: Value, *sums: Value) -> Sequence[Value]:
            return [product(e.add(k, i * count), s, count) for i, s in enumerate(sums)]

        whole = e.b.and_(a.terms, e.i64(-SUMS * count))
        sums = e.fold(0, whole, SUMS * count, [t.constant(dt.f64, 0.0)] * SUMS, several)
        while len(sums) > 1:
            sums = [e.b.fadd(x, y) for x, y in zip(sums[::2], sums[1::2], strict=True)]
        total: Value = ir.Constant(F64, 0.0)
        for lane in range(count):
            total = e.b.fadd(total, e.b.extract_element(sums[0], e.i32(lane)))
        (total,) = e.fold(whole, a.terms, 1, [total], lambda k, s: [product(k, s, 1)])
        write(e, dt.f64, total, e.add(e.add(a.target, e.mul(n, a.target_row)), e.mul(p, 8)))


def _wide(e: Emitter, x: Value, count: int) -> Value:
    wanted = F64 if count == 1 else ir.VectorType(F64, count)
    return x if x.type == wanted else e.b.fpext(x, wanted)


@cache
def dot_wide(type: DType) -> Kernel:
    """The kernel for data of f32 or f64."""
    return Kernel(f"dot_wide_{type}", ARGS, partial(_emit, type))
