"""Small pieces that converters build with: index arithmetic, dimensions as values, type changes.

Everything here keeps what is known of the values: a dimension with a name stays that dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from .....ir.buffer import Buffer
from .....ir.builder import Builder
from .....ir.dtype import DType, i64
from .....ir.graph import Value
from .....ir.types import normalize_axis
from ..tensors import ELEMENT_TYPES

if TYPE_CHECKING:
    from ..context import NodeContext

INT_MAX = int(np.iinfo(np.int64).max)
INT_MIN = int(np.iinfo(np.int64).min)

LARGEST = {"f8e4m3": 448.0, "f8e5m2": 57344.0, "f8e4m3fnuz": 240.0, "f8e5m2fnuz": 57344.0, "f4e2m1": 6.0}
"""Where floats that saturate end."""


def element_type(ctx: NodeContext, attribute: str, default: DType | None = None) -> DType:
    """The element type that an integer attribute names."""
    code = ctx.attr(attribute, 0) if default is not None else ctx.attr(attribute)
    if not code and default is not None:
        return default
    found = ELEMENT_TYPES.get(code)
    if found is None:
        ctx.fail(f"attribute `{attribute}` is {code}, no element type", "see TensorProto.DataType in onnx.proto")
    return found


def to(b: Builder, value: Value, dtype: DType) -> Value:
    """The value with another element type."""
    return value if value.dtype is dtype else b.Convert(value, destination_type=dtype)


def to_i64(b: Builder, value: Value) -> Value:
    return to(b, value, i64)


def integers(ctx: NodeContext, value: Value) -> Value:
    """Integers as i64: axes, sizes, positions. Fails where the element type is no integer type."""
    if not value.dtype.is_integer:
        ctx.fail(f"an input is {value.type}, expected integers", "correct its type; export the model again")
    return to_i64(ctx.b, value)


def number(b: Builder, value: Any, dtype: DType) -> Value:
    """A scalar constant of that element type."""
    return b.const(np.asarray(value).astype(dtype.numpy), dtype)


def ints(b: Builder, values: Sequence[int]) -> Value:
    """A vector of i64."""
    return b.const(np.asarray(values, np.int64).reshape(-1))


def reshape(b: Builder, value: Value, shape: Sequence[int]) -> Value:
    """A reshape to numbers, of which one may be -1."""
    array = value.const
    if b.fold and array is not None and array.size:
        with suppress(ValueError):  # Reshape says what is wrong
            return b.const(Buffer.of(array.reshape(tuple(shape)), value.dtype))
    return b.Reshape(value, ints(b, shape), special_zero=False)


def scalar(b: Builder, value: Value) -> Value:
    """A one-element tensor as a scalar: exporters write [1] where the standard wants [] and the reverse."""
    return value if value.rank == 0 else reshape(b, value, ())


def vector(b: Builder, value: Value) -> Value:
    """A scalar or vector as a vector."""
    return value if value.rank == 1 else reshape(b, value, (-1,))


def rank(ctx: NodeContext, value: Value) -> int:
    """The number of dimensions. Fails where it is unknown."""
    if value.rank is None:
        ctx.fail(
            f"the rank of '{value.name or 'an input'}' is unknown and {ctx.op_type} needs it",
            "give the shapes of the model's inputs with `--input_shape`",
        )
    return value.rank


def axis_of(ctx: NodeContext, value: Value, axis: int) -> int:
    """The axis counted from the front; fails where it is out of range or the rank is unknown."""
    return normalize_axis(axis, rank(ctx, value))


def dims(b: Builder, value: Value) -> Value:
    """The shape as a vector of i64."""
    return b.ShapeOf(value, output_type=i64)


def dim(b: Builder, value: Value, axis: int) -> Value:
    """One dimension, as a vector of one element: a constant where it is a number."""
    if value.shape is not None:
        d = value.shape[normalize_axis(axis, len(value.shape), "dimension")]
        if isinstance(d, int):
            return ints(b, [d])
    return b.Gather(dims(b, value), ints(b, [axis]), 0, batch_dims=0)


def element(b: Builder, values: Value, index: int) -> Value:
    """One element of a vector, as a vector of one element."""
    return b.Gather(values, ints(b, [index]), 0, batch_dims=0)


def concat(b: Builder, parts: Sequence[Value]) -> Value:
    """Vectors, one after the other."""
    return parts[0] if len(parts) == 1 else b.Concat(*parts, axis=0)


def all_axes(b: Builder, value: Value) -> Value:
    """0 .. rank-1, worked out at run time where the rank is unknown."""
    if value.rank is not None:
        return ints(b, range(value.rank))
    return arange(b, scalar(b, dims(b, dims(b, value))))


def arange(b: Builder, stop: Value, start: Value | int = 0, dtype: DType = i64) -> Value:
    """start .. stop-1 as a vector. `start` and `stop` are scalars or vectors of one element."""
    first = number(b, start, i64) if isinstance(start, int) else scalar(b, start)
    return b.Range(first, scalar(b, stop), 1, output_type=dtype)
