"""Reductions and running sums of elements of any type, one by one.

    out[i, j, k] = fold over a, b, c of in[i, j, k, a, b, c]                       (`folding`)
    out[i, j, k, t] = in[i, j, k, 0] + ... + in[i, j, k, t]                        (`running`)

Sums and products of floats are formed in f64, those of integers wrap around in their own type, means of integers are
formed in i64 and cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial

from ....ir import dtype as dt
from ....ir.dtype import DType
from ..codegen.emit import F64, Emitter
from .base import Arguments, Kernel
from .scalar import Value, combine, moved, number, read, several, side_by_side, split, write

KEPT, REDUCED = 4, 3
ARGS = (
    "source", "target", "count",
    *(f"n{k}" for k in range(KEPT)), *(f"s{k}" for k in range(KEPT)), *(f"t{k}" for k in range(KEPT)),
    *(f"m{k}" for k in range(REDUCED)), *(f"r{k}" for k in range(REDUCED)),
)  # fmt: skip
"""Sizes n of kept dimensions, with strides s of the source and t of the target; sizes m of reduced ones, strides r.
Where the elements of the last kept dimension are adjacent, a vector of them may be taken at a time: `columns`."""


def _list(a: Arguments, name: str, count: int) -> list[Value]:
    return [getattr(a, f"{name}{k}") for k in range(count)]


def _places(e: Emitter, a: Arguments, unit: Value, count: int) -> tuple[Value, Value]:
    """(source, target) of a unit. The last block of columns is shifted back, so that it is a whole one."""
    sizes = _list(a, "n", KEPT)
    if count > 1:
        sizes[-1] = e.div(e.add(a.n3, count - 1), count)
    at = split(e, unit, sizes)
    if count > 1:
        at[-1] = e.min(e.mul(at[-1], count), e.b.sub(a.n3, e.i64(count)))
    return moved(e, a.source, at, _list(a, "s", KEPT)), moved(e, a.target, at, _list(a, "t", KEPT))


def _emit(type: DType, how: str, columns: bool, e: Emitter, a: Arguments) -> None:
    held = _accumulator(type, how)
    count = side_by_side(e.lanes, type) if columns else 1
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        source, target = _places(e, a, unit, count)
        sizes, steps = _list(a, "m", REDUCED), _list(a, "r", REDUCED)

        def load(address: Value) -> Value:
            return _prepared(e, type, held, how, read(e, type, address, count), count)

        def nest(depth: int, address: Value, total: Value) -> Value:
            def body(i: Value, current: Value) -> Sequence[Value]:
                inner = e.add(address, e.mul(i, steps[depth]))
                if depth < REDUCED - 1:
                    return [nest(depth + 1, inner, current)]
                return [combine(e, held, _ADDS.get(how, how), current, load(inner))]

            return e.fold(0, sizes[depth], 1, [total], body)[0]

        # What is folded first is the first element itself where there is no neutral one that NaN and -0 pass.
        first = number(held, _NEUTRAL[how], count) if how in _NEUTRAL else load(source)
        total = nest(0, source, first)
        write(e, type, _finished(e, type, held, how, total, a.count, count), target)


_ADDS = {"mean": "sum", "l1": "sum"}
_NEUTRAL = {"sum": 0, "mean": 0, "l1": 0, "prod": 1}


def _accumulator(type: DType, how: str) -> DType:
    if how in ("min", "max") or type is dt.boolean:
        return type
    if type.is_float:
        return dt.f64
    return dt.i64 if how == "mean" else type


def _prepared(e: Emitter, type: DType, held: DType, how: str, x: Value, count: int) -> Value:
    if how == "l1" and type.is_float:
        suffix = f"f{type.bits}" if count == 1 else f"v{count}f{type.bits}"
        x = e.call(f"llvm.fabs.{suffix}", x.type, [x.type], [x])
    elif how == "l1" and type.kind == "i":
        zero = number(type, 0, count)
        x = e.b.select(e.b.icmp_signed("<", x, zero), e.b.sub(zero, x), x)
    if type is dt.f32 and held is dt.f64:
        return e.b.fpext(x, several(held, count))
    if held is dt.i64 and held is not type and how == "mean":
        return (e.b.sext if type.kind == "i" else e.b.zext)(x, several(held, count))
    return x


def _finished(e: Emitter, type: DType, held: DType, how: str, total: Value, reduced: Value, count: int) -> Value:
    if how == "mean":
        divisor = e.b.sitofp(reduced, F64) if type.is_float else reduced
        divisor = divisor if count == 1 else e.splat(divisor, several(held, count))
        total = e.b.fdiv(total, divisor) if type.is_float else e.b.sdiv(total, divisor)
    narrow = several(type, count)
    if total.type == narrow:
        return total
    return (e.b.fptrunc if type.is_float else e.b.trunc)(total, narrow)


@cache
def folding(how: str, type: DType, columns: bool = False) -> Kernel:
    """sum, prod, mean, l1, min, max of a type; of booleans max is or, min is and. A unit is one kept index, or a
    block of `columns`."""
    name = f"fold_{how}_{type}{'_columns' if columns else ''}"
    return Kernel(name, ARGS, partial(_emit, type, how, columns))


RUNNING_ARGS = (
    "source", "target", "steps", "source_step", "target_step", "exclusive",
    *(f"n{k}" for k in range(KEPT)), *(f"s{k}" for k in range(KEPT)), *(f"t{k}" for k in range(KEPT)),
)  # fmt: skip


def _emit_running(type: DType, columns: bool, e: Emitter, a: Arguments) -> None:
    held = dt.f64 if type.is_float else type
    count = side_by_side(e.lanes, type) if columns else 1
    own = e.b.icmp_signed("==", a.exclusive, e.i64(0))
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        source, target = _places(e, a, unit, count)

        def step(i: Value, total: Value) -> Sequence[Value]:
            x = read(e, type, e.add(source, e.mul(i, a.source_step)), count)
            x = e.b.fpext(x, several(held, count)) if type is dt.f32 else x
            after = combine(e, held, "sum", total, x)
            result = e.b.select(own, after, total)
            result = e.b.fptrunc(result, several(type, count)) if type is dt.f32 else result
            write(e, type, result, e.add(target, e.mul(i, a.target_step)))
            return [after]

        e.fold(0, a.steps, 1, [number(held, 0, count)], step)


@cache
def running(type: DType, columns: bool = False) -> Kernel:
    name = f"running_sum_{type}{'_columns' if columns else ''}"
    return Kernel(name, RUNNING_ARGS, partial(_emit_running, type, columns))
