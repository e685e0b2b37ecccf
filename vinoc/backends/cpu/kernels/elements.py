"""One element for each index: GatherElements, ScatterElementsUpdate, and the offsets of points.

    out[i, j, k] = in[i, index[i, j, k], k]                                        (`picking`, along the axis of j)
    out[i, index[i, j, k], k] = combine(out[i, index[i, j, k], k], update[i, j, k])  (`putting`)
    table[p] = sum over d of stride[d] * point[p, d]                               (`POINTS`)

A unit is one index of all dimensions but the axis: what meets in one element is combined in order, by one thread.
Indices out of range are noted, and stand for 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from llvmlite import ir

from ....ir import dtype as dt
from ....ir.dtype import DType
from ..codegen.emit import Emitter
from .base import Arguments, Kernel
from .scalar import Value, checked, combine, moved, read, split, wide, write

OUTER = 5
"""Dimensions other than the axis."""

ARGS = (
    "data", "indices", "values", "size", "count", "step", "index_step", "value_step", "fault",
    *(f"n{k}" for k in range(OUTER)), *(f"d{k}" for k in range(OUTER)), *(f"i{k}" for k in range(OUTER)),
    *(f"v{k}" for k in range(OUTER)),
)  # fmt: skip
"""`data` is what indices point into; `values` go with the indices: what is picked, or put. Along the axis `data` has
`size` elements `step` bytes apart; there are `count` indices."""

INDICES = (dt.i32, dt.i64)
WORDS = {1: dt.u8, 2: dt.u16, 4: dt.u32, 8: dt.u64}
"""Types to move elements of any type as."""


def _along(e: Emitter, a: Arguments, index_type: DType, body: Any) -> None:
    """body(address in data, address in values) for all indices of the units."""
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        at = split(e, unit, [getattr(a, f"n{k}") for k in range(OUTER)])
        data, indices, values = (
            moved(e, base, at, [getattr(a, f"{mark}{k}") for k in range(OUTER)])
            for base, mark in ((a.data, "d"), (a.indices, "i"), (a.values, "v"))
        )
        with e.loop(0, a.count) as k:
            index = wide(e, index_type, read(e, index_type, e.add(indices, e.mul(k, a.index_step))))
            place = checked(e, index, a.size, a.fault)
            body(e.add(data, e.mul(place, a.step)), e.add(values, e.mul(k, a.value_step)))


def _emit_pick(type: DType, index_type: DType, e: Emitter, a: Arguments) -> None:
    _along(e, a, index_type, lambda data, value: write(e, type, read(e, type, data), value))


def _emit_put(type: DType, index_type: DType, how: str, e: Emitter, a: Arguments) -> None:
    def body(data: Value, value: Value) -> None:
        x = read(e, type, value)
        write(e, type, x if how == "none" else combine(e, type, how, read(e, type, data), x), data)

    _along(e, a, index_type, body)


@cache
def picking(item: int, index_type: DType) -> Kernel:
    """Of elements of so many bytes."""
    return Kernel(f"pick{8 * item}_{index_type}", ARGS, partial(_emit_pick, WORDS[item], index_type))


@cache
def putting(type: DType, index_type: DType, how: str = "none") -> Kernel:
    return Kernel(f"put_{how}_{type}_{index_type}", ARGS, partial(_emit_put, type, index_type, how))


POINT_ARGS = ("points", "table", "depth", "batch", "batch_step", "sizes", "strides", "fault")
"""`batch` points belong to one batch; batches are `batch_step` bytes apart. A unit is one point."""


def _emit_points(index_type: DType, e: Emitter, a: Arguments) -> None:
    item = index_type.numpy.itemsize
    with e.loop(e.function.args[1], e.function.args[2]) as p:
        point = e.add(a.points, e.mul(e.mul(p, a.depth), item))

        def step(d: Value, total: Value) -> Sequence[Value]:
            index = wide(e, index_type, read(e, index_type, e.add(point, e.mul(d, item))))
            at = e.mul(d, 8)
            size, stride = (read(e, dt.i64, e.add(base, at)) for base in (a.sizes, a.strides))
            return [e.add(total, e.mul(checked(e, index, size, a.fault), stride))]

        first = e.mul(e.div(p, a.batch), a.batch_step)
        (offset,) = e.fold(0, a.depth, 1, [first], step)
        e.store(offset, e.add(a.table, e.mul(p, 8)), 8)


POINTS = {t: Kernel(f"points_{t}", POINT_ARGS, partial(_emit_points, t)) for t in INDICES}

SCATTER_ARGS = (
    "target", "updates", "table", "count", "inner", "part", "parts", "target_outer", "update_outer", "update_step",
)  # fmt: skip
"""Rows of `inner` adjacent elements. A unit is a part of the rows of one outer index; it takes all updates in order."""


def _emit_scatter(type: DType, how: str, e: Emitter, a: Arguments) -> None:
    size = type.numpy.itemsize
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        outer, first = e.div(unit, a.parts), e.mul(e.rem(unit, a.parts), a.part)
        end = e.min(e.add(first, a.part), a.inner)
        target, updates = e.add(a.target, e.mul(outer, a.target_outer)), e.add(a.updates, e.mul(outer, a.update_outer))
        with e.loop(0, a.count) as p:
            into = e.add(target, read(e, dt.i64, e.add(a.table, e.mul(p, 8))))
            update = e.add(updates, e.mul(p, a.update_step))
            with e.loop(first, end) as k:
                at = e.mul(k, size)
                x = read(e, type, e.add(update, at))
                if how != "none":
                    x = combine(e, type, how, read(e, type, e.add(into, at)), x)
                write(e, type, x, e.add(into, at))


@cache
def scattering(type: DType, how: str = "none") -> Kernel:
    return Kernel(f"scatter_{how}_{type}", SCATTER_ARGS, partial(_emit_scatter, type, how))


ONE_HOT_ARGS = ("indices", "target", "value", "depth", "inner", "outer_step", "step", "inner_step")
"""The value's bits. A unit is one index; those out of range set nothing."""


def _emit_one_hot(item: int, index_type: DType, e: Emitter, a: Arguments) -> None:
    held = ir.IntType(8 * item)
    value = a.value if item == 8 else e.b.trunc(a.value, held)
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        index = wide(e, index_type, read(e, index_type, e.add(a.indices, e.mul(unit, index_type.numpy.itemsize))))
        outer, inner = e.div(unit, a.inner), e.rem(unit, a.inner)
        at = moved(e, a.target, [outer, inner, index], [a.outer_step, a.inner_step, a.step])
        with e.when(e.b.icmp_unsigned("<", index, a.depth)):
            e.store(value, at, item)


@cache
def one_hot(item: int, index_type: DType) -> Kernel:
    """The elements that an index names, of a target that is filled before."""
    return Kernel(f"one_hot{8 * item}_{index_type}", ONE_HOT_ARGS, partial(_emit_one_hot, item, index_type))
