"""Matrix products: which kernel, over which panels, for which pairs of matrices."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Node, Value
from ....ir.record import record
from ..kernels.base import Kernel, f32_bits
from ..kernels.gemm import DOT, DOT_ROWS, GEMM, GEMM_F24, GEMM_PLAIN, GEMV_PLAIN, WIDE
from ..kernels.pack import K_BLOCK, PACK_COLUMNS, PACK_ROWS, ROW_BLOCK
from .direct import number_of_blocks
from .epilogue import Epilogue, epilogue_of, post_arguments
from .panels import pack_matrices
from .place import Form, Place
from .plan import Array, Plan, Unfit, lowers, shape_of
from .rounded import is_rounded

FEW_ROWS = 4
"""Up to so many rows a transposed right operand is not packed."""

PLAIN_ROW = 4096
"""Bytes of a row of a plain right operand, at most: longer ones would touch a page with each step."""


@record(frozen=True)
class Panels:
    """A right operand: memory, its strides by k and by panel, and the offset of each matrix of the batch."""

    memory: Place | Array
    row: int
    panel: int
    offsets: Array
    kernel: Kernel = GEMM
    width: int = 0
    """Columns of a panel; 0: the target's."""


@lowers("Region:matmul")
def constant_product(plan: Plan, node: Node) -> None:
    """A product with a constant matrix, and what follows it."""
    body = node.bodies[0]
    op: Any = next(iter(body)).op
    a = plan.read(node.operand(0))
    constant = node.operand(1)
    depth, columns = a.shape[-1], shape_of(node.outputs[0])[-1]
    weights = packed_constant(plan, constant, op.transpose_b, is_rounded(plan, node))
    epilogue = epilogue_of(body, node)
    out = plan.write(node.outputs[0], Form.ROWS)
    residual = plan.read(epilogue.residual) if epilogue.residual is not None else None
    _multiply(plan, a, weights, out, depth, columns, epilogue, residual)


@lowers("MatMul")
def general_product(plan: Plan, node: Node) -> None:
    """Any two operands of f32."""
    if node.outputs[0].dtype.name != "f32":
        raise Unfit(f"a product of {node.outputs[0].dtype}")
    op: Any = node.op
    left, right = node.operand(0), node.operand(1)
    a, b = plan.read(left), plan.read(right)
    out = plan.write(node.outputs[0], Form.ROWS)
    view = out
    if len(a.shape) == 1:
        a = replace(a, shape=(1, *a.shape), strides=(0, *a.strides))
        view = _inserted(view, len(view.shape) - (len(b.shape) > 1))
    elif op.transpose_a:
        a = swapped(a)
    if len(b.shape) == 1:
        b = replace(b, shape=(*b.shape, 1), strides=(*b.strides, 0))
        view = _inserted(view, len(view.shape))
    elif op.transpose_b:
        b = swapped(b)
    if out.size:
        product(plan, a, b, view, right if right.is_const else None)


def product(plan: Plan, a: Place, b: Place, out: Place, constant: Value | None = None) -> None:
    """out = a b over the last two dimensions, the others broadcast; `constant` is what b is a view of, if it is one."""
    depth, columns = b.shape[-2:]
    batch = out.shape[:-2]
    a, b = broadcast(a, batch), broadcast(b, batch)
    if columns == 1 and adjacent(b, -2):
        # A column is a row of the transposed product.
        _dot(plan, swapped(b), as_rows(plan, a), swapped(out))
        return
    if a.shape[-2] <= FEW_ROWS and adjacent(b, -2) and not adjacent(b, -1):
        _dot(plan, as_rows(plan, a), swapped(b), out)
        return
    panels = _panels(plan, b, a.shape[-2], constant)
    _multiply(plan, a, panels, out, depth, columns, Epilogue(), None)


def swapped(place: Place) -> Place:
    """The last two dimensions exchanged."""
    rank = len(place.shape)
    return place.transposed((*range(rank - 2), rank - 1, rank - 2))


