"""Convolutions of few channels, in or out, as the first of a network: a row of the kernel is one tap.

In a channels-last image with its pads around it, the elements under a row of the kernel lie next to each other:
kernel width * channels floats. So the sum runs over few long taps, and no tap is ever outside. The image is brought
into that form by the copy that makes it channels-last anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ....ir.graph import Node, Value
from ....ir.kernels.conv import auto_pads
from . import direct, few_outputs
from .conv import Convolution, Window
from .epilogue import epilogue_of
from .pad import emit_frame
from .panels import pack_filters
from .place import Form, Place
from .plan import Array, Plan, shape_of

FEW_CHANNELS, SOME_CHANNELS = 4, 16
"""Input channels up to which it is always the best form; up to which it beats taps that are single pixels."""


def lower(plan: Plan, node: Node, most: int = FEW_CHANNELS) -> bool:
    """Whether the Region was a convolution of at most so many input channels, or of few outputs; then it is lowered."""
    body = node.bodies[0]
    conv = next(iter(body))
    op: Any = conv.op
    if conv.kind != "Convolution":
        return False
    filters = node.operand(1)
    depth, channels, *kernel = shape_of(filters)
    if kernel[-1] == 1 or op.dilations[-1] != 1:
        return False
    rows, length = prod(kernel[:-1]), kernel[-1] * channels
    square = kernel in ([3, 3], [5, 5]) and set(op.strides) == {1}
    few = few_outputs.suits(plan.target, depth, rows, length, square)
    if (channels > most and not few) or 0 in shape_of(node.outputs[0]):
        return False
    epilogue = epilogue_of(body, node)
    few = few and epilogue.residual is None
    if channels > most and not few:
        return False
    source = plan.read(node.operand(0))
    size, out = source.shape[2:], shape_of(node.outputs[0])[2:]
    begin, _ = auto_pads(size, kernel, op.strides, op.dilations, op.pads_begin, op.pads_end, op.auto_pad)
    spans = [(o - 1) * s + d * (k - 1) + 1 for o, s, d, k in zip(out, op.strides, op.dilations, kernel)]
    if any(b >= span for b, span in zip(begin, spans)):
        return False  # it sees nothing but pads in a dimension
    image = framed(plan, source, begin, spans)
    view = image.viewed((image.shape[0], length, *image.shape[2:]), image.strides)
    window = Window(
        image.shape[2:], out, (*kernel[:-1], 1), tuple(op.strides), (*op.dilations[:-1], 1), (0,) * len(out)
    )
    result = Convolution(view, filters, node.outputs[0], window, epilogue, 1, depth, length)
    if few:
        few_outputs.lower(plan, result)
    else:
        direct.product(plan, result, packed(plan, filters))
    return True


def framed(plan: Plan, source: Place, begin: Sequence[int], spans: Sequence[int], bits: int = 0) -> Place:
    """The part of an image that the windows see, channels-last, with a value, by default 0, where it is outside."""
    size = source.shape[2:]
    inside = all(not b and span <= n for n, b, span in zip(size, begin, spans))
    if inside and source.fits(Form.LAST) and source.pixel == source.itemsize * source.shape[1]:
        return source
    image = plan.new((*source.shape[:2], *spans), source.dtype, Form.LAST)
    sizes = [min(n, span - b) for n, b, span in zip(size, begin, spans)]
    box = emit_frame(plan, image, (0, 0, *begin), (*source.shape[:2], *sizes), bits)
    for axis, n in enumerate(sizes, 2):
        source = source.sliced(axis, 0, n)
    plan.copy(source, box)
    return image


def packed(plan: Plan, filters: Value) -> Array:
    """Panels of taps that are rows of the kernel."""
    width = plan.target.width

    def make(array: Array) -> Array:
        depth, channels, *kernel = array.shape
        rows = array.reshape(depth, channels, -1, kernel[-1]).transpose(0, 3, 1, 2)
        return pack_filters(plan, rows.reshape(1, depth, kernel[-1] * channels, -1))

    return plan.packed.of(filters, ("rows", width), make)
