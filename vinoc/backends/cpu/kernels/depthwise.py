"""Depthwise convolution on channels-last images:

    out[p, c] = clamp(bias[c] + sum over taps t of x[p, t, c] * w[t, c] + residual[p, c], lo, hi)

Weights are [tap][channels rounded up to whole vectors].
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from llvmlite import ir

from ..codegen.emit import F32, I32, I64, PTR, VOID, Emitter
from .base import Arguments, Kernel
from .window import ARGS as WALK
from .window import Segment, Walk

ARGS = (
    *WALK, "weights", "bias", "residual", "res_pixel", "res_line", "res_image", "lo", "hi", "post", "post_args",
)  # fmt: skip


class Depthwise(Walk):
    residual = False

    def begin(self) -> None:
        e, a = self.e, self.a
        self.lo, self.hi = (e.splat(e.b.bitcast(e.b.trunc(v, I32), F32)) for v in (a.lo, a.hi))

    def start(self, c: Any, mask: Any) -> Any:
        return self.e.load(self.e.add(self.a.bias, self.e.mul(c, 4)), align=self.e.lanes * 4)

    def weight(self, address: Any) -> Any:
        return self.e.load(self.e.add(self.a.weights, address), align=self.e.lanes * 4)

    def combine(self, total: Any, x: Any, weight: Any) -> Any:
        return self.e.fma(x, weight, total)

    def finish(self, s: Segment, totals: Sequence[Any], c: Any, mask: Any) -> None:
        e, a = self.e, self.a
        out = e.add(s.out, e.mul(c, 4))
        if self.residual:
            other = e.add(s.offset(a.residual, a.res_image, a.res_line, a.res_pixel), e.mul(c, 4))
            others = [self.load(e.add(other, e.mul(a.res_pixel, p)), mask) for p in range(len(totals))]
            totals = [e.b.fadd(x, y) for x, y in zip(totals, others, strict=True)]
        for p, total in enumerate(totals):
            value = e.minimum(e.maximum(total, self.lo), self.hi)
            self.store(value, e.add(out, e.mul(a.out_pixel, p)), mask)

    def close(self, s: Segment) -> None:
        """An epilogue function, on what was stored: see igemm."""
        e, a = self.e, self.a
        with e.when(e.b.icmp_signed("!=", a.post, e.i64(0))):
            type = ir.FunctionType(VOID, [PTR, I64, I64, I64, I64, I64])
            out = e.add(s.out, e.mul(s.begin, 4))
            args = [e.at(a.post_args), out, a.out_pixel, s.pixels, s.begin, e.b.sub(s.end, s.begin)]
            e.b.call(e.b.inttoptr(a.post, type.as_pointer()), args)


@cache
def depthwise(taps: int, stride: int, dilation: int, residual: bool) -> Kernel:
    """The kernel for a geometry of the last dimension (zeros: for any), with a residual or without."""

    def emit(e: Emitter, a: Arguments) -> None:
        walk = Depthwise(e, a, taps, stride, dilation)
        walk.residual = residual
        walk.emit()

    return Kernel(f"depthwise{taps}s{stride}d{dilation}{'r' if residual else ''}", ARGS, emit)
