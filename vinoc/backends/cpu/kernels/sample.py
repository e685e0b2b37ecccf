"""Elements of images at computed places, weighted: all channels of a place at once, or many places of a channel.

    y[n, c, p] = sum over taps (i, j) of w(v - i) * w(u - j) * x[n, c, i, j]

(u, v) is the place p in elements. The taps are the nearest element, two elements along each axis, or four with the
weights of Keys' kernel; those outside count as zero, as the nearest one inside, or as what they are mirrored to.

A unit is as many places of an image as a vector has elements. Their taps are found first. Of channels-last images each
place is then a sum of rows of channels; of others each channel is gathered.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, Literal

from llvmlite import ir

from ....ir.record import record
from ..codegen.emit import F32, I64, Emitter
from .base import Arguments, Kernel

Places = Literal["corners", "edges", "elements"]
"""What -1 and 1 are: the middles of the outer elements, or their outer edges; or places count elements from 0."""

ARGS = (
    "source", "grid", "target", "places", "channels", "height", "width", "image", "channel", "row", "column",
    "grid_image", "out_image", "out_channel", "out_place", "zeros",
)  # fmt: skip

LARGEST = 1 << 24
"""Elements along an axis that floats count."""


@record(frozen=True)
class Sampling:
    """What a kernel is made for."""

    mode: str
    padding: str
    places: Places
    rows: bool
    """Whether channels of an element are adjacent."""

    @property
    def name(self) -> str:
        return f"sample_{self.mode}_{self.padding}_{self.places}_{'rows' if self.rows else 'planes'}"


@record(frozen=True)
class _Tap:
    """Along an axis: the element, as i64; its weight, where it is not 1; whether it is inside, where that matters."""

    index: Any
    weight: Any
    inside: Any


def _emit(s: Sampling, e: Emitter, a: Arguments) -> None:
    blocks = e.div(e.add(a.places, e.lanes - 1), e.lanes)
    size = {"bilinear": 4, "bicubic": 16, "nearest": 1}[s.mode] * e.lanes
    found = (e.scratch(2 * size), e.scratch(size)) if s.rows else None
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        image, first = e.div(unit, blocks), e.mul(e.rem(unit, blocks), e.lanes)
        left = e.min(e.b.sub(a.places, first), e.lanes)
        at = e.add(e.add(a.grid, e.mul(image, a.grid_image)), e.mul(first, 8))
        across, down = _coordinates(e, at, left)
        columns = _taps(e, s, across, a.width)
        taps = [_both(e, a, y, x) for y in _taps(e, s, down, a.height) for x in columns]
        source = e.add(a.source, e.mul(image, a.image))
        target = e.add(e.add(a.target, e.mul(image, a.out_image)), e.mul(first, a.out_place))
        if found is None:
            _planes(e, a, taps, source, target, e.mask(left))
        else:
            _rows(e, a, taps, source, target, left, found)


def _coordinates(e: Emitter, at: Any, left: Any) -> tuple[Any, Any]:
    """A vector of x and one of y, which lie in turns."""
    two = e.mul(left, 2)
    halves = [e.masked_load(e.add(at, 4 * k), e.mask(two, k)) for k in (0, e.lanes)]
    order = [ir.Constant(e.VI, [2 * i + k for i in range(e.lanes)]) for k in (0, 1)]
    return e.b.shuffle_vector(*halves, order[0]), e.b.shuffle_vector(*halves, order[1])


def _taps(e: Emitter, s: Sampling, given: Any, size: Any) -> list[_Tap]:
    """The taps along an axis."""
    length = e.splat(e.b.sitofp(size, F32))
    place = _in_elements(e, s.places, given, length)
    if s.mode == "nearest":
        return [_tap(e, s, e.rint(place), None, length)]
    base = e.floor(place)
    found = []
    for step in (0, 1) if s.mode == "bilinear" else (-1, 0, 1, 2):
        whole = e.b.fadd(base, e.splat(float(step))) if step else base
        weight = _weight(e, e.abs(e.b.fsub(place, whole)), step, s.mode)
        found.append(_tap(e, s, whole, weight, length))
    return found


def _in_elements(e: Emitter, places: Places, given: Any, length: Any) -> Any:
    if places == "elements":
        return given
    one, half = e.splat(1.0), e.splat(0.5)
    more = e.b.fadd(given, one)
    if places == "corners":
        return e.b.fmul(e.b.fmul(more, half), e.b.fsub(length, one))
    return e.b.fmul(e.b.fsub(e.b.fmul(more, length), one), half)


def _weight(e: Emitter, distance: Any, step: int, mode: str) -> Any:
    """1 - d, or Keys' kernel with -0.75: one polynomial up to a distance of 1, one up to 2."""
    if mode == "bilinear":
        return e.b.fsub(e.splat(1.0), distance)
    cubic, square, linear, number = (1.25, -2.25, 0.0, 1.0) if step in (0, 1) else (-0.75, 3.75, -6.0, 3.0)
    y = e.b.fadd(e.b.fmul(distance, e.splat(cubic)), e.splat(square))
    y = e.b.fadd(e.b.fmul(y, distance), e.splat(linear))
    return e.b.fadd(e.b.fmul(y, distance), e.splat(number))


