"""Detections out of the raw outputs of detectors, and how far two sets of them agree.

A set of detections is an array [n, 6]: left, top, right, bottom (in units of the image's sides), score, class.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vinoc.ir.dtype import Array
from vinoc.tools.accuracy.boxes import nms, overlaps


def corners(cx: Array, cy: Array, w: Array, h: Array) -> Array:
    """Boxes [n, 4] of centres and sides."""
    return np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=-1)


def suppressed(found: Array, bound: float, blend: bool = False) -> Array:
    """Greedy suppression within each class: the best first, what overlaps it by more than `bound` goes.

    blend   the box that stays is the mean of those that went for it, weighted by their scores, as MediaPipe's SSD
            post-processing has it
    """
    kept = nms(found[:, :4], found[:, 4], bound, labels=found[:, 5])
    if not blend or not len(kept):
        return found[kept]
    best = found[kept].copy()
    taken = overlaps(best[:, :4], found[:, :4]) * (best[:, None, 5] == found[None, :, 5])
    owner = np.where(taken.max(axis=0) > bound, (taken > bound).argmax(axis=0), -1)  # the best that it overlaps
    for i in range(len(best)):
        best[i, :4] = np.average(found[owner == i, :4], axis=0, weights=found[owner == i, 4])
    return best


def logistic(x: Array) -> Array:
    out: Array = 1 / (1 + np.exp(-np.clip(x, -80, 80)))
    return out


def blazeface(regressors: Array, logits: Array, anchors: Array, threshold: float) -> Array:
    """MediaPipe's BlazeFace: centre and sides in pixels of 128, relative to anchors (x, y, w, h).

    regressors [896, 16], logits [896, 1], anchors [896, 4].
    """
    scores = logistic(logits[:, 0].astype(np.float64))
    keep = scores >= threshold
    r, a = regressors[keep].astype(np.float64) / 128, anchors[keep]
    boxes = corners(r[:, 0] * a[:, 2] + a[:, 0], r[:, 1] * a[:, 3] + a[:, 1], r[:, 2] * a[:, 2], r[:, 3] * a[:, 3])
    found = np.concatenate([boxes, scores[keep, None], np.zeros((len(boxes), 1))], axis=1)
    return suppressed(found, 0.3, blend=True)


def ultraface(scores: Array, boxes: Array, threshold: float) -> Array:
    """scores [n, 2] (background, face), boxes [n, 4] decoded in the graph."""
    keep = scores[:, 1] >= threshold
    found = np.concatenate([boxes[keep], scores[keep, 1:2], np.zeros((keep.sum(), 1))], axis=1)
    return suppressed(found.astype(np.float64), 0.3)


def fastestdet(out: Array, threshold: float) -> Array:
    """out [5 + classes, rows, columns]: objectness, offsets of the centre, sides, classes.

    Score: objectness^0.6 * class^0.4; the centre is the cell plus tanh of the offset, sides are logistic.
    """
    out = out.astype(np.float64)
    rows, columns = out.shape[1:]
    scores = np.clip(out[0], 0, None) ** 0.6 * np.clip(out[5:].max(axis=0), 0, None) ** 0.4
    y, x = np.nonzero(scores >= threshold)
    cell = out[:, y, x]
    cx, cy = (x + np.tanh(cell[1])) / columns, (y + np.tanh(cell[2])) / rows
    boxes = corners(cx, cy, logistic(cell[3]), logistic(cell[4]))
    found = np.concatenate([boxes, scores[y, x][:, None], cell[5:].argmax(axis=0)[:, None]], axis=1)
    return suppressed(found, 0.45)


class Agreement(NamedTuple):
    """Detections that match, those expected, those found, and the sum of the overlaps of what matches."""

    matched: int
    expected: int
    found: int
    shared: float

    @property
    def f1(self) -> float:
        """2 TP / (expected + found): 1 where neither has any."""
        total = self.expected + self.found
        return 2 * self.matched / total if total else 1.0

    @property
    def iou(self) -> float:
        return self.shared / self.matched if self.matched else float("nan")


def agreement(expected: list[Array], found: list[Array], bound: float = 0.5) -> Agreement:
    """One-to-one matches of the same class with an overlap above `bound`, largest overlaps first, image by image."""
    matched, shared = 0, 0.0
    for a, b in zip(expected, found, strict=True):
        table = overlaps(a[:, :4], b[:, :4]) * (a[:, None, 5] == b[None, :, 5])
        while table.size and table.max() > bound:
            i, j = np.unravel_index(table.argmax(), table.shape)
            matched, shared = matched + 1, shared + float(table[i, j])
            table[i], table[:, j] = 0, 0
    return Agreement(matched, sum(map(len, expected)), sum(map(len, found)), shared)
