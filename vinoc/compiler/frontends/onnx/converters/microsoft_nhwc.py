"""Operators on quantized images whose channels come last, as ONNX Runtime's optimizer writes them (com.microsoft)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from .....ir.graph import Value
from ..context import NodeContext
from ..registry import MICROSOFT, converter
from . import pooling, quantization
from .values import ints, rank

Converted: TypeAlias = Value | Sequence[Value | None]


def channels_first(ctx: NodeContext, convert: Callable[[NodeContext], Converted], last: bool = True) -> Value:
    """What a converter for images with the channels first makes of input 0; where they come `last` turned, and back."""
    if not last:
        return _first(convert(ctx))
    b, x = ctx.b, ctx.input(0)
    n = rank(ctx, x)
    turned = b.Transpose(x, ints(b, [0, n - 1, *range(1, n - 1)]))
    y = _first(convert(ctx.standing_for(ctx.op_type, [turned, *ctx.inputs[1:]])))
    found: Value = b.Transpose(y, ints(b, [0, *range(2, n), 1]))
    return found


def _first(found: Converted) -> Value:
    y = found if isinstance(found, Value) else found[0]
    assert y is not None
    return y


def _is_last(ctx: NodeContext) -> bool:
    return bool(ctx.attr("channels_last", 0))


@converter("QLinearConv", domain=MICROSOFT)
def qlinear_conv(ctx: NodeContext) -> Value:
    """Convolution of dequantized operands, quantized again."""
    return channels_first(ctx, quantization.qlinear_conv, _is_last(ctx))


@converter("NhwcMaxPool", domain=MICROSOFT)
def nhwc_max_pool(ctx: NodeContext) -> Value:
    """MaxPool of images whose channels come last."""
    return channels_first(ctx, pooling.max_pool)


@converter("QLinearAveragePool", domain=MICROSOFT)
def qlinear_average_pool(ctx: NodeContext) -> Value:
    """AveragePool of dequantized data, quantized again."""

    def pooled(inner: NodeContext) -> Value:
        y = pooling.average_pool(inner.standing_for("AveragePool", [quantization.plain(inner, 0)]))
        assert isinstance(y, Value)
        return quantization.requantized(inner, y, 3, 4)

    return channels_first(ctx, pooled, _is_last(ctx))


@converter("QLinearGlobalAveragePool", domain=MICROSOFT)
def qlinear_global_average_pool(ctx: NodeContext) -> Value:
    """ReduceMean of dequantized data, quantized again."""
    x = quantization.plain(ctx, 0)
    first = 1 if _is_last(ctx) else 2
    axes = ints(ctx.b, range(first, rank(ctx, x) - (2 - first)))
    return quantization.requantized(ctx, ctx.b.ReduceMean(x, axes, keep_dims=True), 3, 4)
