"""Pairs of data movements that are one, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dim import Sym
from ...ir.dtype import Array
from ...ir.graph import Value
from ...ir.types import Shape, numel
from ..kinds import RESHAPES
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite


def full_order(order: Array, rank: int | None) -> Array | None:
    """The order of a Transpose written out: an empty one reverses. None where that takes an unknown rank."""
    if order.size:
        return order
    return None if rank is None else np.arange(rank)[::-1]


@rewrite
class MergeTransposes(Rewrite):
    """Transpose(Transpose(x, p), q) = Transpose(x, p[q]), or x where they cancel."""

    def pattern(self, p: Tracer, x: Any, first: Const, second: Const) -> OpPattern:
        return p.Transpose(p.Transpose(x, first, name="inner", shared=True), second, name="outer")

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        first, second = (full_order(o, m.x.rank) for o in (m.first, m.second))
        if first is None or second is None:
            return Decline("the rank is not known")
        order = first[second]
        if np.array_equal(order, np.arange(order.size)):
            return m.x
        if m.node("inner").output.n_uses > 1:
            return Decline("the inner result is read elsewhere too, and the two do not cancel")
        return b.Transpose(m.x, order)


@rewrite
class TransposeIntoMatMul(Rewrite):
    """MatMul(Transpose(x), w) = MatMul(x, w; transpose_a), when the last two dimensions are exchanged."""

    def pattern(self, p: Tracer, x: Any, y: Any, order: Const) -> tuple[OpPattern, ...]:
        return p.MatMul(p.Transpose(x, order), y), p.MatMul(y, p.Transpose(x, order))

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        order = full_order(m.order, m.x.rank)
        rank = order.size if order is not None else 0
        if order is None or rank < 2 or order.tolist() != [*range(rank - 2), rank - 1, rank - 2]:
            return Decline("it moves other dimensions than the last two")
        op = m.MatMul
        if m.root.inputs[0] is m.node("Transpose").output:
            return b.build(replace(op, transpose_a=not op.transpose_a), m.x, m.y)
        return b.build(replace(op, transpose_b=not op.transpose_b), m.y, m.x)


def same_shape(a: Shape | None, b: Shape | None) -> bool:
    """True when the shapes are equal for certain."""
    if a is None or b is None or a != b:
        return False
    return not any(isinstance(d, Sym) and d.is_unknown for d in a)


@rewrite
class MergeReshapes(Rewrite):
    """Two of Reshape, Squeeze, Unsqueeze in a row are one Reshape, or nothing."""

    def pattern(self, p: Tracer, x: Any, s: Any, t: Any) -> tuple[OpPattern, ...]:
        inner = p.one_of(*RESHAPES, name="inner")
        outer = p.one_of(*RESHAPES, name="outer")
        return outer(inner(x, s, shared=True), t), outer(inner(x, shared=True), t), outer(inner(x, s, shared=True))

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        out = m.root.output.shape
        if same_shape(m.x.shape, out):
            return m.x
        if m.node("inner").output.n_uses > 1:
            return Decline("the inner result is read elsewhere too, and the two do not cancel")
        target = target_of(m.x.shape, out)
        if target is None:
            return Decline("more than one dimension of the result is dynamic")
        return b.Reshape(m.x, target, special_zero=False)


def target_of(source: Shape | None, shape: Shape | None) -> np.ndarray[Any, np.dtype[Any]] | None:
    """A constant that reshapes to `shape`; None when it needs more than one -1."""
    if shape is None:
        return None
    dynamic = [i for i, d in enumerate(shape) if isinstance(d, Sym)]
    if len(dynamic) > 1 or (dynamic and 0 in shape):
        return None
    if dynamic and source is not None and numel(source) == 0:
        return None
    return np.array([-1 if isinstance(d, Sym) else d for d in shape], np.int64)
