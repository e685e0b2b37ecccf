"""Reductions and running sums of elements of any type, one by one.

    out[i, j, k] = fold over a, b, c of in[i, j, k, a, b, c]                       (`folding`)
    out[i, j, k, t] = in[i, j, k, 0] + ... + in[i, j, k, t]                        (`RUNNING`)

Sums and products of floats are formed in f64, those of integers wrap around in their own type, means of integers are
formed in i64 and cut. A unit is one kept index.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from ....ir import dtype as dt
from ....ir.dtype import DType
from ..codegen.emit import F32, F64, Emitter
from .base import Arguments, Kernel
from .scalar import NUMBERS, Value, combine, moved, number, read, scalar, split, wide, write

KEPT, REDUCED = 4, 3
ARGS = (
    "source", "target", "count",
    *(f"n{k}" for k in range(KEPT)), *(f"s{k}" for k in range(KEPT)), *(f"t{k}" for k in range(KEPT)),
    *(f"m{k}" for k in range(REDUCED)), *(f"r{k}" for k in range(REDUCED)),
)  # fmt: skip
"""Sizes n of kept dimensions, with strides s of the source and t of the target; sizes m of reduced ones, strides r."""


def _list(a: Arguments, name: str, count: int) -> list[Value]:
    return [getattr(a, f"{name}{k}") for k in range(count)]


def _emit(type: DType, how: str, e: Emitter, a: Arguments) -> None:
    held = _accumulator(type, how)
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        at = split(e, unit, _list(a, "n", KEPT))
        source, target = moved(e, a.source, at, _list(a, "s", KEPT)), moved(e, a.target, at, _list(a, "t", KEPT))
        sizes, steps = _list(a, "m", REDUCED), _list(a, "r", REDUCED)

        def step(address: Value, total: Value) -> Value:
            return combine(e, held, _ADDS.get(how, how), total, _prepared(e, type, held, how, read(e, type, address)))

        def nest(depth: int, address: Value, total: Value) -> Value:
            def body(i: Value, current: Value) -> Sequence[Value]:
                inner = e.add(address, e.mul(i, steps[depth]))
                return [step(inner, current) if depth == REDUCED - 1 else nest(depth + 1, inner, current)]

            return e.fold(0, sizes[depth], 1, [total], body)[0]

        # What is folded first is the first element itself where there is no neutral one that NaN and -0 pass.
        first = number(held, _NEUTRAL[how]) if how in _NEUTRAL else _prepared(e, type, held, how, read(e, type, source))
        write(e, type, _finished(e, type, held, how, nest(0, source, first), a.count), target)


_ADDS = {"mean": "sum", "l1": "sum"}
_NEUTRAL = {"sum": 0, "mean": 0, "l1": 0, "prod": 1}


def _accumulator(type: DType, how: str) -> DType:
    if how in ("min", "max") or type is dt.boolean:
        return type
    if type.is_float:
        return dt.f64
    return dt.i64 if how == "mean" else type


def _prepared(e: Emitter, type: DType, held: DType, how: str, x: Value) -> Value:
    if how == "l1" and type.is_float:
        x = e.call(f"llvm.fabs.f{type.bits}", x.type, [x.type], [x])
    elif how == "l1" and type.kind == "i":
        x = e.b.select(e.b.icmp_signed("<", x, x.type(0)), e.b.neg(x), x)
    if type is dt.f32 and held is dt.f64:
        return e.b.fpext(x, F64)
    return wide(e, type, x) if held is dt.i64 and how == "mean" else x


def _finished(e: Emitter, type: DType, held: DType, how: str, total: Value, count: Value) -> Value:
    if how == "mean" and type.is_float:
        total = e.b.fdiv(total, e.b.sitofp(count, F64))
    elif how == "mean":
        total = e.b.sdiv(total, count)
    if held is dt.f64 and type is dt.f32:
        return e.b.fptrunc(total, F32)
    narrow: Any = scalar(type)
    return e.b.trunc(total, narrow) if total.type != narrow else total


@cache
def folding(how: str, type: DType) -> Kernel:
    """sum, prod, mean, l1, min, max of a type; of booleans max is or, min is and."""
    return Kernel(f"fold_{how}_{type}", ARGS, partial(_emit, type, how))


RUNNING_ARGS = (
    "source", "target", "steps", "source_step", "target_step", "exclusive",
    *(f"n{k}" for k in range(KEPT)), *(f"s{k}" for k in range(KEPT)), *(f"t{k}" for k in range(KEPT)),
)  # fmt: skip


def _emit_running(type: DType, e: Emitter, a: Arguments) -> None:
    held = dt.f64 if type.is_float else type
    own = e.b.icmp_signed("==", a.exclusive, e.i64(0))
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        at = split(e, unit, _list(a, "n", KEPT))
        source, target = moved(e, a.source, at, _list(a, "s", KEPT)), moved(e, a.target, at, _list(a, "t", KEPT))

        def step(i: Value, total: Value) -> Sequence[Value]:
            x = read(e, type, e.add(source, e.mul(i, a.source_step)))
            x = e.b.fpext(x, F64) if type is dt.f32 else x
            after = combine(e, held, "sum", total, x)
            result = e.b.select(own, after, total)
            result = e.b.fptrunc(result, F32) if type is dt.f32 else result
            write(e, type, result, e.add(target, e.mul(i, a.target_step)))
            return [after]

        e.fold(0, a.steps, 1, [number(held, 0)], step)


RUNNING = {t: Kernel(f"running_sum_{t}", RUNNING_ARGS, partial(_emit_running, t)) for t in NUMBERS}
