"""What is done to images before the first convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array, DType, f32
from ...ir.graph import Graph, Node, Value
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from ..sink_transposes import COLORS

_LAYING = COLORS | {
    "Gather", "Slice", "StridedSlice", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Interpolate", "Pad",
}  # fmt: skip
_ELEMENTWISE = frozenset({"Convert", "Add", "Subtract", "Multiply", "Divide"})


def is_image(value: Value) -> bool:
    """Whether integers are the user's own numbers, laid otherwise at most: then a mean and a scale behind them are
    those of an image. Other integers are quantized values, whose zero point and scale stay where they are."""
    while isinstance(value.owner, Node):
        node = value.owner
        if node.kind not in _LAYING and node.kind not in _ELEMENTWISE:
            return False
        value = node.operand(0)
    return isinstance(value.owner, Graph)


@rewrite
class SinkChannelOrder(Rewrite):
    """f(Gather(x, order; axis 1), c) = Gather(f(x, c'), order), c' in the order of x; f is +, -, *, / or a Convert.

    Where a convolution comes in the end, whose filters take the order: BGR to RGB behind a mean and a scale.
    """

    def pattern(self, p: Tracer, x: Any, order: Const, axis: Const, c: Const) -> tuple[OpPattern, ...]:
        pick = p.Gather(x, order, axis)
        return p.one_of("Add", "Subtract", "Multiply", "Divide", name="f")(pick, c), p.Convert(pick, name="f")

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        node, x = m.node("f"), m.x
        if not _ends_in_convolution(node.output) or node.output.shape != m.node("Gather").output.shape:
            return None
        if x.rank is None or int(m.axis.reshape(-1)[0]) % x.rank != 1 or m.order.ndim != 1 or m.Gather.batch_dims:
            return Decline("it does not pick channels")
        order = m.order % len(m.order)
        if x.shape[1] != len(order) or sorted(order.tolist()) != list(range(len(order))):
            return Decline("it does not take every channel once")
        operands = [x, *([b.const(_reordered(m.c, np.argsort(order), x.rank))] if m.has("c") else [])]
        return b.build(m.Gather, b.build(node.op, *operands), m.value("order"), m.value("axis"))


def _ends_in_convolution(value: Value) -> bool:
    """Whether all that happens to a value, up to a convolution's data, goes element by element."""
    while True:
        uses = list(value.uses)
        node, port = uses[0] if len(uses) == 1 else (None, 0)
        if not isinstance(node, Node) or port:
            return False
        if node.kind == "Convolution":
            return True
        if node.kind not in _ELEMENTWISE:
            return False
        value = node.output


def _reordered(c: Array, order: Array, rank: int) -> Array:
    """A constant with its channels, where it has several, in another order."""
    at = c.ndim - rank + 1
    return c if at < 0 or c.shape[at] == 1 else np.ascontiguousarray(np.take(c, order, at))


@rewrite
class ResizeInFloats(Rewrite):
    """Interpolate(x) = Convert(Clamp(Round(Interpolate(Convert(x; f32))))) for x of small integers.

    Processors weigh floats. In Pillow's modes, which round behind each axis, the last axis goes first.
    """

    def pattern(self, p: Tracer, x: Any, sizes: Any, axes: Const) -> OpPattern:
        return p.Interpolate(x, sizes, axes)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        op, dtype = m.Interpolate, m.x.dtype
        if not dtype.is_integer or op.mode == "nearest":
            return None
        if dtype.bits > 16:
            return Decline(f"{dtype} holds more than f32 does")
        pillow, sizes = op.mode.endswith("_pillow"), m.value("sizes").const
        if pillow and (sizes is None or op.shape_calculation_mode != "sizes" or any(op.pads_begin + op.pads_end)):
            return Decline("its axes cannot be told apart: it takes scales, computed sizes or pads")
        x = b.Convert(m.x, destination_type=f32)
        if not pillow or sizes is None:
            x = _rounded(b, b.build(op, x, m.sizes, m.value("axes")), dtype)
        else:
            for axis, size in sorted(zip(m.axes % x.rank, sizes, strict=True), reverse=True):
                x = _rounded(b, b.build(op, x, np.array([size]), np.array([axis])), dtype)
        return b.Convert(x, destination_type=dtype)


def _rounded(b: Builder, x: Value, dtype: DType) -> Value:
    """Whole numbers that the type holds."""
    limits = np.iinfo(dtype.numpy)
    return b.Clamp(b.Round(x, mode="half_to_even"), min=float(limits.min), max=float(limits.max))
