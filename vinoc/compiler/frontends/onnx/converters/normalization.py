"""Normalizations over batches, images, layers, groups, channels; softmax and its kin."""

from __future__ import annotations

import math

import numpy as np

from .....ir import dtype as dt
from .....ir.dtype import DType
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .convolution import per_channel
from .values import axis_of, dim, dims, ints, number, rank, to, vector


@converter("BatchNormalization", since=1)
def batch_normalization_1(ctx: NodeContext) -> Value:
    """BatchNormInference, or the same over every element where `spatial` is 0."""
    if ctx.opset < 7 and not ctx.attr("is_test", 0):
        ctx.fail("`is_test` of BatchNormalization is 0", "export the model for inference")
    if any(ctx.wants(i) for i in range(1, ctx.n_outputs)):
        ctx.fail("BatchNormalization computes statistics, as in training", "export the model for inference")
    if ctx.attr("spatial", 1):
        return _batch_norm(ctx)
    b, x, scale, bias, mean, variance = ctx.b, *(ctx.input(i) for i in range(5))
    deviation = b.Sqrt(b.Add(variance, float(ctx.attr("epsilon", 1e-5))))
    return b.Add(b.Multiply(b.Divide(b.Subtract(x, mean), deviation), scale), bias)


@converter("BatchNormalization", since=14)
def batch_normalization(ctx: NodeContext) -> Value | list[Value]:
    """BatchNormInference; in training mode the statistics are those of the data."""
    if not ctx.attr("training_mode", 0):
        if any(ctx.wants(i) for i in range(1, ctx.n_outputs)):
            ctx.fail(
                "BatchNormalization returns statistics without being in training mode",
                "set training_mode, or drop the outputs",
            )
        return _batch_norm(ctx)
    b, x, momentum = ctx.b, ctx.input(0), float(ctx.attr("momentum", 0.9))
    axes = ints(b, [i for i in range(rank(ctx, x)) if i != 1])
    mean = b.ReduceMean(x, axes, keep_dims=True)
    variance = b.ReduceMean(b.SquaredDifference(x, mean), axes, keep_dims=True)
    running = []
    for i, now in ((3, mean), (4, variance)):
        now = to(b, b.Squeeze(now, axes), ctx.input(i).dtype)
        running.append(b.Add(b.Multiply(ctx.input(i), momentum), b.Multiply(now, 1.0 - momentum)))
    scale, bias = (per_channel(ctx, to(b, ctx.input(i), x.dtype), rank(ctx, x) - 2) for i in (1, 2))
    deviation = b.Sqrt(b.Add(variance, float(ctx.attr("epsilon", 1e-5))))
    y = b.Add(b.Multiply(b.Divide(b.Subtract(x, mean), deviation), scale), bias)
    return [y, *running]


def _batch_norm(ctx: NodeContext) -> Value:
    x = ctx.input(0)
    parameters = [vector(ctx.b, to(ctx.b, ctx.input(i), x.dtype)) for i in range(1, 5)]
    return ctx.b.BatchNormInference(x, *parameters, epsilon=ctx.attr("epsilon", 1e-5))


@converter("InstanceNormalization")
def instance_normalization(ctx: NodeContext) -> Value:
    """MVN over the spatial dimensions, scale, bias."""
    b, x = ctx.b, ctx.input(0)
    n = rank(ctx, x) - 2
    y = b.MVN(
        x, ints(b, range(2, n + 2)), normalize_variance=True, eps=ctx.attr("epsilon", 1e-5), eps_mode="INSIDE_SQRT"
    )
    return b.Add(b.Multiply(y, per_channel(ctx, ctx.input(1), n)), per_channel(ctx, ctx.input(2), n))


def _stash(ctx: NodeContext, x: Value) -> DType:
    """The type in which statistics are computed: f32 for narrower ones, unless the model asks for x's own."""
    return dt.f32 if ctx.attr("stash_type", 1) == 1 and x.dtype.bits < 32 else x.dtype


