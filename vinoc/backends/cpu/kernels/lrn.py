"""Local response normalization over the channels of channels-last images:

    out[p, c] = x[p, c] / (bias + factor * sum of x[p, c - before .. c + after]^2) ^ beta

(Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks".)

The squares of a pixel stand on the stack between zeros, so that every sum is one of shifted vectors. A unit is a
number of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from ..codegen import math
from ..codegen.emit import F32, I32, Emitter
from .base import Arguments, Kernel

MOST_CHANNELS = 4096
MARGIN = 64
"""Channels that a window may reach beyond an end."""

ARGS = (
    "input", "output", "pixels", "part", "channels", "size", "before", "in_pixel", "out_pixel", "bias", "factor",
    "beta",
)  # fmt: skip


def _emit(power: str, e: Emitter, a: Arguments) -> None:
    squares = e.scratch(MOST_CHANNELS + 2 * MARGIN)
    begin = e.add(squares, 4 * MARGIN)
    bias, factor, beta = (e.splat(e.b.bitcast(e.b.trunc(v, I32), F32)) for v in (a.bias, a.factor, a.beta))
    zero = e.splat(0.0)
    with e.loop(0, MARGIN, e.lanes) as k:
        e.store(zero, e.add(squares, e.mul(k, 4)))
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        first = e.mul(unit, a.part)
        with e.loop(first, e.min(e.add(first, a.part), a.pixels)) as p:
            source, target = e.add(a.input, e.mul(p, a.in_pixel)), e.add(a.output, e.mul(p, a.out_pixel))
            with e.loop(0, a.channels, e.lanes) as c:
                x = e.masked_load(e.add(source, e.mul(c, 4)), e.mask(e.b.sub(a.channels, c)))
                e.store(e.b.fmul(x, x), e.add(begin, e.mul(c, 4)))
            end = e.b.and_(e.add(a.channels, e.lanes - 1), e.i64(-e.lanes))
            with e.loop(0, MARGIN, e.lanes) as k:
                e.store(zero, e.add(begin, e.mul(e.b.add(end, k), 4)))
            with e.loop(0, a.channels, e.lanes) as c:
                at = e.add(begin, e.mul(e.b.sub(c, a.before), 4))

                def add(k: Any, total: Any, at: Any = at) -> Sequence[Any]:
                    return [e.b.fadd(total, e.load(e.add(at, e.mul(k, 4))))]

                (total,) = e.fold(0, a.size, 1, [zero], add)
                base = e.fma(total, factor, bias)
                mask = e.mask(e.b.sub(a.channels, c))
                x = e.masked_load(e.add(source, e.mul(c, 4)), mask)
                e.masked_store(e.b.fdiv(x, _power(power, e, base, beta)), e.add(target, e.mul(c, 4)), mask)


def _power(power: str, e: Emitter, base: Any, beta: Any) -> Any:
    if power == "any":
        return math.power(e, base, beta)
    root = e.sqrt(base) if power != "1" else base
    return e.b.fmul(root, e.sqrt(root)) if power == "3/4" else root


@cache
def lrn(power: str) -> Kernel:
    """The kernel for a beta of "1/2", "3/4", "1" or "any"."""

    def emit(e: Emitter, a: Arguments) -> None:
        _emit(power, e, a)

    return Kernel(f"lrn_{power.replace('/', '_')}", ARGS, emit)
