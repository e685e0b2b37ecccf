"""Whether a product is faster in integers or as it was: a model of their times, measured coefficients.

Without an instruction for it (VNNI) a product of bytes takes not much less time than one of f32, and Winograd's form of
that needs a quarter of the multiplications. Around a product that stays float integers are converted.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, prod
from typing import Any

import numpy as np

from ....ir.graph import Node, Value
from ....ir.kernels.conv import auto_pads
from ....ir.record import record
from ..codegen.dots import QUAD, Pairs, pairs_of, times
from ..codegen.target import Target
from ..kernels.depthwise_bytes import MOST_TAPS
from ..kernels.winograd import FORMS
from . import few_outputs
from .conv import Convolution, Window
from .conv_choice import RATE, cost, rounds
from .epilogue import Epilogue
from .integer_weights import few_channels, quads_of, spread_rows
from .place import Buffer, Form, Place, dense
from .plan import Array, Mode, shape_of

RATIO, STEP, SINGLE = 0.27, 0.52, 2.0
"""Time of a product of integers, of that of f32 in its direct form: with VNNI, in steps of the form PAIRS, and where no
instruction adds products of two neighbours."""

FINISH = 2.0
"""Steps whose time it takes to make results of a row of sums."""

SHORT = 1.2
"""Steps of four bytes whose time it takes to begin a tap."""

CONVERT = 1.0
"""Elements per nanosecond and lane of f32 that go from integers to reals, or back."""

DEPTHWISE, DEPTHWISE_BYTES, DEPTHWISE_DOTS = (0.21, 0.0), (0.1, 1.0), (0.05, 0.6)
"""Nanoseconds and lanes that a tap and a result of a depthwise convolution take: in f32, in integers without VNNI, with
it."""

FRINGE, FRINGE_BYTES = 6.0, 3.0
"""Nanoseconds longer that it takes to store a part of a vector of f32, and of bytes."""

NEAR, FAR = 1 << 20, 65.0
"""Bytes that a core has cached for itself, bytes per nanosecond beyond that: depthwise convolutions wait for them."""

FEW_STEP, FEW_TAP, FEW_QUAD = 0.3, 1.3, 0.14
"""Nanoseconds of convolutions of few outputs, for a place: of a step along the window in f32; of a tap and of four
channels of it in integers, with VNNI."""

Sizes = Callable[[Value], tuple[int, ...]]
"""The sizes of a value."""


@record(frozen=True)
class Times:
    """Nanoseconds of a product: in f32 in its fastest form, and in the fastest one, `how`, that holds sums of levels
    exactly; in integers, infinite where there is no kernel; to make reals of its data and integers of its result."""

    real: float
    exact: float
    integer: float
    converted: float
    how: str = "directly"
    winograd: bool = False

    @property
    def floats(self) -> float:
        """What it takes as a product of levels as floats."""
        return self.exact + self.converted

    @property
    def quantized(self) -> float:
        """What it takes in a graph whose data and result are quantized."""
        return min(self.integer, self.floats)


def why_float(node: Node, levels: Array, target: Target, mode: Mode) -> tuple[str, bool]:
    """Why a convolution with weights i8 is faster in f32, empty where it is not; whether it is in Winograd's form."""
    conv = _geometry(node, shape_of)
    if _is_depthwise(conv) and max(conv.window.kernel) > MOST_TAPS:
        return f"integers have no kernel for depthwise windows of more than {MOST_TAPS} taps a line", False
    if node.kind != "Convolution" or not conv.images * prod(conv.window.out):
        return "", False
    pairs = None
    if not target.dots:  # with dots the time does not depend on the weights
        pairs = pairs_of(target, quads_of(levels, target.width, _by_rows(conv, target)))
    found = _of_convolution(conv, target, mode, pairs)
    if found.integer <= found.floats:
        return "", False
    micro = found.floats / 1e3, found.integer / 1e3
    why = f"f32 {found.how} takes {micro[0]:.0f} us with conversions, integers {micro[1]:.0f} us"
    return why, found.winograd


