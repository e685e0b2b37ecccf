"""NonMaxSuppression in two steps, so that a kernel does the work.

How many boxes are chosen is known only when they are; how many there can be is known before. So

    rows, count = BoundedNonMaxSuppression(boxes, scores)    has a kernel, and its shapes are known
    out = rows[:count]                                       stands between two stages (engine/stages.py)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array, f32, i64
from ...ir.graph import Node, Value
from ...ir.kernels import vision
from ...ir.op import Op, TensorOperand, op
from ...ir.types import TensorType, numel, static_shape
from ...passes.pattern import Match, OpPattern, Tracer
from ...passes.rewrite import Decline, Rewrite, rewrite

MOST_ROWS = 1 << 20
"""Rows that room is made for."""


@op(internal=True)
class BoundedNonMaxSuppression(Op):
    """boxes [B,N,4], scores [B,C,N] -> rows [B*C*most, 3] of (batch, class, box), of which the first `count` [1] hold.

    As NonMaxSuppression with sort_result_descending=false. `center`: boxes are [x,y,width,height].
    """

    most: int
    iou_threshold: float
    score_threshold: float
    center: bool

    def infer(self, boxes: TensorOperand, scores: TensorOperand) -> tuple[TensorType, TensorType]:
        lists = numel((scores.shape or (0, 0))[:2])
        return TensorType(i64, (lists * self.most, 3)), TensorType(i64, (1,))

    def evaluate(self, boxes: Array, scores: Array) -> tuple[Array, Array]:
        found, _, count = vision.non_max_suppression(
            boxes, scores, self.most, self.iou_threshold, self.score_threshold, 0.0, self.center, False, i64.numpy
        )
        rows = np.zeros((scores.shape[0] * scores.shape[1] * self.most, 3), np.int64)
        rows[: len(found)] = found
        return rows, count


@rewrite
class CpuBoundSuppression(Rewrite):
    """NonMaxSuppression of static shapes and known limits as rows[:count]."""

    def pattern(self, p: Tracer, boxes: Any, scores: Any) -> OpPattern:
        return p.NonMaxSuppression(boxes, scores, ..., name="suppression")

    def replace(self, b: Builder, m: Match) -> tuple[Value | None, ...] | Decline:
        op = _bounded(m.node("suppression"))
        if op is None:
            return Decline("the kernel is for i64 in the order of classes, static shapes and constant limits")
        rows, count = b.outputs(op, m.boxes, m.scores)
        return b.Slice(rows, np.array([0]), count, np.array([1]), np.array([0])), None, count


def _bounded(node: Node) -> BoundedNonMaxSuppression | None:
    old: Any = node.op
    boxes, scores = (static_shape(node.operand(i).tensor.shape) for i in (0, 1))
    limit, overlap, least, sigma = (_number(node, port) for port in range(2, 6))
    plain = not old.sort_result_descending and old.output_type is i64 and not node.outputs[1].n_uses
    if not plain or node.outputs[1].is_output or boxes is None or scores is None or sigma != 0:
        return None
    if any(node.operand(i).dtype is not f32 for i in (0, 1)) or limit is None or overlap is None or least is None:
        return None
    most = int(min(limit, scores[2]))
    if most < 1 or scores[0] * scores[1] * most > MOST_ROWS:
        return None
    return BoundedNonMaxSuppression(most, overlap, least, old.box_encoding == "center")


def _number(node: Node, port: int) -> float | None:
    """A limit or threshold, as f32 holds it; 0 where it is missing, None where it is computed."""
    value = node.inputs[port] if port < len(node.inputs) else None
    if value is None:
        return 0.0
    return None if value.const is None else float(value.const.reshape(-1)[0])
