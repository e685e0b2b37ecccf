"""Reductions of signals [N, C, T], which OpenVINO's CPU device computes wrongly in two cases."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.graph import Node, Value
from ....passes.kinds import REDUCTIONS
from ....passes.pattern import Const, Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite

CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})
BETWEEN = frozenset({"Add", "Multiply", "ReLU", "PReLU", "Clamp", "Sigmoid", "Tanh", "Swish", "HSwish", "Elu", "Gelu"})
"""What OpenVINO works into the convolution before it."""

AHEAD = BETWEEN | {
    "Subtract", "Divide", "Maximum", "Minimum", "Power", "FakeQuantize", "Exp", "Log", "Sqrt", "Abs", "Negative",
    "SoftPlus", "Mish", "Floor", "Ceiling", "Round", "Erf", "HSigmoid",
}  # fmt: skip
"""What it works into a reduction."""

LONGEST = 8
"""Steps back, or ahead, that are looked at."""


@rewrite
class ReduceSignalAsImage(Rewrite):
    """Reduce(x; axes) = Reduce(Unsqueeze(x; 3); axes, 3), for x [N, C, T] of a quantized convolution, or with constants
    behind it.

    OpenVINO's CPU device has what such a convolution gives in the order [N, T, C], which its reductions over N or T
    take for [N, C, T]. Constants for each channel that it works into reductions of signals it reads from beyond their
    end, for all N but the first. Images it treats rightly.
    """

    def pattern(self, p: Tracer, x: Any, axes: Const) -> OpPattern:
        return p.one_of(*REDUCTIONS, name="reduction")(x, axes)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.x.rank != 3:
            return Decline("it does not reduce a signal")
        if not (_in_integers(m.x.node) or _scaled(m.root.output)):
            return Decline("no quantized convolution gives it, and no constants are behind it")
        last = b.const(np.array([3]))
        axes = np.array([*(int(a) % 3 for a in m.axes.flat), 3])
        reduced = b.build(m.reduction, b.Unsqueeze(m.x, last), b.const(axes))
        return b.Squeeze(reduced, last) if m.reduction.keep_dims else reduced


def _in_integers(node: Node | None) -> bool:
    """Whether a value comes from a convolution of quantized data, as it is or by what is worked into that."""
    for _ in range(LONGEST):
        if node is None or node.kind not in BETWEEN | CONVOLUTIONS:
            return False
        source = node.operand(0).node
        if node.kind in CONVOLUTIONS:
            return source is not None and source.kind == "FakeQuantize"
        node = source
    return False


def _scaled(value: Value) -> bool:
    """Whether constants of several elements meet a value, as it is or behind what else is worked into its node."""
    for _ in range(LONGEST):
        node = value.only_user
        if node is None or node.kind not in AHEAD:
            return False
        if any(v.is_const and any(d != 1 for d in v.shape or ()) for v in node.inputs if v is not None):
            return True
        value = node.output
    return False
