"""GridSample: rows of channels, or gathered planes where channels are few."""

from __future__ import annotations

from math import prod

from ....ir.dtype import f32
from ....ir.graph import Node
from ..kernels.sample import LARGEST, Places, Sampling, sample
from .place import Form
from .plan import Plan, Unfit, is_last, lowers

GATHERED = 50
"""Operations that take as long as to load one element of a plane from a place of its own."""


@lowers("GridSample")
def grid_sample(plan: Plan, node: Node) -> None:
    op = node.op
    corners: bool = op.align_corners  # type: ignore[attr-defined]
    sampled(plan, node, op.mode, op.padding_mode, "corners" if corners else "edges")  # type: ignore[attr-defined]


@lowers("ElementSample")
def element_sample(plan: Plan, node: Node) -> None:
    sampled(plan, node, "bilinear", "zeros", "elements")


def sampled(plan: Plan, node: Node, mode: str, padding: str, places: Places) -> None:
    """data [N,C,H,W] at grid [N,h,w,2] of (x, y)."""
    data, at = node.operand(0), node.operand(1)
    if data.dtype is not f32 or at.dtype is not f32:
        raise Unfit(f"images of {data.dtype} at places of {at.dtype}")
    grid = plan.read(at, Form.ROWS)
    count = prod(grid.shape[1:3])
    source = plan.read(data)
    rows = (is_last(source) and source.shape[1] >= plan.target.lanes // 2) or _worth(plan, source.shape, count)
    if rows:
        source = plan.formed(source, Form.LAST)
    n, channels, height, width = source.shape
    if max(height, width) > LARGEST:
        raise Unfit("a float does not count the elements of an axis")
    form = Form.LAST if rows else Form.ROWS
    out = plan.write(node.outputs[0], form)
    target = out if out.fits(form) else plan.new(out.shape, out.dtype, form)
    work = channels * count * n * {"nearest": 1, "bilinear": 4, "bicubic": 16}[mode]
    plan.call(
        sample(Sampling(mode, padding, places, rows)),
        n * -(-count // plan.target.lanes),
        flops=2 * work if rows else 0,
        source=source, grid=grid, target=target, places=count, channels=channels, height=height, width=width,
        image=source.strides[0], channel=source.strides[1], row=source.strides[2], column=source.strides[3],
        grid_image=grid.strides[0], out_image=target.strides[0], out_channel=target.strides[1],
        out_place=target.pixel if rows else target.itemsize, zeros=plan.zeros(channels),
    )  # fmt: skip
    if not rows:
        plan.weigh(GATHERED * work)
    if target is not out:
        plan.copy(target, out)


def _worth(plan: Plan, shape: tuple[int, ...], count: int) -> bool:
    """Whether planes are transposed: channels fill vectors, and places are as many as elements."""
    return shape[1] >= plan.target.lanes and 2 * count >= prod(shape[2:])
