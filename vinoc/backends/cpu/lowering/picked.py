"""Elements by known indices along an axis."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from ....ir.graph import Node
from ....ir.types import normalize_axis
from .movement import known
from .pad import emit_gather
from .plan import Plan, Unfit, lowers, shape_of


@lowers("Gather", ahead=True)
def gather(plan: Plan, node: Node) -> None:
    """A view where the indices are one number or evenly spaced, else a copy by tables."""
    if node.op.batch_dims:  # type: ignore[attr-defined]
        raise Unfit("batches have indices of their own")
    source = plan.read(node.operand(0))
    axis = normalize_axis(known(node, 2)[0], len(source.shape))
    shape, size = shape_of(node.operand(1)), source.shape[axis]
    index = np.array(known(node, 1), np.int64)
    index = np.where(index < 0, index + size, index)
    if not len(index) or index.min() < 0 or index.max() >= size:
        raise Unfit("an index is out of range")
    out = node.outputs[0]
    if not shape:
        place = source.sliced(axis, int(index[0]), 1)
        strides = (*place.strides[:axis], *place.strides[axis + 1 :])
        return plan.alias(out, replace(place, shape=shape_of(out), strides=strides))
    steps = np.diff(index)
    if len(shape) == 1 and (steps == steps[:1]).all() and (not len(steps) or steps[0]):
        step = int(steps[0]) if len(steps) else 1
        return plan.alias(out, source.sliced(axis, int(index[0]), len(index), step))
    target = plan.write(out)
    flat = target.reshaped((*source.shape[:axis], prod(shape), *source.shape[axis + 1 :]))
    if flat is None:
        raise Unfit("its result is a part of another in a way that has no strides")
    indices = [np.arange(n) for n in source.shape]
    indices[axis] = index
    return emit_gather(plan, source, flat, indices)