def product_times(node: Node, target: Target, mode: Mode, sizes: Sizes = shape_of, pairs: Pairs | None = None) -> Times:
    """The times of a product of floats, and if its data and its constant weights were integers, of such pairs."""
    if node.kind in ("Convolution", "GroupConvolution"):
        conv = _geometry(node, sizes)
        return _of_depthwise(conv, target, mode) if _is_depthwise(conv) else _of_convolution(conv, target, mode, pairs)
    data, weights, out = (sizes(v) for v in (node.operand(0), node.operand(1), node.outputs[0]))
    converted = (prod(data) + prod(out)) / (CONVERT * target.lanes * mode.threads)
    if node.kind == "MatMul" and len(weights) == 2 and not getattr(node.op, "transpose_a", False):
        rows, depth, columns = prod(data[:-1]), data[-1], out[-1]
        window = Window((rows,), (rows,), (1,), (1,), (1,), (0,))
        conv = _convolution(node, (1, depth, rows), window, 1, columns, depth)
        found = _of_convolution(conv, target, mode, pairs)
        return found if is_fixed(node.operand(1)) else Times(found.real, found.real, inf, converted)
    terms = data[-1] if node.kind == "MatMul" else prod(weights) // max(data[1], 1)
    places = prod(out) if node.kind == "MatMul" else prod(data)
    real = 2 * places * terms / (RATE * target.lanes * mode.threads)
    return Times(real, real, inf, converted)


def _of_convolution(conv: Convolution, target: Target, mode: Mode, pairs: Pairs | None) -> Times:
    window = conv.window
    plain = window.kernel in ((3, 3), (5, 5)) and window.strides == window.dilations == (1, 1)
    if target.dots and conv.groups == 1 and (found := _of_few(conv, target, mode, plain)):
        return found
    tiles = [tile for tile, taps in FORMS if plain and taps == window.kernel[0]]
    tiles = [0, *(tile for tile in tiles if not (mode.accuracy and rounds(tile, window.kernel[0])))]
    whole = _padded(conv, target)
    reals = {tile: cost(whole, tile, target, mode.threads) for tile in tiles}
    best = min((tile for tile in tiles if not rounds(tile, window.kernel[0])), key=lambda tile: reals[tile])
    integer = cost(whole, 0, target, mode.threads, _share(pairs, target, conv), 1)
    how = f"in Winograd's form ({best} x {best} outputs)" if best else "directly"
    framed = _framed(conv, target, mode)
    rows = conv.images * conv.groups * prod(window.out) / mode.threads if whole.depth > conv.depth else 0
    more = framed + FRINGE * rows
    real, exact, integer = min(reals.values()) + more, reals[best] + more, integer + framed / 4 + FRINGE_BYTES * rows
    return Times(real, exact, integer, _converted(conv, target, mode), how, best > 0)


