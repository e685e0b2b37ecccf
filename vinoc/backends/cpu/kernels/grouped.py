"""Convolution in groups of few channels, i in and o >= i out, on channels-last images:

    out[p, c] = clamp(bias[c] + sum over t, k of x[p, t, c // o * i + k] * w[t, k, c] + residual[p, c], lo, hi)

over the taps t and the input channels k of a group.

A vector holds whole groups: for each k, one permutation gives every lane the k-th input of its group. So all lanes
multiply, where a matrix product for each group would fill o of them. Weights are [tap][k][channels rounded up].
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from llvmlite import ir

from ..codegen.emit import F32, Emitter
from .base import Arguments, Kernel
from .depthwise import ARGS, Depthwise


class Grouped(Depthwise):
    ins, outs = 1, 1
    """Channels of a group; the lanes are a multiple of `outs`."""

    def offset(self, c: Any) -> Any:
        return self.e.mul(self.e.div(c, self.outs), 4 * self.ins)

    def read(self, address: Any, mask: Any) -> Any:
        """The inputs of the groups of a vector, in its first lanes."""
        e, count = self.e, self.e.lanes * self.ins // self.outs
        if count == e.lanes:
            return self.load(address, mask)
        if mask is not None:  # of output channels: those of whole groups
            picked = ir.Constant(e.VI, [min(lane * self.outs // self.ins, e.lanes - 1) for lane in range(e.lanes)])
            mask = e.b.shuffle_vector(mask, ir.Constant(mask.type, ir.Undefined), picked)
            mask = e.b.and_(mask, ir.Constant(mask.type, [lane < count for lane in range(e.lanes)]))
            return e.masked_load(address, mask)
        few = e.load(address, ir.VectorType(F32, count))
        order = ir.Constant(e.VI, [min(lane, count - 1) for lane in range(e.lanes)])
        return e.b.shuffle_vector(few, ir.Constant(few.type, ir.Undefined), order)

    def step(self, totals: Sequence[Any], inputs: Sequence[Any], weights: Any) -> Sequence[Any]:
        row = self.e.div(self.a.weight_step, self.ins)
        for k in range(self.ins):
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
        inputs = {k: self.read(e.add(source, e.mul(a.in_pixel, k)), mask) for k in needed}
        row = e.div(a.weight_step, self.ins)
        for k in range(self.ins):
            spread = {n: self.spread(x, k) for n, x in inputs.items()}
            for t in range(taps):
                weight = self.weight(e.add(weights, e.add(e.mul(a.weight_step, t), e.mul(row, k))))
                totals = [e.fma(spread[n], weight, total) for n, total in zip(keys[t], totals, strict=True)]
        return totals

    def spread(self, x: Any, k: int) -> Any:
        """The k-th input of its group, in every lane."""
        order = [lane // self.outs * self.ins + k for lane in range(self.e.lanes)]
        return self.e.b.shuffle_vector(x, ir.Constant(self.e.V, ir.Undefined), ir.Constant(self.e.VI, order))


@cache
def grouped(ins: int, outs: int, taps: int, stride: int, dilation: int, residual: bool) -> Kernel:
    """The kernel for groups of so many channels and a geometry of the last dimension (zeros: for any)."""

    def emit(e: Emitter, a: Arguments) -> None:
        walk = Grouped(e, a, taps, stride, dilation)
        walk.residual, walk.ins, walk.outs = residual, ins, outs
        walk.emit()

    return Kernel(f"grouped{ins}to{outs}x{taps}s{stride}d{dilation}{'r' if residual else ''}", ARGS, emit)
