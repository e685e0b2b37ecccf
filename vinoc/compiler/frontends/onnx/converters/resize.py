"""Resize and Upsample as Interpolate."""

from __future__ import annotations

import math
from typing import get_args

from .....ir import dtype as dt
from .....ir.dtype import Array
from .....ir.graph import Value
from .....ir.ops.resize import CoordinateMode
from .....ir.types import static_shape
from ..context import NodeContext
from ..registry import converter
from . import resize_matrix
from .values import axis_of, ints, rank, to

MODES = {"nearest": "nearest", "linear": "linear_onnx", "bilinear": "linear_onnx", "cubic": "cubic"}
COORDINATES = get_args(CoordinateMode)
MORE_COORDINATES = ("half_pixel_symmetric", "tf_crop_and_resize")
ONNX_MODES = {"nearest": "nearest", "linear_onnx": "linear", "cubic": "cubic"}
POLICIES = ("stretch", "not_larger", "not_smaller")
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


@converter("Upsample", since=1)
def upsample_1(ctx: NodeContext) -> Value:
    """Interpolate [N,C,H,W]; the scales of height and width are attributes of their own."""
    scales = ctx.b.const([1.0, 1.0, ctx.attr("height_scale"), ctx.attr("width_scale")], dt.f32)
    return _by_scales(ctx, ctx.input(0), scales, list(range(4)), mode=_mode(ctx), **_OLD)


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
    """Interpolate, or products with matrices where that lacks the variant."""
    x, scales, sizes = ctx.input(0), _given(ctx, 2), _given(ctx, 3)
    if (scales is None) == (sizes is None):
        ctx.fail("one of scales and sizes must be given", "the file is damaged")
    axes = [axis_of(ctx, x, a) for a in ctx.attr("axes", range(rank(ctx, x)))]
    mode = _mode(ctx)
    nearest = ctx.attr("nearest_mode", "round_prefer_floor")
    if nearest not in NEAREST:
        ctx.fail(f"attribute `nearest_mode` is '{nearest}'", f"ONNX knows {', '.join(NEAREST)}")
    policy = ctx.attr("keep_aspect_ratio_policy", "stretch")
    if policy not in POLICIES:
        ctx.fail(f"attribute `keep_aspect_ratio_policy` is '{policy}'", f"ONNX knows {', '.join(POLICIES)}")
    coordinates = ctx.attr("coordinate_transformation_mode", "half_pixel")
    if coordinates not in (*COORDINATES, *MORE_COORDINATES):
        ctx.fail(f"coordinate_transformation_mode '{coordinates}' is unknown", f"known: {', '.join(COORDINATES)}")
    if coordinates == "half_pixel_symmetric" and (scales is None or _whole(x, scales, axes)):
        coordinates = "half_pixel"  # they differ by the fraction that rounding the size down cuts off
    antialias = bool(ctx.attr("antialias", 0)) and mode != "nearest"
    outside = bool(ctx.attr("exclude_outside", 0)) and mode == "cubic"
    in_proportion = sizes is not None and policy != "stretch"
    cut = coordinates == "align_corners" and scales is not None and _has_fraction(x, scales, axes)
    if coordinates in MORE_COORDINATES or antialias or outside or in_proportion or cut:
        if not _is_fixed(ctx, x, scales, sizes, axes, coordinates):
            return _at_run_time(ctx, x, scales, sizes, axes, coordinates, policy)
        uniform = None
        if in_proportion and sizes is not None:
            uniform, sizes = _in_proportion(ctx, x, sizes, axes, policy)
        if in_proportion and uniform is None and not antialias and not outside and coordinates in COORDINATES:
            in_proportion = False
        else:
            return _by_matrices(ctx, x, _geometry(ctx, x, scales, sizes, axes, coordinates, uniform), coordinates)
    attributes = {
        "mode": mode,
        "nearest_mode": nearest,
        "coordinate_transformation_mode": coordinates,
        "antialias": False,
        "cube_coeff": ctx.attr("cubic_coeff_a", -0.75),
    }
    if scales is not None:
        return _by_scales(ctx, x, scales, axes, **attributes)
    assert sizes is not None  # one of them is given
    return _by_sizes(ctx, x, sizes, axes, **attributes)


def _is_fixed(
    ctx: NodeContext, x: Value, scales: Value | None, sizes: Value | None, axes: list[int], coordinates: str
) -> bool:
    """True when all that the weights depend on is known now."""
    assert x.shape is not None  # its rank was asked for
    given = scales if scales is not None else sizes
    known = given is not None and given.is_const and static_shape(tuple(x.shape[a] for a in axes)) is not None
    return known and (coordinates != "tf_crop_and_resize" or ctx.const(1) is not None)


