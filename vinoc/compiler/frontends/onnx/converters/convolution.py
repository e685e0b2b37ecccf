"""Convolutions and transposed convolutions, plain and in groups."""

from __future__ import annotations

from typing import Any

from .....ir import dtype as dt
from .....ir.graph import Value
from .....ir.record import record
from .....ir.types import static_shape
from ..context import NodeContext
from ..registry import converter
from .matrix import zero_point
from .values import ints, number, rank
from .values import reshape as to_shape

AUTO_PAD = {
    "NOTSET": "explicit",
    "SAME_UPPER": "same_upper",
    "SAME_LOWER": "same_lower",
    "VALID": "valid",
    "": "explicit",
}


def auto_pad(ctx: NodeContext) -> str:
    """The attribute `auto_pad` as OpenVINO spells it."""
    given = ctx.attr("auto_pad", "NOTSET")
    if given not in AUTO_PAD:
        ctx.fail(f"attribute `auto_pad` is '{given}'", "ONNX knows NOTSET, SAME_UPPER, SAME_LOWER, VALID")
    return AUTO_PAD[given]


def spatial(ctx: NodeContext, name: str, n: int, default: int) -> list[int]:
    """An attribute with a number for each spatial dimension."""
    values = ctx.attr(name, [])
    if not values:
        return [default] * n
    if len(values) != n:
        ctx.fail(f"attribute `{name}` has {len(values)} numbers, the data have {n} spatial dimensions")
    return [int(v) for v in values]


def padding(ctx: NodeContext, n: int) -> tuple[list[int], list[int]]:
    """The attribute `pads`: begins, then ends. Zeros where `auto_pad` decides."""
    values = ctx.attr("pads", [])
    if not values or auto_pad(ctx) != "explicit":
        return [0] * n, [0] * n
    if len(values) != 2 * n:
        ctx.fail(f"attribute `pads` has {len(values)} numbers, {n} spatial dimensions ask for {2 * n}")
    return [int(v) for v in values[:n]], [int(v) for v in values[n:]]


def fixed_spatial(ctx: NodeContext, x: Value, what: str) -> list[int]:
    """The spatial dimensions as numbers. Fails, saying that `what` needs them, where one is open."""
    sizes = static_shape(x.shape[2:]) if x.shape is not None else None
    if sizes is None:
        ctx.fail(f"{what} needs fixed spatial dimensions, the data are {x.type}", "fix them with `--input_shape`")
    return list(sizes)


def spatial_rank(ctx: NodeContext, x: Value, filters: Value) -> int:
    """The number of spatial dimensions, which filters and data must agree on."""
    n = filters.rank if filters.rank is not None else rank(ctx, x)
    if x.rank is not None and x.rank != n:
        ctx.fail(f"the data have {x.rank} dimensions, the filters {n}")
    if n < 3:
        ctx.fail(f"data and filters have {n} dimensions, a convolution takes 3 at least")
    kernel = ctx.attr("kernel_shape", [])
    if kernel and filters.shape is not None:
        for declared, actual in zip(kernel, filters.shape[2:], strict=False):
            if isinstance(actual, int) and declared != actual:
                ctx.fail(f"attribute `kernel_shape` is {kernel}, the filters are {filters.type}")
    return n - 2


def split_groups(ctx: NodeContext, filters: Value, groups: int, where: str) -> Value:
    """[G * a, b, k..] -> [G, a, b, k..]."""
    n = rank(ctx, filters)
    shape = filters.shape or ()
    if groups < 1 or (isinstance(shape[0], int) and shape[0] % groups):
        ctx.fail(f"{shape[0]} {where} channels do not divide into {groups} groups", "check attribute `group`")
    tail_shape = static_shape(shape[1:])
    if tail_shape is not None:
        return to_shape(ctx.b, filters, [groups, -1, *tail_shape])
    sizes = ctx.b.ShapeOf(filters, output_type=dt.i64)
    tail = ctx.b.Gather(sizes, ints(ctx.b, range(1, n)), 0, batch_dims=0)
    return ctx.b.Reshape(filters, ctx.b.Concat(ints(ctx.b, [groups, -1]), tail, axis=0), special_zero=False)


