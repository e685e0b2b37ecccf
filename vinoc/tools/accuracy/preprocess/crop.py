"""Parts of images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....ir.errors import UsageError
from ..base import Image, Preprocessor, preprocessor
from ..options import option
from ..representation import Annotation
from ..sizes import Sized
from .pad import padded
from .resize import brought_to, cut, picture, sides


@preprocessor("crop")
class Crop(Preprocessor, Sized):
    """The middle of an image; images that are smaller are enlarged first, to the least size that holds it."""

    central_fraction: float | None = option(None, "the share of both sides that is kept", low=0, high=1)
    max_square: bool = option(False, "the largest square")
    use_pillow: bool = option(False, "an odd rest is halved as Pillow rounds it; smaller images get black borders")

    def __post_init__(self) -> None:
        self.check_size(needed=False)
        if (self.target is not None) + bool(self.central_fraction) + self.max_square != 1:
            raise UsageError("one of a size, `central_fraction` and `max_square` is needed")

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        height, width = sides(picture(image.data))
        if self.target is not None:
            new_height, new_width = self.target
        elif self.max_square:
            new_height = new_width = min(height, width)
        else:
            assert self.central_fraction is not None
            new_height, new_width = int(height * self.central_fraction), int(width * self.central_fraction)
        if self.use_pillow:
            return _as_pillow(image, new_height, new_width)
        if width < new_width or height < new_height:
            factor = max(new_width / width, new_height / height, 1.0)
            size = int(np.ceil(round(height * factor, 6))), int(np.ceil(round(width * factor, 6)))
            image = brought_to(image, size)
            height, width = size
        return cut(image, (height - new_height) // 2, (width - new_width) // 2, new_height, new_width)


def _as_pillow(image: Image, new_height: int, new_width: int) -> Image:
    height, width = sides(picture(image.data))
    top, left = round((height - new_height) / 2), round((width - new_width) / 2)
    before = max(-top, 0), max(-left, 0)
    after = max(top + new_height - height, 0), max(left + new_width - width, 0)
    if any(before) or any(after):
        image = padded(image, (*before, *after), (0.0,))
    return cut(image, top + before[0], left + before[1], new_height, new_width)


@preprocessor("corner_crop")
class CornerCrop(Preprocessor, Sized):
    """A corner of an image; sides that are shorter stay as they are."""

    corner_type: str = option(
        "top_left", "which corner", choices=("top_left", "top_right", "bottom_left", "bottom_right")
    )

    needed = True

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        height, width = sides(picture(image.data))
        new_height, new_width = min(height, self.wanted[0]), min(width, self.wanted[1])
        top = height - new_height if "bottom" in self.corner_type else 0
        left = width - new_width if "right" in self.corner_type else 0
        return cut(image, top, left, new_height, new_width)


@preprocessor("crop_or_pad")
class CropOrPad(Preprocessor, Sized):
    """The middle of an image where it is larger, black borders around it where it is smaller."""

    needed = True

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        height, width = sides(picture(image.data))
        new_height, new_width = self.wanted
        kept = min(height, new_height), min(width, new_width)
        image = cut(image, (height - kept[0]) // 2, (width - kept[1]) // 2, *kept)
        more = new_height - kept[0], new_width - kept[1]
        top, left = more[0] // 2, more[1] // 2
        return padded(image, (top, left, more[0] - top, more[1] - left), (0.0,))


@preprocessor("crop_image_with_padding")
class CropWithPadding(Preprocessor):
    """The share size / (size + crop_padding) of the shorter side, a square in the middle, resized to `size`."""

    size: int = option(doc="both sides", low=1)
    crop_padding: int = option(doc="how much larger the whole image would be", low=1)

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        height, width = sides(picture(image.data))
        side = int(self.size / (self.size + self.crop_padding) * min(height, width))
        image = cut(image, (height - side + 1) // 2, (width - side + 1) // 2, side, side)
        return brought_to(image, (self.size, self.size))


def rectangle(image: Image) -> tuple[float, float, float, float]:
    """x0 y0 x1 y1 of what the sample is about, which its annotation gives. Raises UsageError."""
    found = image.meta.more.get("rect")
    if found is None:
        raise UsageError("the annotation has no rectangle", help="the reader vgg_face with bbox_csv_file gives one")
    x0, y0, x1, y1 = (float(v) for v in found)
    return x0, y0, x1, y1


@preprocessor("crop_rect", "crop_rectangle")
class CropRect(Preprocessor):
    """The rectangle that the annotation gives, as far as it lies in the image."""

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        x0, y0, x1, y1 = (int(v) for v in rectangle(image))
        height, width = sides(picture(image.data))
        left, top = max(x0, 0), max(y0, 0)
        right, bottom = min(left + x1 - x0, width), min(top + y1 - y0, height)
        return cut(image, top, left, max(bottom - top, 0), max(right - left, 0))


@preprocessor("extend_around_rect")
class ExtendAroundRect(Preprocessor):
    """The rectangle that the annotation gives grows on each side by a share of it, and the image with it: beyond its
    edge the last pixels are repeated. `crop_rect` behind it takes that rectangle."""

    augmentation_param: float = option(0.0, "by which share of the rectangle it grows on each side", low=0)

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        x0, y0, x1, y1 = rectangle(image)
        height, width = sides(picture(image.data))
        columns, across = _extended(max(x0, 0), min(x1, width), width, self.augmentation_param)
        rows, down = _extended(max(y0, 0), min(y1, height), height, self.augmentation_param)
        image = padded(image, (rows[0], columns[0], rows[1], columns[1]), mode="edge")
        more = {**image.meta.more, "rect": (across[0], down[0], across[1], down[1])}
        return replace(image, meta=replace(image.meta, more=more))


def _extended(low: float, high: float, size: int, share: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Of one axis: how many pixels come before and behind the image, and where the grown rectangle is then."""
    extent = (high - low + 1) * share
    start = low - extent
    before = abs(min(0.0, start))
    end = int(high + before + extent + 0.5)
    first = int(max(0.0, start))
    return (int(before), max(0, end - size)), (first, first + int(high - low + 2 * extent))
