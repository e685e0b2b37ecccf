"""Chains of elementwise operations: a kernel for each expression, made when it is first asked for.

An expression is a list of steps over operands. Its kernel is named by a hash of what decides its code: the steps, the
types, and how each operand is read along the innermost dimension. Sizes, strides and the values of scalar constants
stand in the argument block, so that one kernel serves all shapes and scalars.

Five dimensions, outermost first; the last is the output's innermost, whose elements are adjacent. A unit is one
index of the outer three, one block of rows, one part of the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

from ....ir.digest import digest
from ....ir.dtype import DType
from ....ir.record import record
from ..codegen import (
    activations,  # noqa: F401  # declares operations
    grids,
)
from ..codegen.emit import Emitter
from ..codegen.operations import OPERATIONS, Step
from ..codegen.target import Target
from ..codegen.typed import Typed
from .base import Arguments, Kernel

Value: TypeAlias = Any

DIMS = 5
ADJACENT, REPEATED, APART, SCALAR = "adjacent", "repeated", "apart", "scalar"
"""How an operand is read: vectors; one element for a row; elements one by one; a constant in the argument block."""

UNROLL = 4
"""Vectors of a step of the inner loop: their latencies overlap."""


@record(frozen=True)
class Expression:
    """Steps over operands of given types. The last step's result is the expression's."""

    operands: tuple[DType, ...]
    steps: tuple[Step, ...]

    @property
    def type(self) -> DType:
        return self.steps[-1].type

    @property
    def types(self) -> tuple[DType, ...]:
        return (*self.operands, *(s.type for s in self.steps))

    def name(self) -> str:
        return _name(self)

    def emit(self, t: Typed, operands: Sequence[Value]) -> Value:
        """The result of vectors of operands."""
        return self._compute(t, operands, self.steps)[-1]

    def _compute(self, t: Typed, operands: Sequence[Value], steps: Sequence[Step]) -> list[Value]:
        values = list(operands)
        for step in steps:
            result = OPERATIONS[step.kind](t, step, *(values[k] for k in step.args))
            values.append(t.rounded(step.type, result))
        return values

    @property
    def rounds(self) -> bool:
        """Whether the result is that of a Quantize."""
        return self.steps[-1].kind == "Quantize"

    def levels(self, t: Typed, operands: Sequence[Value]) -> Value:
        """The levels of the last step, a Quantize, as i32."""
        *steps, last = self.steps
        values = self._compute(t, operands, steps)
        return grids.level(t, last, *(values[k] for k in last.args))


@cache
def _name(expression: Expression) -> str:
    return digest(repr(expression).encode())[:20]


def lanes_of(target: Target, types: Sequence[DType]) -> int:
    """Elements of a vector: as many as the widest type has in a register, but no fewer than half of f32's."""
    widest = max(t.numpy.itemsize for t in types)
    return max(target.lanes * 4 // widest, 2)


@cache
def chain(expression: Expression, reads: tuple[str, ...]) -> Kernel:
    """The kernel of an expression whose operands are read in given ways."""
    names = ["output", *(f"x{k}" for k in range(len(reads)))]
    strides = [f"{n}_{d}" for n, way in zip(names, ("", *reads)) if way != SCALAR for d in range(DIMS)]
    sizes = (*(f"n{d}" for d in range(DIMS)), "block", "blocks", "part", "parts")
    key = digest(f"{expression.name()}{reads}".encode())[:20]
    return Kernel(f"chain_{key}", (*names, *sizes, *strides), _Chain(expression, reads).emit)


@record(frozen=True)
class _Chain:
    expression: Expression
    reads: tuple[str, ...]

    def emit(self, e: Emitter, a: Arguments) -> None:
        t = Typed(e, lanes_of(e.target, self.expression.types))
        scalars = scalars_of(t, a, self.expression, self.reads)
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            part, rest = e.rem(unit, a.parts), e.div(unit, a.parts)
            block, rest = e.rem(rest, a.blocks), e.div(rest, a.blocks)
            i2, rest = e.rem(rest, a.n2), e.div(rest, a.n2)
            outer = (e.div(rest, a.n1), e.rem(rest, a.n1), i2)
            begin, row = e.mul(part, a.part), e.mul(block, a.block)
            end, last = e.min(e.add(begin, a.part), a.n4), e.min(e.add(row, a.block), a.n3)
            with e.loop(row, last) as r:
                self.row(t, a, scalars, (*outer, r), begin, end)

    def row(
        self, t: Typed, a: Arguments, scalars: dict[int, Value], index: Sequence[Value], begin: Value, end: Value
    ) -> None:
        """One row's columns from begin to end."""
        e = t.e

        def base(name: str) -> Value:
            address = getattr(a, name)
            for d, i in enumerate(index):
                address = e.add(address, e.mul(i, getattr(a, f"{name}_{d}")))
            return address

        readers = []
        for k, (type, way) in enumerate(zip(self.expression.operands, self.reads)):
            stride = getattr(a, f"x{k}_4") if way == APART else None
            readers.append(_reader(t, type, way, scalars.get(k) or base(f"x{k}"), stride, end))
        columns(t, self.expression, readers, base("output"), begin, end, APART not in self.reads)


Reader: TypeAlias = Callable[[Value, "Value | None"], Value]


def _reader(t: Typed, type: DType, way: str, base: Value, stride: Value, end: Value) -> Reader:
    """Gives an operand's vector at a column, under a mask or none."""
    if way == SCALAR:
        return lambda column, mask: base
    if way == REPEATED:
        value = t.broadcast(type, base)
        return lambda column, mask: value
    if way == APART:
        return lambda column, mask: t.gather(type, base, column, end, stride)
    return adjacent(t, type, base)


def scalars_of(t: Typed, a: Arguments, expression: Expression, reads: Sequence[str]) -> dict[int, Value]:
    """The operands that stand in the argument block, by their numbers."""
    operands = enumerate(zip(expression.operands, reads))
    return {k: t.immediate(type, getattr(a, f"x{k}")) for k, (type, way) in operands if way == SCALAR}


def adjacent(t: Typed, type: DType, base: Value) -> Reader:
    size = type.numpy.itemsize
    return lambda column, mask: t.load(type, t.e.add(base, t.e.mul(column, size)), mask)


def columns(
    t: Typed, expression: Expression, readers: Sequence[Reader], output: Value, begin: Value, end: Value, several: bool
) -> None:
    """The inner loop: several vectors a step, then single ones, then a part of one under a mask."""
    e, size = t.e, expression.type.numpy.itemsize
    start = begin
    for many in (UNROLL, 1) if several else (1,):
        step = many * t.count
        limit = e.add(start, e.b.and_(e.b.sub(end, start), e.i64(-step)))
        with e.loop(start, limit, step) as column:
            places = [e.add(column, t.count * v) for v in range(many)]
            # All is read before anything is written: the compiler need not ask whether they overlap.
            operands = [[read(place, None) for read in readers] for place in places]
            if expression.rounds and many == UNROLL:
                levels = [expression.levels(t, values) for values in operands]
                e.store(grids.stored_together(t, levels), e.add(output, column), 1)
            else:
                results = [expression.emit(t, values) for values in operands]
                for place, result in zip(places, results):
                    t.store(expression.type, result, e.add(output, e.mul(place, size)))
        start = limit
    with e.when(e.b.icmp_signed("<", start, end)):
        mask = t.mask(start, end)
        result = expression.emit(t, [read(start, mask) for read in readers])
        t.store(expression.type, result, e.add(output, e.mul(start, size)), mask)
