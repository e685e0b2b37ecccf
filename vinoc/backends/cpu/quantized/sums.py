"""Products of integers whose sums are the result (ONNX's MatMulInteger and ConvInteger), by the kernels of bytes.

    sum of (a - za)(w - zw) = S(a, w) - zw S(a, 1) - za S(1, w - zw)

where S sums products of u8 and i8, pads being 0: all modulo 2^32. Weights less their zero point are i8 as a rule, and a
zero point of the data that is known is the kernel's: then S(a, w) alone is left. What has computed weights is a product
of floats, in parts whose sums f32 holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import Array, i8, i32, u8
from ....ir.graph import Node, Value
from ....ir.kernels.conv import group_convolution
from ....ir.kernels.integer import wrapped
from ....ir.ops.movement import VariadicSplit
from ....ir.types import static_shape
from ....passes.integers import centred
from . import ops

PART = 256
"""Terms of a sum of products of two numbers up to 255: f32 holds those below 2^24."""

SHIFT = 128
"""Between i8 and u8."""


def rewritten(b: Builder, node: Node) -> Value | None:
    """What an IntegerMatMul or IntegerConvolution becomes; None where its weights are computed, or more has to be known
    of the shapes."""
    return _by_bytes(b, node) or _by_floats(b, node)


# By the kernels of bytes


def _by_bytes(b: Builder, node: Node) -> Value | None:
    """By the kernels; None where they have nothing for it: computed weights, or a zero point within a sum."""
    found = _levels(node)
    if found is None:
        return None
    weights, shift = found
    product: Any = _Rows(node) if node.kind == "IntegerMatMul" else _Windows(node)
    if not product.has_sizes():
        return None
    data, zero, known = _bytes(b, node.operand(0), node.operand(2))
    result: Value = product.sums(b, data, known, weights)
    if shift.any():
        ones: Value = product.sums(b, data, known, product.ones(weights))
        result = b.Subtract(result, b.Multiply(ones, b.const(product.by_channel(shift))))
    if zero is not None:
        result = b.Subtract(result, b.Multiply(zero, b.const(product.of_ones(weights - shift))))
    return result


def _levels(node: Node) -> tuple[Array, Array] | None:
    """Weights as i8, and what is to be taken off them, i32 for each channel or one."""
    array, zero = node.operand(1).const, node.operand(3).const
    axis = -1 if node.kind == "IntegerMatMul" else 0
    if array is None or zero is None or not array.size or array.ndim < 2:
        return None
    if axis == -1 and (array.ndim != 2 or node.operand(0).rank == 1 or not _is_by_row(node.operand(2))):
        return None
    whole = array.astype(np.int32) - zero.astype(np.int32)
    if whole.min() >= -SHIFT and whole.max() < SHIFT:
        return whole.astype(np.int8), np.zeros(1, np.int32)
    if zero.size != 1 and zero.size != zero.shape[axis]:
        return None
    shift = SHIFT if array.dtype == np.uint8 else 0
    return (array.astype(np.int32) - shift).astype(np.int8), zero.astype(np.int32) - shift


def _is_by_row(zero: Value) -> bool:
    """Whether a zero point is the same along the sum."""
    return zero.shape is not None and (not zero.shape or zero.shape[-1] == 1)


def _bytes(b: Builder, data: Value, zero: Value) -> tuple[Value, Value | None, float]:
    """Data as u8; their zero point as i32 where it is to be taken off behind; as a number where the kernel does."""
    shift = SHIFT if data.dtype is i8 else 0
    if shift:
        data = b.Convert(b.Add(b.Convert(data, destination_type=i32), np.int32(shift)), destination_type=u8)
    if zero.const is not None and zero.const.size == 1:
        return data, None, float(zero.const.reshape(-1)[0]) + shift
    whole: Value = b.Convert(zero, destination_type=i32)
    return data, b.Add(whole, np.int32(shift)) if shift else whole, 0.0


@dataclass(frozen=True)
class _Rows:
    """Of a matrix [k, n]."""

    node: Node

    def has_sizes(self) -> bool:
        """Whether enough is known of the data."""
        return self.node.operand(0).rank is not None

    def sums(self, b: Builder, data: Value, zero: float, weights: Array) -> Value:
        return b.build(ops.ByteMatMul(), data, b.const(np.float32(zero)), b.const(weights))

    def ones(self, weights: Array) -> Array:
        """Weights that sum the data up."""
        return np.ones((len(weights), 1), np.int8)

    def by_channel(self, numbers: Array) -> Array:
        return numbers.reshape(-1)

    def of_ones(self, weights: Array) -> Array:
        """What data of ones give."""
        return wrapped(weights.sum(axis=0, dtype=np.int64))


@dataclass(frozen=True)
class _Windows:
    """Of filters [G*O, I, *kernel]."""

    node: Node

    def has_sizes(self) -> bool:
        """Whether enough is known of the data: pads are to be told from a zero point that is computed."""
        op: Any = self.node.op
        return (
            not _is_padded(op) or self.node.operand(2).is_const or static_shape(self.node.operand(0).shape) is not None
        )

    def sums(self, b: Builder, data: Value, zero: float, weights: Array) -> Value:
        op: Any = self.node.op
        split = weights.reshape(op.groups, len(weights) // op.groups, *weights.shape[1:])
        return b.build(ops.ByteConvolution(*op.geometry), data, b.const(np.float32(zero)), b.const(split))

    def ones(self, weights: Array) -> Array:
        """Filters that sum windows up; one for all channels where there are no groups."""
        op: Any = self.node.op
        return np.ones_like(weights[:1] if op.groups == 1 else weights)

    def by_channel(self, numbers: Array) -> Array:
        return numbers.reshape(-1, *[1] * len(self.node.op.strides))  # type: ignore[attr-defined]

    def of_ones(self, weights: Array) -> Array:
        """What data of ones give: [channels, 1...], with pads [channels, *out], where windows reach over the border."""
        op: Any = self.node.op
        summed = weights.sum(axis=1, dtype=np.int64)
        size = static_shape(self.node.operand(0).shape)
        if size is None or not _is_padded(op):
            return wrapped(self.by_channel(summed.reshape(len(summed), -1).sum(axis=1)))
        ones, filters = np.ones((1, 1, *size[2:])), summed[None, :, None].astype(np.float64)
        geometry = op.strides, op.dilations, op.pads_begin, op.pads_end, op.auto_pad
        return wrapped(group_convolution(ones, filters, *geometry)[0])


def _is_padded(op: Any) -> bool:
    return any((*op.pads_begin, *op.pads_end)) if op.auto_pad == "explicit" else op.auto_pad != "valid"


# By floats


def _by_floats(b: Builder, node: Node) -> Value | None:
    """A matrix product in parts; None where the matrix is known: forms for such ones round sums."""
    if node.kind != "IntegerMatMul":
        return None
    left, right = (centred(b, node.operand(k), node.operand(k + 2)) for k in (0, 1))
    if right.is_const:
        return None

    def whole(x: Value, y: Value) -> Value:
        sums: Value = b.Convert(b.MatMul(x, y), destination_type=i32)
        return sums

    depth = left.shape[-1] if left.shape is not None else None
    if not isinstance(depth, int):
        return None
    if depth <= PART:
        return whole(left, right)
    lengths = [min(PART, depth - k) for k in range(0, depth, PART)]
    axes = -1, -2 if (right.rank or 0) > 1 else -1
    split = VariadicSplit()
    parts = [b.outputs(split, v, b.const(axis), b.const(np.array(lengths))) for v, axis in zip((left, right), axes)]
    return reduce(b.Add, map(whole, *parts))
