"""Borders around images."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..base import Image, Preprocessor, preprocessor
from ..options import option, parse
from ..representation import Annotation, Step
from ..sizes import Sized
from .ratios import RATIOS
from .resize import brought_to, picture, sides

Borders = tuple[int, int, int, int]
"""Rows above, columns at the left, rows below, columns at the right."""

MODES = ("constant", "edge", "maximum", "minimum", "mean", "median", "symmetric", "wrap")


def padded(image: Image, borders: Borders, value: tuple[float, ...] = (0.0,), mode: str = "constant") -> Image:
    """An image with borders of a colour, or of NumPy's modes."""
    data = picture(image.data)
    height, width, channels = data.shape
    top, left, bottom, right = borders
    around = ((top, bottom), (left, right), (0, 0))
    if mode != "constant":
        out = np.pad(data, around, mode=mode)  # type: ignore[call-overload]
    else:
        if len(value) not in (1, channels):
            raise UsageError(f"pad_value has {len(value)} numbers, the image {channels} channels")
        out = np.empty((top + height + bottom, left + width + right, channels), data.dtype)
        out[:] = np.rint(value) if data.dtype.kind in "iu" else np.array(value)
        out[top : top + height, left : left + width] = data
    step = Step("padding", (height, width), sides(out), shift=(float(left), float(top)))
    return image.changed(out, step)


def borders_for(size: tuple[int, int], wanted: tuple[int, int], pad_type: str, left_top: bool = False) -> Borders:
    """Borders that make (height, width) the wanted size; of an odd rest the larger half is below and at the right, or
    with `left_top` above and at the left."""
    rows, columns = max(wanted[0] - size[0], 0), max(wanted[1] - size[1], 0)
    if pad_type == "right_bottom":
        return 0, 0, rows, columns
    if pad_type == "left_top":
        return rows, columns, 0, 0
    extra = 1 if left_top else 0
    top, left = (rows + extra) // 2, (columns + extra) // 2
    return top, left, rows - top, columns - left


def most_frequent(data: Array) -> tuple[float, ...]:
    """The colour that most pixels have."""
    colors, counts = np.unique(data.reshape(-1, data.shape[2]), axis=0, return_counts=True)
    return tuple(float(v) for v in colors[np.argmax(counts)])


@preprocessor("padding")
class Padding(Preprocessor, Sized):
    """Borders that bring an image to a size: the given one, else the one that `resize` was to fit, else its own; then
    up to multiples of `stride`. Larger images stay as they are."""

    stride: int = option(1, "sides become multiples of this", low=1)
    pad_value: str = option("0,0,0", "a number for each channel, or one; or background: the most frequent colour")
    pad_type: str = option("center", "where the image lies", choices=("center", "left_top", "right_bottom"))
    use_numpy: bool = option(False, "`numpy_pad_mode` holds")
    numpy_pad_mode: str = option("constant", "what the borders are filled with", choices=MODES)
    left_top_extend: bool = option(False, "the larger half of an odd border lies above and at the left")
    enable_resize: bool = option(False, "larger images are resized to the size")

    def __post_init__(self) -> None:
        self.check_size(needed=False)
        self._value(None)

    def _value(self, data: Array | None) -> tuple[float, ...]:
        if self.pad_value == "background":
            return most_frequent(data) if data is not None else ()
        try:
            value: tuple[float, ...] = parse(self.pad_value, tuple[float, ...])
        except ValueError:
            value = ()
        if not value:
            raise UsageError(f"option 'pad_value' is '{self.pad_value}'", help="numbers with commas, or background")
        return value if data is None or len(set(value)) > 1 else value[:1]

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        data = picture(image.data)
        size = sides(data)
        target = self.target or image.meta.more.get("preferable_size", size)
        if self.enable_resize and (size[0] > target[0] or size[1] > target[1]):
            return brought_to(image, target)
        height, width = (ceil(max(s, t) / self.stride) * self.stride for s, t in zip(size, target))
        borders = borders_for(size, (height, width), self.pad_type, self.left_top_extend)
        mode = self.numpy_pad_mode if self.use_numpy else "constant"
        return padded(image, borders, self._value(data), mode)


@preprocessor("letterbox")
class Letterbox(Preprocessor, Sized):
    """The largest size that fits, sides in the image's ratio, and borders around it: `resize` with fit_to_window, then
    `padding`. Without a size it takes the model's."""

    pad_value: tuple[float, ...] = option((114.0,), "a number for each channel, or one")
    pad_type: str = option("center", "where the image lies", choices=("center", "left_top", "right_bottom"))

    def fitted(self, shape: tuple[int, int]) -> Preprocessor:
        return self if self.target is not None else replace(self, dst_height=shape[0], dst_width=shape[1])

    def apply(self, image: Image, annotation: Annotation | None = None) -> Image:
        if self.target is None:
            raise UsageError("the size of the model's input is not known", help="`size`")
        height, width = RATIOS["fit_to_window"](self.target, sides(picture(image.data)))
        inner = (max(height, 1), max(width, 1))
        return padded(brought_to(image, inner), borders_for(inner, self.target, self.pad_type), self.pad_value)