def per_channel(ctx: NodeContext, values: Value, n: int) -> Value:
    """A vector over channels, shaped so that it broadcasts to data with n spatial dimensions."""
    return to_shape(ctx.b, values, [1, -1, *[1] * n])


def convolve(ctx: NodeContext, x: Value, filters: Value, n: int) -> Value:
    """The convolution of the node over n spatial dimensions, without bias."""
    attributes = _geometry_of(ctx, n)
    groups = int(ctx.attr("group", 1))
    if groups == 1:
        return ctx.b.Convolution(x, filters, **attributes)
    return ctx.b.GroupConvolution(x, split_groups(ctx, filters, groups, "output"), **attributes)


def _geometry_of(ctx: NodeContext, n: int) -> dict[str, Any]:
    """Strides, dilations and pads over n spatial dimensions."""
    begin, end = padding(ctx, n)
    return {
        "strides": spatial(ctx, "strides", n, 1),
        "dilations": spatial(ctx, "dilations", n, 1),
        "pads_begin": begin,
        "pads_end": end,
        "auto_pad": auto_pad(ctx),
    }


def add_bias(ctx: NodeContext, y: Value, index: int, n: int) -> Value:
    bias = ctx.optional(index)
    return y if bias is None else ctx.b.Add(y, per_channel(ctx, bias, n))


@converter("Conv")
def conv(ctx: NodeContext) -> Value:
    """Convolution or GroupConvolution, and Add."""
    return biased(ctx)


def biased(ctx: NodeContext) -> Value:
    """The convolution of the node with its bias."""
    x, filters = ctx.input(0), ctx.input(1)
    n = spatial_rank(ctx, x, filters)
    return add_bias(ctx, convolve(ctx, x, filters, n), 2, n)


@converter("FusedConv", domain="com.microsoft")
def fused_conv(ctx: NodeContext) -> Value:
    """Convolution, Add of bias and of a residual, activation."""
    b, y = ctx.b, biased(ctx)
    if (residual := ctx.optional(3)) is not None:
        y = b.Add(y, residual)
    activation, params = ctx.attr("activation", ""), ctx.attr("activation_params", [])
    if activation == "LeakyRelu":
        return b.PReLU(y, number(b, params[0] if params else 0.01, y.dtype))
    if activation == "Clip":
        return b.Clamp(y, min=params[0], max=params[1])
    if activation == "HardSigmoid":
        return b.HardSigmoid(y, number(b, params[0], y.dtype), number(b, params[1], y.dtype))
    plain = {"Relu": "ReLU", "Sigmoid": "Sigmoid", "Tanh": "Tanh", "": None}
    if activation not in plain:
        ctx.fail(f"attribute `activation` is '{activation}'", f"known: {', '.join(k for k in plain if k)}")
    kind = plain[activation]
    return y if kind is None else getattr(b, kind)(y)


@converter("DeformConv", since=19)
def deform_conv(ctx: NodeContext) -> Value:
    """DeformableConvolution, and Add."""
    x, filters, offsets = ctx.input(0), ctx.input(1), ctx.input(2)
    n = spatial_rank(ctx, x, filters)
    begin, end = padding(ctx, n)
    mask = ctx.optional(4)
    y = ctx.b.DeformableConvolution(
        x,
        offsets,
        filters,
        *([mask] if mask is not None else []),
        strides=spatial(ctx, "strides", n, 1),
        dilations=spatial(ctx, "dilations", n, 1),
        pads_begin=begin,
        pads_end=end,
        auto_pad="explicit",
        group=int(ctx.attr("group", 1)),
        deformable_group=int(ctx.attr("offset_group", 1)),
        bilinear_interpolation_pad=True,
    )
    return add_bias(ctx, y, 3, n)


# Transposed convolution


@record(frozen=True)
class _Geometry:
    """Explicit padding, or (`target`) the spatial size to reach with padding that `auto_pad` distributes."""

    begin: list[int]
    end: list[int]
    output_padding: list[int]
    auto_pad: str = "explicit"
    target: list[int] | None = None


