"""Convolution in groups of few channels, on channels-last images:

    out[p, c] = clamp(bias[c] + sum over t, k of x[p, t, c - c % g + k] * w[t, k, c] + residual[p, c], lo, hi)

over the taps t and the channels k of a group, of which there are g.

A vector holds whole groups: for each k, one permutation gives every lane the k-th channel of its group. So all lanes
multiply, where a matrix product for each group would fill g of them. Weights are [tap][k][channels rounded up].
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from llvmlite import ir

from ..codegen.emit import Emitter
from .base import Arguments, Kernel
from .depthwise import ARGS, Depthwise


class Grouped(Depthwise):
    size = 1
    """Channels of a group, in and out: a divisor of the lanes."""

    def step(self, totals: Sequence[Any], inputs: Sequence[Any], weights: Any) -> Sequence[Any]:
        row = self.e.div(self.a.weight_step, self.size)
        for k in range(self.size):
            weight = self.weight(self.e.add(weights, self.e.mul(row, k)))
            totals = [self.e.fma(self.spread(x, k), weight, t) for t, x in zip(totals, inputs, strict=True)]
        return totals

    def _known(
        self, source: Any, weights: Any, pixels: int, taps: int, mask: Any, totals: Sequence[Any], step: Any
    ) -> Sequence[Any]:
        """A line's taps: for each k all of them, so that the permuted inputs that they share stay in registers."""
        e, a = self.e, self.a
        keys = [[p * self.stride + t * self.dilation for p in range(pixels)] for t in range(taps)]
        needed = sorted({k for row in keys for k in row})
        inputs = {k: self.load(e.add(source, e.mul(a.in_pixel, k)), mask) for k in needed}
        row = e.div(a.weight_step, self.size)
        for k in range(self.size):
            spread = {n: self.spread(x, k) for n, x in inputs.items()}
            for t in range(taps):
                weight = self.weight(e.add(weights, e.add(e.mul(a.weight_step, t), e.mul(row, k))))
                totals = [e.fma(spread[n], weight, total) for n, total in zip(keys[t], totals, strict=True)]
        return totals

    def spread(self, x: Any, k: int) -> Any:
        """The k-th channel of its group, in every lane."""
        order = [lane // self.size * self.size + k for lane in range(self.e.lanes)]
        return self.e.b.shuffle_vector(x, ir.Constant(self.e.V, ir.Undefined), ir.Constant(self.e.VI, order))


@cache
def grouped(size: int, taps: int, stride: int, dilation: int, residual: bool) -> Kernel:
    """The kernel for groups of `size` channels and a geometry of the last dimension (zeros: for any)."""

    def emit(e: Emitter, a: Arguments) -> None:
        walk = Grouped(e, a, taps, stride, dilation)
        walk.residual, walk.size = residual, size
        walk.emit()

    return Kernel(f"grouped{size}x{taps}s{stride}d{dilation}{'r' if residual else ''}", ARGS, emit)
