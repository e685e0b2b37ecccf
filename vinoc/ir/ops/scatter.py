"""Writing elements of a tensor by index. The result has the type of `data`."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from .. import types
from ..dtype import Array
from ..errors import InferenceError
from ..kernels import scatter
from ..op import Op, Operand, op
from ..types import Shape, TensorType
from .elementwise import same_dtype
from .gather import check_points, check_range, point_depth
from .shape import known_scalar, need_integers

Reduction: TypeAlias = Literal["none", "sum", "prod", "min", "max", "mean"]
PointReduction: TypeAlias = Literal["none", "sum", "sub", "prod", "min", "max"]


def _check_updates(updates: Operand, expected: Shape | None) -> None:
    try:
        types.merge(updates.shape, expected)
    except InferenceError as error:
        raise InferenceError(f"updates {updates.type} do not fit: {error.what}") from None


@op(opset=3)
class ScatterUpdate(Op):
    """A copy of `data` with the slices `indices` along `axis` replaced."""

    symbolic: ClassVar[bool] = True

    def infer(self, data: Operand, indices: Operand, updates: Operand, axis: Operand) -> TensorType:
        same_dtype(data, updates)
        need_integers(indices, "indices")
        along = known_scalar(axis, "axis")
        if data.shape is not None and along is not None:
            along = types.normalize_axis(along, len(data.shape))
            check_range(indices, data.shape[along])
            if indices.shape is not None:
                _check_updates(updates, data.shape[:along] + indices.shape + data.shape[along + 1 :])
        return data.tensor

    def evaluate(self, data: Array, indices: Array, updates: Array, axis: Array) -> Array:
        return scatter.scatter_update(data, indices, updates, axis)


@op(opset=12)
class ScatterElementsUpdate(Op):
    """A copy of `data` with out[indices[i][j]][j] = updates[i][j] for axis 0, and so on.

    With a reduction the updates of one place are combined, `use_init_val`: with the element that was there.
    """

    reduction: Reduction = "none"
    use_init_val: bool = True

    def infer(self, data: Operand, indices: Operand, updates: Operand, axis: Operand) -> TensorType:
        same_dtype(data, updates)
        need_integers(indices, "indices")
        along = known_scalar(axis, "axis")
        _check_updates(updates, indices.shape)
        if data.shape is None:
            return data.tensor
        if indices.rank not in (None, len(data.shape)):
            raise InferenceError(f"data and indices differ in rank: {data.type}, {indices.type}")
        if along is not None:
            check_range(indices, data.shape[types.normalize_axis(along, len(data.shape))])
        if self.reduction == "mean" and data.dtype.kind == "b":
            raise InferenceError("booleans have no mean")
        return data.tensor

    def evaluate(self, data: Array, indices: Array, updates: Array, axis: Array) -> Array:
        return scatter.scatter_elements(data, indices, updates, axis, self.reduction, self.use_init_val)


@op(opset=15)
class ScatterNDUpdate(Op):
    """A copy of `data` with the slices at points, whose coordinates are the last dimension of `indices`, replaced
    or combined."""

    symbolic: ClassVar[bool] = True

    reduction: PointReduction = "none"

    def infer(self, data: Operand, indices: Operand, updates: Operand) -> TensorType:
        same_dtype(data, updates)
        depth = point_depth(indices, data.rank)
        if data.shape is not None and indices.shape is not None and depth is not None:
            check_points(indices, data.shape)
            _check_updates(updates, indices.shape[:-1] + data.shape[depth:])
        return data.tensor

    def evaluate(self, data: Array, indices: Array, updates: Array) -> Array:
        return scatter.scatter_nd(data, indices, updates, self.reduction)
