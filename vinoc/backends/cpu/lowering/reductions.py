"""Reductions of any type, running sums, the best elements of a line."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ....ir import dtype as dt
from ....ir.dtype import DType
from ....ir.graph import Node
from ....ir.types import normalize_axes, normalize_axis
from ..kernels import fold_any, top
from ..kernels.elements import INDICES
from ..kernels.fold_any import KEPT, REDUCED
from ..kernels.scalar import NUMBERS, side_by_side
from .movement import collapse, known
from .place import Place
from .plan import Plan, Unfit, lowers, shape_of

HOW = {
    "ReduceSum": "sum", "ReduceMean": "mean", "ReduceProd": "prod", "ReduceMax": "max", "ReduceMin": "min",
    "ReduceL1": "l1", "ReduceLogicalAnd": "min", "ReduceLogicalOr": "max",
}  # fmt: skip

MOST_COMPARED = 1 << 24
"""k times the length of a line, from which on sorting pays that no kernel does."""


@lowers(*HOW)
def reduce_any(plan: Plan, node: Node) -> None:
    """Element by element: integers, booleans, f64."""
    value = node.outputs[0]
    logical = node.kind.startswith("ReduceLogical")
    if value.dtype not in ((dt.boolean,) if logical else NUMBERS):
        raise Unfit(f"there is no kernel for {value.dtype}")
    source = plan.read(node.operand(0))
    axes = sorted(normalize_axes(known(node, 1), len(source.shape)))
    if not axes:
        raise Unfit("it reduces nothing")
    fold(plan, node, source, axes, plan.write(value))


def whole_strides(out: Place, axes: Sequence[int], keep_dims: bool) -> list[int]:
    """The strides of a reduction's result, with those of the reduced axes."""
    strides = list(out.strides)
    if not keep_dims:
        for k in axes:
            strides.insert(k, 0)
    return strides


def fold(plan: Plan, node: Node, source: Place, axes: Sequence[int], out: Place) -> None:
    """The call of a reduction's kernel."""
    value, strides = node.outputs[0], whole_strides(out, axes, node.op.keep_dims)  # type: ignore[attr-defined]
    kept = [k for k in range(len(source.shape)) if k not in axes]
    sizes, (t, s) = _collapsed(source, kept, [strides, source.strides], KEPT)
    reduced, (r,) = _collapsed(source, axes, [source.strides], REDUCED)
    args: dict[str, Any] = {"source": source, "target": out, "count": prod(reduced)}
    args |= _numbered(n=sizes, s=s, t=t, m=reduced, r=r)
    columns, units = _units(plan, value.dtype, sizes, (s, t))
    plan.call(fold_any.folding(HOW[node.kind], value.dtype, columns), units, flops=source.size, **args)


