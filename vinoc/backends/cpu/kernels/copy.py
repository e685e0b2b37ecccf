"""Copies between places of any strides: layout conversion, transposition, slices.

Five dimensions, outermost first, of which the last is the destination's innermost. Where dimension 3 is the source's
innermost and elements have four bytes, squares of both are transposed in registers, so that either side is touched in
whole cache lines; else elements are moved one by one, in blocks.

A unit is a part of the last two dimensions of one index of the outer three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from llvmlite import ir

from ..codegen import lanes as by
from ..codegen.emit import I8, I16, I32, I64, Emitter
from .base import Arguments, Kernel

DIMS = 5
BLOCK = 16
NARROW = (2, 3, 4)
"""Few planes are interleaved, or taken apart, by shuffles of their own."""

ARGS = (
    "source", "target", "way", "part3", "parts3", "part4", "parts4",
    *(f"n{k}" for k in range(DIMS)), *(f"s{k}" for k in range(DIMS)), *(f"t{k}" for k in range(DIMS)),
)  # fmt: skip
"""part3, part4: elements of the last two dimensions in a unit."""

LINES, ITEMS, SQUARES, JOIN, SPLIT, PICK = 0, 1, 2, 10, 20, 30
"""Ways of moving: adjacent elements, one by one, transposed squares; JOIN + n, SPLIT + n: n planes, one of pixels;
PICK + n: every n-th of adjacent ones."""

PICKED = (2, 4)
"""Bytes that are picked as the low ones of wider integers."""


def _emit(item: ir.Type, size: int) -> Any:
    def emit(e: Emitter, a: Arguments) -> None:
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            p4, rest = e.rem(unit, a.parts4), e.div(unit, a.parts4)
            p3, rest = e.rem(rest, a.parts3), e.div(rest, a.parts3)
            i2, rest = e.rem(rest, a.n2), e.div(rest, a.n2)
            i1, i0 = e.rem(rest, a.n1), e.div(rest, a.n1)
            first3, first4 = e.mul(p3, a.part3), e.mul(p4, a.part4)
            source, target = a.source, a.target
            terms = ((i0, a.s0, a.t0), (i1, a.s1, a.t1), (i2, a.s2, a.t2), (first3, a.s3, a.t3), (first4, a.s4, a.t4))
            for i, s, t in terms:
                source, target = e.add(source, e.mul(i, s)), e.add(target, e.mul(i, t))
            box = _Box(
                e, a, source, target, e.min(e.b.sub(a.n3, first3), a.part3), e.min(e.b.sub(a.n4, first4), a.part4)
            )
            ways: dict[int, Callable[[], None]] = {LINES: partial(box.lines, size), ITEMS: partial(box.items, item)}
            if size == 4:
                ways[SQUARES] = box.squares
            if size in (1, 4):
                for n in NARROW:
                    ways[JOIN + n] = partial(box.join, n, item)
                    ways[SPLIT + n] = partial(box.split, n, item)
            if size == 1:
                ways[SQUARES] = box.squares_of_bytes
                ways |= {PICK + n: partial(box.pick, n) for n in PICKED}
            e.switch(a.way, ways)

    return emit


class _Box:
    """A unit: n3 by n4 elements."""

    def __init__(self, e: Emitter, a: Arguments, source: Any, target: Any, n3: Any, n4: Any) -> None:
        self.e, self.a, self.source, self.target, self.n3, self.n4 = e, a, source, target, n3, n4

    def lines(self, size: int) -> None:
        e, a = self.e, self.a
        with e.loop(0, self.n3) as i:
            move_line(e, e.add(self.source, e.mul(i, a.s3)), e.add(self.target, e.mul(i, a.t3)), self.n4, size)

    def items(self, item: ir.Type) -> None:
        """Any strides: blocks, the destination's innermost inside."""
        e, a = self.e, self.a
        align = item.width // 8
        with e.loop(0, self.n3, BLOCK) as i, e.loop(0, self.n4, BLOCK) as j:
            rows, columns = e.min(e.add(i, BLOCK), self.n3), e.min(e.add(j, BLOCK), self.n4)
            with e.loop(i, rows) as y:
                line, into = e.add(self.source, e.mul(y, a.s3)), e.add(self.target, e.mul(y, a.t3))
                with e.loop(j, columns) as x:
                    value = e.load(e.add(line, e.mul(x, a.s4)), item, align)
                    e.store(value, e.add(into, e.mul(x, a.t4)), align)

    def squares(self) -> None:
        """s3 and t4 are 4: squares of lanes x lanes, those at the ends in part.

        The side whose lines lie farther apart is walked along its lines: it touches the more pages.
        """
        e, a, lanes = self.e, self.a, self.e.lanes
        square = e.scratch(lanes * lanes)
        along3 = e.b.icmp_signed(">=", a.s4, a.t3)
        outer, inner = e.b.select(along3, self.n4, self.n3), e.b.select(along3, self.n3, self.n4)
        with e.loop(0, outer, lanes) as x, e.loop(0, inner, lanes) as y:
            i, j = e.b.select(along3, y, x), e.b.select(along3, x, y)
            rows, columns = e.b.sub(self.n3, i), e.b.sub(self.n4, j)
            source = e.add(e.add(self.source, e.mul(i, 4)), e.mul(j, self.a.s4))
            target = e.add(e.add(self.target, e.mul(i, self.a.t3)), e.mul(j, 4))
            whole = e.b.icmp_signed(">=", e.min(rows, columns), e.i64(lanes))
            with e.b.if_else(whole) as (full, part):
                with full:
                    vectors = [e.load(e.add(source, e.mul(self.a.s4, k))) for k in range(lanes)]
                    for k, v in enumerate(transposed(e, vectors)):
                        e.store(v, e.add(target, e.mul(self.a.t3, k)))
                with part:
                    self._part(source, target, rows, columns, square)

    def _part(self, source: Any, target: Any, rows: Any, columns: Any, square: Any) -> None:
        """A square of which only so many rows and columns of the destination exist."""
        e, a, lanes = self.e, self.a, self.e.lanes
        mask, last = e.mask(rows), e.b.sub(columns, e.i64(1))
        vectors = [e.masked_load(e.add(source, e.mul(a.s4, e.min(e.i64(k), last))), mask) for k in range(lanes)]
        for k, v in enumerate(transposed(e, vectors)):
            e.store(v, e.add(square, 4 * lanes * k), align=4 * lanes)
        mask = e.mask(columns)
        with e.loop(0, e.min(rows, lanes)) as k:
            v = e.load(e.add(square, e.mul(k, 4 * lanes)), align=4 * lanes)
            e.masked_store(v, e.add(target, e.mul(k, a.t3)), mask)

    def squares_of_bytes(self) -> None:
        """s3 and t4 are 1: squares of 16 x 16, those at the ends moved back; one by one, where none fits."""
        e, a, n = self.e, self.a, by.LANE
        vector = ir.VectorType(I8, n)
        whole = e.b.icmp_signed(">=", e.min(self.n3, self.n4), e.i64(n))
        with e.b.if_else(whole) as (full, part):
            with full:
                last3, last4 = e.b.sub(self.n3, e.i64(n)), e.b.sub(self.n4, e.i64(n))
                with e.loop(0, self.n3, n) as x, e.loop(0, self.n4, n) as y:
                    i, j = e.min(x, last3), e.min(y, last4)
                    source = e.add(e.add(self.source, i), e.mul(j, a.s4))
                    target = e.add(e.add(self.target, e.mul(i, a.t3)), j)
                    rows = [e.load(e.add(source, e.mul(a.s4, k)), vector, 1) for k in range(n)]
                    for _ in range(4):  # every interleaving moves a bit of the numbers of rows into those of columns
                        rows = [half for k in range(n // 2) for half in by.unpacked(e, rows[k], rows[k + n // 2])]
                    for k, row in enumerate(rows):
                        e.store(row, e.add(target, e.mul(a.t3, k)), 1)
            with part:
                self.items(I8)

    def join(self, n: int, item: ir.IntType) -> None:
        """n planes into one of n-element pixels: n4 is n, s3 and t4 are one element, t3 is n."""
        e, a, vector = self.e, self.a, shuffled(self.e, item)
        size = item.width // 8
        for i in self.steps(self.n3, vector.count):
            source, target = e.add(self.source, e.mul(i, size)), e.add(self.target, e.mul(i, size * n))
            planes = [e.load(e.add(source, e.mul(a.s4, k)), vector, size) for k in range(n)]
            for k, v in enumerate(interleaved(e, planes)):
                e.store(v, e.add(target, size * vector.count * k), size)
        with self.few(self.n3, vector.count) as i:
            source, target = e.add(self.source, e.mul(i, size)), e.add(self.target, e.mul(i, size * n))
            for k in range(n):
                e.store(e.load(e.add(source, e.mul(a.s4, k)), item, size), e.add(target, size * k), size)

    def split(self, n: int, item: ir.IntType) -> None:
        """The inverse: n3 is n, s4 is n elements, s3 and t4 are one."""
        e, a, vector = self.e, self.a, shuffled(self.e, item)
        size = item.width // 8
        for i in self.steps(self.n4, vector.count):
            source, target = e.add(self.source, e.mul(i, size * n)), e.add(self.target, e.mul(i, size))
            pixels = [e.load(e.add(source, size * vector.count * k), vector, size) for k in range(n)]
            for k, v in enumerate(separated(e, pixels)):
                e.store(v, e.add(target, e.mul(a.t3, k)), size)
        with self.few(self.n4, vector.count) as i:
            source, target = e.add(self.source, e.mul(i, size * n)), e.add(self.target, e.mul(i, size))
            for k in range(n):
                e.store(e.load(e.add(source, size * k), item, size), e.add(target, e.mul(a.t3, k)), size)

    def steps(self, count: Any, step: int) -> Iterator[Any]:
        """Whole vectors, of which the last is moved back to end with the elements; none where these do not fill one."""
        e = self.e
        whole = e.b.select(e.b.icmp_signed(">=", count, e.i64(step)), count, e.i64(0))
        last = e.b.sub(count, e.i64(step))
        with e.loop(0, whole, step) as i:
            yield e.min(i, last)

    @contextmanager
    def few(self, count: Any, step: int) -> Iterator[Any]:
        """One by one, what does not fill a vector."""
        e = self.e
        some = e.b.select(e.b.icmp_signed("<", count, e.i64(step)), count, e.i64(0))
        with e.loop(0, some) as i:
            yield i

    def pick(self, n: int) -> None:
        """Bytes n apart side by side: s4 is n, t4 is 1. Behind the last one of all nothing is read."""
        e, a = self.e, self.a
        with e.loop(0, self.n3) as i:
            source, target = e.add(self.source, e.mul(i, a.s3)), e.add(self.target, e.mul(i, a.t3))
            last = e.b.icmp_signed("==", e.add(i, 1), self.n3)
            count = e.b.sub(self.n4, e.b.zext(last, I64))
            step = 4 * e.lanes
            done = e.b.and_(count, e.i64(-step))
            with e.loop(0, done, step) as k:
                self._picked(e.add(source, e.mul(k, n)), e.add(target, k), n, step)
            if e.lanes == 16:
                with e.when(e.b.icmp_signed("<", done, self.n4)):
                    rest = e.b.sub(self.n4, done)
                    self._picked(e.add(source, e.mul(done, n)), e.add(target, done), n, step, rest)
            else:
                for width in (step // 2, step // 4):
                    there = e.b.and_(count, e.i64(width))
                    with e.when(e.b.icmp_signed("!=", there, e.i64(0))):
                        self._picked(e.add(source, e.mul(done, n)), e.add(target, done), n, width)
                    done = e.add(done, there)
                with e.loop(done, self.n4) as k:
                    e.store(e.load(e.add(source, e.mul(k, n)), I8, 1), e.add(target, k), 1)

    def _picked(self, source: Any, target: Any, n: int, width: int, left: Any = None) -> None:
        """The low bytes of integers of n bytes: `width` of them, or under a mask the first `left`."""
        e = self.e
        wide = ir.VectorType(ir.IntType(8 * n), width)
        size = None if left is None else e.add(e.mul(left, n), 1 - n)
        x = e.b.bitcast(by.load_bytes(e, source, n * width, size), wide)
        by.store_bytes(e, e.b.trunc(x, ir.VectorType(I8, width)), target, left)


def shuffled(e: Emitter, item: ir.IntType) -> Any:
    """Vectors whose elements are interleaved: of a register of f32, or of the 16 bytes that one shuffle sees."""
    return ir.VectorType(item, 16 if item.width == 8 else e.lanes)


def move_line(e: Emitter, source: Any, target: Any, count: Any, size: int) -> None:
    """`count` adjacent elements of 1, 2, 4 or 8 bytes: whole vectors, then the rest."""
    total = e.mul(count, size)
    whole = e.b.and_(total, e.i64(-4 * e.lanes))
    vector = ir.VectorType(I8, 4 * e.lanes)
    with e.loop(0, whole, 4 * e.lanes) as k:
        e.store(e.load(e.add(source, k), vector, 1), e.add(target, k), 1)
    if size >= 4:
        left = e.b.sub(total, whole)
        with e.when(e.b.icmp_signed(">", left, e.i64(0))):
            mask = e.mask(e.div(left, 4))
            e.masked_store(e.masked_load(e.add(source, whole), mask), e.add(target, whole), mask)
        return
    _tail(e, e.add(source, whole), e.add(target, whole), e.b.sub(total, whole))


def _tail(e: Emitter, source: Any, target: Any, left: Any) -> None:
    """Fewer bytes than a vector holds: under a mask, or by halves and halves of these."""
    if e.lanes == 16:
        return by.store_bytes(e, by.load_bytes(e, source, 64, left), target, left)
    width = 2 * e.lanes
    done: Any = e.i64(0)
    while width:
        type = ir.VectorType(I8, width) if width > 1 else I8
        there = e.b.and_(left, e.i64(width))
        with e.when(e.b.icmp_signed("!=", there, e.i64(0))):
            e.store(e.load(e.add(source, done), type, 1), e.add(target, done), 1)
        done = e.add(done, there)
        width //= 2
    return None


def shuffle(e: Emitter, x: Any, y: Any, order: Sequence[int]) -> Any:
    """Elements of two vectors; those of the second are counted on."""
    return e.b.shuffle_vector(x, y, ir.Constant(ir.VectorType(I32, len(order)), list(order)))


def transposed(e: Emitter, rows: Sequence[Any]) -> list[Any]:
    """The square of `lanes` rows transposed: 4 x 4 squares by unpacking, then squares of these as elements."""
    lanes, quads = e.lanes, range(0, e.lanes, 4)
    low = [q + k for q in quads for k in (0, lanes, 1, lanes + 1)]
    high = [q + k for q in quads for k in (2, lanes + 2, 3, lanes + 3)]
    low2 = [q + k for q in quads for k in (0, 1, lanes, lanes + 1)]
    high2 = [q + k for q in quads for k in (2, 3, lanes + 2, lanes + 3)]
    groups = []
    for q in quads:
        a, b, c, d = rows[q : q + 4]
        t = [shuffle(e, a, b, low), shuffle(e, a, b, high), shuffle(e, c, d, low), shuffle(e, c, d, high)]
        pairs = ((t[0], t[2], low2), (t[0], t[2], high2), (t[1], t[3], low2), (t[1], t[3], high2))
        groups.append([shuffle(e, *p) for p in pairs])
    columns: list[Any] = [None] * lanes
    for j in range(4):
        for k, v in enumerate(_transposed_quads(e, [g[j] for g in groups])):
            columns[4 * k + j] = v
    return columns


def _transposed_quads(e: Emitter, rows: list[Any]) -> list[Any]:
    """A square of quads: 1, 2 or 4 vectors of as many quads."""

    def quads(x: Any, y: Any, *order: int) -> Any:
        return shuffle(e, x, y, [4 * k + i for k in order for i in range(4)])

    if len(rows) == 1:
        return rows
    if len(rows) == 2:
        return [quads(*rows, 0, 2), quads(*rows, 1, 3)]
    a, b, c, d = rows
    low, high = (quads(a, b, 0, 1, 4, 5), quads(c, d, 0, 1, 4, 5)), (quads(a, b, 2, 3, 6, 7), quads(c, d, 2, 3, 6, 7))
    return [quads(*x, *order) for x in (low, high) for order in ((0, 2, 4, 6), (1, 3, 5, 7))]


def interleaved(e: Emitter, planes: Sequence[Any]) -> list[Any]:
    """a0 b0 c0 a1 b1 c1 ..., as many vectors as there are."""
    n, lanes = len(planes), planes[0].type.count
    wanted = [[((k * lanes + i) % n, (k * lanes + i) // n) for i in range(lanes)] for k in range(n)]
    return [_gathered(e, planes, w) for w in wanted]


def separated(e: Emitter, pixels: Sequence[Any]) -> list[Any]:
    """The inverse of `interleaved`."""
    n, lanes = len(pixels), pixels[0].type.count
    wanted = [[divmod(i * n + k, lanes) for i in range(lanes)] for k in range(n)]
    return [_gathered(e, pixels, w) for w in wanted]


def _gathered(e: Emitter, vectors: Sequence[Any], wanted: Sequence[tuple[int, int]]) -> Any:
    """The vector of elements (vector, lane): from one vector after the other."""
    lanes = vectors[0].type.count
    current = vectors[0]
    for n in range(1, len(vectors)):
        first = n == 1
        order = []
        for i, (v, lane) in enumerate(wanted):
            order.append(lanes + lane if v == n else (lane if v == 0 else 0) if first else i)
        current = shuffle(e, current, vectors[n], order)
    return current


COPY = {size: Kernel(f"copy{8 * size}", ARGS, _emit(t, size)) for size, t in ((1, I8), (2, I16), (4, I32), (8, I64))}
