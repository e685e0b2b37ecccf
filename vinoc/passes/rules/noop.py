"""Operations over parts, picks and choices that give back what they got."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.graph import Value
from ...ir.ops.convert import Convert
from ...ir.types import numel
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .movement import same_shape


@rewrite
class EliminateSplit(Rewrite):
    """Split(x) into one part = x."""

    def pattern(self, p: Tracer, x: Any, axis: Any, lengths: Any) -> tuple[OpPattern, ...]:
        return p.Split(x, axis), p.VariadicSplit(x, axis, lengths)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if len(m.root.outputs) > 1:
            return Decline(f"it makes {len(m.root.outputs)} parts")
        return m.x


@rewrite
class EliminateSplitConcat(Rewrite):
    """Concat(Split(x; axis); axis) = x, where it takes all the parts in their order."""

    def pattern(self, p: Tracer, x: Any, axis: Const, lengths: Any) -> tuple[OpPattern, ...]:
        return (
            p.Concat(p.Split(x, axis, name="parts", shared=True), ...),
            p.Concat(p.VariadicSplit(x, axis, lengths, name="parts", shared=True), ...),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        parts = m.node("parts").outputs
        if m.root.inputs != tuple(parts):
            return Decline("it does not take all the parts in their order")
        rank = m.x.rank
        if rank is None or int(m.axis.reshape(-1)[0]) % rank != m.Concat.axis % rank:
            return Decline("it joins along another axis than they were parted")
        return m.x


@rewrite
class EliminateEmptyConcatInput(Rewrite):
    """Concat(x, empty, y) = Concat(x, y): a part of length 0 adds nothing."""

    def pattern(self, p: Tracer) -> OpPattern:
        return p.Concat(...)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        inputs = [v for v in m.root.inputs if v is not None]
        rank = inputs[0].rank
        if rank is None:
            return Decline("the rank is not known")
        axis = m.Concat.axis % rank
        kept = [v for v in inputs if v.shape is None or v.shape[axis] != 0]
        if len(kept) == len(inputs) or not kept:
            return Decline("no part is known to be empty, or all are")
        return b.build(m.Concat, *kept) if len(kept) > 1 else kept[0]


@rewrite
class EliminateScatter(Rewrite):
    """A scatter update of no elements gives its data."""

    def pattern(self, p: Tracer, x: Any, indices: Any, updates: Any, axis: Any) -> tuple[OpPattern, ...]:
        return (
            p.one_of("ScatterUpdate", "ScatterElementsUpdate", name="op")(x, indices, updates, axis),
            p.ScatterNDUpdate(x, indices, updates),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        shape = m.indices.shape
        if shape is None or numel(shape) != 0:
            return Decline("there may be elements to update")
        return m.x


@rewrite
class EliminateGather(Rewrite):
    """Gather(x, [0, 1, ..., n-1]; axis) = x, where x has n elements along the axis."""

    def pattern(self, p: Tracer, x: Any, indices: Const, axis: Const) -> OpPattern:
        return p.Gather(x, indices, axis)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        if m.indices.ndim != 1 or m.x.shape is None:
            return None
        n = m.x.shape[int(m.axis.reshape(-1)[0]) % len(m.x.shape)]
        if not isinstance(n, int) or n != m.indices.size:
            return Decline("it may not take every element")
        if not np.array_equal(m.indices % max(n, 1), np.arange(n)):
            return Decline("it takes them in another order")
        return m.x


@rewrite
class EliminateUnsqueezeGather(Rewrite):
    """Gather(Unsqueeze(x; axis), 0; axis) = x."""

    def pattern(self, p: Tracer, x: Any, new: Const, index: Const, axis: Const) -> OpPattern:
        return p.Gather(p.Unsqueeze(x, new, shared=True), index, axis)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        rank = m.x.rank
        if m.new.size != 1 or m.index.ndim or int(m.index) not in (0, -1) or rank is None:
            return Decline("it does not pick the one element of a new axis")
        if int(m.new.reshape(-1)[0]) % (rank + 1) != int(m.axis.reshape(-1)[0]) % (rank + 1):
            return Decline("it picks along another axis than the new one")
        return m.x


@rewrite
class GatherToKeepAxis(Rewrite):
    """Unsqueeze(Gather(x, i; axis); axis) = Gather(x, [i]; axis)."""

    def pattern(self, p: Tracer, x: Any, index: Const, axis: Const, new: Const) -> OpPattern:
        return p.Unsqueeze(p.Gather(x, index, axis, shared=True), new)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        rank = m.x.rank
        if rank is None or m.index.ndim or m.new.size != 1 or m.Gather.batch_dims:
            return Decline("it does not pick one element")
        if int(m.new.reshape(-1)[0]) % rank != int(m.axis.reshape(-1)[0]) % rank:
            return Decline("the new axis is not the one that was picked from")
        return b.build(m.Gather, m.x, m.index.reshape(1), m.value("axis"))


@rewrite
class EliminateSelect(Rewrite):
    """Select(c, a, b) = a where c is all true, b where it is all false."""

    def pattern(self, p: Tracer, c: Const, x: Any, y: Any) -> OpPattern:
        return p.Select(c, x, y)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if not m.c.size or m.c.any() != m.c.all():
            return Decline("the condition is not the same everywhere")
        chosen: Value = m.x if m.c.all() else m.y
        if not same_shape(chosen.shape, m.root.output.shape):
            return Decline("the chosen operand is broadcast")
        return chosen


@rewrite
class EliminateConvertNonZero(Rewrite):
    """NonZero(Convert(x)) = NonZero(x), where no element becomes zero by the conversion."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.NonZero(p.Convert(x, shared=True))

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        source, target = m.x.dtype, m.Convert.destination_type
        if not (target.is_float or target.bits >= source.bits) or (source.is_float and target.bits < source.bits):
            return Decline(f"an element of {source} may become zero as {target}")
        if source.is_float and not target.is_float:
            return Decline(f"a fraction becomes zero as {target}")
        return b.build(m.NonZero, m.x)


