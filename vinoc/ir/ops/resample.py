"""ONNX's Resize in the variants that OpenVINO's Interpolate lacks, where sizes are known only at run time."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..dim import unknown
from ..dtype import Array
from ..errors import InferenceError, VinocError
from ..kernels import resample
from ..op import Op, Operand, op
from ..types import TensorType, as_dims, normalize_axes
from .elementwise import numeric

Mode: TypeAlias = Literal["nearest", "linear", "cubic"]
Policy: TypeAlias = Literal["stretch", "not_larger", "not_smaller"]
Coordinates: TypeAlias = Literal[
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "asymmetric", "tf_half_pixel_for_nn", "align_corners",
    "tf_crop_and_resize",
]  # fmt: skip
Nearest: TypeAlias = Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


@op(internal=True)
class Resample(Op):
    """`data` resized along `axes`, to the sizes or by the scales in `target` (`by_scales`).

    With a policy the sizes are a frame, into which the data fit (not_larger) or which they cover (not_smaller), all
    axes by one scale. `roi` is the part of each axis that tf_crop_and_resize looks at: all starts, then all ends.
    """

    axes: tuple[int, ...]
    by_scales: bool
    policy: Policy = "stretch"
    mode: Mode = "nearest"
    coordinates: Coordinates = "half_pixel"
    nearest_mode: Nearest = "round_prefer_floor"
    cubic_coeff: float = -0.75
    antialias: bool = False
    exclude_outside: bool = False
    fill: float = 0.0

    def validate(self) -> None:
        if self.by_scales and self.policy != "stretch":
            raise VinocError(f"{self.kind}: policy {self.policy} is for sizes, scales are given")

    def infer(self, data: Operand, target: Operand, roi: Operand | None = None) -> TensorType:
        numeric(data, "data")
        numeric(target, "target")
        if target.shape is not None and target.shape != (len(self.axes),) and isinstance(target.shape[0], int):
            raise InferenceError(f"target is {target.type}, expected a number for each of {len(self.axes)} axes")
        if data.shape is None:
            return TensorType(data.dtype, None)
        shape = list(data.shape)
        known = target.known if not self.by_scales and self.policy == "stretch" else None
        sizes = [unknown()] * len(self.axes) if known is None else as_dims(known)
        for axis, size in zip(normalize_axes(self.axes, len(shape)), sizes, strict=True):
            shape[axis] = size
        return TensorType(data.dtype, tuple(shape))

    def evaluate(self, data: Array, target: Array, roi: Array | None = None) -> Array:
        return resample.resize(
            data, target, roi, self.axes, self.by_scales, self.policy, self.mode, self.coordinates, self.nearest_mode,
            self.cubic_coeff, self.antialias, self.exclude_outside, self.fill,
        )  # fmt: skip
