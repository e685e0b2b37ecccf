"""Sampling and pooling that ONNX has and OpenVINO lacks: volumes, maxima of weighted corners, columns of any rank."""

from __future__ import annotations

from typing import TypeAlias

from .. import types
from ..dim import Dim, unknown
from ..dtype import Array
from ..errors import InferenceError, VinocError
from ..kernels import blocks, vision
from ..op import Op, Operand, op
from ..types import TensorType
from .elementwise import floating, integral, numeric
from .vision import GridMode, GridPadding, check_grid, pooled_regions, same

Ints: TypeAlias = tuple[int, ...]


@op(internal=True)
class GridSampleND(Op):
    """data [N,C,*spatial] at the places grid [N,*out,rank] -> [N,C,*out]; GridSample for any number of dimensions.

    The last coordinate of a place counts along the first spatial dimension.
    """

    align_corners: bool = False
    mode: GridMode = "bilinear"
    padding_mode: GridPadding = "zeros"

    def infer(self, data: Operand, grid: Operand) -> TensorType:
        floating(data, "data")
        floating(grid, "grid")
        if data.shape is None or grid.shape is None:
            return TensorType(data.dtype, None)
        rank = len(data.shape) - 2
        if rank < 1 or len(grid.shape) != rank + 2:
            raise InferenceError(f"data {data.type} and grid {grid.type} do not go together")
        same("the last dimension of grid and the spatial rank", grid.shape[-1], rank)
        batch = same("the batches of data and grid", data.shape[0], grid.shape[0])
        return TensorType(data.dtype, (batch, data.shape[1], *grid.shape[1:-1]))

    def evaluate(self, data: Array, grid: Array) -> Array:
        return vision.grid_sample_nd(data, grid, self.align_corners, self.mode, self.padding_mode)


@op(internal=True)
class ROICornerMax(Op):
    """data [N,C,H,W], regions [R,4] of x1,y1,x2,y2, their batches [R] -> [R,C,pooled_h,pooled_w].

    The maximum over each bin's samples of their four neighbours, each times its bilinear weight: ONNX's RoiAlign with
    `mode` max, where ROIAlign takes the maximum of the samples.
    """

    pooled_h: int
    pooled_w: int
    sampling_ratio: int
    spatial_scale: float
    half_pixel: bool = True

    def validate(self) -> None:
        check_grid(self.kind, pooled_h=self.pooled_h, pooled_w=self.pooled_w)

    def infer(self, data: Operand, rois: Operand, batch_indices: Operand) -> TensorType:
        return pooled_regions(data, rois, batch_indices, self.pooled_h, self.pooled_w)

    def evaluate(self, data: Array, rois: Array, batch_indices: Array) -> Array:
        return vision.roi_corner_max(
            data, rois, batch_indices, self.pooled_h, self.pooled_w, self.sampling_ratio, self.spatial_scale,
            self.half_pixel,
        )  # fmt: skip


@op(internal=True)
class Col2ImND(Op):
    """[N,C*prod(kernel),L] -> [N,C,*output_size]: Col2Im for any number of spatial dimensions."""

    strides: Ints
    dilations: Ints
    pads_begin: Ints
    pads_end: Ints

    def validate(self) -> None:
        lists = (self.strides, self.dilations, self.pads_begin, self.pads_end)
        if len({len(v) for v in lists}) != 1 or min([1, *self.strides, *self.dilations]) < 1:
            raise VinocError(f"{self.kind}: attributes {lists} contradict each other")

    def infer(self, data: Operand, output_size: Operand, kernel_size: Operand) -> TensorType:
        numeric(data, "data")
        integral(output_size, "output_size")
        integral(kernel_size, "kernel_size")
        rank = len(self.strides)
        if data.shape is not None and len(data.shape) != 3:
            raise InferenceError(f"data is {data.type}, expected [N, C * kernel, L]")
        for name, operand in (("output_size", output_size), ("kernel_size", kernel_size)):
            if operand.shape is not None and operand.shape != (rank,):
                raise InferenceError(f"{name} is {operand.type}, expected {rank} numbers")
        batch: Dim = data.shape[0] if data.shape is not None else unknown()
        channels: Dim = unknown()
        if data.shape is not None and isinstance(data.shape[1], int) and kernel_size.known is not None:
            taps = types.numel(types.as_dims(kernel_size.known))
            if isinstance(taps, int):
                if taps < 1 or data.shape[1] % taps:
                    raise InferenceError(f"{data.shape[1]} rows are no multiple of the {taps} elements of the kernel")
                channels = data.shape[1] // taps
        size = [unknown()] * rank if output_size.known is None else types.as_dims(output_size.known)
        return TensorType(data.dtype, (batch, channels, *size))

    def evaluate(self, data: Array, output_size: Array, kernel_size: Array) -> Array:
        return blocks.col2im(
            data, output_size, kernel_size, self.strides, self.dilations, self.pads_begin, self.pads_end
        )
