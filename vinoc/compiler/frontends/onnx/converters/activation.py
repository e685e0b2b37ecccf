"""Activations, and Dropout, which does nothing in inference."""

from __future__ import annotations

import numpy as np

from .....ir import dtype as dt
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from ..scopes import is_number
from .values import dims, number, rank, scalar, to
from .values import reshape as to_shape

SIMPLE = {
    "Relu": "ReLU",
    "Sigmoid": "Sigmoid",
    "Tanh": "Tanh",
    "Softplus": "SoftPlus",
    "Softsign": "SoftSign",
    "Mish": "Mish",
    "HardSwish": "HSwish",
    "Erf": "Erf",
}
"""ONNX operator -> the operation that is the same."""


def _simple(op_type: str, kind: str) -> None:
    def convert(ctx: NodeContext) -> Value:
        return getattr(ctx.b, kind)(ctx.input(0))

    convert.__doc__ = f"{kind}(x)."
    convert.__qualname__ = f"activation.{op_type}"
    converter(op_type)(convert)


for _op_type, _kind in SIMPLE.items():
    _simple(_op_type, _kind)


@converter("LeakyRelu")
def leaky_relu(ctx: NodeContext) -> Value:
    """PReLU with one slope."""
    x = ctx.input(0)
    return ctx.b.PReLU(x, number(ctx.b, ctx.attr("alpha", 0.01), x.dtype))


@converter("PRelu", since=1)
def prelu_1(ctx: NodeContext) -> Value:
    """PReLU; the slope is one number, or one for each channel (axis 1)."""
    b, x, slope = ctx.b, ctx.input(0), ctx.input(1)
    single = slope.shape is not None and slope.shape == (1,) * len(slope.shape)
    return b.PReLU(x, to_shape(b, slope, () if single else (-1,)))


@converter("PRelu", since=7)
def prelu(ctx: NodeContext) -> Value:
    """PReLU; the slope, which ONNX aligns with the last dimensions, is brought to the rank of x first."""
    b, x, slope = ctx.b, ctx.input(0), ctx.input(1)
    if slope.rank == 0 or (slope.shape is not None and slope.shape == (1,) * len(slope.shape)):
        return b.PReLU(x, to_shape(b, slope, ()))
    n, k = rank(ctx, x), rank(ctx, slope)
    if k < n:
        slope = b.Unsqueeze(slope, list(range(n - k)))
    return b.PReLU(x, slope)


@converter("Elu")
def elu(ctx: NodeContext) -> Value:
    return ctx.b.Elu(ctx.input(0), alpha=ctx.attr("alpha", 1.0))


@converter("Selu")
def selu(ctx: NodeContext) -> Value:
    """Selu(x, alpha, gamma)."""
    x = ctx.input(0)
    alpha, gamma = ctx.attr("alpha", 1.67326319217681884765625), ctx.attr("gamma", 1.05070102214813232421875)
    return ctx.b.Selu(x, number(ctx.b, alpha, x.dtype), number(ctx.b, gamma, x.dtype))


