"""Weights of Winograd's form: G g G' and packing in one, and the way back.

Row of G for point p: [1, p, p^2, ...] / product of (p - q) over the other points q; for infinity [0, ..., 0, 1].
The result lies as [frequency][group][panel][channel][width], as the matrix kernel wants it for groups that are
frequencies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ..codegen.emit import F32, I32, Emitter
from .base import Arguments, Kernel
from .copy import transposed
from .winograd import ALPHA, BETA, FORMS, Form, position


def _norm(point: float, other: float) -> float:
    """1 / product of the differences, for one of six points other than 0."""
    return 1 / (2 * point**2 * (point**2 - other**2))


def _spread4(e: Emitter, g: Sequence[Any]) -> list[Any]:
    half = e.splat(0.5)
    even, odd = e.b.fmul(e.b.fadd(g[0], g[2]), half), e.b.fmul(g[1], half)
    return [g[0], e.b.fadd(even, odd), e.b.fsub(even, odd), g[2]]


def _spread6(e: Emitter, g: Sequence[Any]) -> list[Any]:
    """G g for three or five taps."""
    rows = [e.b.fmul(g[0], e.splat(1 / (ALPHA * BETA) ** 2))]
    for point, other in ((ALPHA, BETA), (BETA, ALPHA)):
        n = _norm(point, other)
        even, odd = e.b.fmul(e.splat(n), g[0]), e.b.fmul(e.splat(n * point), g[1])
        for k in range(2, len(g), 2):
            even = e.fma(e.splat(n * point**k), g[k], even)
        for k in range(3, len(g), 2):
            odd = e.fma(e.splat(n * point**k), g[k], odd)
        rows += [e.b.fadd(even, odd), e.b.fsub(even, odd)]
    return [*rows, g[-1]]


def _spread(form: Form) -> Callable[[Emitter, Sequence[Any]], list[Any]]:
    return _spread4 if form.size == 4 else _spread6


Terms: TypeAlias = "tuple[tuple[int, float], ...]"


def _even(row: int, point: float, other: float, factor: float) -> Terms:
    """factor * (g0 + p^2 g2 + p^4 g4), from the rows of p and -p."""
    n = factor * 0.5 / _norm(point, other)
    return (row, n), (row + 1, n)


def _odd(row: int, point: float, other: float, factor: float) -> Terms:
    """factor * (g1 + p^2 g3)."""
    n = factor * 0.5 / (point * _norm(point, other))
    return (row, n), (row + 1, -n)


_A2, _B2 = ALPHA**2, BETA**2
_FIRST: Terms = ((0, _A2 * _B2),)
_LAST: Terms = ((5, 1.0),)

BACK: dict[tuple[int, int], tuple[Terms, ...]] = {
    (2, 3): (((0, 1.0),), ((1, 1.0), (2, -1.0)), ((3, 1.0),)),
    (4, 3): (_FIRST, _odd(1, ALPHA, BETA, 1.0), _LAST),
    (2, 5): (
        _FIRST,
        (*_odd(3, BETA, ALPHA, _A2 / (_A2 - _B2)), *_odd(1, ALPHA, BETA, -_B2 / (_A2 - _B2))),
        (*_even(1, ALPHA, BETA, 1 / _A2), (0, -_B2), (5, -_A2)),
        (*_odd(1, ALPHA, BETA, 1 / (_A2 - _B2)), *_odd(3, BETA, ALPHA, -1 / (_A2 - _B2))),
        _LAST,
    ),
}
"""g[k] as a sum of (row of G g, factor)."""

WEIGHT_ARGS = ("source", "target", "depth", "channels", "groups", "panels", "blocks", "count")


def _weights(form: Form) -> Callable[[Emitter, Arguments], None]:
    """From [groups * depth, channels, taps, taps]. A unit is a block of `lanes` channels of one panel of one group."""

    def emit(e: Emitter, a: Arguments) -> None:
        taps = form.taps**2
        scratch = e.scratch(taps * e.lanes * e.lanes)
        width = e.target.width
        row = e.mul(a.channels, 4 * taps)
        plane = e.mul(e.mul(a.count, a.channels), 4 * width)
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            block, number = e.rem(unit, a.blocks), e.div(unit, a.blocks)
            panel, group = e.rem(number, a.panels), e.div(number, a.panels)
            first = e.mul(block, e.lanes)
            count = e.min(e.b.sub(a.channels, first), e.lanes)
            source = e.add(e.add(a.source, e.mul(e.mul(group, a.depth), row)), e.mul(first, 4 * taps))
            target = e.add(a.target, e.mul(e.add(e.mul(number, a.channels), first), 4 * width))
            with e.loop(0, width, e.lanes) as v:
                left = e.b.sub(a.depth, e.add(e.mul(panel, width), v))
                with e.b.if_else(e.b.icmp_signed(">", left, e.i64(0))) as (some, none):
                    with some:
                        begin = e.add(source, e.mul(e.add(e.mul(panel, width), v), row))
                        _squares(e, taps, scratch, begin, row, left, e.mul(count, taps))
                        _frequencies(e, form, scratch, count, left, e.add(target, e.mul(v, 4)), plane)
                    with none:
                        _clear(e, form, count, e.add(target, e.mul(v, 4)), plane)

    return emit


def _squares(e: Emitter, number: int, scratch: Any, source: Any, row: Any, rows: Any, floats: Any) -> None:
    """`floats` adjacent weights of `lanes` output channels, transposed in `number` squares: vectors over channels."""
    last = e.b.sub(rows, e.i64(1))
    lines = [e.add(source, e.mul(e.min(e.i64(j), last), row)) for j in range(e.lanes)]
    step = 4 * e.lanes
    with e.loop(0, number) as k:
        mask = e.mask(e.b.sub(floats, e.mul(k, e.lanes)))
        square = transposed(e, [e.masked_load(e.add(line, e.mul(k, step)), mask) for line in lines])
        for j, vector in enumerate(square):
            e.store(vector, e.add(scratch, e.add(e.mul(k, step * e.lanes), step * j)), step)


def _frequencies(e: Emitter, form: Form, scratch: Any, count: Any, left: Any, target: Any, plane: Any) -> None:
    """All frequencies of `count` channels; lanes of output channels that are none become zeros."""
    step, size = 4 * e.lanes, form.size
    mask, zero = e.mask(left), e.splat(0.0)
    spread, number = _spread(form), form.taps**2
    with e.loop(0, count) as c:
        at = e.add(scratch, e.mul(c, number * step))
        taps = [e.b.select(mask, e.load(e.add(at, step * t), align=step), zero) for t in range(number)]
        columns = [spread(e, taps[j :: form.taps]) for j in range(form.taps)]
        into = e.add(target, e.mul(c, 4 * e.target.width))
        for i in range(size):
            for j, v in enumerate(spread(e, [column[i] for column in columns])):
                e.store(v, e.add(into, e.mul(plane, i * size + j)), step)


def _clear(e: Emitter, form: Form, count: Any, target: Any, plane: Any) -> None:
    with e.loop(0, count) as c, e.loop(0, form.size**2) as f:
        into = e.add(target, e.mul(c, 4 * e.target.width))
        e.store(e.splat(0.0), e.add(into, e.mul(plane, f)), 4 * e.lanes)


REPAIR_ARGS = (
    "input", "output", "weights", "bias", "residual", "flags", "lo", "hi", "first", "tiles_y", "tiles_x",
    "in_height", "in_width", "height", "width", "top", "left",
    "in_image", "in_y", "in_x", "in_group", "out_image", "out_y", "out_x", "out_group",
    "res_image", "res_y", "res_x", "res_group",
    "channels", "depth", "groups", "panels", "bias_group",
)  # fmt: skip


def _repair(form: Form) -> Callable[[Emitter, Arguments], None]:
    """Computes flagged tiles in the direct form, one output at a time; weights are found back from G g G'.

    It is slow, and runs where the input holds infinities, NaN, or numbers so large that the transforms overflow.
    """

    def emit(e: Emitter, a: Arguments) -> None:
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            flag = e.load(e.add(a.flags, e.mul(unit, 4)), I32)
            with e.when(e.b.icmp_signed("!=", flag, e.i32(0))):
                image, y, x = position(e, a, unit)
                y, x = e.mul(y, form.tile), e.mul(x, form.tile)
                with (
                    e.loop(y, e.min(e.add(y, form.tile), a.height)) as row,
                    e.loop(x, e.min(e.add(x, form.tile), a.width)) as column,
                    e.loop(0, a.groups) as group,
                    e.loop(0, a.depth) as channel,
                ):
                    _output(e, a, form, (image, row, column, group), channel)

    return emit


def _output(e: Emitter, a: Arguments, form: Form, at: tuple[Any, Any, Any, Any], channel: Any) -> None:
    image, y, x, group = at
    width = e.target.width
    panel, lane = e.div(channel, width), e.rem(channel, width)
    number = e.add(e.mul(group, a.panels), panel)
    weights = e.add(e.add(a.weights, e.mul(e.mul(number, a.channels), 4 * width)), e.mul(lane, 4))
    plane = e.mul(e.mul(e.mul(a.groups, a.panels), a.channels), 4 * width)
    source = e.add(e.add(a.input, e.mul(image, a.in_image)), e.mul(group, a.in_group))
    total = e.load(e.add(e.add(a.bias, e.mul(group, a.bias_group)), e.mul(channel, 4)), F32)
    for ky in range(form.taps):
        for kx in range(form.taps):
            row, column = e.b.sub(e.add(y, ky), a.top), e.b.sub(e.add(x, kx), a.left)
            here = e.b.and_(e.b.icmp_unsigned("<", row, a.in_height), e.b.icmp_unsigned("<", column, a.in_width))
            line = e.add(source, e.add(e.mul(row, a.in_y), e.mul(column, a.in_x)))
            count = e.b.select(here, a.channels, e.i64(0))
            (total,) = e.fold(0, count, 1, [total], _term(e, form, weights, plane, line, ky, kx))
    some = e.b.icmp_signed("!=", a.residual, e.i64(0))
    other = _pixel(e, a, "residual", "res", at, channel)
    other = e.load(e.b.select(some, other, e.add(a.bias, 0)), F32)
    total = e.b.select(some, e.b.fadd(total, other), total)
    lo, hi = (e.b.bitcast(e.b.trunc(v, I32), F32) for v in (a.lo, a.hi))
    e.store(e.minimum(e.maximum(total, lo), hi), _pixel(e, a, "output", "out", at, channel))


def _term(
    e: Emitter, form: Form, weights: Any, plane: Any, line: Any, ky: int, kx: int
) -> Callable[[Any, Any], Sequence[Any]]:
    """One channel under one tap."""
    back = BACK[form.tile, form.taps]

    def term(c: Any, total: Any) -> Sequence[Any]:
        at = e.add(weights, e.mul(c, 4 * e.target.width))
        weight = e.f32(0.0)
        for i, p in back[ky]:
            for j, q in back[kx]:
                value = e.load(e.add(at, e.mul(plane, i * form.size + j)), F32)
                weight = e.b.fadd(weight, e.b.fmul(e.f32(p * q), value))
        product = e.b.fmul(e.load(e.add(line, e.mul(c, 4)), F32), weight)
        return [e.b.fadd(total, product)]

    return term


def _pixel(e: Emitter, a: Arguments, base: str, which: str, at: tuple[Any, Any, Any, Any], channel: Any) -> Any:
    address = e.add(getattr(a, base), e.mul(channel, 4))
    names = ("image", "y", "x", "group")
    for n, name in zip(at, names, strict=True):
        address = e.add(address, e.mul(n, getattr(a, f"{which}_{name}")))
    return address


WINOGRAD_WEIGHTS = {k: Kernel(f"winograd_weights{f.name}", WEIGHT_ARGS, _weights(f)) for k, f in FORMS.items()}
WINOGRAD_REPAIR = {k: Kernel(f"winograd_repair{f.name}", REPAIR_ARGS, _repair(f)) for k, f in FORMS.items()}
