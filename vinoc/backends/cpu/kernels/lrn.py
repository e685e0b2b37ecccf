"""Local response normalization over the channels of channels-last images:

    out[p, c] = x[p, c] / (bias + factor * sum of x[p, c - before .. c + after]^2) ^ beta

(Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks".)

Every sum is one of shifted vectors of a pixel. A unit is a number of pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from llvmlite import ir

from ..codegen import math
from ..codegen.emit import F32, I32, Emitter
from .base import Arguments, Kernel

ARGS = (
    "input", "output", "pixels", "part", "channels", "size", "before", "in_pixel", "out_pixel", "bias", "factor",
    "beta",
)  # fmt: skip


def _emit(power: str, e: Emitter, a: Arguments) -> None:
    bias, factor, beta = (e.splat(e.b.bitcast(e.b.trunc(v, I32), F32)) for v in (a.bias, a.factor, a.beta))
    after = e.b.sub(a.size, a.before)
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        first = e.mul(unit, a.part)
        with e.loop(first, e.min(e.add(first, a.part), a.pixels)) as p:
            source, target = e.add(a.input, e.mul(p, a.in_pixel)), e.add(a.output, e.mul(p, a.out_pixel))
            with e.loop(0, a.channels, e.lanes) as c:
                begin = e.b.sub(c, a.before)
                reach = e.add(e.b.add(c, after), e.lanes - 1)
                inside = e.b.and_(e.b.icmp_signed(">=", begin, e.i64(0)), e.b.icmp_signed("<=", reach, a.channels))

                def channels(load: Callable[[Any], Any], c: Any = c, begin: Any = begin) -> None:
                    def square(k: Any, total: Any) -> Sequence[Any]:
                        x = load(e.add(begin, k))
                        return [e.fma(x, x, total)]

                    (total,) = e.fold(0, a.size, 1, [e.splat(0.0)], square)
                    base = e.fma(total, factor, bias)
                    mask = e.mask(e.b.sub(a.channels, c))
                    place = e.add(target, e.mul(c, 4))
                    _divided(power, e, load(c), base, beta, partial(e.masked_store, address=place, mask=mask))

                with e.b.if_else(inside) as (middle, end):
                    with middle:
                        channels(partial(_whole, e, source))
                    with end:
                        channels(partial(_within, e, source, a.channels))


def _whole(e: Emitter, source: Any, channel: Any) -> Any:
    return e.load(e.add(source, e.mul(channel, 4)))


def _within(e: Emitter, source: Any, channels: Any, channel: Any) -> Any:
    """Those from a channel on that there are; zeros for others."""
    below = e.b.not_(e.mask(e.b.sub(e.i64(0), channel)))
    mask = e.b.and_(below, e.mask(e.b.sub(channels, channel)))
    return e.masked_load(e.add(source, e.mul(channel, 4)), mask)


def _divided(power: str, e: Emitter, x: Any, base: Any, beta: Any, store: Callable[[Any], None]) -> None:
    """Stores x / base^beta."""
    if power != "3/4":
        store(e.b.fdiv(x, _power(power, e, base, beta)))
        return
    with e.b.if_else(_all_between(e, base, 1e-30, 1e30)) as (usual, other):
        with usual:
            root = math.inverse_root(e, base)
            fourth = e.b.fmul(root, math.inverse_root(e, root))
            store(e.b.fmul(x, e.b.fmul(root, fourth)))
        with other:
            store(e.b.fdiv(x, _power(power, e, base, beta)))


def _all_between(e: Emitter, x: Any, low: float, high: float) -> Any:
    """Whether all lanes lie between two numbers."""
    inside = e.b.and_(e.b.fcmp_ordered(">", x, e.splat(low)), e.b.fcmp_ordered("<", x, e.splat(high)))
    lanes = e.b.bitcast(inside, ir.IntType(e.lanes))
    return e.b.icmp_unsigned("==", lanes, ir.Constant(lanes.type, -1))


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
