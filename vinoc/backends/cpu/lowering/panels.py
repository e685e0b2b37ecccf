"""Constants in the panels that the matrix kernels read, packed once, by generated kernels."""

from __future__ import annotations

from math import prod

import numpy as np

from ..kernels import f24
from ..kernels.pack import K_BLOCK, PACK_COLUMNS, PACK_COLUMNS_F24, PACK_FILTERS, PACK_ROWS, PACK_ROWS_F24, ROW_BLOCK
from .plan import Array, Plan


def pack_filters(plan: Plan, filters: Array) -> Array:
    """[groups, depth, channels, taps] -> [groups, panels, taps, channels, width]; f32.

    Columns beyond the depth hold anything finite: what a product makes of them is never stored.
    """
    groups, depth, channels, taps = filters.shape
    source = np.ascontiguousarray(filters, np.float32)
    width = plan.target.width
    panels, steps = -(-depth // width), channels * taps
    blocks = -(-steps // K_BLOCK)
    where = np.arange(groups) * (4 * depth * steps)
    out = plan.packed.fresh((groups, panels, taps, channels, width))
    plan.packed.run(
        PACK_FILTERS, groups * panels * blocks, source=source, target=out, batches=where, depth=steps,
        columns=depth, panels=panels, blocks=blocks, row=4, column=4 * steps, taps=taps,
    )  # fmt: skip
    return out


def pack_matrices(plan: Plan, matrices: Array, rounded: bool = False) -> Array:
    """[..., k, n] -> [matrices, panels, k, width]; f32. Columns beyond n hold anything finite.

    Or, `rounded` to 24 bits, [matrices, panels, k, 3 * width] bytes.
    """
    *batch, depth, columns = matrices.shape
    source = matrices.astype(np.float32, copy=False)
    if 4 not in source.strides[-2:]:
        source = np.ascontiguousarray(source)
    if source.strides[-1] == 4:
        kernel, height = PACK_ROWS_F24 if rounded else PACK_ROWS, ROW_BLOCK
    else:
        kernel, height = PACK_COLUMNS_F24 if rounded else PACK_COLUMNS, K_BLOCK
    where = np.zeros((), np.int64)
    for n, stride in zip(batch, source.strides):
        where = where[..., None] + np.arange(n) * stride
    width = plan.target.width
    panels, blocks = -(-columns // width), -(-depth // height)
    row, dtype = (f24.BYTES * width, np.uint8) if rounded else (width, np.float32)
    out = plan.packed.fresh((prod(batch), panels, depth, row), dtype)
    plan.packed.run(
        kernel, len(out) * panels * blocks, source=source, target=out,
        batches=where.reshape(-1), depth=depth, columns=columns, panels=panels, blocks=blocks,
        row=source.strides[-2], column=source.strides[-1],
    )  # fmt: skip
    return out
