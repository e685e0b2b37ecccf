"""Weighted sums of a few elements, on channels-last images: enlargement and reduction by interpolation.

    out[p, c] = sum over outer taps j of u[j] * (sum over taps k of v[k] * x[j, k, c])

as f32, or rounded to levels of u8.

Tables say, for each output line, its taps outside the last dimension (how many, then offset and weight of each), and
for each pixel of a line its taps in the last dimension (offset and weight of each). A unit is a part of a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from llvmlite import ir

from ..codegen.emit import F32, I8, I32, I64, Emitter
from ..codegen.grids import level_within
from ..codegen.lanes import store_bytes
from ..codegen.typed import Typed
from .base import Arguments, Kernel

ARGS = (
    "input", "output", "lines", "pixels", "n_lines", "line_size", "n_pixels", "part", "parts", "taps", "channels",
    "in_image", "out_pixel", "out_line", "out_image", "step", "level", "low", "high",
)  # fmt: skip


def _emit(taps: int, quantized: bool, e: Emitter, a: Arguments) -> None:
    store = _Levels(e, a).store if quantized else partial(_store, e)
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        part, rest = e.rem(unit, a.parts), e.div(unit, a.parts)
        line, image = e.rem(rest, a.n_lines), e.div(rest, a.n_lines)
        entry = e.add(a.lines, e.mul(line, e.mul(a.line_size, 8)))
        source = e.add(a.input, e.mul(image, a.in_image))
        target = e.add(e.add(a.output, e.mul(image, a.out_image)), e.mul(line, a.out_line))
        first = e.mul(part, a.part)
        whole = e.b.and_(a.channels, e.i64(-e.lanes))
        left = e.b.sub(a.channels, whole)
        mask = e.mask(left)
        with e.loop(first, e.min(e.add(first, a.part), a.n_pixels)) as x:
            pixel = e.add(a.pixels, e.mul(x, e.mul(a.taps, 16)))
            out = e.add(target, e.mul(x, a.out_pixel))
            known = [_tap(e, e.add(pixel, 16 * k)) for k in range(taps)]
            with e.loop(0, whole, e.lanes) as c:
                at = e.add(source, e.mul(c, 4))
                store(_sum(e, a, at, entry, pixel, known, None), out, c, None, left)
            with e.when(e.b.icmp_signed(">", left, e.i64(0))):
                at = e.add(source, e.mul(whole, 4))
                store(_sum(e, a, at, entry, pixel, known, mask), out, whole, mask, left)


def _store(e: Emitter, value: Any, out: Any, c: Any, mask: Any, left: Any) -> None:
    """A vector of channels from the c-th on; under a mask the last ones."""
    at = e.add(out, e.mul(c, 4))
    if mask is None:
        e.store(value, at)
    else:
        e.masked_store(value, at, mask)


class _Levels:
    """What becomes u8."""

    def __init__(self, e: Emitter, a: Arguments) -> None:
        self.e = e
        self.grid = [e.splat(e.b.bitcast(e.b.trunc(v, I32), F32)) for v in (a.step, a.level, a.low, a.high)]

    def store(self, value: Any, out: Any, c: Any, mask: Any, left: Any) -> None:
        e = self.e
        level = level_within(Typed(e, e.lanes), value, *self.grid)
        levels = e.b.trunc(level, ir.VectorType(I8, e.lanes))
        store_bytes(e, levels, e.add(out, c), None if mask is None else left)


def _tap(e: Emitter, address: Any) -> tuple[Any, Any]:
    """(offset, weight in all lanes)"""
    return e.load(address, I64, 8), e.splat(e.load(e.add(address, 8), F32))


def _sum(e: Emitter, a: Arguments, source: Any, entry: Any, pixel: Any, known: Sequence[Any], mask: Any) -> Any:
    zero = e.splat(0.0)

    def line(j: Any, total: Any) -> Sequence[Any]:
        offset, weight = _tap(e, e.add(e.add(entry, 8), e.mul(j, 16)))
        base = e.add(source, offset)

        def add(inner: Any, tap: tuple[Any, Any]) -> Any:
            address = e.add(base, tap[0])
            x = e.load(address) if mask is None else e.masked_load(address, mask)
            return e.fma(x, tap[1], inner)

        inner: Any = zero
        for tap in known:
            inner = add(inner, tap)
        if not known:
            (inner,) = e.fold(0, a.taps, 1, [zero], lambda k, s: [add(s, _tap(e, e.add(pixel, e.mul(k, 16))))])
        return [e.fma(inner, weight, total)]

    (total,) = e.fold(0, e.load(entry, I64, 8), 1, [zero], line)
    return total


@cache
def resample(taps: int, quantized: bool = False) -> Kernel:
    """The kernel for so many taps in the last dimension; 0: for any number."""
    return Kernel(f"resample{'bytes' if quantized else ''}{taps}", ARGS, partial(_emit, taps, quantized))
