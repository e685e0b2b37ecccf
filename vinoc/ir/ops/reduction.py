"""Reductions over axes, and running sums."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .. import types
from ..dim import Dim, join_dim, unknown
from ..dtype import Array
from ..errors import InferenceError
from ..kernels import reduction
from ..op import Op, Operand, op
from ..types import Shape, TensorType
from .elementwise import integral, logical, numeric


def reduced_shape(data: Operand, axes: Operand, keep_dims: bool) -> Shape | None:
    """The shape of a reduction. Raises InferenceError for axes out of range.

    Axes whose values are unknown, but not their number, leave the rank known.
    """
    integral(axes, "axes")
    if axes.shape is not None and len(axes.shape) > 1:
        raise InferenceError(f"axes must be a scalar or a list, got rank {len(axes.shape)}")
    shape = data.shape
    if shape is None:
        return None
    if axes.known is None:
        return _shape_of_unknown_axes(shape, axes.shape, keep_dims)
    picked = set(types.normalize_axes(axes.known.reshape(-1).tolist(), len(shape), "axes"))
    if keep_dims:
        return tuple([1 if i in picked else d for i, d in enumerate(shape)])
    return tuple([d for i, d in enumerate(shape) if i not in picked])


def _shape_of_unknown_axes(shape: Shape, axes: Shape | None, keep_dims: bool) -> Shape | None:
    if keep_dims:
        return tuple([join_dim(d, 1) for d in shape])
    count: Dim = unknown() if axes is None else types.numel(axes)
    if not isinstance(count, int):
        return None
    if count > len(shape):
        raise InferenceError(f"{count} axes are reduced, the rank is {len(shape)}")
    return shape if count == 0 else (unknown(),) * (len(shape) - count)


class Reduction(Op):
    """What the reductions of numbers share."""

    keep_dims: bool = False

    def infer(self, data: Operand, axes: Operand) -> TensorType:
        found = numeric(data, "data")
        return TensorType(found.dtype, reduced_shape(data, axes, self.keep_dims))


class LogicalReduction(Op):
    """What the reductions of booleans share."""

    keep_dims: bool = False

    def infer(self, data: Operand, axes: Operand) -> TensorType:
        found = logical(data, "data")
        return TensorType(found.dtype, reduced_shape(data, axes, self.keep_dims))


@op(opset=1)
class ReduceSum(Reduction):
    """The sum."""

    symbolic: ClassVar[bool] = True
    keep_dims: bool = False

    def evaluate(self, data: Array, axes: Array) -> Array:
        return reduction.total(data, axes, self.keep_dims)


@op(opset=1)
class ReduceProd(Reduction):
    """The product."""

    symbolic: ClassVar[bool] = True
    keep_dims: bool = False

    def evaluate(self, data: Array, axes: Array) -> Array:
        return reduction.product(data, axes, self.keep_dims)


@op(opset=1)
class ReduceMean(Reduction):
    """The mean; of integers without its fraction."""

    keep_dims: bool = False

    def evaluate(self, data: Array, axes: Array) -> Array:
        return reduction.mean(data, axes, self.keep_dims)


@op(opset=1)
class ReduceMax(Reduction):
    """The maximum; of nothing, the lowest value of the type."""

    keep_dims: bool = False

    def evaluate(self, data: Array, axes: Array) -> Array:
        return reduction.largest(data, axes, self.keep_dims)


@op(opset=1)
class ReduceMin(Reduction):
    """The minimum; of nothing, the highest value of the type."""

    keep_dims: bool = False

    def evaluate(self, data: Array, axes: Array) -> Array:
        return reduction.smallest(data, axes, self.keep_dims)


@op(opset=4)
class ReduceL1(Reduction):
    """The sum of the magnitudes."""

    keep_dims: bool = False

    def evaluate(self, data: Array, axes: Array) -> Array:
        return reduction.l1(data, axes, self.keep_dims)


@op(opset=4)
class ReduceL2(Reduction):
    """The root of the sum of squares; of integers without its fraction."""

    keep_dims: bool = False

    def evaluate(self, data: Array, axes: Array) -> Array:
        return reduction.l2(data, axes, self.keep_dims)


@op(opset=1)
class ReduceLogicalAnd(LogicalReduction):
    """True where all are."""

    keep_dims: bool = False

    def evaluate(self, data: Array, axes: Array) -> Array:
        return np.asarray(np.all(data, axis=reduction.axes_of(axes), keepdims=self.keep_dims))


@op(opset=1)
class ReduceLogicalOr(LogicalReduction):
    """True where any is."""

    keep_dims: bool = False

    def evaluate(self, data: Array, axes: Array) -> Array:
        return np.asarray(np.any(data, axis=reduction.axes_of(axes), keepdims=self.keep_dims))


def _running(data: Operand, axis: Operand | None) -> TensorType:
    """The type of a running sum or product. Raises InferenceError for an axis out of range."""
    found = numeric(data, "data")
    rank = found.rank
    if rank == 0:
        raise InferenceError("a scalar has no axis to run along")
    if axis is not None:
        integral(axis, "the axis")
        if axis.known is not None and axis.known.size != 1:
            raise InferenceError(f"the axis must be one number, got {axis.known.tolist()}")
        if axis.known is not None and rank is not None:
            types.normalize_axis(axis.known.reshape(-1).tolist()[0], rank)
    return found


@op(opset=3)
class CumSum(Op):
    """Running sums along an axis (default 0), from its end if `reverse`; `exclusive` leaves the element itself out."""

    exclusive: bool = False
    reverse: bool = False

    def infer(self, data: Operand, axis: Operand | None = None) -> TensorType:
        return _running(data, axis)

    def evaluate(self, data: Array, axis: Array | None = None) -> Array:
        return reduction.cumulative_sum(data, axis, self.exclusive, self.reverse)


@op(internal=True)
class CumProd(Op):
    """Running products along an axis, as CumSum has sums."""

    exclusive: bool = False
    reverse: bool = False

    def infer(self, data: Operand, axis: Operand) -> TensorType:
        return _running(data, axis)

    def evaluate(self, data: Array, axis: Array) -> Array:
        return reduction.cumulative_product(data, axis, self.exclusive, self.reverse)
