"""Activations recognised from their written-out forms."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from ...ir.builder import Builder
from ...ir.graph import Value
from ..pattern import Match, OpPattern, Tracer
from ..rewrite import Rewrite, rewrite


@rewrite
class FuseSwish(Rewrite):
    """Swish(x) = x * sigmoid(x)  (Ramachandran et al. 2017, arXiv:1710.05941)."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Multiply(x, p.Sigmoid(x))

    def replace(self, b: Builder, m: Match) -> Value:
        return b.Swish(m.x)


@rewrite
class FuseHSigmoid(Rewrite):
    """HSigmoid(x) = clamp(x + 3, 0, 6) / 6  (Howard et al. 2019, arXiv:1905.02244)."""

    def pattern(self, p: Tracer, x: Any) -> tuple[OpPattern, ...]:
        clamped = p.Clamp(p.Add(x, 3.0), min=0.0, max=6.0)
        return (
            p.Divide(clamped, 6.0),
            p.Multiply(clamped, 1 / 6),
            p.HardSigmoid(x, 1 / 6, 0.5),
        )

    def replace(self, b: Builder, m: Match) -> Value:
        return b.HSigmoid(m.x)


@rewrite
class FuseHSwish(Rewrite):
    """HSwish(x) = x * HSigmoid(x), also with the division by 6 last."""

    def pattern(self, p: Tracer, x: Any) -> tuple[OpPattern, ...]:
        clamped = p.Clamp(p.Add(x, 3.0), min=0.0, max=6.0)
        return (
            p.Multiply(x, p.HSigmoid(x)),
            p.Divide(p.Multiply(x, clamped), 6.0),
            p.Multiply(p.Multiply(x, clamped, name="inner"), 1 / 6, name="outer"),
            p.Multiply(p.Multiply(x, 1 / 6, name="inner"), clamped, name="outer"),
        )

    def replace(self, b: Builder, m: Match) -> Value:
        return b.HSwish(m.x)


@rewrite
class FuseSoftPlus(Rewrite):
    """SoftPlus(x) = log(exp(x) + 1)."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Log(p.Add(p.Exp(x), 1.0))

    def replace(self, b: Builder, m: Match) -> Value:
        return b.SoftPlus(m.x)


@rewrite
class FuseMish(Rewrite):
    """Mish(x) = x * tanh(softplus(x))  (Misra 2019, arXiv:1908.08681)."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Multiply(x, p.Tanh(p.SoftPlus(x)))

    def replace(self, b: Builder, m: Match) -> Value:
        return b.Mish(m.x)


@rewrite
class FuseGelu(Rewrite):
    """Gelu(x) = x * (1 + erf(x / sqrt 2)) / 2, factors in any order  (Hendrycks and Gimpel 2016, arXiv:1606.08415)."""

    def pattern(self, p: Tracer, x: Any) -> tuple[OpPattern, ...]:
        out: list[OpPattern] = []
        for scaled in (p.Divide(x, sqrt(2), name="scaled"), p.Multiply(x, 1 / sqrt(2), name="scaled")):
            out += _half_of_product(p, x, p.Add(p.Erf(scaled), 1.0))
        return tuple(out)

    def replace(self, b: Builder, m: Match) -> Value:
        return b.Gelu(m.x, approximation_mode="ERF")


@rewrite
class FuseGeluTanh(Rewrite):
    """The tanh approximation: x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2."""

    def pattern(self, p: Tracer, x: Any) -> tuple[OpPattern, ...]:
        out: list[OpPattern] = []
        cubes = (
            p.Power(x, 3.0),
            p.Multiply(p.Multiply(x, x, name="square"), x, name="cube"),
        )
        for cube in cubes:
            inner = p.Add(x, p.Multiply(cube, 0.044715, name="term"), name="sum")
            out += _half_of_product(p, x, p.Add(p.Tanh(p.Multiply(inner, sqrt(2 / pi), name="scaled")), 1.0))
        return tuple(out)

    def replace(self, b: Builder, m: Match) -> Value:
        return b.Gelu(m.x, approximation_mode="TANH")


def _half_of_product(p: Tracer, x: Any, gate: OpPattern) -> list[OpPattern]:
    """x * gate / 2 with the half at any of its places."""
    return [
        p.Multiply(p.Multiply(x, gate, name="inner"), 0.5, name="outer"),
        p.Multiply(x, p.Multiply(gate, 0.5, name="inner"), name="outer"),
        p.Multiply(p.Multiply(x, 0.5, name="inner"), gate, name="outer"),
        p.Divide(p.Multiply(x, gate, name="inner"), 2.0, name="outer"),
    ]
