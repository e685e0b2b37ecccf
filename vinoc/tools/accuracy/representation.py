"""What is known of a sample, and what a model said of it: annotations and predictions.

Boxes are rows of x0 y0 x1 y1. An annotation's are in pixels of the image as it was read; a prediction's are what the
adapter says (relative or of the model's input) until a postprocessor has brought them to those pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ...ir.dtype import Array


@dataclass(frozen=True)
class Step:
    """A change of an image's geometry: the point (x, y) went to (scale_x x + shift_x, scale_y y + shift_y).

    `before` and `after` are heights and widths. Crop and padding have scale 1; flips have scale -1.
    """

    name: str
    before: tuple[int, int]
    after: tuple[int, int]
    scale: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Meta:
    """What is told about a sample: the size of its image as it was read, how it became the input, and more by name."""

    size: tuple[int, int] | None = None
    """(height, width) of the image as it was read"""
    steps: tuple[Step, ...] = ()
    """what the preprocessors did to its geometry, in order"""
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def input_size(self) -> tuple[int, int] | None:
        """(height, width) of what the model was given."""
        return self.steps[-1].after if self.steps else self.size


@dataclass(frozen=True, kw_only=True)
class Representation:
    """Anything about one sample, which `identifier` names: a file's name, or a number in a file of many."""

    identifier: str
    meta: Meta = field(default_factory=Meta)


@dataclass(frozen=True, kw_only=True)
class Annotation(Representation):
    """What is true."""


@dataclass(frozen=True, kw_only=True)
class Prediction(Representation):
    """What a model says."""


Pair: TypeAlias = tuple[Annotation, Prediction]


@dataclass(frozen=True, kw_only=True)
class ClassificationAnnotation(Annotation):
    """The class, or several that are all right."""

    label: int | tuple[int, ...]

    @property
    def labels(self) -> tuple[int, ...]:
        return self.label if isinstance(self.label, tuple) else (self.label,)


@dataclass(frozen=True, kw_only=True)
class ClassificationPrediction(Prediction):
    """Scores [classes]: the higher, the likelier; probabilities or logits. `whole`: of all classes of the model."""

    scores: Array
    whole: bool = True

    @property
    def label(self) -> int:
        """The class of the highest score, the first of equals."""
        return int(np.argmax(self.scores))


def no_boxes() -> Array:
    return np.zeros((0, 4))


@dataclass(frozen=True, kw_only=True)
class DetectionAnnotation(Annotation):
    """Objects: `boxes` [n, 4], `labels` [n].

    `difficult` [n]: found or not, they do not count. `crowds` [n]: many objects in one box (COCO's iscrowd).
    `areas` [n]: of the outlines where they are known (COCO), else None.
    """

    boxes: Array = field(default_factory=no_boxes)
    labels: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    difficult: Array | None = None
    crowds: Array | None = None
    areas: Array | None = None

    @property
    def ignored(self) -> Array:
        """[n] of bool: difficult ones and crowds."""
        out = np.zeros(len(self.boxes), bool)
        for flags in (self.difficult, self.crowds):
            if flags is not None:
                out |= flags.astype(bool)
        return out


@dataclass(frozen=True, kw_only=True)
class DetectionPrediction(Prediction):
    """Objects: `boxes` [n, 4], `labels` [n], `scores` [n]."""

    boxes: Array = field(default_factory=no_boxes)
    labels: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    scores: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, kw_only=True)
class SegmentationAnnotation(Annotation):
    """A class for each pixel, [height, width]; `load` reads it when it is asked for: masks of a data set are large."""

    load: Callable[[], Array]

    @property
    def mask(self) -> Array:
        return self.load()


@dataclass(frozen=True, kw_only=True)
class SegmentationPrediction(Prediction):
    """Classes [height, width], or scores [classes, height, width]."""

    mask: Array

    @property
    def classes(self) -> Array:
        """[height, width]: the class of the highest score."""
        return self.mask if self.mask.ndim == 2 else np.argmax(self.mask, axis=0)


@dataclass(frozen=True, kw_only=True)
class TextAnnotation(Annotation):
    """What is written, or said."""

    text: str


@dataclass(frozen=True, kw_only=True)
class TextPrediction(Prediction):
    """What was read."""

    text: str


@dataclass(frozen=True, kw_only=True)
class LandmarksAnnotation(Annotation):
    """Points [n, 2 or 3] in pixels. `eyes`: which points are the outer corners of the eyes, or their centres."""

    points: Array
    visible: Array | None = None
    eyes: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class LandmarksPrediction(Prediction):
    """Points [n, 2 or 3] in the same unit as the annotation's, once they are postprocessed."""

    points: Array


@dataclass(frozen=True, kw_only=True)
class RegressionAnnotation(Annotation):
    """Numbers, of any shape."""

    value: Array


@dataclass(frozen=True, kw_only=True)
class RegressionPrediction(Prediction):
    """Numbers, of the annotation's shape."""

    value: Array


@dataclass(frozen=True, kw_only=True)
class PairsAnnotation(Annotation):
    """A picture, and with which others it is paired: of the same person (`same`) and of others (`other`).

    Each pair stands at one of its two pictures only: (identifier of the other picture, number of the fold).
    """

    same: tuple[tuple[str, int], ...] = ()
    other: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class EmbeddingPrediction(Prediction):
    """A vector [n] that is near those of the same person."""

    embedding: Array
