"""The means of windows of u8 on channels-last images, as reals or as integers again.

    mean = (sum of q - inside * zero) * scale / count;  u8: clamp(round(mean * (1 / step) + level), low, high)

`inside` are the taps of a window that lie in the image: pads are zeros, not levels. The sum is exact; on scales of few
bits so is its product, and the quotient is rounded once, as that of the floats is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from llvmlite import ir

from ..codegen.emit import F32, I8, I16, I32, Emitter
from ..codegen.grids import level_within
from ..codegen.math import mean
from ..codegen.typed import Typed
from .base import Arguments, Kernel
from .pool import ByteWalk
from .window import ARGS, COUNT, TAPS, Segment

MOST_SHORT = 257
"""Bytes whose sum fits into 16 bits."""

NUMBERS = ("scale", "zero", "step", "level", "low", "high")


class AvgPoolBytes(ByteWalk):
    """`short`: windows have no more than MOST_SHORT taps. `quantized`: whether means become u8."""

    def __init__(self, e: Emitter, a: Arguments, width: int, short: bool, quantized: bool, *variant: int) -> None:
        super().__init__(e, a, *variant)
        self.width, self.quantized = width, quantized
        self.sums = ir.VectorType(I16 if short else I32, width)

    def begin(self) -> None:
        e, real = self.e, ir.VectorType(F32, self.width)
        self.numbers = {n: e.splat(e.b.bitcast(e.b.trunc(getattr(self.a, n), I32), F32), real) for n in NUMBERS}

    def start(self, c: Any, mask: Any) -> Any:
        return ir.Constant(self.sums, None)

    def combine(self, total: Any, x: Any, weight: Any) -> Any:
        return self.e.b.add(total, self.e.b.zext(x, self.sums))

    def finish(self, s: Segment, totals: Sequence[Any], c: Any, mask: Any) -> None:
        e, a, n = self.e, self.a, self.numbers
        real, size = ir.VectorType(F32, self.width), 1 if self.quantized else 4
        inside = e.b.sitofp(e.mul(s.lines, s.word(TAPS)), F32)
        zeros = e.b.fmul(e.splat(inside, real), n["zero"])
        count = e.b.sitofp(e.mul(s.line_count, s.word(COUNT)), F32)
        of, inverse = e.splat(count, real), e.splat(e.b.fdiv(e.f32(1.0), count), real)
        out = e.add(s.out, e.mul(c, size))
        for p, total in enumerate(totals):
            total = e.b.fmul(e.b.fsub(e.b.uitofp(total, real), zeros), n["scale"])
            result = mean(e, total, of, inverse)
            if self.quantized:
                wide = level_within(Typed(e, self.width), result, *(n[k] for k in NUMBERS[2:]))
                result = e.b.trunc(wide, ir.VectorType(I8, self.width))
            e.store(result, e.add(out, e.mul(a.out_pixel, p)), size)


@cache
def avg_pool_bytes(width: int, short: bool, quantized: bool, taps: int, stride: int, dilation: int) -> Kernel:
    """The kernel for vectors of so many channels, of which there are no fewer, and a geometry of the last dimension."""

    def emit(e: Emitter, a: Arguments) -> None:
        AvgPoolBytes(e, a, width, short, quantized, taps, stride, dilation).emit()

    name = f"avgpoolbytes{width}{'s' if short else ''}{'q' if quantized else ''}_{taps}s{stride}d{dilation}"
    return Kernel(name, (*ARGS, *NUMBERS), emit)
