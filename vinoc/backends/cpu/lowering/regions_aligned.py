"""ROIAlign with a fixed number of samples."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ....ir.dtype import f32
from ....ir.graph import Node
from ..kernels.base import f32_bits
from ..kernels.index import OFFSETS
from ..kernels.regions import ENTRY, align
from .place import Form
from .plan import Plan, Unfit, lowers


@lowers("ROIAlign")
def roi_align(plan: Plan, node: Node) -> None:
    op: Any = node.op
    if op.sampling_ratio < 1:
        raise Unfit("each region has samples of its own number")
    if node.operand(0).dtype is not f32:
        raise Unfit(f"there is no kernel for {node.operand(0).dtype}")
    source = plan.read(node.operand(0), Form.LAST)
    regions, images = (plan.read(node.operand(i), Form.ROWS) for i in (1, 2))
    if images.dtype.kind != "i" or images.itemsize not in OFFSETS:
        raise Unfit(f"numbers of images of type {images.dtype}")
    batches, channels, height, width = source.shape
    count = regions.shape[0]
    offsets = plan.new((count,), np.dtype(np.int64))
    fault = plan.fault(f"IndexError: image {{}} of {batches}")
    plan.call(
        OFFSETS[images.itemsize], count,
        indices=images, table=offsets, size=batches, stride=source.strides[0], fault=fault,
    )  # fmt: skip
    out = plan.write(node.outputs[0], Form.LAST)
    target = out if out.fits(Form.LAST) else plan.new(out.shape, out.dtype, Form.LAST)
    old, samples = op.aligned_mode == "asymmetric", op.sampling_ratio
    lattice = count * samples * (op.pooled_h + op.pooled_w)
    plan.call(
        align(op.mode == "max"), count,
        flops=8 * count * op.pooled_h * op.pooled_w * samples**2 * channels,
        input=source, regions=regions, images=offsets, output=target, scratch=plan.scratch(lattice * ENTRY // 4),
        channels=channels, height=height, width=width, row=source.strides[2], column=source.strides[3],
        bins_y=op.pooled_h, bins_x=op.pooled_w, samples=samples, scale=f32_bits(op.spatial_scale),
        before=f32_bits(0.5 if op.aligned_mode == "half_pixel" else 0.0), after=f32_bits(0.0 if old else 0.5),
        least=f32_bits(1.0 if old else -inf), out_region=target.strides[0], out_row=target.strides[2],
        out_column=target.strides[3],
    )  # fmt: skip
    if target is not out:
        plan.copy(target, out)