@converter("LayerNormalization")
def layer_normalization(ctx: NodeContext) -> list[Value | None]:
    """MVN over the last dimensions, scale, bias; mean and inverse deviation on request."""
    b, x, bias = ctx.b, ctx.input(0), ctx.optional(2)
    axes = ints(b, range(axis_of(ctx, x, ctx.attr("axis", -1)), rank(ctx, x)))
    epsilon = ctx.attr("epsilon", 1e-5)
    wide = to(b, x, _stash(ctx, x))
    y = b.MVN(wide, axes, normalize_variance=True, eps=epsilon, eps_mode="INSIDE_SQRT")
    y = b.Multiply(to(b, y, x.dtype), ctx.input(1))
    if bias is not None:
        y = b.Add(y, bias)
    if not ctx.wants(1) and not ctx.wants(2):
        return [y]
    mean = b.ReduceMean(wide, axes, keep_dims=True)
    variance = b.ReduceMean(b.SquaredDifference(wide, mean), axes, keep_dims=True)
    return [y, mean, b.Divide(number(b, 1, wide.dtype), b.Sqrt(b.Add(variance, float(epsilon))))]


@converter("RMSNormalization")
@converter("SimplifiedLayerNormalization")
def rms_normalization(ctx: NodeContext) -> list[Value | None]:
    """x / sqrt(mean(x^2) + epsilon) * scale over the last dimensions."""
    b, x = ctx.b, ctx.input(0)
    axes = ints(b, range(axis_of(ctx, x, ctx.attr("axis", -1)), rank(ctx, x)))
    wide = to(b, x, _stash(ctx, x))
    mean = b.ReduceMean(b.Multiply(wide, wide), axes, keep_dims=True)
    root = b.Sqrt(b.Add(mean, float(ctx.attr("epsilon", 1e-5))))
    y = b.Multiply(to(b, b.Divide(wide, root), x.dtype), ctx.input(1))
    return [y, b.Divide(number(b, 1, wide.dtype), root)] if ctx.wants(1) else [y]


@converter("GroupNormalization", since=18)
def group_normalization_18(ctx: NodeContext) -> Value:
    """GroupNormalization; scale and bias are given for each group."""
    b, x, groups = ctx.b, ctx.input(0), int(ctx.attr("num_groups"))
    channels = dim(b, x, 1)
    shape = b.Concat(ints(b, [groups]), b.Divide(channels, ints(b, [groups])), axis=0)
    spread = []
    for i in (1, 2):
        each = b.Broadcast(b.Reshape(ctx.input(i), ints(b, [groups, 1]), special_zero=False), shape, mode="numpy")
        spread.append(b.Reshape(each, ints(b, [-1]), special_zero=False))
    return b.GroupNormalization(x, *spread, num_groups=groups, epsilon=ctx.attr("epsilon", 1e-5))


@converter("GroupNormalization", since=21)
def group_normalization(ctx: NodeContext) -> Value:
    """GroupNormalization, in f32 for narrower types."""
    b, x = ctx.b, ctx.input(0)
    wide = _stash(ctx, x)
    scale, bias = (to(b, ctx.input(i), wide) for i in (1, 2))
    y = b.GroupNormalization(
        to(b, x, wide), scale, bias, num_groups=int(ctx.attr("num_groups")), epsilon=ctx.attr("epsilon", 1e-5)
    )
    return to(b, y, x.dtype)


@converter("LRN")
def lrn(ctx: NodeContext) -> Value:
    """LRN over the channels."""
    return ctx.b.LRN(
        ctx.input(0),
        ints(ctx.b, [1]),
        alpha=ctx.attr("alpha", 1e-4),
        beta=ctx.attr("beta", 0.75),
        bias=ctx.attr("bias", 1.0),
        size=int(ctx.attr("size")),
    )


