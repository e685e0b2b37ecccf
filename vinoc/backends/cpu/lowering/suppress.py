"""Non-maximum suppression: lists of boxes for each class, then the rows of all."""

from __future__ import annotations

import numpy as np

from ....ir.graph import Node
from ..bounded import BoundedNonMaxSuppression
from ..kernels.base import f32_bits
from ..kernels.suppress import ARRAYS, CHOSEN_ROWS, suppress
from .place import Form
from .plan import Plan, lowers


@lowers("BoundedNonMaxSuppression")
def suppression(plan: Plan, node: Node) -> None:
    op = node.op
    assert isinstance(op, BoundedNonMaxSuppression)
    boxes, scores = (plan.read(node.operand(i), Form.ROWS) for i in (0, 1))
    batches, classes, n = scores.shape
    lists = batches * classes
    workers = min(plan.mode.threads, lists)
    lanes = plan.target.lanes
    capacity = (-(-n // lanes) + 1) * lanes
    index = np.dtype(np.int64)
    chosen, counts = plan.new((lists, op.most), index), plan.new((lists,), index)
    plan.call(
        suppress(op.center),
        workers,
        flops=lists * n * 2,
        boxes=boxes, scores=scores, chosen=chosen, counts=counts, scratch=plan.scratch(workers * capacity * ARRAYS),
        n=n, capacity=capacity, classes=classes, lists=lists, share=-(-lists // workers), most=op.most,
        overlap=f32_bits(op.iou_threshold), least=f32_bits(op.score_threshold),
    )  # fmt: skip
    rows, total = (plan.write(value, Form.ROWS) for value in node.outputs)
    plan.call(
        CHOSEN_ROWS, 1, chosen=chosen, counts=counts, rows=rows, total=total, lists=lists, classes=classes, most=op.most
    )
