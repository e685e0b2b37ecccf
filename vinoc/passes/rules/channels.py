"""Constants seen along channels: what the rules for convolutions and matrix products share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...ir.buffer import Buffer, forget_pages, is_repeated
from ...ir.dtype import Array
from ...ir.graph import Value


def product(a: Array, b: Array) -> Array:
    """a * b in the type of `a`; of two arrays that repeat one value nothing is written out."""
    if a.size and b.size and is_repeated(a) and is_repeated(b):
        value = (a[(0,) * a.ndim] * b[(0,) * b.ndim]).astype(a.dtype)
        return np.broadcast_to(value, np.broadcast_shapes(a.shape, b.shape))
    return (a * b).astype(a.dtype, copy=False)


def per_channel(constant: Array, rank: int, channels: int, axis: int = 1) -> Array | None:
    """The constant as a vector over dimension `axis` of a tensor of that rank; None when it varies elsewhere."""
    if constant.ndim > rank:
        return None
    shape = (1,) * (rank - constant.ndim) + constant.shape
    if any(n != 1 for i, n in enumerate(shape) if i != axis % rank) or shape[axis] not in (1, channels):
        return None
    return np.broadcast_to(constant.reshape(-1), (channels,))


def output_channels(kind: str, filters: Sequence[int]) -> int:
    """How many channels a convolution with filters of this shape gives."""
    first, second, *rest = filters
    if kind == "Convolution":
        return int(first)
    if kind == "ConvolutionBackpropData":
        return int(second)
    return int(first * (second if kind == "GroupConvolution" else rest[0]))


def input_channels(kind: str, filters: Sequence[int]) -> int:
    """How many channels a convolution with filters of this shape takes."""
    first, second, *rest = filters
    if kind == "Convolution":
        return int(second)
    if kind == "ConvolutionBackpropData":
        return int(first)
    return int(first * (rest[0] if kind == "GroupConvolution" else second))


def scale_outputs(kind: str, filters: Buffer, scale: Array) -> Buffer:
    """Filters whose convolution gives `scale` (a vector over output channels) times as much."""
    return _scaled(filters, scale.reshape(_layout(kind, filters.shape, out=True)))


def scale_inputs(kind: str, filters: Buffer, scale: Array) -> Buffer:
    """Filters that do to x what `filters` do to `scale * x` (a vector over input channels)."""
    return _scaled(filters, scale.reshape(_layout(kind, filters.shape, out=False)))


def _scaled(filters: Buffer, scale: Array) -> Buffer:
    """filters * scale, worked out by who reads it: then no memory is taken for long, and that of a file given back."""

    def work_out() -> Array:
        array = product(filters.array, scale)
        forget_pages(filters.array)
        return array

    recipe = ("scaled", filters.recipe or filters, scale.shape, scale.tobytes())
    return Buffer(filters.dtype, filters.shape, work_out, recipe)


def _layout(kind: str, filters: Sequence[int], out: bool) -> tuple[int, ...]:
    """The shape that lays a vector of output or input channels along the dimensions of filters."""
    grouped = kind.startswith("Group")
    transposed = kind.endswith("BackpropData")
    head = [filters[0]] if grouped else []
    first = out != transposed  # the outer of the two channel dimensions
    head += [-1, 1] if first else [1, -1]
    return (*head, *[1] * (len(filters) - len(head)))


def is_float(value: Value) -> bool:
    return value.tensor.dtype.is_float


def as_column(vector: Array, rank: int) -> Array:
    """A vector over channels, shaped to broadcast against a tensor [N, C, ...] of that rank."""
    return vector.reshape((-1, *[1] * (rank - 2)))
