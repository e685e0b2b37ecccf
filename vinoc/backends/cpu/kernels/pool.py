"""Pooling on channels-last images: the largest element, or the mean, of each window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir

from ..codegen.emit import F32, I8, Emitter
from ..codegen.math import mean
from .base import Arguments, Kernel
from .window import ARGS, COUNT, Segment, Walk

LOWEST = float(np.finfo(np.float32).min)


class MaxPool(Walk):
    """NaN never counts. A window of nothing but NaN or pads gives the lowest finite number, one of -inf gives -inf."""

    def start(self, c: Any, mask: Any) -> Any:
        return self.e.splat(-np.inf)

    def combine(self, total: Any, x: Any, weight: Any) -> Any:
        return self.e.b.select(self.e.b.fcmp_ordered(">", x, total), x, total)

    def finish(self, s: Segment, totals: Sequence[Any], c: Any, mask: Any) -> None:
        e, a = self.e, self.a
        out = e.add(s.out, e.mul(c, 4))
        nothing = self.none()
        for p, total in enumerate(totals):
            self.store(total, e.add(out, e.mul(a.out_pixel, p)), mask)
            nothing = e.b.or_(nothing, e.b.fcmp_ordered("==", total, e.splat(-np.inf)))
        with e.when(self.any_lane(nothing)), e.loop(0, s.pixels) as p:
            self._again(s, p, e.add(out, e.mul(a.out_pixel, p)), c, mask)

    def _again(self, s: Segment, p: Any, out: Any, c: Any, mask: Any) -> None:
        """Was there a number at all? Seldom asked: only where the result is -inf."""
        e = self.e

        def look(seen: Sequence[Any], inputs: Sequence[Any], weights: Any) -> Sequence[Any]:
            return [e.b.or_(seen[0], e.b.fcmp_ordered("ord", inputs[0], inputs[0]))]

        (seen,) = self.visit(s, 1, 0, c, mask, [self.none()], look, p)
        self.store(e.maximum(self.load(out, mask), e.b.select(seen, e.splat(-np.inf), e.splat(LOWEST))), out, mask)


class AvgPool(Walk):
    """The divisor is the product of what a line and a segment count."""

    def start(self, c: Any, mask: Any) -> Any:
        return self.e.splat(0.0)

    def combine(self, total: Any, x: Any, weight: Any) -> Any:
        return self.e.b.fadd(total, x)

    def finish(self, s: Segment, totals: Sequence[Any], c: Any, mask: Any) -> None:
        e, a = self.e, self.a
        count = e.b.sitofp(e.mul(s.line_count, s.word(COUNT)), F32)
        of, inverse = e.splat(count), e.splat(e.b.fdiv(e.f32(1.0), count))
        out = e.add(s.out, e.mul(c, 4))
        for p, total in enumerate(totals):
            self.store(mean(e, total, of, inverse), e.add(out, e.mul(a.out_pixel, p)), mask)


class ByteWalk(Walk):
    """Of u8. Vectors have so many bytes that the channels fill one; the last one is moved back to end with them."""

    item = 1
    width = 1

    def load(self, address: Any, mask: Any) -> Any:
        return self.e.load(address, ir.VectorType(I8, self.width), 1)

    def _body(self, s: Segment, pixels: int, taps: int) -> None:
        e = self.e
        last = e.b.sub(s.end, e.i64(self.width))
        with e.loop(s.begin, s.end, self.width) as c:
            self._vector(s, pixels, taps, e.min(c, last), None)


class MaxPoolBytes(ByteWalk):
    def start(self, c: Any, mask: Any) -> Any:
        return ir.Constant(ir.VectorType(I8, self.width), None)

    def combine(self, total: Any, x: Any, weight: Any) -> Any:
        return self.e.b.select(self.e.b.icmp_unsigned(">", x, total), x, total)

    def finish(self, s: Segment, totals: Sequence[Any], c: Any, mask: Any) -> None:
        e, a = self.e, self.a
        for p, total in enumerate(totals):
            e.store(total, e.add(e.add(s.out, c), e.mul(a.out_pixel, p)), 1)


@cache
def max_pool_bytes(width: int, taps: int, stride: int, dilation: int) -> Kernel:
    """The kernel of MaxPool of u8, by vectors of so many channels, of which there are no fewer."""

    def emit(e: Emitter, a: Arguments) -> None:
        walk = MaxPoolBytes(e, a, taps, stride, dilation)
        walk.width = width
        walk.emit()

    return Kernel(f"maxpoolbytes{width}_{taps}s{stride}d{dilation}", ARGS, emit)


@cache
def pool(kind: str, taps: int, stride: int, dilation: int) -> Kernel:
    """The kernel of MaxPool or AvgPool for a geometry of the last dimension; zeros: for any."""

    def emit(e: Emitter, a: Arguments) -> None:
        (MaxPool if kind == "max" else AvgPool)(e, a, taps, stride, dilation).emit()

    return Kernel(f"{kind}pool{taps}s{stride}d{dilation}", ARGS, emit)