def _of_few(conv: Convolution, target: Target, mode: Mode, square: bool) -> Times | None:
    """Of a convolution that f32 computes by sums along its windows, where most lanes of the form in integers idle."""
    kernel, channels = conv.window.kernel, conv.channels
    shape = conv.depth, prod(kernel[:-1]), kernel[-1] * channels
    if kernel[-1] == 1 or conv.window.dilations[-1] != 1 or not few_outputs.suits(target, *shape, square):
        return None
    places = conv.images * prod(conv.window.out) / mode.threads
    rows = channels <= few_channels(target)
    taps, quads = (shape[1], -(-shape[2] // QUAD)) if rows else (prod(kernel), -(-channels // QUAD))
    real = FEW_STEP * places * few_outputs.steps(target, *shape)
    integer = places * taps * (FEW_TAP + FEW_QUAD * quads)
    return Times(real, real, integer, _converted(conv, target, mode), "along its windows")


def _of_depthwise(conv: Convolution, target: Target, mode: Mode) -> Times:
    results = conv.images * conv.groups * prod(conv.window.out) / (target.lanes * mode.threads)
    bytewise = DEPTHWISE_DOTS if target.dots else DEPTHWISE_BYTES
    real, integer = (results * (tap * prod(conv.window.kernel) + one) for tap, one in (DEPTHWISE, bytewise))
    fits = max(conv.window.kernel) <= MOST_TAPS
    moved = conv.images * conv.groups * (prod(conv.window.size) + prod(conv.window.out))
    far, far_bytes = (n / FAR if n > NEAR else 0.0 for n in (4 * moved, moved))
    return Times(real + far, real + far, integer + far_bytes if fits else inf, _converted(conv, target, mode))


def _framed(conv: Convolution, target: Target, mode: Mode) -> float:
    """To put zeros around an image of few channels, in f32."""
    if not _by_rows(conv, target):
        return 0.0
    return conv.images * conv.channels * prod(conv.window.size) / (CONVERT * target.lanes * mode.threads)


def _converted(conv: Convolution, target: Target, mode: Mode) -> float:
    window = conv.window
    elements = conv.groups * (prod(window.size) * conv.channels + prod(window.out) * conv.depth)
    return conv.images * elements / (CONVERT * target.lanes) / mode.threads


def _share(pairs: Pairs | None, target: Target, conv: Convolution) -> float:
    """Of the time of f32: sums go by four bytes of a tap, which is a row of the window where channels are few."""
    row = conv.channels * (conv.window.kernel[-1] if _by_rows(conv, target) else 1)
    quads = -(-row // QUAD)
    if target.dots:
        return RATIO * quads * QUAD / row * (1 + SHORT / quads)
    if target.element:
        return SINGLE
    elements = conv.channels * prod(conv.window.kernel)
    gathered = row if prod(conv.window.out) >= target.rows and spread_rows(target, elements) else 0
    sizes = (-(-conv.depth // target.width), elements // row, quads)
    return STEP * (min(times(sizes, pairs, gathered).values()) + FINISH) * QUAD / elements


def _by_rows(conv: Convolution, target: Target) -> bool:
    """Whether a row of the window is a tap."""
    several = conv.window.kernel[-1] > 1 and conv.window.dilations[-1] == 1
    return several and conv.groups == 1 and conv.channels <= few_channels(target)


def _geometry(node: Node, sizes: Sizes) -> Convolution:
    """A convolution of f32 before it has a place."""
    op: Any = node.op
    filters = sizes(node.operand(1))
    groups, depth, channels, *kernel = filters if node.kind == "GroupConvolution" else (1, *filters)
    shape, out = sizes(node.operand(0)), sizes(node.outputs[0])[2:]
    begin, _ = auto_pads(shape[2:], kernel, op.strides, op.dilations, op.pads_begin, op.pads_end, op.auto_pad)
    window = Window(shape[2:], out, tuple(kernel), tuple(op.strides), tuple(op.dilations), tuple(begin))
    return _convolution(node, shape, window, groups, depth, channels)


def _convolution(
    node: Node, shape: tuple[int, ...], window: Window, groups: int, depth: int, channels: int
) -> Convolution:
    real = np.dtype(np.float32)
    source = Place(Buffer(0), shape, dense(shape, real, Form.LAST), real)
    return Convolution(source, node.operand(1), node.outputs[0], window, Epilogue(), groups, depth, channels)


def _padded(conv: Convolution, target: Target) -> Convolution:
    """With as many output channels as whole vectors have."""
    depth = -(-conv.depth // target.lanes) * target.lanes
    return Convolution(
        conv.source, conv.filters, conv.result, conv.window, conv.epilogue, conv.groups, depth, conv.channels
    )


def _is_depthwise(conv: Convolution) -> bool:
    return conv.depth == conv.channels == 1 < conv.groups


def is_fixed(value: Value) -> bool:
    """Whether a value follows from constants."""
    front, seen = [value], {value}
    while front:
        node = front.pop().node
        if node is None or not (node.kind == "Constant" or node.inputs):
            return False
        more = {v for v in node.inputs if v is not None} - seen
        seen |= more
        front += more
    return True
