"""Images brought to a size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..base import Image, Preprocessor, preprocessor
from ..options import option
from ..representation import Annotation, Step
from ..sizes import Sized
from .ratios import RATIOS
from .scaling import INTERPOLATIONS, METHODS, check_method, resized

CHOICES = tuple(dict.fromkeys(n for i in INTERPOLATIONS for n in (i, i.capitalize(), i.lower())))


def picture(data: Array) -> Array:
    """Data that is an image, [h, w, c]. Raises UsageError."""
    if data.ndim == 2:
        return data[:, :, None]
    if data.ndim != 3 or 0 in data.shape:
        raise UsageError(f"an image [height, width, channels] is needed, the data is {data.dtype}{list(data.shape)}")
    return data


def sides(data: Array) -> tuple[int, int]:
    """(height, width)."""
    return data.shape[0], data.shape[1]


def brought_to(image: Image, after: tuple[int, int], realization: str = "opencv", method: str = "LINEAR") -> Image:
    """An image of another (height, width)."""
    data = picture(image.data)
    height, width = sides(data)
    step = Step("resize", (height, width), after, (after[1] / width, after[0] / height))
    return image.changed(resized(data, *after, realization, method), step)


def cut(image: Image, top: int, left: int, height: int, width: int) -> Image:
    """A part of an image, which lies in it."""
    data = picture(image.data)
    part = np.ascontiguousarray(data[top : top + height, left : left + width])
    if 0 in part.shape:
        raise UsageError(f"nothing is left of an image {data.shape[1]} wide and {data.shape[0]} high")
    return image.changed(part, Step("crop", sides(data), sides(part), shift=(-float(left), -float(top))))


@preprocessor("resize")
class Resize(Preprocessor, Sized):
    """Another size, of the given sides, or one that keeps the ratio of the sides (`aspect_ratio_scale`)."""

    aspect_ratio_scale: str | None = option(None, "how the sides follow the image's", choices=(*RATIOS, "scale_factor"))
    scale: float | None = option(None, "the factor of both sides, with aspect_ratio_scale: scale_factor", low=0)
    factor: int | None = option(None, "sides that follow the image's are rounded down to multiples of this", low=1)
    include_boundary: bool = option(False, "multiples of `factor`; else 1 more than multiples")
    interpolation: str = option("LINEAR", "how pixels in between are computed", choices=CHOICES)
    resize_realization: str | None = option(None, "whose definition of it: opencv", choices=tuple(METHODS))
    use_pillow: bool = option(False, "the same as resize_realization: pillow")
    use_tensorflow: bool = option(False, "the same as resize_realization: tf")

    def __post_init__(self) -> None:
        by_scale = self.aspect_ratio_scale == "scale_factor"
        if by_scale != (self.scale is not None):
            raise UsageError("`scale` and `aspect_ratio_scale: scale_factor` belong together")
        self.check_size(needed=not by_scale)
        check_method(self._realization, self.interpolation)

    @property
    def _realization(self) -> str:
        if self.resize_realization is not None:
            return self.resize_realization
        return "pillow" if self.use_pillow else "tf" if self.use_tensorflow else "opencv"

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        before = sides(picture(image.data))
        after = self.size_for(before)
        if min(after) < 1:
            raise UsageError(f"the image is {before[1]} wide and {before[0]} high: its size would be {after[::-1]}")
        done = brought_to(image, after, self._realization, self.interpolation)
        target = self.target or after
        wanted = (max(after[0], target[0]), max(after[1], target[1]))
        return replace(done, meta=replace(done.meta, more={**done.meta.more, "preferable_size": wanted}))

    def size_for(self, image: tuple[int, int]) -> tuple[int, int]:
        """(height, width) for an image of (height, width)."""
        if self.aspect_ratio_scale is None:
            return self.wanted
        if self.scale is not None:
            size = int(image[0] * self.scale), int(image[1] * self.scale)
        else:
            size = RATIOS[self.aspect_ratio_scale](self.wanted, image)
        if self.factor is None:
            return size
        rest = 0 if self.include_boundary else 1
        height, width = (side - (side - rest) % self.factor for side in size)
        return height, width


@preprocessor("auto_resize")
class AutoResize(Preprocessor):
    """The size of the model's input, by OpenCV's bilinear interpolation."""

    shape: tuple[int, ...] = ()

    def fitted(self, shape: tuple[int, int]) -> Preprocessor:
        return replace(self, shape=shape)

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        if len(self.shape) != 2:
            raise UsageError("the size of the model's input is not known", help="`resize` takes a size")
        return brought_to(image, (self.shape[0], self.shape[1]))
