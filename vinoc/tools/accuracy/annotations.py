"""Data sets: annotations read, checked and sampled, and the images that belong to them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError, VinocError
from ..problems import SHOWN, check
from .base import DataReader, Dataset, Image, Preprocessor, Reader
from .representation import Annotation, DetectionAnnotation, PairsAnnotation

OUTSIDE = 1.0
"""By how many pixels a box may reach beyond its image: data sets count pixels from 0 or from 1."""


def load(
    reader: Reader,
    subsample_size: int | str | None = None,
    subsample_seed: int = 666,
    shuffle: bool = True,
    warn: Callable[[str], None] | None = None,
) -> Dataset:
    """The data set that a reader reads, or a sample of it, which the seed determines.

    `subsample_size` is a number, or a share such as `10%`; the sample is chosen at random, or with `shuffle` false
    it is the beginning. Identifiers must differ. Raises a UsageError with all problems.
    """
    where = f"annotation converter '{reader.name}'"
    dataset = reader.read()
    if not dataset.annotations:
        raise UsageError("the data set has no samples", where, "look at the paths of the converter")
    twice = [name for name, count in Counter(a.identifier for a in dataset.annotations).items() if count > 1]
    check([UsageError(f"'{name}' is annotated more than once", where) for name in twice], where)
    if warn is not None:
        for note in dataset.notes:
            warn(note)
    if subsample_size is None:
        return dataset
    size = sample_size(subsample_size, len(dataset.annotations), where)
    if size > len(dataset.annotations):
        if warn is not None:
            warn(
                f"{where}: subsample_size is {size}, the data set has {len(dataset.annotations)} samples: all are used"
            )
        return dataset
    return replace(dataset, annotations=sampled(dataset.annotations, size, subsample_seed, shuffle))


def sample_size(asked: int | str, count: int, where: str) -> int:
    """How many samples `300` or `10%` of `count` are. Raises UsageError."""
    text = str(asked).strip()
    try:
        number = float(text.removesuffix("%"))
        size = int(number * count / 100) if text.endswith("%") else int(number)
        if size < 1 or (not text.endswith("%") and size != number) or number == float("inf"):
            raise ValueError
    except (ValueError, OverflowError):
        raise UsageError(
            f"subsample_size is '{asked}'", where, "a number of samples from 1 on, or a share such as 10%"
        ) from None
    return size


def sampled(annotations: Sequence[Annotation], size: int, seed: int, shuffle: bool) -> tuple[Annotation, ...]:
    """So many of them, in their order; where they are paired, whole groups of pairs as long as these fit."""
    order = np.random.default_rng(seed).permutation(len(annotations)) if shuffle else np.arange(len(annotations))
    if not isinstance(annotations[0], PairsAnnotation):
        return tuple(annotations[i] for i in sorted(order[:size]))
    return _sampled_pairs(cast("Sequence[PairsAnnotation]", annotations), size, order)


def _sampled_pairs(annotations: Sequence[PairsAnnotation], size: int, order: Array) -> tuple[Annotation, ...]:
    """Pictures with all partners of their pairs; pairs that leave the sample are dropped."""
    chosen: set[str] = set()
    for i in order:
        first = annotations[i]
        group = {first.identifier, *(name for name, _ in (*first.same, *first.other))}
        if len(group) > 1 and len(chosen | group) <= size:
            chosen |= group
    return tuple(
        replace(
            a,
            same=tuple(p for p in a.same if p[0] in chosen),
            other=tuple(p for p in a.other if p[0] in chosen),
        )
        for a in annotations
        if a.identifier in chosen
    )


@dataclass(frozen=True)
class Images:
    """The data of samples, read one by one: from the files of the annotations, or from a folder."""

    dataset: Dataset
    folder: Path | None
    reader: DataReader

    def __post_init__(self) -> None:
        if self.dataset.images is not None:
            return
        if self.folder is None:
            raise UsageError("data_source is missing", "dataset", "the folder of the images")
        if not self.folder.is_dir():
            raise UsageError(f"there is no folder '{self.folder}'", "data_source")
        missing = [a.identifier for a in self.dataset.annotations if not self.path(a.identifier).is_file()]
        check([UsageError(f"there is no image '{name}'", f"data_source {self.folder}") for name in missing],
              f"data_source {self.folder}")  # fmt: skip

    def path(self, identifier: str) -> Path:
        """The file of an image: of that path below the folder, else of that name in it."""
        assert self.folder is not None
        whole = self.folder / identifier
        return whole if whole.is_file() else self.folder / Path(identifier).name

    def read(self, annotation: Annotation) -> Image:
        """The image of an annotation. When it cannot be read, raises VinocError that tells of the others too."""
        try:
            return self._read(annotation)
        except VinocError:
            check(self.problems(), f"data_source {self.folder}")
            raise

    def _read(self, annotation: Annotation) -> Image:
        if self.dataset.images is not None:
            data = self.reader.converted(self.dataset.images(annotation.identifier))
        else:
            data = self.reader.read(self.path(annotation.identifier))
        size = (int(data.shape[0]), int(data.shape[1])) if data.ndim >= 2 else None
        return Image(annotation.identifier, data, replace(annotation.meta, size=size, steps=()))

    def __iter__(self) -> Iterator[tuple[Annotation, Image]]:
        for annotation in self.dataset.annotations:
            yield annotation, self.read(annotation)

    def problems(self, most: int = SHOWN, seconds: float = 10.0) -> list[VinocError]:
        """Images that cannot be read and boxes that lie beside their images: the first ones, of the images that can be
        read in that time."""
        end = time.monotonic() + seconds
        found: list[VinocError] = []
        for annotation in self.dataset.annotations:
            try:
                image = self._read(annotation)
            except VinocError as error:
                found.append(error)
            else:
                if isinstance(annotation, DetectionAnnotation) and image.meta.size is not None:
                    found += outside(annotation, image.meta.size)
            if len(found) >= most or time.monotonic() > end:
                break
        return found


def outside(annotation: DetectionAnnotation, size: tuple[int, int], where: str | None = None) -> list[VinocError]:
    """A problem for each box that ends before it begins or lies beside an image of (height, width)."""
    found: list[VinocError] = []
    for box in annotation.boxes:
        x0, y0, x1, y1 = (float(v) for v in box)
        shown = f"box {x0:g} {y0:g} {x1:g} {y1:g}"
        if not (x0 <= x1 and y0 <= y1):
            found.append(UsageError(f"{shown} of '{annotation.identifier}' ends before it begins", where))
        elif x1 < 0 or y1 < 0 or x0 > size[1] or y0 > size[0]:
            what = f"{shown} lies beside '{annotation.identifier}', which is {size[1]} wide and {size[0]} high"
            found.append(UsageError(what, where))
    return found


def reaching_out(annotation: DetectionAnnotation, size: tuple[int, int]) -> int:
    """How many boxes lie in part outside of an image of (height, width), by more than a pixel."""
    height, width = size
    far = np.array([width + OUTSIDE, height + OUTSIDE])
    beyond = (annotation.boxes[:, :2] < -OUTSIDE).any(axis=1) | (annotation.boxes[:, 2:] > far).any(axis=1)
    return int(beyond.sum())


def prepared(image: Image, preprocessors: Iterable[Preprocessor], annotation: Annotation | None = None) -> Image:
    """What the model is given: an image after all preprocessors, in order. Raises VinocError that names the image."""
    for step in preprocessors:
        try:
            image = step.apply(image, annotation)
        except VinocError as error:
            if error.where is None:
                error.where = f"{image.identifier}: preprocessor '{step.name}'"
            raise
    return image
