"""Convolutions and matrix products of u8 by i8: geometry, packing, and the call of the kernel."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ....ir.dtype import i32
from ....ir.graph import Node, Value
from ....ir.kernels.conv import auto_pads
from ....ir.record import record
from ..codegen.dots import GATHERED, QUAD, SPREAD
from ..kernels.base import f32_bits
from ..kernels.finish import Finish
from ..kernels.finish_sums import SUMS, build_sums
from ..kernels.igemm_bytes import SPAN, igemm_bytes
from .conv import Window
from .direct import UNITS, number_of_blocks
from .first_layer import framed
from .integer_epilogue import Numbers, Outlet, numbers_of, outlet_of
from .integer_weights import Weights, few_channels, packed_weights, spread_rows
from .place import Form, Kind, Place
from .plan import Address, Array, Plan, Unfit, lowers, shape_of


@record(frozen=True)
class Product:
    """What the kernel is to compute, with `groups` times `depth` output channels of `channels` input channels each.

    table      [pixels, taps] the input pixel of each tap, -1 for padding
    zeros      a row of zero points
    merged     how many groups of the model one of these is, with weights of zero between them
    """

    source: Place
    out: Place
    weights: Weights
    table: Array
    zeros: Array
    images: int
    groups: int
    depth: int
    channels: int
    residual: Place | None
    steps: tuple[int, ...]
    """Bytes from pixel to pixel and from image to image, of the source, the output and the residual."""
    merged: int = 1


@lowers("Region:integer_conv", "ByteConvolution")
def convolution(plan: Plan, node: Node) -> None:
    """By implicit GEMM; of few channels by rows of the kernel, each of which is one tap."""
    outlet = outlet_of(node)
    if outlet.zero.size > 1:
        raise Unfit("zero points by channel")
    op: Any = outlet.product.op
    grouped = outlet.filters.rank != outlet.data.rank
    groups, depth, channels, *kernel = shape_of(outlet.filters) if grouped else (1, *shape_of(outlet.filters))
    size, out = shape_of(outlet.data)[2:], shape_of(node.outputs[0])[2:]
    begin, _ = auto_pads(size, kernel, op.strides, op.dilations, op.pads_begin, op.pads_end, op.auto_pad)
    window = Window(size, out, tuple(kernel), tuple(op.strides), tuple(op.dilations), tuple(begin))
    merged = 1
    few = groups == 1 and channels <= few_channels(plan.target) and kernel[-1] > 1 and op.dilations[-1] == 1
    if few and (rows := _by_rows(plan, outlet, window)) is not None:
        image, window = rows
        weights = packed_weights(plan, outlet, (1, depth, channels), "rows", prod(window.out))
        channels *= kernel[-1]
    else:
        merged = together(groups, depth, plan.target.lanes)
        groups, depth, channels = groups // merged, depth * merged, channels * merged
        image = readable(plan, plan.read(outlet.data, Form.LAST), channels, Form.LAST)
        how = "groups" if merged > 1 else "taps"
        weights = packed_weights(plan, outlet, (groups, depth, channels), how, prod(window.out))
    residual = outlet.epilogue.residual
    other = other_of(plan, residual, depth, Form.LAST)
    out_place = plan.write(node.outputs[0], Form.LAST)
    target = out_place if out_place.fits(Form.LAST) else plan.new(out_place.shape, out_place.dtype, Form.LAST)
    steps = [n for p in (image, target, other) for n in ((p.pixel, p.strides[0]) if p is not None else (0, 0))]
    zero = np.full(channels + GATHERED, outlet.zero.reshape(-1)[0], np.uint8)
    product = Product(
        image, target, weights, plan.packed.get(window, window.table),
        plan.packed.get(("zero points", zero.tobytes()), lambda: zero), image.shape[0], groups, depth, channels,
        other, tuple(steps), merged,
    )  # fmt: skip
    _emit(plan, outlet, product)
    if target is not out_place:
        plan.copy(target, out_place)


def together(groups: int, depth: int, lanes: int) -> int:
    """How many groups are computed as one, with zeros between them: those that fit into a vector."""
    return max(n for n in range(1, max(lanes // depth, 1) + 1) if groups % n == 0)


def _by_rows(plan: Plan, outlet: Outlet, window: Window) -> tuple[Place, Window] | None:
    """The image with zero points around it, and the window over it, one tap for each row of the kernel."""
    spans = [
        (o - 1) * s + d * (k - 1) + 1 for o, s, d, k in zip(window.out, window.strides, window.dilations, window.kernel)
    ]
    if any(b >= span for b, span in zip(window.pads, spans)) or 0 in window.out:
        return None
    zero = int(outlet.zero.reshape(-1)[0])
    image = readable(plan, framed(plan, plan.read(outlet.data), window.pads, spans, zero), 1, Form.LAST)
    over = Window(
        image.shape[2:], window.out, (*window.kernel[:-1], 1), window.strides, (*window.dilations[:-1], 1),
        (0,) * len(window.out),
    )  # fmt: skip
    return replace(image, shape=(image.shape[0], image.shape[1] * window.kernel[-1], *image.shape[2:])), over


@lowers("Region:integer_matmul", "ByteMatMul")
def product(plan: Plan, node: Node) -> None:
    """Rows of data by a constant matrix: a convolution of one tap over rows in place of pixels."""
    outlet = outlet_of(node)
    depth, columns = shape_of(outlet.data)[-1], shape_of(node.outputs[0])[-1]
    source = readable(plan, plan.read(outlet.data, Form.ROWS), depth, Form.ROWS)
    rows = prod(source.shape[:-1])
    weights = packed_weights(plan, outlet, (1, columns, depth), "matrix", rows)
    table = plan.packed.get(("rows", rows), lambda: np.arange(rows, dtype=np.int32).reshape(-1, 1))
    residual = outlet.epilogue.residual
    other = other_of(plan, residual, columns, Form.ROWS)
    out = plan.write(node.outputs[0], Form.ROWS)
    target = out if out.fits(Form.ROWS) else plan.new(out.shape, out.dtype, Form.ROWS)
    found = Product(
        source, target, weights, table, plan.packed.get("no zeros", lambda: np.zeros(1, np.uint8)),
        1, 1, columns, depth, other,
        (depth, 0, columns * target.itemsize, 0, columns * other.itemsize if other is not None else 0, 0),
    )  # fmt: skip
    _emit(plan, outlet, found)
    if target is not out:
        plan.copy(target, out)


def _emit(plan: Plan, outlet: Outlet, p: Product) -> None:
    """The call."""
    out = p.out
    if not out.size:
        return
    residual = p.residual
    width = plan.target.width
    pixels, taps = p.table.shape
    panels = -(-p.depth // width)
    res_size = residual.itemsize if residual is not None else 0
    in_stride, in_image, out_stride, out_image, res_stride, res_image = p.steps
    spread = p.weights.form == SPREAD
    part, parts = _parts(plan, p, panels) if spread else (1, panels)
    elements = p.channels * (taps if spread else 1)
    others = p.images * p.groups * parts
    blocks = number_of_blocks(plan, pixels, -(-p.channels * p.groups // QUAD), others)
    plan.call(
        igemm_bytes(p.weights.form, is_straight(p.table)),
        others * blocks,
        flops=2 * p.images * p.groups * pixels * taps * p.channels * p.depth // p.merged,
        input=p.source,
        output=out,
        weights=p.weights.panels,
        start=p.weights.start,
        first=p.weights.first,
        at=p.weights.at,
        residual=residual if residual is not None else p.zeros,
        table=p.table,
        zeros=p.zeros,
        **finishing(plan, outlet, residual, (p.groups, p.depth), p.channels * taps),
        pixels=pixels, taps=1 if spread else taps, quads=-(-elements // QUAD), sources=taps, length=p.channels,
        out_channels=p.depth, panels=panels, part=part, parts=parts, groups=p.groups, blocks=blocks,
        span=spread_rows(plan.target, elements) if spread else SPAN,
        in_stride=in_stride, in_group=p.channels, in_image=in_image,
        out_stride=out_stride, out_group=p.depth * out.itemsize, out_image=out_image, out_size=out.itemsize,
        res_stride=res_stride, res_group=p.depth * res_size, res_image=res_image, res_size=res_size,
    )  # fmt: skip


def finishing(
    plan: Plan, outlet: Outlet, residual: Place | None, shape: tuple[int, int], elements: int
) -> dict[str, Any]:
    """Arguments about what becomes of sums of so many products, for [groups, channels out]."""
    if outlet.product.outputs[0].dtype is i32:
        nothing = dict.fromkeys(("params", "lo", "hi", "res_factor", "res_zero", "step", "shift", "low", "high"), 0)
        return {"finish": Address(SUMS, partial(build_sums, plan.target)), "total": 0, **nothing}
    numbers = numbers_of(outlet, prod(shape))
    kind = "" if residual is None else "u8" if residual.itemsize == 1 else "f32"
    limited = not np.isinf(numbers.lo) or not np.isinf(numbers.hi)
    bounded = _is_bounded(outlet, numbers, elements)
    finish = Finish(kind, numbers.post, outlet.result is not None, limited, bounded)
    params = _parameters(plan, numbers, *shape, plan.target.width)
    words = dict(zip(("step", "shift", "low", "high"), numbers.last))
    words |= {"lo": numbers.lo, "hi": numbers.hi, "res_factor": numbers.res_factor, "res_zero": numbers.res_zero}
    return {
        "finish": Address(finish.name, _bound(finish, plan)), "params": params, "total": params[0].size,
        **{name: f32_bits(number) for name, number in words.items()},
    }  # fmt: skip


def is_straight(table: Array) -> bool:
    """Whether there is one tap, and output pixels are those of the input in their order."""
    return table.shape[1] == 1 and bool((table[:, 0] == np.arange(len(table))).all())


def _parts(plan: Plan, p: Product, panels: int) -> tuple[int, int]:
    """Panels of a unit, and how many units they take: rows are widened once for all where there are enough."""
    threads, tiles = plan.mode.threads, max(len(p.table) // plan.target.rows, 1)
    wanted = UNITS * threads if threads > 1 else 1
    parts = min(-(-wanted // max(p.images * p.groups * tiles, 1)), panels)
    part = -(-panels // max(parts, 1))
    return part, -(-panels // part)


def _bound(finish: Finish, plan: Plan) -> Any:
    build, target = finish.build, plan.target
    return lambda module: build(target, module)


def readable(plan: Plan, source: Place, row: int, form: Form, unit: int = GATHERED) -> Place:
    """A source behind whose rows of so many bytes a unit can be read to its end: the arena ends with some more."""
    if row % unit == 0 or source.buffer.kind is Kind.ARENA:
        return source
    own = plan.new(source.shape, source.dtype, form)
    plan.copy(source, own)
    return own


def _is_bounded(outlet: Outlet, numbers: Numbers, elements: int) -> bool:
    """Whether what is rounded to u8 fits into i32, whatever the data are."""
    if outlet.result is None or numbers.post is not None:
        return False
    most = 255 * 128 * elements * np.abs(numbers.factor).max() + np.abs(numbers.offset).max()
    return bool(most + 255 * abs(numbers.res_factor) < 2.0**30)


def other_of(plan: Plan, residual: Value | None, row: int, form: Form) -> Place | None:
    """A residual, in whole vectors."""
    if residual is None:
        return None
    place = plan.read(residual, form)
    return readable(plan, place, row, form) if place.itemsize == 1 else place


def _parameters(plan: Plan, numbers: Numbers, groups: int, depth: int, width: int) -> Array:
    """[2 + constants, groups, panels * width] of f32: factor, offset, constants of functions."""
    lines = [numbers.factor, numbers.offset, *numbers.constants]
    out = np.zeros((len(lines), groups, -(-depth // width) * width), np.float32)
    for line, into in zip(lines, out):
        into[:, :depth] = line.reshape(groups, depth)
    return plan.packed.get(("parameters", out.shape, out.tobytes()), lambda: out)
