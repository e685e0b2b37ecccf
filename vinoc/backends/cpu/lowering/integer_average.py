"""Means of levels: AvgPool, and ReduceMean over all pixels, behind a Dequantize and, where there is one, before a
Quantize."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from ....ir.builder import Builder
from ....ir.graph import Graph, Node
from ....ir.kernels.conv import auto_pads
from ....ir.types import normalize_axes
from ..kernels.average_bytes import MOST_SHORT, avg_pool_bytes
from ..kernels.base import f32_bits
from ..quantized.int8 import dequantized, is_scalar
from ..region import extract
from .conv import Window
from .integer_epilogue import Grid, grid_within
from .place import Form, Place
from .plan import Plan, lowers, shape_of
from .pool import widest
from .window import Divisor, Windows, walk, work

KERNEL = "integer_average"

MOST_TAPS = 1 << 23
"""Bytes whose sum fits into i32."""


def integer_average(graph: Graph, node: Node) -> str:
    """Puts the mean of levels, and what makes levels of it again, into a region; returns the kernel's name."""
    source = dequantized(node.operand(0))
    if source is None or not is_scalar(source) or not node.outputs[0].tensor.is_static or not _fits(node):
        return ""
    user = next(node.outputs[0].users, None)
    last = user is not None and user.kind == "Quantize" and node.outputs[0].n_uses == 1 and is_scalar(user)
    own = Builder(graph, before=node, loc=source.loc).node(source.op, *source.inputs)
    graph.set_input(node, 0, own.outputs[0])
    if not source.outputs[0].n_uses:
        graph.erase(source)
    extract(graph, [own, node, *([user] if user is not None and last else [])], KERNEL)
    return KERNEL


def _fits(node: Node) -> bool:
    shape = shape_of(node.operand(0))
    if not prod(shape) or len(shape) < 3 or prod(shape[2:]) >= MOST_TAPS:
        return False
    axes = node.operand(1).const if node.kind == "ReduceMean" else None
    return node.kind == "AvgPool" or (
        axes is not None and sorted(normalize_axes(axes.reshape(-1).tolist(), len(shape))) == list(range(2, len(shape)))
    )


@lowers(f"Region:{KERNEL}")
def average(plan: Plan, node: Node) -> None:
    """By vectors of channels, as pooling of floats."""
    body = node.bodies[0]
    outer = dict(zip(body.inputs, node.inputs, strict=True))
    first, pool, *rest = body
    data = outer[first.operand(0)]
    assert data is not None
    grid, *result = [grid_within(n, outer) for n in (first, *rest)]
    source = plan.read(data, Form.LAST)
    windows = _windows(pool, source)
    taps, variant = prod(windows.window.kernel), windows.variant()
    short = taps <= MOST_SHORT
    several = 4 if prod(windows.window.out) == 1 and not variant[0] else 2 if short else 1
    width = widest(several * plan.target.lanes, source.shape[1])
    kernel = avg_pool_bytes(width, short, bool(result), *variant)
    out = plan.write(node.outputs[0], Form.LAST if len(shape_of(node.outputs[0])) > 2 else None)
    image = replace(out, **_as_image(out, windows.window.out))
    target = image if image.fits(Form.LAST) else plan.new(image.shape, image.dtype, Form.LAST)
    to = result[0] if result else Grid(1.0, 0.0)
    numbers = {
        "scale": grid.scale,
        "zero": grid.zero,
        "step": to.scale,
        "level": to.zero,
        "low": to.low,
        "high": to.high,
    }
    walk(
        plan, windows, kernel, source, target, work(windows.window, *source.shape[:2]), width,
        **{name: f32_bits(x) for name, x in numbers.items()},
    )  # fmt: skip
    if target is not image:
        plan.copy(target, image)


def _windows(pool: Node, source: Place) -> Windows:
    """Of AvgPool; a ReduceMean has one window, the image."""
    op: Any = pool.op
    size, strides = source.shape[2:], source.strides[2:]
    ones, nothing = (1,) * len(size), (0,) * len(size)
    if pool.kind == "ReduceMean":
        return Windows(Window(size, ones, size, ones, ones, nothing), strides, 0, Divisor(nothing, True))
    out = shape_of(pool.outputs[0])[2:]
    begin, end = auto_pads(size, op.kernel, op.strides, ones, op.pads_begin, op.pads_end, op.auto_pad)
    window = Window(size, out, tuple(op.kernel), tuple(op.strides), ones, tuple(begin))
    return Windows(window, strides, 0, Divisor(tuple(end), op.exclude_pad))


def _as_image(out: Place, size: tuple[int, ...]) -> dict[str, Any]:
    """A result that has lost its pixels, with these again."""
    if len(out.shape) > 2:
        return {}
    return {"shape": (*out.shape, *size), "strides": (*out.strides, *(out.strides[0],) * len(size))}
