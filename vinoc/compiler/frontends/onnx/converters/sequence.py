"""Sequences and optionals.

Where the elements are known one by one, which is what exporters write, no sequence is left: taking an element
gives that value, joining them is a Concat. Others become internal operations, which the IR writer refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .....ir.dtype import boolean, f32, i64
from .....ir.errors import InferenceError
from .....ir.graph import Value
from .....ir.op import op_class
from .....ir.ops import sequence as _  # noqa: F401  # declares the operations
from .....ir.types import OptionalType, SequenceType, TensorType
from ..context import NodeContext
from ..registry import converter
from .values import axis_of, element_type, ints, number, rank, scalar, to_i64

MAX_PARTS = 1 << 12
"""A sequence of more parts is made at run time, not part by part."""


def elements_of(value: Value) -> list[Value] | None:
    """The elements of a sequence that was put together in this graph."""
    node = value.node
    if node is None or node.kind not in ("SequenceConstruct", "SequenceEmpty"):
        return None
    return [v for v in node.inputs if v is not None]


def make_sequence(ctx: NodeContext, elements: Sequence[Value], like: Value) -> Value:
    """A sequence of those elements, of the type of `like` where there are none."""
    if elements:
        return ctx.b.SequenceConstruct(*elements)
    kind = getattr(like.type, "element", None)
    if not isinstance(kind, TensorType):
        raise InferenceError(f"expected a sequence of tensors, got {like.type}")
    return ctx.b.SequenceEmpty(element_type=kind.dtype)


def _position(ctx: NodeContext, index: int, count: int, extra: int = 0) -> int | None:
    """A constant position in a sequence of `count`, counted from the front. Fails when it is out of range."""
    given = ctx.ints(index)
    if given is None:
        return None
    (where,) = given
    if not -count <= where < count + extra:
        ctx.fail(f"position {where} is outside the sequence, which has {count} elements", "correct the position")
    return where + count if where < 0 else where


@converter("SequenceConstruct", since=11)
def sequence_construct(ctx: NodeContext) -> Value:
    return ctx.b.SequenceConstruct(*(ctx.input(i) for i in range(len(ctx.inputs))))


@converter("SequenceEmpty", since=11)
def sequence_empty(ctx: NodeContext) -> Value:
    return ctx.b.SequenceEmpty(element_type=element_type(ctx, "dtype", f32))


@converter("SequenceAt", since=11)
def sequence_at(ctx: NodeContext) -> Value:
    elements = elements_of(ctx.input(0))
    where = _position(ctx, 1, len(elements)) if elements is not None else None
    if elements is not None and where is not None:
        return elements[where]
    return ctx.b.SequenceAt(ctx.input(0), to_i64(ctx.b, ctx.input(1)))


@converter("SequenceLength", since=11)
def sequence_length(ctx: NodeContext) -> Value:
    elements = elements_of(ctx.input(0))
    return ctx.b.SequenceLength(ctx.input(0)) if elements is None else number(ctx.b, len(elements), i64)


@converter("SequenceInsert", since=11)
def sequence_insert(ctx: NodeContext) -> Value:
    data, value, position = ctx.input(0), ctx.input(1), ctx.optional(2)
    elements = elements_of(data)
    if elements is not None:
        where = len(elements) if position is None else _position(ctx, 2, len(elements), extra=1)
        if where is not None:
            return ctx.b.SequenceConstruct(*elements[:where], value, *elements[where:])
    return ctx.b.SequenceInsert(data, value, None if position is None else to_i64(ctx.b, position))


@converter("SequenceErase", since=11)
def sequence_erase(ctx: NodeContext) -> Value:
    data, position = ctx.input(0), ctx.optional(1)
    elements = elements_of(data)
    if elements:
        where = len(elements) - 1 if position is None else _position(ctx, 1, len(elements))
        if where is not None:
            return make_sequence(ctx, elements[:where] + elements[where + 1 :], data)
    return ctx.b.SequenceErase(data, None if position is None else to_i64(ctx.b, position))


@converter("ConcatFromSequence", since=11)
def concat_from_sequence(ctx: NodeContext) -> Value:
    b, data, axis, new_axis = ctx.b, ctx.input(0), ctx.attr("axis"), bool(ctx.attr("new_axis", 0))
    elements = elements_of(data)
    if not elements:
        return b.ConcatFromSequence(data, axis=axis, new_axis=new_axis)
    if new_axis:
        axis = axis + rank(ctx, elements[0]) + 1 if axis < 0 else axis
        elements = [b.Unsqueeze(v, ints(b, [axis])) for v in elements]
    return b.Concat(*elements, axis=axis)


@converter("SplitToSequence", since=11)
def split_to_sequence(ctx: NodeContext) -> Value:
    """Without `split`: parts of length one, which lose the axis unless `keepdims`."""
    b, x, given = ctx.b, ctx.input(0), ctx.optional(1)
    axis = axis_of(ctx, x, ctx.attr("axis", 0))
    squeeze = given is None and not ctx.attr("keepdims", 1)
    lengths = _lengths(ctx, x, axis)
    if not lengths:
        split = number(b, 1, i64) if given is None else to_i64(b, given)
        return b.SplitToSequence(x, split, axis=axis, squeeze=squeeze)
    parts = b.outputs(op_class("VariadicSplit")(), x, b.const(np.int64(axis)), ints(b, lengths))
    return b.SequenceConstruct(*(b.Squeeze(p, ints(b, [axis])) if squeeze else p for p in parts))


def _lengths(ctx: NodeContext, x: Value, axis: int) -> list[int] | None:
    """The lengths of the parts, where they are known."""
    given, split = ctx.optional(1), ctx.ints(1)
    whole = x.shape[axis_of(ctx, x, axis)] if x.shape is not None else None
    if given is not None and given.rank == 1:
        return split
    if not isinstance(whole, int) or (given is not None and split is None):
        return None
    size = split[0] if split else 1
    if size < 1:
        ctx.fail(f"the parts have the length {size}", "`split` must be positive")
    if whole // size > MAX_PARTS:
        return None
    return [min(size, whole - start) for start in range(0, whole, size)]


@converter("Optional", since=15)
def optional(ctx: NodeContext) -> Value:
    """An optional of the input, or without one of nothing."""
    if ctx.optional(0) is not None:
        return ctx.b.OptionalOf(ctx.input(0))
    kind = ctx.type_attr("type")
    element = kind.element if isinstance(kind, SequenceType) else kind
    if not isinstance(element, TensorType):
        ctx.fail(f"attribute `type` is {kind}", "an Optional without an input holds a tensor or a sequence of tensors")
    return ctx.b.OptionalEmpty(element_type=element.dtype, is_sequence=isinstance(kind, SequenceType))


@converter("OptionalHasElement", since=15)
def optional_has_element(ctx: NodeContext) -> Value:
    """An input that is no optional, and one just made, do hold something; an input left out does not."""
    value = ctx.optional(0)
    if value is not None and isinstance(value.type, OptionalType):
        made = value.op.kind if value.op else ""
        if made not in ("OptionalOf", "OptionalEmpty"):
            return scalar(ctx.b, ctx.b.OptionalHasElement(value))
        return number(ctx.b, made == "OptionalOf", boolean)
    return number(ctx.b, value is not None, boolean)


@converter("OptionalGetElement", since=15)
def optional_get_element(ctx: NodeContext) -> Value:
    """What the optional holds; the input itself where it is none."""
    value = ctx.input(0)
    if not isinstance(value.type, OptionalType):
        return value
    node = value.node
    if node is not None and node.kind == "OptionalOf":
        return node.operand(0)
    return ctx.b.OptionalGetElement(value)
