"""Convolutions of so few output channels that most lanes of the matrix kernel would be idle."""

from __future__ import annotations

from math import prod

import numpy as np

from ..codegen.target import Target
from ..kernels.base import f32_bits
from ..kernels.conv_dot import CONV_DOT
from .conv import Convolution, bias_panels
from .epilogue import apply_post
from .place import Form
from .plan import Array, Plan

REDUCTION = 12
"""Multiply-adds in whose time the lanes of a vector are added up."""

FEW = 4
"""Outputs beyond which Winograd's form, where it computes the convolution, is faster."""

BLOCK = 64
"""Pixels of a unit."""


def suits(target: Target, depth: int, taps: int, length: int, square: bool) -> bool:
    """Whether vectors along the windows take fewer steps than vectors along `depth` output channels.

    A window has `taps` stretches of `length` adjacent inputs; `square` ones may be had in Winograd's form.
    """
    if depth > (FEW if square else target.lanes // 2):
        return False
    return steps(target, depth, taps, length) < taps * length * -(-depth // target.lanes)


def steps(target: Target, depth: int, taps: int, length: int) -> int:
    """Multiply-adds of vectors along the windows, for a place."""
    return depth * (taps * -(-length // target.lanes) + REDUCTION)


def lower(plan: Plan, conv: Convolution) -> None:
    """The call of the kernel, for a convolution whose taps are rows of its filters."""
    out = plan.write(conv.result, Form.LAST)
    target = out if out.fits(Form.LAST) else plan.new(out.shape, out.dtype, Form.LAST)
    epilogue = conv.epilogue
    table = plan.packed.get(conv.window, conv.window.table)
    pixels, taps = table.shape
    blocks = -(-pixels // BLOCK)
    plan.call(
        CONV_DOT,
        conv.images * blocks,
        flops=2 * conv.images * pixels * taps * conv.channels * conv.depth,
        input=conv.source,
        output=target,
        weights=plan.packed.of(conv.filters, "by rows", _by_rows),
        bias=bias_panels(plan, epilogue.bias, 1, conv.depth),
        table=table,
        lo=f32_bits(epilogue.lo),
        hi=f32_bits(epilogue.hi),
        pixels=pixels,
        taps=taps,
        length=conv.channels,
        depth=conv.depth,
        blocks=blocks,
        in_stride=conv.source.pixel,
        in_image=conv.source.strides[0],
        out_stride=target.pixel,
        out_image=target.strides[0],
    )
    apply_post(plan, epilogue, target)
    if target is not out:
        plan.copy(target, out)


def _by_rows(filters: Array) -> Array:
    """[depth, channels, ..., kernel width] -> [depth, rows of the kernel, kernel width * channels]; f32."""
    depth, channels, *kernel = filters.shape
    rows = filters.reshape(depth, channels, prod(kernel[:-1]), kernel[-1]).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(rows, np.float32)
