"""Resizing by computed sizes or scales, in the variants that Interpolate lacks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.graph import Value
from ....ir.types import normalize_axes
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite
from .resample_points import Axis, dims_of, points, scales_of
from .resample_weights import gathered, weights


@rewrite
class ExpandResample(Rewrite):
    """Resample(x) = x gathered (nearest) or multiplied by a matrix of weights along one axis after the other.

    Places and weights are computed in f32 from the sizes of the data and the target, as the definition of Resample
    has them; with tf_crop_and_resize `fill` takes the places outside of the data.
    """

    def pattern(self, p: Tracer, x: Any, target: Any, roi: Any) -> tuple[OpPattern, ...]:
        return p.Resample(x, target), p.Resample(x, target, roi)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        op, rank = m.Resample, m.x.rank
        if rank is None:
            return Decline("the rank is not known")
        if op.mode != "nearest" and not m.x.dtype.is_float:
            return Decline("interpolation of integers rounds")
        axes = normalize_axes(op.axes, rank)
        found = scales_of(b, op, dims_of(b, m.x, axes), m.target)
        x, outside = m.x, None
        for i, (axis, at) in enumerate(zip(axes, found, strict=True)):
            places = points(b, op, at, (m.roi, i) if m.has("roi") else None)
            if op.coordinates == "tf_crop_and_resize":
                outside = _either(b, outside, _outside(b, places, at, rank - axis - 1))
            if op.mode == "nearest":
                x = b.Gather(x, gathered(b, op, places, at), b.const(axis), batch_dims=0)
            else:
                x = _along(b, x, weights(b, op, places, at), axis, rank)
        return x if outside is None else b.Select(outside, b.const(op.fill, x.dtype), x)


def _along(b: Builder, x: Value, matrix: Value, axis: int, rank: int) -> Value:
    """x [.., n, ..] times matrix [m, n] along an axis -> [.., m, ..]."""
    order = [i for i in range(rank) if i != axis] + [axis]
    back = np.argsort(order)
    factor = matrix if matrix.dtype is x.dtype else b.Convert(matrix, destination_type=x.dtype)
    y = b.MatMul(b.Transpose(x, b.const(np.array(order))), factor, transpose_b=True)
    return b.Transpose(y, b.const(back))


def _outside(b: Builder, places: Value, at: Axis, behind: int) -> Value:
    """Whether each place [m] lies outside of the data, as [m, 1, ..]."""
    out = b.LogicalOr(b.Less(places, b.const(0.0, places.dtype)), b.Greater(places, at.last(b)))
    return b.Unsqueeze(out, b.const(np.arange(1, behind + 1))) if behind else out


def _either(b: Builder, first: Value | None, second: Value) -> Value:
    return second if first is None else b.LogicalOr(first, second)
