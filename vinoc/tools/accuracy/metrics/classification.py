"""Classes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np

from ....ir.dtype import Array
from ..base import Dataset, Meter, Metric, Result, metric
from ..options import option
from ..representation import ClassificationAnnotation, ClassificationPrediction
from .confusion import Counts, by_name, f1_scores, mean_of, picture, precisions, recalls


def best(scores: Array, count: int) -> Array:
    """The classes of the highest scores, the best first, of equals the first; NaN is lower than any number."""
    flat = np.asarray(scores, np.float64).reshape(-1)
    return np.argsort(-np.where(np.isnan(flat), -np.inf, flat), kind="stable")[:count]


class _Classified(Metric):
    annotation = ClassificationAnnotation
    prediction = ClassificationPrediction


def _nan_note(count: int) -> tuple[str, ...]:
    return (f"{count} predictions have scores that are NaN",) if count else ()


@dataclass
class _AccuracyMeter(Meter):
    top_k: int
    right: int = 0
    total: int = 0
    broken: int = 0

    def add(self, annotation: ClassificationAnnotation, prediction: ClassificationPrediction) -> None:
        self.right += bool(set(annotation.labels) & set(best(prediction.scores, self.top_k).tolist()))
        self.total += 1
        self.broken += bool(np.isnan(np.asarray(prediction.scores, np.float64)).any())

    def result(self) -> Result:
        value = self.right / self.total if self.total else float("nan")
        return Result(value, notes=_nan_note(self.broken))


@metric("accuracy")
class Accuracy(_Classified):
    """The share of samples whose class is among the `top_k` of the highest scores."""

    top_k: int = option(1, "how many of the best classes count", low=1)

    def start(self, dataset: Dataset) -> Meter:
        return _AccuracyMeter(self.top_k)


@dataclass
class _PerClassMeter(Meter):
    top_k: int
    counts: Counts
    found: dict[int, list[int]] = field(default_factory=dict)

    def add(self, annotation: ClassificationAnnotation, prediction: ClassificationPrediction) -> None:
        said = set(best(prediction.scores, self.top_k).tolist())
        for label in annotation.labels:
            self.found.setdefault(label, []).append(int(label in said))

    def result(self) -> Result:
        shares = {label: float(np.mean(hits)) for label, hits in sorted(self.found.items())}
        value = float(np.mean(list(shares.values()))) if shares else float("nan")
        return Result(value, {self.counts.name(i): share for i, share in shares.items()})


@metric("accuracy_per_class")
class AccuracyPerClass(_Classified):
    """Of each class, the share of its samples that have it among the `top_k` of the highest scores; and their mean.

    Classes without samples do not count.
    """

    top_k: int = option(1, "how many of the best classes count", low=1)
    ignored = ("label_map",)

    def start(self, dataset: Dataset) -> Meter:
        return _PerClassMeter(self.top_k, Counts(dataset))


class _Confused(_Classified):
    """Metrics of the matrix of counts."""

    ignored = ("label_map",)

    def start(self, dataset: Dataset) -> Meter:
        return _ConfusionMeter(self, Counts(dataset))

    @abstractmethod
    def told(self, counts: Counts) -> Result: ...


@dataclass
class _ConfusionMeter(Meter):
    metric: _Confused
    counts: Counts
    broken: int = 0

    def add(self, annotation: ClassificationAnnotation, prediction: ClassificationPrediction) -> None:
        said = int(best(prediction.scores, 1)[0])
        true = said if said in annotation.labels else annotation.labels[0]
        self.counts.add(np.array([true]), np.array([said]))
        self.broken += bool(np.isnan(np.asarray(prediction.scores, np.float64)).any())

    def result(self) -> Result:
        return self.metric.told(self.counts)


class _OfClasses(_Confused):
    """A figure of each class, and their mean, or that of one class."""

    pos_label: int | None = option(None, "the class that is told alone [the mean of all]", low=0)

    @abstractmethod
    def values(self, matrix: Array) -> Array: ...

    def told(self, counts: Counts) -> Result:
        values = self.values(counts.matrix)
        if self.pos_label is not None:
            there = self.pos_label < len(values)
            return Result(float(values[self.pos_label]) if there else float("nan"))
        return Result(mean_of(values), by_name(values, counts))


@metric("classification_f1-score", "classification_f1")
class F1(_OfClasses):
    """2 TP / (2 TP + FP + FN) of each class, the harmonic mean of precision and recall; and the mean of the classes."""

    def values(self, matrix: Array) -> Array:
        return f1_scores(matrix)


@metric("classification_precision")
class Precision(_OfClasses):
    """TP / (TP + FP) of each class, and the mean of the classes; 0 for a class that is never said."""

    def values(self, matrix: Array) -> Array:
        return precisions(matrix)


@metric("classification_recall")
class Recall(_OfClasses):
    """TP / (TP + FN) of each class, and the mean of the classes that have samples."""

    def values(self, matrix: Array) -> Array:
        return recalls(matrix)


@metric("confusion_matrix")
class ConfusionMatrix(_Confused):
    """Which classes are taken for which, as a picture; its value is the share that is right.

    `parts` has the confusions `true > predicted` by how often they are, as shares of all samples.
    """

    most: int = option(10, "how many confusions are told", low=0)

    def told(self, counts: Counts) -> Result:
        matrix = counts.matrix
        total = int(matrix.sum())
        wrong = matrix - np.diag(np.diag(matrix))
        order = np.argsort(-wrong.reshape(-1), kind="stable")[: self.most]
        pairs = [divmod(int(i), len(matrix)) for i in order if wrong.reshape(-1)[i]]
        parts = {f"{counts.name(i)} > {counts.name(j)}": float(wrong[i, j] / total) for i, j in pairs}
        value = float(np.trace(matrix) / total) if total else float("nan")
        return Result(value, parts, drawings=(picture(counts, "Confusion matrix"),))


@dataclass
class _LossMeter(Meter):
    losses: list[float] = field(default_factory=list)

    def add(self, annotation: ClassificationAnnotation, prediction: ClassificationPrediction) -> None:
        scores = np.asarray(prediction.scores, np.float64).reshape(-1)
        if scores.min() < 0 or abs(scores.sum() - 1) > 1e-3:  # logits
            scores = np.exp(scores - scores.max())
        true = [n for n in annotation.labels if 0 <= n < scores.size]
        p = max(float(scores[true].max(initial=0) / scores.sum()), float(np.finfo(np.float64).eps))
        self.losses.append(-float(np.log(p)))

    def result(self) -> Result:
        return Result(float(np.mean(self.losses)) if self.losses else float("nan"), unit="", higher_is_better=False)


@metric("log_loss")
class LogLoss(_Classified):
    """The mean of -ln p, p the probability of the true class, 2^-52 or more; scores that are no probabilities are
    taken for logits, of which softmax makes probabilities."""

    def start(self, dataset: Dataset) -> Meter:
        return _LossMeter()
