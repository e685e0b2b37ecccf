"""What moves elements: mostly nothing but other strides."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ....ir.graph import Node
from ....ir.types import normalize_axis
from ..kernels.copy import COPY, DIMS
from .place import Form, Place
from .plan import Plan, Unfit, lowers, shape_of


def emit_copy(plan: Plan, source: Place, target: Place) -> None:
    """Copies between two places of one shape. Raises Unfit for elements that are not 1, 2, 4 or 8 bytes."""
    if source.itemsize not in COPY or source.dtype != target.dtype:
        raise Unfit(f"elements of type {source.dtype} are not copied by a kernel")
    if prod(target.shape) == 0:
        return
    sizes, strides = collapse(target.shape, (target.strides, source.strides))
    if len(sizes) > DIMS:
        raise Unfit(f"a copy of {len(sizes)} dimensions that cannot be merged")
    pad = DIMS - len(sizes)
    sizes = [1] * pad + sizes
    t, s = ([0] * pad + list(x) for x in strides)
    args: dict[str, Any] = {"source": source, "target": target}
    args |= {f"n{k}": n for k, n in enumerate(sizes)}
    args |= {f"s{k}": x for k, x in enumerate(s)} | {f"t{k}": x for k, x in enumerate(t)}
    plan.call(COPY[source.itemsize], sizes[0] * sizes[1] * sizes[2], **args)


def collapse(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Dimensions sorted by the first strides, outermost first, those merged that lie together in all of them."""
    order = sorted(
        (k for k in range(len(shape)) if shape[k] > 1), key=lambda k: (-abs(strides[0][k]), *(-abs(s[k]) for s in strides))
    )
    sizes: list[int] = []
    merged: list[list[int]] = [[] for _ in strides]
    for k in order:
        if sizes and all(m[-1] == s[k] * shape[k] for m, s in zip(merged, strides)):
            sizes[-1] *= shape[k]
            for m, s in zip(merged, strides):
                m[-1] = s[k]
            continue
        sizes.append(shape[k])
        for m, s in zip(merged, strides):
            m.append(s[k])
    if not sizes:
        return [1], [[0] for _ in strides]
    return sizes, merged


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
    return tuple(int(v) for v in array.reshape(-1))
