"""Which form of a convolution is the fastest: a model of their times, measured coefficients."""

from __future__ import annotations

from math import prod

import numpy as np

from ....ir.constant import Constant
from ....ir.graph import Node
from ..codegen.target import Target
from ..kernels.winograd import FORMS
from . import direct, first_layer, grouped, transposed, winograd
from .conv import Convolution
from .depthwise import depthwise
from .epilogue import apply_post
from .plan import Plan, lowers
from .regions import EXACT, TRANSPOSED

RATE = 15.0
"""Floating point operations per nanosecond and lane that the matrix kernel reaches."""

SHORT = 1.5
"""Rows whose work it costs to load the weights of a tile."""

MEMORY = 25.0
"""Bytes per nanosecond from memory, for one thread; two have twice as many, more have no more."""

TRANSFORM = {(2, 3): 11.0, (4, 3): 29.0, (2, 5): 32.0}
"""Nanoseconds to transform a vector of channels of a tile, by its size and the taps of a window."""

CALLS = 2000.0
"""Nanoseconds of the three more calls."""


@lowers("Region:conv", "Region:exact_conv")
def convolution(plan: Plan, node: Node) -> None:
    """Depthwise, by rows of the kernel, Winograd's form, or implicit GEMM; transposed ones are several of these."""
    kind = next(iter(node.bodies[0])).kind
    if kind in TRANSPOSED:
        return transposed.lower(plan, node)
    if first_layer.lower(plan, node):
        return None
    conv = Convolution.of(plan, node)
    if conv.groups > 1 and conv.depth == conv.channels == 1:
        depthwise(plan, conv.result, conv.source, conv.window, conv.filters, conv.epilogue)
    elif grouped.fits(plan, conv):
        grouped.lower(plan, conv)
    elif tile := best_tile(plan, conv, node.op.kernel == EXACT):  # type: ignore[attr-defined]
        winograd.lower(plan, conv, tile)
        apply_post(plan, conv.epilogue, plan.write(conv.result))
    elif not first_layer.lower(plan, node, first_layer.SOME_CHANNELS):
        direct.lower(plan, conv)
    return None


def best_tile(plan: Plan, conv: Convolution, exact: bool = False) -> int:
    """0: direct; 2 or 4: Winograd's form by tiles of that size. `exact`: a form that holds sums of levels exactly;
    directly where floats stand for integers, to be compared with these."""
    if not fits(conv) or (exact and not plan.mode.integers):
        return 0
    taps = conv.window.kernel[0]
    exact |= plan.mode.accuracy
    sizes = [0, *(tile for tile, of in FORMS if of == taps and not (exact and rounds(tile, taps)))]
    return min(sizes, key=lambda tile: cost(conv, tile, plan.target, plan.mode.threads))


def rounds(tile: int, taps: int) -> bool:
    """Whether a form rounds more than sums do: tiles of more than 4x4 inputs, whose transforms multiply."""
    return tile > 0 and tile + taps > 5


def cost(conv: Convolution, tile: int, target: Target, threads: int, share: float = 1.0, size: int = 4) -> float:
    """Nanoseconds, roughly: products or the weights' way from memory, whatever lasts longer, and transforms.

    share, size: of the time of products of f32, and bytes of a weight.
    """
    pairs, taps = conv.groups * conv.channels * conv.depth, conv.window.kernel[0]
    if not tile:
        count, frequencies, transforms = conv.images * prod(conv.window.out), prod(conv.window.kernel), 0.0
    else:
        count, frequencies = conv.images * prod(-(-n // tile) for n in conv.window.out), (tile + taps - 1) ** 2
        vectors = conv.groups * sum(-(-n // target.lanes) for n in (conv.channels, conv.depth))
        transforms = TRANSFORM[tile, taps] * count * vectors + CALLS
    rows = min(count, target.rows)
    products = share * 2 * pairs * count * frequencies / (RATE * target.lanes) * (1 + SHORT / max(rows, 1))
    weights = size * pairs * frequencies / MEMORY
    return (
        max(products / threads, weights / min(threads, 2))
        + 0.2 * min(products, weights) / threads
        + transforms / threads
    )


def fits(conv: Convolution) -> bool:
    """Whether Winograd's form computes it."""
    window = conv.window
    plain = window.kernel in ((3, 3), (5, 5)) and window.strides == window.dilations == (1, 1)
    return plain and conv.images * min(window.out) > 0 and moderate(conv)


LARGE = 2.0**60


def moderate(conv: Convolution) -> bool:
    """Whether sums of a few weights are finite: those that are not spread in the transforms."""
    assert isinstance(conv.filters.op, Constant)
    weights = conv.filters.op.value.array
    return bool(np.maximum(weights.max(initial=0), -weights.min(initial=0)) < LARGE)
