"""What readers, preprocessors, postprocessors and metrics are, and where they register.

from ..base import Metric, metric
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, dataclass_transform

from ...ir.dtype import Array
from ..charts.drawing import Drawing
from .registry import Registry
from .representation import Annotation, Meta, Pair, Prediction, Step


@dataclass(frozen=True)
class Dataset:
    """The annotations of a data set, one a sample."""

    annotations: tuple[Annotation, ...]
    labels: Mapping[int, str] = field(default_factory=dict)
    """names of the classes by number"""
    background: int | None = None
    """the class that is no object"""
    images: Callable[[str], Array] | None = None
    """pixels [height, width, channels] by identifier, red first, where they are in the files of the annotations"""
    notes: tuple[str, ...] = ()
    """what is odd about the files, and did not hinder"""
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Named:
    """Has the name by which a configuration calls it. Classes below are frozen dataclasses of their options."""

    name: ClassVar[str] = ""
    ignored: ClassVar[tuple[str, ...]] = ()
    """options of Accuracy Checker that a configuration may have and that change nothing here"""

    def __init_subclass__(cls, **how: Any) -> None:
        super().__init_subclass__(**how)
        dataclass(frozen=True, kw_only=True)(cls)


class Reader(Named, ABC):
    """Reads annotations: Accuracy Checker's annotation converters."""

    @abstractmethod
    def read(self) -> Dataset:
        """Raises a UsageError with all problems of the files."""


class DataReader(Named, ABC):
    """Reads what a model is fed with."""

    @abstractmethod
    def read(self, path: Path) -> Array:
        """Pixels [height, width, channels], or an array of any shape. Raises VinocError."""

    def converted(self, data: Array) -> Array:
        """Pixels that are red first, as this reader would have read them from a file."""
        return data


@dataclass(frozen=True)
class Image:
    """The data of one sample on its way to the model: [height, width, channels], or any array."""

    identifier: str
    data: Array
    meta: Meta = field(default_factory=Meta)

    def changed(self, data: Array, step: Step | None = None) -> Image:
        """With other data, and the step that made them where their geometry is another."""
        meta = self.meta if step is None else replace(self.meta, steps=(*self.meta.steps, step))
        return Image(self.identifier, data, meta)


class Preprocessor(Named, ABC):
    """Changes images before the model sees them."""

    @abstractmethod
    def apply(self, image: Image, annotation: Annotation | None = None) -> Image: ...

    def fitted(self, shape: tuple[int, int]) -> Preprocessor:
        """For a model whose input has this height and width; only those that follow the model differ."""
        return self


TARGETS = ("annotation", "prediction", "all")
"""What the option `apply_to` of a postprocessor names."""


class Postprocessor(Named):
    """Changes predictions, or annotations, after the adapter and before the metrics: those of the kinds it is for."""

    annotation: ClassVar[type[Annotation]] = Annotation
    prediction: ClassVar[type[Prediction]] = Prediction

    def apply(self, annotation: Annotation, prediction: Prediction) -> Pair:
        """Those of other kinds, and those that the option `apply_to` leaves out, are returned as they are."""
        only = getattr(self, "apply_to", "all")
        true, said = annotation, prediction
        if isinstance(annotation, self.annotation) and only != "prediction":
            true = self.true(annotation, prediction)
        if isinstance(prediction, self.prediction) and only != "annotation":
            said = self.said(prediction)
        return true, said

    def true(self, annotation: Any, prediction: Prediction) -> Annotation:
        """What becomes of an annotation of the kind."""
        return annotation  # type: ignore[no-any-return]  # of the kind

    def said(self, prediction: Any) -> Prediction:
        """What becomes of a prediction of the kind."""
        return prediction  # type: ignore[no-any-return]  # of the kind


@dataclass(frozen=True)
class Result:
    """What a metric found. `value` is raw: 0.75 is shown as 75 % where `unit` is %."""

    value: float
    parts: Mapping[str, float] = field(default_factory=dict)
    """by name: of classes, of intervals; NaN where there is nothing to measure"""
    unit: str = "%"
    higher_is_better: bool = True
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[str, ...] = ()


class Metric(Named, ABC):
    """The options of a metric, and how it counts: samples, in any order, are added to what `start` gives."""

    annotation: ClassVar[type[Annotation]]
    prediction: ClassVar[type[Prediction]]

    def start(self, dataset: Dataset) -> Any:
        """What to count in: a list, if need be something else."""
        return []

    @abstractmethod
    def add(self, counted: Any, annotation: Any, prediction: Any) -> None: ...

    @abstractmethod
    def result(self, counted: Any) -> Result: ...

    def evaluate(self, dataset: Dataset, predictions: Sequence[Prediction]) -> Result:
        """Of predictions in the order of the annotations."""
        counted = self.start(dataset)
        for annotation, prediction in zip(dataset.annotations, predictions, strict=True):
            self.add(counted, annotation, prediction)
        return self.result(counted)


_HERE = __name__.rpartition(".")[0]

reader: Registry[Reader] = Registry("annotation converter", f"{_HERE}.readers")
data_reader: Registry[DataReader] = Registry("data reader", f"{_HERE}.data")
preprocessor: Registry[Preprocessor] = Registry("preprocessor", f"{_HERE}.preprocess")
postprocessor: Registry[Postprocessor] = Registry("postprocessor", f"{_HERE}.postprocess")
metric: Registry[Metric] = Registry("metric", f"{_HERE}.metrics")
