"""Images as arrays: read, resized, turned into what a model takes.

With Pillow (extra `images`) all its formats can be read; without it those that vinoc decodes itself: baseline JPEG,
PNG, BMP, PNM and plain TIFF. Both give the same pixels.
"""

from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError, VinocError
from ...ir.kernels.images import decode, luma
from ...ir.kernels.resize import interpolate

SUFFIXES = frozenset({".bmp", ".dib", ".gif", ".jpe", ".jpeg", ".jpg", ".jp2", ".pbm", ".pgm", ".png", ".ppm", ".tif",
                      ".tiff", ".webp"})  # fmt: skip

Fit: TypeAlias = Literal["stretch", "crop", "pad"]


def read_image(source: Path | bytes, where: str = "") -> Array:
    """[height, width, 3] of u8, red first, of a file or of its bytes. Raises VinocError for what cannot be read."""
    place = where or str(source)
    try:
        if find_spec("PIL") is not None:
            return _by_pillow(BytesIO(source) if isinstance(source, bytes) else source)
        data = source if isinstance(source, bytes) else source.read_bytes()
        return decode(np.frombuffer(data, np.uint8), "RGB")
    except OSError as error:
        raise UsageError(f"cannot be read as an image: {error.strerror or error}", place) from error
    except (ValueError, IndexError, KeyError) as error:
        help = None if find_spec("PIL") else "Pillow reads more formats: pip install 'vinoc[images]'"
        raise VinocError(f"cannot be decoded: {error}", place, help) from error


def _by_pillow(source: Path | BytesIO) -> Array:
    from PIL import Image, ImageOps

    try:
        with Image.open(source) as image:
            return _bytes_of(ImageOps.exif_transpose(image) or image, image.format)
    except (SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(error) from error


def _bytes_of(image: Any, format: str | None) -> Array:
    """The colours of a Pillow image as bytes. Gray of 16 bits gets its upper ones: Pillow's own conversion makes white
    of all that is above 255."""
    if image.mode == "F" or (image.mode == "I" and format not in ("PNG", "PPM")):
        what = "floats" if image.mode == "F" else "integers of 32 bits"
        raise ValueError(f"its pixels are {what}, of which it is not known what is white")
    if image.mode.startswith("I"):
        gray = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(gray[:, :, None], 3, axis=2)
    return np.array(image.convert("RGB"))


def resize(image: Array, height: int, width: int, fit: Fit = "stretch") -> Array:
    """An image [h, w, c] brought to a size, by a triangle filter that widens as the image shrinks (Pillow's bilinear).

    stretch  both sides by factors of their own
    crop     one factor; what is left over at the middle of the longer side is cut
    pad      one factor; gray (114) is put around
    """
    rows, columns = image.shape[:2]
    if fit == "stretch" or rows * width == columns * height:
        return _scaled(image, height, width)
    sides = (height / rows, width / columns)
    factor = max(sides) if fit == "crop" else min(sides)
    scaled = _scaled(image, max(round(rows * factor), 1), max(round(columns * factor), 1))
    if fit == "crop":
        top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
        return np.ascontiguousarray(scaled[top : top + height, left : left + width])
    out = np.full((height, width, image.shape[2]), 114, image.dtype)
    top, left = (height - scaled.shape[0]) // 2, (width - scaled.shape[1]) // 2
    out[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return out


def _scaled(image: Array, height: int, width: int) -> Array:
    if image.shape[:2] == (height, width):
        return image
    sizes, axes = np.array([height, width]), np.array([0, 1])
    return interpolate(
        image, sizes, axes, "bilinear_pillow", "sizes", "half_pixel", "round_prefer_floor", False, (), (), -0.75
    )


def colored(image: Array, channels: int, bgr: bool = False) -> Array:
    """An image [h, w, 3] with the channels that a model takes: 1 (luma), 3, or 4 (opaque). Raises UsageError."""
    if channels == 1:
        return luma(image)
    image = image[:, :, ::-1] if bgr else image
    if channels == 3:
        return np.ascontiguousarray(image)
    if channels == 4:
        return np.concatenate([image, np.full((*image.shape[:2], 1), 255, image.dtype)], axis=2)
    raise UsageError(f"an image cannot be given {channels} channels", help="images have 1, 3 or 4")
