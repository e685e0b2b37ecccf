"""Which form of a convolution is the fastest: a model of their times, measured coefficients."""

from __future__ import annotations

import os

import numpy as np

from ....ir.constant import Constant
from ....ir.graph import Node
from . import direct, first_layer, transposed, winograd
from .conv import Convolution
from .depthwise import depthwise
from .plan import Plan, lowers
from .regions import TRANSPOSED


@lowers("Region:conv")
def convolution(plan: Plan, node: Node) -> None:
    """Depthwise, of few channels, Winograd's form, or implicit GEMM; transposed ones are several of these."""
    kind = next(iter(node.bodies[0])).kind
    if kind in TRANSPOSED:
        return transposed.lower(plan, node)
    if first_layer.lower(plan, node):
        return None
    conv = Convolution.of(plan, node)
    if conv.groups > 1 and conv.depth == conv.channels == 1:
        depthwise(plan, conv.result, conv.source, conv.window, conv.filters, conv.epilogue)
    elif tile := best_tile(plan, conv):
        winograd.lower(plan, conv, tile)
    else:
        direct.lower(plan, conv)
    return None


def best_tile(plan: Plan, conv: Convolution) -> int:
    """0: direct; 2 or 4: Winograd's form by tiles of that size."""
    if not fits(conv):
        return 0
    if "WINO" in os.environ:
        return int(os.environ["WINO"])
    return 4 if min(conv.window.out) >= 12 and not plan.mode.accuracy else 2


def fits(conv: Convolution) -> bool:
    """Whether Winograd's form computes it."""
    window = conv.window
    plain = window.kernel == (3, 3) and window.strides == window.dilations == (1, 1)
    return plain and conv.images * min(window.out) > 0 and moderate(conv)


LARGE = 2.0**60


def moderate(conv: Convolution) -> bool:
    """Whether sums of a few weights are finite: those that are not spread in the transforms."""
    assert isinstance(conv.filters.op, Constant)
    weights = conv.filters.op.value.array
    return bool(np.maximum(weights.max(initial=0), -weights.min(initial=0)) < LARGE)
