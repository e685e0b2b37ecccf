"""Boxes, regions of interest and sampling of images at given places."""

from __future__ import annotations

from typing import Any

import numpy as np

from .....ir.builder import Builder
from .....ir.dtype import f32, i64
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .values import concat, element, ints, number, rank, reshape, scalar, to, to_i64

GRID_MODES = {
    "bilinear": "bilinear", "linear": "bilinear", "nearest": "nearest", "bicubic": "bicubic", "cubic": "bicubic",
}  # fmt: skip
"""Opset 20 renamed the modes, as it allowed volumes."""


@converter("NonMaxSuppression", since=10)
def non_max_suppression(ctx: NodeContext) -> Value:
    """Rows of [batch, class, box]. Without a score threshold every box counts; without a maximum none is chosen."""
    b, boxes, scores = ctx.b, ctx.input(0), ctx.input(1)
    limit, iou, threshold = (ctx.optional(i) for i in (2, 3, 4))
    out = b.NonMaxSuppression(
        boxes,
        scores,
        scalar(b, to_i64(b, limit)) if limit is not None else number(b, 0, i64),
        scalar(b, iou) if iou is not None else number(b, 0, f32),
        scalar(b, threshold) if threshold is not None else number(b, np.finfo(np.float32).min, f32),
        box_encoding="center" if ctx.attr("center_point_box", 0) else "corner",
        sort_result_descending=False,
        output_type=i64,
    )
    return out[0]


@converter("RoiAlign", since=10)
def roi_align_opset10(ctx: NodeContext) -> Value:
    return _roi_align(ctx, "asymmetric")


@converter("RoiAlign", since=16)
def roi_align(ctx: NodeContext) -> Value:
    modes = {"half_pixel": "half_pixel_for_nn", "output_half_pixel": "asymmetric"}
    mode = ctx.attr("coordinate_transformation_mode", "half_pixel")
    if mode not in modes:
        ctx.fail(f"attribute `coordinate_transformation_mode` is '{mode}'", f"it must be one of {', '.join(modes)}")
    return _roi_align(ctx, modes[mode])


def _roi_align(ctx: NodeContext, aligned_mode: str) -> Value:
    mode = ctx.attr("mode", "avg")
    if mode not in ("avg", "max"):
        ctx.fail(f"attribute `mode` is '{mode}'", "ONNX knows avg, max")
    inputs = ctx.input(0), ctx.input(1), to_i64(ctx.b, ctx.input(2))
    sizes: dict[str, Any] = {
        "pooled_h": ctx.attr("output_height", 1),
        "pooled_w": ctx.attr("output_width", 1),
        "sampling_ratio": ctx.attr("sampling_ratio", 0),
        "spatial_scale": ctx.attr("spatial_scale", 1.0),
    }
    if mode == "max":  # ONNX takes the maximum of weighted corners, OpenVINO of interpolated points
        return ctx.b.ROICornerMax(*inputs, **sizes, half_pixel=aligned_mode == "half_pixel_for_nn")
    return ctx.b.ROIAlign(*inputs, **sizes, mode="avg", aligned_mode=aligned_mode)


@converter("GridSample", since=16)
def grid_sample(ctx: NodeContext) -> Value:
    x, mode = ctx.input(0), ctx.attr("mode", "bilinear" if ctx.opset < 20 else "linear")
    if mode not in GRID_MODES:
        ctx.fail(f"attribute `mode` is '{mode}'", f"it must be one of {', '.join(GRID_MODES)}")
    sample = ctx.b.GridSample if rank(ctx, x) == 4 else ctx.b.GridSampleND
    return sample(
        x,
        ctx.input(1),
        align_corners=bool(ctx.attr("align_corners", 0)),
        mode=GRID_MODES[mode],
        padding_mode=ctx.attr("padding_mode", "zeros"),
    )


@converter("AffineGrid", since=20)
def affine_grid(ctx: NodeContext) -> Value:
    """grid = [x, y, (z), 1] times theta transposed, with coordinates between -1 and 1.

    theta is [N, 2, 3] or [N, 3, 4], size is [N, C, (D), H, W], the result [N, (D), H, W, 2 or 3].
    """
    b, theta, size = ctx.b, ctx.input(0), to_i64(ctx.b, ctx.input(1))
    if theta.shape is None or rank(ctx, theta) != 3 or theta.shape[1] not in (2, 3):
        ctx.fail(f"theta is {theta.type}", "AffineGrid takes theta of shape [N, 2, 3] or [N, 3, 4]")
    n = int(str(theta.shape[1]))
    extents = [element(b, size, 2 + i) for i in range(n)]
    spatial = concat(b, extents)
    coordinates = []
    for i, extent in reversed(list(enumerate(extents))):  # x runs along the last dimension
        line = _line(b, extent, bool(ctx.attr("align_corners", 0)), theta)
        line = reshape(b, line, [-1 if k == i else 1 for k in range(n)])
        coordinates.append(reshape(b, b.Broadcast(line, spatial, mode="numpy"), (-1, 1)))
    ones = reshape(b, b.Broadcast(number(b, 1, theta.dtype), spatial, mode="numpy"), (-1, 1))
    points = b.Concat(*coordinates, ones, axis=1)  # [places, n + 1]
    grid = b.MatMul(points, theta, transpose_a=False, transpose_b=True)  # [N, places, n]
    return b.Reshape(grid, concat(b, [element(b, size, 0), spatial, ints(b, [n])]), special_zero=False)


def _line(b: Builder, extent: Value, align_corners: bool, like: Value) -> Value:
    """Coordinates of `extent` places: from -1 to 1, or at the centres of as many equal parts of that range."""
    index = to(b, b.Range(number(b, 0, i64), scalar(b, extent), 1, output_type=i64), like.dtype)
    count = to(b, scalar(b, extent), like.dtype)
    if align_corners:
        one = number(b, 1, like.dtype)
        step = b.Divide(number(b, 2, like.dtype), b.Maximum(b.Subtract(count, one), one))
        return b.Subtract(b.Multiply(index, step), one)
    return b.Subtract(b.Divide(b.Add(b.Multiply(index, 2.0), 1.0), count), 1.0)


@converter("Col2Im", since=18)
def col2im(ctx: NodeContext) -> Value:
    size, block = to_i64(ctx.b, ctx.input(1)), to_i64(ctx.b, ctx.input(2))
    n = block.shape[0] if block.shape is not None else None
    if not isinstance(n, int):
        ctx.fail(f"the number of dimensions of {block.type} blocks is unknown", "fix the shapes of the inputs")
    pads = ctx.attr("pads", [0] * 2 * n)
    return (ctx.b.Col2Im if n == 2 else ctx.b.Col2ImND)(
        ctx.input(0),
        size,
        block,
        strides=tuple(ctx.attr("strides", [1] * n)),
        dilations=tuple(ctx.attr("dilations", [1] * n)),
        pads_begin=tuple(pads[:n]),
        pads_end=tuple(pads[n:]),
    )


@converter("MaxRoiPool", since=1)
def max_roi_pool(ctx: NodeContext) -> Value:
    size, scale = tuple(ctx.attr("pooled_shape")), ctx.attr("spatial_scale", 1.0)
    return ctx.b.ROIPooling(ctx.input(0), ctx.input(1), output_size=size, spatial_scale=scale, method="max")
