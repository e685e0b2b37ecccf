"""Sorting and selecting: results whose size may depend on the data."""

from __future__ import annotations

from typing import Literal, TypeAlias

from .. import dim as _dim
from .. import dtype, types
from ..dim import Dim, unknown
from ..dtype import Array, DType
from ..errors import InferenceError
from ..kernels import sort
from ..op import Op, Operand, op
from ..types import TensorType
from .shape import known_dims, known_scalar, unknowns

TopMode: TypeAlias = Literal["max", "min"]
TopSort: TypeAlias = Literal["value", "index", "none"]


@op(opset=3)
class NonZero(Op):
    """The coordinates of all elements that are not zero, [rank, n]; a scalar counts as one-dimensional."""

    output_type: DType = dtype.i64

    def infer(self, data: Operand) -> TensorType:
        if data.shape is None:
            return TensorType(self.output_type, (unknown(1), unknown()))
        most = _dim.bounds(types.numel(data.shape))[1]
        return TensorType(self.output_type, (max(len(data.shape), 1), unknown(0, most)))

    def evaluate(self, data: Array) -> Array:
        return sort.nonzero(data, self.output_type.numpy)


@op(opset=11)
class TopK(Op):
    """The k largest or smallest elements along an axis, and their positions. Of equal ones the first count.

    `sort`: by value (the best first), by index, or in any order (ours is by value).
    """

    axis: int
    mode: TopMode
    sort: TopSort
    index_element_type: DType = dtype.i32
    stable: bool = False

    def infer(self, data: Operand, k: Operand) -> tuple[TensorType, TensorType]:
        known_scalar(k, "k")
        shape = data.shape
        if shape is not None:
            axis = types.normalize_axis(self.axis, len(shape))
            shape = (*shape[:axis], self._count(shape[axis], k), *shape[axis + 1 :])
        return TensorType(data.dtype, shape), TensorType(self.index_element_type, shape)

    def _count(self, size: Dim, k: Operand) -> Dim:
        values = known_dims(k)
        most = _dim.bounds(size)[1]
        if not values:
            return unknown(0, most)
        count = values[0]
        if isinstance(count, int) and not 0 <= count <= most:
            raise InferenceError(f"the top {count} are asked for, dimension {self.axis} is {size}")
        return count

    def evaluate(self, data: Array, k: Array) -> tuple[Array, Array]:
        return sort.top_k(data, k, self.axis, self.mode, self.sort, self.index_element_type.numpy)


@op(opset=10)
class Unique(Op):
    """The distinct elements, or slices along `axis`: they, the index of the first of each, for each element which
    it is, and how many there are. Sorted, or in the order of first occurrence."""

    sorted: bool = True
    index_element_type: DType = dtype.i64
    count_element_type: DType = dtype.i64

    def infer(self, data: Operand, axis: Operand | None = None) -> tuple[TensorType, ...]:
        shape = data.shape
        index, count = self.index_element_type, self.count_element_type
        if axis is None:
            size: Dim = unknown() if shape is None else types.numel(shape)
            found = _distinct(size)
            values: tuple[Dim, ...] | None = (found,)
        else:
            along = known_scalar(axis, "axis")
            if shape is None or along is None:
                size, found, values = unknown(), unknown(), unknowns(data.rank)
            else:
                along = types.normalize_axis(along, len(shape))
                size = shape[along]
                found = _distinct(size)
                values = (*shape[:along], found, *shape[along + 1 :])
        return (
            TensorType(data.dtype, values),
            TensorType(index, (found,)),
            TensorType(index, (size,)),
            TensorType(count, (found,)),
        )

    def evaluate(self, data: Array, axis: Array | None = None) -> tuple[Array, Array, Array, Array]:
        return sort.unique(data, axis, not self.sorted, self.index_element_type.numpy, self.count_element_type.numpy)


def _distinct(size: Dim) -> Dim:
    """Between one (none where there are no elements) and all."""
    lo, hi = _dim.bounds(size)
    return unknown(min(max(lo, 0), 1), hi)
