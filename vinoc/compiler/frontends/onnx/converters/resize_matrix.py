# mypy: disable-error-code="no-any-return"
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
        x = np.arange(self.target, dtype=np.float64)
        n, m, scale = self.size, self.target, self.scale
        if self.coordinates == "asymmetric":
            return x / scale
        if self.coordinates == "align_corners":
            return x * (n - 1) / (m - 1) if m > 1 else x
        if self.coordinates == "tf_crop_and_resize":
            start, end = self.roi
            step = (end - start) * (n - 1)
            return start * (n - 1) + (x * step / (m - 1) if m > 1 else step / 2 + x)
        half = (x + 0.5) / scale - 0.5
        if self.coordinates == "pytorch_half_pixel" and m <= 1:
            return np.zeros_like(x)
        if self.coordinates == "half_pixel_symmetric":  # centred, although rounding the size cut a fraction off
            return half + n / 2 * (1 - m / (scale * n))
        return half


def nearest(axis: Axis, rounding: str) -> Array:
    """The index of the nearest element for each element of the result."""
    x = axis.points()
    rounded = {
        "round_prefer_floor": np.ceil(x - 0.5),
        "round_prefer_ceil": np.floor(x + 0.5),
        "floor": np.floor(x),
        "ceil": np.ceil(x),
    }[rounding]
    return np.clip(rounded, 0, axis.size - 1).astype(np.int64)


def weights(axis: Axis, cubic: float | None, antialias: bool, exclude_outside: bool) -> Array:
    """The matrix of linear interpolation or, with a coefficient `cubic`, of cubic.

    Antialiasing widens the filter as the image shrinks. Neighbours outside of the data are those at the border, or
    with `exclude_outside` left out.
    """
    reach = 1 if cubic is None else 2
    stretch = min(axis.scale, 1.0) if antialias else 1.0
    first = int(np.floor(-reach / stretch)) + 1
    taps = np.arange(first, reach + 1 - first if antialias else reach + 1)
    x = axis.points()
    base = np.floor(x)
    distance = (taps - (x - base)[:, None]) * stretch
    w = _linear(distance) if cubic is None else _cubic(distance, cubic)
    at = base[:, None].astype(np.int64) + taps
    if exclude_outside:
        w = np.where((at >= 0) & (at < axis.size), w, 0.0)
    if exclude_outside or antialias:
        w /= w.sum(axis=1, keepdims=True)
    matrix = np.zeros((axis.target, axis.size))
    rows = np.broadcast_to(np.arange(axis.target)[:, None], at.shape)
    np.add.at(matrix, (rows, np.clip(at, 0, axis.size - 1)), w)
    return matrix


def _linear(distance: Array) -> Array:
    return np.clip(1 - np.abs(distance), 0, 1)


def _cubic(distance: Array, a: float) -> Array:
    """Keys' kernel (R. Keys, Cubic convolution interpolation for digital image processing, 1981)."""
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


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
