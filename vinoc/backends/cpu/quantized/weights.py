"""Weights of few bits as integers: what `(Convert(q) - zero) * scale` and FakeQuantize of integers stand for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....ir.constant import Constant
from ....ir.dtype import Array
from ....ir.graph import Node, Value
from ....ir.record import record
from .grid import grid_of

MOVES = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Transpose"})


@record(frozen=True)
class Integers:
    """weights = levels * scale. `levels` are i8, `scale` f64 broadcasts to them; `constant` holds just these levels."""

    levels: Array
    scale: Array
    constant: Value | None


def integers_of(value: Value) -> Integers | str:
    """The integers that weights are made of, or why they are none that fit into i8."""
    node = value.node
    if node is None:
        return "its weights are computed"
    if node.kind == "Convert":
        return _stored(node.operand(0))
    if node.kind == "Multiply":
        return _scaled(node)
    if node.kind == "Subtract":
        return _shifted(node)
    if node.kind in MOVES:
        return _moved(node)
    if node.kind == "FakeQuantize":
        return _faked(node)
    return "its weights are no integers" if type(node.op) is Constant else "its weights are computed"


def by_channel(found: Integers, axes: tuple[int, ...]) -> Array | None:
    """The scale for each output channel, whose axes are given: [channels], or [1]; None where it changes inside."""
    if found.scale.size == 1:
        return found.scale.reshape(1)
    scale = found.scale.reshape((1,) * (found.levels.ndim - found.scale.ndim) + found.scale.shape)
    if any(n > 1 and k not in axes for k, n in enumerate(scale.shape)):
        return None
    shape = tuple(n if k in axes else 1 for k, n in enumerate(found.levels.shape))
    return np.broadcast_to(scale, shape).reshape(-1)


def _stored(source: Value) -> Integers | str:
    array = source.const
    if array is None or not source.dtype.is_integer or source.dtype.bits > 8:
        return "its weights are no integers of eight bits"
    return _within(array, np.ones(()), source)


def _within(levels: Array, scale: Array, constant: Value | None) -> Integers | str:
    """The same, once i8 holds the levels. u8 with a zero point of 128 gets here by way of `_shifted`."""
    if levels.dtype == np.int8:
        return Integers(levels, scale, constant)
    if levels.size and (levels.min() < -128 or levels.max() > 127):
        return "its weights with their zero points do not fit into i8"
    return Integers(levels.astype(np.int8), scale, None)


def _scaled(node: Node) -> Integers | str:
    why = "its weights are computed"
    for data, factor in ((0, 1), (1, 0)):
        number = _number(node.operand(factor))
        if number is None or _is_constant(node.operand(data)):
            continue
        found = integers_of(node.operand(data))
        if isinstance(found, str):
            why = found
        elif node.outputs[0].shape != found.levels.shape:
            why = "the scale of its weights has more elements than they"
        else:
            return replace(found, scale=found.scale * number.astype(np.float64))
    return why


def _shifted(node: Node) -> Integers | str:
    """(q - zero): the zero points are whole numbers, scales come later."""
    source, zero = node.operand(0), _number(node.operand(1))
    inner = source.node
    if zero is None or inner is None or inner.kind != "Convert" or not inner.operand(0).dtype.is_integer:
        return "the zero points of its weights are computed"
    array = inner.operand(0).const
    if array is None or inner.operand(0).dtype.bits > 8 or (zero != np.rint(zero)).any():
        return "its weights are no integers of eight bits"
    if not zero.any():
        return _stored(inner.operand(0))
    levels = array.astype(np.int16) - zero.astype(np.int16)
    return _within(levels, np.ones(()), None) if levels.shape == array.shape else "its zero points widen the weights"


def _moved(node: Node) -> Integers | str:
    found = integers_of(node.operand(0))
    if isinstance(found, str):
        return found
    rest = [None if v is None else v.const for v in node.inputs[1:]]
    scale = found.scale
    if scale.size > 1:
        full = np.broadcast_to(scale, found.levels.shape)
        scale = np.asarray(node.op.evaluate(np.ascontiguousarray(full), *rest))
    levels = np.ascontiguousarray(node.op.evaluate(found.levels, *rest))
    return Integers(levels, _narrowed(scale), None)


def _narrowed(scale: Array) -> Array:
    """Dimensions along which nothing changes have one element."""
    for axis, n in enumerate(scale.shape):
        first = scale.take([0], axis)
        if n > 1 and (scale == first).all():
            scale = first
    return scale


def _faked(node: Node) -> Integers | str:
    """FakeQuantize whose output grid has zero: of integers, or of floats, which it rounds."""
    grid, data = grid_of(node), _number(node.operand(0))
    if isinstance(grid, str):
        return f"the FakeQuantize of its weights: {grid}"
    if data is None:
        return "its weights are computed"
    low, high = (np.asarray(node.operand(k).const, np.float64) for k in (1, 2))
    level = np.rint((data.astype(np.float64) - low) / (high - low) * (grid.levels - 1))
    counted = np.clip(level, 0, grid.levels - 1) - grid.target.zero
    if counted.shape != data.shape:
        return "the limits of its weights have more elements than they"
    return _within(counted, np.asarray(grid.target.scale, np.float64), None)


def _is_constant(value: Value) -> bool:
    return type(value.op) is Constant


def _number(value: Value) -> Array | None:
    """A constant, or one that is only converted."""
    node = value.node
    if value.const is not None:
        return value.const
    if node is not None and node.kind == "Convert" and node.operand(0).const is not None:
        return np.asarray(node.operand(0).const).astype(value.dtype.numpy)
    return None
