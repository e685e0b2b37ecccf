"""Classes."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from ....ir.dtype import Array
from ..base import Dataset, Metric, Result, metric
from ..options import option
from ..representation import ClassificationAnnotation, ClassificationPrediction
from .classes import ByClass
from .confusion import Counts, by_name, f1_scores, mean_of, picture, precisions, recalls


def best(scores: Array, count: int) -> Array:
    """The classes of the highest scores, the best first, of equals the first; NaN is lower than any number."""
    flat = np.asarray(scores, np.float64).reshape(-1)
    return np.argsort(-np.where(np.isnan(flat), -np.inf, flat), kind="stable")[:count]


class _Classified(Metric):
    annotation = ClassificationAnnotation
    prediction = ClassificationPrediction


@metric("accuracy")
class Accuracy(_Classified):
    """The share of samples whose class is among the `top_k` of the highest scores."""

    top_k: int = option(1, "how many of the best classes count", low=1)

    def add(
        self, counted: list[tuple[bool, bool]], annotation: ClassificationAnnotation,
        prediction: ClassificationPrediction,
    ) -> None:  # fmt: skip
        """Whether the sample is right, and whether its scores are broken."""
        right = bool(set(annotation.labels) & set(best(prediction.scores, self.top_k).tolist()))
        counted.append((right, bool(np.isnan(np.asarray(prediction.scores, np.float64)).any())))

    def result(self, counted: list[tuple[bool, bool]]) -> Result:
        right, broken = (sum(column) for column in zip(*counted)) if counted else (0, 0)
        notes = (f"{broken} predictions have scores that are NaN",) if broken else ()
        return Result(right / len(counted) if counted else float("nan"), notes=notes)


@metric("accuracy_per_class")
class AccuracyPerClass(_Classified):
    """Of each class, the share of its samples that have it among the `top_k` of the highest scores; and their mean.

    Classes without samples do not count.
    """

    top_k: int = option(1, "how many of the best classes count", low=1)
    ignored = ("label_map",)

    def start(self, dataset: Dataset) -> ByClass[list[bool]]:
        return ByClass(dataset, list)

    def add(
        self, counted: ByClass[list[bool]], annotation: ClassificationAnnotation, prediction: ClassificationPrediction
    ) -> None:
        said = set(best(prediction.scores, self.top_k).tolist())
        for label in annotation.labels:
            counted[label].append(label in said)

    def result(self, counted: ByClass[list[bool]]) -> Result:
        shares = {label: float(np.mean(hits)) for label, hits in sorted(counted.items())}
        value = float(np.mean(list(shares.values()))) if shares else float("nan")
        return Result(value, {counted.name(label): share for label, share in shares.items()})


class _Confused(_Classified):
    """Metrics of the matrix of counts."""

    ignored = ("label_map",)

    def start(self, dataset: Dataset) -> Counts:
        return Counts(dataset)

    def add(self, counted: Counts, annotation: ClassificationAnnotation, prediction: ClassificationPrediction) -> None:
        said = int(best(prediction.scores, 1)[0])
        true = said if said in annotation.labels else annotation.labels[0]
        counted.add(np.array([true]), np.array([said]))


class _OfClasses(_Confused):
    """A figure of each class, and their mean, or that of one class."""

    pos_label: int | None = option(None, "the class that is told alone [the mean of all]", low=0)

    @abstractmethod
    def values(self, matrix: Array) -> Array: ...

    def result(self, counted: Counts) -> Result:
        values = self.values(counted.matrix)
        if self.pos_label is not None:
            there = self.pos_label < len(values)
            return Result(float(values[self.pos_label]) if there else float("nan"))
        return Result(mean_of(values), by_name(values, counted))


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

    def result(self, counted: Counts) -> Result:
        matrix = counted.matrix
        total = int(matrix.sum())
        wrong = matrix - np.diag(np.diag(matrix))
        order = np.argsort(-wrong.reshape(-1), kind="stable")[: self.most]
        pairs = [divmod(int(i), len(matrix)) for i in order if wrong.reshape(-1)[i]]
        parts = {f"{counted.name(i)} > {counted.name(j)}": float(wrong[i, j] / total) for i, j in pairs}
        value = float(np.trace(matrix) / total) if total else float("nan")
        return Result(value, parts, drawings=(picture(counted, "Confusion matrix"),))


@metric("log_loss")
class LogLoss(_Classified):
    """The mean of -ln p, p the probability of the true class, 2^-52 or more; scores that are no probabilities are
    taken for logits, of which softmax makes probabilities."""

    def add(
        self, counted: list[float], annotation: ClassificationAnnotation, prediction: ClassificationPrediction
    ) -> None:
        scores = np.asarray(prediction.scores, np.float64).reshape(-1)
        if scores.min() < 0 or abs(scores.sum() - 1) > 1e-3:  # logits
            scores = np.exp(scores - scores.max())
        true = [n for n in annotation.labels if 0 <= n < scores.size]
        p = max(float(scores[true].max(initial=0) / scores.sum()), float(np.finfo(np.float64).eps))
        counted.append(-float(np.log(p)))

    def result(self, counted: list[float]) -> Result:
        return Result(float(np.mean(counted)) if counted else float("nan"), unit="", higher_is_better=False)
