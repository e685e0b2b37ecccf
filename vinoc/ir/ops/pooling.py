"""Pooling: one number for each window of the spatial dimensions."""

from __future__ import annotations

from ..dim import Dim, unknown
from ..dtype import Array, DType, i32, i64
from ..errors import InferenceError, VinocError
from ..kernels import pool
from ..op import Op, Operand, field, op
from ..types import Shape, TensorType, as_dims, normalize_axis
from .elementwise import floating, integral, numeric
from .shape import LONGEST
from .window import AutoPad, Rounding, check_lists, positive_sizes, spatial_dims, windows


def index_type(kind: str, dtype: DType) -> None:
    """Raises VinocError unless the type is one for indices."""
    if dtype not in (i32, i64):
        raise VinocError(f"{kind}: attribute `index_element_type` is {dtype}, expected i32 or i64")


def leading(data: TensorType) -> tuple[Dim, Dim]:
    """Batch and channels; unknown where the rank is."""
    return (unknown(), unknown()) if data.shape is None else (data.shape[0], data.shape[1])


@op(opset=14)
class MaxPool(Op):
    """The largest element of each window, and where it lies. data [N,C,*spatial] -> values and indices [N,C,*out].

    Indices count in row-major order over the axes from `axis` on. Pads never win. Rounding: `floor` drops a window
    that reaches beyond the pads, `ceil` keeps it, `ceil_torch` keeps it when it begins before the pads at the end.
    """

    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads_begin: tuple[int, ...]
    pads_end: tuple[int, ...]
    kernel: tuple[int, ...]
    rounding_type: Rounding = "floor"
    auto_pad: AutoPad = "explicit"
    index_element_type: DType = i64
    axis: int = 0

    def validate(self) -> None:
        check_lists(
            self.kind, positive=("strides", "kernel", "dilations"), strides=self.strides, dilations=self.dilations,
            pads_begin=self.pads_begin, pads_end=self.pads_end, kernel=self.kernel,
        )  # fmt: skip
        index_type(self.kind, self.index_element_type)

    def infer(self, data: Operand) -> tuple[TensorType, TensorType]:
        numeric(data, "data")
        spatial = spatial_dims(data.tensor, len(self.kernel))
        normalize_axis(self.axis, len(spatial) + 2)
        sizes = windows(
            spatial, self.kernel, self.strides, self.dilations,
            self.pads_begin, self.pads_end, self.auto_pad, self.rounding_type,
        )  # fmt: skip
        shape = (*leading(data.tensor), *sizes)
        return TensorType(data.dtype, shape), TensorType(self.index_element_type, shape)

    def evaluate(self, data: Array) -> tuple[Array, Array]:
        return pool.max_pool(
            data, self.kernel, self.strides, self.dilations, self.pads_begin, self.pads_end,
            self.rounding_type, self.auto_pad, self.axis, self.index_element_type.numpy,
        )  # fmt: skip


@op(opset=14)
class AvgPool(Op):
    """The mean of each window, pads counted as zeros or (exclude_pad) not at all. [N,C,*spatial] -> [N,C,*out].

    Rounding as in MaxPool; what a window has beyond the pads is not counted.
    """

    strides: tuple[int, ...]
    pads_begin: tuple[int, ...]
    pads_end: tuple[int, ...]
    kernel: tuple[int, ...]
    exclude_pad: bool = field(ir_name="exclude-pad")
    rounding_type: Rounding = "floor"
    auto_pad: AutoPad = "explicit"

    def validate(self) -> None:
        check_lists(
            self.kind, positive=("strides", "kernel"), strides=self.strides,
            pads_begin=self.pads_begin, pads_end=self.pads_end, kernel=self.kernel,
        )  # fmt: skip

    def infer(self, data: Operand) -> TensorType:
        numeric(data, "data")
        spatial = spatial_dims(data.tensor, len(self.kernel))
        sizes = windows(
            spatial, self.kernel, self.strides, (1,) * len(spatial),
            self.pads_begin, self.pads_end, self.auto_pad, self.rounding_type,
        )  # fmt: skip
        return TensorType(data.dtype, (*leading(data.tensor), *sizes))

    def evaluate(self, data: Array) -> Array:
        return pool.avg_pool(
            data, self.kernel, self.strides, self.pads_begin, self.pads_end,
            self.exclude_pad, self.rounding_type, self.auto_pad,
        )  # fmt: skip


def adaptive_shape(data: TensorType, sizes: Operand) -> Shape | None:
    """[N,C,*sizes]. Raises InferenceError."""
    listed = integral(sizes, "output_shape")
    if listed.shape is not None and len(listed.shape) != 1:
        raise InferenceError(f"output_shape is {listed}, expected a list of integers")
    count = listed.shape[0] if listed.shape is not None else None
    if data.shape is not None:
        if len(data.shape) < 3:
            raise InferenceError(f"data of rank {len(data.shape)} has no spatial dimensions")
        if isinstance(count, int) and count != len(data.shape) - 2:
            raise InferenceError(f"output_shape has {count} numbers for {len(data.shape) - 2} spatial dimensions")
        count = len(data.shape) - 2
    if sizes.known is not None:
        return (*leading(data), *positive_sizes(as_dims(sizes.known), "output_shape"))
    return (*leading(data), *(unknown(1),) * count) if isinstance(count, int) and count <= LONGEST else None


@op(opset=8)
class AdaptiveAvgPool(Op):
    """Means over a grid of as many cells as wanted. data [N,C,*spatial], output_shape [spatial] -> [N,C,*cells]."""

    def infer(self, data: Operand, output_shape: Operand) -> TensorType:
        return TensorType(floating(data, "data").dtype, adaptive_shape(data.tensor, output_shape))

    def evaluate(self, data: Array, output_shape: Array) -> Array:
        return pool.adaptive_avg_pool(data, output_shape)


@op(opset=8)
class AdaptiveMaxPool(Op):
    """Maxima over a grid of as many cells as wanted, and their places among the spatial elements."""

    index_element_type: DType = i64

    def validate(self) -> None:
        index_type(self.kind, self.index_element_type)

    def infer(self, data: Operand, output_shape: Operand) -> tuple[TensorType, TensorType]:
        shape = adaptive_shape(floating(data, "data"), output_shape)
        return TensorType(data.dtype, shape), TensorType(self.index_element_type, shape)

    def evaluate(self, data: Array, output_shape: Array) -> tuple[Array, Array]:
        return pool.adaptive_max_pool(data, output_shape, self.index_element_type.numpy)
