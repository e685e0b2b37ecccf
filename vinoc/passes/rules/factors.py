"""Factors and terms on the way into a product, and those that are written as a division or a sign."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array
from ...ir.graph import Value
from ..kinds import CONVOLUTIONS
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .channels import input_channels, is_float, per_channel, product
from .images import is_image

ROUNDED = ("Round", "Floor", "Ceiling", "Convert", "FakeQuantize")


@rewrite
class DivideToMultiply(Rewrite):
    """x / c = x * (1 / c) for floats: a factor can be merged into weights."""

    def pattern(self, p: Tracer, x: Any, c: Const) -> OpPattern:
        return p.Divide(x, c)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        if not is_float(m.x) or m.value("x").is_const:
            return None
        with np.errstate(all="ignore"):
            inverse = (1 / m.c.astype(np.float64)).astype(m.c.dtype)
        small = np.finfo(m.c.dtype).tiny if m.c.dtype.kind == "f" else 0
        if not np.isfinite(inverse).all() or (np.abs(inverse) < small).any():
            return Decline("the inverse is not a normal number")
        if any(user.kind in ROUNDED for user in m.root.output.users):
            return Decline("the quotient is rounded, which the last bit may decide")
        return b.Multiply(m.x, b.const(inverse, name=m.value("c").name))


@rewrite
class NegativeToMultiply(Rewrite):
    """-(y) = y * (-1), where y is a product that absorbs the factor."""

    def pattern(self, p: Tracer, x: Any, w: Const) -> OpPattern:
        linear = p.one_of(*CONVOLUTIONS, "MatMul", "Multiply", name="linear")
        return p.Negative(linear(x, w, ...))

    def replace(self, b: Builder, m: Match) -> Value | None:
        y = m.node("linear").output
        return b.Multiply(y, -1.0) if is_float(y) else None


@rewrite
class MultiplyByInverse(Rewrite):
    """y * (1 / x) = y * x ^ -1 = y / x, where the inverse has no other use."""

    def pattern(self, p: Tracer, x: Any, y: Any) -> tuple[OpPattern, ...]:
        return p.Multiply(y, p.Divide(1.0, x)), p.Multiply(y, p.Power(x, -1.0))

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.value("y").is_const:
            return Decline("the other factor is a constant")
        if not is_float(m.x):
            return Decline("the elements are not float")
        return b.Divide(m.y, m.x)


@rewrite
class MultiplyBeforeMatMul(Rewrite):
    """MatMul(x * s, w) = MatMul(x, s * w), s a scalar or one number a row of w."""

    def pattern(self, p: Tracer, x: Any, w: Const, s: Const) -> OpPattern:
        return p.MatMul(p.Multiply(x, s), w, transpose_a=False)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        if not is_float(m.x) or m.w.ndim < 2 or m.w.dtype.kind != "f" or m.x.type != m.node("Multiply").output.type:
            return None
        if m.x.op is not None and m.x.op.kind in ("Convert", "Subtract"):
            return Decline("the factor is the scale of a quantized value")
        rows_last = m.MatMul.transpose_b
        rows = m.w.shape[-1 if rows_last else -2]
        scale = per_channel(m.s, m.x.rank or 0, rows, axis=-1)
        if scale is None:
            return Decline(f"the factor {list(m.s.shape)} is not one number a row of the weights")
        w = product(m.w, scale if rows_last else scale[:, None])
        return b.build(m.MatMul, m.x, b.const(w, name=m.value("w").name))


@rewrite
class AddBeforeMatMul(Rewrite):
    """MatMul(x + a, w) + c = MatMul(x, w) + (a w + c), a a scalar or one number a row of w."""

    def pattern(self, p: Tracer, x: Any, w: Const, a: Const, c: Const) -> OpPattern:
        return p.Add(p.MatMul(p.Add(x, a, name="before"), w, transpose_a=False), c, name="after")

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        if not is_float(m.x) or m.w.ndim != 2 or m.x.type != m.node("before").output.type or m.w.dtype.kind != "f":
            return None
        w = m.w.T if m.MatMul.transpose_b else m.w
        offset = per_channel(m.a, m.x.rank or 0, w.shape[0], axis=-1)
        if offset is None:
            return Decline(f"the term {list(m.a.shape)} is not one number a row of the weights")
        shift = (offset.astype(np.float64) @ w.astype(np.float64)).astype(m.w.dtype)
        return b.Add(b.build(m.MatMul, m.x, m.value("w")), shift + m.c)


@rewrite
class AddBeforeConvolution(Rewrite):
    """Conv(x + a, w) + c = Conv(x, w) + (sum w a + c), a one number an input channel, nothing padded.

    The same for x - a, the mean of an image; the zero point of a quantized value stays where it is.
    """

    def pattern(self, p: Tracer, x: Any, w: Const, a: Const, c: Const) -> tuple[OpPattern, ...]:
        conv = p.one_of("Convolution", "GroupConvolution", name="conv")
        before = p.Add(x, a, name="before"), p.Subtract(x, a, name="before")
        return tuple(p.Add(conv(b, w), c, name="after") for b in before)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        op, x = m.conv, m.x
        if not is_float(x) or x.type != m.node("before").output.type:
            return None
        if op.auto_pad not in ("explicit", "valid") or (
            op.auto_pad == "explicit" and (any(op.pads_begin) or any(op.pads_end))
        ):
            return Decline("the convolution pads with zeros, to which nothing would be added")
        less = m.node("before").kind == "Subtract"
        if less and not is_image(x):
            return Decline("it subtracts the zero point of a quantized value")
        w: Array = m.w
        if w.dtype.kind != "f":
            return None
        offset = per_channel(-m.a if less else m.a, x.rank or 0, input_channels(op.kind, w.shape))
        if offset is None:
            return Decline(f"the term {list(m.a.shape)} is not one number an input channel")
        grouped = op.kind == "GroupConvolution"
        laid = offset.reshape((w.shape[0], 1, -1) if grouped else (1, -1)).astype(np.float64)
        shift = _weighted(w, laid.reshape(*laid.shape, *[1] * (w.ndim - laid.ndim)), 2 if grouped else 1)
        shift = shift.astype(w.dtype).reshape(-1, *[1] * ((x.rank or 2) - 2))
        return b.Add(b.build(op, x, m.value("w")), shift + m.c)


AT_ONCE = 1 << 13
"""Numbers that are summed up at once: memory for more is fetched from the system, and given back, every time."""


def _weighted(w: Array, factors: Array, first: int) -> Array:
    """The sums of w * factors over all dimensions from `first` on, in f64."""
    sums = np.empty(w.shape[:first])
    step = max(AT_ONCE // max(prod(w.shape[1:]), 1), 1)
    for i in range(0, len(w), step):
        terms = w[i : i + step].astype(np.float64)
        terms *= factors[i : i + step] if len(factors) > 1 else factors
        terms.sum(axis=tuple(range(first, w.ndim)), out=sums[i : i + step])
    return sums
