"""What follows a convolution, computed with it: bias, residual, activation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir.buffer import Buffer
from ...ir.constant import Constant
from ...ir.dtype import Array, f32
from ...ir.graph import Graph, Node, Value
from ...ir.loc import fuse
from ...passes.rules.channels import per_channel
from .chains import only_user
from .ops import (
    BiasedConvolution,
    BiasedGroupConvolution,
    DepthwiseConvolution,
    TransposedConvolution,
    WinogradConvolution,
)


def attributes(node: Node) -> dict[str, Any]:
    """The attributes of a node's operation by name."""
    return {a.name: value for a, value in node.op.attributes()}


def is_image(node: Node) -> bool:
    """True for f32 data with one spatial dimension or two."""
    data = node.operand(0)
    return data.dtype is f32 and data.rank in (3, 4)


def has_loops(node: Node) -> bool:
    """True for a convolution that can be written as loops."""
    sizes = node.operand(1).shape
    known = sizes is not None and all(isinstance(d, int) and d > 0 for d in sizes)
    return is_image(node) and known and (not _is_transposed(node) or len(node.inputs) == 2)


def _is_transposed(node: Node) -> bool:
    return node.kind == "ConvolutionBackpropData"


def with_ending(graph: Graph, node: Node) -> None:
    """A convolution with what follows it: Add of a constant for each channel, Add of a value of its shape, activation.

    Each may be missing; a transposed convolution takes no value of its shape.
    All is computed where the last of them stood, since only there all operands are known.
    """
    taken, low, high = [node], -math.inf, math.inf
    sizes = node.operand(1).shape
    out = node.outputs[0]
    assert sizes is not None
    channels = int(str(sizes[1 if _is_transposed(node) else 0]))
    channels *= int(str(sizes[1])) if node.kind == "GroupConvolution" else 1
    bias, name = np.zeros(channels, np.float32), ""
    residual: Value | None = None
    slopes: Array | None = None
    user = only_user(node)
    if (
        user is not None
        and (added := _added(user, node)) is not None
        and (found := _row(added, out, channels)) is not None
    ):
        bias, name = found, added.name
        taken.append(user)
        user = only_user(user)
    if (
        user is not None
        and not _is_transposed(node)
        and (added := _added(user, taken[-1])) is not None
        and added.type == out.type
    ):
        residual = _without_pads(added)
        taken.append(user)
        user = only_user(user)
    if user is not None and user.kind == "PReLU" and user.operand(0) is taken[-1].outputs[0]:
        slopes = _slopes(user, out, channels)
        taken += [user] if slopes is not None else []
    elif user is not None and user.kind in ("ReLU", "Clamp"):
        low, high = (0.0, math.inf) if user.kind == "ReLU" else (user.op.min, user.op.max)  # type: ignore[attr-defined]
        taken.append(user)
    inputs = [*node.inputs[:2], _constant(graph, taken[-1], bias, name)]
    if not _is_transposed(node) and (residual is not None or slopes is not None):
        inputs.append(residual)
    if slopes is not None:
        inputs.append(_constant(graph, taken[-1], slopes, user.operand(1).name if user is not None else ""))
    more = {"kernel": tuple(int(str(k)) for k in sizes[2:])} if _is_transposed(node) else {}
    replace(graph, taken, _kind(node)(**attributes(node), **more, low=low, high=high), inputs)


def _kind(node: Node) -> type[Any]:
    sizes = node.operand(1).shape
    if _is_transposed(node):
        return TransposedConvolution
    if node.kind == "Convolution" or sizes is None:
        return WinogradConvolution if _winograd_pays(node) else BiasedConvolution
    return DepthwiseConvolution if sizes[2] == 1 else BiasedGroupConvolution


def _winograd_pays(node: Node) -> bool:
    """By measurement: from 4x4 tiles on, with 8 channels at least on each side.

    Sizes that are not known are taken as large where the filters, four times larger then, are still small.
    """
    filters, out = node.operand(1), node.outputs[0].shape
    if not filters.is_const or filters.shape is None or filters.shape[2:] != (3, 3) or out is None:
        return False
    if any(s != 1 for s in (*node.op.strides, *node.op.dilations)):  # type: ignore[attr-defined]
        return False
    channels, depth = (int(str(n)) for n in filters.shape[:2])
    if min(channels, depth) < 8:
        return False
    if not all(isinstance(n, int) for n in out[2:]):
        return channels * depth <= 1 << 16
    return math.prod(-(-int(str(n)) // 4) for n in out[2:]) >= 16


def _added(add: Node, node: Node) -> Value | None:
    """What an Add adds to a node's output without changing its type."""
    out = node.outputs[0]
    if add.kind != "Add" or getattr(add.op, "auto_broadcast", "numpy") != "numpy" or add.outputs[0].type != out.type:
        return None
    other = add.operand(1) if add.operand(0) is out else add.operand(0)
    return None if other is out else other


def _without_pads(value: Value) -> Value:
    """What a Pad gets that only puts channels of zeros behind those of its data: a convolution adds nothing to them."""
    pad = value.node
    if pad is None or pad.kind not in ("Pad", "PaddedPlain") or pad.op.pad_mode != "constant":  # type: ignore[attr-defined]
        return value
    begin, end, *number = [v.const if v is not None and v.is_const else None for v in pad.inputs[1:]]
    if begin is None or end is None or begin.any() or not end[1] > 0 or end[[0, *range(2, len(end))]].any():
        return value
    nothing = not number or (number[0] is not None and not number[0].any())
    return pad.operand(0) if nothing else value


def _row(value: Value, out: Value, channels: int) -> Array | None:
    """A constant as one number for each channel."""
    constant = value.const if value.is_const and value.dtype is f32 else None
    return None if constant is None else per_channel(constant, out.rank or 0, channels)


def _slopes(prelu: Node, out: Value, channels: int) -> Array | None:
    """The slopes of a PReLU; as many numbers as there are channels are one for each."""
    value = prelu.operand(1)
    if value.is_const and value.dtype is f32 and value.shape == (channels,):
        return value.const
    return _row(value, out, channels)


def _constant(graph: Graph, before: Node, array: Array, name: str) -> Value:
    return graph.insert(Constant(Buffer.of(np.ascontiguousarray(array), f32)), (), before=before, name=name).output


def replace(graph: Graph, taken: Sequence[Node], op: Any, inputs: Sequence[Value | None] | None = None) -> None:
    """One node in place of several that follow each other, where the last stood."""
    first, last = taken[0], taken[-1]
    loc = fuse((n.loc for n in taken), "numba-loops") if len(taken) > 1 else first.loc
    made = graph.insert(op, inputs or list(first.inputs), before=last, loc=loc)
    made.outputs[0].name = last.outputs[0].name
    graph.replace_uses(last.outputs[0], made.outputs[0])
    for old in reversed(taken):
        graph.erase(old)


def replace_all(graph: Graph, node: Node, op: Any, inputs: Sequence[Value | None]) -> None:
    """One node in place of another that has the same outputs."""
    made = graph.insert(op, inputs, before=node, loc=node.loc)
    for old, new in zip(node.outputs, made.outputs):
        new.name = old.name
        graph.replace_uses(old, new)
    graph.erase(node)
