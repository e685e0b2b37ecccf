"""Classes."""

from __future__ import annotations

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..options import option
from ..representation import ClassificationPrediction, Prediction
from .base import Adapter, Frames, Outputs, adapter
from .numbers import softmax


@adapter("classification")
class Classification(Adapter):
    """Scores of classes: an output [samples, classes], further dimensions of size 1 left out."""

    prediction = ClassificationPrediction
    ignored = ("label_as_array", "block")

    classification_output: str | None = option(None, "the output; without it the first")
    argmax_output: bool = option(False, "the output is the number of the class, [samples, 1]")
    fixed_output: bool = option(False, "the number of the class stands in a column of the output")
    fixed_output_index: int = option(0, "in which", low=0)
    do_softmax: bool = option(False, "the output is logits")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        found = np.asarray(outputs[self.classification_output])
        rows = found.reshape(1 if found.ndim == 1 and len(frames) == 1 else len(found), -1)
        if len(rows) < len(frames):
            raise UsageError(f"{len(frames)} samples give an output {list(found.shape)}", "adapter")
        chosen = self.argmax_output or self.fixed_output
        if chosen:
            column = self.fixed_output_index if self.fixed_output else 0
            rows = _one_hot(rows, column)
        elif self.do_softmax:
            rows = softmax(rows)
        return [
            ClassificationPrediction(identifier=name, meta=meta, scores=row, whole=not chosen)
            for (name, meta), row in zip(frames, rows)
        ]


def _one_hot(rows: Array, column: int) -> Array:
    """Scores of 1 for the class that stands in a column, 0 for the others."""
    if column >= rows.shape[1]:
        raise UsageError(f"the output has {rows.shape[1]} columns, `fixed_output_index` is {column}", "adapter")
    classes = np.rint(rows[:, column]).astype(np.int64)
    if classes.min(initial=0) < 0:
        raise UsageError(f"a class is {classes.min()}: the output is no number of a class", "adapter")
    return np.asarray(classes[:, None] == np.arange(classes.max(initial=0) + 1), np.float64)
