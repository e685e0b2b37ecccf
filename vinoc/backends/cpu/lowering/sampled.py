"""GridSample as rows that are gathered and weighted: all channels of a place at once.

    y[n, :, p] = sum over taps (i, j) of w(v - i) * w(u - j) * x[n, :, i, j]

(u, v) is the place of p in elements. The taps are the nearest element, two elements along each axis, or four with the
weights of Keys' kernel; those outside count as zero, as the nearest one inside, or as what they are mirrored to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import f32, i64
from ....ir.graph import Value
from ....ir.ops.vision import GridSample
from ....ir.types import static_shape
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite

Tap = tuple[Value, Value | None, Value | None]
"""The element along an axis, [N * P]; its weight, where it is not 1; whether it is inside, where that matters."""

LARGEST = 1 << 24
"""Elements along an axis that floats count."""


@rewrite
class CpuGridSample(Rewrite):
    """GridSample(x, grid) = sum of Gather(rows of x, taps) * weights, where shapes are known."""

    def pattern(self, p: Tracer, x: Any, grid: Any) -> OpPattern:
        return p.GridSample(x, grid)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        shape, places = static_shape(m.x.shape), static_shape(m.grid.shape)
        if shape is None or places is None or m.x.dtype is not f32 or m.grid.dtype is not f32:
            return Decline("shapes are not known, or elements are not f32")
        if not all((*shape, *places)) or max(shape[2:]) > LARGEST:
            return Decline("it is empty, or too large")
        n, channels, height, width = shape
        rows = b.Reshape(b.Transpose(m.x, np.array([0, 2, 3, 1])), np.array([-1, channels]), special_zero=False)
        u, v = (
            b.Reshape(b.Gather(m.grid, np.int64(i), np.int64(3), batch_dims=0), np.array([-1]), special_zero=False)
            for i in (0, 1)
        )
        first = np.repeat(np.arange(n) * height * width, places[1] * places[2])
        total: Value | None = None
        across = _taps(b, u, width, m.GridSample)
        for row, w_row, in_row in _taps(b, v, height, m.GridSample):
            begin = b.Add(b.Multiply(row, np.int64(width)), first)
            for column, w_column, in_column in across:
                found = b.Gather(rows, b.Add(begin, column), np.int64(0), batch_dims=0)
                inside = b.LogicalAnd(in_row, in_column) if in_row is not None and in_column is not None else None
                if inside is not None:
                    found = b.Select(b.Unsqueeze(inside, np.array([1])), found, np.float32(0))
                if w_row is not None and w_column is not None:
                    found = b.Multiply(found, b.Unsqueeze(b.Multiply(w_row, w_column), np.array([1])))
                total = found if total is None else b.Add(total, found)
        image = b.Reshape(total, np.array([n, places[1], places[2], channels]), special_zero=False)
        out: Value = b.Transpose(image, np.array([0, 3, 1, 2]))
        return out


def _taps(b: Builder, at: Value, size: int, op: GridSample) -> list[Tap]:
    """The taps along an axis of places between -1 and 1."""
    one = b.Add(at, 1.0)
    if op.align_corners:
        place = b.Multiply(b.Divide(one, 2.0), float(size - 1))
    else:
        place = b.Divide(b.Subtract(b.Multiply(one, float(size)), 1.0), 2.0)
    if op.mode == "nearest":
        return [_tap(b, b.Round(place, mode="half_to_even"), None, size, op)]
    base = b.Floor(place)
    steps = (0, 1) if op.mode == "bilinear" else (-1, 0, 1, 2)
    found = []
    for step in steps:
        whole = b.Add(base, float(step)) if step else base
        found.append(_tap(b, whole, _weight(b, b.Abs(b.Subtract(place, whole)), step, op.mode), size, op))
    return found


def _weight(b: Builder, distance: Value, step: int, mode: str) -> Value:
    """1 - d, or Keys' kernel with -0.75: one polynomial up to a distance of 1, one up to 2."""
    if mode == "bilinear":
        near: Value = b.Subtract(np.float32(1), distance)
        return near
    cubic, square, linear, number = (1.25, -2.25, 0.0, 1.0) if step in (0, 1) else (-0.75, 3.75, -6.0, 3.0)
    y = b.Add(b.Multiply(distance, cubic), square)
    y = b.Add(b.Multiply(y, distance), linear)
    out: Value = b.Add(b.Multiply(y, distance), number)
    return out


def _tap(b: Builder, whole: Value, weight: Value | None, size: int, op: GridSample) -> Tap:
    inside = None
    if op.padding_mode == "zeros":
        inside = b.LogicalAnd(b.GreaterEqual(whole, np.float32(0)), b.Less(whole, np.float32(size)))
    elif op.padding_mode == "reflection":
        whole = _mirrored(b, whole, size, op.align_corners)
    limited = b.Convert(b.Clamp(whole, min=0.0, max=float(size - 1)), destination_type=i64)
    index = b.Maximum(b.Minimum(limited, np.int64(size - 1)), np.int64(0))  # NaN may be any integer
    return index, weight, inside


def _mirrored(b: Builder, whole: Value, size: int, align_corners: bool) -> Value:
    """Places beyond an end as those that lie as far inside, from the outer elements or from their outer edges."""
    period = max(2 * (size - 1), 1) if align_corners else 2 * size
    folded = b.FloorMod(whole, float(period))
    back = b.Subtract(np.float32(period if align_corners else period - 1), folded)
    out: Value = b.Minimum(folded, back)
    return out
