"""Products of matrices that lie in rows, over packed or plain right operands, many pairs in one call.

    out[i, :] = clamp(bias + residual[i, :] + sum over k of a[i, k] * b[k, :])

The right operand is read in panels of `width` columns: packed as [panel][k][width] (b_row = 4 * width), or where it
lies, with its own row stride. Packed panels may hold f16 or bf16 (b_row = 2 * width), 24 bits of f32 (f24.py), or i8,
which are expanded as they are loaded: few rows then pass over them in less time. A table gives the byte offsets of a,
b, out and residual of each pair, so that batches may be broadcast or strided in any way.

A tile is `rows` by `vectors` vectors, held in registers over the whole sum. Few rows split the sum over several sets
of accumulators, to hide the latency of the multiply-add: with one row the weights pass at the speed of memory.

A unit of work is one panel of one block of rows of one pair, panels running fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from llvmlite import ir

from ....ir import dtype as dt
from ..codegen.emit import F32, I32, I64, PTR, VOID, Emitter
from ..codegen.typed import Typed
from . import f24
from .base import Arguments, Kernel

Load: TypeAlias = Callable[[Emitter, Any], list[Any]]
"""Reads the vectors of a row of a packed panel, at an address."""

ARGS = (
    "a", "b", "out", "bias", "residual", "batches", "post", "post_args", "lo", "hi",
    "rows", "depth", "columns", "panels", "blocks",
    "a_row", "b_row", "b_panel", "out_row", "res_row", "res_panel",
)  # fmt: skip

AHEAD, LINE = 16 * 1024, 64
"""Packed weights are prefetched so many bytes ahead, or those of the next panel: a panel comes from memory while the
one before is in use. It is worth a quarter of the time where rows are few, and costs nothing where they are many."""

Ahead: TypeAlias = tuple[Any, Any, int]
"""An address from which on weights are prefetched, how far it moves on with each step of a sum, and bytes of a step."""

REGISTERS = 30
"""Of vectors, for the sums of a tile, two rows of weights and factors, where multiply-add takes elements."""

UNROLL = 8
"""Steps of the sum in one round of the loop, at most."""


def sums(
    e: Emitter,
    sources: Sequence[Any],
    depth: Any,
    start: Sequence[Any],
    weights: Any,
    weight_row: Any,
    load: Callable[[Any], Sequence[Any]],
    ahead: Ahead | None = None,
) -> list[Any]:
    """start + sum over k of sources[r][k] * weights[k], row by row, vector by vector.

    `load(address)` reads the vectors of a row of weights; rows of weights are `weight_row` bytes apart.
    """
    rows = len(sources)
    size = len(start)
    vectors = size // rows
    split = max(1, min(4, e.target.sums // size))
    unroll = max(min(UNROLL, 2 * split), 4)
    together = 2 if e.target.element and size * split + 2 * vectors + 2 <= REGISTERS else 1
    zero = e.splat(0.0)

    wanted, stride, size_ahead = ahead or (e.i64(0), e.i64(0), 0)

    def steps(k: Any, first: int, count: int, address: Any, wanted: Any, current: list[Any]) -> tuple[Any, Any]:
        lines = []
        for _ in range(count):
            lines.append(load(address))
            prefetch(e, wanted, size_ahead)
            if together > 1:
                address, wanted = e.add(address, weight_row), e.add(wanted, stride)
        for r, source in enumerate(sources):
            values = e.broadcasts(e.add(e.add(source, e.mul(k, 4)), 4 * first), count)
            for s, (x, line) in enumerate(zip(values, lines)):
                for v in range(vectors):
                    i = (first + s) % split * size + r * vectors + v
                    current[i] = e.fma(x, line[v], current[i])
        if together > 1:
            if not size_ahead:  # prefetching does the same
                e.settle()
            return address, wanted
        return e.add(address, weight_row), e.add(wanted, stride)

    def several(k: Any, address: Any, wanted: Any, *carried: Any) -> Sequence[Any]:
        current = list(carried)
        for s in range(0, unroll, together):
            address, wanted = steps(k, s, together, address, wanted, current)
        return [address, wanted, *current]

    def single(k: Any, address: Any, wanted: Any, *carried: Any) -> Sequence[Any]:
        current = list(carried)
        return [*steps(k, 0, 1, address, wanted, current), *current]

    whole = e.b.sub(depth, e.rem(depth, unroll))
    state = e.fold(0, whole, unroll, [weights, wanted, *start, *[zero] * (size * (split - 1))], several)
    _, _, *found = e.fold(whole, depth, 1, state, single)
    totals = found[:size]
    for s in range(1, split):
        totals = [e.b.fadd(x, y) for x, y in zip(totals, found[s * size : (s + 1) * size], strict=True)]
    return totals


def rows_from(e: Emitter, first: Any, stride: Any, count: int) -> list[Any]:
    """Addresses `stride` bytes apart.

    Every third is hidden from the compiler, which else counts one address up from row to row, an instruction for each;
    processors add the stride, or twice the stride, to an address at no cost.
    """
    found: list[Any] = []
    for r in range(count):
        if r % 3 == 0:
            here = e.add(found[-3], e.mul(stride, 3)) if found else first
            found.append(e.b.asm(ir.FunctionType(I64, [I64]), "", "=r,0", [here], False))
        else:
            found.append(e.add(found[-(r % 3)], e.mul(stride, r % 3)))
    return found


def prefetch(e: Emitter, address: Any, size: int) -> None:
    """The cache lines of so many bytes."""
    for line in range(0, size, LINE):
        e.prefetch(e.add(address, line))


def share(e: Emitter, count: Any, part: Any, parts: Any) -> tuple[Any, Any]:
    """Where a part of nearly equal parts begins, and how many it has."""
    begin = e.div(e.mul(count, part), parts)
    return begin, e.b.sub(e.div(e.mul(count, e.add(part, 1)), parts), begin)


def tiles(e: Emitter, begin: Any, count: Any, height: int, emit: Callable[[int, Any], None]) -> None:
    """Rows begin to begin+count in tiles of nearly equal height: 49 = 12+12+12+13 would be 10+10+10+10+9."""
    number = e.div(e.add(count, height - 1), height)

    def step(i: Any, row: Any, left: Any) -> Sequence[Any]:
        remaining = e.b.sub(number, i)
        now = e.div(e.b.sub(e.add(left, remaining), e.i64(1)), remaining)
        e.switch(now, {n: partial(emit, n, row) for n in range(1, height + 1)})
        return e.b.add(row, now), e.b.sub(left, now)

    e.fold(0, number, 1, [begin, count], step)


class _Unit:
    """One panel of one block of rows."""

    def __init__(self, e: Emitter, a: Arguments, unit: Any, load: Load | None, vectors: int) -> None:
        self.e, self.args, self.load, self.vectors = e, a, load, vectors
        width = vectors * e.lanes
        panel, rest = e.rem(unit, a.panels), e.div(unit, a.panels)
        block, batch = e.rem(rest, a.blocks), e.div(rest, a.blocks)
        entry = e.add(a.batches, e.mul(batch, 32))
        at_a, at_b, at_out, at_res = (e.load(e.add(entry, 8 * i), I64, 8) for i in range(4))
        self.a = e.add(a.a, at_a)
        self.b = e.add(e.add(a.b, at_b), e.mul(panel, a.b_panel))
        self.out = e.add(e.add(a.out, at_out), e.mul(panel, 4 * width))
        self.residual = e.add(e.add(a.residual, at_res), e.mul(panel, a.res_panel))
        self.bias = e.add(a.bias, e.mul(panel, 4 * width))
        column = e.mul(panel, width)
        self.end = End(e, a, column, e.min(e.b.sub(a.columns, column), width), vectors)
        self.begin, self.count = share(e, a.rows, block, a.blocks)

    def tile(self, rows: int, row: Any) -> None:
        e, a, vectors, step = self.e, self.args, self.vectors, 4 * self.e.lanes
        sources = rows_from(e, e.add(self.a, e.mul(row, a.a_row)), a.a_row, rows)
        bias = [e.load(e.add(self.bias, step * v), align=step) for v in range(vectors)]
        load = partial(self.load, e) if self.load else self._plain
        ahead = (e.add(self.b, e.min(a.b_panel, AHEAD)), a.b_row, 4 * e.target.width) if self.load else None
        found = sums(e, sources, a.depth, bias * rows, self.b, a.b_row, load, ahead)
        outs, residuals = (
            [e.add(base, e.mul(e.add(row, r), stride)) for r in range(rows)]
            for base, stride in ((self.out, a.out_row), (self.residual, a.res_row))
        )
        self.end.store(found, outs, residuals)
        self.end.post(outs[0], e.i64(rows))

    def _plain(self, address: Any) -> list[Any]:
        """A row of a right operand that is not packed."""
        e = self.e
        return [e.masked_load(e.add(address, 4 * e.lanes * v), mask) for v, mask in enumerate(self.end.masks)]


class End:
    """What becomes of the sums of a tile: residual, limits, and the functions that follow."""

    def __init__(self, e: Emitter, a: Arguments, column: Any, columns: Any, vectors: int) -> None:
        self.e, self.args, self.column, self.columns = e, a, column, columns
        self.full = e.b.icmp_signed("==", columns, e.i64(vectors * e.lanes))
        self.masks = [e.mask(columns, first=v * e.lanes) for v in range(vectors)]

    def store(self, totals: Sequence[Any], outs: Sequence[Any], residuals: Sequence[Any]) -> None:
        """Stores the sums, row by row, vector by vector; of each row the addresses are given."""
        e, masks = self.e, self.masks
        with e.b.if_else(self.full) as (whole, part):
            with whole:
                for i, total in enumerate(totals):
                    r, offset = i // len(masks), 4 * e.lanes * (i % len(masks))
                    residual = e.load(e.add(residuals[r], offset))
                    e.store(self._clamp(e.b.fadd(total, residual)), e.add(outs[r], offset))
            with part:
                for i, total in enumerate(totals):
                    r, v = i // len(masks), i % len(masks)
                    offset, mask = 4 * e.lanes * v, masks[v]
                    residual = e.masked_load(e.add(residuals[r], offset), mask)
                    e.masked_store(self._clamp(e.b.fadd(total, residual)), e.add(outs[r], offset), mask)

    def _clamp(self, x: Any) -> Any:
        e, a = self.e, self.args
        lo, hi = (e.splat(e.b.bitcast(e.b.trunc(v, I32), F32)) for v in (a.lo, a.hi))
        return e.minimum(e.maximum(x, lo), hi)

    def post(self, out: Any, rows: Any) -> None:
        """The functions, over so many rows from an address on."""
        e, a = self.e, self.args
        with e.when(e.b.icmp_signed("!=", a.post, e.i64(0))):
            type = ir.FunctionType(VOID, [PTR, I64, I64, I64, I64, I64])
            function = e.b.inttoptr(a.post, type.as_pointer())
            e.b.call(function, [e.at(a.post_args), out, a.out_row, rows, self.column, self.columns])


def load_floats(e: Emitter, address: Any) -> list[Any]:
    """A row of a packed panel of f32."""
    step = 4 * e.lanes
    return [e.load(e.add(address, step * v), align=step) for v in range(e.target.vectors)]


def _load_narrow(type: dt.DType, e: Emitter, address: Any) -> list[Any]:
    """A row of a packed panel of f16, bf16 or i8."""
    typed, step = Typed(e, e.lanes), type.numpy.itemsize * e.lanes
    return [typed.convert(typed.load(type, e.add(address, step * v)), type, dt.f32) for v in range(e.target.vectors)]


def _emit(load: Load | None, wide: bool = False) -> Callable[[Emitter, Arguments], None]:
    """`load` reads a row of a packed panel; None: the right operand is read where it lies."""

    def emit(e: Emitter, a: Arguments) -> None:
        # Where there are no registers but for the sums and what is multiplied, expanding weights takes those of a row.
        rows = e.target.rows - (e.target.element and load is not load_floats)
        with e.loop(e.function.args[1], e.function.args[2]) as number:
            unit = _Unit(e, a, number, load, WIDE if wide else e.target.vectors)
            tiles(e, unit.begin, unit.count, 1 if wide else rows, unit.tile)

    return emit


WIDE = 8
"""Vectors of a panel of one row: long stretches of memory pass at full speed."""

GEMM = Kernel("gemm", ARGS, _emit(load_floats))
"""Over packed panels."""

GEMM_NARROW = {t: Kernel(f"gemm_{t}", ARGS, _emit(partial(_load_narrow, t))) for t in (dt.f16, dt.bf16, dt.i8)}
"""Over packed panels of weights of 16 or 8 bits."""

GEMM_F24 = Kernel("gemm_f24", ARGS, _emit(f24.load_row))
"""Over packed panels of weights rounded to 24 bits."""

GEMM_PLAIN = Kernel("gemm_plain", ARGS, _emit(None))
"""Over a right operand that is read where it lies, its columns adjacent: for few rows, where packing would not pay."""

GEMV_PLAIN = Kernel("gemv_plain", ARGS, _emit(None, wide=True))
"""The same for one row, in panels of WIDE vectors."""

DOT_ROWS = 4
"""Columns of a unit of the kernel `dot`."""

DOT_ARGS = (
    "a", "b", "out", "batches", "rows", "depth", "columns", "blocks", "a_row", "b_row", "out_row", "out_column",
)  # fmt: skip


def _emit_dot(e: Emitter, a: Arguments) -> None:
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        block, batch = e.rem(unit, a.blocks), e.div(unit, a.blocks)
        entry = e.add(a.batches, e.mul(batch, 32))
        left, right, out = (e.add(p, e.load(e.add(entry, 8 * i), I64, 8)) for i, p in enumerate((a.a, a.b, a.out)))
        # Beyond the last column its product is formed, and stored, again.
        columns = [e.min(e.add(e.mul(block, DOT_ROWS), j), e.b.sub(a.columns, e.i64(1))) for j in range(DOT_ROWS)]
        rows = [e.add(right, e.mul(c, a.b_row)) for c in columns]
        with e.loop(0, a.rows) as i:
            found = dot_vectors(e, e.add(left, e.mul(i, a.a_row)), rows, a.depth)
            products = [e.reduce(e.b.fadd, total) for total in found]
            for column, product in zip(columns, products, strict=True):
                e.store(product, e.add(e.add(out, e.mul(i, a.out_row)), e.mul(column, a.out_column)))


def dot_vectors(e: Emitter, left: Any, rights: Sequence[Any], depth: Any) -> list[Any]:
    """The products of one row with several, each a vector whose lanes are still to be added up."""
    n, step = len(rights), 4 * e.lanes

    def several(k: Any, *carried: Any) -> Sequence[Any]:
        current = list(carried)
        for half in range(2):
            offset = e.add(e.mul(k, 4), step * half)
            x = e.load(e.add(left, offset))
            for j, right in enumerate(rights):
                i = half * n + j
                current[i] = e.fma(x, e.load(e.add(right, offset)), current[i])
        return current

    def tail(k: Any, *carried: Any) -> Sequence[Any]:
        mask = e.mask(e.b.sub(depth, k))
        offset = e.mul(k, 4)
        x = e.masked_load(e.add(left, offset), mask)
        loads = [e.masked_load(e.add(right, offset), mask) for right in rights]
        return [e.fma(x, y, total) for y, total in zip(loads, carried, strict=True)]

    whole = e.b.sub(depth, e.rem(depth, 2 * e.lanes))
    found = e.fold(0, whole, 2 * e.lanes, [e.splat(0.0)] * (2 * n), several)
    totals = [e.b.fadd(x, y) for x, y in zip(found[:n], found[n:], strict=True)]
    return e.fold(whole, depth, e.lanes, totals, tail)


DOT = Kernel("dot", DOT_ARGS, _emit_dot)
"""out[i, j] = sum over k of a[i, k] * b[j, k], both adjacent along k. A unit is four columns of one pair."""
