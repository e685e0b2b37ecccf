"""Resizing as products with matrices: the variants of Resize that Interpolate does not have.

Along one axis a resize is linear, out = M @ in. M is worked out here from sizes that are known; its rows are the
weights by which the standard's reference mixes the neighbours of a point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....ir import dtype as dt
from .....ir.dtype import Array
from .....ir.graph import Value
from .....ir.kernels import resample
from ..context import NodeContext
from .values import ints, number, rank


@dataclass(frozen=True, slots=True)
class Axis:
    """How one axis is resized. `roi`: the part of it that is looked at, as fractions."""

    size: int
    target: int
    scale: float
    coordinates: str
    roi: tuple[float, float] = (0.0, 1.0)

    def points(self) -> Array:
        """Where each element of the result lies in the data."""
        return resample.points(self.size, self.target, self.scale, self.coordinates, *self.roi)


def nearest(axis: Axis, rounding: str) -> Array:
    """The index of the nearest element for each element of the result."""
    return resample.nearest_places(axis.points(), axis.size, rounding)


def weights(axis: Axis, cubic: float | None, antialias: bool, exclude_outside: bool) -> Array:
    """The matrix of linear interpolation or, with a coefficient `cubic`, of cubic."""
    return resample.weight_matrix(axis.points(), axis.size, axis.scale, cubic, antialias, exclude_outside)


def apply(ctx: NodeContext, x: Value, matrices: dict[int, Array]) -> Value:
    """Multiplies each axis of x by its matrix."""
    b, n = ctx.b, rank(ctx, x)
    if not x.dtype.is_float:
        ctx.fail(
            f"{x.dtype} data are resized by this mode in whole numbers alone", "convert the data to f32 before Resize"
        )
    for axis, matrix in matrices.items():
        if axis == n - 1:
            x = b.MatMul(x, b.const(matrix.T.astype(x.dtype.numpy)))
        elif axis == n - 2:
            x = b.MatMul(b.const(matrix.astype(x.dtype.numpy)), x)
        else:
            order = [i for i in range(n) if i != axis] + [axis]
            moved = b.MatMul(b.Transpose(x, ints(b, order)), b.const(matrix.T.astype(x.dtype.numpy)))
            x = b.Transpose(moved, ints(b, np.argsort(order).tolist()))
    return x


def pick(ctx: NodeContext, x: Value, indices: dict[int, Array]) -> Value:
    """Takes elements along each axis."""
    for axis, at in indices.items():
        x = ctx.b.Gather(x, ints(ctx.b, at.tolist()), number(ctx.b, axis, dt.i64), batch_dims=0)
    return x


def extrapolate(ctx: NodeContext, x: Value, axes: dict[int, Axis], value: float) -> Value:
    """Puts a value where a point lies outside of the data."""
    inside = np.ones([1] * rank(ctx, x), np.bool_)
    for i, axis in axes.items():
        points = axis.points()
        shape = [-1 if k == i else 1 for k in range(rank(ctx, x))]
        inside = inside & ((points >= 0) & (points <= axis.size - 1)).reshape(shape)
    if inside.all():
        return x
    return ctx.b.Select(ctx.b.const(inside), x, number(ctx.b, value, x.dtype))
