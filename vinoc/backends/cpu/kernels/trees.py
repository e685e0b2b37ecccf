"""Ensembles of decision trees: several descents at once, so that the loads of one do not wait for those of another.

A node is a record: a threshold, the feature that it tests, and the record of its left child, which the right one
follows. So a step is `at = left + !(x <= threshold)`, without a branch. A leaf leads to itself: its threshold is a NaN,
which sends all values to the right, and its left child is the record before it. The lower bits of that NaN are the
number of the leaf's weights.

A unit is a block of rows and a group of trees. In `rows` form several rows descend one tree, which stays in the cache
meanwhile; in `few` form one row descends several trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, TypeAlias

from llvmlite import ir

from ....ir import dtype as dt
from ....ir.dtype import DType
from ....ir.record import record
from ..codegen.emit import F32, F64, I1, I32, I64, Emitter
from ..codegen.typed import Typed
from .base import Arguments, Kernel
from .scalar import combine, read, several, write

Value: TypeAlias = Any

ARGS = (
    "x", "x_row", "rows", "block", "records", "table", "trees", "group", "groups", "depth", "shift", "mask",
    "leaves", "width", "out", "out_row", "out_group", "count",
)  # fmt: skip
"""`mask` finds the feature in a word, and `shift` the child. A leaf has `width` weights, a row `count` results."""

OFFSET, DEPTH, LEAVES, TARGET, ENTRY = 0, 8, 16, 24, 32
"""Bytes of a tree's entry in the table: where its records begin, its depth, its first weights, its first column."""

FLIGHT = 8
"""Descents at once."""

CHUNK = 4
"""Steps after which it is asked whether all have arrived."""

NEUTRAL = {"sum": -0.0, "min": float("inf"), "max": -float("inf")}


@record(frozen=True)
class Layout:
    """How records lie in memory: threshold, feature and child in 8 bytes, or with room for more of both in 16."""

    type: DType
    wide: bool

    @property
    def size(self) -> int:
        return 16 if self.wide else 8

    @property
    def payload(self) -> int:
        """The bits of a NaN that number leaves."""
        return (1 << (51 if self.type is dt.f64 else 22)) - 1

    def __str__(self) -> str:
        return f"{self.type}{'_wide' if self.wide else ''}"


@record(frozen=True)
class Form:
    """A variant of the kernel. `nan`: some nodes send NaN to the left; `single`: leaves have one weight."""

    layout: Layout
    reduce: str
    single: bool
    few: bool
    nan: bool

    def __str__(self) -> str:
        parts = (self.reduce, "single" * self.single, "few" * self.few, "nan" * self.nan)
        return "_".join(["trees", str(self.layout), *filter(None, parts)])


@record()
class _Descent:
    """One row on its way down a tree. `valid`: whether it is wanted at all."""

    row: Value
    records: Value
    leaves: Value
    out: Value
    valid: Value | None


