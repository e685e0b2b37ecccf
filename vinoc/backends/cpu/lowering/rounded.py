"""Which products keep 24 bits of each weight: those of few rows, in models whose weights come from memory.

A product of few rows takes as long as its weights take to be read. With more rows than two thirds of a tile the
arithmetic takes longer, with vectors of 4 floats expanding does. Where shapes are open, few rows may come and many as
well (a decoder's prompt, then its tokens): all products keep 24 bits then, so that there is one form of the weights.
"""

from __future__ import annotations

from math import prod

from ....ir.graph import Node
from ..region import Region
from .plan import Plan, shape_of

LEAST = 1 << 19
"""Weights of a matrix: more than second-level caches keep."""

TOGETHER = 1 << 22
"""Weights of all such products of a model, at least: with fewer they take a few hundredths of its time, or stay in the
last cache."""


def is_rounded(plan: Plan, node: Node) -> bool:
    """Whether it is so for a product with a constant matrix."""
    if plan.mode.accuracy or plan.mode.exact or plan.target.lanes <= 4 or _weights(plan, node) < LEAST:
        return False
    if plan.few_rows is None:
        plan.few_rows = sum(_weights(plan, n) for n in plan.graph)
    return plan.few_rows >= TOGETHER


def _weights(plan: Plan, node: Node) -> int:
    """The weights of a product with a constant matrix that few rows pass over, or may; 0: it is none."""
    if not (isinstance(node.op, Region) and node.op.kernel == "matmul"):
        return 0
    rows = prod(shape_of(node.outputs[0])[:-1])
    return prod(shape_of(node.operand(1))) if plan.packed.open or 3 * rows <= 2 * plan.target.rows else 0
