"""Deformable convolutions: the elements under each tap are sampled, then they are an image for a plain convolution.

taps[n, c, k, p] = mask[n, k, p] * data[n, c] at the place of tap k for output p
out = taps [N, C, kh*kw, h*w] convolved with filters [O, C/group, kh*kw, 1]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array, f32
from ...ir.graph import Node, Value
from ...ir.kernels import vision
from ...ir.op import Op, TensorOperand, op
from ...ir.types import TensorType, static_shape
from ...passes.pattern import Const, Match, OpPattern, Tracer
from ...passes.rewrite import Decline, Rewrite, rewrite

NOWHERE = -9.0
"""A place all of whose neighbours are outside of an image."""


@op(internal=True)
class ElementSample(Op):
    """data [N,C,H,W] at the places grid [N,h,w,2] of (x, y), counted in elements from 0 -> [N,C,h,w].

    Bilinear, with zeros outside: as GridSample, but for what places are.
    """

    def infer(self, data: TensorOperand, grid: TensorOperand) -> TensorType:
        (n, channels), (_, height, width) = (data.shape or ())[:2], (grid.shape or ())[:3]
        return TensorType(data.dtype, (n, channels, height, width))

    def evaluate(self, data: Array, grid: Array) -> Array:
        x, y = grid[..., 0], grid[..., 1]
        left, top = np.floor(x), np.floor(y)
        total = np.zeros((*data.shape[:2], *x.shape[1:]), data.dtype)
        for i in (0, 1):
            for j in (0, 1):
                weight = vision.tap_weight(y - top - i, "bilinear") * vision.tap_weight(x - left - j, "bilinear")
                total += vision.pick(data, top + i, left + j, False, "zeros") * weight[:, None]
        return total


@rewrite
class CpuSampleDeformed(Rewrite):
    """A deformable convolution of f32 and known shapes as samples of elements, and a convolution of these."""

    def pattern(self, p: Tracer, x: Any, offsets: Any, w: Const) -> OpPattern:
        return p.DeformableConvolution(x, offsets, w, ..., name="deformed")

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        node = m.node("deformed")
        return _written(b, node) if _is_known(node) else Decline("its shapes are not known yet, or it is not of f32")


def _is_known(node: Node) -> bool:
    values = [*node.inputs[:4], node.outputs[0]]
    known = all(v is None or (v.dtype is f32 and static_shape(v.tensor.shape) is not None) for v in values)
    sizes = [n for v in values if v is not None for n in v.shape or (0,)]
    return known and all(sizes)


def _written(b: Builder, node: Node) -> Value:
    op: Any = node.op
    data, offsets, filters = (node.operand(i) for i in range(3))
    mask = node.inputs[3] if len(node.inputs) > 3 else None
    n, channels, height, width = static_shape(data.tensor.shape) or ()
    count, depth, kh, kw = static_shape(filters.tensor.shape) or ()
    out_h, out_w = (static_shape(node.outputs[0].tensor.shape) or ())[2:]
    parts, taps, places = op.deformable_group, kh * kw, out_h * out_w
    moved = _reshaped(b, offsets, (n * parts, taps, 2, places))
    axes = []
    for axis, (size, kernel, lines) in enumerate(((height, kh, out_h), (width, kw, out_w))):
        at = np.arange(lines) * op.strides[axis] - op.pads_begin[axis]
        at = np.arange(kernel)[:, None] * op.dilations[axis] + at
        shape = (kernel, 1, lines, 1) if axis == 0 else (1, kernel, 1, lines)
        fixed = np.broadcast_to(at.reshape(shape), (kh, kw, out_h, out_w)).reshape(1, taps, places)
        place = b.Add(b.Gather(moved, np.int64(axis), np.int64(2), batch_dims=0), fixed.astype(np.float32))
        axes.append(place if op.bilinear_interpolation_pad else _limited(b, place, size))
    grid = b.Concat(*(b.Unsqueeze(place, np.array([3])) for place in reversed(axes)), axis=3)
    sampled = b.build(ElementSample(), _reshaped(b, data, (n * parts, channels // parts, height, width)), grid)
    if mask is not None:
        sampled = b.Multiply(sampled, _reshaped(b, mask, (n * parts, 1, taps, places)))
    image = _reshaped(b, sampled, (n, channels, taps, places))
    plain = {"strides": (1, 1), "pads_begin": (0, 0), "pads_end": (0, 0), "dilations": (1, 1)}
    weights = np.asarray(filters.const)
    if op.group == 1:
        out = b.Convolution(image, weights.reshape(count, depth, taps, 1), **plain)
    else:
        out = b.GroupConvolution(image, weights.reshape(op.group, -1, depth, taps, 1), **plain)
    return _reshaped(b, out, (n, count, out_h, out_w))


def _limited(b: Builder, place: Value, size: int) -> Value:
    """Places outside of the elements count as nowhere, those behind the last element as the last."""
    inside = b.LogicalAnd(b.GreaterEqual(place, np.float32(0)), b.Less(place, np.float32(size)))
    out: Value = b.Select(inside, b.Minimum(place, np.float32(size - 1)), np.float32(NOWHERE))
    return out


def _reshaped(b: Builder, value: Value, shape: tuple[int, ...]) -> Value:
    out: Value = b.Reshape(value, np.array(shape), special_zero=False)
    return out
