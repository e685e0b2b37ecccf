"""Elements of any type one by one: what kernels that follow indices, and reductions of integers, are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from llvmlite import ir

from ....ir import dtype as dt
from ....ir.dtype import DType
from ..codegen.emit import F32, F64, I64, Emitter

Value: TypeAlias = Any

NUMBERS = (dt.f32, dt.f64, dt.i8, dt.i16, dt.i32, dt.i64, dt.u8, dt.u16, dt.u32, dt.u64)
"""Types that kernels compute with as they are."""


def scalar(type: DType) -> ir.Type:
    """The type in memory: booleans are bytes."""
    if type is dt.boolean:
        return ir.IntType(8)
    if type.is_float:
        return F32 if type is dt.f32 else F64
    return ir.IntType(type.bits)


def several(type: DType, count: int) -> ir.Type:
    """A vector of elements; one alone is no vector."""
    return scalar(type) if count == 1 else ir.VectorType(scalar(type), count)


def side_by_side(lanes: int, type: DType) -> int:
    """How many columns a kernel takes at a time, on a target of so many lanes of f32."""
    return 16 * lanes // type.numpy.itemsize


def number(type: DType, x: int, count: int = 1) -> Value:
    """A constant, in all elements."""
    one: Any = float(x) if type.is_float else x
    return ir.Constant(several(type, count), one if count == 1 else [one] * count)


def read(e: Emitter, type: DType, address: Value, count: int = 1) -> Value:
    return e.load(address, several(type, count), type.numpy.itemsize)


def write(e: Emitter, type: DType, value: Value, address: Value) -> None:
    e.store(value, address, type.numpy.itemsize)


def less(e: Emitter, type: DType, x: Value, y: Value) -> Value:
    """x < y; false where one is NaN."""
    if type.is_float:
        return e.b.fcmp_ordered("<", x, y)
    return (e.b.icmp_signed if type.kind == "i" else e.b.icmp_unsigned)("<", x, y)


def precedes(e: Emitter, type: DType, x: Value, y: Value) -> Value:
    """x < y in the order of sorting, where NaN is the largest."""
    smaller = less(e, type, x, y)
    if not type.is_float:
        return smaller
    return e.b.or_(smaller, e.b.and_(e.b.fcmp_unordered("uno", y, y), e.b.fcmp_ordered("ord", x, x)))


def extreme(e: Emitter, type: DType, x: Value, y: Value, largest: bool) -> Value:
    """The larger or smaller; NaN where either is."""
    chosen = less(e, type, y, x) if largest else less(e, type, x, y)
    if type.is_float:
        chosen = e.b.or_(chosen, e.b.fcmp_unordered("uno", x, x))
    return e.b.select(chosen, x, y)


def combine(e: Emitter, type: DType, how: str, x: Value, y: Value) -> Value:
    """sum, prod, sub, min, max; integers wrap around. Booleans are 0 or 1: sum is or, prod is and."""
    if type is dt.boolean:
        return e.b.or_(x, y) if how in ("sum", "max") else e.b.and_(x, y)
    if how in ("min", "max"):
        return extreme(e, type, x, y, how == "max")
    name = {"sum": "add", "prod": "mul", "sub": "sub"}[how]
    return getattr(e.b, f"f{name}" if type.is_float else name)(x, y)


def wide(e: Emitter, type: DType, x: Value) -> Value:
    """An integer as i64."""
    if x.type == I64:
        return x
    return (e.b.sext if type.kind == "i" else e.b.zext)(x, I64)


def split(e: Emitter, unit: Value, sizes: Sequence[Value]) -> list[Value]:
    """The indices of a unit over dimensions, outermost first."""
    found = []
    for size in reversed(sizes):
        found.append(e.rem(unit, size))
        unit = e.div(unit, size)
    return found[::-1]


def moved(e: Emitter, base: Value, indices: Sequence[Value], strides: Sequence[Value]) -> Value:
    """base + sum(index * stride)"""
    for index, stride in zip(indices, strides, strict=True):
        base = e.add(base, e.mul(index, stride))
    return base


def checked(e: Emitter, index: Value, size: Value, fault: Value) -> Value:
    """An index that counts from the end where it is negative. One out of range is noted, and stands for 0."""
    wrapped = e.b.select(e.b.icmp_signed("<", index, e.i64(0)), e.add(index, size), index)
    good = e.b.icmp_unsigned("<", wrapped, size)
    with e.when(e.b.not_(good)):
        e.store(e.i64(1), fault, 8)
        e.store(index, e.add(fault, 8), 8)
    return e.b.select(good, wrapped, e.i64(0))
