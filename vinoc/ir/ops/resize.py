"""Interpolation of images."""

from __future__ import annotations

from math import inf, isfinite
from typing import Literal, TypeAlias

import numpy as np

from ..dim import Dim, bounds, unknown
from ..dtype import Array
from ..errors import InferenceError
from ..kernels import resize
from ..op import Op, Operand, op
from ..types import Shape, TensorType, as_dims, normalize_axes
from .elementwise import floating, integral, numeric

InterpolateMode: TypeAlias = Literal["nearest", "linear", "linear_onnx", "cubic", "bilinear_pillow", "bicubic_pillow"]
ShapeMode: TypeAlias = Literal["sizes", "scales"]
CoordinateMode: TypeAlias = Literal[
    "half_pixel", "pytorch_half_pixel", "asymmetric", "tf_half_pixel_for_nn", "align_corners"
]
NearestMode: TypeAlias = Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"]


@op(opset=11)
class Interpolate(Op):
    """Resizes the image along the axes (default: all) to the given sizes, or by the given scales.

    A scaled size is rounded down. Zeros are put around the image first. `linear` weighs by a triangle
    and leaves out what lies outside, `linear_onnx` and `cubic` repeat the border, the `pillow` modes widen their
    filter as the image shrinks. Integers are rounded to even and saturate, in the `pillow` modes behind each axis.
    """

    mode: InterpolateMode
    shape_calculation_mode: ShapeMode
    coordinate_transformation_mode: CoordinateMode = "half_pixel"
    nearest_mode: NearestMode = "round_prefer_floor"
    antialias: bool = False
    pads_begin: tuple[int, ...] = ()
    pads_end: tuple[int, ...] = ()
    cube_coeff: float = -0.75

    def infer(self, image: Operand, sizes_or_scales: Operand, axes: Operand | None = None) -> TensorType:
        dtype = numeric(image, "image").dtype
        if self.shape_calculation_mode == "sizes":
            integral(sizes_or_scales, "sizes")
        else:
            floating(sizes_or_scales, "scales")
        if axes is not None:
            integral(axes, "axes")
        if image.shape is None:
            return TensorType(dtype, None)
        shape = self._padded(image.shape)
        over = self._axes(len(shape), axes)
        if over is None:
            return TensorType(dtype, (unknown(),) * len(shape))
        target = sizes_or_scales.shape
        if target is not None and (len(target) != 1 or (isinstance(target[0], int) and target[0] != len(over))):
            raise InferenceError(
                f"{self.shape_calculation_mode} are {sizes_or_scales.type} for {len(over)} axes",
                help=f"give one of the {self.shape_calculation_mode} for each axis",
            )
        out = list(shape)
        for axis, size in zip(over, self._sizes([shape[a] for a in over], sizes_or_scales)):
            out[axis] = size
        return TensorType(dtype, tuple(out))

    def _padded(self, shape: Shape) -> Shape:
        if max(len(self.pads_begin), len(self.pads_end)) > len(shape):
            raise InferenceError(f"pads are for more dimensions than the {len(shape)} of the image")
        first = (*self.pads_begin, *(0,) * (len(shape) - len(self.pads_begin)))
        last = (*self.pads_end, *(0,) * (len(shape) - len(self.pads_end)))
        return tuple(d + (b + e) if b or e else d for d, b, e in zip(shape, first, last))

    def _axes(self, rank: int, axes: Operand | None) -> tuple[int, ...] | None:
        if axes is None:
            return tuple(range(rank))
        return normalize_axes(axes.known.reshape(-1).tolist(), rank, "axes") if axes.known is not None else None

    def _sizes(self, sizes: list[Dim], target: Operand) -> tuple[Dim, ...]:
        known = value(target)
        if known is None:
            return (unknown(),) * len(sizes)
        if self.shape_calculation_mode == "sizes":
            return as_dims(known)
        return tuple(scaled(n, float(s)) for n, s in zip(sizes, np.asarray(known).reshape(-1)))

    def evaluate(self, image: Array, sizes_or_scales: Array, axes: Array | None = None) -> Array:
        return resize.interpolate(
            image, sizes_or_scales, axes, self.mode, self.shape_calculation_mode, self.coordinate_transformation_mode,
            self.nearest_mode, self.antialias, self.pads_begin, self.pads_end, self.cube_coeff,
        )  # fmt: skip


def scaled(size: Dim, scale: float) -> Dim:
    """The size of the result; symbolic for a symbolic size and a scale as 2 or 0.75."""
    if not isfinite(scale) or scale < 0:
        raise InferenceError(f"the scale is {scale}")
    if isinstance(size, int) or scale.as_integer_ratio()[1] <= 16:
        out: Dim = resize.scaled_size(size, scale)
        return out
    lo, hi = bounds(size)
    return unknown(resize.scaled_size(max(int(lo), 0), scale), inf if hi == inf else resize.scaled_size(int(hi), scale))


def value(operand: Operand) -> Array | None:
    """The value of an operand, where it is known or a constant of any type."""
    return operand.const if operand.known is None else operand.known
