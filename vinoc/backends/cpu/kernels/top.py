"""The best k elements of a line, and where they are, by insertion into a sorted list of those found so far.

The list is the result itself. An element enters it when it is better than the last one there, and moves ahead of those
that it is better than; so of equal ones the first counts. NaN is larger than all numbers. For n elements in random
order k ln(n / k) enter. A unit is one line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

from llvmlite import ir

from ....ir import dtype as dt
from ....ir.dtype import DType
from ..codegen.emit import I64, Emitter
from .base import Arguments, Kernel
from .scalar import Value, moved, number, precedes, read, several, side_by_side, split, wide, write

OUTER = 4
ARGS = (
    "source", "values", "indices", "n", "k", "step", "value_step", "index_step",
    *(f"n{d}" for d in range(OUTER)), *(f"s{d}" for d in range(OUTER)), *(f"v{d}" for d in range(OUTER)),
    *(f"i{d}" for d in range(OUTER)),
)  # fmt: skip


def _sizes(a: Arguments) -> list[Value]:
    return [getattr(a, f"n{d}") for d in range(OUTER)]


def _line(e: Emitter, a: Arguments, at: Sequence[Value]) -> list[Value]:
    """The addresses of a line's elements, values and indices."""
    bases = ((a.source, "s"), (a.values, "v"), (a.indices, "i"))
    return [moved(e, base, at, [getattr(a, f"{mark}{d}") for d in range(OUTER)]) for base, mark in bases]


class _List:
    """The sorted list of a line."""

    def __init__(
        self, e: Emitter, type: DType, index: DType, values: Value, indices: Value, steps: tuple[Value, Value]
    ) -> None:
        self.e, self.type, self.index = e, type, index
        self.values, self.indices, self.steps = values, indices, steps

    def value(self, j: Value) -> Value:
        return read(self.e, self.type, self.e.add(self.values, self.e.mul(j, self.steps[0])))

    def place(self, j: Value) -> Value:
        at = self.e.add(self.indices, self.e.mul(j, self.steps[1]))
        return wide(self.e, self.index, read(self.e, self.index, at))

    def put(self, j: Value, value: Value, place: Value) -> None:
        e = self.e
        write(e, self.type, value, e.add(self.values, e.mul(j, self.steps[0])))
        short = place if self.index is dt.i64 else e.b.trunc(place, e.i32(0).type)
        write(e, self.index, short, e.add(self.indices, e.mul(j, self.steps[1])))

    def insert(self, last: Value, value: Value, place: Value, ahead: Callable[[Value], Value]) -> None:
        """Puts an entry at `last`, or before those that it goes `ahead` of: ahead(j) of the entry at j."""
        e = self.e
        before = e.b.block
        head, look, move, after = (e.function.append_basic_block(n) for n in ("head", "look", "move", "after"))
        e.b.branch(head)
        e.b.position_at_end(head)
        j = e.b.phi(I64)
        j.add_incoming(last, before)
        e.b.cbranch(e.b.icmp_signed(">", j, e.i64(0)), look, after)
        e.b.position_at_end(look)
        previous = e.add(j, -1)
        e.b.cbranch(ahead(previous), move, after)
        e.b.position_at_end(move)
        self.put(j, self.value(previous), self.place(previous))
        j.add_incoming(previous, e.b.block)
        e.b.branch(head)
        e.b.position_at_end(after)
        self.put(j, value, place)


def _emit(type: DType, index: DType, largest: bool, by_index: bool, along: bool, e: Emitter, a: Arguments) -> None:
    """`along`: of adjacent elements, a vector at a time is compared with the last of the list; seldom is one better."""
    count = vector(e.lanes, type)

    def better(x: Value, y: Value) -> Value:
        return precedes(e, type, y, x) if largest else precedes(e, type, x, y)

    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        source, values, indices = _line(e, a, split(e, unit, _sizes(a)))
        found = _List(e, type, index, values, indices, (a.value_step, a.index_step))
        with e.loop(0, a.k) as t:
            x = read(e, type, e.add(source, e.mul(t, a.step)))
            found.insert(t, x, t, lambda j, x=x: better(x, found.value(j)))  # type: ignore[misc]
        last = e.add(a.k, -1)

        def enter(first: Value, end: Value, found: _List = found, source: Value = source) -> None:
            with e.loop(first, end) as t:
                x = read(e, type, e.add(source, e.mul(t, a.step)))
                with e.when(better(x, found.value(last))):
                    found.insert(last, x, t, lambda j, x=x: better(x, found.value(j)))  # type: ignore[misc]

        rest = a.k
        if along:
            rest = e.add(a.k, e.b.and_(e.b.sub(a.n, a.k), e.i64(-count)))
            with e.loop(a.k, rest, count) as t:
                together = read(e, type, e.add(source, e.mul(t, type.numpy.itemsize)), count)
                limit = e.splat(found.value(last), several(type, count))
                hits = e.b.bitcast(better(together, limit), ir.IntType(count))
                with e.when(e.b.icmp_unsigned("!=", hits, ir.Constant(hits.type, 0))):
                    enter(t, e.add(t, count))
        enter(rest, a.n)
        if by_index:
            with e.loop(1, a.k) as t:
                value, place = found.value(t), found.place(t)
                found.insert(t, value, place, lambda j, p=place: e.b.icmp_signed(">", found.place(j), p))  # type: ignore[misc]


