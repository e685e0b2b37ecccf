"""Sizes and scales of a Resample, and the places of its elements, as nodes of a graph (all numbers f32)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import f32, i64
from ....ir.graph import Value
from ....ir.ops.resample import Resample


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of n elements that becomes one of m, by a scale; all [1], f32."""

    n: Value
    m: Value
    scale: Value

    def last(self, b: Builder) -> Value:
        return b.Subtract(self.n, number(b, 1))


def number(b: Builder, value: float) -> Value:
    return b.const(value, f32)


def count(b: Builder, stop: Value) -> Value:
    """0 .. stop - 1 in f32, for a whole number `stop` [1]."""
    end = b.Squeeze(b.Convert(stop, destination_type=i64), b.const(np.array([0])))
    return b.Convert(b.Range(b.const(0), end, b.const(1), output_type=i64), destination_type=f32)


def dims_of(b: Builder, x: Value, axes: Sequence[int]) -> Value:
    """The dimensions of x along axes, in f32."""
    dims = b.Gather(b.ShapeOf(x, output_type=i64), b.const(np.array(axes)), b.const(0), batch_dims=0)
    return b.Convert(dims, destination_type=f32)


def scales_of(b: Builder, op: Resample, now: Value, target: Value) -> list[Axis]:
    """The sizes and the scale of each axis: given, or their quotient; one for all where a policy wants that."""
    given = target if target.dtype is f32 else b.Convert(target, destination_type=f32)
    if op.by_scales:
        scales, sizes = given, _floor_of_product(b, now, given)
    elif op.policy == "stretch":
        sizes, scales = given, b.Divide(given, now)
    else:
        ratios, all_ = b.Divide(given, now), b.const(np.array([0]))
        pick = b.ReduceMin if op.policy == "not_larger" else b.ReduceMax
        one = pick(ratios, all_, keep_dims=True)
        scales = b.Broadcast(one, b.ShapeOf(now, output_type=i64))
        sizes = b.Floor(b.Add(b.Multiply(one, now), number(b, 0.5)))
    parts = [[_element(b, v, i) for i in range(len(op.axes))] for v in (now, sizes, scales)]
    return [Axis(*row) for row in zip(*parts, strict=True)]


def _floor_of_product(b: Builder, n: Value, scale: Value) -> Value:
    """floor(n * scale) of the exact product: one that is rounded up to a whole number is a step too large.

    The scale is split into a part of 12 bits behind the point, whose product with n is exact, and a rest.
    """
    found = b.Floor(b.Multiply(n, scale))
    coarse = b.Divide(b.Floor(b.Multiply(scale, number(b, 4096))), number(b, 4096))
    rest = b.Add(b.Subtract(b.Multiply(n, coarse), found), b.Multiply(n, b.Subtract(scale, coarse)))
    return b.Select(b.Less(rest, number(b, 0)), b.Subtract(found, number(b, 1)), found)


def _element(b: Builder, values: Value, index: int) -> Value:
    return b.Gather(values, b.const(np.array([index])), b.const(0), batch_dims=0)


def points(b: Builder, op: Resample, at: Axis, part: tuple[Value, int] | None) -> Value:
    """[m]: where each element of the result lies among the n of the data; `part`: regions of interest, and the axis.

    An axis that is not resized stays as it is, whatever the coordinates, but where a part of it is looked at.
    """
    x = count(b, at.m)
    if op.coordinates == "tf_crop_and_resize":
        return _cropped(b, op, at, part, x)
    same = b.LogicalAnd(b.Equal(at.n, at.m), b.Equal(at.scale, number(b, 1)))
    return _unless(b, same, _resized(b, op, at, x), x)


def _resized(b: Builder, op: Resample, at: Axis, x: Value) -> Value:
    one, half = number(b, 1), number(b, 0.5)
    centred = b.Divide(b.Add(x, half), at.scale)
    kind = op.coordinates
    if kind == "asymmetric":
        return b.Divide(x, at.scale)
    if kind == "tf_half_pixel_for_nn":
        return centred
    if kind == "align_corners":
        gaps = b.Subtract(b.Multiply(at.scale, at.n), one)
        return _unless(b, b.Equal(gaps, number(b, 0)), b.Divide(b.Multiply(x, at.last(b)), gaps), number(b, 0))
    usual = b.Subtract(centred, half)
    if kind == "pytorch_half_pixel":
        return _unless(b, b.LessEqual(at.m, one), usual, number(b, 0))
    if kind == "half_pixel_symmetric":  # centred, although rounding the size cut a fraction off
        lost = b.Subtract(one, b.Divide(at.m, b.Multiply(at.scale, at.n)))
        return b.Add(usual, b.Multiply(b.Multiply(at.n, half), lost))
    return usual


def _cropped(b: Builder, op: Resample, at: Axis, part: tuple[Value, int] | None, x: Value) -> Value:
    """start (n - 1) + x (end - start) (n - 1) / (m - 1); where m is 1 the middle of the part."""
    start, end = number(b, 0), number(b, 1)
    if part is not None:
        roi = part[0] if part[0].dtype is f32 else b.Convert(part[0], destination_type=f32)
        start, end = _element(b, roi, part[1]), _element(b, roi, part[1] + len(op.axes))
    step = b.Multiply(b.Subtract(end, start), at.last(b))
    gaps = b.Subtract(at.m, number(b, 1))
    single = b.Add(b.Multiply(step, number(b, 0.5)), x)
    moved = _unless(b, b.LessEqual(gaps, number(b, 0)), b.Divide(b.Multiply(x, step), gaps), single)
    return b.Add(b.Multiply(start, at.last(b)), moved)


def _unless(b: Builder, test: Value, usual: Value, other: Value) -> Value:
    return b.Select(test, other, usual)
