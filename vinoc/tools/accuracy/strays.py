"""Samples of classes that a model does not have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .representation import Annotation, ClassificationAnnotation, ClassificationPrediction, Prediction


@dataclass
class Strays:
    """Counts them; `most` is the number that is furthest off, `classes` how many scores there were."""

    count: int = 0
    total: int = 0
    classes: int = 0
    most: int = 0

    def add(self, annotation: Annotation, prediction: Prediction) -> None:
        """Notes a sample; of other tasks, and where scores are not those of all classes, nothing."""
        if not isinstance(annotation, ClassificationAnnotation) or not isinstance(prediction, ClassificationPrediction):
            return
        if not prediction.whole:
            return
        self.total += 1
        self.classes = prediction.scores.size
        outside = [n for n in annotation.labels if not 0 <= n < self.classes]
        if outside:
            self.count += 1
            self.most = max(self.most, *outside, key=abs)

    def remarks(self) -> Iterator[str]:
        """What is to be said of them."""
        if self.count:
            yield (
                f"{self.count} of {self.total} samples are of a class that the model does not have: it gives "
                f"{self.classes} scores, classes 0 to {self.classes - 1}, and there is a {self.most}; "
                "are classes counted from 1, or is this the data set of another model?"
            )