def _units(plan: Plan, type: DType, sizes: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[bool, int]:
    """(whether the last kept dimension is taken in vectors, units of work)"""
    count = side_by_side(plan.target.lanes, type)
    if sizes[-1] < count or any(s[-1] != type.numpy.itemsize for s in strides):
        return False, prod(sizes)
    return True, prod(sizes[:-1]) * -(-sizes[-1] // count)


def _collapsed(
    place: Place, dims: Sequence[int], strides: Sequence[Sequence[int]], most: int
) -> tuple[list[int], list[list[int]]]:
    """Some dimensions of a place, merged where strides allow it, as `most` of them. Raises Unfit."""
    sizes, merged = collapse([place.shape[k] for k in dims], [[s[k] for k in dims] for s in strides])
    if len(sizes) > most:
        raise Unfit(f"{len(sizes)} dimensions that cannot be merged")
    pad = most - len(sizes)
    return [1] * pad + sizes, [[0] * pad + m for m in merged]


def _numbered(**lists: Sequence[int]) -> dict[str, int]:
    return {f"{name}{k}": x for name, values in lists.items() for k, x in enumerate(values)}


@lowers("CumSum")
def running_sum(plan: Plan, node: Node) -> None:
    """Along a known axis; from its end by steps backwards."""
    op: Any = node.op
    value = node.outputs[0]
    if value.dtype not in NUMBERS:
        raise Unfit(f"there is no kernel for {value.dtype}")
    source, out = plan.read(node.operand(0)), plan.write(value)
    rank = len(source.shape)
    axis = normalize_axis(known(node, 1)[0] if len(node.inputs) > 1 and node.inputs[1] else 0, rank)
    kept = [k for k in range(rank) if k != axis]
    sizes, (t, s) = _collapsed(source, kept, [out.strides, source.strides], KEPT)
    steps = source.shape[axis]
    if op.reverse:
        source, out = (p.sliced(axis, steps - 1, steps, -1) for p in (source, out))
    args: dict[str, Any] = {"source": source, "target": out, "steps": steps, "exclusive": int(op.exclusive)}
    args |= {"source_step": source.strides[axis], "target_step": out.strides[axis]} | _numbered(n=sizes, s=s, t=t)
    columns, units = _units(plan, value.dtype, sizes, (s, t))
    plan.call(fold_any.running(value.dtype, columns), units, flops=source.size, **args)


LONG = 4
"""Vectors of a line from which on one is compared along itself, rather than many side by side."""


def _side_by_side(plan: Plan, source: Place, axis: int) -> Place:
    """A copy in which lines of adjacent elements lie next to each other."""
    order = [axis, *(d for d in range(len(source.shape)) if d != axis)]
    copied = plan.new(tuple(source.shape[d] for d in order), source.dtype)
    plan.copy(source.transposed(order), copied)
    return copied.transposed(np.argsort(order).tolist())


@lowers("TopK")
def top_k(plan: Plan, node: Node) -> None:
    """By insertion, for a k that is known."""
    op: Any = node.op
    values, indices = node.outputs
    if values.dtype not in NUMBERS or indices.dtype not in INDICES:
        raise Unfit(f"the best of {values.dtype}, with indices of {indices.dtype}")
    source = plan.read(node.operand(0))
    axis = normalize_axis(op.axis, len(source.shape))
    n, k = source.shape[axis], shape_of(values)[axis]
    if n * k > MOST_COMPARED:
        raise Unfit(f"the best {k} of {n} are found by sorting")
    v, i = plan.write(values), plan.write(indices)
    kept = [d for d in range(len(source.shape)) if d != axis]
    lanes, lines = plan.target.lanes, source.size // max(n, 1)
    vector = top.vector(lanes, values.dtype)
    adjacent = k == 1 and source.strides[axis] == source.itemsize
    if adjacent and 1 < n < LONG * vector and lines >= side_by_side(lanes, values.dtype):
        source, adjacent = _side_by_side(plan, source, axis), False
    sizes, (sv, si, ss) = _collapsed(source, kept, [v.strides, i.strides, source.strides], top.OUTER)
    args: dict[str, Any] = {"source": source, "values": v, "indices": i, "n": n, "k": k}
    args |= {"step": source.strides[axis], "value_step": v.strides[axis], "index_step": i.strides[axis]}
    args |= _numbered(n=sizes, s=ss, v=sv, i=si)
    largest = op.mode == "max"
    if k > 1:
        along = source.strides[axis] == source.itemsize and n >= k + LONG * vector
        kernel = top.top(values.dtype, indices.dtype, largest, op.sort == "index", along)
        return plan.call(kernel, prod(sizes), flops=source.size, **args)
    if adjacent and n >= vector:
        return plan.call(top.best_along(values.dtype, indices.dtype, largest), prod(sizes), flops=source.size, **args)
    columns, units = _units(plan, values.dtype, sizes, (ss, sv))
    if columns and si[-1] != i.itemsize:
        columns, units = False, prod(sizes)
    kernel = top.best(values.dtype, indices.dtype, largest, columns)
    return plan.call(kernel, units, flops=source.size, **args)
