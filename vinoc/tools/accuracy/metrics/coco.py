"""Objects, as COCO counts them: cocodataset.org, "Detection evaluation"; the same figures as pycocotools."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..base import Dataset, Metric, Result, metric
from ..boxes import areas, by_score, overlaps
from ..options import option
from ..representation import DetectionAnnotation, DetectionPrediction
from .classes import ByClass
from .confusion import mean_of

AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""Areas of objects in square pixels, by COCO's names; both ends belong to a range."""

RECALLS = np.linspace(0.0, 1.0, 101)
"""Where precision is looked at."""


def thresholds(text: str) -> Array:
    """Overlaps from which a detection is an object: `0.5`, `0.5,0.75`, `.50:.05:.95`. Raises UsageError."""
    try:
        if ":" in text:
            low, step, high = (float(word) for word in text.split(":"))
            found = low + step * np.arange(round((high - low) / step) + 1)
            found = np.round(found, 10)
        else:
            found = np.array([float(word) for word in text.replace(",", " ").split()])
        if not len(found) or not ((found >= 0) & (found <= 1)).all():
            raise ValueError
    except (ValueError, ZeroDivisionError, OverflowError):
        raise UsageError(f"option 'threshold' is '{text}'", help="for example 0.5, or .50:.05:.95") from None
    return found


@dataclass
class Matches:
    """The detections of one class, image after image: scores, and for each threshold [t, n] whether they are right and
    whether they do not count."""

    objects: int = 0
    scores: list[Array] = field(default_factory=list)
    right: list[Array] = field(default_factory=list)
    ignored: list[Array] = field(default_factory=list)


class _Coco(Metric):
    annotation = DetectionAnnotation
    prediction = DetectionPrediction
    max_detections: int = option(20, "so many detections of the highest scores count, of each class and image", low=1)
    threshold: str = option(".50:.05:.95", "overlaps from which a detection is an object; their mean is told")
    area: str = option("all", "the size of objects that count", choices=tuple(AREAS))
    ignored = ("label_map", "include_boundaries")

    def __post_init__(self) -> None:
        thresholds(self.threshold)

    @abstractmethod
    def value(self, tp: Array, fp: Array, objects: int) -> float:
        """Of true and false positives [n] from the highest score on, at one threshold."""

    def start(self, dataset: Dataset) -> ByClass[Matches]:
        return ByClass(dataset, Matches)

    def add(self, counted: ByClass[Matches], annotation: DetectionAnnotation, prediction: DetectionPrediction) -> None:
        for label in {*annotation.labels.tolist(), *prediction.labels.tolist()}:
            self._match(annotation, prediction, int(label), counted[int(label)])

    def _match(self, annotation: DetectionAnnotation, prediction: DetectionPrediction, label: int,
               into: Matches) -> None:  # fmt: skip
        low, high = AREAS[self.area]
        ours = annotation.labels == label
        true = annotation.boxes[ours]
        sizes = areas(true) if annotation.areas is None else annotation.areas[ours]
        crowds = np.zeros(len(true), bool) if annotation.crowds is None else annotation.crowds[ours].astype(bool)
        ignored = annotation.ignored[ours] | (sizes < low) | (sizes > high)
        said = np.flatnonzero(prediction.labels == label)
        said = said[by_score(prediction.scores[said])][: self.max_detections]
        boxes = prediction.boxes[said]
        shared = overlaps(boxes, true)
        shared[:, crowds] = overlaps(boxes, true[crowds], of="first")
        steps = thresholds(self.threshold)
        right, skipped = matched(shared, ignored, crowds, steps)
        size = areas(boxes)
        skipped |= ~right & ((size < low) | (size > high)) & ~skipped
        into.objects += int((~ignored).sum())
        into.scores.append(prediction.scores[said].astype(np.float64))
        into.right.append(right & ~skipped)
        into.ignored.append(skipped)

    def result(self, counted: ByClass[Matches]) -> Result:
        parts = {name: self._value(found) for name, found in counted.told().items() if found.objects}
        return Result(mean_of(np.array(list(parts.values()), np.float64)), parts)

    def _value(self, found: Matches) -> float:
        order = by_score(np.concatenate(found.scores))
        right = np.concatenate(found.right, axis=1)[:, order]
        counted = ~np.concatenate(found.ignored, axis=1)[:, order]
        values = [self.value(np.cumsum(r & c), np.cumsum(~r & c), found.objects) for r, c in zip(right, counted)]
        return float(np.mean(values))


def matched(shared: Array, ignored: Array, crowds: Array, steps: Array) -> tuple[Array, Array]:
    """For overlaps of detections, the best first, with objects [n, m]: which detections [steps, n] have an object, and
    which have one that does not count.

    A detection takes the object that it overlaps most among those that count and are free; where it overlaps none of
    them enough, one that does not count. Crowds can be taken again and again. Of equal overlaps the last one is taken.
    """
    count, objects = shared.shape
    right = np.zeros((len(steps), count), bool)
    skipped = np.zeros((len(steps), count), bool)
    if not objects:
        return right, skipped
    least = np.minimum(steps, 1 - 1e-10)[:, None]
    free = np.ones((len(steps), objects), bool)
    rows = np.arange(len(steps))
    for i in range(count):
        open_ones = free & (shared[i] >= least)
        for kind in (~ignored, ignored):
            candidates = np.where(open_ones & kind, shared[i], -1.0)
            last = objects - 1 - np.argmax(candidates[:, ::-1], axis=1)
            takes = (candidates[rows, last] >= 0) & ~right[:, i]
            right[takes, i] = True
            skipped[takes, i] = ignored[last[takes]]
            free[rows[takes], last[takes]] = crowds[last[takes]]
    return right, skipped


@metric("coco_precision")
class CocoPrecision(_Coco):
    """The average precision of each class, and their mean: precision is looked at at recalls 0, 0.01, ..., 1, each time
    the best at that recall or a higher one; the mean of the thresholds of overlap.

    COCO's own figures take `max_detections: 100`. Crowds do not count, and any number of detections may lie in one.
    """

    def value(self, tp: Array, fp: Array, objects: int) -> float:
        if not len(tp):
            return 0.0
        precision = tp / (tp + fp + np.spacing(1))
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        at = np.searchsorted(tp / objects, RECALLS, side="left")
        return float(np.r_[envelope, 0.0][np.minimum(at, len(envelope))].mean())


@metric("coco_recall")
class CocoRecall(_Coco):
    """Which share of the objects of each class is found, the mean of the thresholds of overlap and of the classes."""

    def value(self, tp: Array, fp: Array, objects: int) -> float:
        return float(tp[-1] / objects) if len(tp) else 0.0


@metric("coco_orig_precision")
class CocoOrigPrecision(CocoPrecision):
    """`coco_precision` of so many detections as COCO's own figures take."""

    max_detections: int = option(100, "so many detections of the highest scores count, of each class and image", low=1)


@metric("coco_orig_recall")
class CocoOrigRecall(CocoRecall):
    """`coco_recall` of so many detections as COCO's own figures take."""

    max_detections: int = option(100, "so many detections of the highest scores count, of each class and image", low=1)
