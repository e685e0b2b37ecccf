"""Probabilities of classes from those of pairs of classes."""

from __future__ import annotations

import numpy as np

from ....ir.dtype import f32
from ....ir.graph import Node
from ..kernels.base import f32_bits
from ..kernels.coupling import COUPLE
from .place import Form
from .plan import Plan, Unfit, lowers

TURN = 400
"""Operations of a product that take as long as one over a pair of classes, whose sums are sequential, of all rounds."""


@lowers("CoupleProbabilities")
def couple(plan: Plan, node: Node) -> None:
    """Blocks of rows, each with a scratch."""
    if node.outputs[0].dtype is not f32:
        raise Unfit(f"there is no kernel for {node.outputs[0].dtype}")
    pairs, out = plan.read(node.operand(0), Form.ROWS), plan.write(node.outputs[0], Form.ROWS)
    rows, classes = out.shape
    units = min(rows, 4 * plan.mode.threads)
    block = -(-rows // units)
    scratch = plan.new((units, classes * (classes + 1)), np.dtype(np.float32))
    count = np.float32(classes)
    plan.call(
        COUPLE, -(-rows // block), pairs=pairs, pairs_row=pairs.strides[0], out=out, out_row=out.strides[0],
        scratch=scratch, scratch_unit=scratch.strides[0], rows=rows, block=block, classes=classes,
        start=f32_bits(float(1 / count)), limit=f32_bits(float(np.float32(0.005) / count)),
    )  # fmt: skip
    plan.weigh(TURN * rows * classes * classes)
