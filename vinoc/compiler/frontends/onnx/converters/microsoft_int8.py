"""Operators of ONNX Runtime's quantizer that are others on integers (domain com.microsoft): their operands as reals."""

from __future__ import annotations

from collections.abc import Sequence

from .....ir.graph import Value
from ..context import NodeContext
from ..registry import MICROSOFT, converter
from .microsoft import embed_layer_normalization
from .microsoft_attention import attended
from .microsoft_quant import scaled_sums
from .quantization import dequantize
from .recurrent import lstm
from .values import ints, reshape


def _real(ctx: NodeContext, index: int, scale: int, zero: int) -> Value | None:
    """An input as reals, where it is given; scale and zero point are for all, or for each element of the last axis."""
    x, offset = ctx.optional(index), ctx.optional(zero)
    if x is None:
        return None
    factor, offset = (None if v is None else _whole(ctx, v) for v in (ctx.input(scale), offset))
    assert factor is not None
    return dequantize(ctx, x, factor, offset)


def _whole(ctx: NodeContext, value: Value) -> Value:
    return reshape(ctx.b, value, []) if value.shape == (1,) else value


@converter("QAttention", domain=MICROSOFT)
def q_attention(ctx: NodeContext) -> Value | Sequence[Value | None]:
    """IntegerMatMul of data and weights, Multiply by the scales; then as Attention."""
    left, right = ((ctx.input(i), ctx.input(3 + i), ctx.optional(6 + i)) for i in (0, 1))
    inputs = [left[0], right[0], ctx.input(2), ctx.optional(5), ctx.optional(8)]
    return attended(ctx.standing_for("Attention", inputs), scaled_sums(ctx, left, right))


@converter("QEmbedLayerNormalization", domain=MICROSOFT)
def q_embed_layer_normalization(ctx: NodeContext) -> Value | Sequence[Value | None]:
    """EmbedLayerNormalization of dequantized tables, scale and bias."""
    tables = [_real(ctx, 2 + i, 8 + i, 13 + i) for i in range(5)]
    inputs = [ctx.input(0), ctx.optional(1), *tables, ctx.optional(7)]
    return embed_layer_normalization(ctx.standing_for("EmbedLayerNormalization", inputs))


@converter("DynamicQuantizeLSTM", domain=MICROSOFT)
def dynamic_quantize_lstm(ctx: NodeContext) -> Value | Sequence[Value | None]:
    """LSTM with dequantized weights. Data are not rounded: how runtimes do that depends on their threads."""
    weights = [_transposed(ctx, 1 + i, 8 + 2 * i, 9 + 2 * i) for i in range(2)]
    return lstm(ctx.standing_for("LSTM", [ctx.input(0), *weights, *(ctx.optional(i) for i in range(3, 8))]))


def _transposed(ctx: NodeContext, index: int, scale: int, zero: int) -> Value:
    """[D, I, 4 H] with scales and zero points [D] or [D, 4 H] as reals [D, 4 H, I]."""
    b, weights = ctx.b, ctx.input(index)
    count = weights.shape[0] if weights.shape is not None else -1
    if not isinstance(count, int):
        ctx.fail(f"the weights are {weights.type}", "they must be a constant, [directions, inputs, 4 * hidden size]")
    offset = ctx.optional(zero)
    factor, offset = (None if v is None else reshape(b, v, [count, -1, 1]) for v in (ctx.input(scale), offset))
    assert factor is not None
    return dequantize(ctx, b.Transpose(weights, ints(b, [0, 2, 1])), factor, offset)
