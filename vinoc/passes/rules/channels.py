"""Constants seen along channels: what the rules for convolutions and matrix products share."""

from __future__ import annotations

import numpy as np

from ...ir.buffer import is_repeated
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


def output_channels(kind: str, filters: Array) -> int:
    """How many channels a convolution with these filters gives."""
    first, second, *rest = filters.shape
    if kind == "Convolution":
        return int(first)
    if kind == "ConvolutionBackpropData":
        return int(second)
    return int(first * (second if kind == "GroupConvolution" else rest[0]))


def input_channels(kind: str, filters: Array) -> int:
    """How many channels a convolution with these filters takes."""
    first, second, *rest = filters.shape
    if kind == "Convolution":
        return int(second)
    if kind == "ConvolutionBackpropData":
        return int(first)
    return int(first * (rest[0] if kind == "GroupConvolution" else second))


def scale_outputs(kind: str, filters: Array, scale: Array) -> Array:
    """Filters whose convolution gives `scale` (a vector over output channels) times as much."""
    return product(filters, scale.reshape(_layout(kind, filters, out=True)))


def scale_inputs(kind: str, filters: Array, scale: Array) -> Array:
    """Filters that do to x what `filters` do to `scale * x` (a vector over input channels)."""
    return product(filters, scale.reshape(_layout(kind, filters, out=False)))


def _layout(kind: str, filters: Array, out: bool) -> tuple[int, ...]:
    """The shape that lays a vector of output or input channels along the filters' dimensions."""
    grouped = kind.startswith("Group")
    transposed = kind.endswith("BackpropData")
    head = [filters.shape[0]] if grouped else []
    first = out != transposed  # the outer of the two channel dimensions
    head += [-1, 1] if first else [1, -1]
    return (*head, *[1] * (filters.ndim - len(head)))


def is_float(value: Value) -> bool:
    return value.tensor.dtype.is_float


def as_column(vector: Array, rank: int) -> Array:
    """A vector over channels, shaped to broadcast against a tensor [N, C, ...] of that rank."""
    return vector.reshape((-1, *[1] * (rank - 2)))
