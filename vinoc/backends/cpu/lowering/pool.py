"""Pooling over windows."""

from __future__ import annotations

from typing import Any

from ....ir.dtype import f32, u8
from ....ir.graph import Node
from ....ir.kernels.conv import auto_pads
from ..kernels.pool import max_pool_bytes, pool
from .conv import Window
from .place import Form
from .plan import Plan, Unfit, lowers, shape_of
from .window import Divisor, Windows, walk, work


@lowers("MaxPool", "AvgPool")
def pooling(plan: Plan, node: Node) -> None:
    """The values; indices have no kernel."""
    op: Any = node.op
    out_value = node.outputs[0]
    if node.kind == "MaxPool" and (node.outputs[1].n_uses or node.outputs[1].is_output):
        raise Unfit("its indices are read")
    of_bytes = node.kind == "MaxPool" and out_value.dtype is u8
    if out_value.dtype is not f32 and not of_bytes:
        raise Unfit(f"there is no kernel for {out_value.dtype}")
    source = plan.read(node.operand(0), Form.LAST)
    size, out_shape = source.shape[2:], shape_of(out_value)
    dilations = op.dilations if node.kind == "MaxPool" else (1,) * len(size)
    begin, end = auto_pads(size, op.kernel, op.strides, dilations, op.pads_begin, op.pads_end, op.auto_pad)
    window = Window(size, out_shape[2:], op.kernel, op.strides, dilations, tuple(begin))
    divisor = None if node.kind == "MaxPool" else Divisor(tuple(end), op.exclude_pad)
    windows = Windows(window, source.strides[2:], 0, divisor)
    width = widest(4 * plan.target.lanes, source.shape[1]) if of_bytes else 0
    if of_bytes:
        kernel = max_pool_bytes(width, *windows.variant())
    else:
        kernel = pool("max" if node.kind == "MaxPool" else "avg", *windows.variant())
    out = plan.write(out_value, Form.LAST)
    target = out if out.fits(Form.LAST) else plan.new(out.shape, out.dtype, Form.LAST)
    walk(plan, windows, kernel, source, target, work(window, *source.shape[:2]), width)
    if target is not out:
        plan.copy(target, out)


def widest(most: int, channels: int) -> int:
    """The bytes of a vector, a power of two, that no more than so many channels fill."""
    while most > channels:
        most //= 2
    return most
