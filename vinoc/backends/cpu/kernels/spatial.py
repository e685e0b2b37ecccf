"""Reductions over all pixels of channels-last images: the sum, divided by a count, or the largest.

    out[n, c] = sum over lines of (sum over pixels of x[n, line, pixel, c]) / count

Sums of lines are added up apart, which keeps the rounding small. A unit is a block of channels of an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ..codegen.emit import F32, I32, Emitter
from ..codegen.math import mean
from .base import Arguments, Kernel

VECTORS = 4
"""Of a block of channels."""

ARGS = (
    "input", "output", "lines", "pixels", "channels", "blocks", "count", "scale",
    "in_line", "in_pixel", "in_image", "out_image",
)  # fmt: skip


def _emit(kind: str, e: Emitter, a: Arguments) -> None:
    count, scale = (e.splat(e.b.bitcast(e.b.trunc(v, I32), F32)) for v in (a.count, a.scale))

    def result(total: Any) -> Any:
        return mean(e, total, count, scale) if kind == "sum" else total

    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        block, image = e.rem(unit, a.blocks), e.div(unit, a.blocks)
        first = e.mul(block, VECTORS * e.lanes)
        left = e.b.sub(a.channels, first)
        source = e.add(e.add(a.input, e.mul(image, a.in_image)), e.mul(first, 4))
        target = e.add(e.add(a.output, e.mul(image, a.out_image)), e.mul(first, 4))
        whole = e.b.icmp_signed(">=", left, e.i64(VECTORS * e.lanes))
        with e.b.if_else(whole) as (full, part):
            with full:
                for v, total in enumerate(_reduce(kind, e, a, source, VECTORS, None)):
                    e.store(result(total), e.add(target, 4 * e.lanes * v))
            with part, e.loop(0, left, e.lanes) as c:
                mask = e.mask(e.b.sub(left, c))
                (total,) = _reduce(kind, e, a, e.add(source, e.mul(c, 4)), 1, mask)
                e.masked_store(result(total), e.add(target, e.mul(c, 4)), mask)


def _reduce(kind: str, e: Emitter, a: Arguments, source: Any, vectors: int, mask: Any) -> list[Any]:
    """Two pixels at a time, in accumulators of their own."""
    start = e.splat(0.0 if kind == "sum" else -np.inf)

    def combine(total: Any, x: Any) -> Any:
        if kind == "sum":
            return e.b.fadd(total, x)
        return e.b.select(e.b.fcmp_unordered("uno", x, x), x, e.maximum(total, x))

    def loads(address: Any) -> list[Any]:
        if mask is not None:
            return [e.masked_load(address, mask)]
        return [e.load(e.add(address, 4 * e.lanes * v)) for v in range(vectors)]

    def line(i: Any, *totals: Any) -> Sequence[Any]:
        at = e.add(source, e.mul(i, a.in_line))
        pairs = e.b.and_(a.pixels, e.i64(-2))

        def two(p: Any, *sums: Any) -> Sequence[Any]:
            here = e.add(at, e.mul(p, a.in_pixel))
            inputs = [*loads(here), *loads(e.add(here, a.in_pixel))]
            return [combine(s, x) for s, x in zip(sums, inputs, strict=True)]

        sums = e.fold(0, pairs, 2, [start] * (2 * vectors), two)
        joined = [combine(x, y) for x, y in zip(sums[:vectors], sums[vectors:], strict=True)]

        def one(p: Any, *sums: Any) -> Sequence[Any]:
            return [combine(s, x) for s, x in zip(sums, loads(e.add(at, e.mul(p, a.in_pixel))), strict=True)]

        joined = e.fold(pairs, a.pixels, 1, joined, one)
        return [combine(t, s) for t, s in zip(totals, joined, strict=True)]

    return e.fold(0, a.lines, 1, [start] * vectors, line)


@cache
def spatial(kind: str) -> Kernel:
    """The kernel of `sum` or `max`."""

    def emit(e: Emitter, a: Arguments) -> None:
        _emit(kind, e, a)

    return Kernel(f"spatial_{kind}", ARGS, emit)
