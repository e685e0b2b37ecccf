"""How images are resized: as OpenCV, Pillow and TensorFlow do it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ....ir.kernels.resize import apply_taps, cubic_taps, linear_taps, pillow_taps, saturated
from ...extras import require

OPENCV = {"NEAREST": "nearest", "LINEAR": "linear", "BILINEAR": "linear", "CUBIC": "cubic", "BICUBIC": "cubic",
          "AREA": "area"}  # fmt: skip
PILLOW = {"NEAREST": "NEAREST", "NONE": "NEAREST", "LINEAR": "BILINEAR", "BILINEAR": "BILINEAR", "CUBIC": "BICUBIC",
          "BICUBIC": "BICUBIC", "BOX": "BOX", "HAMMING": "HAMMING", "LANCZOS": "LANCZOS",
          "ANTIALIAS": "LANCZOS"}  # fmt: skip
TF = {"LINEAR": "linear", "BILINEAR": "linear"}
METHODS = {"opencv": OPENCV, "pillow": PILLOW, "tf": TF}
INTERPOLATIONS = tuple(dict.fromkeys((*OPENCV, *PILLOW)))


def check_method(realization: str, interpolation: str) -> None:
    """Raises UsageError for an interpolation that a library does not have."""
    known = METHODS[realization]
    if interpolation.upper() not in known:
        raise UsageError(f"{realization} has no interpolation '{interpolation}'", help=f"one of {', '.join(known)}")


def resized(image: Array, height: int, width: int, realization: str = "opencv", interpolation: str = "LINEAR") -> Array:
    """An image [h, w] or [h, w, c] with another size, of the same type; by `tf` as f32, not rounded."""
    method = METHODS[realization][interpolation.upper()]
    if image.shape[:2] == (height, width):
        return image.astype(np.float32) if realization == "tf" else image
    if realization == "pillow":
        return _by_pillow(image, height, width, method)
    if realization == "tf":
        return _linear(image.astype(np.float32), height, width)
    if method == "linear":
        if image.dtype == np.uint8:
            return _opencv_linear(image, height, width)
        return saturated(_linear(image.astype(_wide(image)), height, width), image.dtype).astype(image.dtype)
    return _by_taps(image, height, width, method)


def _linear(image: Array, height: int, width: int) -> Array:
    """Floats: two neighbours on each axis, centres of pixels at halves."""
    for axis, size in enumerate((height, width)):
        n = image.shape[axis]
        image = apply_taps(image, axis, linear_taps(_positions(n, size), n))
    return image


def _positions(n: int, size: int) -> Array:
    """Where the pixels of the result lie in the image; f64 and rounded to f32 as OpenCV computes them."""
    return np.asarray(((np.arange(size) + 0.5) * (1 / (size / n)) - 0.5).astype(np.float32))


def _opencv_linear(image: Array, height: int, width: int) -> Array:
    """Bilinear with weights of 11 bits; the sum of the rows keeps 2 bits below the point, and is then rounded.

    The arithmetic of OpenCV's resize of bytes, for the same results. Beyond the first and the last row it weighs the
    same row twice, cutting off each product; beyond the first and the last column it takes that column.
    """
    index, weights = linear_taps(_positions(image.shape[1], width), image.shape[1])
    left, right = (np.take(image.astype(np.int32), index[:, i], 1) for i in (0, 1))
    part = np.rint(weights.astype(np.float32) * 2048).astype(np.int32)
    shape = (1, -1) + (1,) * (image.ndim - 2)
    across = left * part[:, 0].reshape(shape) + right * part[:, 1].reshape(shape)
    at = _positions(image.shape[0], height)
    first = np.floor(at)
    shape = (-1,) + (1,) * (image.ndim - 1)
    total = np.full((height, *across.shape[1:]), 2, np.int32)
    for weight, row in ((1 - (at - first), first), (at - first, first + 1)):
        rows = np.take(across, row.astype(np.int64).clip(0, image.shape[0] - 1), 0)
        total += (np.rint(weight * 2048).astype(np.int32).reshape(shape) * (rows >> 4)) >> 16
    return np.asarray(np.clip(total >> 2, 0, 255).astype(np.uint8))


def _by_taps(image: Array, height: int, width: int, method: str) -> Array:
    """Cubic (Keys, a = -0.75), area or nearest, as OpenCV defines them."""
    if method == "nearest":
        rows = np.minimum((np.arange(height) * (image.shape[0] / height)).astype(np.int64), image.shape[0] - 1)
        columns = np.minimum((np.arange(width) * (image.shape[1] / width)).astype(np.int64), image.shape[1] - 1)
        return np.asarray(image[rows][:, columns])
    if method == "area" and (height > image.shape[0] or width > image.shape[1]):
        raise UsageError("interpolation Area shrinks images", help="Linear and Cubic can enlarge them")
    if method == "area" and image.dtype == np.uint8 and image.shape[:2] == (2 * height, 2 * width):
        pairs = image.reshape(height, 2, width, 2, *image.shape[2:]).sum(axis=(1, 3), dtype=np.int32)
        return np.asarray(((pairs + 2) >> 2).astype(np.uint8))  # halves are rounded up in this case alone
    out = image.astype(_wide(image))
    for axis, size in enumerate((height, width)):
        n = image.shape[axis]
        taps = cubic_taps(_positions(n, size), n, -0.75) if method == "cubic" else area_taps(n, size)
        out = apply_taps(out, axis, taps)
    return np.asarray(saturated(out, image.dtype).astype(image.dtype))


def _wide(image: Array) -> type[np.floating[Any]]:
    return np.float64 if image.dtype.itemsize > 4 else np.float32


def area_taps(n: int, size: int) -> tuple[Array, Array]:
    """All pixels that lie in part below one of the result, weighted by how much of them does."""
    step = n / size
    first = np.floor(np.arange(size) * step + 1e-9).astype(np.int64)
    index = first[:, None] + np.arange(int(np.ceil(step)) + 1)
    start, end = np.arange(size)[:, None] * step, (np.arange(size)[:, None] + 1) * step
    weights = np.clip(np.minimum(index + 1, end) - np.maximum(index, start), 0, None)
    return index.clip(0, n - 1), weights / weights.sum(axis=1, keepdims=True)


def _by_pillow(image: Array, height: int, width: int, method: str) -> Array:
    """By vinoc where it has the method, which gives Pillow's pixels, else by Pillow."""
    if method in ("BILINEAR", "BICUBIC"):
        for axis, size in ((1, width), (0, height)):  # widths first
            if image.shape[axis] != size:
                taps = pillow_taps(image.shape[axis], size, f"{method.lower()}_pillow")
                image = _bytes(image, axis, taps) if image.dtype == np.uint8 else apply_taps(image, axis, taps)
        return image
    images = require("PIL.Image", "images", f"interpolation {method} of Pillow")
    planes = [image] if image.ndim == 2 else [image[:, :, i] for i in range(image.shape[2])]
    done: list[Any] = [
        np.array(images.fromarray(np.ascontiguousarray(p)).resize((width, height), images.Resampling[method]))
        for p in planes
    ]
    return np.asarray(done[0] if image.ndim == 2 else np.stack(done, axis=2))


def _bytes(image: Array, axis: int, taps: tuple[Array, Array]) -> Array:
    """Sums along an axis with weights of 22 bits, rounded: Pillow's arithmetic of bytes, for the same results."""
    bits = 22
    weights = np.trunc(taps[1] * (1 << bits) + np.where(taps[1] < 0, -0.5, 0.5)).astype(np.int64)
    sums = apply_taps(image.astype(np.int64), axis, (taps[0], weights)) + (1 << (bits - 1))
    return np.asarray(np.clip(sums >> bits, 0, 255).astype(np.uint8))
