"""From places in the model's input back to places in the image as it was read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError
from .representation import Meta, Step


def undone(points: Array, steps: Sequence[Step]) -> Array:
    """Points [n, 2 or more] of an image after the steps as points of the image before them; x and y alone change."""
    out = np.array(points, np.float64)
    for step in reversed(steps):
        out[:, :2] = (out[:, :2] - np.array(step.shift)) / np.array(step.scale)
    return out


def undone_boxes(boxes: Array, steps: Sequence[Step]) -> Array:
    """Boxes [n, 4] likewise; corners stay in order where an image was mirrored."""
    corners = undone(boxes.reshape(-1, 2), steps).reshape(-1, 2, 2)
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def size_of(meta: Meta, what: str, identifier: str) -> tuple[int, int]:
    """(height, width) of the image as it was read (`image`), or of the model's input. Raises UsageError."""
    size = meta.size if what == "image" else meta.input_size
    if size is None:
        raise UsageError(f"the size of the {what} is not known", f"'{identifier}'")
    return size


def scale_boxes(boxes: Array, width: float, height: float) -> Array:
    """x times the width, y times the height."""
    return np.asarray(boxes * np.array([width, height, width, height], np.float64))
