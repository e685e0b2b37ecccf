"""Whether a convolution is faster in integers or as it was: a model of their times, measured coefficients.

Without an instruction for it (VNNI) a product of bytes takes not much less time than one of f32, and Winograd's form of
that needs a quarter of the multiplications. Around a product that stays float integers are converted.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Node
from ....ir.kernels.conv import auto_pads
from ..codegen.dots import QUAD, times
from ..codegen.target import Target
from ..kernels.depthwise_bytes import MOST_TAPS
from ..kernels.winograd import FORMS
from .conv import Convolution, Window
from .conv_choice import cost
from .epilogue import Epilogue
from .integer_weights import few_channels, quads_of, spread_rows
from .place import Buffer, Form, Place, dense
from .plan import Array, Mode, shape_of

RATIO, STEP = 0.27, 0.52
"""Time of a product of integers, of that of f32 in its direct form: with VNNI, and in steps of the form PAIRS."""

FINISH = 2.0
"""Steps whose time it takes to make results of a row of sums."""

SHORT = 1.2
"""Steps of four bytes whose time it takes to begin a tap."""

CONVERT = 1.0
"""Elements per nanosecond and lane of f32 that go from integers to reals, or back."""


def why_float(node: Node, levels: Array, target: Target, mode: Mode) -> str:
    """Why a convolution with weights i8 is faster in f32; empty where it is not."""
    conv = _geometry(node)
    if conv.depth == conv.channels == 1 < conv.groups and max(conv.window.kernel) > MOST_TAPS:
        return f"integers have no kernel for depthwise windows of more than {MOST_TAPS} taps a line"
    if node.kind != "Convolution" or not conv.images * prod(conv.window.out):
        return ""
    window = conv.window
    plain = window.kernel in ((3, 3), (5, 5)) and window.strides == window.dilations == (1, 1)
    tiles = [tile for tile, taps in FORMS if plain and taps == window.kernel[0]]
    tiles = [0, *(tile for tile in tiles if tile + window.kernel[0] <= 5 or not mode.accuracy)]
    integer = _share(levels, target, conv) * cost(conv, 0, target, mode.threads)
    elements = conv.images * (prod(window.size) * conv.channels + prod(window.out) * conv.depth)
    converted = elements / (CONVERT * target.lanes) / mode.threads
    times = {tile: cost(conv, tile, target, mode.threads) + converted for tile in tiles}
    best = min(times, key=lambda tile: times[tile])
    if integer <= times[best]:
        return ""
    how = f"in Winograd's form ({best} x {best} outputs)" if best else "directly"
    return f"f32 {how} takes {times[best] / 1e3:.0f} us with conversions, integers {integer / 1e3:.0f} us"


def _share(levels: Array, target: Target, conv: Convolution) -> float:
    """Of the time of f32: sums go by four bytes of a tap, which is a row of the window where channels are few."""
    few = conv.channels <= few_channels(target) and conv.window.kernel[-1] > 1 and conv.window.dilations[-1] == 1
    row = conv.channels * (conv.window.kernel[-1] if few else 1)
    quads = -(-row // QUAD)
    if target.dots:
        return RATIO * quads * QUAD / row * (1 + SHORT / quads)
    elements = conv.channels * prod(conv.window.kernel)
    gathered = row if prod(conv.window.out) >= target.rows and spread_rows(target, elements) else 0
    steps = min(times(target, quads_of(levels, target.width, few), gathered).values())
    return STEP * (steps + FINISH) * QUAD / elements


def _geometry(node: Node) -> Convolution:
    """A convolution of f32 before it has a place."""
    op: Any = node.op
    filters = node.operand(1)
    grouped = node.kind == "GroupConvolution"
    groups, depth, channels, *kernel = shape_of(filters) if grouped else (1, *shape_of(filters))
    shape, out = shape_of(node.operand(0)), shape_of(node.outputs[0])[2:]
    begin, _ = auto_pads(shape[2:], kernel, op.strides, op.dilations, op.pads_begin, op.pads_end, op.auto_pad)
    window = Window(shape[2:], out, tuple(kernel), tuple(op.strides), tuple(op.dilations), tuple(begin))
    real = np.dtype(np.float32)
    source = Place(Buffer(0), shape, dense(shape, real, Form.LAST), real)
    return Convolution(source, filters, node.outputs[0], window, Epilogue(), groups, depth, channels)
