"""Which detections are which objects."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ....ir.dtype import Array
from ..boxes import by_score, overlaps
from ..representation import DetectionAnnotation, DetectionPrediction


@dataclass(frozen=True)
class Rules:
    """When a detection is an object."""

    overlap: float = 0.5
    boundary: float = 1.0
    """1 where the last pixel of a box belongs to it"""
    ioa: bool = False
    """the share of the detection's area counts, not that of the union"""
    ignore_difficult: bool = True
    many_per_ignored: bool = False
    """any number of detections may lie on an object that does not count"""

    def overlaps(self, said: Array, true: Array) -> Array:
        return overlaps(said, true, self.boundary, "first" if self.ioa else "union")


@dataclass
class Found:
    """What became of the detections of one class."""

    objects: int = 0
    """how many there are to find"""
    scores: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    wrong: list[bool] = field(default_factory=list)

    def ranked(self, distinct: bool = False) -> tuple[Array, Array]:
        """True and false positives [n] among the detections from the highest score down to each; with `distinct` for
        the last of equal scores alone."""
        scores = np.array(self.scores, np.float64)
        order = by_score(scores)
        tp = np.cumsum(np.array(self.right, np.int64)[order])
        fp = np.cumsum(np.array(self.wrong, np.int64)[order])
        if distinct and len(scores):
            last = np.r_[np.flatnonzero(np.diff(scores[order])), len(scores) - 1]
            tp, fp = tp[last], fp[last]
        return tp, fp


def match(
    annotation: DetectionAnnotation, prediction: DetectionPrediction, label: int, rules: Rules, found: Found
) -> None:
    """Adds what became of the detections of a class in one image, the best first.

    Each is compared with the object that it overlaps most, one that counts where that overlap is enough. It is right
    the first time that such an object is found, and wrong when the object has been found before or there is none. On an
    object that does not count it is neither. Pascal VOC devkit, VOCevaldet.
    """
    ours = annotation.labels == label
    true, ignored = annotation.boxes[ours], annotation.ignored[ours] & rules.ignore_difficult
    said = prediction.labels == label
    boxes, scores = prediction.boxes[said], prediction.scores[said]
    order = by_score(scores)
    shared = rules.overlaps(boxes, true)
    if rules.ignore_difficult and rules.many_per_ignored and ignored.any():
        shared[:, ignored] = overlaps(boxes, true[ignored], rules.boundary, "first")
    used = np.zeros(len(true), bool)
    found.objects += int((~ignored).sum())
    for i in order:
        right, wrong = _judge(shared[i], ignored, used, rules)
        found.scores.append(float(scores[i]))
        found.right.append(right)
        found.wrong.append(wrong)


def _judge(shared: Array, ignored: Array, used: Array, rules: Rules) -> tuple[bool, bool]:
    """Whether a detection is right, and whether it is wrong; marks the object that it finds."""
    best = _best(shared, ~ignored, rules.overlap)
    if best is not None:
        first = not used[best]
        used[best] = True
        return first, not first
    best = _best(shared, ignored, rules.overlap)
    if best is None:
        return False, True
    again = bool(used[best]) and not rules.many_per_ignored
    used[best] = True
    return False, again


def _best(shared: Array, among: Array, least: float) -> int | None:
    if not among.any():
        return None
    best = int(np.argmax(np.where(among, shared, -1.0)))
    return best if shared[best] >= least else None


def average_precision(precision: Array, recall: Array, integral: str = "max") -> float:
    """The area below precision over recall, where precision is the best at that recall or a higher one.

    max      exact, at every recall that turns up: Pascal VOC from 2010 on
    11point  the mean at recalls 0, 0.1, ..., 1: Pascal VOC 2007 (Everingham et al., "The Pascal visual object classes
             challenge", 2010, section 4.2)
    """
    if not len(recall):
        return 0.0
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if integral == "11point":
        # tenths as they are written: 3 * 0.1 is above 0.3
        at = np.searchsorted(recall, [i / 10 for i in range(11)], side="left")
        return float(np.mean([envelope[i] if i < len(envelope) else 0.0 for i in at]))
    return float(np.sum(np.diff(np.r_[0.0, recall]) * envelope))


def matched_pairs(
    annotation: DetectionAnnotation, prediction: DetectionPrediction, rules: Rules
) -> list[tuple[int, int]]:
    """(object, detection), whatever their classes: each detection, from the highest score on, takes the object that it
    overlaps most among those that are left, if that is more than enough."""
    shared = rules.overlaps(prediction.boxes, annotation.boxes)
    free = np.ones(len(annotation.boxes), bool)
    pairs = []
    for i in by_score(prediction.scores):
        if not free.any():
            break
        best = int(np.argmax(np.where(free, shared[i], -1.0)))
        if shared[i, best] > rules.overlap:
            free[best] = False
            pairs.append((best, int(i)))
    return pairs
