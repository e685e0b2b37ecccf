"""Implicit GEMM: packing, index tables, and the call of the matrix kernel."""

from __future__ import annotations

import numpy as np

from ..kernels.base import f32_bits
from ..kernels.igemm import IGEMM, IGEMM_SPARSE
from .conv import Convolution, bias_panels
from .epilogue import post_arguments
from .panels import pack_filters
from .place import Form, Place
from .plan import Array, Plan

BLOCK_BYTES = 256 * 1024
"""Of input under one block of pixels: it stays in the second-level cache while all panels pass over it."""

UNITS = 8
"""Units of work for each thread that a call should have at least."""

DENSE, LOOK = 0.97, 2.0
"""The share of the taps of tiles beyond which it does not pay to look for those that are padding, and how many channels
of a tap it takes as long as to look."""


def lower(plan: Plan, conv: Convolution) -> None:
    """One convolution."""
    width = plan.target.width
    shape = (conv.groups, conv.depth, conv.channels, -1)
    weights = plan.packed.of(conv.filters, ("panels", width), lambda array: pack_filters(plan, array.reshape(shape)))
    product(plan, conv, weights)


def product(plan: Plan, conv: Convolution, weights: Array, out: Place | None = None) -> None:
    """The call of the kernel, with packed weights; into a place other than the result's, where one is given."""
    width = plan.target.width
    groups, depth, channels = conv.groups, conv.depth, conv.channels
    source = conv.source
    out = out or plan.write(conv.result, Form.LAST)
    target = out if out.fits(Form.LAST) else plan.new(out.shape, out.dtype, Form.LAST)
    epilogue = conv.epilogue
    residual = plan.read(epilogue.residual, Form.LAST) if epilogue.residual is not None else None
    table = plan.packed.get(conv.window, conv.window.table)
    pixels, taps = table.shape
    panels = -(-depth // width)
    others = conv.images * groups * panels
    blocks = number_of_blocks(plan, pixels, channels * groups, others)
    nothing = plan.nothing()
    dense = min(DENSE, 1 - LOOK / channels) if channels > LOOK else 0.0
    may_pay = max(conv.window.dilations) > 1 or conv.window.outer_share() < dense
    seen = inside(table, plan.target.rows) if may_pay else 1.0
    plan.call(
        IGEMM_SPARSE if seen < dense else IGEMM,
        others * blocks,
        flops=int(seen * 2 * conv.images * groups * pixels * taps * channels * depth),
        input=source,
        output=target,
        weights=weights,
        bias=bias_panels(plan, epilogue.bias, groups, depth),
        residual=residual if residual is not None else nothing,
        table=table,
        zeros=plan.zeros(channels),
        **post_arguments(plan, epilogue),
        lo=f32_bits(epilogue.lo),
        hi=f32_bits(epilogue.hi),
        pixels=pixels,
        taps=taps,
        channels=channels,
        out_channels=depth,
        panels=panels,
        groups=groups,
        blocks=blocks,
        in_stride=source.pixel,
        in_group=4 * channels,
        in_image=source.strides[0],
        out_stride=target.pixel,
        out_group=4 * depth,
        out_image=target.strides[0],
        res_stride=residual.pixel if residual is not None else 0,
        res_group=4 * depth if residual is not None else 0,
        res_image=residual.strides[0] if residual is not None else 0,
    )
    if target is not out:
        plan.copy(target, out)


def inside(table: Array, rows: int) -> float:
    """The share of the taps of tiles of so many rows that are not padding for all of them."""
    if not table.size:
        return 1.0
    return float(np.mean(np.maximum.reduceat(table, np.arange(0, len(table), rows)) >= 0))


def number_of_blocks(plan: Plan, rows: int, depth: int, others: int) -> int:
    """Into how many blocks of nearly equal size the rows of a left operand are split.

    A block stays in the second-level cache while all panels pass over it. The units, blocks times `others`, are a
    number that the threads share evenly, and at least UNITS for each, unless tiles would be cut for it.
    """
    tiles, threads = max(rows // plan.target.rows, 1), plan.mode.threads
    blocks = max(-(-4 * rows * depth // BLOCK_BYTES), 1)
    if threads > 1:
        blocks = max(blocks, -(-UNITS * threads // others))
    while blocks * others % threads:
        blocks += 1
    return min(blocks, tiles)
