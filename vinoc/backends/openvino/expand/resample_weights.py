"""What an element of a Resample's result takes from the data along an axis: an index, or a row of weights."""

from __future__ import annotations

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import i64
from ....ir.graph import Value
from ....ir.ops.resample import Resample
from .resample_points import Axis, count, number


def gathered(b: Builder, op: Resample, places: Value, at: Axis) -> Value:
    """[m]: the index of the element nearest to each place."""
    half = number(b, 0.5)
    if op.nearest_mode == "round_prefer_floor":
        near = b.Ceiling(b.Subtract(places, half))
    elif op.nearest_mode == "round_prefer_ceil":
        near = b.Floor(b.Add(places, half))
    else:
        near = b.Floor(places) if op.nearest_mode == "floor" else b.Ceiling(places)
    return b.Convert(_within(b, near, at), destination_type=i64)


def weights(b: Builder, op: Resample, places: Value, at: Axis) -> Value:
    """[m, n]: linear or cubic weights. Neighbours outside of the data are those at the border, or left out.

    Antialiasing widens the filter as the image shrinks.
    """
    reach = 1 if op.mode == "linear" else 2
    column = b.const(np.array([1]))
    x = b.Unsqueeze(places, column)
    base = b.Floor(x)
    taps, stretch = _taps(b, op, at, reach)
    distance = b.Abs(b.Multiply(b.Subtract(taps, b.Subtract(x, base)), stretch))
    w = _linear(b, distance) if op.mode == "linear" else _keys(b, distance, op.cubic_coeff)
    index = b.Add(base, taps)
    if op.exclude_outside:
        inside = b.LogicalAnd(b.GreaterEqual(index, number(b, 0)), b.LessEqual(index, at.last(b)))
        w = b.Select(inside, w, number(b, 0))
    if op.exclude_outside or op.antialias:
        w = b.Divide(w, b.ReduceSum(w, column, keep_dims=True))
    last = b.const(np.array([2]))
    hit = b.Equal(b.Unsqueeze(_within(b, index, at), last), count(b, at.n))
    spread = b.Select(hit, b.Unsqueeze(w, last), number(b, 0))
    return b.ReduceSum(spread, column, keep_dims=False)


def _within(b: Builder, index: Value, at: Axis) -> Value:
    return b.Minimum(b.Maximum(index, number(b, 0)), at.last(b))


def _taps(b: Builder, op: Resample, at: Axis, reach: int) -> tuple[Value, Value]:
    """The neighbours that count, from the one below a place on, and the factor of their distances."""
    if not op.antialias:
        return b.const(np.arange(1 - reach, reach + 1).astype(np.float32)), number(b, 1)
    stretch = b.Minimum(at.scale, number(b, 1))
    first = b.Add(b.Floor(b.Divide(number(b, -reach), stretch)), number(b, 1))
    width = b.Subtract(number(b, reach + 1), b.Add(first, first))
    return b.Add(count(b, width), first), stretch


def _linear(b: Builder, distance: Value) -> Value:
    return b.Maximum(b.Subtract(number(b, 1), distance), number(b, 0))


def _keys(b: Builder, d: Value, a: float) -> Value:
    """Keys' kernel: (a + 2) d^3 - (a + 3) d^2 + 1 up to 1, a (d^3 - 5 d^2 + 8 d - 4) up to 2, and 0."""

    def polynomial(*factors: float) -> Value:
        total = number(b, factors[0])
        for factor in factors[1:]:
            total = b.Add(b.Multiply(total, d), number(b, factor))
        return total

    near, far = polynomial(a + 2, -(a + 3), 0, 1), polynomial(a, -5 * a, 8 * a, -4 * a)
    outer = b.Select(b.Less(d, number(b, 2)), far, number(b, 0))
    return b.Select(b.LessEqual(d, number(b, 1)), near, outer)
