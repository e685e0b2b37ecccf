"""Convolutions of few output channels: sums along what lies next to each other, instead of side by side.

    out[p, d] = clamp(bias[d] + sum over taps t and k < length of in[index[p, t] + k] * w[d, t, k])

A vector holds neighbouring inputs of one window, so that the lanes are full whatever the number of output channels;
they are added up once for each output. A unit is a block of pixels of one image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..codegen.emit import F32, I32, I64, Emitter
from .base import Arguments, Kernel
from .gemm import dot_vectors, share

PIXELS = 4
"""Windows that pass over the weights together."""

ARGS = (
    "input", "output", "weights", "bias", "table", "lo", "hi", "pixels", "taps", "length", "depth", "blocks",
    "in_stride", "in_image", "out_stride", "out_image",
)  # fmt: skip


def _emit(e: Emitter, a: Arguments) -> None:
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        block, image = e.rem(unit, a.blocks), e.div(unit, a.blocks)
        begin, count = share(e, a.pixels, block, a.blocks)
        source, target = e.add(a.input, e.mul(image, a.in_image)), e.add(a.output, e.mul(image, a.out_image))
        last = e.b.sub(e.add(begin, count), e.i64(1))
        with e.loop(begin, e.add(begin, count), PIXELS) as first:
            # Beyond the last pixel its sum is formed, and stored, again.
            pixels = [e.min(e.add(first, j), last) for j in range(PIXELS)]
            with e.loop(0, a.depth) as channel:
                _outputs(e, a, source, target, pixels, channel)


def _outputs(e: Emitter, a: Arguments, source: Any, target: Any, pixels: Sequence[Any], channel: Any) -> None:
    """One channel of some pixels."""
    weights = e.add(a.weights, e.mul(e.mul(e.mul(channel, a.taps), a.length), 4))
    entries = [e.add(a.table, e.mul(e.mul(p, a.taps), 4)) for p in pixels]

    def tap(t: Any, *totals: Any) -> Sequence[Any]:
        numbers = [e.b.sext(e.load(e.add(entry, e.mul(t, 4)), I32), I64) for entry in entries]
        windows = [e.add(source, e.mul(n, a.in_stride)) for n in numbers]
        row = e.add(weights, e.mul(e.mul(t, a.length), 4))
        return [e.b.fadd(x, y) for x, y in zip(totals, dot_vectors(e, row, windows, a.length), strict=True)]

    bias = e.load(e.add(a.bias, e.mul(channel, 4)), F32)
    lo, hi = (e.b.bitcast(e.b.trunc(v, I32), F32) for v in (a.lo, a.hi))
    for p, total in zip(pixels, e.fold(0, a.taps, 1, [e.splat(0.0)] * len(pixels), tap), strict=True):
        value = e.b.fadd(e.reduce(e.b.fadd, total), bias)
        place = e.add(e.add(target, e.mul(p, a.out_stride)), e.mul(channel, 4))
        e.store(e.minimum(e.maximum(value, lo), hi), place)


CONV_DOT = Kernel("conv_dot", ARGS, _emit)
