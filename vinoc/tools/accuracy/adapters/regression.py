"""Numbers, points and embeddings."""

from __future__ import annotations

import numpy as np

from ....ir.errors import UsageError
from ..options import option
from ..representation import EmbeddingPrediction, LandmarksPrediction, Prediction, RegressionPrediction
from .base import Adapter, Frames, Outputs, adapter, of_samples, per_sample

GRN_BIAS = 1e-6


@adapter("regression")
class Regression(Adapter):
    """Numbers of each sample, [samples, ...]."""

    prediction = RegressionPrediction

    output: str | None = option(None, "the output; without it the first")
    keep_shape: bool = option(False, "they keep their shape, else they are a vector")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        rows = of_samples(outputs[self.output], frames)
        return [
            RegressionPrediction(identifier=name, meta=meta, value=one if self.keep_shape else one.reshape(-1))
            for (name, meta), one in zip(frames, rows)
        ]


@adapter("landmarks_regression")
class Landmarks(Adapter):
    """Points x0 y0 x1 y1 ... of each sample, or with a depth x0 y0 z0 ... where `dimensions` is 3.

    As they are: relative to the image, or, with `in_pixels`, in pixels of the input, made relative here.
    """

    prediction = LandmarksPrediction

    output: str | None = option(None, "the output; without it the first")
    dimensions: int = option(2, "numbers of a point", low=2, high=3)
    in_pixels: bool = option(False, "points are in pixels of the input")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        found = of_samples(outputs[self.output], frames)
        rows = found.reshape(len(found), -1).astype(np.float64)
        if rows.shape[1] % self.dimensions:
            what = f"{rows.shape[1]} numbers are no points of {self.dimensions}"
            raise UsageError(what, f"adapter '{self.name}'", "look at `dimensions`")
        made = []
        for (name, meta), one in zip(frames, rows):
            points = one.reshape(-1, self.dimensions)
            if self.in_pixels:
                height, width = frames.input_size(meta)
                points = points / np.array([width, height, width])[: self.dimensions]
            made.append(LandmarksPrediction(identifier=name, meta=meta, points=points))
        return list(made)


@adapter("reid", "face_recognition")
class Reid(Adapter):
    """An embedding of each sample, [samples, ...], of length 1: v / sqrt(sum(v^2) + 1e-6) unless told otherwise."""

    prediction = EmbeddingPrediction
    ignored = ("joining_method", "keep_shape")

    target_out: str | None = option(None, "the output; without it the first")
    grn_workaround: bool = option(True, "bring embeddings to length 1")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        found = outputs[self.target_out]
        rows = per_sample(found.reshape(len(found), -1), frames, 1).astype(np.float64)
        if self.grn_workaround:
            rows = rows / np.sqrt((rows**2).sum(axis=1, keepdims=True) + GRN_BIAS)
        return [
            EmbeddingPrediction(identifier=name, meta=meta, embedding=row) for (name, meta), row in zip(frames, rows)
        ]