@converter("ConvTranspose")
def conv_transpose(ctx: NodeContext) -> Value:
    """ConvolutionBackpropData or GroupConvolutionBackpropData, and Add."""
    x, filters = ctx.input(0), ctx.input(1)
    n = spatial_rank(ctx, x, filters)
    strides, dilations = spatial(ctx, "strides", n, 1), spatial(ctx, "dilations", n, 1)
    g = _geometry(ctx, x, filters, n, strides, dilations)
    groups = int(ctx.attr("group", 1))
    kind = ctx.b.ConvolutionBackpropData
    if groups != 1:
        filters, kind = split_groups(ctx, filters, groups, "input"), ctx.b.GroupConvolutionBackpropData
    y = kind(
        x,
        filters,
        *([ints(ctx.b, g.target)] if g.target else []),
        strides=strides,
        dilations=dilations,
        pads_begin=g.begin,
        pads_end=g.end,
        auto_pad=g.auto_pad,
        output_padding=g.output_padding,
    )
    return add_bias(ctx, y, 2, n)


def _geometry(
    ctx: NodeContext, x: Value, filters: Value, n: int, strides: list[int], dilations: list[int]
) -> _Geometry:
    """ONNX: total padding = stride * (in - 1) + output_padding + extent of the kernel - wanted size.

    Under SAME the wanted size is in * stride, so the total does not depend on the size of the data.
    """
    extra = spatial(ctx, "output_padding", n, 0)
    target = ctx.attr("output_shape", [])
    mode = auto_pad(ctx)
    if not target and mode == "explicit":
        begin, end = padding(ctx, n)
        return _Geometry(begin, end, extra)
    if not target and mode == "valid":
        return _Geometry([0] * n, [0] * n, extra)
    kernel = static_shape((filters.shape or ())[2:]) or tuple(ctx.attr("kernel_shape", []))
    if len(kernel) != n:
        ctx.fail("the kernel's size is not known", "make the filters a constant")
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    if not target:
        totals = [e - s + o for e, s, o in zip(extent, strides, extra, strict=True)]
        return _distribute(totals, extra, mode)
    target = [int(t) for t in target[-n:]]
    if len(target) != n:
        ctx.fail(f"attribute `output_shape` has {len(target)} numbers, the data have {n} spatial dimensions")
    sizes = static_shape(x.shape[2:]) if x.shape is not None else None
    if sizes is not None:
        steps = zip(strides, sizes, extra, extent, target, strict=True)
        return _distribute([s * (d - 1) + o + e - t for s, d, o, e, t in steps], extra, mode)
    # Of a transposed convolution OpenVINO's same_upper cuts the larger part off at the beginning.
    return _Geometry([0] * n, [0] * n, extra, "same_lower" if mode == "same_upper" else "same_upper", target)


def _distribute(totals: list[int], extra: list[int], mode: str) -> _Geometry:
    """Half of the padding at each side; the odd one at the end under SAME_UPPER, else at the beginning."""
    smaller = [max(t, 0) // 2 for t in totals]
    larger = [max(t, 0) - s for t, s in zip(totals, smaller, strict=True)]
    begin, end = (smaller, larger) if mode == "same_upper" else (larger, smaller)
    return _Geometry(begin, end, [o + max(-t, 0) for o, t in zip(extra, totals, strict=True)])


@converter("ConvInteger")
def conv_integer(ctx: NodeContext) -> Value:
    """IntegerConvolution: exact, modulo 2^32. In IR sums are f32: exact below 2^24."""
    x, filters = ctx.input(0), ctx.input(1)
    n = spatial_rank(ctx, x, filters)
    zero = to_shape(ctx.b, zero_point(ctx, 2, 0), [])
    shift = zero_point(ctx, 3, 1)
    if shift.rank != 0:
        shift = to_shape(ctx.b, shift, [-1, 1, *[1] * n])
    groups = int(ctx.attr("group", 1))
    found: Value = ctx.b.IntegerConvolution(x, filters, zero, shift, groups=groups, **_geometry_of(ctx, n))
    return found
