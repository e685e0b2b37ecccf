"""Elements and slices by indices that come while the model runs: taken, and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ....ir import dtype as dt
from ....ir.dtype import DType
from ....ir.graph import Node, Value
from ....ir.types import normalize_axis
from ..kernels import elements
from ..kernels.elements import INDICES, OUTER, WORDS
from ..kernels.gather import GATHER
from ..kernels.index import OFFSETS
from ..kernels.scalar import NUMBERS
from .movement import known
from .pad import emit_fill
from .place import Form, Place, row_major
from .plan import Array, Plan, Unfit, dtype_of, lowers, shape_of

PART = 4096
"""Elements of a row that a unit writes."""


@lowers("GatherElements")
def gather_elements(plan: Plan, node: Node) -> None:
    """One element for each index."""
    data, indices = plan.read(node.operand(0)), plan.read(node.operand(1))
    out = plan.write(node.outputs[0])
    axis = normalize_axis(node.op.axis, len(data.shape))  # type: ignore[attr-defined]
    if data.itemsize not in WORDS:
        raise Unfit(f"elements of type {data.dtype} are not moved by a kernel")
    kernel = elements.picking(data.itemsize, _index_type(node.operand(1)))
    _by_element(plan, kernel, data, indices, out, axis)


@lowers("ScatterElementsUpdate")
def scatter_elements(plan: Plan, node: Node) -> None:
    """A copy, into which elements are written or combined."""
    op: Any = node.op
    if op.reduction != "none" and not op.use_init_val:
        raise Unfit("what is there does not count")
    kernel = elements.putting(*_written(node, op.reduction), op.reduction)
    data = plan.read(node.operand(0))
    axis = normalize_axis(known(node, 3)[0], len(data.shape))
    indices, updates = plan.read(node.operand(1)), plan.read(node.operand(2))
    out = plan.write(node.outputs[0])
    plan.copy(data, out)
    _by_element(plan, kernel, out, indices, updates, axis)


def _written(node: Node, reduction: str) -> tuple[DType, DType]:
    """(the type to write elements as, that of the indices). Raises Unfit."""
    type, update = node.outputs[0].dtype, node.operand(2).dtype
    if update is not type or node.operand(0).dtype is not type:
        raise Unfit(f"{update} is written into {type}")
    if reduction == "none":
        if dtype_of(node.outputs[0]).itemsize not in WORDS:
            raise Unfit(f"elements of type {type} are not moved by a kernel")
        type = WORDS[type.numpy.itemsize]
    elif reduction == "mean" or type not in (*NUMBERS, dt.boolean):
        raise Unfit(f"reduction '{reduction}' of {type}")
    return type, _index_type(node.operand(1))


def _index_type(value: Value) -> DType:
    if value.dtype not in INDICES:
        raise Unfit(f"indices of type {value.dtype}")
    return value.dtype


def _by_element(plan: Plan, kernel: Any, data: Place, indices: Place, values: Place, axis: int) -> None:
    """Over all indices, but those of the axis in one unit."""
    shape = indices.shape
    dims = [k for k in range(len(shape)) if k != axis]
    if len(dims) > OUTER:
        raise Unfit(f"{len(shape)} dimensions")
    pad = OUTER - len(dims)
    args: dict[str, Any] = {"data": data, "indices": indices, "values": values}
    args |= {"size": data.shape[axis], "count": shape[axis], "step": data.strides[axis]}
    args |= {"index_step": indices.strides[axis], "value_step": values.strides[axis]}
    args |= {"fault": _fault(plan, axis, data.shape[axis])}
    args |= {f"n{k}": n for k, n in enumerate([1] * pad + [shape[k] for k in dims])}
    for mark, place in (("d", data), ("i", indices), ("v", values)):
        args |= {f"{mark}{k}": s for k, s in enumerate([0] * pad + [place.strides[k] for k in dims])}
    plan.call(kernel, prod(shape[k] for k in dims), flops=indices.size, **args)


def _fault(plan: Plan, axis: int, size: int) -> Array:
    return plan.fault(f"IndexError: index {{}} is out of bounds for axis {axis} with size {size}")


# Rows


@lowers("ScatterUpdate")
def scatter_update(plan: Plan, node: Node) -> None:
    """Slices along an axis."""
    type, index_type = _written(node, "none")
    data = plan.read(node.operand(0))
    shape = data.shape
    axis = normalize_axis(known(node, 3)[0], len(shape))
    indices, updates = plan.read(node.operand(1), Form.ROWS), plan.read(node.operand(2), Form.ROWS)
    out = plan.write(node.outputs[0])
    target = out if out.fits(Form.ROWS) else plan.new(out.shape, out.dtype)
    plan.copy(data, target)
    table = plan.new((indices.size,), np.dtype(np.int64))
    plan.call(
        OFFSETS[index_type.numpy.itemsize], indices.size, indices=indices, table=table, size=shape[axis],
        stride=prod(shape[axis + 1 :]) * out.itemsize, fault=_fault(plan, axis, shape[axis]),
    )  # fmt: skip
    _scatter(plan, elements.scattering(type), target, updates, table, prod(shape[:axis]), prod(shape[axis + 1 :]))
    if target is not out:
        plan.copy(target, out)


@lowers("ScatterNDUpdate")
def scatter_nd(plan: Plan, node: Node) -> None:
    """Slices at points."""
    op: Any = node.op
    type, _ = _written(node, op.reduction)
    data, updates = plan.read(node.operand(0)), plan.read(node.operand(2), Form.ROWS)
    out = plan.write(node.outputs[0])
    target = out if out.fits(Form.ROWS) else plan.new(out.shape, out.dtype)
    plan.copy(data, target)
    table, depth = _points(plan, node.operand(1), out.shape, out.itemsize, 0)
    kernel = elements.scattering(type, op.reduction)
    _scatter(plan, kernel, target, updates, table, 1, prod(out.shape[depth:]))
    if target is not out:
        plan.copy(target, out)


def _scatter(plan: Plan, kernel: Any, target: Place, updates: Place, table: Place, outer: int, inner: int) -> None:
    row, count = inner * target.itemsize, table.size
    parts = -(-inner // PART)
    plan.call(
        kernel, outer * parts, flops=updates.size, target=target, updates=updates, table=table, count=count,
        inner=inner, part=min(inner, PART), parts=parts, target_outer=target.size // outer * target.itemsize,
        update_outer=count * row, update_step=row,
    )  # fmt: skip


def _points(plan: Plan, indices: Value, shape: Sequence[int], item: int, batch_dims: int) -> tuple[Place, int]:
    """(the offset of each point in a row-major tensor, how many coordinates a point has)"""
    type = _index_type(indices)
    points = plan.read(indices, Form.ROWS)
    depth, count = points.shape[-1], prod(points.shape[:-1])
    sizes, strides = (np.array(x[batch_dims : batch_dims + depth], np.int64) for x in (shape, row_major(shape, item)))
    table = plan.new((count,), np.dtype(np.int64))
    plan.call(
        elements.POINTS[type], count, points=points, table=table, depth=depth,
        batch=max(prod(points.shape[batch_dims:-1]), 1), batch_step=prod(shape[batch_dims:]) * item,
        sizes=_table(plan, sizes), strides=_table(plan, strides),
        fault=plan.fault(f"IndexError: index {{}} is out of bounds for a point in {list(shape)}"),
    )  # fmt: skip
    return table, depth


def _table(plan: Plan, numbers: Array) -> Array:
    return plan.packed.get(("offsets", numbers.tobytes()), partial(np.append, numbers, np.int64(0)))


@lowers("GatherND")
def gather_nd(plan: Plan, node: Node) -> None:
    """Slices at points: offsets by a kernel, then a copy along them."""
    batch_dims: int = node.op.batch_dims  # type: ignore[attr-defined]
    source = plan.read(node.operand(0), Form.ROWS)
    item = source.itemsize
    if item not in GATHER:
        raise Unfit(f"elements of type {source.dtype} are not moved by a kernel")
    out = plan.write(node.outputs[0])
    target = out if out.fits(Form.ROWS) else plan.new(out.shape, out.dtype)
    table, depth = _points(plan, node.operand(1), source.shape, item, batch_dims)
    inner, count = prod(source.shape[batch_dims + depth :]), table.size
    nothing = plan.packed.get(("offsets", b""), lambda: np.zeros(1, np.int64))
    if inner == 1:
        sizes, strides, tables, hi = [1, 1, 1, count], [0, 0, 0, item], [nothing, nothing, nothing, table], 0
    else:
        row = _table(plan, np.arange(inner, dtype=np.int64) * item)
        sizes, strides, hi = [1, count, 1, inner], [0, inner * item, 0, item], inner
        tables = [nothing, table, nothing, row]
    args: dict[str, Any] = {"lo": 0, "hi": hi}
    args |= {f"n{k}": n for k, n in enumerate(sizes)} | {f"t{k}": s for k, s in enumerate(strides)}
    args |= {f"table{k}": t for k, t in enumerate(tables)}
    plan.call(GATHER[item], sizes[0] * sizes[1], source=source, target=target, **args)
    if target is not out:
        plan.copy(target, out)


@lowers("OneHot")
def one_hot(plan: Plan, node: Node) -> None:
    """The value for all others, then the one for those that are named."""
    on, off = (node.operand(k).const for k in (2, 3))
    if on is None or off is None:
        raise Unfit("its values are computed")
    index_type = _index_type(node.operand(0))
    indices = plan.read(node.operand(0), Form.ROWS)
    value = node.outputs[0]
    shape, dtype = shape_of(value), dtype_of(value)
    axis = normalize_axis(node.op.axis, len(shape))  # type: ignore[attr-defined]
    depth, outer, inner = shape[axis], prod(shape[:axis]), prod(shape[axis + 1 :])
    target = plan.new((outer, depth, inner), dtype)
    emit_fill(plan, target, _bits(off, dtype))
    plan.call(
        elements.one_hot(dtype.itemsize, index_type), indices.size, indices=indices, target=target,
        value=_bits(on, dtype), depth=depth, inner=inner, outer_step=target.strides[0], step=target.strides[1],
        inner_step=target.strides[2],
    )  # fmt: skip
    plan.alias(value, replace(target, shape=shape, strides=row_major(shape, dtype.itemsize)))


def _bits(number: Array, dtype: np.dtype[Any]) -> int:
    raw = np.asarray(number).astype(dtype).reshape(1)
    return int(raw.view(f"i{dtype.itemsize}")[0])
