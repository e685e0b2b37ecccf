"""Products of matrices by seven products of their blocks in place of eight.

With A, B and C = A B cut into 2 x 2 blocks, and sums of blocks

    S1 = A21 + A22,  S2 = S1 - A11,  S3 = A11 - A21,  S4 = A12 - S2
    T1 = B12 - B11,  T2 = B22 - T1,  T3 = B22 - B12,  T4 = B21 - T2

the products are, in this order,

    X = A11 B11,  C11 = X + A12 B21
    X = X + S2 T2,  V = S3 T3,  C21 = X + V + A22 T4
    X = X + S1 T1,  C22 = X + V,  C12 = X + S4 B22

(Strassen 1969, "Gaussian elimination is not optimal", Numerische Mathematik 13; with the sums of Winograd 1971, "On
multiplication of 2 x 2 matrices"). The T are made when weights are packed, the S by a kernel before the product. Where
X is added, accumulators begin with it: X and V, one panel wide, are all that is stored beside C.

The error of an element is that of a plain product of the larger of two rows by the larger of two columns: those that
meet in a sum. Where one is more than FAR times the other, a row of padding beside one of data, a unit is computed as
four plain products, so that zeros stay zeros. So it is where a result is not finite: what is not, or overflows in a sum
of blocks, has reached elements that it should not.

B lies in packed panels. A pair is a panel of the left half and the same one of the right half; a unit of work is a pair
and a block of rows of the upper half, with the same of the lower half, pairs running fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir

from ..codegen.emit import I1, I32, I64, Emitter
from .base import Arguments, Kernel
from .gemm import LINE, End, load_floats, rows_from, share, sums, tiles

MOST_ROWS = 192
"""Of a block of the upper half: as many rows of X and of V lie on the stack."""

FAR = 64.0
"""Of the largest magnitudes of two rows, or of two columns: two digits are lost at most."""

LEFT_ARGS = ("a", "sums", "rows", "half", "depth", "a_row", "sum_row")
"""half: rows of the upper half; depth: columns of the left half."""


def _emit_left(e: Emitter, a: Arguments) -> None:
    """S1 ... S4, one behind the other; behind them an i32 for each row of S: whether its two rows of A are far apart.

    A unit is a row of the upper half. What the lower half lacks is zero, and far from nothing.
    """
    whole = e.b.and_(a.depth, e.i64(-e.lanes))
    rest = e.mask(e.b.sub(a.depth, whole))
    right, zero = e.mul(a.depth, 4), e.splat(0.0)
    flags = e.add(a.sums, e.mul(e.mul(a.half, 4), a.sum_row))
    with e.loop(e.function.args[1], e.function.args[2]) as i:
        below = e.add(i, a.half)
        upper, lower = (e.add(a.a, e.mul(row, a.a_row)) for row in (i, below))
        into = [e.add(a.sums, e.mul(e.add(i, e.mul(a.half, n)), a.sum_row)) for n in range(4)]

        def some(
            both: bool, load: Callable[[Any], Any], store: Callable[[Any, Any], None], k: Any, above: Any, under: Any
        ) -> Sequence[Any]:
            at = e.mul(k, 4)
            a11, a12 = (load(e.add(e.add(upper, at), side)) for side in (0, right))
            a21, a22 = (load(e.add(e.add(lower, at), side)) if both else zero for side in (0, right))
            s1 = e.b.fadd(a21, a22)
            s2 = e.b.fsub(s1, a11)
            for address, s in zip(into, (s1, s2, e.b.fsub(a11, a21), e.b.fsub(a12, s2)), strict=True):
                store(s, e.add(address, at))
            return largest(e, above, a11, a12), largest(e, under, a21, a22)

        def row(both: bool) -> None:
            found = e.fold(0, whole, e.lanes, [zero, zero], partial(some, both, e.load, e.store))
            load, store = partial(e.masked_load, mask=rest), partial(e.masked_store, mask=rest)
            found = e.fold(whole, a.depth, e.lanes, found, partial(some, both, load, store))
            far = is_far(e, *(e.reduce(e.maximum, x) for x in found)) if both else ir.Constant(I1, 0)
            e.store(e.b.zext(far, I32), e.add(flags, e.mul(i, 4)))

        with e.b.if_else(e.b.icmp_signed("<", below, a.rows)) as (there, missing):
            with there:
                row(True)
            with missing:
                row(False)


def largest(e: Emitter, *values: Any) -> Any:
    """The largest magnitude of each lane. NaN is none: what comes of it is not finite."""
    found, *others = values
    for x in others:
        found = e.maximum(found, e.abs(x))
    return found


def is_far(e: Emitter, x: Any, y: Any) -> Any:
    """Whether one magnitude is more than FAR times the other."""
    far = e.splat(FAR, x.type) if isinstance(x.type, ir.VectorType) else e.f32(FAR)
    return e.b.or_(e.b.fcmp_ordered(">", x, e.b.fmul(far, y)), e.b.fcmp_ordered(">", y, e.b.fmul(far, x)))


def any_lane(e: Emitter, lanes: Any) -> Any:
    """Whether one of the lanes is true."""
    bits = e.b.bitcast(lanes, ir.IntType(e.lanes))
    return e.b.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))


STRASSEN_LEFT = Kernel("strassen_left", LEFT_ARGS, _emit_left)

RIGHT_ARGS = ("b", "sums", "depth", "columns", "panels", "pairs", "b_panel")


def _emit_right(e: Emitter, a: Arguments) -> None:
    """T2, T3, T4, T1 as [pair][sum][k][width], in the order in which they are read, and behind those of a pair one row
    whose first i32 says whether two of its columns are far apart. A unit is a pair.

    Columns that B lacks count as zero, and far from nothing: packed panels hold anything there.
    """
    step, width, zero = 4 * e.lanes, e.target.width, e.splat(0.0)
    size = e.mul(a.depth, 2 * width)
    with e.loop(e.function.args[1], e.function.args[2]) as pair:
        left, right = (e.add(a.b, e.mul(panel, a.b_panel)) for panel in (pair, partner(e, a, pair)))
        into = _sums_of(e, a.sums, size, pair)
        columns = e.b.sub(a.columns, e.mul(e.add(pair, a.pairs), width))
        masks = [e.mask(e.max(columns, 0), first=v * e.lanes) for v in range(e.target.vectors)]

        def row(at: Any, *carried: Any) -> Sequence[Any]:
            found = list(carried)
            for v, mask in enumerate(masks):
                here = e.add(at, step * v)
                b11, b21 = (e.load(e.add(e.add(left, here), down), align=step) for down in (0, size))
                b12, b22 = (e.masked_load(e.add(e.add(right, here), down), mask) for down in (0, size))
                t1 = e.b.fsub(b12, b11)
                t2 = e.b.fsub(b22, t1)
                for n, t in enumerate((t2, e.b.fsub(b22, b12), e.b.fsub(b21, t2), t1)):
                    e.store(t, e.add(e.add(into, here), e.mul(size, n)), step)
                found[2 * v] = largest(e, found[2 * v], b11, b21)
                found[2 * v + 1] = largest(e, found[2 * v + 1], b12, b22)
            return found

        found = e.fold(0, size, 4 * width, [zero] * (2 * len(masks)), row)
        far = ir.Constant(I1, 0)
        for v, mask in enumerate(masks):
            far = e.b.or_(far, any_lane(e, e.b.and_(mask, is_far(e, *found[2 * v : 2 * v + 2]))))
        e.store(e.b.zext(far, I32), e.add(into, e.mul(size, 4)))


def partner(e: Emitter, a: Arguments, pair: Any) -> Any:
    """The panel of the right half; where there is none the last one, of which nothing is stored."""
    return e.min(e.add(pair, a.pairs), e.b.sub(a.panels, e.i64(1)))


def _sums_of(e: Emitter, base: Any, size: Any, pair: Any) -> Any:
    """Where the sums of a pair begin, of `size` bytes each."""
    return e.add(base, e.mul(pair, e.add(e.mul(size, 4), 4 * e.target.width)))


STRASSEN_RIGHT = Kernel("strassen_right", RIGHT_ARGS, _emit_right)

ARGS = (
    "a", "left", "b", "right", "out", "bias", "residual", "zeros", "post", "post_args", "lo", "hi",
    "rows", "half", "depth", "columns", "panels", "pairs", "blocks",
    "a_row", "left_row", "b_panel", "out_row", "res_row", "res_panel",
)  # fmt: skip
"""left, right: the sums of blocks. half, pairs: the upper half's rows and the left half's panels."""

FIELDS = (
    "source", "source_row", "count", "weights", "depth", "following", "start", "start_row", "kept",
    "out", "residual", "extra", "extra_row", "panel", "columns", "limit",
)  # fmt: skip
"""Of a step: start + source * weights over `count` rows.

