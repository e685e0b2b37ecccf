"""Interpolation of images: tables of taps for each axis, from the reference's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Graph, Node
from ....ir.kernels import resize as rules
from ..kernels.base import f32_bits
from ..kernels.resample import resample
from ..quantized.int8 import is_scalar
from ..region import extract
from .integer_epilogue import Grid, grid_within
from .pad import emit_frame, emit_gather
from .place import Form, Place
from .plan import Array, Plan, Unfit, lowers, shape_of

PART = 64
"""Pixels of a unit."""

FEW = 8
"""Fewer channels than this make short vectors: the other image axis takes their place."""

Taps = tuple[Array, Array]
"""Indices and weights, [size of the result, taps]."""


QUANTIZED = "resample_quantize"


def quantized_resample(graph: Graph, node: Node) -> str:
    """Puts an enlargement of channels-last images by weighted sums into a region with the Quantize that follows it, if
    nothing else does; returns the kernel's name."""
    op: Any = node.op
    source, value = node.operand(0), node.outputs[0]
    user = next(value.users, None)
    if user is None or user.kind != "Quantize" or value.n_uses != 1 or not is_scalar(user):
        return ""
    if op.mode == "nearest" or not value.tensor.is_static or None in node.inputs or len(set(node.inputs)) < 3:
        return ""
    shape, out = shape_of(source), shape_of(value)
    if len(shape) < 3 or shape[:2] != out[:2] or shape[1] < FEW or shape == out:
        return ""
    extract(graph, [node, user], QUANTIZED)
    return QUANTIZED


@lowers("Interpolate", f"Region:{QUANTIZED}")
def interpolate(plan: Plan, node: Node) -> None:
    """Repetition by tables; weighted sums, of all axes at once."""
    first, *last = node.bodies[0] if node.kind == "Region" else [node]
    op: Any = first.op
    out_value = node.outputs[0]
    outer = dict(zip(node.bodies[0].inputs, node.inputs, strict=True)) if last else {}
    grid = [grid_within(n, outer) for n in last]
    source = _padded(plan, plan.read(node.operand(0), Form.LAST if last else Form.ANY), op)
    axes, sizes, scales = _targets(node, source, op)
    shrinks = op.antialias and any(s < 1 for s in scales)
    coordinates = [
        rules.coordinates(source.shape[a], n, s, op.coordinate_transformation_mode)
        for a, n, s in zip(axes, sizes, scales)
    ]
    if op.mode == "nearest":
        indices = [np.arange(n) for n in source.shape]
        for a, at, s in zip(axes, coordinates, scales):
            indices[a] = rules.nearest_index(at, source.shape[a], s, op.nearest_mode)
        return emit_gather(plan, source, plan.write(out_value), indices)
    if source.dtype != np.float32:
        raise Unfit(f"there is no kernel for {source.dtype}")
    taps: dict[int, Taps] = {}
    for a, at, n, s in zip(axes, coordinates, sizes, scales):
        found = _taps(op, at, source.shape[a], n, s, s if shrinks else 1.0)
        if not _is_identity(found, source.shape[a]):
            taps[a] = found
    if not taps:
        return plan.alias(out_value, source)
    _resampled(plan, source, plan.write(out_value), taps, grid[0] if grid else None)
    return None


def _padded(plan: Plan, source: Place, op: Any) -> Place:
    """Zeros around the image."""
    if not any(op.pads_begin) and not any(op.pads_end):
        return source
    rank = len(source.shape)
    begin = [*op.pads_begin, *[0] * (rank - len(op.pads_begin))]
    end = [*op.pads_end, *[0] * (rank - len(op.pads_end))]
    form = Form.LAST if rank >= 3 and source.fits(Form.LAST) else Form.ROWS
    shape = tuple(n + b + e for n, b, e in zip(source.shape, begin, end))
    whole = plan.new(shape, source.dtype, form)
    plan.copy(source, emit_frame(plan, whole, begin, source.shape, 0))
    return whole


def _targets(node: Node, source: Place, op: Any) -> tuple[list[int], list[int], list[float]]:
    """The axes, their sizes in the result, and the factors of growth. Raises Unfit."""
    rank = len(source.shape)
    axes = list(range(rank))
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        axes = [int(a) % rank for a in _known(node, 2).reshape(-1)]
    sizes, scales = rules.targets([source.shape[a] for a in axes], _known(node, 1), op.shape_calculation_mode)
    shape = shape_of(node.outputs[0])
    if any(shape[a] != n for a, n in zip(axes, sizes)) or len(set(axes)) != len(axes):
        raise Unfit("its sizes are not what its type says")
    return axes, sizes, scales


def _known(node: Node, index: int) -> Array:
    value = node.operand(index)
    found = value.known if value.known is not None else value.const
    if found is None or found.dtype == object:
        raise Unfit(f"its input {index} is not known")
    return np.asarray(found)


def _taps(op: Any, at: Array, n: int, size: int, scale: float, narrow: float) -> Taps:
    if op.mode in ("bilinear_pillow", "bicubic_pillow"):
        found = rules.pillow_taps(n, size, op.mode)
    elif op.mode == "linear_onnx":
        found = rules.linear_taps(at, n)
    elif op.mode == "cubic":
        found = rules.cubic_taps(at, n, op.cube_coeff)
    else:
        found = rules.triangle_taps(at, n, scale, narrow)
    index, weights = found
    used = np.flatnonzero(weights.any(0))
    used = used if len(used) else np.zeros(1, np.int64)
    return index[:, used], weights[:, used].astype(np.float32)


def _is_identity(taps: Taps, n: int) -> bool:
    index, weights = taps
    return index.shape == (n, 1) and bool((index[:, 0] == np.arange(n)).all() and (weights == 1).all())