def _at_run_time(
    ctx: NodeContext,
    x: Value,
    scales: Value | None,
    sizes: Value | None,
    axes: list[int],
    coordinates: str,
    policy: str,
) -> Value:
    """Resample, an internal operation."""
    target = to(ctx.b, scales, dt.f64) if scales is not None else sizes
    roi = [ctx.input(1)] if coordinates == "tf_crop_and_resize" else []
    return ctx.b.Resample(
        x,
        target,
        *roi,
        axes=tuple(axes),
        by_scales=scales is not None,
        policy=policy if scales is None else "stretch",
        mode=ONNX_MODES[_mode(ctx)],
        coordinates=coordinates,
        nearest_mode=ctx.attr("nearest_mode", "round_prefer_floor"),
        cubic_coeff=float(ctx.attr("cubic_coeff_a", -0.75)),
        antialias=bool(ctx.attr("antialias", 0)) and _mode(ctx) != "nearest",
        exclude_outside=bool(ctx.attr("exclude_outside", 0)),
        fill=float(ctx.attr("extrapolation_value", 0.0)),
    )


def _given(ctx: NodeContext, index: int) -> Value | None:
    """An input; None also where an empty tensor stands for one that is left out."""
    value = ctx.optional(index)
    return None if value is None or value.shape == (0,) else value


def _by_matrices(ctx: NodeContext, x: Value, geometry: dict[int, resize_matrix.Axis], coordinates: str) -> Value:
    mode = _mode(ctx)
    if mode == "nearest":
        rounding = ctx.attr("nearest_mode", "round_prefer_floor")
        y = resize_matrix.pick(ctx, x, {i: resize_matrix.nearest(axis, rounding) for i, axis in geometry.items()})
    else:
        cubic = ctx.attr("cubic_coeff_a", -0.75) if mode == "cubic" else None
        how = (cubic, bool(ctx.attr("antialias", 0)), bool(ctx.attr("exclude_outside", 0)))
        y = resize_matrix.apply(ctx, x, {i: resize_matrix.weights(axis, *how) for i, axis in geometry.items()})
    if coordinates != "tf_crop_and_resize":
        return y
    return resize_matrix.extrapolate(ctx, y, geometry, ctx.attr("extrapolation_value", 0.0))


def _geometry(
    ctx: NodeContext,
    x: Value,
    scales: Value | None,
    sizes: Value | None,
    axes: list[int],
    coordinates: str,
    uniform: float | None,
) -> dict[int, resize_matrix.Axis]:
    """The axes that change; `uniform`: the scale where sizes are rounded. Fails where a size is not known."""
    given = scales if scales is not None else sizes
    assert given is not None  # one of them is
    assert x.shape is not None  # its rank was asked for
    numbers, now = given.const, static_shape(tuple(x.shape[a] for a in axes))
    crops = coordinates == "tf_crop_and_resize"
    roi = ctx.const(1) if crops else None
    if numbers is None or now is None or (crops and (roi is None or roi.size != 2 * len(axes))):
        ctx.fail("this variant of Resize needs fixed sizes, scales and roi", "fix the shapes with `--input_shape`")
    out = {}
    for i, (axis, size) in enumerate(zip(axes, now, strict=True)):
        part = (float(roi[i]), float(roi[i + len(axes)])) if roi is not None else (0.0, 1.0)
        value = float(numbers.reshape(-1)[i])
        target = int(value) if scales is None else math.floor(size * value)
        scale = value if scales is not None else uniform or target / size
        if target != size or scale != 1.0 or part != (0.0, 1.0):
            out[axis] = resize_matrix.Axis(size, target, scale, coordinates, part)
    return out


def _has_fraction(x: Value, scales: Value, axes: list[int]) -> bool:
    """True when a scaled size may be no whole number: ONNX counts with the fraction then, Interpolate does not.

    Scales that users pass may be anything; those that a model computes from sizes give whole sizes again.
    """
    factors = scales.const
    if factors is None:
        return scales.node is None
    assert x.shape is not None  # its rank was asked for
    pairs = zip((x.shape[a] for a in axes), factors.reshape(-1).tolist(), strict=False)
    return any(isinstance(d, int) and not float(d * f).is_integer() for d, f in pairs)


def _whole(x: Value, scales: Value, axes: list[int]) -> bool:
    """True when the scaled sizes are whole numbers."""
    factors = scales.const
    if factors is None or x.shape is None:
        return False
    pairs = zip((x.shape[a] for a in axes), factors.reshape(-1).tolist(), strict=False)
    return all(isinstance(d, int) and float(d * f).is_integer() for d, f in pairs)


def _in_proportion(
    ctx: NodeContext, x: Value, sizes: Value, axes: list[int], policy: str
) -> tuple[float | None, Value]:
    """A uniform scale, the largest that fits into `sizes` or the smallest that covers them, and the sizes it gives.

    The scale is None where it gives whole sizes, which say as much. Otherwise they are rounded, halves up.
    """
    assert x.shape is not None  # its rank was asked for
    now, wanted = static_shape(tuple(x.shape[a] for a in axes)), sizes.const
    if now is None or wanted is None:
        ctx.fail(f"`keep_aspect_ratio_policy` {policy} needs fixed sizes", "fix the shapes with `--input_shape`")
    ratios = [float(w) / n for w, n in zip(wanted.reshape(-1).tolist(), now, strict=True)]
    scale = min(ratios) if policy == "not_larger" else max(ratios)
    exact = [scale * n for n in now]
    rounded = [math.floor(e + 0.5) for e in exact]
    whole = all(math.isclose(e, r, rel_tol=1e-6) for e, r in zip(exact, rounded, strict=True))
    return None if whole else scale, ints(ctx.b, rounded)
