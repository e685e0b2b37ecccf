"""Sampling of images at computed places, regions of interest, non-maximum suppression."""

from __future__ import annotations

from math import inf
from typing import Literal, TypeAlias

from .. import types
from ..dim import Dim, bounds, dim_min, merge_dim, unknown
from ..dtype import Array, DType, i32, i64
from ..errors import InferenceError, VinocError
from ..kernels import vision
from ..op import Op, Operand, op
from ..types import Shape, TensorType
from .elementwise import floating, integral, numeric, same_dtype

GridMode: TypeAlias = Literal["bilinear", "bicubic", "nearest"]
GridPadding: TypeAlias = Literal["zeros", "border", "reflection"]
RoiMode: TypeAlias = Literal["avg", "max"]
AlignedMode: TypeAlias = Literal["asymmetric", "half_pixel_for_nn", "half_pixel"]
BoxEncoding: TypeAlias = Literal["corner", "center"]


def of_rank(operand: Operand, name: str, *expected: int | None) -> Shape:
    """The dimensions of an operand; `expected` has a number where one is fixed. Raises InferenceError."""
    if operand.shape is None:
        return tuple(unknown() if e is None else e for e in expected)
    wanted = ", ".join("?" if e is None else str(e) for e in expected)
    fits = len(operand.shape) == len(expected) and all(
        e is None or bounds(d)[0] <= e <= bounds(d)[1] for d, e in zip(operand.shape, expected)
    )
    if not fits:
        raise InferenceError(f"`{name}` is {operand.type}, expected [{wanted}]")
    return operand.shape


def same(what: str, a: Dim, b: Dim) -> Dim:
    try:
        return merge_dim(a, b)
    except InferenceError:
        raise InferenceError(f"{what} differ: {a} and {b}") from None


def check_grid(kind: str, **sizes: int) -> None:
    """Raises VinocError unless the sizes of a pooled region are positive."""
    for name, size in sizes.items():
        if size < 1:
            raise VinocError(f"{kind}: attribute `{name}` is {size}, expected a number >= 1")


@op(opset=9)
class GridSample(Op):
    """data [N,C,H,W] at the places grid [N,h,w,2] of (x, y) -> [N,C,h,w].

    -1 and 1 are the middles of the outer elements with align_corners, else their outer edges.
    """

    align_corners: bool = False
    mode: GridMode = "bilinear"
    padding_mode: GridPadding = "zeros"

    def infer(self, data: Operand, grid: Operand) -> TensorType:
        numeric(data, "data")
        floating(grid, "grid")
        n, channels, _, _ = of_rank(data, "data", None, None, None, None)
        m, height, width, _ = of_rank(grid, "grid", None, None, None, 2)
        return TensorType(data.dtype, (same("batches of data and grid", n, m), channels, height, width))

    def evaluate(self, data: Array, grid: Array) -> Array:
        return vision.grid_sample(data, grid, self.align_corners, self.mode, self.padding_mode)


def pooled_regions(data: Operand, rois: Operand, batch_indices: Operand, height: int, width: int) -> TensorType:
    """The type of regions [N, 4] of images [B, C, H, W] that are brought to one size: [N, C, height, width]."""
    same_dtype(data, rois)
    floating(data, "data")
    integral(batch_indices, "batch_indices")
    channels = of_rank(data, "data", None, None, None, None)[1]
    count, _ = of_rank(rois, "rois", None, 4)
    (batches,) = of_rank(batch_indices, "batch_indices", None)
    count = same("the numbers of rois and batch_indices", count, batches)
    return TensorType(data.dtype, (count, channels, height, width))


@op(opset=9)
class ROIAlign(Op):
    """data [N,C,H,W], regions [R,4] of x1,y1,x2,y2, their batches [R] -> [R,C,pooled_h,pooled_w].

    Each bin is the mean or maximum of sampling_ratio^2 bilinear samples; 0: as many as it has elements.
    """

    pooled_h: int
    pooled_w: int
    sampling_ratio: int
    spatial_scale: float
    mode: RoiMode
    aligned_mode: AlignedMode = "asymmetric"

    def validate(self) -> None:
        check_grid(self.kind, pooled_h=self.pooled_h, pooled_w=self.pooled_w)

    def infer(self, data: Operand, rois: Operand, batch_indices: Operand) -> TensorType:
        return pooled_regions(data, rois, batch_indices, self.pooled_h, self.pooled_w)

    def evaluate(self, data: Array, rois: Array, batch_indices: Array) -> Array:
        return vision.roi_align(
            data, rois, batch_indices, self.pooled_h, self.pooled_w, self.sampling_ratio, self.spatial_scale,
            self.mode, self.aligned_mode,
        )  # fmt: skip


