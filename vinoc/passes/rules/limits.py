"""Functions made of limits, comparisons and fractions: Clamp, ReLU, PReLU, HSigmoid, Sigmoid, SoftSign."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array
from ...ir.graph import Value
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .channels import is_float


def one_number(constant: Array) -> float | None:
    """The number that a constant of one element holds, as the decimal number that was meant."""
    return float(str(constant.reshape(-1)[0])) if constant.size == 1 and constant.dtype.kind == "f" else None


@rewrite
class FuseRelu(Rewrite):
    """ReLU(x) = max(x, 0)."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Maximum(x, 0.0)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if not is_float(m.x):
            return Decline("the elements are not float")
        if m.x.type != m.root.output.type:
            return Decline("the zeros broadcast the other operand")
        return b.ReLU(m.x)


@rewrite
class FuseClamp(Rewrite):
    """Clamp(x; a, b) = min(max(x, a), b) = max(min(x, b), a) for numbers a <= b;  min(ReLU(x), b) = Clamp(x; 0, b)."""

    def pattern(self, p: Tracer, x: Any, low: Const, high: Const) -> tuple[OpPattern, ...]:
        return (
            p.Minimum(p.Maximum(x, low), high),
            p.Maximum(p.Minimum(x, high), low),
            p.Minimum(p.ReLU(x), high),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        low = one_number(m.low) if m.has("low") else 0.0
        high = one_number(m.high)
        if low is None or high is None:
            return Decline("the limits are not one number each, or not float")
        if not low <= high:
            return Decline(f"the lower limit {low:g} is above the upper one, {high:g}")
        if m.x.type != m.root.output.type:
            return Decline("a limit broadcasts the other operand")
        return b.Clamp(m.x, min=low, max=high)


@rewrite
class MergeClamps(Rewrite):
    """Clamp(Clamp(x; a, b); c, d) = Clamp(x; max(a, c), min(b, d)), where the two ranges meet; of ReLU as well."""

    def pattern(self, p: Tracer, x: Any) -> tuple[OpPattern, ...]:
        return (
            p.Clamp(p.Clamp(x, name="inner"), name="outer"),
            p.Clamp(p.ReLU(x), name="outer"),
            p.ReLU(p.Clamp(x, name="inner")),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        ranges = [(m.node(n).op.min, m.node(n).op.max) for n in ("inner", "outer") if m.has(n)]  # type: ignore[attr-defined]
        if len(ranges) == 1:
            ranges.append((0.0, np.inf))
        low, high = max(r[0] for r in ranges), min(r[1] for r in ranges)
        if not is_float(m.x) or low > high:
            return Decline("the ranges do not meet")
        return b.Clamp(m.x, min=float(low), max=float(high))


@rewrite
class FusePrelu(Rewrite):
    """PReLU(x; a) = ReLU(x) - a * ReLU(-x) = max(x, a * x) for 0 <= a <= 1 = x where x > 0, else a * x."""

    def pattern(self, p: Tracer, x: Any, a: Const) -> tuple[OpPattern, ...]:
        below = p.ReLU(p.Negative(x), name="below")
        positive = p.ReLU(x, name="positive")
        leaked = p.Multiply(x, a, name="leaked")
        return (
            p.Add(positive, p.Multiply(below, a, name="negated")),
            p.Add(positive, p.Multiply(p.Negative(below, name="minus"), a)),
            p.Subtract(positive, p.Multiply(below, a)),
            p.Maximum(x, leaked),
            p.Select(p.Greater(x, 0.0), x, leaked),
            p.Select(p.GreaterEqual(x, 0.0), x, leaked),
            p.Select(p.Less(x, 0.0), leaked, x),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        slope = -m.a if m.has("negated") else m.a
        if not is_float(m.x) or m.x.type != m.root.output.type:
            return Decline("the elements are not float, or the slope broadcasts them")
        if m.root.kind == "Maximum" and not ((slope >= 0) & (slope <= 1)).all():
            return Decline("a slope outside [0, 1] makes the maximum another function")
        shaped = _as_slope(slope, m.x)
        if shaped is None:
            return Decline(f"the slope {list(slope.shape)} is neither one number nor one a channel")
        return b.PReLU(m.x, shaped)


def _as_slope(slope: Array, x: Value) -> Array | None:
    """The slope as OpenVINO takes it: one number, or a list of one number a channel."""
    if slope.size == 1:
        return slope.reshape(1)
    rank, shape = x.rank or 0, x.shape or ()
    if rank < 2 or slope.ndim > rank:
        return None
    full = (1,) * (rank - slope.ndim) + slope.shape
    only = all(n == 1 for i, n in enumerate(full) if i != 1)
    return slope.reshape(-1) if only and full[1] == shape[1] else None


@rewrite
class FuseLinearClamp(Rewrite):
    """HSigmoid(x) = min(max(x / 6 + 1 / 2, 0), 1), with the division first."""

    def pattern(self, p: Tracer, x: Any) -> tuple[OpPattern, ...]:
        return (
            p.Clamp(p.Add(p.Multiply(x, 1 / 6), 0.5), min=0.0, max=1.0),
            p.Clamp(p.Add(p.Divide(x, 6.0), 0.5), min=0.0, max=1.0),
            p.Clamp(p.Divide(p.Add(x, 3.0), 6.0), min=0.0, max=1.0),
            p.Clamp(p.Multiply(p.Add(x, 3.0), 1 / 6), min=0.0, max=1.0),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.x.type != m.root.output.type:
            return Decline("a constant broadcasts the other operand")
        return b.HSigmoid(m.x)


@rewrite
class FuseSigmoid(Rewrite):
    """Sigmoid(x) = 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2."""

    def pattern(self, p: Tracer, x: Any) -> tuple[OpPattern, ...]:
        decay = p.Exp(p.Negative(x))
        other = p.Exp(p.Multiply(x, -1.0))
        return (
            p.Divide(1.0, p.Add(decay, 1.0)),
            p.Divide(1.0, p.Add(other, 1.0)),
            p.Power(p.Add(decay, 1.0), -1.0),
            p.Multiply(p.Add(p.Tanh(p.Multiply(x, 0.5, name="half")), 1.0), 0.5, name="outer"),
            p.Add(p.Multiply(p.Tanh(p.Multiply(x, 0.5, name="half")), 0.5, name="outer"), 0.5),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.x.type != m.root.output.type:
            return Decline("a constant broadcasts the other operand")
        return b.Sigmoid(m.x)


@rewrite
class FuseSwishBeta(Rewrite):
    """Swish(x; beta) = x * sigmoid(beta * x), beta one number."""

    def pattern(self, p: Tracer, x: Any, beta: Const) -> OpPattern:
        return p.Multiply(x, p.Sigmoid(p.Multiply(x, beta, name="scaled")), name="outer")

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.beta.size != 1 or m.x.type != m.root.output.type:
            return Decline("beta is not one number")
        return b.Swish(m.x, m.beta.reshape(()))


@rewrite
class FuseSoftSign(Rewrite):
    """SoftSign(x) = x / (1 + |x|)."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Divide(x, p.Add(p.Abs(x), 1.0))

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.x.type != m.root.output.type or not is_float(m.x):
            return Decline("a constant broadcasts the other operand")
        return b.SoftSign(m.x)
