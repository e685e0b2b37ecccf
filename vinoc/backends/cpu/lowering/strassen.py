"""Products of many rows with a constant matrix by Strassen's algorithm: seven products of blocks in place of eight."""

from __future__ import annotations

from math import prod
from typing import Any

from ....ir.graph import Node, Value
from ..codegen.target import Target
from ..kernels.base import f32_bits
from ..kernels.strassen import MOST_ROWS, STRASSEN, STRASSEN_LEFT, STRASSEN_RIGHT
from .conv import bias_panels
from .epilogue import epilogue_of, post_arguments
from .matmul import Panels, adjacent, as_rows, packed_constant
from .place import Form, Place
from .plan import Array, Plan, Unfit, lowers, shape_of
from .regions import is_quantized

LEAST_TILES = 4
"""Tiles of rows of a block: with fewer, weights do not come from memory as fast as they are used."""

ENDS, SUM = 6, 8
"""Multiply-adds in whose time an accumulator of a step begins and ends, and a vector of A goes into sums of blocks."""

GAIN = 0.96
"""The share of the plain product's time up to which it pays to keep the weights' sums as well."""

GAP = 64
"""Bytes between rows of sums, whose distance would else often be a power of two and meet in one cache set."""


@lowers("Region:matmul", ahead=True)
def strassen(plan: Plan, node: Node) -> None:
    """A product with a constant matrix, and what follows it. Raises Unfit where the plain form is the better one."""
    a, constant, result = node.operand(0), node.operand(1), node.outputs[0]
    *batch, depth = shape_of(a)
    rows, columns, width = prod(batch), shape_of(result)[-1], plan.target.width
    panels = -(-columns // width)
    if prod(shape_of(constant)) != depth * columns or depth % 2:
        raise Unfit("it has a batch of matrices, or halves that differ")
    if is_quantized(a):
        raise Unfit("sums of levels are exact in the plain product")
    if plan.mode.accuracy or not pays(plan.target, rows, depth, panels, plan.mode.threads):
        raise Unfit("the plain product is as fast, or more exact")
    body = node.bodies[0]
    op: Any = next(iter(body)).op
    epilogue = epilogue_of(body, node)
    left, out = _matrix(as_rows(plan, plan.read(a))), _matrix(plan.write(result, Form.ROWS))
    residual = None if epilogue.residual is None else _matrix(as_rows(plan, plan.read(epilogue.residual)))
    half, pairs = -(-rows // 2), -(-panels // 2)
    weights = packed_constant(plan, constant, op.transpose_b, rounded=False)
    blocks = number_of_blocks(plan.target, half, pairs, plan.mode.threads)
    nothing = plan.nothing()
    plan.call(
        STRASSEN,
        pairs * blocks,
        flops=7 * 2 * half * (depth // 2) * -(-columns // 2),
        a=left,
        left=_left_sums(plan, left),
        b=weights.memory,
        right=_right_sums(plan, constant, op.transpose_b, weights, columns),
        out=out,
        bias=bias_panels(plan, epilogue.bias, 1, columns),
        residual=residual if residual is not None else nothing,
        zeros=plan.zeros(width),
        **post_arguments(plan, epilogue),
        lo=f32_bits(epilogue.lo),
        hi=f32_bits(epilogue.hi),
        rows=rows,
        half=half,
        depth=depth,
        columns=columns,
        panels=panels,
        pairs=pairs,
        blocks=blocks,
        a_row=left.strides[0],
        left_row=2 * depth + GAP,
        b_panel=weights.panel,
        out_row=out.strides[0],
        res_row=residual.strides[0] if residual is not None else 0,
        res_panel=4 * width if residual is not None else 0,
    )


def _matrix(place: Place) -> Place:
    """All dimensions but the last as one."""
    found = place.reshaped((prod(place.shape[:-1]), place.shape[-1])) if adjacent(place, -1) else None
    if found is None:
        raise Unfit("its rows do not lie as those of one matrix")
    return found


def _left_sums(plan: Plan, a: Place) -> Place:
    """The sums of blocks of a left operand, which all products with it share."""
    found = plan.copies.get((a, STRASSEN_LEFT))
    if found is None:
        (rows, depth), half, row = a.shape, -(-a.shape[0] // 2), 2 * a.shape[1] + GAP
        found = plan.copies[a, STRASSEN_LEFT] = plan.scratch(half * (row + 1))
        plan.call(
            STRASSEN_LEFT, half, a=a, sums=found, rows=rows, half=half, depth=depth // 2, a_row=a.strides[0],
            sum_row=row,
        )  # fmt: skip
    return found


def _right_sums(plan: Plan, constant: Value, transposed: bool, weights: Panels, columns: int) -> Array:
    """The sums of blocks of a constant matrix, from its panels."""
    depth, panels = weights.panel // weights.row, -(-columns // plan.target.width)
    pairs = -(-panels // 2)

    def make(_: Array) -> Array:
        out = plan.packed.fresh((pairs, 2 * depth + 1, plan.target.width))
        plan.packed.run(
            STRASSEN_RIGHT, pairs, b=weights.memory, sums=out, depth=depth, columns=columns, panels=panels,
            pairs=pairs, b_panel=weights.panel,
        )  # fmt: skip
        return out

    return plan.packed.of(constant, ("strassen", plan.target.width, transposed), make)


def pays(target: Target, rows: int, depth: int, panels: int, threads: int) -> bool:
    """Whether it takes less time than the plain product, both counted in multiply-adds of vectors."""
    half, pairs = -(-rows // 2), -(-panels // 2)
    if half < LEAST_TILES * target.rows:
        return False
    units = pairs * number_of_blocks(target, half, pairs, threads)
    idle = threads * -(-units // threads) / units
    seven = 7 * half * (depth // 2 + ENDS) * pairs * target.vectors
    return idle * seven + SUM * rows * depth / target.lanes <= GAIN * rows * depth * panels * target.vectors


def number_of_blocks(target: Target, half: int, pairs: int, threads: int) -> int:
    """Into how many blocks the rows of the upper half are split, so that threads share the units most evenly."""
    least = -(-half // MOST_ROWS)
    most = max(min(half // (LEAST_TILES * target.rows), least + threads - 1), least)
    return min(range(least, most + 1), key=lambda blocks: -(-pairs * blocks // threads) / blocks)
