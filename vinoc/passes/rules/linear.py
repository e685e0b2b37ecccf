"""Sequences of linear operations: scales and offsets by constants travel into weights and biases."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.graph import Value
from ..kinds import CONVOLUTIONS
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .channels import (
    input_channels,
    is_float,
    output_channels,
    per_channel,
    product,
    scale_inputs,
    scale_outputs,
)
from .images import is_image


@rewrite
class MergeAdds(Rewrite):
    """(x + a) + b = x + (a + b)."""

    def pattern(self, p: Tracer, x: Any, a: Const, c: Const) -> OpPattern:
        return p.Add(p.Add(x, a, name="inner"), c, name="outer")

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        return b.Add(m.x, m.a + m.c) if is_float(m.x) else Decline("the elements are not float")


@rewrite
class MergeMultiplies(Rewrite):
    """(x * a) * b = x * (a * b)."""

    def pattern(self, p: Tracer, x: Any, a: Const, c: Const) -> OpPattern:
        return p.Multiply(p.Multiply(x, a, name="inner"), c, name="outer")

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        return b.Multiply(m.x, product(m.a, m.c)) if is_float(m.x) else Decline("the elements are not float")


@rewrite
class SubtractToAdd(Rewrite):
    """x - c = x + (-c) for floats. A dequantization, Subtract(Convert(q), zero), is left as it is."""

    def pattern(self, p: Tracer, x: Any, c: Const) -> OpPattern:
        return p.Subtract(x, c)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        if not is_float(m.x):
            return None
        if m.x.op is not None and m.x.op.kind == "Convert":
            return Decline("it subtracts the zero point of a quantized value")
        return b.Add(m.x, -m.c)


@rewrite
class MultiplyBeforeAdd(Rewrite):
    """(y + a) * c = y * c + a * c, where y is a product that can absorb c."""

    def pattern(self, p: Tracer, x: Any, w: Const, a: Const, c: Const) -> OpPattern:
        linear = p.one_of(*CONVOLUTIONS, "MatMul", "Multiply", name="linear")
        return p.Multiply(p.Add(linear(x, w, ...), a), c)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        y = m.node("linear").output
        if not is_float(y) or m.c.ndim > (y.rank or 0):
            return None
        if m.linear.kind in CONVOLUTIONS and _channels_of(y, m.c) is None:
            return Decline("the factor is not one number a channel")
        return b.Add(b.Multiply(y, m.c), product(m.a, m.c))


def _channels_of(y: Value, c: np.ndarray[Any, np.dtype[Any]]) -> object | None:
    channels = y.shape[1] if y.shape else None
    return per_channel(c, y.rank or 0, channels) if isinstance(channels, int) else None


@rewrite
class MultiplyIntoConvolution(Rewrite):
    """Conv(x, w) * s = Conv(x, w * s), s one number an output channel."""

    def pattern(self, p: Tracer, x: Any, w: Const, s: Const) -> OpPattern:
        return p.Multiply(p.one_of(*CONVOLUTIONS, name="conv")(x, w, ...), s)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        kind = m.conv.kind
        if not is_float(m.value("w")):
            return None
        w = m.buffer("w")
        scale = per_channel(m.s, len(w.shape) - kind.startswith("Group"), output_channels(kind, w.shape))
        if scale is None:
            return Decline(f"the factor {list(m.s.shape)} is not one number an output channel")
        filters = b.const(scale_outputs(kind, w, scale), name=m.value("w").name)
        return b.build(m.conv, m.x, filters, *m.node("conv").inputs[2:])


@rewrite
class MultiplyBeforeConvolution(Rewrite):
    """Conv(x * s, w) = Conv(x, w * s), s one number an input channel (zero padding stays zero).

    The scale of a quantized value stays where it is; that of an image, which is the model's input, does not.
    """

    def pattern(self, p: Tracer, x: Any, w: Const, s: Const) -> OpPattern:
        return p.one_of(*CONVOLUTIONS, name="conv")(p.Multiply(x, s), w, ...)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        kind = m.conv.kind
        scaled = m.node("Multiply").output
        if not is_float(m.value("w")) or m.x.type != scaled.type:
            return None
        if m.x.op is not None and m.x.op.kind in ("Convert", "Subtract") and not is_image(m.x):
            return Decline("the factor is the scale of a quantized value")
        w = m.buffer("w")
        scale = per_channel(m.s, m.x.rank, input_channels(kind, w.shape))
        if scale is None:
            return Decline(f"the factor {list(m.s.shape)} is not one number an input channel")
        filters = b.const(scale_inputs(kind, w, scale), name=m.value("w").name)
        return b.build(m.conv, m.x, filters, *m.node("conv").inputs[2:])


@rewrite
class MultiplyIntoMatMul(Rewrite):
    """MatMul(x, w) * s = MatMul(x, w * s), s a scalar or one number a column."""

    def pattern(self, p: Tracer, x: Any, w: Const, s: Const) -> OpPattern:
        return p.Multiply(p.MatMul(x, w), s)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        y = m.node("MatMul").output
        if not is_float(y) or m.w.ndim < 2 or m.x.rank is None or m.x.rank < 2:
            return None
        columns_last = not m.MatMul.transpose_b
        columns = m.w.shape[-1 if columns_last else -2]
        scale = per_channel(m.s, y.rank or 0, columns, axis=-1)
        if scale is None:
            return Decline(f"the factor {list(m.s.shape)} is not one number a column")
        w = product(m.w, scale if columns_last else scale[:, None])
        return b.build(m.MatMul, m.x, b.const(w, name=m.value("w").name))
