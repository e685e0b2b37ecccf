"""Boxes: rows of x0 y0 x1 y1."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ...ir.dtype import Array

Share = Literal["union", "first", "smaller"]


def areas(boxes: Array, boundary: float = 0.0) -> Array:
    """[n]: (x1 - x0 + boundary) (y1 - y0 + boundary), nothing where a side is negative.

    `boundary` is 1 where boxes are the first and the last pixel, which both belong to them.
    """
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2] + boundary, 0.0)
    product: Array = sides[:, 0] * sides[:, 1]
    return product


def overlaps(first: Array, second: Array, boundary: float = 0.0, of: Share = "union") -> Array:
    """[n, m]: the area that boxes [n, 4] and [m, 4] have in common, as a share of their union, of the area of the
    first or of the smaller one. 0 where that is 0."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low + boundary, 0.0)
    common = (sides[..., 0] * sides[..., 1]).astype(np.float64)
    a, b = areas(first, boundary)[:, None], areas(second, boundary)[None, :]
    base = a + b - common if of == "union" else np.minimum(a, b) if of == "smaller" else a + 0 * b
    out: Array = np.divide(common, base, out=np.zeros_like(common), where=base > 0)
    return out


def by_score(scores: Array) -> Array:
    """Indices from the highest score to the lowest; equal ones in their order."""
    return np.argsort(-np.asarray(scores, np.float64), kind="stable")


def nms(boxes: Array, scores: Array, overlap: float, boundary: float = 0.0, top_k: int | None = None,
        of: Share = "union", labels: Array | None = None) -> Array:  # fmt: skip
    """Indices of the boxes that are kept, from the highest score on: none overlaps a better one by more than `overlap`.

    Of the best `top_k`; with `labels` only boxes of one label suppress each other, of each label the best `top_k`.
    """
    if labels is not None:
        kept = [where[nms(boxes[where], scores[where], overlap, boundary, top_k, of)]
                for label in np.unique(labels) for where in [np.flatnonzero(labels == label)]]  # fmt: skip
        found = np.concatenate(kept) if kept else np.zeros(0, np.int64)
        return found[by_score(scores[found])]
    order = by_score(scores)[:top_k]
    kept_one: list[int] = []
    while len(order):
        best, order = order[0], order[1:]
        kept_one.append(int(best))
        order = order[overlaps(boxes[best : best + 1], boxes[order], boundary, of)[0] <= overlap]
    return np.array(kept_one, np.int64)


def soft_nms(boxes: Array, scores: Array, sigma: float, min_score: float, top_k: int) -> tuple[Array, Array]:
    """Indices of the boxes that are kept and their new scores: s exp(-iou^2 / sigma) for each better box.

    Bodla et al., "Soft-NMS: improving object detection with one line of code", 2017, equation 3 (Gaussian).
    """
    order = by_score(scores)[:top_k]
    left = np.asarray(scores, np.float64)[order].copy()
    shared = overlaps(boxes[order], boxes[order])
    kept, new = [], []
    open_ones = np.ones(len(order), bool)
    for _ in range(len(order)):
        best = int(np.argmax(np.where(open_ones, left, -np.inf)))
        if left[best] < min_score:
            break
        kept.append(order[best])
        new.append(left[best])
        open_ones[best] = False
        left *= np.exp(-(shared[best] ** 2) / sigma)
    return np.array(kept, np.int64), np.array(new)
