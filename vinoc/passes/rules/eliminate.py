"""Operations that change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.graph import Value
from ...ir.op import op_class
from ..kinds import RESHAPES
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .broadcasting import keeps_shape
from .movement import full_order, same_shape


def _if_same(m: Match) -> Value | None:
    """x, when the root has its type and shape for certain."""
    x: Value = m.x
    out = m.root.outputs[0]
    return x if x.dtype is out.dtype and same_shape(x.shape, out.shape) else None


def _if_neutral(m: Match) -> Value | Decline | None:
    """x, when the other operand, a constant that changes no number, surely leaves its shape as it is."""
    x: Value = m.x
    out = m.root.outputs[0]
    other = next((v for v in m.root.inputs if v is not x), None)
    if x.dtype is not out.dtype:
        return None
    if same_shape(x.shape, out.shape) or (other is not None and keeps_shape(x.shape, other.const)):
        return x
    return Decline("the constant may broadcast the other operand to a larger shape")


@rewrite
class EliminateDropout(Rewrite):
    """Dropout(x) = x at inference; a mask that is read is all true."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Dropout(x)

    def replace(self, b: Builder, m: Match) -> tuple[Value, ...]:
        outputs = m.root.outputs
        if len(outputs) < 2 or not outputs[1].n_uses:
            return (m.x,)
        mask = b.Broadcast(np.array(True), b.ShapeOf(m.x))
        return m.x, mask


@rewrite
class EliminateIdentity(Rewrite):
    """Identity(x) = x."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Identity(x)

    def replace(self, b: Builder, m: Match) -> Value:
        return m.x


@rewrite
class EliminateConvert(Rewrite):
    """Convert(x; t) = x, where x has type t already."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Convert(x)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        return m.x if m.x.dtype is m.Convert.destination_type else Decline("it changes the type")


@rewrite
class EliminateAddZero(Rewrite):
    """x + 0 = x - 0 = x."""

    def pattern(self, p: Tracer, x: Any) -> tuple[OpPattern, ...]:
        return p.Add(x, 0.0), p.Subtract(x, 0.0)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        return _if_neutral(m)


@rewrite
class EliminateMultiplyOne(Rewrite):
    """x * 1 = x / 1 = x ^ 1 = x."""

    def pattern(self, p: Tracer, x: Any) -> tuple[OpPattern, ...]:
        return p.Multiply(x, 1.0), p.Divide(x, 1.0), p.Power(x, 1.0)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        return _if_neutral(m)


@rewrite
class EliminatePad(Rewrite):
    """Pad(x; 0, 0) = x."""

    def pattern(self, p: Tracer, x: Any, begin: Const, end: Const, value: Any) -> tuple[OpPattern, ...]:
        return p.Pad(x, begin, end), p.Pad(x, begin, end, value)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        return Decline("it pads or crops") if m.begin.any() or m.end.any() else m.x


@rewrite
class EliminateTranspose(Rewrite):
    """Transpose(x; 0, 1, 2, ...) = x."""

    def pattern(self, p: Tracer, x: Any, order: Const) -> OpPattern:
        return p.Transpose(x, order)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        order = full_order(m.order, m.x.rank)
        stays = order is not None and order.tolist() == list(range(order.size))
        return m.x if stays else Decline("it moves dimensions")


@rewrite
class EliminateReshape(Rewrite):
    """A Reshape, Squeeze, Unsqueeze or Broadcast to the shape that its input has."""

    def pattern(self, p: Tracer, x: Any, s: Any) -> tuple[OpPattern, ...]:
        return p.one_of(*RESHAPES, "Broadcast", name="op")(x, s), p.Squeeze(x)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        return _if_same(m) or Decline("the shape may change")


@rewrite
class EliminateSlice(Rewrite):
    """A Slice, StridedSlice or Tile that takes everything once."""

    def pattern(self, p: Tracer, x: Any, a: Any, c: Any, d: Any, e: Any) -> tuple[OpPattern, ...]:
        return (
            p.Tile(x, a),
            p.StridedSlice(x, a, c),
            p.StridedSlice(x, a, c, d),
            p.Slice(x, a, c, d),
            p.Slice(x, a, c, d, e),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        x = _if_same(m)
        if x is None or m.root.kind == "Tile":
            return x
        steps = m.root.inputs[3].const if len(m.root.inputs) > 3 and m.root.inputs[3] is not None else np.array([1])
        if steps is None or (steps < 0).any():
            return Decline("a dimension may be reversed")
        return x


@rewrite
class EliminateConcat(Rewrite):
    """Concat of one value is the value."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Concat(x)

    def replace(self, b: Builder, m: Match) -> Value:
        return m.x


NOTHING_LEFT = (
    *(f"Reduce{name}" for name in ("Sum", "Prod", "Mean", "Max", "Min", "LogicalAnd", "LogicalOr")),
    "Unsqueeze",
    "Tile",
    "Broadcast",
)
MAGNITUDES = ("ReduceL1", "ReduceL2")


@rewrite
class EliminateNoAxes(Rewrite):
    """An operation along no axes, or on a scalar without any, is its input; ReduceL1, ReduceL2 leave the magnitude."""

    def pattern(self, p: Tracer, x: Any, other: Any, axes: Const, value: Any) -> tuple[OpPattern, ...]:
        return (
            p.one_of(*NOTHING_LEFT, *MAGNITUDES, name="op")(x, axes),
            p.Roll(x, other, axes),
            p.Pad(x, axes, other),
            p.Pad(x, axes, other, value),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.axes.size:
            return Decline("there are axes")
        x: Value = m.x
        return b.build(op_class("Abs")(), x) if m.root.kind in MAGNITUDES else x