@rewrite
class MergeConverts(Rewrite):
    """Convert(Convert(x; t); u) = Convert(x; u), or x, where t holds every value of x."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Convert(p.Convert(x, name="inner", shared=True), name="outer")

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        source, between, target = m.x.dtype, m.inner.destination_type, m.outer.destination_type
        if m.inner.decompression or m.outer.decompression:
            return Decline("one of them expands compressed weights")
        if not _holds_all(source, between):
            return Decline(f"{between} does not hold every value of {source}")
        if source is target:
            return m.x
        return b.build(Convert(destination_type=target), m.x)


SIGNIFICANT = {"f64": 53, "f32": 24, "f16": 11, "bf16": 8}


def _holds_all(source: Any, target: Any) -> bool:
    """Whether every value of one type is a value of the other, so that going through it loses nothing."""
    if source is target:
        return True
    if source.name == "boolean":
        return bool(target.is_float or target.is_integer)
    if source.is_integer and target.is_float:
        return bool(source.bits <= SIGNIFICANT.get(target.name, 0))
    if source.is_integer and target.is_integer:
        if source.kind == target.kind:
            return bool(source.bits <= target.bits)
        return bool(source.kind == "u" and source.bits < target.bits)
    if source.is_float and target.is_float:
        return (source.name, target.name) in {("f16", "f32"), ("bf16", "f32"), ("f16", "f64"), ("f32", "f64")}
    return False


CANCELLING = ("Negative", "LogicalNot", "BitwiseNot")
IDEMPOTENT = ("Abs", "ReLU", "Ceiling", "Floor", "Sign")


@rewrite
class EliminateTwice(Rewrite):
    """-(-x) = x, not not x = x;  and what changes nothing the second time is done once: ReLU(ReLU(x)) = ReLU(x)."""

    def pattern(self, p: Tracer, x: Any) -> tuple[OpPattern, ...]:
        return tuple(
            getattr(p, kind)(getattr(p, kind)(x, name="inner", shared=True), name="outer")
            for kind in CANCELLING + IDEMPOTENT
        )

    def replace(self, b: Builder, m: Match) -> Value:
        return m.x if m.root.kind in CANCELLING else m.node("inner").output


@rewrite
class EliminateSliceBeforeGatherElements(Rewrite):
    """GatherElements(Slice(x), i) = GatherElements(x, i), where the slice starts at 0: only what i names is read."""

    def pattern(
        self, p: Tracer, x: Any, start: Const, stop: Any, step: Const, axes: Const, i: Const
    ) -> tuple[OpPattern, ...]:
        return (p.GatherElements(p.Slice(x, start, stop, step, axes, shared=True), i),)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.start.any() or (m.step != 1).any():
            return Decline("the slice does not begin at 0, or it leaves elements out")
        if (m.i < 0).any():
            return Decline("an index counts from the end of the slice")
        rank = m.x.rank
        if rank is None or [int(a) % rank for a in m.axes.reshape(-1)] != [m.GatherElements.axis % rank]:
            return Decline("the slice is along another axis than the indices")
        return b.build(m.GatherElements, m.x, m.value("i"))


ELEMENTWISE = ("Add", "Subtract", "Multiply", "Divide", "Maximum", "Minimum", "Equal", "NotEqual", "Greater", "Less")


@rewrite
class BroadcastIntoElementwise(Rewrite):
    """x + Broadcast(y; shape of x) = x + y: the elementwise operation broadcasts by itself."""

    def pattern(self, p: Tracer, x: Any, y: Any, target: Any) -> tuple[OpPattern, ...]:
        wide = p.Broadcast(y, target, shared=True)
        return tuple(
            getattr(p, kind)(*operands)
            for kind in ELEMENTWISE
            for operands in ([(x, wide)] if kind in ("Add", "Multiply") else [(x, wide), (wide, x)])
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.Broadcast.mode not in ("numpy", "bidirectional"):
            return Decline(f"the mode of the broadcast is '{m.Broadcast.mode}'")
        if not same_shape(m.x.shape, m.root.output.shape):
            return Decline("the other operand does not have the shape of the result")
        if (m.y.rank or 0) > (m.x.rank or 0) or m.y.rank is None:
            return Decline("the rank of what is broadcast is not known")
        wide = m.node("Broadcast").output
        if m.x is wide:
            return Decline("both operands are the same broadcast, which makes the shape")
        operands = [m.y if v is wide else v for v in m.root.inputs]
        return b.build(m.root.op, *operands)