def _inserted(place: Place, axis: int) -> Place:
    """A dimension of one element more."""
    shape, strides = place.shape, place.strides
    return replace(place, shape=(*shape[:axis], 1, *shape[axis:]), strides=(*strides[:axis], 0, *strides[axis:]))


def broadcast(place: Place, batch: tuple[int, ...]) -> Place:
    """The dimensions before the last two broadcast, by strides of 0."""
    own = place.shape[:-2]
    pad = len(batch) - len(own)
    strides = [0] * pad + [0 if n == 1 else s for n, s in zip(own, place.strides)]
    return replace(place, shape=(*batch, *place.shape[-2:]), strides=(*strides, *place.strides[-2:]))


def adjacent(place: Place, axis: int) -> bool:
    return place.strides[axis] == place.itemsize or place.shape[axis] == 1


def as_rows(plan: Plan, place: Place) -> Place:
    """The place, or a copy of it, whose last dimension is adjacent. What is broadcast stays so."""
    if adjacent(place, -1):
        return place
    kept = [n if s else 1 for n, s in zip(place.shape[:-2], place.strides)]
    base = replace(place, shape=(*kept, *place.shape[-2:]))
    return broadcast(plan.formed(base, Form.ROWS), place.shape[:-2])


def offsets(place: Place) -> Array:
    """The byte offset of each matrix of a batch, relative to the place."""
    found = np.zeros((), np.int64)
    for n, stride in zip(place.shape[:-2], place.strides):
        found = found[..., None] + np.arange(n) * stride
    return found.reshape(-1)


def _table(*columns: Array) -> Array:
    """[pairs, 4] of byte offsets."""
    table = np.zeros((len(columns[0]), 4), np.int64)
    for i, column in enumerate(columns):
        table[:, i] = column
    return table


def table_of(plan: Plan, table: Array) -> Array:
    """A table of i64, shared with equal ones."""
    return plan.packed.get(("i64", table.tobytes()), lambda: table)