class _Walker:
    """Writes the code of a variant."""

    def __init__(self, form: Form, e: Emitter, a: Arguments) -> None:
        self.form, self.e, self.a = form, e, a
        self.type, self.item = form.layout.type, form.layout.type.numpy.itemsize

    def step(self, way: _Descent, at: Value) -> Value:
        """The next record."""
        e, b, layout = self.e, self.e.b, self.form.layout
        here = e.add(way.records, e.mul(at, layout.size))
        threshold = e.load(here, F64 if self.type is dt.f64 else F32, self.item)
        word = b.zext(e.load(e.add(here, layout.size - 4), I32), I64)
        child = b.lshr(word, self.a.shift)
        if layout.wide:
            child = b.zext(e.load(e.add(here, 8), I32), I64)
        feature = e.mul(b.and_(word, self.a.mask), self.item // 2)
        value = read(e, self.type, e.add(way.row, feature))
        right = b.fcmp_unordered("ugt", value, threshold)
        if self.form.nan:
            stays = b.and_(b.fcmp_unordered("uno", value, value), b.trunc(word, I1))
            right = b.and_(right, b.not_(stays))
        return b.add(child, b.zext(right, I64))

    def descend(self, ways: Sequence[_Descent], depth: Value) -> list[Value]:
        """The leaf that each of several reaches."""
        e, b = self.e, self.e.b

        def steps(*ats: Value) -> list[Value]:
            return [self.step(way, at) for way, at in zip(ways, ats, strict=True)]

        start = [e.i64(1)] * len(ways)
        ats = e.fold(0, b.and_(depth, e.i64(CHUNK - 1)), 1, start, lambda _, *ats: steps(*ats))
        chunks = e.div(depth, CHUNK)
        before = b.block
        head, inside, after = (e.function.append_basic_block(n) for n in ("head", "steps", "after"))
        b.branch(head)
        b.position_at_end(head)
        left, *phis = (b.phi(I64) for _ in range(len(ways) + 1))
        for phi, value in zip((left, *phis), (chunks, *ats), strict=True):
            phi.add_incoming(value, before)
        b.cbranch(b.icmp_signed(">", left, e.i64(0)), inside, after)
        b.position_at_end(inside)
        last, now = list(phis), list(phis)
        for _ in range(CHUNK):
            last, now = now, steps(*now)
        moved = e.i64(0)
        for old, new in zip(last, now, strict=True):
            moved = b.or_(moved, b.xor(old, new))
        rest = b.select(b.icmp_signed("==", moved, e.i64(0)), e.i64(0), e.add(left, -1))
        for phi, value in zip((left, *phis), (rest, *now), strict=True):
            phi.add_incoming(value, b.block)
        b.branch(head)
        b.position_at_end(after)
        return list(phis)

    def weights(self, way: _Descent, at: Value) -> Value:
        """The address of a leaf's weights."""
        e, layout = self.e, self.form.layout
        bits = e.load(e.add(way.records, e.mul(at, layout.size)), I64 if self.type is dt.f64 else I32, self.item)
        number = e.b.and_(bits, ir.Constant(bits.type, layout.payload))
        number = number if self.type is dt.f64 else e.b.zext(number, I64)
        return e.add(way.leaves, e.mul(e.mul(number, self.a.width), self.item))

    def join(self, ways: Sequence[_Descent], weights: Sequence[Value]) -> None:
        """What the leaves give goes to the results."""
        if self.form.single:
            for way, at in zip(ways, weights, strict=True):
                self._guarded(way, lambda way=way, at=at: self._join_one(way, at))  # type: ignore[misc]
        elif self.form.few:
            self._join_together(ways, weights)
        else:
            for way, at in zip(ways, weights, strict=True):
                self._guarded(way, lambda way=way, at=at: self._join_line(way, at))  # type: ignore[misc]

    def _guarded(self, way: _Descent, emit: Any) -> None:
        if way.valid is None:
            emit()
        else:
            with self.e.when(way.valid):
                emit()

    def _join_one(self, way: _Descent, at: Value) -> None:
        e, type = self.e, self.type
        so_far = read(e, type, way.out)
        write(e, type, combine(e, type, self.form.reduce, so_far, read(e, type, at)), way.out)

    def _join_line(self, way: _Descent, at: Value) -> None:
        e, t = self.e, Typed(self.e, self.vector)
        with e.loop(0, self.a.width, self.vector) as w:
            mask, offset = t.mask(w, self.a.width), e.mul(w, self.item)
            out = e.add(way.out, offset)
            more = t.load(self.type, e.add(at, offset), mask)
            t.store(self.type, self._combined(t.load(self.type, out, mask), more), out, mask)

    def _join_together(self, ways: Sequence[_Descent], weights: Sequence[Value]) -> None:
        """Several trees' leaves for one row."""
        e, t = self.e, Typed(self.e, self.vector)
        nothing = t.constant(self.type, NEUTRAL[self.form.reduce])
        with e.loop(0, self.a.width, self.vector) as w:
            mask, offset = t.mask(w, self.a.width), e.mul(w, self.item)
            out = e.add(ways[0].out, offset)
            so_far = t.load(self.type, out, mask)
            for way, at in zip(ways, weights, strict=True):
                more = t.load(self.type, e.add(at, offset), mask)
                if way.valid is not None:
                    more = e.b.select(way.valid, more, nothing)
                so_far = self._combined(so_far, more)
            t.store(self.type, so_far, out, mask)

    @property
    def vector(self) -> int:
        return 4 * self.e.lanes // self.item

    def _combined(self, x: Value, y: Value) -> Value:
        if self.form.reduce == "sum":
            return self.e.b.fadd(x, y)
        return self.e.minimum(x, y) if self.form.reduce == "min" else self.e.maximum(x, y)


def _emit(form: Form, e: Emitter, a: Arguments) -> None:
    walker = _Walker(form, e, a)
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        group, block = e.rem(unit, a.groups), e.div(unit, a.groups)
        first = e.mul(block, a.block)
        end = e.min(e.add(first, a.block), a.rows)
        tree = e.mul(group, a.group)
        trees = e.min(e.add(tree, a.group), a.trees)
        out = e.add(a.out, e.mul(group, a.out_group))
        _clear(walker, out, first, end)
        if form.few:
            with e.loop(first, end) as r, e.loop(tree, trees, FLIGHT) as t:
                _trees_of_row(walker, out, r, t, trees)
        else:
            with e.loop(tree, trees) as t, e.loop(first, end, FLIGHT) as r:
                _rows_of_tree(walker, out, t, r, end)


def _clear(walker: _Walker, out: Value, first: Value, end: Value) -> None:
    e, a, type = walker.e, walker.a, walker.type
    start = ir.Constant(several(type, 1), NEUTRAL[walker.form.reduce] + 0.0)
    with e.loop(first, end) as r, e.loop(0, a.count) as c:
        write(e, type, start, e.add(e.add(out, e.mul(r, a.out_row)), e.mul(c, walker.item)))


def _entry(e: Emitter, a: Arguments, tree: Value) -> list[Value]:
    """Records, depth, weights and offset of the column of a tree."""
    at = e.add(a.table, e.mul(tree, ENTRY))
    offset, depth, leaves, target = (e.load(e.add(at, n), I64, 8) for n in (OFFSET, DEPTH, LEAVES, TARGET))
    return [e.add(a.records, offset), depth, e.add(a.leaves, leaves), target]


def _rows_of_tree(walker: _Walker, out: Value, tree: Value, r: Value, end: Value) -> None:
    e, a = walker.e, walker.a
    records, depth, leaves, target = _entry(e, a, tree)
    ways, last = [], e.add(end, -1)
    for k in range(FLIGHT):
        row = e.min(e.add(r, k), last) if k else r
        valid = e.b.icmp_signed("<", e.add(r, k), end) if k else None
        into = e.add(e.add(out, e.mul(row, a.out_row)), target)
        ways.append(_Descent(e.add(a.x, e.mul(row, a.x_row)), records, leaves, into, valid))
    ends = walker.descend(ways, depth)
    walker.join(ways, [walker.weights(way, at) for way, at in zip(ways, ends, strict=True)])


def _trees_of_row(walker: _Walker, out: Value, r: Value, tree: Value, trees: Value) -> None:
    e, a = walker.e, walker.a
    row, into = e.add(a.x, e.mul(r, a.x_row)), e.add(out, e.mul(r, a.out_row))
    ways, last = [], e.add(trees, -1)
    for k in range(FLIGHT):
        here = e.min(e.add(tree, k), last) if k else tree
        valid = e.b.icmp_signed("<", e.add(tree, k), trees) if k else None
        records, _, leaves, target = _entry(e, a, here)
        ways.append(_Descent(row, records, leaves, e.add(into, target), valid))
    ends = walker.descend(ways, a.depth)
    walker.join(ways, [walker.weights(way, at) for way, at in zip(ways, ends, strict=True)])


@cache
def trees(form: Form) -> Kernel:
    """The kernel of a variant."""
    return Kernel(str(form), ARGS, partial(_emit, form))


def _emit_total(type: DType, reduce: str, e: Emitter, a: Arguments) -> None:
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        at = e.add(a.source, e.mul(unit, type.numpy.itemsize))

        def step(group: Value, so_far: Value) -> list[Value]:
            return [combine(e, type, reduce, so_far, read(e, type, e.add(at, e.mul(group, a.group))))]

        (total,) = e.fold(1, a.groups, 1, [read(e, type, at)], step)
        write(e, type, total, e.add(a.target, e.mul(unit, type.numpy.itemsize)))


@cache
def total(type: DType, reduce: str) -> Kernel:
    """What groups of trees give, joined. A unit is an element."""
    return Kernel(f"trees_total_{type}_{reduce}", ("source", "target", "groups", "group"),
                  partial(_emit_total, type, reduce))  # fmt: skip
