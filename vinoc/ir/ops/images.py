"""Images as files hold them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..dim import unknown
from ..dtype import Array, u8
from ..errors import InferenceError
from ..kernels import images
from ..op import Op, Operand, op
from ..types import TensorType

PixelFormat: TypeAlias = Literal["RGB", "BGR", "Grayscale"]


@op(internal=True)
class ImageDecoder(Op):
    """The bytes of an image file -> [height, width, 3] of u8, or [height, width, 1] in gray.

    Baseline JPEG, PNG of 8 bits, BMP, PNM, TIFF without compression.
    """

    pixel_format: PixelFormat = "RGB"

    def infer(self, data: Operand) -> TensorType:
        if data.dtype is not u8 or data.rank not in (None, 1):
            raise InferenceError(f"the file is {data.type}, expected u8[n]")
        return TensorType(u8, (unknown(1), unknown(1), 1 if self.pixel_format == "Grayscale" else 3))

    def evaluate(self, data: Array) -> Array:
        return images.decode(data, self.pixel_format)
