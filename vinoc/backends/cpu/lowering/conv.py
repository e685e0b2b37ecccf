"""Convolutions: packing, index tables, and the call of the matrix kernel."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Graph, Node, Value
from ....ir.kernels.conv import auto_pads
from ..kernels.base import f32_bits
from ..kernels.igemm import IGEMM
from .place import Form, Place
from .plan import Array, Plan, lowers, shape_of

BLOCK_BYTES = 256 * 1024
"""Of input under one block of pixels: it stays in the second-level cache while all panels pass over it."""


@dataclass
class Epilogue:
    """What comes behind a product: bias by channel, another tensor, limits."""

    bias: Value | None = None
    residual: Value | None = None
    lo: float = -np.inf
    hi: float = np.inf


def epilogue_of(body: Graph, node: Node) -> Epilogue:
    """Reads the epilogue of a Region for a product; its first node is the product."""
    found = Epilogue()
    outer = dict(zip(body.inputs, node.inputs, strict=True))
    nodes = list(body)
    value = nodes[0].outputs[0]
    for step in nodes[1:]:
        if step.kind == "ReLU":
            found.lo = 0.0
        elif step.kind == "Clamp":
            found.lo, found.hi = step.op.min, step.op.max  # type: ignore[attr-defined]
        else:
            other = outer[step.operand(1) if step.operand(0) is value else step.operand(0)]
            assert other is not None
            if other.is_const and other.type != value.type:
                found.bias = other
            else:
                found.residual = other
        value = step.outputs[0]
    return found


@dataclass(frozen=True)
class Window:
    """The geometry of a convolution over spatial dimensions."""

    size: tuple[int, ...]
    out: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]

    def table(self) -> Array:
        """[output pixels, taps]: the input pixel under each tap, -1 for padding; int32."""
        index = np.zeros((1, 1), np.int64)
        valid = np.ones((1, 1), bool)
        for n, o, k, s, d, p in zip(self.size, self.out, self.kernel, self.strides, self.dilations, self.pads):
            at = np.arange(o)[:, None] * s - p + np.arange(k)[None, :] * d
            here = (at >= 0) & (at < n)
            index = (index[:, None, :, None] * n + at[None, :, None, :]).reshape(index.shape[0] * o, -1)
            valid = (valid[:, None, :, None] & here[None, :, None, :]).reshape(index.shape)
        return np.where(valid, index, -1).astype(np.int32)


@lowers("Region:conv")
def convolution(plan: Plan, node: Node) -> None:
    """Implicit GEMM."""
    body = node.bodies[0]
    conv = next(iter(body))
    data, filters = node.operand(0), node.operand(1)
    grouped = conv.kind == "GroupConvolution"
    groups, depth, channels, *kernel = shape_of(filters) if grouped else (1, *shape_of(filters))
    op: Any = conv.op
    source = plan.read(data, Form.LAST)
    size, out_shape = source.shape[2:], shape_of(node.outputs[0])
    begin, _ = auto_pads(size, kernel, op.strides, op.dilations, op.pads_begin, op.pads_end, op.auto_pad)
    window = Window(size, out_shape[2:], tuple(kernel), op.strides, op.dilations, tuple(begin))
    if groups > 1 and depth == channels == 1:
        from .depthwise import depthwise

        return depthwise(plan, node, source, window, filters, epilogue_of(body, node))
    width = plan.target.width
    weights = plan.packed.of(
        filters, ("panels", width), lambda array: pack(array.reshape(groups, depth, channels, prod(kernel)), width)
    )
    product(plan, node, source, window, weights, epilogue_of(body, node), groups, depth, channels)


def product(
    plan: Plan,
    node: Node,
    source: Place,
    window: Window,
    weights: Array,
    epilogue: Epilogue,
    groups: int,
    depth: int,
    channels: int,
) -> None:
    """The call of the kernel for one convolution: `depth` output channels and `channels` input channels a group."""
    width = plan.target.width
    out = plan.write(node.outputs[0], Form.LAST)
    target = out if out.fits(Form.LAST) else plan.new(out.shape, out.dtype, Form.LAST)
    residual = plan.read(epilogue.residual, Form.LAST) if epilogue.residual is not None else None
    table = plan.packed.get(window, window.table)
    pixels, taps = table.shape
    panels = -(-depth // width)
    block = block_size(pixels, channels * groups, plan.target.rows)
    blocks = -(-pixels // block)
    images = source.shape[0]
    nothing = plan.packed.get(("none", width), lambda: np.full(width, -0.0, np.float32))
    plan.call(
        IGEMM,
        images * groups * blocks * panels,
        flops=2 * images * groups * pixels * taps * channels * depth,
        input=source,
        output=target,
        weights=weights,
        bias=_bias(plan, epilogue.bias, groups, depth),
        residual=residual if residual is not None else nothing,
        table=table,
        zeros=plan.packed.get(("zeros", channels), lambda: np.zeros(channels, np.float32)),
        post=0,
        post_args=0,
        lo=f32_bits(epilogue.lo),
        hi=f32_bits(epilogue.hi),
        pixels=pixels,
        taps=taps,
        channels=channels,
        out_channels=depth,
        panels=panels,
        groups=groups,
        block=block,
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


def block_size(pixels: int, channels: int, rows: int) -> int:
    """Pixels of a block, a multiple of the tile's rows."""
    wanted = max(BLOCK_BYTES // (4 * max(channels, 1)), rows)
    return min(pixels, wanted // rows * rows)


def pack(filters: Array, width: int) -> Array:
    """[groups, depth, channels, taps] -> [groups, panels, taps, channels, width], zero-padded; f32."""
    groups, depth, channels, taps = filters.shape
    panels = -(-depth // width)
    padded = np.zeros((groups, panels * width, channels, taps), np.float32)
    padded[:, :depth] = filters
    return padded.reshape(groups, panels, width, channels, taps).transpose(0, 1, 4, 3, 2)


def _bias(plan: Plan, bias: Value | None, groups: int, depth: int) -> Array:
    """[groups, panels * width], zero-padded."""
    width = plan.target.width
    total = -(-depth // width) * width
    if bias is None:
        return plan.packed.get(("zeros", groups * total), lambda: np.zeros(groups * total, np.float32))

    def make(array: Array) -> Array:
        out = np.zeros((groups, total), np.float32)
        out[:, :depth] = np.broadcast_to(array.reshape(-1), groups * depth).reshape(groups, depth)
        return out

    return plan.packed.of(bias, ("bias", groups, depth, width), make)
