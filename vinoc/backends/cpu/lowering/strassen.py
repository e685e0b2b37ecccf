"""Products of many rows with a constant matrix by Strassen's algorithm: seven products of blocks in place of eight."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import numpy as np

from ....ir.graph import Node, Value
from ....ir.record import record
from ..codegen.target import Target
from ..kernels.base import Kernel, f32_bits
from ..kernels.strassen import MOST_ROWS, STRASSEN, STRASSEN_LEFT, STRASSEN_RIGHT
from ..kernels.strassen_f24 import STRASSEN_F24, STRASSEN_FLAGS_F24
from .conv import bias_panels
from .epilogue import epilogue_of, post_arguments
from .matmul import Panels, adjacent, as_rows, packed_constant
from .place import Form, Place
from .plan import Array, Plan, Unfit, lowers, shape_of
from .regions import is_quantized
from .rounded import is_rounded

LEAST_TILES = 4
"""Tiles of rows of a block: with fewer, weights do not come from memory as fast as they are used."""

ENDS, SUM = 6, 8
"""Multiply-adds in whose time an accumulator of a step begins and ends, and a vector of A goes into sums of blocks."""

GAIN = 0.96
"""The share of the plain product's time up to which it pays to keep the weights' sums as well."""

NEAR = 4096
"""Terms of a sum: of more, expanded panels and their sums do not stay in the second-level cache."""

EXPANDED, EXPANDED_FAR = 3, 8
"""Tiles of rows from which on panels of 24 bits are expanded once for all of them, in plain products too."""

MADE, MADE_FAR = 2, 8
"""Multiply-adds in whose time a vector of the sums of expanded panels is made, and kept in a cache."""

GAP = 64
"""Bytes between rows of sums, whose distance would else often be a power of two and meet in one cache set."""


@lowers("Region:matmul", ahead=True)
def strassen(plan: Plan, node: Node) -> None:
    """A product with a constant matrix, and what follows it. Raises Unfit where the plain form is the better one."""
    a, constant, result = node.operand(0), node.operand(1), node.outputs[0]
    *batch, depth = shape_of(a)
    rows, columns, width = prod(batch), shape_of(result)[-1], plan.target.width
    panels, rounded = -(-columns // width), is_rounded(plan, node)
    if prod(shape_of(constant)) != depth * columns or depth % 2:
        raise Unfit("it has a batch of matrices, or halves that differ")
    if is_quantized(a):
        raise Unfit("sums of levels are exact in the plain product")
    seven = not plan.mode.accuracy and pays(plan.target, rows, depth, panels, plan.mode.threads, rounded)
    least = EXPANDED if depth <= NEAR else EXPANDED_FAR
    if not seven and not (rounded and rows > least * plan.target.rows):
        raise Unfit("the plain product is as fast, or more exact")
    body = node.bodies[0]
    op: Any = next(iter(body)).op
    epilogue = epilogue_of(body, node)
    left, out = _matrix(as_rows(plan, plan.read(a))), _matrix(plan.write(result, Form.ROWS))
    residual = None if epilogue.residual is None else _matrix(as_rows(plan, plan.read(epilogue.residual)))
    half, pairs = -(-rows // 2), -(-panels // 2)
    weights = packed_constant(plan, constant, op.transpose_b, rounded)
    blocks = number_of_blocks(plan.target, half, pairs, plan.mode.threads)
    form = _Expanded(plan, weights, columns, seven) if rounded else _Kept(plan, weights, columns)
    units, nothing = form.units(pairs * blocks), plan.nothing()
    plan.call(
        form.kernel,
        units,
        flops=7 * 2 * half * (depth // 2) * -(-columns // 2) if seven else 2 * rows * depth * columns,
        a=left,
        left=_left_sums(plan, left) if seven else nothing,
        b=weights.memory,
        **form.arguments(constant, op.transpose_b, units),
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


@record()
class _Kept:
    """Panels of f32: the sums of their blocks are kept beside them."""

    plan: Plan
    weights: Panels
    columns: int
    kernel: ClassVar[Kernel] = STRASSEN

    @property
    def depth(self) -> int:
        return self.weights.panel // self.weights.row

    def units(self, count: int) -> int:
        return count

    def arguments(self, constant: Value, transposed: bool, units: int) -> dict[str, Any]:
        """Those of the kernel that are about the sums."""

        def make(_: Array) -> Array:
            return self._made(STRASSEN_RIGHT, "sums", (2 * self.depth + 1, self.plan.target.width), np.float32)

        return {"right": self.plan.packed.of(constant, ("strassen", self.plan.target.width, transposed), make)}

    def _made(self, kernel: Kernel, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """What a kernel makes of the panels, of so much for each pair."""
        panels = -(-self.columns // self.plan.target.width)
        pairs = -(-panels // 2)
        out = self.plan.packed.fresh((pairs, *shape), dtype)
        self.plan.packed.run(
            kernel, pairs, b=self.weights.memory, depth=self.depth, columns=self.columns, panels=panels, pairs=pairs,
            b_panel=self.weights.panel, **{name: out},
        )  # fmt: skip
        return out


@record()
class _Expanded(_Kept):
    """Panels of 24 bits: each unit expands them, and makes the sums where there are `seven` products."""

    seven: bool = False
    kernel: ClassVar[Kernel] = STRASSEN_F24

    def units(self, count: int) -> int:
        return min(count, self.plan.mode.threads)

    def arguments(self, constant: Value, transposed: bool, units: int) -> dict[str, Any]:
        plan, width = self.plan, self.plan.target.width
        flags = plan.nothing()
        if self.seven:
            tag = "far columns", width, transposed
            flags = plan.packed.of(constant, tag, lambda _: self._made(STRASSEN_FLAGS_F24, "flags", (), np.int32))
        floats = (4 if self.seven else 2) * (self.depth + 2) * width
        return {
            "right": flags, "scratch": plan.scratch(units * floats), "size": 4 * floats, "slots": units,
            "seven": int(self.seven),
        }  # fmt: skip


def pays(target: Target, rows: int, depth: int, panels: int, threads: int, made: bool = False) -> bool:
    """Whether it takes less time than the plain product, both counted in multiply-adds of vectors. `made`: the weights'
    sums are made by each unit."""
    half, pairs = -(-rows // 2), -(-panels // 2)
    if half < LEAST_TILES * target.rows:
        return False
    units = pairs * number_of_blocks(target, half, pairs, threads)
    idle = threads * -(-units // threads) / units
    seven = 7 * half * (depth // 2 + ENDS) * pairs * target.vectors
    if made:
        seven += (MADE if depth <= NEAR else MADE_FAR) * depth * units * 2 * target.vectors
    return idle * seven + SUM * rows * depth / target.lanes <= GAIN * rows * depth * panels * target.vectors


def number_of_blocks(target: Target, half: int, pairs: int, threads: int) -> int:
    """Into how many blocks the rows of the upper half are split, so that threads share the units most evenly."""
    least = -(-half // MOST_ROWS)
    most = max(min(half // (LEAST_TILES * target.rows), least + threads - 1), least)
    return min(range(least, most + 1), key=lambda blocks: -(-pairs * blocks // threads) / blocks)
