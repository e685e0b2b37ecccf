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
from ....ir.graph import Graph, Node, Value
from ....ir.kernels.conv import auto_pads, group_convolution
from ....ir.kernels.integer import wrapped
from ....ir.ops.movement import VariadicSplit
from ....passes.base import Context, Pass, graph_pass
from ....passes.integers import centred
from ....passes.rewrite import erase_dead
from ..lowering.plan import shape_of
from . import ops
from .lower import INTEGER_PRODUCTS

PART = 256
"""Terms of a sum of products of two numbers up to 255: f32 holds those below 2^24."""

SHIFT = 128
"""Between i8 and u8."""


@graph_pass("cpu-integer-sums")
class CpuIntegerSums(Pass):
    """IntegerMatMul and IntegerConvolution become products of u8 and constant i8; or of floats, in exact parts."""

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in graph:
            if node.kind not in INTEGER_PRODUCTS:
                continue
            b = Builder(graph, before=node, loc=node.loc, fold=True)
            made = _by_bytes(b, node) or _by_floats(b, node)
            if made is None:
                context.decline(self.name, node.where, "its weights are computed")
                continue
            made.name = made.name or node.outputs[0].name
            graph.replace_uses(node.outputs[0], made)
            erase_dead(graph, [node])
            context.matches[self.name] += 1
            count += 1
        return count


# By the kernels of bytes


def _by_bytes(b: Builder, node: Node) -> Value | None:
    """By the kernels; None where they have nothing for it: computed weights, or a zero point within a sum."""
    found = _levels(node)
    if found is None:
        return None
    weights, shift = found
    product: Any = _Rows(node) if node.kind == "IntegerMatMul" else _Windows(node)
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

    def sums(self, b: Builder, data: Value, zero: float, weights: Array) -> Value:
        op: Any = self.node.op
        split = weights.reshape(op.groups, len(weights) // op.groups, *weights.shape[1:])
        return b.build(ops.ByteConvolution(*op.geometry), data, b.const(np.float32(zero)), b.const(split))

    def ones(self, weights: Array) -> Array:
        """Filters that sum windows up; one for all channels where there are no groups."""
        op: Any = self.node.op
        return np.ones_like(weights[:1] if op.groups == 1 else weights)

    def by_channel(self, numbers: Array) -> Array:
        return numbers.reshape(-1, *[1] * ((self.node.operand(0).rank or 2) - 2))

    def of_ones(self, weights: Array) -> Array:
        """What data of ones give: [channels, 1...], with pads [channels, *out], where windows reach over the border."""
        op: Any = self.node.op
        size = shape_of(self.node.operand(0))[2:]
        begin, end = auto_pads(
            size, weights.shape[2:], op.strides, op.dilations, op.pads_begin, op.pads_end, op.auto_pad
        )
        summed = weights.sum(axis=1, dtype=np.int64)
        if not any(begin) and not any(end):
            return wrapped(self.by_channel(summed.reshape(len(summed), -1).sum(axis=1)))
        whole = group_convolution(
            np.ones((1, 1, *size)),
            summed[None, :, None].astype(np.float64),
            op.strides,
            op.dilations,
            begin,
            end,
            "explicit",
        )
        return wrapped(whole[0])


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

    depth = shape_of(left)[-1]
    if depth <= PART:
        return whole(left, right)
    lengths = [min(PART, depth - k) for k in range(0, depth, PART)]
    axes = -1, -2 if (right.rank or 0) > 1 else -1
    split = VariadicSplit()
    parts = [b.outputs(split, v, b.const(axis), b.const(np.array(lengths))) for v, axis in zip((left, right), axes)]
    return reduce(b.Add, map(whole, *parts))
