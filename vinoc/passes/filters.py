"""What the weights of a constant are, by the operation that reads it: factors of products, which are added up."""

from __future__ import annotations

import math

from ..ir.graph import Node, Value
from ..ir.ops.matrix import MatMul
from ..ir.types import static_shape
from .compensated import Filters
from .mark_weights import RECURRENT

CONVOLUTIONS = {"Convolution": 1, "DeformableConvolution": 1, "GroupConvolution": 2}
"""Axes before [in, *kernel], all of which are summed."""

BACKPROPS = {"ConvolutionBackpropData": 0, "GroupConvolutionBackpropData": 1}
"""Axes before [in, out, *kernel]. Which taps meet depends on strides, so that each is a sum over `in` alone."""

LARGE = 1 << 16
"""Elements of a matrix from which on it is worth it to keep it compressed while a model runs."""

Shape = tuple[int, ...]


def is_large_factor(value: Value) -> bool:
    """Whether a value is a large matrix that only products read, on their right."""
    shape = static_shape(value.tensor.shape)
    users = [
        isinstance(u, Node) and isinstance(u.op, MatMul) and i == 1 and not u.op.transpose_a for u, i in value.uses
    ]
    return shape is not None and len(shape) == 2 and math.prod(shape) >= LARGE and bool(users) and all(users)


def filters_of(value: Value, shape: Shape) -> Filters | None:
    """How the elements of a constant are summed; None where nothing is, or where they are read in several ways."""
    found = {_read_by(user, port, shape) if isinstance(user, Node) else None for user, port in value.uses}
    filters = found.pop() if len(found) == 1 else None
    return filters if filters and filters.summed > 1 else None


def _read_by(user: Node, port: int, shape: Shape) -> Filters | None:
    kind = user.kind
    if kind in CONVOLUTIONS and port == (2 if kind == "DeformableConvolution" else 1):
        before = CONVOLUTIONS[kind]
        return Filters(math.prod(shape[before:]), kernel=shape[before + 1 :])
    if kind in BACKPROPS and port == 1:
        before = BACKPROPS[kind]
        return Filters(shape[before], trailing=math.prod(shape[before + 1 :]))
    if isinstance(user.op, MatMul) and shape:
        last = user.op.transpose_b if port else not user.op.transpose_a
        if last or len(shape) == 1:
            return Filters(shape[-1])
        return Filters(shape[-2], trailing=shape[-1])
    return Filters(shape[-1]) if port in RECURRENT.get(kind, ()) else None  # [..., gates * hidden, in]
