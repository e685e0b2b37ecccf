"""Numbers. With d the differences of what was said and what is true."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from itertools import pairwise
from typing import ClassVar

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError, VinocError
from ..base import Dataset, Metric, Result, metric
from ..options import option
from ..representation import RegressionAnnotation, RegressionPrediction
from .confusion import mean_of


def pair(annotation: RegressionAnnotation, prediction: RegressionPrediction) -> tuple[Array, Array]:
    """What is true and what was said, as f64 of one shape. Raises VinocError."""
    true, said = np.asarray(annotation.value, np.float64), np.asarray(prediction.value, np.float64)
    if true.shape == said.shape:
        return true, said
    if true.size != said.size:
        what = f"the annotation has {list(true.shape)}, the prediction {list(said.shape)}"
        raise VinocError(what, f"'{annotation.identifier}'")
    return true, said.reshape(true.shape)


class _Numbers(Metric):
    annotation = RegressionAnnotation
    prediction = RegressionPrediction
    unit: ClassVar[str] = ""

    @abstractmethod
    def differences(self, true: Array, said: Array) -> Array:
        """Of one sample, of any shape."""

    def total(self, found: Array) -> float:
        """Of all differences."""
        return float(found.mean())

    def spread(self, found: Array) -> float:
        return float(found.std())


class _Error(_Numbers):
    """Of numbers and rows of them every difference counts alike, of larger arrays the mean of each sample."""

    max_error: bool = option(False, "the largest one is told too")

    def add(self, counted: list[Array], annotation: RegressionAnnotation, prediction: RegressionPrediction) -> None:
        found = self.differences(*pair(annotation, prediction))
        counted.append(found.reshape(-1) if found.ndim <= 1 else found.mean().reshape(1))

    def result(self, counted: list[Array]) -> Result:
        found = np.concatenate([*counted, np.zeros(0)])
        if not found.size:
            return Result(float("nan"), unit="", higher_is_better=False)
        parts = {"std": self.spread(found)}
        if self.max_error:
            parts["max_error"] = self.total(found.max().reshape(1))
        return Result(self.total(found), parts, self.unit, higher_is_better=False)


class _Absolute(_Numbers):
    def differences(self, true: Array, said: Array) -> Array:
        return np.asarray(np.abs(said - true))


class _Squared(_Numbers):
    def differences(self, true: Array, said: Array) -> Array:
        return np.asarray((said - true) ** 2)


class _RootOfSquared(_Squared):
    def total(self, found: Array) -> float:
        return float(np.sqrt(found.mean()))

    def spread(self, found: Array) -> float:
        return float(np.sqrt(found).std())


@metric("mae")
class MeanAbsoluteError(_Absolute, _Error):
    """The mean of |d|."""


@metric("mse")
class MeanSquaredError(_Squared, _Error):
    """The mean of d^2."""


@metric("rmse")
class RootMeanSquaredError(_RootOfSquared, _Error):
    """The root of the mean of d^2 over all samples; Accuracy Checker takes the mean of the roots of each sample."""


@metric("mape")
class MeanAbsolutePercentageError(_Error):
    """The mean of |d| / |true|; samples whose true number is 0 are told as infinite."""

    unit: ClassVar[str] = "%"

    def differences(self, true: Array, said: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.abs(said - true) / np.abs(true)
        return np.where(said == true, 0.0, found)


@metric("relative_l2_error")
class RelativeL2Error(_Error):
    """|d| / |true|, the Euclidean norms over all numbers of a sample; the mean of the samples."""

    def differences(self, true: Array, said: Array) -> Array:
        under = np.linalg.norm(true.reshape(-1)) + np.finfo(np.float64).eps
        return np.asarray(np.linalg.norm((said - true).reshape(-1)) / under)


class _OnIntervals(_Numbers):
    """The lower end belongs to an interval, the upper one to the next."""

    intervals: tuple[float, ...] = option((), "the ends of the intervals of what is true")
    end: float | None = option(None, "or intervals of one length: the last end")
    step: float = option(1.0, "and their length")
    first: float = option(0.0, "and the first end", name="start")
    ignore_values_not_in_interval: bool = option(True, "what lies below and above all intervals is not told")

    def __post_init__(self) -> None:
        if not self.intervals and (self.end is None or self.step <= 0 or self.end <= self.first):
            raise UsageError("the intervals are missing", help="`intervals`, or `start`, `step` and `end`")

    def edges(self) -> Array:
        if self.intervals:
            return np.unique(self.intervals)
        assert self.end is not None
        return self.first + self.step * np.arange(round((self.end - self.first) / self.step) + 1)

    def start(self, dataset: Dataset) -> dict[int, list[float]]:
        """By the number of the interval, 0 what lies below all."""
        return defaultdict(list)

    def add(
        self, counted: dict[int, list[float]], annotation: RegressionAnnotation, prediction: RegressionPrediction
    ) -> None:
        true, said = pair(annotation, prediction)
        places = np.searchsorted(self.edges(), true.reshape(-1), side="right")
        for place, d in zip(places.tolist(), self.differences(true, said).reshape(-1)):
            counted[place].append(d)

    def result(self, counted: dict[int, list[float]]) -> Result:
        edges = self.edges()
        between = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
        names = [f"< {edges[0]:g}", *between, f">= {edges[-1]:g}"]
        told = [p for p in sorted(counted) if not (self.ignore_values_not_in_interval and p in (0, len(edges)))]
        parts = {names[p]: self.total(np.array(counted[p])) for p in told}
        return Result(mean_of(np.array(list(parts.values()), np.float64)), parts, "", higher_is_better=False)


@metric("mae_on_interval", "mae_on_intervals")
class MeanAbsoluteErrorOnIntervals(_Absolute, _OnIntervals):
    """The mean of |d| of each interval of what is true, and the mean of the intervals."""


@metric("mse_on_interval", "mse_on_intervals")
class MeanSquaredErrorOnIntervals(_Squared, _OnIntervals):
    """The mean of d^2 of each interval of what is true, and the mean of the intervals."""


@metric("rmse_on_interval", "rmse_on_intervals")
class RootMeanSquaredErrorOnIntervals(_RootOfSquared, _OnIntervals):
    """The root of the mean of d^2 of each interval of what is true, and the mean of the intervals."""