@op(opset=2)
class ROIPooling(Op):
    """data [N,C,H,W], regions [R,5] of batch,x1,y1,x2,y2 -> [R,C,*output_size].

    `max`: the maximum of each bin of the region, scaled by spatial_scale. `bilinear`: one sample for each, the
    region given in parts (0..1) of the image.
    """

    output_size: tuple[int, ...]
    spatial_scale: float
    method: Literal["max", "bilinear"] = "max"

    def validate(self) -> None:
        if len(self.output_size) != 2:
            raise VinocError(f"{self.kind}: attribute `output_size` has {len(self.output_size)} numbers, expected 2")
        check_grid(self.kind, pooled_h=self.output_size[0], pooled_w=self.output_size[1])

    def infer(self, data: Operand, rois: Operand) -> TensorType:
        same_dtype(data, rois)
        floating(data, "data")
        channels = of_rank(data, "data", None, None, None, None)[1]
        count, _ = of_rank(rois, "rois", None, 5)
        return TensorType(data.dtype, (count, channels, *self.output_size))

    def evaluate(self, data: Array, rois: Array) -> Array:
        return vision.roi_pool(data, rois, self.output_size[0], self.output_size[1], self.spatial_scale, self.method)


@op(opset=9)
class NonMaxSuppression(Op):
    """The best boxes of each class that do not overlap better ones. boxes [B,N,4], scores [B,C,N] -> selected rows
    of (batch, class, box), of (batch, class, score), and their number.

    Boxes are [y1,x1,y2,x2] (corner) or [x,y,width,height] (center). Without max_output_boxes_per_class none is
    selected. With soft_nms_sigma > 0 an overlap also lowers the score.
    """

    box_encoding: BoxEncoding = "corner"
    sort_result_descending: bool = True
    output_type: DType = i64

    def validate(self) -> None:
        if self.output_type not in (i32, i64):
            raise VinocError(f"{self.kind}: attribute `output_type` is {self.output_type}, expected i32 or i64")

    def infer(
        self,
        boxes: Operand,
        scores: Operand,
        max_output_boxes_per_class: Operand | None = None,
        iou_threshold: Operand | None = None,
        score_threshold: Operand | None = None,
        soft_nms_sigma: Operand | None = None,
    ) -> tuple[TensorType, TensorType, TensorType]:
        floating(boxes, "boxes")
        floating(scores, "scores")
        batches, count, _ = of_rank(boxes, "boxes", None, None, 4)
        batches_s, classes, count_s = of_rank(scores, "scores", None, None, None)
        batches = same("batches of boxes and scores", batches, batches_s)
        count = same("the numbers of boxes and scores", count, count_s)
        numbers = {"iou_threshold": iou_threshold, "score_threshold": score_threshold, "soft_nms_sigma": soft_nms_sigma}
        for name, operand in numbers.items():
            if operand is not None:
                floating(operand, name)
                one_number(operand, name)
        most: Dim = 0
        if max_output_boxes_per_class is not None:
            integral(max_output_boxes_per_class, "max_output_boxes_per_class")
            one_number(max_output_boxes_per_class, "max_output_boxes_per_class")
            known = max_output_boxes_per_class.known
            limit = known.reshape(-1)[0] if known is not None else count
            most = dim_min(count, int(limit) if isinstance(limit, int) or hasattr(limit, "__index__") else limit)
        rows = unknown(0, max(bounds(most * batches * classes)[1], 0))
        return (
            TensorType(self.output_type, (rows, 3)),
            TensorType(scores.dtype, (rows, 3)),
            TensorType(self.output_type, (1,)),
        )

    def evaluate(
        self,
        boxes: Array,
        scores: Array,
        max_output_boxes_per_class: Array | None = None,
        iou_threshold: Array | None = None,
        score_threshold: Array | None = None,
        soft_nms_sigma: Array | None = None,
    ) -> tuple[Array, Array, Array]:
        return vision.non_max_suppression(
            boxes, scores,
            int(max_output_boxes_per_class.reshape(-1)[0]) if max_output_boxes_per_class is not None else 0,
            float(iou_threshold.reshape(-1)[0]) if iou_threshold is not None else 0.0,
            float(score_threshold.reshape(-1)[0]) if score_threshold is not None else 0.0,
            float(soft_nms_sigma.reshape(-1)[0]) if soft_nms_sigma is not None else 0.0,
            self.box_encoding == "center", self.sort_result_descending, self.output_type.numpy,
        )  # fmt: skip


def one_number(operand: Operand, name: str) -> None:
    """Raises InferenceError unless the operand is a scalar or a list of one."""
    if operand.shape is not None and bounds(types.numel(operand.shape)) not in ((1, 1), (0, inf)):
        raise InferenceError(f"{name} is {operand.type}, expected one number")
