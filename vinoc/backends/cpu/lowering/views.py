"""Slices with masks, rolled tensors, batches and space: views, and copies between views."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Node
from ....ir.kernels.slicing import slice_, strided_slice
from ....ir.types import normalize_axis
from .movement import known
from .pad import emit_frame, emit_gather
from .place import Form, Place
from .plan import Array, Plan, Unfit, lowers, shape_of

MOST_SEQUENCES = 64
"""Sequences of which each is reversed by copies of its own."""


def _as_array(place: Place) -> Array:
    """An array of a place's shape and strides, over no memory: only views of it may be made."""
    return np.lib.stride_tricks.as_strided(np.empty(0, place.dtype), place.shape, place.strides)


def _view(place: Place, array: Array, view: Array) -> Place:
    """The part of a place that a view is of its array."""
    moved = view.__array_interface__["data"][0] - array.__array_interface__["data"][0]
    return replace(place, shape=view.shape, strides=view.strides, offset=place.offset + moved)


def _numbers(node: Node, index: int) -> Array:
    return np.array(known(node, index), np.int64)


@lowers("StridedSlice")
def strided(plan: Plan, node: Node) -> None:
    """A view."""
    op: Any = node.op
    source = plan.read(node.operand(0))
    array = _as_array(source)
    steps = _numbers(node, 3) if len(node.inputs) > 3 and node.inputs[3] is not None else None
    masks = (op.begin_mask, op.end_mask, op.new_axis_mask, op.shrink_axis_mask, op.ellipsis_mask)
    view = strided_slice(array, _numbers(node, 1), _numbers(node, 2), steps, *masks)
    plan.alias(node.outputs[0], _view(source, array, view))


@lowers("SliceScatter")
def slice_scatter(plan: Plan, node: Node) -> None:
    """A copy, and a copy into a part of it."""
    out = plan.write(node.outputs[0])
    plan.copy(plan.read(node.operand(0)), out)
    array = _as_array(out)
    axes = _numbers(node, 5) if len(node.inputs) > 5 and node.inputs[5] is not None else None
    part = _view(out, array, slice_(array, _numbers(node, 2), _numbers(node, 3), _numbers(node, 4), axes))
    updates = plan.read(node.operand(1))
    strides = (0,) * (len(part.shape) - len(updates.shape)) + tuple(
        s if n > 1 else 0 for n, s in zip(updates.shape, updates.strides, strict=True)
    )
    plan.copy(replace(updates, shape=part.shape, strides=strides), part)


@lowers("Roll")
def roll(plan: Plan, node: Node) -> None:
    """out[i] = in[(i - shift) mod n] along each axis."""
    source = plan.read(node.operand(0))
    given, axes = known(node, 1), normalize_axes_with_repeats(known(node, 2), len(source.shape))
    shifts = [0] * len(source.shape)
    for shift, axis in zip(np.broadcast_to(given, len(axes)).tolist(), axes, strict=True):
        shifts[axis] += shift
    indices = [(np.arange(n) - s) % n for n, s in zip(source.shape, shifts, strict=True)]
    emit_gather(plan, source, plan.write(node.outputs[0]), indices)


def normalize_axes_with_repeats(axes: tuple[int, ...], rank: int) -> list[int]:
    return [normalize_axis(a, rank) for a in axes]


@lowers("ReverseSequence")
def reverse_sequence(plan: Plan, node: Node) -> None:
    """Of each sequence the first steps backwards, the others as they are, for lengths that are known."""
    op: Any = node.op
    source, lengths = plan.read(node.operand(0)), known(node, 1)
    if len(lengths) > MOST_SEQUENCES:
        raise Unfit(f"{len(lengths)} sequences")
    rank = len(source.shape)
    batch, time = (normalize_axis(a, rank) for a in (op.batch_axis, op.seq_axis))
    steps = source.shape[time]
    if not all(0 <= n <= steps for n in lengths):
        raise Unfit("a length is out of range")
    out = plan.write(node.outputs[0])
    for i, n in enumerate(lengths):
        one, into = source.sliced(batch, i, 1), out.sliced(batch, i, 1)
        plan.copy(one.sliced(time, max(n - 1, 0), n, -1), into.sliced(time, 0, n))
        plan.copy(one.sliced(time, n, steps - n), into.sliced(time, n, steps - n))


@lowers("BatchToSpace")
def batch_to_space(plan: Plan, node: Node) -> None:
    """[b.., N, *spatial] -> [N, s, b, s, b, ...], of which crops are cut off."""
    source = plan.read(node.operand(0), Form.ROWS)
    blocks, begin = _blocks(node), known(node, 2)
    k, (n, *spatial) = len(blocks), source.shape
    split = source.reshaped((*blocks, n // prod(blocks), *spatial))
    assert split is not None
    order, target = [k], [n // prod(blocks)]
    for i in range(k):
        order += [k + 1 + i, i]
        target += [spatial[i], blocks[i]]
    whole = plan.new((n // prod(blocks), *(s * b for s, b in zip(spatial, blocks, strict=True))), source.dtype)
    view = whole.reshaped(tuple(target))
    assert view is not None
    plan.copy(split.transposed(order), view)
    for axis, size in enumerate(shape_of(node.outputs[0])):
        whole = whole.sliced(axis, begin[axis], size)
    plan.alias(node.outputs[0], whole)


@lowers("SpaceToBatch")
def space_to_batch(plan: Plan, node: Node) -> None:
    """Zeros around, then [N, s, b, s, b, ...] -> [b.., N, *spatial]."""
    source = plan.read(node.operand(0))
    blocks, begin = _blocks(node), known(node, 2)
    k, (batches, *spatial) = len(blocks), shape_of(node.outputs[0])
    n = batches // prod(blocks)
    whole = plan.new((n, *(s * b for s, b in zip(spatial, blocks, strict=True))), source.dtype)
    plan.copy(source, emit_frame(plan, whole, begin, source.shape, 0))
    split = whole.reshaped((n, *(d for s, b in zip(spatial, blocks, strict=True) for d in (s, b))))
    out = plan.write(node.outputs[0], Form.ROWS)
    target = out.reshaped((*blocks, n, *spatial))
    if split is None or target is None:
        raise Unfit("its result is a part of another in a way that has no strides")
    plan.copy(split.transposed([*(2 + 2 * i for i in range(k)), 0, *(1 + 2 * i for i in range(k))]), target)


def _blocks(node: Node) -> tuple[int, ...]:
    """Of the spatial dimensions."""
    first, *blocks = known(node, 1)
    if first != 1 or min((*known(node, 2), *known(node, 3)), default=0) < 0:
        raise Unfit("blocks of batches, or crops and pads below 0")
    return tuple(blocks)
