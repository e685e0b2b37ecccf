"""Objects, as Pascal VOC counts them."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from ...charts.drawing import Drawing
from ...charts.plots import Point, line_chart
from ..base import Dataset, Metric, Result, metric
from ..options import option
from ..representation import DetectionAnnotation, DetectionPrediction
from .classes import ByClass
from .confusion import Counts, mean_of, picture, recalls
from .matching import Found, Rules, average_precision, match, matched_pairs

CURVES, POINTS = 7, 60
"""How many classes a chart shows, those with the most objects, and how many points each."""


def curves(found: Mapping[str, Found]) -> Drawing:
    """Precision over recall of classes, from the highest score on."""
    series = []
    for name, of in found.items():
        tp, fp = of.ranked()
        precision, recall = tp / np.maximum(tp + fp, 1), tp / of.objects
        scores = np.sort(np.array(of.scores))[::-1]
        chosen = np.unique(np.linspace(0, max(len(tp) - 1, 0), min(POINTS, len(tp))).astype(int))
        told = [Point(float(recall[i]), float(precision[i]), title=f"{name} from {scores[i]:.3g} on") for i in chosen]
        series.append((name, told))
    return line_chart("Precision over recall", "recall", "precision", series)


class _Detected(Metric):
    annotation = DetectionAnnotation
    prediction = DetectionPrediction
    overlap_threshold: float = option(0.5, "from which overlap a detection is an object", low=0, high=1)
    overlap_method: str = option("iou", "the overlap over the union, or over the detection", choices=("iou", "ioa"))
    include_boundaries: bool = option(True, "a box is 1 pixel wider and higher than its corners are apart")
    ignored: ClassVar[tuple[str, ...]] = ("label_map",)

    def rules(self) -> Rules:
        return Rules(self.overlap_threshold, float(self.include_boundaries), self.overlap_method == "ioa")


class _PerClass(_Detected):
    """Metrics of what became of the detections of each class."""

    ignore_difficult: bool = option(True, "difficult objects and crowds do not count")
    distinct_conf: bool = option(False, "detections of one score are counted at once")
    allow_multiple_matches_per_ignored: bool = option(
        False, "any number of detections may lie on an object that does not count; else all but the first are wrong"
    )

    def rules(self) -> Rules:
        ioa, boundary = self.overlap_method == "ioa", float(self.include_boundaries)
        many = self.allow_multiple_matches_per_ignored
        return Rules(self.overlap_threshold, boundary, ioa, self.ignore_difficult, many)

    @abstractmethod
    def value(self, found: Found, images: int) -> float:
        """Of one class that has objects."""

    def start(self, dataset: Dataset) -> ByClass[Found]:
        return ByClass(dataset, Found)

    def add(self, counted: ByClass[Found], annotation: DetectionAnnotation, prediction: DetectionPrediction) -> None:
        rules = self.rules()
        for label in {*annotation.labels.tolist(), *prediction.labels.tolist()}:
            match(annotation, prediction, label, rules, counted[int(label)])

    def result(self, counted: ByClass[Found]) -> Result:
        images = len(counted.dataset.annotations)
        found = {name: f for name, f in counted.told().items() if f.objects}
        return self.told({name: self.value(f, images) for name, f in found.items()}, found)

    def told(self, values: Mapping[str, float], found: Mapping[str, Found]) -> Result:
        return Result(mean_of(np.array(list(values.values()), np.float64)), values)


@metric("map")
class MeanAveragePrecision(_PerClass):
    """The average precision of each class, and their mean (Pascal VOC devkit, VOCevaldet).

    Classes without objects do not count; those without detections count as 0.
    """

    integral: str = option("max", "how the area below precision over recall is taken", choices=("max", "11point"))

    def value(self, found: Found, images: int) -> float:
        tp, fp = found.ranked(self.distinct_conf)
        return average_precision(tp / np.maximum(tp + fp, 1), tp / found.objects, self.integral)

    def told(self, values: Mapping[str, float], found: Mapping[str, Found]) -> Result:
        result = super().told(values, found)
        most = sorted(found, key=lambda n: -found[n].objects)[:CURVES]
        return replace(result, drawings=(curves({n: found[n] for n in most}),) if most else ())


@metric("recall")
class DetectionRecall(_PerClass):
    """Which share of the objects of each class is found by any detection, and the mean of the classes."""

    def value(self, found: Found, images: int) -> float:
        return float(sum(found.right) / found.objects)


@metric("miss_rate")
class MissRate(_PerClass):
    """Which share of the objects of each class is not found, at a number of false detections for each image.

    Between the two scores that lie around that number; Dollar et al., "Pedestrian detection: an evaluation of the state
    of the art", 2012, section 3.1.
    """

    fppi_level: float = option(doc="false positives per image", low=0)

    def value(self, found: Found, images: int) -> float:
        tp, fp = found.ranked(self.distinct_conf)
        if not len(tp):
            return 1.0
        missed = 1.0 - tp / found.objects
        at = bisect_left((fp / images).tolist(), self.fppi_level)
        before = max(0, at - 1)
        after = at if at < len(missed) else before
        return float((missed[before] + missed[after]) / 2)

    def told(self, values: Mapping[str, float], found: Mapping[str, Found]) -> Result:
        value = mean_of(np.array(list(values.values()), np.float64))
        return Result(value, values, higher_is_better=False)


@metric("detection_f1")
class DetectionF1(_Detected):
    """2 TP / (2 TP + FP + FN) of all detections from a score on, with precision TP / (TP + FP) and recall
    TP / (TP + FN); classes must agree."""

    min_score: float = option(0.5, "from which score a detection counts")

    def start(self, dataset: Dataset) -> ByClass[Found]:
        return ByClass(dataset, Found)

    def add(self, counted: ByClass[Found], annotation: DetectionAnnotation, prediction: DetectionPrediction) -> None:
        good = prediction.scores >= self.min_score
        kept = DetectionPrediction(identifier=prediction.identifier, boxes=prediction.boxes[good],
                                   labels=prediction.labels[good], scores=prediction.scores[good])  # fmt: skip
        for label in {*annotation.labels.tolist(), *kept.labels.tolist()} - {counted.dataset.background}:
            match(annotation, kept, label, self.rules(), counted[int(label)])

    def result(self, counted: ByClass[Found]) -> Result:
        right = sum(sum(f.right) for f in counted.values())
        wrong = sum(sum(f.wrong) for f in counted.values())
        objects = sum(f.objects for f in counted.values())
        under = right + wrong + objects
        parts = {"precision": right / max(right + wrong, 1), "recall": right / max(objects, 1)}
        return Result(2 * right / under if under else float("nan"), parts)


@metric("detection_accuracy")
class DetectionAccuracy(_Detected):
    """The share of detections that have the class of the object that they lie on, of those that lie on one.

    Each detection, from the highest score on, takes the object that it overlaps most among those that are left.
    """

    use_normalization: bool = option(False, "the mean of the shares of the classes")
    ignore_label: int | None = option(None, "objects of this class do not count", low=0)
    ignored = ("label_map", "fast_match", "ignore_difficult")

    def start(self, dataset: Dataset) -> Counts:
        return Counts(dataset)

    def add(self, counted: Counts, annotation: DetectionAnnotation, prediction: DetectionPrediction) -> None:
        for true, said in matched_pairs(annotation, prediction, self.rules()):
            if annotation.labels[true] != self.ignore_label:
                counted.add(annotation.labels[true : true + 1], prediction.labels[said : said + 1])

    def result(self, counted: Counts) -> Result:
        matrix = counted.matrix
        drawings = (picture(counted, "Classes of detections"),)
        if self.use_normalization:
            return Result(mean_of(recalls(matrix)), drawings=drawings)
        value = float(np.trace(matrix) / matrix.sum()) if matrix.sum() else 0.0
        return Result(value, drawings=drawings)
