"""Transposed convolutions, by the phases of their strides.

Output pixels whose place, counted with the pads, leaves one remainder by the stride see one set of taps, and one
step between them is one step in the input: each phase is a convolution of stride 1 with a part of the filter, turned
round. Phases are computed one after the other and dealt out to the result, or together (see subpixel).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product as combinations
from math import gcd
from typing import Any

import numpy as np

from ....ir.graph import Graph, Node
from ....ir.kernels.conv import backprop_window
from . import direct, subpixel
from .conv import Convolution, Window
from .depthwise import bias_of, scaled
from .depthwise import pack as pack_depthwise
from .epilogue import Epilogue, epilogue_of
from .panels import pack_filters
from .place import Form, Place
from .plan import Array, Plan, shape_of


def lower(plan: Plan, node: Node) -> None:
    """One transposed convolution with what follows it."""
    conv = next(iter(node.bodies[0]))
    op: Any = conv.op
    grouped = conv.kind == "GroupConvolutionBackpropData"
    shape = shape_of(node.operand(1))
    groups, channels, depth, *kernel = shape if grouped else (1, *shape)
    source = plan.read(node.operand(0), Form.LAST)
    out = plan.write(node.outputs[0], Form.LAST)
    size, result = source.shape[2:], out.shape[2:]
    begin = op.pads_begin  # see with_explicit_pads
    epilogue = epilogue_of(node.bodies[0], node)
    if groups == 1 and set(op.dilations) == {1} and out.size:
        merged = [m for part in zip(size, result, kernel, op.strides, begin) if (m := subpixel.axis(*part))]
        if len(merged) == len(size) and subpixel.suits(plan, depth, merged):
            return subpixel.lower(plan, source, node.operand(1), node.outputs[0], out, merged, epilogue)
    axes = [phases(n, o, k, s, d, b) for n, o, k, s, d, b in zip(size, result, kernel, op.strides, op.dilations, begin)]
    for parts in combinations(*axes):
        _phase(plan, node, source, out, parts, epilogue, (groups, channels, depth))
    return None


def with_explicit_pads(graph: Graph, node: Node) -> Node:
    """The node, or one in its place that says by pads alone what `auto_pad` and the operand `output_shape` say."""
    op: Any = node.op
    wanted = len(node.inputs) > 2 and node.inputs[2] is not None
    if op.auto_pad == "explicit" and not wanted:
        return node
    lead = 3 if node.kind.startswith("Group") else 2
    size, kernel = shape_of(node.operand(0))[2:], shape_of(node.operand(1))[lead:]
    out = shape_of(node.outputs[0])[2:]
    full = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(size, op.strides, op.dilations, kernel)]
    extra = tuple(op.output_padding) or (0,) * len(full)
    begin, _ = backprop_window(
        full, np.asarray(out) if wanted else None, op.pads_begin, op.pads_end, extra, op.auto_pad
    )
    over = [f - b - o for f, b, o in zip(full, begin, out)]
    explicit = replace(
        op, auto_pad="explicit", pads_begin=tuple(begin), pads_end=tuple([max(n, 0) for n in over]),
        output_padding=tuple([max(-n, 0) for n in over]),
    )  # fmt: skip
    made = graph.insert(explicit, node.inputs[:2], before=node, loc=node.loc)
    made.outputs[0].name = node.outputs[0].name
    graph.replace_uses(node.outputs[0], made.outputs[0])
    graph.erase(node)
    return made


Phase = tuple[int, int, int, tuple[int, ...], Window]
"""First output, step, number of outputs, taps of the filter, and the window of one dimension."""


def phases(size: int, out: int, kernel: int, stride: int, dilation: int, begin: int) -> list[Phase]:
    """The phases of one dimension. Output o sees input (o + begin - k * dilation) / stride under tap k."""
    found = []
    for first in range(min(stride, out)):
        taps = [k for k in range(kernel) if (first + begin - k * dilation) % stride == 0][::-1]
        count = -(-(out - first) // stride)
        step = dilation // gcd(stride, dilation)
        start = (first + begin - taps[0] * dilation) // stride if taps else 0
        window = Window((size,), (count,), (len(taps),), (1,), (step,), (-start,))
        found.append((first, stride, count, tuple(taps), window))
    return found


def _phase(
    plan: Plan, node: Node, source: Place, out: Place, parts: tuple[Phase, ...], epilogue: Epilogue,
    sizes: tuple[int, int, int],
) -> None:  # fmt: skip
    groups, channels, depth = sizes
    filters = node.operand(1)
    target = out
    for axis, (first, step, count, _, _) in enumerate(parts, 2):
        target = target.sliced(axis, first, count, step)
    whole = target.fits(Form.LAST)
    place = target if whole else plan.new(target.shape, target.dtype, Form.LAST)
    fields = ("size", "out", "kernel", "strides", "dilations", "pads")
    window = Window(**{f: tuple([getattr(p[4], f)[0] for p in parts]) for f in fields})
    taps = tuple([p[3] for p in parts])
    if groups > 1 and depth == channels == 1:
        lanes = plan.target.lanes
        weights = plan.packed.of(
            filters,
            ("depthwise", lanes, taps),
            lambda array: pack_depthwise(chosen(array, sizes, taps).reshape(groups, -1), lanes),
        )
        scaled(plan, place, source, window, weights, bias_of(plan, epilogue.bias, groups), epilogue)
    else:
        width = plan.target.width
        weights = plan.packed.of(
            filters, ("panels", width, taps), lambda array: pack_filters(plan, chosen(array, sizes, taps))
        )
        conv = Convolution(source, filters, node.outputs[0], window, epilogue, groups, depth, channels)
        direct.product(plan, conv, weights, place)
    if not whole:
        plan.copy(place, target)


def chosen(filters: Array, sizes: tuple[int, int, int], taps: tuple[tuple[int, ...], ...]) -> Array:
    """[groups, depth, channels, taps] of the taps of one phase."""
    groups, channels, depth = sizes
    array = filters.reshape(groups, channels, depth, *filters.shape[-len(taps) :])
    for axis, which in enumerate(taps, 3):
        array = np.take(array, np.array(which, np.int64), axis)
    return np.swapaxes(array, 1, 2).reshape(groups, depth, channels, -1)
