"""Reading and writing elements by index."""

from __future__ import annotations

from collections.abc import Sequence

from .....ir.dtype import i64
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .values import arange, axis_of, concat, dim, dims, ints, rank, reshape, to_i64

REDUCTIONS = {"none": "none", "add": "sum", "mul": "prod", "max": "max", "min": "min"}


def _reduction(ctx: NodeContext) -> str:
    name = ctx.attr("reduction", "none")
    if name not in REDUCTIONS:
        ctx.fail(f"attribute `reduction` is '{name}'", f"it must be one of {', '.join(REDUCTIONS)}")
    return REDUCTIONS[name]


@converter("Gather", since=1)
def gather(ctx: NodeContext) -> Value:
    return ctx.b.Gather(ctx.input(0), ctx.input(1), ctx.attr("axis", 0), batch_dims=0)


@converter("GatherElements", since=11)
def gather_elements(ctx: NodeContext) -> Value:
    """GatherElements; of data that are larger than the indices the part that is read."""
    x, indices = ctx.input(0), ctx.input(1)
    axis = axis_of(ctx, x, ctx.attr("axis", 0))
    return ctx.b.GatherElements(_read_part(ctx, x, indices, axis), indices, axis=axis)


def _read_part(ctx: NodeContext, x: Value, indices: Value, axis: int) -> Value:
    """x[:d0, :d1, ...] with the dimensions of `indices` where these are not the same, all of axis `axis`."""
    if x.shape is None or indices.shape is None or len(x.shape) != len(indices.shape):
        return x
    pairs = enumerate(zip(x.shape, indices.shape, strict=True))
    axes = [i for i, (d, n) in pairs if i != axis and d != n]
    if not axes:
        return x
    b, one = ctx.b, [1] * len(axes)
    return b.Slice(x, [0] * len(axes), concat(b, [dim(b, indices, i) for i in axes]), one, axes)


@converter("GatherND", since=11)
def gather_nd(ctx: NodeContext) -> Value:
    return ctx.b.GatherND(ctx.input(0), ctx.input(1), batch_dims=ctx.attr("batch_dims", 0))


@converter("Scatter", since=9)
@converter("ScatterElements", since=11)
def scatter_elements(ctx: NodeContext) -> Value:
    data, indices, updates = (ctx.input(i) for i in range(3))
    return ctx.b.ScatterElementsUpdate(
        data, indices, updates, ctx.attr("axis", 0), reduction=_reduction(ctx), use_init_val=True
    )


@converter("ScatterND", since=11)
def scatter_nd(ctx: NodeContext) -> Value:
    return ctx.b.ScatterNDUpdate(ctx.input(0), ctx.input(1), ctx.input(2), reduction=_reduction(ctx))


@converter("TensorScatter", since=24)
def tensor_scatter(ctx: NodeContext) -> Value:
    """Writes `update` into a cache along one axis, from a position of its own for each batch element."""
    b, cache, update, positions = ctx.b, ctx.input(0), ctx.input(1), ctx.optional(2)
    whole = rank(ctx, update)
    axis = axis_of(ctx, update, ctx.attr("axis", -2))
    mode = ctx.attr("mode", "linear")
    if mode not in ("linear", "circular"):
        ctx.fail(f"attribute `mode` is '{mode}'", "it must be linear or circular")
    steps = reshape(b, arange(b, dim(b, update, axis)), [-1 if i == axis else 1 for i in range(whole)])
    indices = steps
    if positions is not None:
        indices = b.Add(reshape(b, to_i64(b, positions), [-1, *[1] * (whole - 1)]), steps)
    if mode == "circular":
        indices = b.FloorMod(indices, dim(b, cache, axis))
    indices = b.Broadcast(indices, dims(b, update), mode="numpy")
    return b.ScatterElementsUpdate(cache, indices, update, axis, reduction="none", use_init_val=True)


@converter("NonZero", since=9)
def non_zero(ctx: NodeContext) -> Value:
    return ctx.b.NonZero(ctx.input(0), output_type=i64)


@converter("Compress", since=9)
def compress(ctx: NodeContext) -> Value:
    """Elements whose condition holds; without `axis` of the flattened tensor."""
    b, x, axis = ctx.b, ctx.input(0), ctx.attr("axis", None)
    if axis is None:
        x, axis = reshape(b, x, (-1,)), 0
    indices = b.Squeeze(b.NonZero(ctx.input(1), output_type=i64), ints(b, [0]))
    return b.Gather(x, indices, axis, batch_dims=0)


@converter("Unique", since=11)
def unique(ctx: NodeContext) -> Sequence[Value]:
    """values, first index of each, inverse, counts."""
    axis = ctx.attr("axis", None)
    return ctx.b.Unique(
        ctx.input(0),
        None if axis is None else ctx.b.const([axis], i64),
        sorted=bool(ctx.attr("sorted", 1)),
        index_element_type=i64,
        count_element_type=i64,
    )


@converter("ReverseSequence", since=10)
def reverse_sequence(ctx: NodeContext) -> Value:
    return ctx.b.ReverseSequence(
        ctx.input(0),
        to_i64(ctx.b, ctx.input(1)),
        batch_axis=ctx.attr("batch_axis", 1),
        seq_axis=ctx.attr("time_axis", 0),
    )
