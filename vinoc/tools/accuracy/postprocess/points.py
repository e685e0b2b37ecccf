"""Points on faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....ir.errors import UsageError
from ..base import Postprocessor, postprocessor
from ..geometry import size_of, undone
from ..options import option
from ..representation import Annotation, LandmarksAnnotation, LandmarksPrediction, Prediction


@postprocessor("normalize_landmarks_points")
class NormalizeLandmarksPoints(Postprocessor):
    """The annotation's points become shares of the image's size, or of the rectangle of the face."""

    annotation = LandmarksAnnotation
    use_annotation_rect: bool = option(False, "shares of the rectangle that the annotation gives")

    def true(self, annotation: LandmarksAnnotation, prediction: Prediction) -> Annotation:
        if self.use_annotation_rect:
            rect = annotation.meta.more.get("rect")
            if rect is None:
                raise UsageError("the annotation has no rectangle", f"'{annotation.identifier}'")
            x0, y0, x1, y1 = rect
        else:
            x0 = y0 = 0
            y1, x1 = size_of(prediction.meta, "image", prediction.identifier)
        points = annotation.points.astype(np.float64).copy()
        points[:, :2] = (points[:, :2] - [x0, y0]) / np.maximum([x1 - x0, y1 - y0], np.finfo(np.float64).eps)
        return replace(annotation, points=points)


@postprocessor("points_to_image")
class PointsToImage(Postprocessor):
    """The predicted points become pixels of the image: everything that preprocessors did is undone."""

    prediction = LandmarksPrediction
    normalized: bool = option(False, "the points are in shares of the model's input, not in its pixels")

    def said(self, prediction: LandmarksPrediction) -> Prediction:
        points = prediction.points.astype(np.float64).copy()
        if self.normalized:
            height, width = size_of(prediction.meta, "input", prediction.identifier)
            points[:, :2] *= [width, height]
        return replace(prediction, points=undone(points, prediction.meta.steps))