def _resampled(plan: Plan, source: Place, target: Place, taps: dict[int, Taps], grid: Grid | None) -> None:
    """Brings the axes into the order [batch, channels, *spatial] that the kernel wants."""
    axes = sorted(taps)
    others = [k for k in range(len(source.shape)) if k not in axes]
    channel = next((k for k in others[::-1] if source.strides[k] == 4 and source.shape[k] >= FEW), None)
    if channel is None:
        return _by_axis(plan, source, target, taps)
    rest = [k for k in others if k != channel]
    order = [*rest, channel, *axes]
    _call(plan, source.transposed(order), target.transposed(order), [taps[a] for a in axes], grid)
    return None


def _by_axis(plan: Plan, source: Place, target: Place, taps: dict[int, Taps]) -> None:
    """One axis after the other, each with another one in the place of the channels."""
    rank = len(source.shape)
    for a in sorted(taps):
        channel = max((k for k in range(rank) if k != a), key=lambda k: source.shape[k], default=None)
        if channel is None:
            raise Unfit("there is one axis only")
        order = [*(k for k in range(rank) if k not in (a, channel)), channel, a]
        back = [order.index(k) for k in range(rank)]
        shape = tuple([len(taps[a][0]) if k == a else source.shape[k] for k in order])
        result = _inner_channels(plan, shape, 1, np.dtype(np.float32))
        _call(plan, source.transposed(order), result, [taps[a]])
        source = result.transposed(back)
    plan.copy(source, target)


def _inner_channels(plan: Plan, shape: tuple[int, ...], count: int, dtype: np.dtype[Any]) -> Place:
    """A new place [*batch, channels, *spatial] with so many spatial dimensions, whose channels are adjacent."""
    at = len(shape) - count - 1
    moved = plan.new((*shape[:at], *shape[at + 1 :], shape[at]), dtype)
    order = [*range(at), len(shape) - 1, *range(at, len(shape) - 1)]
    return moved.transposed(order)


def _call(plan: Plan, source: Place, target: Place, taps: Sequence[Taps], grid: Grid | None = None) -> None:
    """Places are [*batch, channels, *spatial]; each spatial axis has taps."""
    count = len(taps)
    read = _as_image(source, count)
    if read is None:
        fresh = _inner_channels(plan, source.shape, count, source.dtype)
        plan.copy(source, fresh)
        read = _as_image(fresh, count)
    write = _as_image(target, count)
    if write is not None and write.fits(Form.LAST):
        assert read is not None
        return _emit(plan, read, write, taps, grid)
    fresh = _inner_channels(plan, target.shape, count, target.dtype)
    write = _as_image(fresh, count)
    assert read is not None
    assert write is not None
    _emit(plan, read, write, taps, grid)
    plan.copy(fresh, target)
    return None


def _as_image(place: Place, count: int) -> Place | None:
    """[images, channels, *spatial] with adjacent channels, where strides allow it."""
    lead = len(place.shape) - count - 1
    if place.shape[lead] > 1 and place.strides[lead] != place.itemsize:
        return None
    shape = (prod(place.shape[:lead]), *place.shape[lead:])
    if not lead:  # one image: its stride is never used, but tells the form
        return replace(place, shape=shape, strides=(place.strides[1] * place.shape[1], *place.strides))
    return place.reshaped(shape)


def _emit(plan: Plan, source: Place, target: Place, taps: Sequence[Taps], grid: Grid | None) -> None:
    lines = _line_table(taps[:-1], source.strides[2:-1])
    index, weights = taps[-1]
    pixels = _entries(index * source.strides[-1], weights)
    n = index.shape[1]
    numbers = (grid.scale, grid.zero, grid.low, grid.high) if grid else (0.0,) * 4
    part = min(len(index), PART)
    parts = -(-len(index) // part)
    plan.call(
        resample(n if n in (1, 2, 4) else 0, grid is not None),
        source.shape[0] * len(lines) * parts,
        flops=2 * target.size * n * (lines.shape[1] // 2),
        input=source,
        output=target,
        lines=lines,
        pixels=pixels,
        n_lines=len(lines),
        line_size=lines.shape[1],
        n_pixels=len(index),
        part=part,
        parts=parts,
        taps=n,
        channels=source.shape[1],
        in_image=source.strides[0],
        out_pixel=target.pixel,
        out_line=target.strides[-2] if len(taps) > 1 else 0,
        out_image=target.strides[0],
        **{name: f32_bits(x) for name, x in zip(("step", "level", "low", "high"), numbers)},
    )


def _line_table(taps: Sequence[Taps], strides: Sequence[int]) -> Array:
    """[lines, 1 + 2 * taps]: the number of taps, then offset and weight of each."""
    offsets, weights = np.zeros((1, 1), np.int64), np.ones((1, 1), np.float32)
    for (index, weight), stride in zip(taps, strides, strict=True):
        shape = (offsets.shape[0] * len(index), -1)
        offsets = (offsets[:, None, :, None] + (index * stride)[None, :, None, :]).reshape(shape)
        weights = (weights[:, None, :, None] * weight[None, :, None, :]).reshape(shape)
    table = np.zeros((len(offsets), 1 + 2 * offsets.shape[1]), np.int64)
    table[:, 0] = offsets.shape[1]
    table[:, 1:] = _entries(offsets, weights).reshape(len(offsets), -1)
    return table


def _entries(offsets: Array, weights: Array) -> Array:
    """[n, taps, 2] of i64: offset, and the bits of the weight."""
    table = np.zeros((*offsets.shape, 2), np.int64)
    table[..., 0] = offsets
    table[..., 1] = np.ascontiguousarray(weights, np.float32).view(np.uint32)
    return table