@converter("LpNormalization")
def lp_normalization(ctx: NodeContext) -> Value:
    """x / norm(x); a vector of zeros stays one."""
    b, x, p = ctx.b, ctx.input(0), ctx.attr("p", 2)
    if p not in (1, 2):
        ctx.fail(f"attribute `p` is {p}", "ONNX knows 1 and 2")
    axes = ints(b, [ctx.attr("axis", -1)])
    norm = (b.ReduceL1 if p == 1 else b.ReduceL2)(x, axes, keep_dims=True)
    smallest = float(np.finfo(x.dtype.numpy).tiny) if x.dtype in (dt.f16, dt.f32, dt.f64) else 1e-38
    return b.Divide(x, b.Maximum(norm, number(b, smallest, x.dtype)))


@converter("MeanVarianceNormalization")
def mean_variance_normalization(ctx: NodeContext) -> Value:
    """MVN over `axes`."""
    axes = ctx.attr("axes", [0, 2, 3])
    return ctx.b.MVN(ctx.input(0), ints(ctx.b, axes), normalize_variance=True, eps=1e-9, eps_mode="OUTSIDE_SQRT")


# Softmax, LogSoftmax, Hardmax: along one axis from opset 13 on, before over all from the axis on.


def _soft(op_type: str, kind: str) -> None:
    def convert_1(ctx: NodeContext) -> Value:
        return _flattened(ctx, lambda x, axis: getattr(ctx.b, kind)(x, axis=axis))

    def convert_13(ctx: NodeContext) -> Value:
        return getattr(ctx.b, kind)(ctx.input(0), axis=int(ctx.attr("axis", -1)))

    convert_1.__doc__ = convert_13.__doc__ = f"{kind} along an axis; before opset 13 over all dimensions from it on."
    convert_1.__qualname__, convert_13.__qualname__ = f"{op_type}_1", f"{op_type}_13"
    converter(op_type, since=1)(convert_1)
    converter(op_type, since=13)(convert_13)


_soft("Softmax", "SoftMax")
_soft("LogSoftmax", "LogSoftmax")


@converter("Hardmax", since=1)
def hardmax_1(ctx: NodeContext) -> Value:
    """1 at the first largest element of all dimensions from an axis on, 0 elsewhere."""
    return _flattened(ctx, lambda x, axis: _hardmax(ctx, x, axis))


@converter("Hardmax", since=13)
def hardmax(ctx: NodeContext) -> Value:
    """1 at the first largest element along an axis, 0 elsewhere."""
    return _hardmax(ctx, ctx.input(0), axis_of(ctx, ctx.input(0), ctx.attr("axis", -1)))


def _hardmax(ctx: NodeContext, x: Value, axis: int) -> Value:
    b = ctx.b
    _, index = b.TopK(
        x, number(b, 1, dt.i64), axis=axis, mode="max", sort="value", index_element_type=dt.i64, stable=True
    )
    depth = b.Squeeze(dim(b, x, axis), ints(b, [0]))
    one, zero = number(b, 1, x.dtype), number(b, 0, x.dtype)
    return b.OneHot(b.Squeeze(index, ints(b, [axis])), depth, one, zero, axis=axis)


def _flattened(ctx: NodeContext, function) -> Value:  # type: ignore[no-untyped-def]  # (Value, axis) -> Value
    """Applies a function over all dimensions from the axis on as if they were one."""
    b, x = ctx.b, ctx.input(0)
    n = rank(ctx, x)
    axis = axis_of(ctx, x, ctx.attr("axis", 1)) if n else 0
    assert x.shape is not None  # the rank is known
    wide = [i for i in range(axis, n) if x.shape[i] != 1]
    if len(wide) <= 1:
        return function(x, wide[0] if wide else min(axis, n - 1))
    shape = dims(b, x)
    front = x.shape[:axis]
    rows = math.prod(d for d in front if isinstance(d, int))
    if all(isinstance(d, int) for d in front):
        flat = ints(b, [rows, -1])
    else:
        product = b.ReduceProd(b.Gather(shape, ints(b, range(axis)), 0, batch_dims=0), ints(b, [0]), keep_dims=True)
        flat = b.Concat(product, ints(b, [-1]), axis=0)
    return b.Reshape(function(b.Reshape(x, flat, special_zero=False), 1), shape, special_zero=False)
