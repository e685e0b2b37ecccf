"""Non-maximum suppression: of each class the best boxes, none of which overlaps a better one by more than a threshold.

Boxes above the score that is asked for are gathered, as vectors of edges. Then, until as many are chosen as may be, the
best of those left is taken, and one pass lowers the scores of what overlaps it to -inf and finds the next best. A unit
is a worker, which has scratch of its own and takes its share of the lists: one for each class of each image.

A second kernel writes the chosen of all lists as rows of (image, class, box).
"""

from __future__ import annotations

from functools import cache, partial
from math import inf
from typing import Any

from llvmlite import ir

from ..codegen.emit import F32, I32, I64, Emitter
from .base import Arguments, Kernel

EDGES = 4
ARRAYS = EDGES + 3
"""Of a list: edges, areas, scores, numbers of boxes."""

ARGS = (
    "boxes", "scores", "chosen", "counts", "scratch", "n", "capacity", "classes", "lists", "share", "most", "overlap",
    "least",
)  # fmt: skip


def _emit(center: bool, e: Emitter, a: Arguments) -> None:
    overlap, least = (e.b.bitcast(e.b.trunc(v, I32), F32) for v in (a.overlap, a.least))
    with e.loop(e.function.args[1], e.function.args[2]) as worker:
        own = e.add(a.scratch, e.mul(e.mul(worker, a.capacity), 4 * ARRAYS))
        arrays = [e.add(own, e.mul(a.capacity, 4 * k)) for k in range(ARRAYS)]
        first = e.mul(worker, a.share)
        with e.loop(first, e.min(e.add(first, a.share), a.lists)) as number:
            scores = e.add(a.scores, e.mul(e.mul(number, a.n), 4))
            boxes = e.add(a.boxes, e.mul(e.mul(e.div(number, a.classes), a.n), 4 * EDGES))
            count = _above(e, a, scores, least, arrays[-1])
            _gather(e, center, boxes, scores, arrays, count)
            chosen = e.add(a.chosen, e.mul(e.mul(number, a.most), 8))
            e.store(_choose(e, a, arrays, count, chosen, overlap), e.add(a.counts, e.mul(number, 8)), 8)


def _above(e: Emitter, a: Arguments, scores: Any, least: Any, numbers: Any) -> Any:
    """Writes the numbers of the boxes with scores above `least`; returns how many there are."""
    with e.b.goto_entry_block():
        counter = e.b.ptrtoint(e.b.alloca(I64), I64)
    e.store(e.i64(0), counter, 8)
    with e.loop(0, a.n, e.lanes) as i:
        left = e.min(e.b.sub(a.n, i), e.lanes)
        values = e.masked_load(e.add(scores, e.mul(i, 4)), e.mask(left), e.splat(-inf))
        bits = e.b.bitcast(e.b.fcmp_ordered(">", values, e.splat(least)), ir.IntType(e.lanes))
        with e.when(e.b.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))):

            def one(k: Any, count: Any, i: Any = i) -> list[Any]:
                box = e.add(i, k)
                e.store(e.b.trunc(box, I32), e.add(numbers, e.mul(count, 4)), 4)
                fits = e.b.fcmp_ordered(">", e.load(e.add(scores, e.mul(box, 4)), F32), least)
                return [e.add(count, e.b.zext(fits, I64))]

            e.store(e.fold(0, left, 1, [e.load(counter, I64, 8)], one)[0], counter, 8)
    return e.load(counter, I64, 8)


def _gather(e: Emitter, center: bool, boxes: Any, scores: Any, arrays: list[Any], count: Any) -> None:
    """Edges [y1, x1, y2, x2], the smaller first, areas and scores of the boxes of a list; whole vectors of them."""
    with e.loop(0, count) as i:
        at = e.mul(i, 4)
        box = e.b.zext(e.load(e.add(arrays[-1], at), I32), I64)
        given = [e.load(e.add(e.add(boxes, e.mul(box, 4 * EDGES)), 4 * k), F32) for k in range(EDGES)]
        edges = _of_center(e, given) if center else _sorted(e, given)
        area = e.b.fmul(e.b.fsub(edges[2], edges[0]), e.b.fsub(edges[3], edges[1]))
        score = e.load(e.add(scores, e.mul(box, 4)), F32)
        for array, value in zip(arrays, [*edges, area, score], strict=False):
            e.store(value, e.add(array, at))
    whole = e.b.and_(e.add(count, e.lanes - 1), e.i64(-e.lanes))
    with e.loop(count, whole) as i:
        for array in arrays[: EDGES + 1]:
            e.store(e.f32(0.0), e.add(array, e.mul(i, 4)))
        e.store(e.f32(-inf), e.add(arrays[EDGES + 1], e.mul(i, 4)))


def _of_center(e: Emitter, given: list[Any]) -> list[Any]:
    half = e.f32(0.5)
    x, y, w, h = given[0], given[1], e.b.fmul(given[2], half), e.b.fmul(given[3], half)
    return [e.b.fsub(y, h), e.b.fsub(x, w), e.b.fadd(y, h), e.b.fadd(x, w)]


def _sorted(e: Emitter, given: list[Any]) -> list[Any]:
    pairs = [(given[k], given[k + 2]) for k in (0, 1)]
    return [e.minimum(p, q) for p, q in pairs] + [e.maximum(p, q) for p, q in pairs]


