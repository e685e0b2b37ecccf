"""The words of preprocessing: formats of colors, ways to resize, ways to pad."""

from __future__ import annotations

from typing import NamedTuple

from ..words import Numbered


class ColorFormat(Numbered):
    """What the numbers of an image are. NV12 and I420 are brightness and color difference, as cameras give them."""

    UNDEFINED = 0
    NV12_SINGLE_PLANE = 1
    NV12_TWO_PLANES = 2
    I420_SINGLE_PLANE = 3
    I420_THREE_PLANES = 4
    RGB = 5
    BGR = 6
    GRAY = 7
    RGBX = 8
    BGRX = 9


class ResizeAlgorithm(Numbered):
    """How an image is resized; the Pillow ways smooth what shrinks, as PIL.Image.resize does."""

    RESIZE_LINEAR = 0
    RESIZE_CUBIC = 1
    RESIZE_NEAREST = 2
    RESIZE_BILINEAR_PILLOW = 3
    RESIZE_BICUBIC_PILLOW = 4


class PaddingMode(Numbered):
    """What is put around an image."""

    CONSTANT = 0
    REFLECT = 2
    SYMMETRIC = 3


class Format(NamedTuple):
    """What is known of a color format. Channels 0: any number. `planes`: (share of height, share of width, channels)
    of each tensor as (3, 2) for 3/2."""

    label: str
    channels: int = 0
    planes: tuple[tuple[tuple[int, int], int, int], ...] = ()

    @property
    def is_yuv(self) -> bool:
        return bool(self.planes)


_WHOLE, _LONGER, _HALF = (1, 1), (3, 2), (1, 2)

FORMATS = {
    ColorFormat.UNDEFINED: Format("Unknown"),
    ColorFormat.NV12_SINGLE_PLANE: Format("NV12 (single plane)", planes=((_LONGER, 1, 1),)),
    ColorFormat.NV12_TWO_PLANES: Format("NV12 (multi-plane)", planes=((_WHOLE, 1, 1), (_HALF, 2, 2))),
    ColorFormat.I420_SINGLE_PLANE: Format("I420 (single plane)", planes=((_LONGER, 1, 1),)),
    ColorFormat.I420_THREE_PLANES: Format("I420 (multi-plane)", planes=((_WHOLE, 1, 1), (_HALF, 2, 1), (_HALF, 2, 1))),
    ColorFormat.RGB: Format("RGB", 3),
    ColorFormat.BGR: Format("BGR", 3),
    ColorFormat.GRAY: Format("GRAY"),
    ColorFormat.RGBX: Format("RGBX", 4),
    ColorFormat.BGRX: Format("BGRX", 4),
}
