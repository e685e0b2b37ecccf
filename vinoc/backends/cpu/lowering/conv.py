"""What a convolution is to its lowerings: geometry, operands, and what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Node, Value
from ....ir.kernels.conv import auto_pads
from ....ir.record import record
from .epilogue import Epilogue as Epilogue  # for the other products
from .epilogue import epilogue_of
from .packed import fresh
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
        index, valid = self.placed(range(len(self.size)), [prod(self.size[k + 1 :]) for k in range(len(self.size))])
        return np.where(valid, index, -1).astype(np.int32)

    def placed(self, axes: Sequence[int], strides: Sequence[int]) -> tuple[Array, Array]:
        """[output indices of some axes, taps of these]: where the input under each tap lies; whether there is any."""
        at = [self.under(k) for k in axes]
        inside = [(a >= 0) & (a < self.size[k]) for k, a in zip(axes, at, strict=True)]
        return crossed(np.add, [a * s for a, s in zip(at, strides, strict=True)]), crossed(np.logical_and, inside)

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


def crossed(join: np.ufunc, tables: Sequence[Array]) -> Array:
    """[m, k], [n, l], ... -> [m * n * ..., k * l * ...]: rows and columns of each with those of the others."""

    def both(a: Array, b: Array) -> Array:
        return np.asarray(join(a[:, None, :, None], b[None, :, None, :])).reshape(len(a) * len(b), -1)

    return reduce(both, tables) if tables else np.full((1, 1), join.identity)


def bias_panels(plan: Plan, bias: Value | None, groups: int, depth: int) -> Array:
    """[groups, panels * width], zero-padded; a bias of fewer elements is repeated."""
    width = plan.target.width
    total = -(-depth // width) * width
    if bias is None:
        return plan.zeros(groups * total)

    def make(array: Array) -> Array:
        out = fresh((groups, total), make=np.zeros)
        whole = array.size == groups * depth  # as a rule; `resize` takes longer
        out[:, :depth] = array.reshape(groups, depth) if whole else np.resize(array, (groups, depth))
        return out

    return plan.packed.of(bias, ("bias", groups, depth, width), make)