@converter("Celu")
def celu(ctx: NodeContext) -> Value:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) = alpha * Elu(x / alpha)."""
    x, alpha = ctx.input(0), ctx.attr("alpha", 1.0)
    if alpha == 1.0:
        return ctx.b.Elu(x, alpha=1.0)
    return ctx.b.Multiply(ctx.b.Elu(ctx.b.Divide(x, float(alpha)), alpha=1.0), float(alpha))


@converter("HardSigmoid")
def hard_sigmoid(ctx: NodeContext) -> Value:
    x = ctx.input(0)
    alpha, beta = ctx.attr("alpha", 0.2), ctx.attr("beta", 0.5)
    return ctx.b.HardSigmoid(x, number(ctx.b, alpha, x.dtype), number(ctx.b, beta, x.dtype))


@converter("ThresholdedRelu")
def thresholded_relu(ctx: NodeContext) -> Value:
    """x where it is above alpha, 0 elsewhere."""
    x = ctx.input(0)
    above = ctx.b.Greater(x, float(ctx.attr("alpha", 1.0)))
    return ctx.b.Select(above, x, number(ctx.b, 0, x.dtype))


@converter("Shrink")
def shrink(ctx: NodeContext) -> Value:
    """x + bias below -lambd, x - bias above lambd, 0 between."""
    b, x = ctx.b, ctx.input(0)
    bias, lambd = number(b, ctx.attr("bias", 0.0), x.dtype), number(b, ctx.attr("lambd", 0.5), x.dtype)
    low = number(b, -ctx.attr("lambd", 0.5), x.dtype)
    zero = number(b, 0, x.dtype)
    return b.Select(b.Less(x, low), b.Add(x, bias), b.Select(b.Greater(x, lambd), b.Subtract(x, bias), zero))


@converter("Gelu")
def gelu(ctx: NodeContext) -> Value:
    mode = ctx.attr("approximate", "none")
    if mode not in ("none", "tanh"):
        ctx.fail(f"attribute `approximate` is '{mode}'", "ONNX knows 'none' and 'tanh'")
    return ctx.b.Gelu(ctx.input(0), approximation_mode="TANH" if mode == "tanh" else "ERF")


@converter("Swish")
def swish(ctx: NodeContext) -> Value:
    x, alpha = ctx.input(0), ctx.attr("alpha", 1.0)
    return ctx.b.Swish(x) if alpha == 1.0 else ctx.b.Swish(x, number(ctx.b, alpha, x.dtype))


@converter("Clip", since=1)
def clip_6(ctx: NodeContext) -> Value:
    """Clamp; the limits are attributes."""
    limits = np.finfo(np.float32)
    low, high = ctx.attr("min", float(limits.min)), ctx.attr("max", float(limits.max))
    return _clip(ctx, ctx.input(0), number(ctx.b, low, dt.f32), number(ctx.b, high, dt.f32))


@converter("Clip", since=11)
def clip(ctx: NodeContext) -> Value:
    """Clamp, or Minimum and Maximum where the limits are computed."""
    return _clip(ctx, ctx.input(0), ctx.optional(1), ctx.optional(2))


def _clip(ctx: NodeContext, x: Value, low: Value | None, high: Value | None) -> Value:
    b = ctx.b
    constant = all(v is None or (v.is_const and v.const is not None and v.const.size == 1) for v in (low, high))
    if constant and x.dtype.is_float:
        bottom = -np.inf if low is None else float(low.const.item())  # type: ignore[union-attr]  # constant: checked
        top = np.inf if high is None else float(high.const.item())  # type: ignore[union-attr]
        if np.isfinite(bottom) and np.isfinite(top) and bottom <= top:
            return b.Clamp(x, min=bottom, max=top)
    # Minimum comes last: where the limits cross, ONNX gives the upper one.
    if low is not None and not is_number(low, -np.inf):
        x = b.Maximum(x, to(b, scalar(b, low), x.dtype))
    if high is not None and not is_number(high, np.inf):
        x = b.Minimum(x, to(b, scalar(b, high), x.dtype))
    return x


@converter("Dropout", since=1)
def dropout_1(ctx: NodeContext) -> list[Value | None]:
    """The data; the mask of ones has their element type."""
    return _dropout(ctx, ctx.attr("ratio", 0.5), of_data=True)


@converter("Dropout", since=10)
def dropout_10(ctx: NodeContext) -> list[Value | None]:
    """The data, and a mask that drops nothing."""
    return _dropout(ctx, ctx.attr("ratio", 0.5), of_data=False)


@converter("Dropout", since=12)
def dropout(ctx: NodeContext) -> list[Value | None]:
    """The data, and a mask that drops nothing; in training mode a share of the data, and the mask of what stays.

    Where the mode is computed at run time, the ratio counts as 0 while it is false.
    """
    b, x, training = ctx.b, ctx.input(0), ctx.optional(2)
    ratio = ctx.const(1)
    rate = 0.5 if ratio is None else float(ratio.item())
    given = ctx.optional(1)
    if training is None or is_number(training, False) or ((given is None or given.is_const) and rate == 0.0):
        return _dropout(ctx, rate, of_data=False)
    share = to(b, scalar(b, given), dt.f64) if given is not None else number(b, 0.5, dt.f64)
    share = b.Select(scalar(b, training), share, number(b, 0, dt.f64))
    mask = b.DropoutMask(dims(b, x), share, seed=abs(ctx.attr("seed", -1)) if ctx.has("seed") else -1)
    scale = to(b, b.Divide(number(b, 1, dt.f64), b.Subtract(number(b, 1, dt.f64), share)), x.dtype)
    y = b.Multiply(b.Select(mask, x, number(b, 0, x.dtype)), scale)
    return [y, mask][: ctx.n_outputs]


def _dropout(ctx: NodeContext, ratio: float, of_data: bool) -> list[Value | None]:
    x = ctx.input(0)
    data, mask = ctx.b.Dropout(x, ratio=ratio)
    if not ctx.wants(1):
        return [data]
    return [data, to(ctx.b, mask, x.dtype) if of_data else mask]
