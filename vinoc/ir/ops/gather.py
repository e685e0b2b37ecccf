"""Taking elements of a tensor by index."""

from __future__ import annotations

from typing import ClassVar

from .. import types
from ..dim import Dim
from ..dtype import Array
from ..errors import InferenceError
from ..kernels import gather
from ..op import Op, Operand, op
from ..types import Shape, TensorType
from .elementwise import same_dtype
from .shape import known_scalar, need_integers, unknowns


def check_range(indices: Operand, size: Dim) -> None:
    """Raises InferenceError when an index is known to lie beyond a dimension."""
    known = indices.known
    if known is None or known.dtype == object or not isinstance(size, int) or not known.size:
        return
    low, high = int(known.min()), int(known.max())
    if low < -size or high >= size:
        raise InferenceError(f"index {low if low < -size else high} is out of range for a dimension of {size}")


@op(opset=8)
class Gather(Op):
    """Slices of `data` along `axis`, by index. The first `batch_dims` dimensions of data and indices go together."""

    symbolic: ClassVar[bool] = True

    batch_dims: int = 0

    def infer(self, data: Operand, indices: Operand, axis: Operand) -> TensorType:
        need_integers(indices, "indices")
        along = known_scalar(axis, "axis")
        shape, picks = data.shape, indices.shape
        if shape is None or picks is None:
            return TensorType(data.dtype, None)
        batch = self.batch_dims + (len(picks) if self.batch_dims < 0 else 0)
        if not 0 <= batch <= len(picks):
            raise InferenceError(f"batch_dims {self.batch_dims} is out of range for indices {indices.type}")
        if along is None:
            return TensorType(data.dtype, unknowns(len(shape) + len(picks) - 1 - batch))
        along = types.normalize_axis(along, len(shape))
        if batch > along:
            raise InferenceError(f"batch_dims {self.batch_dims} is beyond axis {along}")
        check_range(indices, shape[along])
        front = shape[:along]
        if batch:
            merged = types.merge(shape[:batch], picks[:batch])
            assert merged is not None
            front = merged + shape[batch:along]
        return TensorType(data.dtype, front + picks[batch:] + shape[along + 1 :])

    def evaluate(self, data: Array, indices: Array, axis: Array) -> Array:
        return gather.gather(data, indices, axis, self.batch_dims)


@op(opset=6)
class GatherElements(Op):
    """out[i][j][k] = data[indices[i][j][k]][j][k] for axis 0, and so on."""

    axis: int

    def infer(self, data: Operand, indices: Operand) -> TensorType:
        need_integers(indices, "indices")
        if data.shape is None or indices.shape is None:
            return TensorType(data.dtype, indices.shape if indices.shape is not None else unknowns(data.rank))
        axis = types.normalize_axis(self.axis, len(data.shape))
        if len(data.shape) != len(indices.shape):
            raise InferenceError(f"data and indices differ in rank: {data.type}, {indices.type}")
        check_range(indices, data.shape[axis])
        wanted = (*data.shape[:axis], indices.shape[axis], *data.shape[axis + 1 :])
        return TensorType(data.dtype, types.merge(indices.shape, wanted))

    def evaluate(self, data: Array, indices: Array) -> Array:
        return gather.gather_elements(data, indices, self.axis)


def point_depth(indices: Operand, rank: int | None, batch_dims: int = 0) -> int | None:
    """How many coordinates a point has: the last dimension of `indices`; None where it is not known."""
    need_integers(indices, "indices")
    if indices.shape is None:
        return None
    if len(indices.shape) < batch_dims + 1:
        raise InferenceError(f"indices {indices.type} have less than {batch_dims + 1} dimensions")
    depth = indices.shape[-1]
    if not isinstance(depth, int):
        return None
    if rank is not None and depth + batch_dims > rank:
        raise InferenceError(f"points of {depth} coordinates are too deep for {rank - batch_dims} dimensions")
    return depth


def check_points(indices: Operand, sizes: Shape) -> None:
    """Raises InferenceError when a coordinate is known to lie beyond its dimension."""
    known = indices.known
    if known is None or known.dtype == object or not known.size:
        return
    points = known.reshape(-1, known.shape[-1])
    for size, low, high in zip(sizes, points.min(0).tolist(), points.max(0).tolist()):
        if isinstance(size, int) and (low < -size or high >= size):
            raise InferenceError(f"index {low if low < -size else high} is out of range for a dimension of {size}")


@op(opset=8)
class GatherND(Op):
    """Slices of `data` at points, whose coordinates are the last dimension of `indices`."""

    batch_dims: int = 0

    def infer(self, data: Operand, indices: Operand) -> TensorType:
        depth = point_depth(indices, data.rank, self.batch_dims)
        shape, picks = data.shape, indices.shape
        if shape is None or picks is None or depth is None:
            return TensorType(data.dtype, None)
        check_points(indices, shape[self.batch_dims :])
        batch = types.merge(shape[: self.batch_dims], picks[: self.batch_dims])
        assert batch is not None
        return TensorType(data.dtype, batch + picks[self.batch_dims : -1] + shape[self.batch_dims + depth :])

    def evaluate(self, data: Array, indices: Array) -> Array:
        return gather.gather_nd(data, indices, self.batch_dims)


@op(opset=1)
class GatherTree(Op):
    """The sequences of a beam search, followed from their last steps back to the first. All [time, batch, beam]."""

    def infer(self, step_ids: Operand, parent_idx: Operand, max_seq_len: Operand, end_token: Operand) -> TensorType:
        same_dtype(step_ids, parent_idx, max_seq_len, end_token)
        merged: Shape | None = types.merge(step_ids.shape, parent_idx.shape)
        if merged is None:
            return TensorType(step_ids.dtype, unknowns(3))
        if len(merged) != 3:
            raise InferenceError(f"step_ids are {step_ids.type}, expected [time, batch, beam]")
        batch = types.merge((merged[1],), max_seq_len.shape)
        assert batch is not None
        return TensorType(step_ids.dtype, (merged[0], *batch, merged[2]))

    def evaluate(self, step_ids: Array, parent_idx: Array, max_seq_len: Array, end_token: Array) -> Array:
        return gather.gather_tree(step_ids, parent_idx, max_seq_len, end_token)
