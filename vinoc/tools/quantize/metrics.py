"""What tells how good a model is on labelled samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError
from ...ir.graph import Graph
from .collect import outputs
from .data import Samples
from .paired import Drop, drop_of_hits, drop_of_means

Metric: TypeAlias = Callable[[Sequence[Sequence[Array]], Any], Any]
"""Given the outputs of each sample and the labels it returns a number for each sample, or one for all of them; more is
better. Booleans say whether a sample is right."""


@dataclass(frozen=True)
class Score:
    """The metric of a model. `each`: of every sample; None where the metric is one number for all. `blind`: what a
    model would get that always gives the most frequent label."""

    value: float
    each: Array | None = None
    blind: float | None = None

    def drop(self, after: Score) -> Drop:
        """How much lower the other score is, with bounds where samples can be compared one by one."""
        if self.each is None or after.each is None:
            return Drop(self.value - after.value)
        both = drop_of_hits if self.each.dtype == bool and after.each.dtype == bool else drop_of_means
        return both(self.each, after.each)


Evaluate: TypeAlias = Callable[[Graph], Score]
"""The score of a graph, float or quantized."""


def top1(found: Sequence[Sequence[Array]], labels: Any) -> Array:
    """Whether the first output is largest at the label. Raises UsageError for labels that are no classes."""
    rows = np.stack([np.asarray(sample[0]).reshape(-1) for sample in found])
    classes = np.asarray(labels).reshape(-1)
    if classes.dtype.kind not in "iu" or len(classes) != len(rows):
        raise UsageError(f"{len(classes)} labels of {classes.dtype} for {len(rows)} samples", "labels", "whole numbers")
    if len(classes) and not 0 <= classes.min() <= classes.max() < rows.shape[1]:
        raise UsageError(
            f"labels are {classes.min()} to {classes.max()}, the first output has {rows.shape[1]} classes", "labels"
        )
    return np.asarray(rows.argmax(axis=1) == classes)


def evaluator(samples: Samples, metric: Metric = top1) -> Evaluate:
    """Runs graphs on the samples on the CPU device, as they are: quantized ones in integers. Raises UsageError."""
    if samples.labels is None:
        raise UsageError("the data have no labels", "--data", "an .npz with an array 'labels' beside the inputs")
    labels = samples.labels

    def evaluate(graph: Graph) -> Score:
        found = metric(list(outputs(graph, samples)), labels)
        if np.ndim(found) == 0:
            return Score(float(found))
        each = np.asarray(found)
        return Score(float(each.mean()), each, _most(labels) if each.dtype == bool else None)

    return evaluate


def _most(labels: Any) -> float:
    """The share of the most frequent label."""
    return float(np.unique(np.asarray(labels), return_counts=True)[1].max() / len(labels))
