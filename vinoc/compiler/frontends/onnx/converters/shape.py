"""Shapes: asking for them, changing them, repeating and joining tensors, and tensors made from a shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .....ir.dtype import i64
from .....ir.graph import Value
from .....ir.types import TensorType
from ..context import NodeContext
from ..registry import converter
from .values import (
    INT_MAX,
    arange,
    axis_of,
    concat,
    dim,
    dims,
    element,
    element_type,
    integers,
    ints,
    number,
    rank,
    scalar,
    to_i64,
)
from .values import reshape as to_shape


@converter("Identity", since=1)
def identity(ctx: NodeContext) -> Value:
    x = ctx.input(0)
    return ctx.b.Identity(x) if isinstance(x.type, TensorType) else x


@converter("Shape", since=1)
def shape(ctx: NodeContext) -> Value:
    return dims(ctx.b, ctx.input(0))


@converter("Shape", since=15)
def shape_slice(ctx: NodeContext) -> Value:
    """`start` and `end` are clamped, as a slice does."""
    whole = dims(ctx.b, ctx.input(0))
    start, end = ctx.attr("start", 0), ctx.attr("end", INT_MAX)
    return whole if start == 0 and end == INT_MAX else ctx.b.Slice(whole, [start], [end], [1], [0])


@converter("Size", since=1)
def size(ctx: NodeContext) -> Value:
    return ctx.b.ReduceProd(dims(ctx.b, ctx.input(0)), [0], keep_dims=False)


@converter("Reshape", since=1)
def reshape_to_attribute(ctx: NodeContext) -> Value:
    return ctx.b.Reshape(ctx.input(0), ints(ctx.b, ctx.attr("shape")), special_zero=True)


@converter("Reshape", since=5)
def reshape(ctx: NodeContext) -> Value:
    """A zero copies the dimension of the input, unless `allowzero` (opset 14)."""
    return ctx.b.Reshape(ctx.input(0), integers(ctx, ctx.input(1)), special_zero=not ctx.attr("allowzero", 0))


@converter("Squeeze", since=1)
def squeeze_attribute(ctx: NodeContext) -> Value:
    axes = ctx.attr("axes", None)
    return ctx.b.Squeeze(ctx.input(0), ints(ctx.b, axes) if axes else None)


@converter("Squeeze", since=13)
def squeeze(ctx: NodeContext) -> Value:
    axes = ctx.optional(1)
    return ctx.b.Squeeze(ctx.input(0), None if axes is None else integers(ctx, axes))


@converter("Unsqueeze", since=1)
def unsqueeze_attribute(ctx: NodeContext) -> Value:
    return ctx.b.Unsqueeze(ctx.input(0), ints(ctx.b, ctx.attr("axes")))


@converter("Unsqueeze", since=13)
def unsqueeze(ctx: NodeContext) -> Value:
    return ctx.b.Unsqueeze(ctx.input(0), integers(ctx, ctx.input(1)))


@converter("Flatten", since=1)
def flatten(ctx: NodeContext) -> Value:
    """A matrix: dimensions before `axis` become rows, the others columns."""
    b, x, axis = ctx.b, ctx.input(0), ctx.attr("axis", 1)
    if axis == 0:
        return to_shape(b, x, (1, -1))
    if axis == 1 and x.rank != 1:
        return b.Reshape(x, [0, -1], special_zero=True)
    whole = rank(ctx, x)
    axis = axis + whole if axis < 0 else axis
    if not 0 <= axis <= whole:
        ctx.fail(f"attribute `axis` is {ctx.attr('axis')}, the data have {whole} dimensions", "correct the attribute")
    if axis == whole:
        return to_shape(b, x, (-1, 1))
    if axis == 0:
        return to_shape(b, x, (1, -1))
    rows = b.ReduceProd(b.Slice(dims(b, x), [0], [axis], [1], [0]), [0], keep_dims=True)
    return b.Reshape(x, concat(b, [rows, ints(b, [-1])]), special_zero=False)


@converter("Transpose", since=1)
def transpose(ctx: NodeContext) -> Value:
    x, order = ctx.input(0), ctx.attr("perm", None)
    if order is None:
        order = range(x.rank)[::-1] if x.rank is not None else ()  # an empty order reverses
    return ctx.b.Transpose(x, ints(ctx.b, order))


@converter("Expand", since=8)
def expand(ctx: NodeContext) -> Value:
    return ctx.b.Broadcast(ctx.input(0), integers(ctx, ctx.input(1)), mode="bidirectional")


@converter("Tile", since=1)
def tile_one_axis(ctx: NodeContext) -> Value:
    """Before opset 6: `tiles` copies along one axis, both numbers of the type of the data."""
    b, x = ctx.b, ctx.input(0)
    tiles, axis = (to_shape(b, to_i64(b, ctx.input(i)), (1,)) for i in (1, 2))
    given = axis.const
    if given is not None:
        axis = ints(b, [axis_of(ctx, x, int(given.item()))])
    return b.Tile(x, b.Select(b.Equal(ints(b, range(rank(ctx, x))), axis), tiles, ints(b, [1])))


@converter("Tile", since=6)
def tile(ctx: NodeContext) -> Value:
    return ctx.b.Tile(ctx.input(0), integers(ctx, ctx.input(1)))


@converter("Concat", since=1)
def concat_default(ctx: NodeContext) -> Value:
    return ctx.b.Concat(*(ctx.input(i) for i in range(len(ctx.inputs))), axis=ctx.attr("axis", 1))


@converter("Concat", since=4)
def concat_axis(ctx: NodeContext) -> Value:
    return ctx.b.Concat(*(ctx.input(i) for i in range(len(ctx.inputs))), axis=ctx.attr("axis"))


@converter("Split", since=1)
def split_attribute(ctx: NodeContext) -> Sequence[Value]:
    lengths = ctx.attr("split", None)
    if lengths:
        return _split(ctx, ints(ctx.b, lengths))
    given = ctx.optional(1)  # opset 1 had the lengths as an input too
    return _split(ctx, None if given is None else to_i64(ctx.b, given))


@converter("Split", since=13)
def split(ctx: NodeContext) -> Sequence[Value]:
    given = ctx.optional(1)
    return _split(ctx, None if given is None else integers(ctx, given))


@converter("Split", since=18)
def split_uneven(ctx: NodeContext) -> Sequence[Value]:
    """Without lengths: `num_outputs` pieces, of which the last may be smaller."""
    b, x, given = ctx.b, ctx.input(0), ctx.optional(1)
    if given is not None:
        return _split(ctx, integers(ctx, given))
    count, axis = ctx.attr("num_outputs", ctx.n_outputs), ctx.attr("axis", 0)
    if count != ctx.n_outputs:
        ctx.fail(f"`num_outputs` is {count}, the node has {ctx.n_outputs} outputs", "make them agree")
    whole = x.shape[axis_of(ctx, x, axis)] if x.shape is not None else None
    if count == 1 or (isinstance(whole, int) and whole % count == 0):
        return _split(ctx, None)
    piece = b.Divide(b.Add(dim(b, x, axis), count - 1), count)
    return _split(ctx, concat(b, [*[piece] * (count - 1), ints(b, [-1])]))


def _split(ctx: NodeContext, lengths: Value | None) -> Sequence[Value]:
    x, axis, count = ctx.input(0), ctx.attr("axis", 0), ctx.n_outputs
    if lengths is None:
        out = ctx.b.Split(x, axis, num_splits=count)
    else:
        if lengths.shape != (count,):  # how many there are is told by the outputs
            lengths = to_shape(ctx.b, lengths, (count,))
        out = ctx.b.VariadicSplit(x, axis, lengths)
    return (out,) if isinstance(out, Value) else out


@converter("ConstantOfShape", since=9)
def constant_of_shape(ctx: NodeContext) -> Value:
    value = ctx.attr("value", None)
    fill = np.asarray(value if value is not None else np.float32(0))
    if fill.size != 1:
        ctx.fail(f"attribute `value` has {fill.size} elements", "ConstantOfShape repeats one")
    return ctx.b.Broadcast(ctx.b.const(fill.reshape(())), integers(ctx, ctx.input(0)), mode="numpy")


@converter("Range", since=11)
def range_(ctx: NodeContext) -> Value:
    start, stop, step = (scalar(ctx.b, ctx.input(i)) for i in range(3))
    return ctx.b.Range(start, stop, step, output_type=start.dtype)


@converter("OneHot", since=9)
def one_hot(ctx: NodeContext) -> Value:
    """`values` is [off, on]. An index below zero counts from the end (opset 11; before, it was undefined)."""
    b, pair = ctx.b, ctx.input(2)
    indices = to_i64(b, ctx.input(0))
    depth = scalar(b, to_i64(b, ctx.input(1)))
    indices = b.Select(b.Less(indices, 0), b.Add(indices, depth), indices)
    off, on = (scalar(b, element(b, pair, i)) for i in range(2))
    return b.OneHot(indices, depth, on, off, axis=ctx.attr("axis", -1))


@converter("EyeLike", since=9)
def eye_like(ctx: NodeContext) -> Value:
    b, x = ctx.b, ctx.input(0)
    rows, columns = (scalar(b, dim(b, x, i)) for i in range(2))
    return b.Eye(rows, columns, ctx.attr("k", 0), output_type=element_type(ctx, "dtype", x.dtype))


@converter("Trilu", since=14)
def trilu(ctx: NodeContext) -> Value:
    """Keeps where column - row >= k (upper) or <= k (lower): a constant mask when the sizes are numbers."""
    b, x, k = ctx.b, ctx.input(0), ctx.optional(1)
    rows = b.Unsqueeze(arange(b, dim(b, x, -2)), [1])
    diagonal = b.Subtract(arange(b, dim(b, x, -1)), rows)
    border = scalar(b, to_i64(b, k)) if k is not None else number(b, 0, i64)
    keep = b.GreaterEqual(diagonal, border) if ctx.attr("upper", 1) else b.LessEqual(diagonal, border)
    return b.Select(keep, x, number(b, 0, x.dtype))


@converter("CenterCropPad", since=18)
def center_crop_pad(ctx: NodeContext) -> Value:
    """Pads where a dimension is too small and cuts (a negative pad) where it is too large, evenly on both sides.

    An odd element goes to, or is taken from, the end: both are what division towards zero gives.
    """
    b, x = ctx.b, ctx.input(0)
    axes = [axis_of(ctx, x, a) for a in ctx.attr("axes", None) or range(rank(ctx, x))]
    current = dims(b, x)
    missing = b.Subtract(integers(ctx, ctx.input(1)), b.Gather(current, ints(b, axes), 0, batch_dims=0))
    begin = b.Divide(missing, 2, m_pythondiv=False)
    end = b.Subtract(missing, begin)
    zero = ints(b, [0])
    where = [axes.index(i) if i in axes else len(axes) for i in range(rank(ctx, x))]
    pads = [b.Gather(concat(b, [p, zero]), ints(b, where), 0, batch_dims=0) for p in (begin, end)]
    return b.Pad(x, *pads, number(b, 0, x.dtype), pad_mode="constant")


def _blocks(ctx: NodeContext) -> dict[str, Any]:
    """Where the block's position is in the depth: DCR before the channel, CRD after it."""
    modes, mode = {"DCR": "blocks_first", "CRD": "depth_first"}, ctx.attr("mode", "DCR")
    if mode not in modes:
        ctx.fail(f"attribute `mode` is '{mode}'", f"it must be one of {', '.join(modes)}")
    return {"block_size": ctx.attr("blocksize"), "mode": modes[mode]}


@converter("DepthToSpace", since=1)
def depth_to_space(ctx: NodeContext) -> Value:
    return ctx.b.DepthToSpace(ctx.input(0), **_blocks(ctx))


@converter("SpaceToDepth", since=1)
def space_to_depth(ctx: NodeContext) -> Value:
    return ctx.b.SpaceToDepth(ctx.input(0), **_blocks(ctx))
