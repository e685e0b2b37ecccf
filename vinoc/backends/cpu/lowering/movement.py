"""What moves elements: mostly nothing but other strides."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ....ir.graph import Node
from ....ir.types import normalize_axis
from ..kernels.copy import COPY, DIMS, ITEMS, JOIN, LINES, NARROW, PICK, PICKED, SPLIT, SQUARES
from .place import Form, Place
from .plan import Plan, Unfit, lowers, shape_of

MOST_SLICES = 16
"""A copy of too many dimensions is cut into at most so many."""

PART = 16384
"""Elements of a unit of a copy."""

SIZES, SOURCE, TARGET = ([f"{of}{k}" for k in range(DIMS)] for of in "nst")
"""Arguments of kernels for all dimensions: sizes, strides of the source and of the target."""

SQUARE = 128
"""Of a transposition, in either direction: a unit's lines stay in the first-level cache."""


def emit_copy(plan: Plan, source: Place, target: Place) -> None:
    """Copies between two places of one shape. Raises Unfit for elements that are not 1, 2, 4 or 8 bytes."""
    if source.itemsize not in COPY or source.dtype != target.dtype:
        raise Unfit(f"elements of type {source.dtype} are not copied by a kernel")
    if prod(target.shape) == 0:
        return None
    sizes, (t, s) = collapse(target.shape, (target.strides, source.strides))
    if len(sizes) > DIMS:
        return _copy_slices(plan, source, target)
    for k in range(len(sizes) - 1):
        if s[k] == source.itemsize:  # the source's innermost goes next to the target's
            for x in (sizes, t, s):
                x.insert(-1, x.pop(k))
            break
    pad = DIMS - len(sizes)
    sizes, t, s = [1] * pad + sizes, [0] * pad + t, [0] * pad + s
    way = way_of(sizes, t, s, source.itemsize)
    part3, part4 = parts(sizes, way)
    parts3, parts4 = -(-sizes[3] // part3), -(-sizes[4] // part4)
    args: dict[str, Any] = {"source": source, "target": target, "way": way}
    args |= {"part3": part3, "parts3": parts3, "part4": part4, "parts4": parts4}
    args |= zip((*SIZES, *SOURCE, *TARGET), (*sizes, *s, *t), strict=True)
    plan.call(COPY[source.itemsize], prod(sizes[:3]) * parts3 * parts4, **args)
    return None


def _copy_slices(plan: Plan, source: Place, target: Place) -> None:
    """One copy for each index of the smallest dimension. Raises Unfit where these are many."""
    axis = min((k for k, n in enumerate(target.shape) if n > 1), key=lambda k: target.shape[k])
    if target.shape[axis] > MOST_SLICES:
        raise Unfit("a copy of many dimensions that cannot be merged")
    for i in range(target.shape[axis]):
        emit_copy(plan, source.sliced(axis, i, 1), target.sliced(axis, i, 1))


def way_of(sizes: Sequence[int], t: Sequence[int], s: Sequence[int], item: int) -> int:
    """How a copy is best made: see kernels/copy.py."""
    if s[4] == item and t[4] == item:
        return LINES
    if item == t[4] == 1 and s[4] in PICKED:
        return PICK + s[4]
    if item not in (1, 4) or t[4] != item or s[3] != item:
        return ITEMS
    if sizes[4] in NARROW and t[3] == item * sizes[4]:
        return JOIN + sizes[4]
    if sizes[3] in NARROW and s[4] == item * sizes[3]:
        return SPLIT + sizes[3]
    return SQUARES if min(sizes[3], sizes[4]) > 2 else ITEMS


def parts(sizes: Sequence[int], way: int) -> tuple[int, int]:
    """The sizes of the parts into which a copy is cut along the last two dimensions."""
    rows, columns = sizes[3], sizes[4]
    if way in (LINES, ITEMS) or way > PICK:
        return max(min(rows, PART // columns), 1), min(columns, PART)
    if way != SQUARES:
        return (min(rows, PART), columns) if way < SPLIT else (rows, min(columns, PART))
    square = SQUARE if prod(sizes) >= 16 * SQUARE**2 else SQUARE // 2
    return min(rows, square), min(columns, square)


def collapse(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Dimensions sorted by the first strides, outermost first, those merged that lie together in all of them."""
    found = [each for each in zip(shape, *strides, strict=True) if each[0] > 1]
    merged: list[tuple[int, ...]] = []
    for each in sorted(found, key=lambda each: [-abs(s) for s in each[1:]]):
        n, *own = each
        if merged and all(outer == n * s for outer, s in zip(merged[-1][1:], own, strict=True)):
            merged[-1] = (merged[-1][0] * n, *own)
        else:
            merged.append(each)
    if not merged:
        return [1], [[0] for _ in strides]
    sizes, *out = map(list, zip(*merged, strict=True))
    return sizes, out


@lowers("Reshape", "Squeeze", "Unsqueeze")
def reshape(plan: Plan, node: Node) -> None:
    """A view, where strides allow it, else a row-major copy."""
    out = node.outputs[0]
    place = plan.read(node.inputs[0])
    view = place.reshaped(shape_of(out)) or plan.formed(place, Form.ROWS).reshaped(shape_of(out))
    assert view is not None
    plan.alias(out, view)


@lowers("Identity", "Dropout")
def identity(plan: Plan, node: Node) -> None:
    """Another name."""
    plan.alias(node.outputs[0], plan.read(node.inputs[0]))


@lowers("Transpose")
def transpose(plan: Plan, node: Node) -> None:
    """A view."""
    place = plan.read(node.inputs[0])
    rank = len(place.shape)
    order = known(node, 1)
    plan.alias(node.outputs[0], place.transposed(order or range(rank)[::-1]))


@lowers("Concat")
def concat(plan: Plan, node: Node) -> None:
    """Inputs that were computed in place need nothing; the others are copied."""
    out = node.outputs[0]
    whole = plan.write(out)
    axis = normalize_axis(node.op.axis, len(whole.shape))  # type: ignore[attr-defined]
    start = 0
    for value in node.inputs:
        assert value is not None
        size = shape_of(value)[axis]
        if plan.forms.parent(value) != (out, axis, start):
            plan.copy(plan.read(value), whole.sliced(axis, start, size))
        start += size


@lowers("Split", "VariadicSplit")
def split(plan: Plan, node: Node) -> None:
    """Views."""
    place = plan.read(node.inputs[0])
    (axis,) = known(node, 1)
    axis = normalize_axis(axis, len(place.shape))
    start = 0
    for out in node.outputs:
        size = shape_of(out)[axis]
        plan.alias(out, place.sliced(axis, start, size))
        start += size


@lowers("Slice")
def slice_(plan: Plan, node: Node) -> None:
    """A view with longer, or negative, strides."""
    place = plan.read(node.inputs[0])
    starts, steps = known(node, 1), known(node, 3)
    axes = known(node, 4) if len(node.inputs) > 4 and node.inputs[4] is not None else tuple(range(len(starts)))
    shape = shape_of(node.outputs[0])
    for start, step, axis in zip(starts, steps, axes, strict=True):
        axis = normalize_axis(axis, len(place.shape))
        size = place.shape[axis]
        start = start + size if start < 0 else start
        start = min(max(start, 0), size - 1 if step < 0 else size)
        place = place.sliced(axis, start, shape[axis], step)
    plan.alias(node.outputs[0], place)


def known(node: Node, index: int) -> tuple[int, ...]:
    """The value of a small integer operand. Raises Unfit where it is not known."""
    value = node.operand(index)
    array = value.known if value.known is not None else value.const
    if array is None or array.dtype == object:
        raise Unfit(f"its input {index} is not known")
    return tuple(map(int, array.reshape(-1).tolist()))
