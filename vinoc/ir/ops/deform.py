"""Deformable convolution."""

from __future__ import annotations

from ..dim import Dim
from ..dtype import Array
from ..errors import InferenceError, VinocError
from ..kernels import deform
from ..op import Op, Operand, op
from ..types import TensorType
from .convolution import batch, check_attributes, check_types, filter_dims
from .vision import of_rank, same
from .window import AutoPad, spatial_dims, windows


@op(opset=8)
class DeformableConvolution(Op):
    """2-D convolution whose taps are moved by offsets (Dai et al., Deformable Convolutional Networks, 2017; v2: mask).

    data [N,C,H,W], offsets [N,D*kh*kw*2,h,w] (y and x of each tap), filters [O,C/group,kh,kw], mask [N,D*kh*kw,h,w],
    with D = deformable_group -> [N,O,h,w]. Taps between elements are interpolated; beyond the border lie zeros, with
    bilinear_interpolation_pad mixed in from an element outside on.
    """

    strides: tuple[int, ...]
    pads_begin: tuple[int, ...]
    pads_end: tuple[int, ...]
    dilations: tuple[int, ...]
    auto_pad: AutoPad = "explicit"
    group: int = 1
    deformable_group: int = 1
    bilinear_interpolation_pad: bool = False

    def validate(self) -> None:
        check_attributes(
            self.kind, self.strides, pads_begin=self.pads_begin, pads_end=self.pads_end, dilations=self.dilations
        )
        if len(self.strides) != 2 or self.group < 1 or self.deformable_group < 1:
            raise VinocError(f"{self.kind}: two spatial dimensions and groups of at least one are expected")
        if self.auto_pad != "explicit":
            raise VinocError(f"{self.kind}: auto_pad {self.auto_pad} is not supported", help="give the pads")

    def infer(self, data: Operand, offsets: Operand, filters: Operand, mask: Operand | None = None) -> TensorType:
        check_types(data, filters)
        o, depth, kh, kw = filter_dims(filters.tensor, 2, 2, "[O, C / group, kh, kw]")
        spatial = spatial_dims(data.tensor, 2)
        out = windows(spatial, (kh, kw), self.strides, self.dilations, self.pads_begin, self.pads_end, "explicit")
        if data.shape is not None:
            same("the channels of data and of the filters times the groups", data.shape[1], depth * self.group)
        size = list(out)
        for name, operand, times in (("offsets", offsets, 2), ("mask", mask, 1)):
            if operand is None:
                continue
            found = of_rank(operand, name, None, None, None, None)
            same(f"the channels of {name} and the taps", found[1], self._taps(kh, kw) * times)
            size = [same(f"the sizes of {name} and of the result", a, b) for a, b in zip(size, found[2:], strict=True)]
        if isinstance(o, int) and o % self.group:
            raise InferenceError(f"{o} filters are no multiple of {self.group} groups")
        return TensorType(data.dtype, (batch(data.tensor), o, *size))

    def _taps(self, kh: Dim, kw: Dim) -> Dim:
        return kh * kw * self.deformable_group

    def evaluate(self, data: Array, offsets: Array, filters: Array, mask: Array | None = None) -> Array:
        return deform.deformable_convolution(
            data, offsets, filters, mask, self.strides, self.dilations, self.pads_begin, self.group,
            self.deformable_group, self.bilinear_interpolation_pad,
        )  # fmt: skip
