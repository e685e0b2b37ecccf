"""What a convolution is to its lowerings: geometry, operands, and what follows it."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Node, Value
from ....ir.kernels.conv import auto_pads
from ....ir.record import record
from .epilogue import Epilogue as Epilogue  # for the other products
from .epilogue import epilogue_of
from .place import Form, Place
from .plan import Array, Plan, shape_of


@record(frozen=True)
class Window:
    """The geometry of a convolution over spatial dimensions."""

    size: tuple[int, ...]
    out: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]

    def table(self) -> Array:
        """[output pixels, taps]: the input pixel under each tap, -1 for padding; int32."""
        index = np.zeros((1, 1), np.int32)
        valid = np.ones((1, 1), bool)
        for axis, n in enumerate(self.size):
            at = self.under(axis).astype(np.int32)
            o, here = len(at), (at >= 0) & (at < n)
            index = (index[:, None, :, None] * n + at[None, :, None, :]).reshape(index.shape[0] * o, -1)
            valid = (valid[:, None, :, None] & here[None, :, None, :]).reshape(index.shape)
        return np.where(valid, index, np.int32(-1))

    def outer_share(self) -> float:
        """The share of the taps that are not padding, as far as all dimensions but the last tell."""
        return prod([self._share(axis) for axis in range(len(self.size) - 1) if self.out[axis] * self.kernel[axis]])

    def _share(self, axis: int) -> float:
        n, out, stride = self.size[axis], self.out[axis], self.strides[axis]
        inside = 0
        for tap in range(self.kernel[axis]):
            first = tap * self.dilations[axis] - self.pads[axis]
            inside += max(min((n - 1 - first) // stride + 1, out) - max(-(first // stride), 0), 0)
        return inside / (out * self.kernel[axis])

    def under(self, axis: int) -> Array:
        """[output pixels, taps]: the coordinate under each tap."""
        first = np.arange(self.out[axis]) * self.strides[axis] - self.pads[axis]
        return np.asarray(first[:, None] + np.arange(self.kernel[axis]) * self.dilations[axis])


@record(frozen=True)
class Convolution:
    """One convolution of f32, with what follows it.

    depth, channels    output and input channels of a group
    """

    source: Place
    filters: Value
    result: Value
    window: Window
    epilogue: Epilogue
    groups: int
    depth: int
    channels: int

    @property
    def images(self) -> int:
        return self.source.shape[0]

    @classmethod
    def of(cls, plan: Plan, node: Node) -> Convolution:
        """Reads a Region whose first node is a convolution."""
        body = node.bodies[0]
        conv = next(iter(body))
        filters = node.operand(1)
        grouped = conv.kind == "GroupConvolution"
        groups, depth, channels, *kernel = shape_of(filters) if grouped else (1, *shape_of(filters))
        op: Any = conv.op
        source = plan.read(node.operand(0), Form.LAST)
        size, out = source.shape[2:], shape_of(node.outputs[0])[2:]
        begin, _ = auto_pads(size, kernel, op.strides, op.dilations, op.pads_begin, op.pads_end, op.auto_pad)
        window = Window(size, out, tuple(kernel), tuple(op.strides), tuple(op.dilations), tuple(begin))
        return cls(source, filters, node.outputs[0], window, epilogue_of(body, node), groups, depth, channels)


def bias_panels(plan: Plan, bias: Value | None, groups: int, depth: int) -> Array:
    """[groups, panels * width], zero-padded; a bias of fewer elements is repeated."""
    width = plan.target.width
    total = -(-depth // width) * width
    if bias is None:
        return plan.packed.get(("zeros", groups * total), lambda: np.zeros(groups * total, np.float32))

    def make(array: Array) -> Array:
        out = np.zeros((groups, total), np.float32)
        whole = array.size == groups * depth  # as a rule; `resize` takes longer
        out[:, :depth] = array.reshape(groups, depth) if whole else np.resize(array, (groups, depth))
        return out

    return plan.packed.of(bias, ("bias", groups, depth, width), make)
