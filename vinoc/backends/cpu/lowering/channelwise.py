"""What works channel by channel on channels-last images: normalization by constants, reduction, local response."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ....ir.constant import Constant
from ....ir.graph import Node
from ..kernels import lrn as response
from ..kernels.base import f32_bits
from ..kernels.spatial import VECTORS, spatial
from .conv import Window
from .depthwise import pack, scaled
from .epilogue import Epilogue
from .movement import known
from .place import Form
from .plan import Array, Plan, Unfit, is_last, lowers

PART = 32
"""Pixels of a unit of LRN."""


@lowers("BatchNormInference")
def batch_norm(plan: Plan, node: Node) -> None:
    """x * scale + shift: a depthwise convolution of one tap."""
    source = plan.read(node.operand(0), Form.LAST)
    if source.dtype != np.float32:
        raise Unfit(f"there is no kernel for {source.dtype}")
    parameters = []
    for k in range(1, 5):
        value = node.operand(k)
        if type(value.op) is not Constant:
            raise Unfit(f"its input {k} is not constant")
        parameters.append(value.op.value.array.astype(np.float64))
    gamma, beta, mean, variance = parameters
    scale = gamma / np.sqrt(variance + node.op.epsilon)  # type: ignore[attr-defined]
    lanes = plan.target.lanes
    out = plan.write(node.outputs[0], Form.LAST)
    if len(source.shape) == 2:
        source, out = (replace(p, shape=(*p.shape, 1), strides=(*p.strides, p.strides[0])) for p in (source, out))
    size = source.shape[2:]
    ones, nothing = (1,) * len(size), (0,) * len(size)
    window = Window(size, size, ones, ones, ones, nothing)

    def column(values: Array) -> Array:
        return plan.packed.get(("column", lanes, values.tobytes()), lambda: pack(values.reshape(-1, 1), lanes))

    scaled(plan, out, source, window, column(scale), column(beta - mean * scale), Epilogue())


@lowers("ReduceMean", "ReduceSum", "ReduceMax", ahead=True)
def reduce_spatial(plan: Plan, node: Node) -> None:
    """Over all pixels of a channels-last image."""
    source = plan.read(node.operand(0))
    axes = sorted(a % max(len(source.shape), 1) for a in known(node, 1))
    if source.dtype != np.float32 or not is_last(source) or axes != list(range(2, len(source.shape))):
        raise Unfit("it does not reduce the pixels of a channels-last image")
    if source.size == 0 or source.shape[1] == 1:
        raise Unfit("there are no channels to reduce side by side")
    out = plan.write(node.outputs[0])
    flat = replace(out, shape=out.shape[:2], strides=out.strides[:2])
    target = flat if flat.strides[1] == 4 else plan.new(flat.shape, flat.dtype)
    images, channels, *size = source.shape
    count = prod(size) if node.kind == "ReduceMean" else 1
    blocks = -(-channels // (VECTORS * plan.target.lanes))
    plan.call(
        spatial("max" if node.kind == "ReduceMax" else "sum"),
        images * blocks,
        flops=source.size,
        input=source,
        output=target,
        lines=prod(size[:-1]),
        pixels=size[-1],
        channels=channels,
        blocks=blocks,
        count=f32_bits(count),
        scale=f32_bits(1 / count),
        in_line=source.pixel * size[-1],
        in_pixel=source.pixel,
        in_image=source.strides[0],
        out_image=target.strides[0],
    )
    if target is not flat:
        plan.copy(target, flat)


@lowers("LRN")
def local_response(plan: Plan, node: Node) -> None:
    """Over the channels."""
    op: Any = node.op
    source = plan.read(node.operand(0), Form.LAST)
    if source.dtype != np.float32 or {a % len(source.shape) for a in known(node, 1)} != {1}:
        raise Unfit("it is not over the channels of f32")
    if len(source.shape) < 3:
        raise Unfit("it has no pixels")
    out = plan.write(node.outputs[0], Form.LAST)
    target = out if out.fits(Form.LAST) else plan.new(out.shape, out.dtype, Form.LAST)
    pixels = source.shape[0] * prod(source.shape[2:])
    for place in (source, target):
        if place.shape[0] > 1 and place.strides[0] != place.pixel * prod(place.shape[2:]):
            raise Unfit("images are not evenly spaced")
    plan.call(
        response.lrn({0.5: "1/2", 0.75: "3/4", 1.0: "1"}.get(op.beta, "any")),
        -(-pixels // PART),
        flops=source.size * (op.size + 4),
        input=source,
        output=target,
        pixels=pixels,
        part=PART,
        channels=source.shape[1],
        size=op.size,
        before=(op.size - 1) // 2,
        in_pixel=source.pixel,
        out_pixel=target.pixel,
        bias=f32_bits(op.bias),
        factor=f32_bits(op.alpha / op.size),
        beta=f32_bits(op.beta),
    )
    if target is not out:
        plan.copy(target, out)
