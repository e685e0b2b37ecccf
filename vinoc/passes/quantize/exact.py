"""Biases on the grid of the sums that they are added to.

A product of quantized values gives whole multiples of a unit for each output channel:

    sum over k of (s_x * a_k) * (s_w * b_k) = (s_x * s_w) * (a whole number)

With scales of few bits f32 holds all of its partial sums, so that their order does not matter. What is added behind it
is rounded to odd multiples of half the unit. That keeps the sum exact, and off the borders between two levels, which
are multiples of a much larger power of two.
"""

from __future__ import annotations

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array, f32
from ...ir.graph import Node, Value
from ...ir.ops.elementwise import Add
from .grid import Grid
from .places import Found
from .weights import Weights, narrowed_exactly

THROUGH = frozenset({"ReLU", "PReLU", "Clamp", "MaxPool"})
"""What may stand between a product without a bias and the FakeQuantize for which it gets one."""


def align(found: Found, scales: dict[Value, Array], weights: list[tuple[Weights, Grid]], half: bool) -> set[Value]:
    """Rounds the biases behind products of quantized data; returns those that are stored with all their bits now.

    A product without a bias gets half a unit where its result is quantized. `scales`: of what FakeQuantize gives.
    `half`: what is new has fewer bits. Before the weights are stored. The end of a model, behind which nothing is
    rounded, is left alone.
    """
    aligned: set[Value] = set()
    for which, grid in weights:
        for product in which.readers:
            scale = _scale_of(product.operand(0), found, scales)
            if scale is None or product not in found.before_products:
                continue
            unit = _unit(which, grid, scale)
            made = _rounded(product, unit)
            if made is not None:
                aligned.add(made)
            elif (product.outputs[0].rank or 0) > 1 and _is_quantized(product.outputs[0], scales):
                _add_half(product, unit, half)
    return aligned


def _scale_of(value: Value, found: Found, scales: dict[Value, Array]) -> Array | None:
    """The scale of a quantized value, through what carries it."""
    while value not in scales and value.node in found.carriers:
        value = value.node.operand(0)
    return scales.get(value)


def _unit(weights: Weights, grid: Grid, data: Array) -> Array:
    """s_x * s_w for each output channel; data with a scale for each channel are those of depthwise convolutions."""
    of_weights = grid.scale.reshape(-1)
    if data.ndim and data.size > 1:
        return np.repeat(data.reshape(-1), of_weights.size // data.size) * of_weights
    return np.asarray(float(data.reshape(-1)[0]) * of_weights)


def _is_quantized(value: Value, scales: dict[Value, Array]) -> bool:
    """Whether a value is read by a FakeQuantize that was inserted, or by one behind what limits or scales it."""
    while value.n_uses == 1:
        node = next(value.users, None)
        if node is None:
            return False
        if node.outputs[0] in scales:
            return True
        if node.kind not in THROUGH:
            return False
        value = node.outputs[0]
    return False


def _add_half(product: Node, unit: Array, half: bool) -> None:
    """Adds half a unit to each channel; `half`: stored in fewer bits, where these hold it exactly."""
    graph, value = product.graph, product.outputs[0]
    assert graph is not None
    assert value.rank is not None
    behind = 0 if product.kind == "MatMul" else value.rank - 2
    b = Builder(graph, before=product.next)
    term = b.const(unit.reshape(1, -1, *[1] * behind) / 2, f32)
    readers = list(value.uses)
    made = b.node(Add(), value, narrowed_exactly(term) if half else term)
    made.loc = product.loc
    for reader, port in readers:
        if isinstance(reader, Node):
            graph.set_input(reader, port, made.outputs[0])


def _rounded(product: Node, unit: Array) -> Value | None:
    """Puts (round(bias / unit - 1/2) + 1/2) * unit in place of the bias of a product, where it has one."""
    value = product.outputs[0]
    uses = list(value.uses)
    reader, port = uses[0]
    if len(uses) != 1 or not isinstance(reader, Node) or reader.kind != "Add":
        return None
    bias = reader.operand(1 - port)
    array = bias.const
    if array is None or bias.dtype is not f32 or array.size != unit.size:
        return None
    unit = unit.reshape(array.shape)
    steps = np.rint(array / unit - 0.5) + 0.5
    return _put(reader, 1 - port, steps * unit)


def _put(reader: Node, port: int, numbers: Array) -> Value:
    """Puts a constant of f32 in place of another that a node reads."""
    graph, old = reader.graph, reader.operand(port)
    assert graph is not None
    made = Builder(graph, before=reader).const(numbers.astype(np.float32), name=old.name)
    graph.set_input(reader, port, made)
    if not old.n_uses and old.node is not None:
        graph.erase(old.node)
    return made
