"""Pooling over windows and over everything."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .....ir import dtype as dt
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .convolution import auto_pad, fixed_spatial, padding, spatial
from .values import dims, ints, number, rank


def _window(ctx: NodeContext, x: Value) -> dict[str, Any]:
    """What all pooling operations share: kernel, strides, padding, rounding."""
    kernel = ctx.attr("kernel_shape", [])
    n = len(kernel)
    if not n or min(kernel) < 1:
        ctx.fail(f"attribute `kernel_shape` is {kernel}", "it must have a positive number for each spatial dimension")
    if x.rank is not None and x.rank != n + 2:
        ctx.fail(f"attribute `kernel_shape` is {kernel}, the data have {x.rank - 2} spatial dimensions")
    begin, end = padding(ctx, n)
    return {
        "kernel": kernel,
        "strides": spatial(ctx, "strides", n, 1),
        "pads_begin": begin,
        "pads_end": end,
        "auto_pad": auto_pad(ctx),
        # Windows that begin in the padding at the end are left out, as in PyTorch.
        "rounding_type": "ceil_torch" if ctx.attr("ceil_mode", 0) else "floor",
    }


@converter("MaxPool")
def max_pool(ctx: NodeContext) -> list[Value]:
    """MaxPool; indices count within the whole tensor."""
    x = ctx.input(0)
    window = _window(ctx, x)
    n = len(ctx.attr("kernel_shape"))
    values, indices = ctx.b.MaxPool(
        x, **window, dilations=spatial(ctx, "dilations", n, 1), index_element_type=dt.i64, axis=0
    )
    if ctx.wants(1) and ctx.attr("storage_order", 0):
        indices = _column_major(ctx, x, indices)
    return [values, indices] if ctx.wants(1) else [values]


def _column_major(ctx: NodeContext, x: Value, indices: Value) -> Value:
    """Indices within each image counted with the first spatial dimension fastest."""
    b = ctx.b
    sizes = fixed_spatial(ctx, x, "indices with `storage_order` 1")
    plane = math.prod(sizes)
    within = b.FloorMod(indices, number(b, plane, dt.i64))
    out = b.Subtract(indices, within)
    row, column = plane, 1
    for size in sizes:
        row //= size
        coordinate = b.FloorMod(b.Divide(within, number(b, row, dt.i64)), number(b, size, dt.i64))
        out = b.Add(out, b.Multiply(coordinate, number(b, column, dt.i64)))
        column *= size
    return out


@converter("AveragePool")
def average_pool(ctx: NodeContext) -> Value:
    """AvgPool; with dilations, which that lacks, a quotient of convolutions with ones."""
    x = ctx.input(0)
    window = _window(ctx, x)
    exclude = not ctx.attr("count_include_pad", 0)
    if any(d != 1 for d in spatial(ctx, "dilations", len(ctx.attr("kernel_shape")), 1)):
        if window["rounding_type"] != "floor":
            return _dilated_ceil(ctx, x, window, exclude)
        ones = _like_image(ctx, x)
        count = _window_sum(ctx, ones, window) if exclude else float(math.prod(ctx.attr("kernel_shape")))
        return ctx.b.Divide(_window_sum(ctx, x, window), count)
    return ctx.b.AvgPool(x, **window, exclude_pad=exclude)


def _dilated_ceil(ctx: NodeContext, x: Value, window: dict[str, Any], exclude: bool) -> Value:
    """As many elements are counted as lie in the data or, where padding counts, in the declared padding."""
    ones = _like_image(ctx, x)
    if not exclude:
        begin, end = (ints(ctx.b, [0, 0, *window[k]]) for k in ("pads_begin", "pads_end"))
        ones = ctx.b.Pad(ones, begin, end, number(ctx.b, 1, x.dtype), pad_mode="constant")
    padded, wide = _pad_for_ceil(ctx, x, window)
    if exclude:
        counted, _ = _pad_for_ceil(ctx, ones, window)
    else:
        sizes = (fixed_spatial(ctx, v, "`ceil_mode`") for v in (padded, ones))
        grown = [wide - narrow for wide, narrow in zip(*sizes, strict=True)]
        zeros = [0] * len(grown)
        ends = ints(ctx.b, [0, 0, *grown])
        counted = ctx.b.Pad(ones, ints(ctx.b, [0, 0, *zeros]), ends, number(ctx.b, 0, x.dtype), pad_mode="constant")
    return ctx.b.Divide(_window_sum(ctx, padded, wide), _window_sum(ctx, counted, wide))


def _like_image(ctx: NodeContext, x: Value) -> Value:
    """Ones in the shape [1, 1, *spatial] of the data."""
    n = rank(ctx, x)
    sizes = ctx.b.Gather(dims(ctx.b, x), ints(ctx.b, range(2, n)), 0, batch_dims=0)
    shape = ctx.b.Concat(ints(ctx.b, [1, 1]), sizes, axis=0)
    return ctx.b.Broadcast(number(ctx.b, 1, x.dtype), shape, mode="numpy")


def _window_sum(ctx: NodeContext, x: Value, window: dict[str, Any]) -> Value:
    """The sums over dilated windows: every channel is convolved with ones."""
    b, shape = ctx.b, dims(ctx.b, x)
    n = rank(ctx, x)
    kernel: list[int] = list(window["kernel"])
    sizes = b.Gather(shape, ints(b, range(2, n)), 0, batch_dims=0)
    images = b.Reshape(x, b.Concat(ints(b, [-1, 1]), sizes, axis=0), special_zero=False)
    attributes = {k: window[k] for k in ("strides", "pads_begin", "pads_end", "auto_pad")}
    ones = b.const(np.ones([1, 1, *kernel], x.dtype.numpy))
    sums = b.Convolution(images, ones, dilations=spatial(ctx, "dilations", n - 2, 1), **attributes)
    new = b.Gather(dims(b, sums), ints(b, range(2, n)), 0, batch_dims=0)
    front = b.Gather(shape, ints(b, [0, 1]), 0, batch_dims=0)
    return b.Reshape(sums, b.Concat(front, new, axis=0), special_zero=False)


def _power(ctx: NodeContext) -> int:
    given = ctx.attr("p", 2.0)  # a float in opset 1
    p = int(given) if math.isfinite(given) else 0
    if p < 1 or p != given:
        ctx.fail(f"attribute `p` is {given}", "it must be a positive whole number")
    return p


@converter("LpPool")
def lp_pool(ctx: NodeContext) -> Value:
    """(mean of |x|^p * size of the window)^(1/p)."""
    b, x = ctx.b, ctx.input(0)
    p = _power(ctx)
    window = _window(ctx, x)
    n = len(ctx.attr("kernel_shape"))
    if window["rounding_type"] != "floor":
        # A mean over a window that sticks out would be divided by less than the window's size.
        x, window = _pad_for_ceil(ctx, x, window)
    powers = b.Abs(x) if p == 1 else b.Power(b.Abs(x), float(p))
    if any(d != 1 for d in spatial(ctx, "dilations", n, 1)):
        total = _window_sum(ctx, powers, window)
    else:
        mean = b.AvgPool(powers, **window, exclude_pad=False)
        total = b.Multiply(mean, float(math.prod(ctx.attr("kernel_shape"))))
    return total if p == 1 else b.Power(total, 1.0 / p)


def _pad_for_ceil(ctx: NodeContext, x: Value, window: dict[str, Any]) -> tuple[Value, dict[str, Any]]:
    """Zeros in place of padding, so many that rounding down gives the size that rounding up would."""
    kernel, strides, begin, end = (list(window[k]) for k in ("kernel", "strides", "pads_begin", "pads_end"))
    sizes = fixed_spatial(ctx, x, "`ceil_mode`")
    if window["auto_pad"] != "explicit":
        ctx.fail("`ceil_mode` is supported with explicit pads alone", "give `pads` in place of `auto_pad`")
    dilations = spatial(ctx, "dilations", len(kernel), 1)
    for i, size in enumerate(sizes):
        span = size + begin[i] + end[i] - (kernel[i] - 1) * dilations[i] - 1
        steps = -(-span // strides[i])
        if steps * strides[i] >= size + begin[i]:  # begins in the padding: left out
            steps -= 1
        end[i] += max(steps * strides[i] - span, 0)
    padded = ctx.b.Pad(
        x, ints(ctx.b, [0, 0, *begin]), ints(ctx.b, [0, 0, *end]), number(ctx.b, 0, x.dtype), pad_mode="constant"
    )
    zeros = [0] * len(kernel)
    return padded, {**window, "pads_begin": zeros, "pads_end": zeros, "rounding_type": "floor"}


def _spatial_axes(ctx: NodeContext, x: Value) -> Value:
    return ints(ctx.b, range(2, rank(ctx, x)))


@converter("GlobalAveragePool")
def global_average_pool(ctx: NodeContext) -> Value:
    """ReduceMean over the spatial dimensions."""
    x = ctx.input(0)
    return ctx.b.ReduceMean(x, _spatial_axes(ctx, x), keep_dims=True)


@converter("GlobalMaxPool")
def global_max_pool(ctx: NodeContext) -> Value:
    """ReduceMax over the spatial dimensions."""
    x = ctx.input(0)
    return ctx.b.ReduceMax(x, _spatial_axes(ctx, x), keep_dims=True)


@converter("GlobalLpPool")
def global_lp_pool(ctx: NodeContext) -> Value:
    """(sum of |x|^p over the spatial dimensions)^(1/p)."""
    b, x = ctx.b, ctx.input(0)
    p = _power(ctx)
    axes = _spatial_axes(ctx, x)
    if p == 1:
        return b.ReduceL1(x, axes, keep_dims=True)
    if p == 2:
        return b.ReduceL2(x, axes, keep_dims=True)
    return b.Power(b.ReduceSum(b.Power(b.Abs(x), float(p)), axes, keep_dims=True), 1.0 / p)