def _emit_best(type: DType, index: DType, largest: bool, columns: bool, e: Emitter, a: Arguments) -> None:
    """k = 1: of one line, or of lines side by side, whose last block is shifted back."""
    count = side_by_side(e.lanes, type) if columns else 1
    sizes = _sizes(a)
    if columns:
        sizes[-1] = e.div(e.add(a.n3, count - 1), count)
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        at = split(e, unit, sizes)
        if columns:
            at[-1] = e.min(e.mul(at[-1], count), e.b.sub(a.n3, e.i64(count)))
        source, values, indices = _line(e, a, at)

        def step(t: Value, best: Value, place: Value) -> Sequence[Value]:
            x = read(e, type, e.add(source, e.mul(t, a.step)), count)
            better = precedes(e, type, best, x) if largest else precedes(e, type, x, best)
            here = t if index is dt.i64 else e.b.trunc(t, e.i32(0).type)
            here = here if count == 1 else e.splat(here, several(index, count))
            return [e.b.select(better, x, best), e.b.select(better, here, place)]

        best, place = e.fold(1, a.n, 1, [read(e, type, source, count), number(index, 0, count)], step)
        write(e, type, best, values)
        write(e, index, place, indices)


def vector(lanes: int, type: DType) -> int:
    """Elements of a line that are compared at a time."""
    return min(4 * lanes // type.numpy.itemsize, lanes)


def _emit_best_along(type: DType, index: DType, largest: bool, e: Emitter, a: Arguments) -> None:
    """k = 1: of a line of adjacent elements. Each lane finds the best of its own; then the lanes are compared."""
    count = vector(e.lanes, type)
    item = type.numpy.itemsize

    def better(x: Value, y: Value) -> Value:
        return precedes(e, type, y, x) if largest else precedes(e, type, x, y)

    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        source, values, indices = _line(e, a, split(e, unit, _sizes(a)))

        def step(t: Value, best: Value, place: Value) -> Sequence[Value]:
            x = read(e, type, e.add(source, e.mul(t, item)), count)
            chosen = better(x, best)
            return [e.b.select(chosen, x, best), e.b.select(chosen, e.splat(t, several(dt.i64, count)), place)]

        def single(t: Value, best: Value, place: Value) -> Sequence[Value]:
            x = read(e, type, e.add(source, e.mul(t, item)))
            chosen = better(x, best)
            return [e.b.select(chosen, x, best), e.b.select(chosen, t, place)]

        whole = e.b.sub(a.n, e.rem(a.n, count))
        best, place = e.fold(count, whole, count, [read(e, type, source, count), number(dt.i64, 0, count)], step)
        lanes = [[e.b.extract_element(v, e.i32(k)) for v in (best, place)] for k in range(count)]
        x, first = lanes[0]
        for k, (y, t) in enumerate(lanes[1:], 1):
            other = e.add(t, k)
            earlier = e.b.and_(e.b.icmp_signed("<", other, first), e.b.not_(better(x, y)))
            chosen = e.b.or_(better(y, x), earlier)
            x, first = e.b.select(chosen, y, x), e.b.select(chosen, other, first)
        x, first = e.fold(whole, a.n, 1, [x, first], single)
        write(e, type, x, values)
        write(e, index, first if index is dt.i64 else e.b.trunc(first, e.i32(0).type), indices)


@cache
def best_along(type: DType, index: DType, largest: bool) -> Kernel:
    """The first of the best elements of a line of adjacent ones, at least a vector."""
    return Kernel(
        f"best_{'max' if largest else 'min'}_{type}_{index}_along", ARGS,
        partial(_emit_best_along, type, index, largest),
    )  # fmt: skip


@cache
def best(type: DType, index: DType, largest: bool, columns: bool) -> Kernel:
    """The first of the best elements of a line; `columns`: of adjacent lines."""
    name = f"best_{'max' if largest else 'min'}_{type}_{index}{'_columns' if columns else ''}"
    return Kernel(name, ARGS, partial(_emit_best, type, index, largest, columns))


@cache
def top(type: DType, index: DType, largest: bool, by_index: bool, along: bool = False) -> Kernel:
    """The best elements of a line, by insertion; `along`: of adjacent ones."""
    name = f"top_{'max' if largest else 'min'}_{type}_{index}{'_in_order' * by_index}{'_along' * along}"
    return Kernel(name, ARGS, partial(_emit, type, index, largest, by_index, along))