def packed_constant(plan: Plan, constant: Value, transposed: bool, rounded: bool) -> Panels:
    """The panels of a constant matrix, or of a batch of them."""
    width = plan.target.width

    def make(array: Array) -> Array:
        return pack_matrices(plan, np.swapaxes(array, -1, -2) if transposed else array, rounded)

    packed = plan.packed.of(constant, ("gemm", width, transposed, rounded), make)
    number, _, depth, row = packed.shape
    row *= packed.itemsize
    where = np.arange(number) * (packed.nbytes // number)
    return Panels(packed, row, depth * row, where, GEMM_F24 if rounded else GEMM)


def _panels(plan: Plan, b: Place, rows: int, constant: Value | None) -> Panels:
    """The right operand as it lies, where few rows pass over it; else packed, each matrix once."""
    depth, columns = b.shape[-2:]
    width, strides = plan.target.width, b.strides[-2:]
    few = rows <= plan.target.rows and plan.target.lanes > 4
    if few and adjacent(b, -1) and (columns <= width or strides[0] <= PLAIN_ROW):
        wide = WIDE * plan.target.lanes
        if rows == 1 and columns >= wide:
            return Panels(b, strides[0], 4 * wide, offsets(b), GEMV_PLAIN, wide)
        return Panels(b, strides[0], 4 * width, offsets(b), GEMM_PLAIN)
    kept = tuple(n if s else 1 for n, s in zip(b.shape[:-2], b.strides))
    own = replace(b, shape=(*kept, depth, columns))
    places = np.broadcast_to(np.arange(prod(kept)).reshape(kept), b.shape[:-2]).reshape(-1)
    size = 4 * -(-columns // width) * width * depth
    memory = pack(plan, own)
    return Panels(memory, 4 * width, depth * 4 * width, places * size)


def pack(plan: Plan, b: Place) -> Place:
    """Packs [..., k, n] into [pairs][panels][k][width] while the model runs."""
    depth, columns = b.shape[-2:]
    width = plan.target.width
    if not adjacent(b, -1) and not adjacent(b, -2):
        b = plan.formed(b, Form.ROWS)
    kernel, height = (PACK_ROWS, ROW_BLOCK) if adjacent(b, -1) else (PACK_COLUMNS, K_BLOCK)
    panels, blocks = -(-columns // width), -(-depth // height)
    where = offsets(b)
    memory = plan.scratch(len(where) * panels * width * depth)
    plan.call(
        kernel, len(where) * panels * blocks, source=b, target=memory, batches=table_of(plan, where),
        depth=depth, columns=columns, panels=panels, blocks=blocks, row=b.strides[-2], column=b.strides[-1],
    )  # fmt: skip
    return memory


def _multiply(
    plan: Plan, a: Place, b: Panels, out: Place, depth: int, columns: int, epilogue: Epilogue, residual: Place | None
) -> None:
    """The call of the kernel. All rows of a batch are one matrix where they lie so."""
    if not out.size:
        return
    a = as_rows(plan, a)
    target = out if adjacent(out, -1) else plan.new(out.shape, out.dtype)
    residual = as_rows(plan, residual) if residual is not None else None
    if len(b.offsets) == 1 or not b.offsets.any():
        views = [p and p.reshaped((prod(p.shape[:-1]), p.shape[-1])) for p in (a, target, residual)]
        if views[0] and views[1] and (views[2] or residual is None):
            a, into, residual = views[0], views[1], views[2]
        else:
            into = target
    else:
        into = target
    rows, pairs = a.shape[-2], prod(a.shape[:-2])
    where = b.offsets if len(b.offsets) == pairs else np.broadcast_to(b.offsets[:1], pairs)
    table = _table(offsets(a), where, offsets(into), *([offsets(residual)] if residual is not None else []))
    width = b.width or plan.target.width
    panels = -(-columns // width)
    blocks = number_of_blocks(plan, rows, depth, pairs * panels)
    nothing = plan.nothing(width)
    plan.call(
        b.kernel,
        pairs * blocks * panels,
        flops=2 * pairs * rows * depth * columns,
        a=a,
        b=b.memory,
        out=into,
        bias=_bias(plan, epilogue.bias, columns, width),
        residual=residual if residual is not None else nothing,
        batches=table_of(plan, table),
        **post_arguments(plan, epilogue),
        lo=f32_bits(epilogue.lo),
        hi=f32_bits(epilogue.hi),
        rows=rows,
        depth=depth,
        columns=columns,
        panels=panels,
        blocks=blocks,
        a_row=a.strides[-2],
        b_row=b.row,
        b_panel=b.panel,
        out_row=into.strides[-2],
        res_row=residual.strides[-2] if residual is not None else 0,
        res_panel=4 * width if residual is not None else 0,
    )
    if target is not out:
        plan.copy(target, out)


def _dot(plan: Plan, a: Place, b: Place, out: Place) -> None:
    """out[i, j] = a[i] . b[j]: both lie in rows."""
    b = as_rows(plan, b)
    table = _table(offsets(a), offsets(b), offsets(out))
    columns, depth = b.shape[-2:]
    blocks = -(-columns // DOT_ROWS)
    plan.call(
        DOT, len(table) * blocks, flops=2 * len(table) * a.shape[-2] * columns * depth,
        a=a, b=b, out=out, batches=table_of(plan, table),
        rows=a.shape[-2], depth=depth, columns=columns, blocks=blocks,
        a_row=a.strides[-2], b_row=b.strides[-2], out_row=out.strides[-2], out_column=out.strides[-1],
    )  # fmt: skip


def _bias(plan: Plan, bias: Value | None, columns: int, width: int) -> Array:
    """A number for each column, zero-padded to whole panels."""
    total = -(-columns // width) * width
    if bias is None:
        return plan.zeros(total)

    def make(array: Array) -> Array:
        out = np.zeros(total, np.float32)
        out[:columns] = np.broadcast_to(array.reshape(-1), columns)
        return out

    return plan.packed.of(bias, ("bias", columns, width), make)
