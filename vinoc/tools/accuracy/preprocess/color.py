"""Colours and their values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..base import Image, Preprocessor, preprocessor
from ..options import option, parse
from ..representation import Annotation, Step
from .resize import picture

MEANS = {"imagenet": (104.00698793, 116.66876762, 122.67891434), "cifar10": (125.307, 122.961, 113.8575)}
"""Accuracy Checker's values by name: ImageNet's blue first. Its deviations by name are the same numbers."""


def _values(name: str, text: str | None) -> tuple[float, ...]:
    """Numbers of an option: `imagenet`, `0.5`, `1,2,3`, or none. Raises UsageError."""
    if text is None:
        return ()
    if text in MEANS:
        return MEANS[text]
    try:
        found: tuple[float, ...] = parse(text, tuple[float, ...])
    except ValueError:
        found = ()
    if not found or (name == "std" and 0 in found):
        help = f"a number for each channel, or one, or {' or '.join(MEANS)}" + (", not 0" if name == "std" else "")
        raise UsageError(f"option '{name}' is '{text}'", help=help)
    return found


@preprocessor("normalization")
class Normalization(Preprocessor):
    """(x - mean) / std, as f32. Channels are in the order that the image has by then."""

    mean: tuple[str, ...] | None = option(None, "a number for each channel, or one; imagenet, cifar10")
    std: tuple[str, ...] | None = option(None, "likewise")
    images_only: bool = option(False, "data that is no image stays as it is")

    def __post_init__(self) -> None:
        if not self._numbers("mean", self.mean) and not self._numbers("std", self.std):
            raise UsageError("`mean` or `std` is needed")

    @staticmethod
    def _numbers(name: str, given: tuple[str, ...] | None) -> tuple[float, ...]:
        return _values(name, ",".join(given)) if given else ()

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        data = image.data
        if self.images_only and not (data.ndim in (2, 3) and (data.ndim == 2 or data.shape[2] in (1, 3, 4))):
            return image
        out = data.astype(np.float64)
        for name, given, sign in (("mean", self.mean, -1), ("std", self.std, 0)):
            values = self._numbers(name, given)
            if not values:
                continue
            if len(values) > 1 and data.shape[-1] != len(values):
                raise UsageError(f"{name} has {len(values)} numbers, the data {data.shape[-1]} channels")
            out = out - np.array(values) if sign else out / np.array(values)
        return image.changed(out.astype(np.float32))


def swapped(image: Image) -> Image:
    """With the channels the other way round; of one channel as it is."""
    data = picture(image.data)
    if data.shape[2] not in (1, 3):
        raise UsageError(f"three channels are needed, the image has {data.shape[2]}")
    return image.changed(np.ascontiguousarray(data[:, :, ::-1]))


def gray(data: Array) -> Array:
    """[h, w, 1]: 0.299 R + 0.587 G + 0.114 B of an image with red first (ITU-R BT.601); of bytes in fractions of 15
    bits, rounded, as OpenCV computes it."""
    if data.shape[2] == 1:
        return data
    if data.shape[2] != 3:
        raise UsageError(f"three channels are needed, the image has {data.shape[2]}")
    if data.dtype == np.uint8:
        sums: Any = data.astype(np.int32) @ np.array([9798, 19235, 3735], np.int32)
        return np.asarray(((sums + (1 << 14)) >> 15).astype(np.uint8)[:, :, None])
    weights = np.array([0.299, 0.587, 0.114], data.dtype if data.dtype.kind == "f" else np.float64)
    return np.asarray((data @ weights)[:, :, None])


@preprocessor("bgr_to_rgb")
class BgrToRgb(Preprocessor):
    """Blue first becomes red first."""

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        return swapped(image)


@preprocessor("rgb_to_bgr")
class RgbToBgr(Preprocessor):
    """Red first becomes blue first."""

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        return swapped(image)


@preprocessor("bgr_to_gray")
class BgrToGray(Preprocessor):
    """One channel of brightness, 0.114 B + 0.587 G + 0.299 R; images of one channel stay as they are."""

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        return image.changed(gray(picture(image.data)[:, :, ::-1]))


@preprocessor("rgb_to_gray")
class RgbToGray(Preprocessor):
    """One channel of brightness, 0.299 R + 0.587 G + 0.114 B; images of one channel stay as they are."""

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        return image.changed(gray(picture(image.data)))


@preprocessor("select_channel")
class SelectChannel(Preprocessor):
    """One channel of an image."""

    channel: int = option(doc="its number", low=0)

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        data = picture(image.data)
        if self.channel >= data.shape[2]:
            raise UsageError(f"there is no channel {self.channel}, the image has {data.shape[2]}")
        return image.changed(np.ascontiguousarray(data[:, :, self.channel : self.channel + 1]))


@preprocessor("flip")
class Flip(Preprocessor):
    """Mirrored around an axis: around the horizontal one above and below change places, around the vertical one left
    and right."""

    mode: str = option("horizontal", "the axis", choices=("horizontal", "vertical"))

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        data = picture(image.data)
        height, width = data.shape[:2]
        across = self.mode == "vertical"
        scale, shift = ((-1.0, 1.0), (float(width), 0.0)) if across else ((1.0, -1.0), (0.0, float(height)))
        step = Step("flip", (height, width), (height, width), scale, shift)
        return image.changed(np.ascontiguousarray(data[:, ::-1] if across else data[::-1]), step)
