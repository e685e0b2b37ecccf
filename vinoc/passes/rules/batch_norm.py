"""Batch normalization at inference is an affine map of each channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array
from ...ir.graph import Value
from ..kinds import CONVOLUTIONS
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .channels import as_column, scale_outputs


def scale_and_shift(m: Match) -> tuple[Array, Array]:
    """BN(x) = scale * x + shift, one number a channel; computed in f64, given in the type of gamma."""
    gamma, beta, mean, var = (np.asarray(a, np.float64) for a in (m.gamma, m.beta, m.mean, m.var))
    scale = gamma / np.sqrt(var + m.BatchNormInference.epsilon)
    return scale.astype(m.gamma.dtype), (beta - mean * scale).astype(m.gamma.dtype)


@rewrite
class FoldBatchNorm(Rewrite):
    """BN(Conv(x, w)) = Conv(x, w * s) + (beta - mean * s),  s = gamma / sqrt(var + eps)."""

    def pattern(self, p: Tracer, x: Any, w: Const, gamma: Const, beta: Const, mean: Const, var: Const) -> OpPattern:
        conv = p.one_of(*CONVOLUTIONS, name="conv")
        return p.BatchNormInference(conv(x, w, ...), gamma, beta, mean, var)

    def replace(self, b: Builder, m: Match) -> Value:
        scale, shift = scale_and_shift(m)
        kind, w = m.conv.kind, m.buffer("w")
        filters = b.const(scale_outputs(kind, w, scale), name=m.value("w").name)
        conv = b.build(m.conv, m.x, filters, *m.node("conv").inputs[2:])
        return b.Add(conv, as_column(shift, len(w.shape) - kind.startswith("Group")))


@rewrite
class BatchNormToAffine(Rewrite):
    """BN(x) = x * s + (beta - mean * s), where no convolution can take the scale."""

    def pattern(self, p: Tracer, x: Any, gamma: Const, beta: Const, mean: Const, var: Const) -> OpPattern:
        return p.BatchNormInference(x, gamma, beta, mean, var)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        rank = m.x.rank
        if rank is None:
            return Decline("the rank is not known")
        scale, shift = scale_and_shift(m)
        return b.Add(b.Multiply(m.x, as_column(scale, rank)), as_column(shift, rank))
