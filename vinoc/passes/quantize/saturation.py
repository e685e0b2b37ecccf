"""Weights of which no two saturate on processors without VNNI: by seven bits, or by less of the few that would.

OpenVINO's kernels for AVX2 multiply u8 by i8 and add two neighbouring products in i16 (vpmaddubsw), which holds no more
than 32767: 255 * (a + b) is more where two weights of one sign sum up to more than 128. Neighbours are two input
channels, 2i and 2i + 1 of a group, of one output channel under one tap. Measured with OpenVINO 2026.4.1 and
ONEDNN_MAX_CPU_ISA=AVX2: a + b = 129 saturates, 128 does not; others than these neighbours do not, nor do convolutions
with one input channel a group, which have none. The kernels of the CPU device are exact for all weights.

Seven bits double the step s, and raise the mean squared error of all weights from s^2 / 12 to s^2 / 3. Where that is
more than what it costs to take off the larger of two neighbours what is too much, eight bits are kept.
"""

from __future__ import annotations

import numpy as np

from ...ir.dtype import Array
from ...ir.graph import Node
from ...ir.ops.matrix import MatMul
from .grid import Grid
from .ranges import Setting
from .weights import Weights

MOST = 32767 // 255
"""That the weights of two neighbours may sum up to."""

SEVEN_BITS = 127
"""Levels of weights of which no two saturate."""


COARSER = 1 / 3 - 1 / 12
"""Mean squared error that seven bits add, in steps of eight."""

SURE = 0.25
"""Of that error, that may be taken off: it is a few large weights that it is taken off, always towards zero."""


def saturate(weights: Weights, grid: Grid, setting: Setting) -> bool:
    """Whether neighbours among weights on this grid saturate so much that seven bits are better."""
    if setting.levels is None or setting.levels <= SEVEN_BITS:
        return False
    levels = np.clip(np.rint(weights.array / grid.scale), -grid.zero, setting.levels - 1 - grid.zero)
    scale = np.broadcast_to(grid.scale, levels.shape)
    lost = np.square((levels - unsaturated(levels, weights.readers)) * scale).sum()
    return bool(lost > SURE * COARSER * np.square(scale).sum())


def unsaturated(levels: Array, nodes: tuple[Node, ...]) -> Array:
    """Levels of weights that products read, with what is too much taken off the larger of two neighbours."""
    out = levels.copy()
    for node in nodes:
        first, second = _neighbours(out, node)
        rest, of_first = _excess(first, second), np.abs(first) >= np.abs(second)
        first -= np.where(of_first, rest, 0)
        second -= np.where(of_first, 0, rest)
    return out


def _neighbours(levels: Array, node: Node) -> tuple[Array, Array]:
    """Views of the first and the second of each two; a last channel without one is left out."""
    last = np.moveaxis(levels, _input_axis(node, levels.ndim), -1)
    return last[..., 0 : last.shape[-1] - 1 : 2], last[..., 1::2]


def _excess(first: Array, second: Array) -> Array:
    """What two neighbours sum up to beyond the most."""
    sums = first + second
    return np.asarray(sums - np.clip(sums, -MOST, MOST))


def _input_axis(node: Node, rank: int) -> int:
    """The axis of the input channels of a group in the weights of a product."""
    if isinstance(node.op, MatMul):
        return rank - 1 if node.op.transpose_b else rank - 2
    return {"Convolution": 1, "GroupConvolution": 2, "ConvolutionBackpropData": 0}.get(node.kind, 1)
