# mypy: disable-error-code="no-any-return"
"""Resize and Upsample as Interpolate."""

from __future__ import annotations

import math

from .....ir import dtype as dt
from .....ir.dtype import Array
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .values import axis_of, dims, ints, number, rank, to

MODES = {"nearest": "nearest", "linear": "linear_onnx", "bilinear": "linear_onnx", "cubic": "cubic"}
COORDINATES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "tf_half_pixel_for_nn", "align_corners")
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def _mode(ctx: NodeContext) -> str:
    mode = ctx.attr("mode", "nearest")
    if mode not in MODES:
        ctx.fail(f"attribute `mode` is '{mode}'", "ONNX knows nearest, linear, cubic")
    return MODES[mode]


def _interpolate(ctx: NodeContext, x: Value, target: Value, axes: list[int], by: str, **attributes: object) -> Value:
    """Interpolate along the axes that change at all."""
    zeros = [0] * rank(ctx, x)
    return ctx.b.Interpolate(
        x, target, ints(ctx.b, axes), shape_calculation_mode=by, pads_begin=zeros, pads_end=zeros, **attributes
    )


def _changed(values: Array, axes: list[int], same: list[float]) -> list[int]:
    """The positions at which the size changes."""
    return [i for i in range(len(axes)) if float(values[i]) != same[i]]


def _by_scales(ctx: NodeContext, x: Value, scales: Value, axes: list[int], **attributes: object) -> Value:
    fixed = scales.const
    if fixed is not None:
        fixed = fixed.reshape(-1)
        if len(fixed) != len(axes):
            ctx.fail(f"{len(fixed)} scales are given for {len(axes)} axes")
        if not all(s > 0 and math.isfinite(s) for s in fixed):
            ctx.fail(f"scales are {fixed.tolist()}", "scales must be positive")
        kept = _changed(fixed, axes, [1.0] * len(axes))
        if not kept:
            return x
        scales, axes = ctx.b.const(fixed[kept]), [axes[i] for i in kept]
    return _interpolate(ctx, x, to(ctx.b, scales, dt.f32), axes, "scales", **attributes)


def _by_sizes(ctx: NodeContext, x: Value, sizes: Value, axes: list[int], **attributes: object) -> Value:
    fixed = sizes.const
    if fixed is not None:
        fixed = fixed.reshape(-1)
        if len(fixed) != len(axes):
            ctx.fail(f"{len(fixed)} sizes are given for {len(axes)} axes")
        assert x.shape is not None  # its rank was asked for
        now = [d if isinstance(d, int) else -1 for d in (x.shape[a] for a in axes)]
        kept = _changed(fixed, axes, [float(n) for n in now])
        if not kept:
            return x
        sizes, axes = ctx.b.const(fixed[kept]), [axes[i] for i in kept]
    return _interpolate(ctx, x, to(ctx.b, sizes, dt.i64), axes, "sizes", **attributes)


# Before opset 11 there was one way to map coordinates.

_OLD = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "simple"}


@converter("Upsample", since=7)
def upsample_7(ctx: NodeContext) -> Value:
    """Interpolate; the scales are an attribute."""
    x = ctx.input(0)
    scales = ctx.b.const(ctx.attr("scales"), dt.f32)
    return _by_scales(ctx, x, scales, list(range(rank(ctx, x))), mode=_mode(ctx), **_OLD)


@converter("Upsample", since=9)
@converter("Resize", since=10)
def upsample_9(ctx: NodeContext) -> Value:
    """Interpolate with asymmetric coordinates."""
    x = ctx.input(0)
    return _by_scales(ctx, x, ctx.input(1), list(range(rank(ctx, x))), mode=_mode(ctx), **_OLD)


@converter("Resize", since=11)
def resize(ctx: NodeContext) -> Value:
    """Interpolate."""
    x, scales, sizes = ctx.input(0), ctx.optional(2), ctx.optional(3)
    if scales is not None and scales.shape == (0,):
        scales = None
    if sizes is not None and sizes.shape == (0,):
        sizes = None
    if (scales is None) == (sizes is None):
        ctx.fail("one of scales and sizes must be given", "the file is damaged")
    axes = [axis_of(ctx, x, a) for a in ctx.attr("axes", range(rank(ctx, x)))]
    mode = _mode(ctx)
    if mode == "cubic" and ctx.attr("exclude_outside", 0):
        ctx.fail("`exclude_outside` of Resize is not supported with cubic interpolation", "export the model without it")
    nearest = ctx.attr("nearest_mode", "round_prefer_floor")
    if nearest not in NEAREST:
        ctx.fail(f"attribute `nearest_mode` is '{nearest}'", f"ONNX knows {', '.join(NEAREST)}")
    attributes = {
        "mode": mode,
        "nearest_mode": nearest,
        "coordinate_transformation_mode": _coordinates(ctx, x, scales, axes),
        "antialias": bool(ctx.attr("antialias", 0)),
        "cube_coeff": ctx.attr("cubic_coeff_a", -0.75),
    }
    if attributes["antialias"] and mode == "linear_onnx":
        attributes["mode"] = "bilinear_pillow"
    if scales is not None:
        return _by_scales(ctx, x, scales, axes, **attributes)
    assert sizes is not None
    policy = ctx.attr("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        sizes = _in_proportion(ctx, x, sizes, axes, policy)
    return _by_sizes(ctx, x, sizes, axes, **attributes)


def _coordinates(ctx: NodeContext, x: Value, scales: Value | None, axes: list[int]) -> str:
    mode: str = ctx.attr("coordinate_transformation_mode", "half_pixel")
    if mode in COORDINATES:
        return mode
    if mode == "half_pixel_symmetric":
        if scales is None or _whole(x, scales, axes):
            return "half_pixel"  # they differ by the fraction that rounding the size down cuts off
        ctx.fail("half_pixel_symmetric is supported where the new size is a whole number alone", "give sizes in place of scales")
    ctx.fail(f"coordinate_transformation_mode '{mode}' is not supported", f"supported: {', '.join(COORDINATES)}")


def _whole(x: Value, scales: Value, axes: list[int]) -> bool:
    """True when the scaled sizes are whole numbers."""
    factors = scales.const
    if factors is None or x.shape is None:
        return False
    sizes = [x.shape[a] for a in axes]
    return all(isinstance(d, int) and float(d * f).is_integer() for d, f in zip(sizes, factors.reshape(-1).tolist(), strict=False))


def _in_proportion(ctx: NodeContext, x: Value, sizes: Value, axes: list[int], policy: str) -> Value:
    """The sizes of a uniform scale: the largest that fits into `sizes`, or the smallest that covers them."""
    if policy not in ("not_larger", "not_smaller"):
        ctx.fail(f"attribute `keep_aspect_ratio_policy` is '{policy}'", "ONNX knows stretch, not_larger, not_smaller")
    b = ctx.b
    now = to(b, b.Gather(dims(b, x), ints(b, axes), 0, batch_dims=0), dt.f32)
    ratio = b.Divide(to(b, sizes, dt.f32), now)
    reduce = b.ReduceMin if policy == "not_larger" else b.ReduceMax
    scaled = b.Multiply(now, reduce(ratio, ints(b, [0]), keep_dims=True))
    half = b.Floor(b.Add(scaled, number(b, 0.5, dt.f32)))  # halves up
    return to(b, half, dt.i64)
