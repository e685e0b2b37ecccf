"""Detections that are left out: those of what is found already, those of the wrong size, class or score."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..base import TARGETS, postprocessor
from ..boxes import areas, by_score, nms, soft_nms
from ..geometry import size_of
from ..options import option
from ..representation import Annotation, DetectionAnnotation, DetectionPrediction, Prediction
from .boxes import OfBoxes


def kept(prediction: DetectionPrediction, which: Array) -> DetectionPrediction:
    """Those detections, by numbers or by flags."""
    return replace(prediction, boxes=prediction.boxes[which], labels=prediction.labels[which],
                   scores=prediction.scores[which])  # fmt: skip


class _Nms(OfBoxes):
    overlap: float = option(0.5, "detections that overlap a better one by more than this are left out", low=0, high=1)
    include_boundaries: bool = option(True, "a box is 1 pixel wider and higher than its corners are apart")
    keep_top_k: int | None = option(None, "only so many of the highest scores are looked at", low=0)
    use_min_area: bool = option(False, "the overlap is a share of the smaller box, not of the union")

    def _kept(self, prediction: DetectionPrediction, labels: Array | None) -> DetectionPrediction:
        of = "smaller" if self.use_min_area else "union"
        boundary = float(self.include_boundaries)
        which = nms(prediction.boxes, prediction.scores, self.overlap, boundary, self.keep_top_k or None,
                    "smaller" if of == "smaller" else "union", labels)  # fmt: skip
        return kept(prediction, np.sort(which))


@postprocessor("nms")
class Nms(_Nms):
    """Non-maximum suppression: of detections that overlap, whatever their classes, the one of the highest score."""

    def said(self, prediction: DetectionPrediction) -> Prediction:
        return self._kept(prediction, None)


@postprocessor("class_aware_nms")
class ClassAwareNms(_Nms):
    """Non-maximum suppression of each class by itself."""

    def said(self, prediction: DetectionPrediction) -> Prediction:
        return self._kept(prediction, prediction.labels)


@postprocessor("soft_nms")
class SoftNms(OfBoxes):
    """Scores s become s exp(-iou^2 / sigma) for each better detection that they overlap (Bodla et al., "Soft-NMS",
    2017)."""

    keep_top_k: int = option(200, "how many detections are kept at most", low=0)
    sigma: float = option(0.5, "how much overlap lowers a score: the more, the less", low=1e-6)
    min_score: float = option(0.0, "detections of lower new scores are left out", low=0, high=1)

    def said(self, prediction: DetectionPrediction) -> Prediction:
        which, scores = soft_nms(prediction.boxes, prediction.scores, self.sigma, self.min_score, self.keep_top_k)
        return replace(kept(prediction, which), scores=scores)


def interval(text: str, name: str) -> tuple[float, float]:
    """`10, 50`, `(10, inf)`, `30`: from the first to the second number, or from one on. Raises UsageError."""
    words = re.findall(r"[-+]?(?:inf|\d+\.?\d*(?:e[-+]?\d+)?|\.\d+)", str(text).lower())
    if not 1 <= len(words) <= 2:
        raise UsageError(f"option '{name}' is '{text}'", help="two numbers, or one: from it on")
    low, high = float(words[0]), float(words[1]) if len(words) == 2 else math.inf
    return low, high


@postprocessor("filter")
class Filter(OfBoxes):
    """Boxes that a measure speaks against: detections are removed, objects of annotations become difficult."""

    apply_to: str = option("all", "what is looked at", choices=TARGETS)
    remove_filtered: bool = option(False, "objects of annotations are removed too")
    labels: tuple[int, ...] = option((), "classes that are left out")
    min_confidence: float | None = option(None, "scores below it are left out")
    top_k: int | None = option(None, "so many of the highest scores are kept", low=0)
    height_range: str | None = option(None, "heights that are kept: `10, 50`, or `10`: from it on")
    width_range: str | None = option(None, "widths that are kept")
    area_range: str | None = option(None, "areas that are kept")
    aspect_ratio: str | None = option(None, "ratios of height to width that are kept")
    area_ratio: str | None = option(
        None, "roots of the object's share of the image's area that are kept; of annotations"
    )
    is_empty: bool = option(False, "boxes without width or height are left out")
    invalid_boxes: bool = option(False, "boxes with corners that are no numbers are left out")

    def __post_init__(self) -> None:
        for name in ("height_range", "width_range", "area_range", "aspect_ratio", "area_ratio"):
            if getattr(self, name) is not None:
                interval(getattr(self, name), name)

    def said(self, prediction: DetectionPrediction) -> Prediction:
        good = self._good(prediction.boxes, prediction.labels)
        if self.min_confidence is not None:
            good &= prediction.scores >= self.min_confidence
        if self.top_k is not None:
            best = np.zeros(len(good), bool)
            best[by_score(prediction.scores)[: self.top_k]] = True
            good &= best
        return kept(prediction, good)

    def _good(self, boxes: Array, labels: Array) -> Array:
        """Which boxes are kept, of those that everything is known of here."""
        sides = boxes[:, 2:] - boxes[:, :2]
        width, height = sides[:, 0], sides[:, 1]
        ratio = height / np.maximum(width, np.finfo(np.float64).eps)
        good = ~np.isin(labels, self.labels)
        measures = (
            ("width_range", width),
            ("height_range", height),
            ("aspect_ratio", ratio),
            ("area_range", areas(boxes)),
        )
        for name, values in measures:
            text = getattr(self, name)
            if text is not None:
                low, high = interval(text, name)
                good &= (values >= low) & (values <= high)
        if self.is_empty:
            good &= (width > 0) & (height > 0)
        if self.invalid_boxes:
            good &= np.isfinite(boxes).all(axis=1)
        return good

    def true(self, annotation: DetectionAnnotation, prediction: Prediction) -> Annotation:
        good = self._good(annotation.boxes, annotation.labels)
        if self.area_ratio is not None:
            height, width = size_of(prediction.meta, "image", prediction.identifier)
            low, high = interval(self.area_ratio, "area_ratio")
            share = np.sqrt(areas(annotation.boxes) / (height * width))
            good &= (share >= low) & (share <= high)
        if not self.remove_filtered:
            before = np.zeros(len(good), bool) if annotation.difficult is None else annotation.difficult
            return replace(annotation, difficult=before | ~good)
        difficult, crowds, sizes = (
            None if flags is None else flags[good]
            for flags in (annotation.difficult, annotation.crowds, annotation.areas)
        )
        return replace(annotation, boxes=annotation.boxes[good], labels=annotation.labels[good], difficult=difficult,
                       crowds=crowds, areas=sizes)  # fmt: skip


@postprocessor("shift_labels")
class ShiftLabels(OfBoxes):
    """A number is added to the classes of detections."""

    offset: int = option(doc="the number")

    def said(self, prediction: DetectionPrediction) -> Prediction:
        return replace(prediction, labels=prediction.labels + self.offset)