kept        where that goes; 0: nowhere
out         where its first `limit` rows go with `extra` and all that comes behind a product; 0: nowhere
following   the weights of the next step
"""

SEVEN, PLAIN = 7, 4
"""Steps of a unit, and those that compute it plainly."""


class _Step:
    """An entry of a unit's table."""

    def __init__(self, e: Emitter, table: Any, number: Any) -> None:
        entry = e.add(table, e.mul(number, 8 * len(FIELDS)))
        self._values = {name: e.load(e.add(entry, 8 * i), I64, 8) for i, name in enumerate(FIELDS)}

    def __getattr__(self, name: str) -> Any:
        return self._values[name]


class Body:
    """What emits a unit: a table of steps, then one loop over them, so that there is one copy of the tiles' code."""

    gap = 0
    """Bytes between the sums of a pair."""

    def __init__(self, e: Emitter, a: Arguments) -> None:
        self.e, self.a = e, a
        self.row = 4 * e.target.width
        self.table = e.scratch(2 * (SEVEN + PLAIN) * len(FIELDS))
        self.more = e.scratch(16)
        self.x, self.v = (e.scratch(MOST_ROWS * e.target.width) for _ in range(2))

    def unit(self, unit: Any) -> None:
        """All seven steps, and the plain ones behind them where a result is not finite; where rows or columns are far
        apart, the plain ones alone."""
        e, a = self.e, self.a
        pair, (begin, count) = e.rem(unit, a.pairs), share(e, a.half, e.div(unit, a.pairs), a.blocks)
        self.fill(pair, begin, count)
        far = self.far(pair, begin, count)
        e.store(e.b.select(far, e.i64(PLAIN), e.i64(0)), self.more, 8)
        with e.loop(0, 2) as again:
            first = e.b.select(far, e.i64(SEVEN), e.mul(again, SEVEN))
            last = e.add(e.b.select(self.some(again), e.load(self.more, I64, 8), e.i64(0)), SEVEN)
            with e.loop(first, last) as i:
                step = _Step(e, self.table, i)
                rate = e.div(e.i64(self.row << 16), e.max(step.count, 1))
                tiles(e, e.i64(0), step.count, e.target.rows, partial(self.tile, step, rate))

    def panels(self, pair: Any) -> tuple[Any, Any]:
        """Where the left and the right panel of a pair lie."""
        e, a = self.e, self.a
        left, right = (e.add(a.b, e.mul(panel, a.b_panel)) for panel in (pair, partner(e, a, pair)))
        return left, right

    def sums(self, pair: Any) -> Any:
        """Where T2, T3, T4 and T1 of a pair lie, one behind the other."""
        return _sums_of(self.e, self.a.right, self.e.mul(self.a.depth, 2 * self.e.target.width), pair)

    def columns_far(self, pair: Any) -> Any:
        """Not 0 where columns are far apart."""
        e = self.e
        return e.load(e.add(self.sums(pair), e.mul(self.a.depth, 8 * e.target.width)), I32)

    def following(self, pair: Any, weights: Sequence[Any]) -> Sequence[Any]:
        """What is fetched while each step's weights are in use: those of the next one, and of the next unit."""
        more = self.e.add(weights[0], self.a.b_panel)
        return *weights[1:SEVEN], more, *weights[SEVEN:]

    def far(self, pair: Any, begin: Any, count: Any) -> Any:
        """Whether rows or columns are far apart."""
        e, a = self.e, self.a
        flags = e.add(a.left, e.mul(e.mul(a.half, 4), a.left_row))
        first = self.columns_far(pair)
        rows = e.fold(
            begin, e.add(begin, count), 1, [first], lambda i, x: [e.b.or_(x, e.load(e.add(flags, e.mul(i, 4)), I32))]
        )
        return e.b.icmp_signed("!=", rows[0], e.i32(0))

    def some(self, value: Any) -> Any:
        return self.e.b.icmp_signed("!=", value, self.e.i64(0))

    def fill(self, pair: Any, begin: Any, count: Any) -> None:
        """The table for a pair and rows of the upper half."""
        e, a = self.e, self.a
        depth = e.div(a.depth, 2)
        size = e.mul(depth, self.row)
        lower = e.max(e.min(count, e.b.sub(e.b.sub(a.rows, a.half), begin)), 0)
        counts = count, lower
        a11 = e.add(a.a, e.mul(begin, a.a_row))
        a21 = e.add(a11, e.mul(a.half, a.a_row))
        a12, a22 = (e.add(block, e.mul(depth, 4)) for block in (a11, a21))
        s1, s2, s3, s4 = (e.add(a.left, e.mul(e.add(begin, e.mul(a.half, n)), a.left_row)) for n in range(4))
        b11, b12 = self.panels(pair)
        b21, b22 = e.add(b11, size), e.add(b12, size)
        t2, t3, t4, t1 = (e.add(self.sums(pair), e.mul(e.add(size, self.gap), n)) for n in range(4))

        def plain(source: Any, weights: Any, rows: Any = count) -> dict[str, Any]:
            return {"source": source, "source_row": a.a_row, "weights": weights, "depth": depth, "count": rows}

        def of_sums(source: Any, weights: Any) -> dict[str, Any]:
            return plain(source, weights) | {"source_row": a.left_row}

        def into(i: int, j: int) -> dict[str, Any]:
            line, panel = e.add(begin, e.mul(a.half, i)), e.add(pair, e.mul(a.pairs, j))
            left = e.b.sub(a.columns, e.mul(panel, e.target.width))
            return {
                "out": e.add(e.add(a.out, e.mul(line, a.out_row)), e.mul(panel, self.row)),
                "residual": e.add(e.add(a.residual, e.mul(line, a.res_row)), e.mul(panel, a.res_panel)),
                "panel": partner(e, a, pair) if j else pair,
                "columns": e.max(e.min(left, e.target.width), 0),
                "limit": counts[i],
            }  # fmt: skip

        row = e.i64(self.row)
        from_x, keep_x = {"start": self.x, "start_row": row}, {"kept": self.x}
        plus_v, keep_v = {"extra": self.v, "extra_row": row}, {"kept": self.v}
        steps = (
            plain(a11, b11) | keep_x,
            plain(a12, b21) | from_x | into(0, 0),
            of_sums(s2, t2) | from_x | keep_x,
            of_sums(s3, t3) | keep_v,
            plain(a22, t4, lower) | from_x | plus_v | into(1, 0),
            of_sums(s1, t1) | from_x | keep_x | plus_v | into(1, 1),
            of_sums(s4, b22) | from_x | into(0, 1),
            *(
                plain(source, panel, counts[i]) | {"depth": a.depth} | into(i, j)
                for j, panel in enumerate((b11, b12))
                for i, source in enumerate((a11, a21))
            ),
        )
        self.store(steps, self.following(pair, [step["weights"] for step in steps]))

    def store(self, steps: Sequence[dict[str, Any]], following: Sequence[Any]) -> None:
        """Puts steps into the table. They begin with zeros, and add zeros, where they do not say otherwise."""
        e, zeros = self.e, self.a.zeros
        for i, (step, ahead) in enumerate(zip(steps, following, strict=True)):
            step = {"start": zeros, "extra": zeros, "following": ahead} | step
            for j, name in enumerate(FIELDS):
                e.store(step.get(name, e.i64(0)), e.add(self.table, 8 * (i * len(FIELDS) + j)), 8)

    def tile(self, step: _Step, rate: Any, rows: int, row: Any) -> None:
        """Some rows of a step."""
        e, size = self.e, 4 * self.e.lanes
        lines = partial(self.lines, rows, row)
        start = self.panel(lines(step.start, step.start_row))
        wanted = e.add(step.following, e.b.lshr(e.mul(e.mul(step.depth, rate), row), e.i64(16)))
        ahead = wanted, e.add(e.b.lshr(e.mul(rate, rows), e.i64(16)), 1), LINE
        found = sums(
            e, lines(step.source, step.source_row), step.depth, start, step.weights, e.i64(self.row),
            partial(load_floats, e), ahead,
        )  # fmt: skip
        with e.when(self.some(step.kept)):
            into = e.add(step.kept, e.mul(row, self.row))
            for i, total in enumerate(found):
                e.store(total, e.add(into, size * i), size)
        with e.when(self.some(step.out)):
            extra = self.panel(lines(step.extra, step.extra_row))
            self.finish(step, rows, row, [e.b.fadd(x, y) for x, y in zip(found, extra, strict=True)])

    def lines(self, rows: int, row: Any, base: Any, stride: Any) -> list[Any]:
        """The addresses of the rows of a tile."""
        return rows_from(self.e, self.e.add(base, self.e.mul(row, stride)), stride, rows)

    def panel(self, lines: Sequence[Any]) -> list[Any]:
        """What is there, one panel wide."""
        return [v for line in lines for v in load_floats(self.e, line)]

    def finish(self, step: _Step, rows: int, row: Any, values: Sequence[Any]) -> None:
        """Bias, and the end of a product.

        The lower half may lack the last row of the upper one: it goes where V was, which nobody reads any more.
        """
        e, a = self.e, self.a
        self.look(values)
        bias = load_floats(e, e.add(a.bias, e.mul(step.panel, self.row)))
        values = [e.b.fadd(x, bias[i % len(bias)]) for i, x in enumerate(values)]
        outs, residuals = self.lines(rows, row, step.out, a.out_row), self.lines(rows, row, step.residual, a.res_row)
        left = e.b.sub(step.limit, row)
        inside = e.b.icmp_signed("<=", e.i64(rows), left)
        outs[-1] = e.b.select(inside, outs[-1], self.v)
        residuals[-1] = e.b.select(inside, residuals[-1], a.zeros)
        end = End(e, a, e.mul(step.panel, e.target.width), step.columns, e.target.vectors)
        end.store(values, outs, residuals)
        end.post(outs[0], e.min(left, rows))

    def look(self, values: Sequence[Any]) -> None:
        """Notes whether a value is not finite."""
        e = self.e
        checks = [e.splat(0.0)] * 4
        for i, value in enumerate(values):
            checks[i % 4] = e.fma(value, e.splat(0.0), checks[i % 4])
        check = e.b.fadd(e.b.fadd(checks[0], checks[1]), e.b.fadd(checks[2], checks[3]))
        with e.when(any_lane(e, e.b.fcmp_unordered("uno", check, check))):
            e.store(e.i64(PLAIN), self.more, 8)


def _emit(e: Emitter, a: Arguments) -> None:
    body = Body(e, a)
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        body.unit(unit)


STRASSEN = Kernel("strassen", ARGS, _emit)