def _tap(e: Emitter, s: Sampling, whole: Any, weight: Any, length: Any) -> _Tap:
    zero, last = e.splat(0.0), e.b.fsub(length, e.splat(1.0))
    inside = None
    if s.padding == "zeros":
        inside = e.b.and_(e.b.fcmp_ordered(">=", whole, zero), e.b.fcmp_ordered("<=", whole, last))
    elif s.padding == "reflection":
        whole = _mirrored(e, whole, length, last, s.places == "corners")
    limited = e.minimum(e.b.select(e.b.fcmp_ordered(">", whole, zero), whole, zero), last)  # NaN becomes 0
    index = e.b.sext(e.b.fptosi(limited, e.VI), ir.VectorType(I64, e.lanes))
    return _Tap(index, weight, inside)


def _mirrored(e: Emitter, whole: Any, length: Any, last: Any, corners: bool) -> Any:
    """Places beyond an end as those that lie as far inside, from the outer elements or from their outer edges."""
    two, one, zero = e.splat(2.0), e.splat(1.0), e.splat(0.0)
    period = e.maximum(e.b.fmul(last, two), one) if corners else e.b.fmul(length, two)
    turns = e.floor(e.b.fdiv(whole, period))
    rest = e.fma(e.b.fneg(turns), period, whole)
    rest = e.b.select(e.b.fcmp_ordered("<", rest, zero), e.b.fadd(rest, period), rest)  # where the quotient was rounded
    back = e.b.fsub(period if corners else e.b.fsub(period, one), rest)
    return e.minimum(rest, back)


def _both(e: Emitter, a: Arguments, y: _Tap, x: _Tap) -> _Tap:
    """A tap of an image: its offset in bytes."""
    type = y.index.type
    offset = e.b.add(e.b.mul(y.index, e.splat(a.row, type)), e.b.mul(x.index, e.splat(a.column, type)))
    weight = None if y.weight is None else e.b.fmul(y.weight, x.weight)
    inside = None if y.inside is None else e.b.and_(y.inside, x.inside)
    return _Tap(offset, weight, inside)


def _planes(e: Emitter, a: Arguments, taps: Sequence[_Tap], source: Any, target: Any, mask: Any) -> None:
    """Elements are loaded one by one, which takes no longer than an instruction that gathers; none is out of bounds."""
    offsets = [[e.b.extract_element(tap.index, e.i32(k)) for k in range(e.lanes)] for tap in taps]
    with e.loop(0, a.channels) as c:
        base = e.add(source, e.mul(c, a.channel))
        total: Any = None
        for tap, places in zip(taps, offsets, strict=True):
            value: Any = ir.Constant(e.V, ir.Undefined)
            for k, offset in enumerate(places):
                value = e.b.insert_element(value, e.load(e.add(base, offset), F32), e.i32(k))
            value = value if tap.inside is None else e.b.select(tap.inside, value, e.splat(0.0))
            total = _added(e, total, value, tap.weight)
        e.masked_store(total, e.add(target, e.mul(c, a.out_channel)), mask)


def _added(e: Emitter, total: Any, value: Any, weight: Any) -> Any:
    if weight is None:
        return value
    return e.b.fmul(value, weight) if total is None else e.fma(value, weight, total)


def _rows(e: Emitter, a: Arguments, taps: Sequence[_Tap], source: Any, target: Any, left: Any, found: Any) -> None:
    """Addresses and weights lie on the stack; taps outside are at a row of zeros."""
    addresses, weights = found
    for k, tap in enumerate(taps):
        at = e.b.add(e.splat(source, tap.index.type), tap.index)
        at = at if tap.inside is None else e.b.select(tap.inside, at, e.splat(a.zeros, tap.index.type))
        e.store(at, e.add(addresses, 8 * e.lanes * k), 64)
        if tap.weight is not None:
            e.store(tap.weight, e.add(weights, 4 * e.lanes * k), 4 * e.lanes)
    whole = e.b.and_(a.channels, e.i64(-e.lanes))
    mask = e.mask(e.b.sub(a.channels, whole))
    with e.loop(0, left) as p:
        rows = [e.load(e.add(addresses, e.add(e.mul(p, 8), 8 * e.lanes * k)), I64, 8) for k in range(len(taps))]
        by = [
            None if tap.weight is None else e.broadcast(e.add(weights, e.add(e.mul(p, 4), 4 * e.lanes * k)))
            for k, tap in enumerate(taps)
        ]
        out = e.add(target, e.mul(p, a.out_place))

        def total(c: Any, mask: Any, rows: Sequence[Any] = rows, by: Sequence[Any] = by) -> Any:
            sum: Any = None
            for row, weight in zip(rows, by, strict=True):
                at = e.add(row, e.mul(c, 4))
                sum = _added(e, sum, e.load(at) if mask is None else e.masked_load(at, mask), weight)
            return sum

        with e.loop(0, whole, e.lanes) as c:
            e.store(total(c, None), e.add(out, e.mul(c, 4)))
        with e.when(e.b.icmp_signed(">", a.channels, whole)):
            e.masked_store(total(whole, mask), e.add(out, e.mul(whole, 4)), mask)


@cache
def sample(s: Sampling) -> Kernel:
    """Places [n][p] of (x, y), adjacent; planes: `out_place` is 4. Offsets and sizes of arguments are bytes."""
    return Kernel(s.name, ARGS, partial(_emit, s))
