"""Places of values among sorted values, and one-hot vectors."""

from __future__ import annotations

from .. import types
from ..dim import unknown
from ..dtype import Array, DType, i32, i64
from ..errors import InferenceError, VinocError
from ..kernels import generate, lookup
from ..op import Op, Operand, op
from ..types import TensorType
from .activation import scalar
from .elementwise import integral, numeric, same_dtype


def index_type(kind: str, output_type: DType) -> None:
    """Raises VinocError unless indices may have that type."""
    if output_type not in (i32, i64):
        raise VinocError(f"attribute `output_type` of {kind} is {output_type}, expected i32 or i64")


@op(opset=3)
class Bucketize(Op):
    """The index of the interval between sorted `buckets` that holds each element.

    Intervals include their right end, or the left one without `with_right_bound`.
    """

    output_type: DType = i64
    with_right_bound: bool = True

    def validate(self) -> None:
        index_type(self.kind, self.output_type)

    def infer(self, data: Operand, buckets: Operand) -> TensorType:
        found = numeric(data, "data")
        numeric(buckets, "buckets")
        if buckets.rank not in (None, 1):
            raise InferenceError(f"buckets must be a list, got rank {buckets.rank}")
        return TensorType(self.output_type, found.shape)

    def evaluate(self, data: Array, buckets: Array) -> Array:
        return lookup.bucketize(data, buckets, self.output_type.numpy, self.with_right_bound)


@op(opset=15)
class SearchSorted(Op):
    """Where each value would be inserted into its row of `sorted`: before equal elements, or behind (`right_mode`).

    `sorted` has the dimensions of `values` but for the last, or is one row for all.
    """

    right_mode: bool = False
    output_type: DType = i64

    def validate(self) -> None:
        index_type(self.kind, self.output_type)

    def infer(self, sorted: Operand, values: Operand) -> TensorType:
        same_dtype(sorted, values)
        shape = numeric(values, "values").shape
        rows = sorted.shape
        if rows is None or len(rows) == 1:
            return TensorType(self.output_type, shape)
        if not rows:
            raise InferenceError("the sorted values are a scalar, expected at least one row")
        if shape is None:
            return TensorType(self.output_type, (*rows[:-1], unknown()))
        try:
            lead = types.merge(rows[:-1], shape[:-1]) if shape else None
        except InferenceError:
            lead = None
        if lead is None:
            raise InferenceError(f"rows of shape {list(rows)} do not match values of shape {list(shape)}")
        return TensorType(self.output_type, (*lead, shape[-1]))

    def evaluate(self, sorted: Array, values: Array) -> Array:
        return lookup.search_sorted(sorted, values, self.right_mode, self.output_type.numpy)


@op(opset=1)
class OneHot(Op):
    """`on_value` at the index of each element along a new axis of size `depth`, `off_value` elsewhere.

    Indices outside of [0, depth) select nothing.
    """

    axis: int = -1

    def infer(self, indices: Operand, depth: Operand, on_value: Operand, off_value: Operand) -> TensorType:
        found = integral(indices, "indices")
        integral(depth, "the depth")
        same_dtype(on_value, off_value)
        for operand, what in ((depth, "the depth"), (on_value, "the on value"), (off_value, "the off value")):
            scalar(operand, what)
        if found.shape is None:
            return TensorType(on_value.dtype, None)
        size = unknown()
        if depth.known is not None:
            (size,) = types.as_dims(depth.known)
            if isinstance(size, int) and size < 0:
                raise InferenceError(f"the depth is {size}")
        axis = types.normalize_axis(self.axis, len(found.shape) + 1)
        return TensorType(on_value.dtype, (*found.shape[:axis], size, *found.shape[axis:]))

    def evaluate(self, indices: Array, depth: Array, on_value: Array, off_value: Array) -> Array:
        return generate.one_hot(indices, depth, on_value, off_value, self.axis)
