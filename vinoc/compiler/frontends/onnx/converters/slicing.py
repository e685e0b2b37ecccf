"""Slice and Pad."""

from __future__ import annotations

from .....ir.dtype import i64
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .values import arange, axis_of, concat, dim, dims, element, integers, ints, number, rank, scalar, vector

PAD_MODES = {"constant": "constant", "edge": "edge", "reflect": "reflect"}


@converter("Slice", since=1)
def slice_attributes(ctx: NodeContext) -> Value:
    b = ctx.b
    starts, ends, axes = ctx.attr("starts"), ctx.attr("ends"), ctx.attr("axes", None)
    axes = ints(b, axes if axes else range(len(starts)))
    return b.Slice(ctx.input(0), ints(b, starts), ints(b, ends), ints(b, [1] * len(starts)), axes)


@converter("Slice", since=10)
def slice_(ctx: NodeContext) -> Value:
    b = ctx.b
    starts, ends = (vector(b, integers(ctx, ctx.input(i))) for i in (1, 2))
    axes, steps = ctx.optional(3), ctx.optional(4)
    if steps is not None:
        step = integers(ctx, steps)
    elif starts.shape is not None and isinstance(starts.shape[0], int):
        step = ints(b, [1] * starts.shape[0])
    else:
        step = b.Broadcast(number(b, 1, i64), dims(b, starts), mode="numpy")
    return b.Slice(ctx.input(0), starts, ends, step, integers(ctx, axes) if axes is not None else None)


@converter("Pad", since=1)
def pad_opset1(ctx: NodeContext) -> Value:
    return _pad(ctx, ints(ctx.b, ctx.attr("paddings")), _fill(ctx, ctx.attr("value", 0.0)), None)


@converter("Pad", since=2)
def pad_attributes(ctx: NodeContext) -> Value:
    return _pad(ctx, ints(ctx.b, ctx.attr("pads")), _fill(ctx, ctx.attr("value", 0.0)), None)


@converter("Pad", since=11)
def pad(ctx: NodeContext) -> Value:
    value, axes = ctx.optional(2), ctx.optional(3)
    fill = scalar(ctx.b, value) if value is not None else _fill(ctx, 0)
    return _pad(ctx, integers(ctx, ctx.input(1)), fill, axes)


def _fill(ctx: NodeContext, value: float) -> Value:
    return number(ctx.b, value, ctx.input(0).dtype)


def _pad(ctx: NodeContext, pads: Value, fill: Value, axes: Value | None) -> Value:
    b, x = ctx.b, ctx.input(0)
    begin, end = b.Split(pads, 0, num_splits=2)
    if axes is not None:
        begin, end = (_at_axes(ctx, p, axes) for p in (begin, end))
    mode = ctx.attr("mode", "constant")
    if mode == "wrap":
        return _wrap(ctx, begin, end)
    if mode not in PAD_MODES:
        ctx.fail(f"attribute `mode` is '{mode}'", f"it must be one of {', '.join(PAD_MODES)}, wrap")
    return b.Pad(x, begin, end, fill if mode == "constant" else None, pad_mode=mode)


def _at_axes(ctx: NodeContext, pads: Value, axes: Value) -> Value:
    """Pads of some axes as pads of all of them."""
    b, x = ctx.b, ctx.input(0)
    whole = rank(ctx, x)
    given = axes.const
    if given is None:
        zeros = ints(b, [0] * whole)
        return b.ScatterElementsUpdate(zeros, integers(ctx, axes), pads, 0, reduction="none", use_init_val=True)
    named = [axis_of(ctx, x, int(a)) for a in given.reshape(-1)]
    where = [named.index(i) if i in named else len(named) for i in range(whole)]
    return b.Gather(concat(b, [pads, ints(b, [0])]), ints(b, where), 0, batch_dims=0)


def _wrap(ctx: NodeContext, begin: Value, end: Value) -> Value:
    """Element i of the result is element (i - begin) mod size of the input, axis by axis."""
    b, x = ctx.b, ctx.input(0)
    counts = [p.const for p in (begin, end)]
    for axis in range(rank(ctx, x)):
        if all(c is not None and c[axis] == 0 for c in counts):
            continue
        length = dim(b, x, axis)
        first = b.Negative(element(b, begin, axis))
        indices = b.FloorMod(arange(b, b.Add(length, element(b, end, axis)), first), length)
        x = b.Gather(x, indices, axis, batch_dims=0)
    return x
