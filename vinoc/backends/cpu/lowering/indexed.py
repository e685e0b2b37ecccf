"""Elements by indices that are computed, and tensors repeated."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Node
from ....ir.types import normalize_axes, normalize_axis
from ..kernels.gather import GATHER
from ..kernels.index import OFFSETS
from .movement import known
from .place import Form, Place, row_major
from .plan import Array, Plan, Unfit, lowers, shape_of

MOST_BATCHES = 64
"""Batches with indices of their own, each of which takes two calls."""


@lowers("Gather")
def gather(plan: Plan, node: Node) -> None:
    """Offsets by a kernel, then a copy along them: whole rows where the inner dimensions are adjacent."""
    source = plan.read(node.operand(0))
    axis = normalize_axis(known(node, 2)[0], len(source.shape))
    indices = plan.read(node.operand(1), Form.ROWS)
    out = plan.write(node.outputs[0])
    if source.itemsize not in GATHER or indices.dtype.kind != "i" or indices.itemsize not in OFFSETS:
        raise Unfit(f"elements of type {source.dtype} by indices of type {indices.dtype}")
    if not out.size:
        raise Unfit("it takes nothing")
    batch = node.op.batch_dims  # type: ignore[attr-defined]
    batch += len(indices.shape) if batch < 0 else 0
    sizes = out.shape[:batch]
    if prod(sizes) > MOST_BATCHES or sizes != source.shape[:batch] or sizes != indices.shape[:batch]:
        raise Unfit("many batches have indices of their own")
    for where in np.ndindex(sizes):
        _gather(plan, _at(source, where), _at(indices, where), _at(out, where), axis - batch, axis)


def _at(place: Place, where: tuple[int, ...]) -> Place:
    """What is at an index of the first dimensions."""
    skip = sum(i * stride for i, stride in zip(where, place.strides))
    return place.viewed(place.shape[len(where) :], place.strides[len(where) :], skip)


def _gather(plan: Plan, source: Place, indices: Place, out: Place, axis: int, named: int) -> None:
    """By indices that hold for all; the axis is `named` otherwise where there are batches."""
    item, size, count = source.itemsize, source.shape[axis], indices.size
    outer, inner = prod(source.shape[:axis]), prod(source.shape[axis + 1 :])
    dense = plan.new((outer, count, inner), source.dtype)
    view = out.reshaped(dense.shape)
    target = view if view is not None and inner * item == view.strides[1] and view.strides[2] in (item, 0) else dense
    table = plan.new((count,), np.dtype(np.int64))
    fault = plan.fault(f"IndexError: index {{}} is out of bounds for axis {named} with size {size}")
    plan.call(
        OFFSETS[indices.itemsize],
        count,
        indices=indices,
        table=table,
        size=size,
        stride=source.strides[axis],
        fault=fault,
    )
    rows, row = (_offsets(plan, source, slice(None, axis)), _offsets(plan, source, slice(axis + 1, None)))
    nothing = plan.packed.get(("offsets", b""), lambda: np.zeros(1, np.int64))
    steps = target.strides
    args: dict[str, Any] = {"lo": 0, "hi": 0}
    if inner == 1:
        sizes, strides, tables = [1, outer, 1, count], [0, steps[0], 0, steps[1]], [nothing, rows, nothing, table]
    else:
        sizes, strides, tables = [outer, count, 1, inner], [steps[0], steps[1], 0, item], [rows, table, nothing, row]
        args["hi"] = inner if np.array_equal(row, np.arange(inner) * item) else 0
    args |= {f"n{k}": n for k, n in enumerate(sizes)} | {f"t{k}": s for k, s in enumerate(strides)}
    args |= {f"table{k}": t for k, t in enumerate(tables)}
    plan.call(GATHER[item], sizes[0] * sizes[1], source=source, target=target, **args)
    if target is dense:
        plan.copy(replace(dense, shape=out.shape, strides=row_major(out.shape, item)), out)


def _offsets(plan: Plan, place: Place, dims: slice) -> Array:
    """The byte offset of each index of some dimensions, in row-major order."""
    found = np.zeros((), np.int64)
    for n, stride in zip(place.shape[dims], place.strides[dims], strict=True):
        found = found[..., None] + np.arange(n) * stride
    flat = found.reshape(-1)
    return plan.packed.get(("offsets", flat.tobytes()), partial(np.array, flat))


@lowers("Broadcast")
def broadcast(plan: Plan, node: Node) -> None:
    """A view with strides of 0."""
    source = plan.read(node.operand(0))
    out = node.outputs[0]
    shape = shape_of(out)
    at = list(range(len(shape) - len(source.shape), len(shape)))
    if node.op.mode == "explicit":  # type: ignore[attr-defined]
        at = list(normalize_axes(known(node, 2), len(shape)))
    strides = [0] * len(shape)
    for k, (n, stride) in enumerate(zip(source.shape, source.strides, strict=True)):
        strides[at[k]] = stride if n != 1 else 0
    plan.alias(out, replace(source, shape=shape, strides=tuple(strides)))


@lowers("Tile")
def tile(plan: Plan, node: Node) -> None:
    """A view where dimensions of one element are repeated, else a copy of [repeats, n] for each dimension."""
    source = plan.read(node.operand(0))
    times = known(node, 1)
    out = node.outputs[0]
    shape = shape_of(out)
    times = (1,) * (len(shape) - len(times)) + times
    sizes = (1,) * (len(shape) - len(source.shape)) + source.shape
    strides = (0,) * (len(shape) - len(source.shape)) + source.strides
    if all(n == 1 or t == 1 for n, t in zip(sizes, times, strict=True)):
        kept = tuple(s if n != 1 else 0 for n, s in zip(sizes, strides, strict=True))
        return plan.alias(out, replace(source, shape=shape, strides=kept))
    doubled = tuple(d for t, n in zip(times, sizes, strict=True) for d in (t, n))
    view = replace(source, shape=doubled, strides=tuple(d for s in strides for d in (0, s)))
    target = plan.write(out)
    into = target.reshaped(doubled)
    if into is None:
        raise Unfit("its result is a part of another in a way that has no strides")
    return plan.copy(view, into)
