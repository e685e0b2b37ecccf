"""Attention from its written-out form (Vaswani et al. 2017, arXiv:1706.03762)."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.graph import Value
from ...ir.types import Shape
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .channels import is_float
from .limits import one_number


@rewrite
class FuseAttention(Rewrite):
    """ScaledDotProductAttention(q, k, v) = SoftMax(q k^T * s + mask) v, with the scale on q, on k or on the product.

    Not for ranks other than 3 and 4, for which OpenVINO has no kernel.
    """

    def pattern(self, p: Tracer, q: Any, k: Any, v: Any, s: Const, mask: Any) -> tuple[OpPattern, ...]:
        scores = p.MatMul(q, k, name="scores", transpose_a=False)
        forms = (scores, p.Multiply(scores, s, name="times"), p.Divide(scores, s, name="over"))
        out = []
        for form in forms:
            for weights in (form, p.Add(form, mask, name="masked")):
                soft = p.SoftMax(weights, name="soft")
                out.append(p.MatMul(soft, v, name="out", transpose_a=False, transpose_b=False))
        return tuple(out)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        shapes = [value.shape for value in (m.q, m.k, m.v)]
        ranks = [None if s is None else len(s) for s in shapes]
        if ranks[0] not in (3, 4) or len(set(ranks)) > 1 or not is_float(m.q):
            return Decline("queries, keys and values are not of rank 3 or 4 each")
        if m.soft.axis % ranks[0] != ranks[0] - 1:
            return Decline("the soft maximum is not taken over the keys")
        mask = _mask(m)
        if isinstance(mask, Decline):
            return mask
        number = one_number(m.s) if m.has("s") else 1.0
        if not number:
            return Decline("the scale is not one number other than zero")
        scale = 1 / number if m.has("over") else number
        q, of_q = _unscaled(m.q)
        k, of_k = _unscaled(m.k)
        scale *= of_q * of_k
        if not m.scores.transpose_b:
            order = [*range(ranks[0] - 2), ranks[0] - 1, ranks[0] - 2]
            k = b.Transpose(k, np.array(order, np.int64))
        return _attention(b, m, q, k, scale, mask)


def _mask(m: Match) -> Value | Decline | None:
    """What is added to the scores, when it does not broadcast them to more."""
    if not m.has("mask"):
        return None
    mask: Value = m.mask
    scores = m.node("scores").output.shape
    if mask.shape is None or scores is None or _widens(mask.shape, scores):
        return Decline("the mask broadcasts the scores, or its shape is not known")
    return mask


def _widens(mask: Shape, scores: Shape) -> bool:
    """Whether the mask surely has more than the scores along some dimension."""
    if len(mask) > len(scores):
        return True
    pairs = zip(reversed(mask), reversed(scores), strict=False)
    return any(isinstance(n, int) and n != 1 and isinstance(d, int) and n != d for n, d in pairs)


def _attention(b: Builder, m: Match, q: Value, k: Value, scale: float, mask: Value | None) -> Value | Decline:
    width = q.shape[-1] if q.shape is not None else None
    usual = isinstance(width, int) and width > 0 and abs(scale * sqrt(width) - 1) < 1e-6
    if mask is None and usual:
        found = b.ScaledDotProductAttention(q, k, m.v)
    else:
        no_mask = b.const(np.zeros((), q.dtype.numpy)) if mask is None else mask
        found = b.ScaledDotProductAttention(q, k, m.v, no_mask, b.const(np.array(scale, q.dtype.numpy)))
    return found


def _unscaled(value: Value) -> tuple[Value, float]:
    """An operand without the factor that was put on it, and that factor."""
    node = value.node
    if node is None or node.kind not in ("Multiply", "Divide") or value.n_uses != 1:
        return value, 1.0
    for x, c in ((0, 1), (1, 0)):
        factor = node.operand(c).const
        if factor is None or (node.kind == "Divide" and c == 0):
            continue
        number, source = one_number(factor), node.operand(x)
        if number and source.type == value.type:
            return source, 1 / number if node.kind == "Divide" else number
    return value, 1.0
