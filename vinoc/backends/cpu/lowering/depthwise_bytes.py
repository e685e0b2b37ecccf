"""Depthwise convolution of u8 by i8: strips, blocks, bands, packing, and the call of the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np

from ....ir.graph import Node
from ....ir.kernels.conv import auto_pads
from ..kernels.base import f32_bits
from ..kernels.depthwise_bytes import MOST_TAPS, Result, Shape, depthwise_bytes
from .conv import Window
from .integer_epilogue import Numbers, Outlet, numbers_of, outlet_of
from .place import Form, Place
from .plan import Array, Plan, Unfit, lowers, shape_of
from .window import rounded, work

BAND, LARGE_BAND = 2, 4
"""Output lines of a band, which share what is spread out."""

MANY = {4: (12, 3), 2: (6, 5)}
"""By the lines of an element: output lines from which on large bands pay, of windows of up to so many lines and
stride 1."""

FLAT = 0.8
"""Where less than this share of the lanes holds channels, vectors run over the borders of pixels."""

MOST_PHASES = 24
"""Of a flat walk."""


@lowers("Region:integer_conv", ahead=True)
def depthwise(plan: Plan, node: Node) -> None:
    """Groups of one channel."""
    outlet = outlet_of(node)
    if outlet.product.kind != "QuantizedGroupConvolution":
        raise Unfit("it is not grouped")
    channels, *rest = shape_of(outlet.filters)
    if rest[:2] != [1, 1] or len(rest) not in (3, 4) or channels == 1:
        raise Unfit("its groups have several channels, or windows three dimensions")
    window = window_of(outlet, rest[2:], shape_of(node.outputs[0])[2:])
    if max(window.kernel) > MOST_TAPS:
        raise Unfit("its windows are large")
    if outlet.epilogue.residual is not None:
        raise Unfit("another tensor is added to it")
    source = plan.read(outlet.data, Form.LAST)
    numbers = numbers_of(outlet, channels)
    out = plan.write(node.outputs[0], Form.LAST)
    target = out if out.fits(Form.LAST) else plan.new(out.shape, out.dtype, Form.LAST)
    _emit(plan, outlet, numbers, window, source, target)
    if target is not out:
        plan.copy(target, out)


def window_of(outlet: Outlet, kernel: list[int], out: tuple[int, ...]) -> Window:
    """The geometry, of two dimensions."""
    op: Any = outlet.product.op
    size = shape_of(outlet.data)[2:]
    begin, _ = auto_pads(size, kernel, op.strides, op.dilations, op.pads_begin, op.pads_end, op.auto_pad)
    lead = (1,) * (2 - len(kernel))
    return Window(
        (*lead, *size), (*lead, *out), (*lead, *kernel), (*lead, *op.strides), (*lead, *op.dilations),
        ((0,) * len(lead) + tuple(begin)),
    )  # fmt: skip


@dataclass(frozen=True)
class Cut:
    """How the work is cut: pixels of a strip, channels of a block; whether vectors run over the borders of pixels."""

    strip: int
    strips: int
    block: int
    blocks: int
    flat: bool
    period: int
    phases: int

    @classmethod
    def of(cls, window: Window, shape: Shape, channels: int, lanes: int, dense: bool) -> Cut:
        """`dense`: the pixels of data and result have no gaps."""
        room, step = shape.plane_size, window.strides[1]
        extent = window.dilations[1] * (window.kernel[1] - 1) + 1
        few = min(window.out[1], 8)
        most = max(room // ((few - 1) * step + extent), lanes)
        blocks = -(-channels // most)
        block = min(rounded(-(-channels // blocks), lanes), channels)
        strip = min(((room // block) - extent) // step + 1, window.out[1])
        if strip < 1:
            raise Unfit("its windows are wide")
        strips = -(-window.out[1] // strip)
        strip = -(-window.out[1] // strips)
        period = channels * lanes // gcd(channels, lanes)
        used = channels / rounded(channels, lanes)
        flat = dense and blocks == step == 1 and used < FLAT and period // lanes <= MOST_PHASES
        phases = (period if flat else rounded(block, lanes)) // lanes
        return cls(strip, strips, block, blocks, flat, period, phases)

    def channels_of(self, block: int, phase: int, channels: int, lanes: int) -> Array:
        """The channels under the lanes of a phase; those beyond the last one are 0."""
        if self.flat:
            return (phase * lanes + np.arange(lanes)) % channels
        first = min(block * self.block, channels - self.block) + min(phase * lanes, max(self.block - lanes, 0))
        found = first + np.arange(lanes)
        return np.where(found < channels, found, 0)


def shape_for(plan: Plan, window: Window) -> Shape:
    """The code for a geometry."""
    lines, step, rows = window.kernel[0], window.strides[0], window.out[0]
    height = 4 if plan.target.dots else 2
    many, few = MANY[height]
    band = LARGE_BAND if step == 1 and lines <= few and rows >= many else min(BAND, rows)
    band = band if window.dilations[0] == 1 else 1
    return Shape(height, lines, window.kernel[1], step, band)


def _emit(plan: Plan, outlet: Outlet, numbers: Numbers, window: Window, source: Place, out: Place) -> None:
    if not out.size:
        return
    images, channels = source.shape[:2]
    lanes, item = plan.target.lanes, out.itemsize
    shape = shape_for(plan, window)
    gaps = source.pixel != channels
    cut = Cut.of(window, shape, channels, lanes, out.pixel == channels * item)
    result = _result(outlet, numbers, window)
    packed = _packed(plan, outlet, numbers, shape, cut, channels)
    zero = np.broadcast_to(outlet.zero.reshape(-1), channels).astype(np.uint8)
    extent = window.dilations[1] * (window.kernel[1] - 1) + 1
    line = max(window.size[1], (cut.strip - 1) * window.strides[1] + extent) * source.pixel
    zeros = plan.packed.get(
        ("zero points", line, source.pixel, zero.tobytes()), lambda: np.resize(_padded(zero, source.pixel), line)
    )
    bands = -(-window.out[0] // shape.out_rows)
    lo, hi = (int(np.rint(min(max(v, 0), 255))) for v in (numbers.lo, numbers.hi))
    step, shift, low, high = numbers.last
    plan.call(
        depthwise_bytes(shape, result),
        images * bands * cut.strips * cut.blocks,
        flops=2 * work(window, images, channels),
        input=source, output=out, zeros=zeros, packed=packed,
        height=window.size[0], width=window.size[1], bands=bands, last_band=window.out[0] - shape.out_rows,
        out_width=window.out[1], strip=cut.strip, strips=cut.strips, block=cut.block, blocks=cut.blocks,
        last_block=channels - cut.block, flat=int(cut.flat), phases=cut.phases,
        last_phase=cut.period if cut.flat else max(cut.block - lanes, 0),
        period=cut.period if cut.flat else cut.block * window.strides[1],
        out_step=cut.period * item if cut.flat else out.pixel,
        row_stride=window.strides[0], row_step=window.dilations[0], row_pad=window.pads[0],
        stride=window.strides[1], tap_step=window.dilations[1], pad=window.pads[1],
        extent=extent,
        in_pixel=source.pixel, in_line=source.strides[-2] if len(source.shape) > 3 else 0, in_image=source.strides[0],
        out_pixel=out.pixel, out_line=out.strides[-2] if len(out.shape) > 3 else 0, out_image=out.strides[0],
        dense=int(not gaps and cut.blocks == 1),
        lo=f32_bits(numbers.lo), hi=f32_bits(numbers.hi),
        step=f32_bits(step), zero=f32_bits(shift),
        least=lo if result.post is None else int(low), most=hi if result.post is None else int(high),
    )  # fmt: skip


def _padded(zero: Array, pixel: int) -> Array:
    return np.concatenate([zero, np.zeros(pixel - len(zero), np.uint8)])


def _result(outlet: Outlet, numbers: Numbers, window: Window) -> Result:
    """Limits are left to bytes where nothing follows and what is rounded fits into i32."""
    quantized = outlet.result is not None
    most = 255 * 128 * int(np.prod(window.kernel)) * np.abs(numbers.factor).max() + np.abs(numbers.offset).max()
    by_bytes = quantized and numbers.post is None and bool(most < 2.0**30)
    return Result(not by_bytes, numbers.post, quantized)


def _packed(plan: Plan, outlet: Outlet, numbers: Numbers, shape: Shape, cut: Cut, channels: int) -> Array:
    """[blocks, phases, vectors, lanes] of 32 bits: weights, start, factor, shift, constants of functions."""
    lanes = plan.target.lanes
    index = np.array(
        [[cut.channels_of(b, p, channels, lanes) for p in range(cut.phases)] for b in range(cut.blocks)], np.int64
    )
    zero = np.broadcast_to(outlet.zero.reshape(-1), channels).astype(np.int64)
    lines = [numbers.factor, numbers.offset, *numbers.constants]
    behind = np.stack([np.broadcast_to(line, channels) for line in lines]).astype(np.float32)

    def make(filters: Array) -> Array:
        taps = filters.reshape(channels, shape.lines, shape.taps)
        start = (plan.target.offset - zero) * taps.astype(np.int64).sum((1, 2))
        every = np.concatenate([_groups(shape, taps), start.astype(np.int32)[None], behind.view(np.int32)])
        return np.ascontiguousarray(np.moveaxis(every[:, index], 0, 2))

    tag = ("depthwise bytes", shape, cut, zero.tobytes(), behind.tobytes())
    return plan.packed.of(outlet.filters, tag, make)


def _groups(shape: Shape, taps: Array) -> Array:
    """[channels, lines, taps] -> [taps * shifts * groups, channels] of four bytes, or two i16."""
    item = np.int8 if shape.height == 4 else np.int16
    out = np.zeros((shape.taps, len(shape.shifts), shape.most_groups, len(taps), shape.height), item)
    for k, shift in enumerate(shape.shifts):
        for line in range(shape.lines):
            group, place = divmod(shift + line, shape.height)
            out[:, k, group, :, place] = taps[:, line].T
    return out.view(np.int32).reshape(-1, len(taps))
