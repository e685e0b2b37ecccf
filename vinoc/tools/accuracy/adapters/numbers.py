"""Functions that adapters share."""

from __future__ import annotations

import numpy as np

from ....ir.dtype import Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), by tanh, which does not overflow."""
    return np.asarray(0.5 * (np.tanh(0.5 * np.asarray(x, np.float64)) + 1.0))


def softmax(x: Array, axis: int = -1) -> Array:
    """exp(x) / sum(exp(x)), of x less its maximum."""
    e = np.exp(np.asarray(x, np.float64) - np.max(x, axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def corners(centers: Array) -> Array:
    """Boxes [..., 4] of x y width height, x and y the middle, as x0 y0 x1 y1."""
    half = centers[..., 2:4] / 2
    return np.concatenate([centers[..., :2] - half, centers[..., :2] + half], axis=-1)


def to_read(boxes: Array, size: tuple[int, int], read: tuple[int, int] | None) -> Array:
    """Boxes in pixels of the input (height, width) as pixels of the image that was read: both sides scaled alone."""
    if read is None:
        return boxes
    y, x = read[0] / size[0], read[1] / size[1]
    return np.asarray(boxes * np.tile([x, y], boxes.shape[-1] // 2))
