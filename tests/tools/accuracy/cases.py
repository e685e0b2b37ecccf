"""Data sets and predictions for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vinoc.tools.accuracy.base import Dataset, Result, metric
from vinoc.tools.accuracy.representation import (
    ClassificationAnnotation,
    ClassificationPrediction,
    DetectionAnnotation,
    DetectionPrediction,
    TextAnnotation,
    TextPrediction,
)


def measured(name: str, pairs: Sequence[tuple[Any, Any]], labels: dict[int, str] | None = None,
             background: int | None = None, **options: Any) -> Result:  # fmt: skip
    """What a metric says of (annotation, prediction)."""
    dataset = Dataset(tuple(a for a, _ in pairs), labels or {}, background)
    return metric.make(name, options).evaluate(dataset, [p for _, p in pairs])


def classified(true: Sequence[int], scores: Any) -> list[tuple[Any, Any]]:
    return [
        (ClassificationAnnotation(identifier=str(i), label=t), ClassificationPrediction(identifier=str(i), scores=s))
        for i, (t, s) in enumerate(zip(true, np.asarray(scores, np.float64), strict=True))
    ]


def one_hot(labels: Sequence[int], classes: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.eye(classes)[list(labels)]


def texts(*pairs: tuple[str, str]) -> list[tuple[Any, Any]]:
    return [
        (TextAnnotation(identifier=str(i), text=a), TextPrediction(identifier=str(i), text=b))
        for i, (a, b) in enumerate(pairs)
    ]


def objects(identifier: str, rows: Sequence[Sequence[float]], difficult: Sequence[int] = (),
            crowds: Sequence[int] = ()) -> DetectionAnnotation:  # fmt: skip
    """Rows of x0 y0 x1 y1 and a class."""
    table = np.array(rows, np.float64).reshape(-1, 5)
    flags = [np.isin(np.arange(len(table)), which) if which else None for which in (difficult, crowds)]
    return DetectionAnnotation(identifier=identifier, boxes=table[:, :4], labels=table[:, 4].astype(int),
                               difficult=flags[0], crowds=flags[1])  # fmt: skip


def detections(identifier: str, rows: Sequence[Sequence[float]]) -> DetectionPrediction:
    """Rows of x0 y0 x1 y1, a class and a score."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    return DetectionPrediction(identifier=identifier, boxes=table[:, :4], labels=table[:, 4].astype(int),
                               scores=table[:, 5])  # fmt: skip


def scene(seed: int, images: int = 8, classes: int = 3, crowds: bool = True) -> list[tuple[Any, Any]]:
    """Objects, and detections near some of them, with scores that all differ."""
    random = np.random.default_rng(seed)
    scores = iter(random.permutation(100_000) / 100_000)
    out = []
    for i in range(images):
        count = int(random.integers(0, 7))
        corner, side = (
            random.uniform(0, 200, (count, 2)),
            random.choice([12, 50, 140], (count, 1)) * random.uniform(0.6, 1.4, (count, 2)),
        )
        boxes = np.concatenate([corner, corner + side], axis=1)
        labels = random.integers(0, classes, count)
        flags = random.random(count) < 0.2 if crowds else np.zeros(count, bool)
        true = DetectionAnnotation(identifier=f"{i}.jpg", boxes=boxes, labels=labels, crowds=flags,
                                   areas=np.prod(side, axis=1) * random.uniform(0.5, 1, count))  # fmt: skip
        near = boxes[random.integers(0, count, 2 * count)] if count else boxes
        near = near + random.normal(0, 6, near.shape)
        far = random.uniform(0, 200, (4, 2))
        found = np.concatenate([near, np.concatenate([far, far + random.uniform(5, 90, (4, 2))], axis=1)])
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        said = random.integers(0, classes, len(found))
        ranks = np.array([next(scores) for _ in found])
        out.append((true, DetectionPrediction(identifier=f"{i}.jpg", boxes=found, labels=said, scores=ranks)))
    return out
