"""Pairs of pictures: whether two are of one person."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..base import Dataset, Metric, Result, metric
from ..options import option
from ..representation import EmbeddingPrediction, PairsAnnotation

RULES = ("train_median", "best_train_threshold")


def distances(first: Array, second: Array, method: str) -> Array:
    """[pairs] of vectors [pairs, n]: 0.5 (1 - a.b), Accuracy Checker's euclidian_distance, which is a quarter of the
    squared Euclidean one of vectors of length 1; or the angle between them over pi."""
    dot = np.sum(first * second, axis=1)
    if method == "euclidian_distance":
        return np.asarray(0.5 * (1 - dot))
    norm = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.asarray(np.arccos(np.clip(dot / np.maximum(norm, np.finfo(np.float64).tiny), -1, 1)) / np.pi)


def best_threshold(found: Array, same: Array) -> float:
    """The distance below which pairs are taken for the same, so that most are right; the middle of two distances."""
    order = np.argsort(found, kind="stable")
    ranked = found[order]
    # below the i-th distance lie i pairs: right are the same ones among them and the others above
    right = np.r_[0, np.cumsum(same[order])] + (~same).sum() - np.r_[0, np.cumsum(~same[order])]
    edges = np.r_[ranked[0] - 1e-9, (ranked[1:] + ranked[:-1]) / 2, ranked[-1] + 1e-9]
    apart = np.r_[True, ranked[1:] > ranked[:-1], True]
    return float(edges[np.argmax(np.where(apart, right, -1))])


@dataclass
class _Pairs:
    folds: int
    embeddings: dict[str, Array] = field(default_factory=dict)
    pairs: list[tuple[str, str, bool, int]] = field(default_factory=list)
    """one picture, another, whether they are of the same person, and the fold"""

    def of_folds(self, pairs: list[tuple[str, str, bool, int]]) -> Array:
        """The fold of each pair: the data set's where it has so many, else runs of pairs."""
        given = np.array([p[3] for p in pairs])
        if given.max() + 1 == self.folds:
            return given
        return np.arange(len(pairs)) * self.folds // len(pairs)


@metric("pairwise_accuracy")
class PairwiseAccuracy(Metric):
    """The share of pairs that are told apart rightly: two pictures are of one person when their vectors are nearer than
    a threshold. That is chosen by the pairs of all other folds; the mean of the folds is told.

    Huang et al., "Labeled Faces in the Wild", 2007: the folds are those of the pairs file.
    """

    annotation = PairsAnnotation
    prediction = EmbeddingPrediction
    min_score: str = option("train_median", "the threshold: a number, the median of the distances (train_median), or "
                            "what tells most pairs apart (best_train_threshold)")  # fmt: skip
    distance_method: str = option(
        "euclidian_distance", "the distance of two vectors", choices=("euclidian_distance", "cosine_distance")
    )
    subtract_mean: bool = option(False, "the mean of the other folds' vectors is subtracted from all")

    def __post_init__(self) -> None:
        if self.threshold is None and self.min_score not in RULES:
            raise UsageError(f"option 'min_score' is '{self.min_score}'", help=f"a number, {RULES[0]} or {RULES[1]}")

    @property
    def threshold(self) -> float | None:
        """The threshold that is given as a number."""
        try:
            return float(self.min_score)
        except ValueError:
            return None

    def start(self, dataset: Dataset) -> _Pairs:
        return _Pairs(int(dataset.more.get("folds", 1)))

    def add(self, counted: _Pairs, annotation: PairsAnnotation, prediction: EmbeddingPrediction) -> None:
        counted.embeddings[annotation.identifier] = np.asarray(prediction.embedding, np.float64).reshape(-1)
        for others, same in ((annotation.same, True), (annotation.other, False)):
            counted.pairs += [(annotation.identifier, name, same, fold) for name, fold in others]

    def result(self, counted: _Pairs) -> Result:
        pairs = [p for p in counted.pairs if p[1] in counted.embeddings]
        lost = len(counted.pairs) - len(pairs)
        notes: tuple[str, ...] = (f"{lost} pairs have a picture that was not computed",) if lost else ()
        if not pairs:
            return Result(float("nan"), notes=notes)
        first = np.stack([counted.embeddings[p[0]] for p in pairs])
        second = np.stack([counted.embeddings[p[1]] for p in pairs])
        same = np.array([p[2] for p in pairs])
        fold = counted.of_folds(pairs)
        if len(set(fold.tolist())) == 1 and self.threshold is None:
            notes += ("there is one fold: the threshold is chosen by the pairs that are judged",)
        parts = {}
        for k in sorted(set(fold.tolist())):
            judged = fold == k
            taught = ~judged if (~judged).any() else judged
            parts[f"fold {k + 1}"] = self._fold(first, second, same, judged, taught)
        return Result(float(np.mean(list(parts.values()))), parts if len(parts) > 1 else {}, notes=notes)

    def _fold(self, first: Array, second: Array, same: Array, judged: Array, taught: Array) -> float:
        mean = np.zeros(first.shape[1])
        if self.subtract_mean:
            mean = np.concatenate([first[taught], second[taught]]).mean(axis=0)
        found = distances(first - mean, second - mean, self.distance_method)
        threshold = self.threshold
        if threshold is None:
            known = found[taught]
            median = self.min_score == "train_median"
            threshold = float(np.median(known)) if median else best_threshold(known, same[taught])
        return float(((found < threshold) == same)[judged].mean())


@metric("pairwise_accuracy_subsets")
class PairwiseAccuracySubsets(PairwiseAccuracy):
    """`pairwise_accuracy` with so many folds: those of the pairs file where it has so many, else runs of pairs."""

    subset_number: int = option(10, "how many folds", low=1)

    def start(self, dataset: Dataset) -> _Pairs:
        return _Pairs(self.subset_number)