def _choose(e: Emitter, a: Arguments, arrays: list[Any], count: Any, chosen: Any, overlap: Any) -> Any:
    """Writes the numbers of the boxes that are chosen, best first; returns how many."""
    place, score = _best(e, arrays, count, None, overlap)
    before = e.b.block
    head, body, after = (e.function.append_basic_block(n) for n in ("choose", "chosen", "done"))
    e.b.branch(head)
    e.b.position_at_end(head)
    done, at, best = e.b.phi(I64), e.b.phi(I64), e.b.phi(F32)
    for phi, value in ((done, e.i64(0)), (at, place), (best, score)):
        phi.add_incoming(value, before)
    more = e.b.and_(e.b.icmp_signed("<", done, a.most), e.b.fcmp_ordered(">", best, e.f32(-inf)))
    e.b.cbranch(more, body, after)
    e.b.position_at_end(body)
    offset = e.mul(at, 4)
    number = e.b.zext(e.load(e.add(arrays[-1], offset), I32), I64)
    e.store(number, e.add(chosen, e.mul(done, 8)), 8)
    e.store(e.f32(-inf), e.add(arrays[EDGES + 1], offset))  # an empty box does not overlap itself
    box = [e.broadcast(e.add(array, offset)) for array in arrays[: EDGES + 1]]
    place, score = _best(e, arrays, count, box, overlap)
    for phi, value in ((done, e.add(done, 1)), (at, place), (best, score)):
        phi.add_incoming(value, e.b.block)
    e.b.branch(head)
    e.b.position_at_end(after)
    return done


def _best(e: Emitter, arrays: list[Any], count: Any, box: list[Any] | None, overlap: Any) -> tuple[Any, Any]:
    """The first of the best boxes that are left: its place in the list, its score. What overlaps `box` is not left."""
    lowest = e.splat(-inf)
    limit = e.splat(overlap)
    lanes = ir.Constant(e.VI, list(range(e.lanes)))

    def step(i: Any, best: Any, places: Any) -> list[Any]:
        offset = e.mul(i, 4)
        at = e.add(arrays[EDGES + 1], offset)
        score = e.load(at)
        if box is not None:
            other = [e.load(e.add(array, offset)) for array in arrays[: EDGES + 1]]
            score = e.b.select(_overlaps(e, box, other, limit), lowest, score)
            e.store(score, at)
        better = e.b.fcmp_ordered(">", score, best)
        here = e.b.add(e.splat(e.b.trunc(i, I32), e.VI), lanes)
        return [e.b.select(better, score, best), e.b.select(better, here, places)]

    scores, places = e.fold(0, count, e.lanes, [lowest, ir.Constant(e.VI, None)], step)
    score, place = (e.b.extract_element(v, e.i32(0)) for v in (scores, places))
    for k in range(1, e.lanes):
        other, there = (e.b.extract_element(v, e.i32(k)) for v in (scores, places))
        same = e.b.and_(e.b.fcmp_ordered("==", other, score), e.b.icmp_signed("<", there, place))
        taken = e.b.or_(e.b.fcmp_ordered(">", other, score), same)
        score, place = e.b.select(taken, other, score), e.b.select(taken, there, place)
    return e.b.zext(place, I64), score


def _overlaps(e: Emitter, box: list[Any], other: list[Any], limit: Any) -> Any:
    """Whether intersection over union is above a limit, or no number; of empty boxes it is 0."""
    zero = e.splat(0.0)
    high = e.maximum(e.b.fsub(e.minimum(box[2], other[2]), e.maximum(box[0], other[0])), zero)
    wide = e.maximum(e.b.fsub(e.minimum(box[3], other[3]), e.maximum(box[1], other[1])), zero)
    common = e.b.fmul(high, wide)
    union = e.b.fsub(e.b.fadd(box[4], other[4]), common)
    full = e.b.and_(e.b.fcmp_ordered(">", box[4], zero), e.b.fcmp_ordered(">", other[4], zero))
    some = e.b.select(full, e.b.fdiv(common, e.b.select(full, union, e.splat(1.0))), zero)
    return e.b.fcmp_unordered(">", some, limit)


def _emit_rows(e: Emitter, a: Arguments) -> None:
    with e.loop(e.function.args[1], e.function.args[2]):

        def some(number: Any, row: Any) -> list[Any]:
            count = e.load(e.add(a.counts, e.mul(number, 8)), I64, 8)
            chosen = e.add(a.chosen, e.mul(e.mul(number, a.most), 8))
            with e.loop(0, count) as k:
                at = e.add(a.rows, e.mul(e.add(row, k), 24))
                e.store(e.div(number, a.classes), at, 8)
                e.store(e.rem(number, a.classes), e.add(at, 8), 8)
                e.store(e.load(e.add(chosen, e.mul(k, 8)), I64, 8), e.add(at, 16), 8)
            return [e.add(row, count)]

        e.store(e.fold(0, a.lists, 1, [e.i64(0)], some)[0], a.total, 8)


@cache
def suppress(center: bool) -> Kernel:
    """boxes [image][n][4], scores [image][class][n] -> numbers of boxes [list][most], and how many of each list."""
    return Kernel(f"suppress{'_centers' if center else ''}", ARGS, partial(_emit, center))


CHOSEN_ROWS = Kernel("chosen_rows", ("chosen", "counts", "rows", "total", "lists", "classes", "most"), _emit_rows)
"""One unit: rows (image, class, box) of all lists, and how many they are."""
