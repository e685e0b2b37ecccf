"""Boxes: brought to the image's pixels, rounded, cut off at its edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....ir.dtype import Array
from ..base import TARGETS, Postprocessor, postprocessor
from ..geometry import scale_boxes, size_of, undone_boxes
from ..options import option
from ..representation import Annotation, DetectionAnnotation, DetectionPrediction, Meta, Prediction
from ..sizes import Sized


class OfBoxes(Postprocessor):
    """Of detections."""

    annotation = DetectionAnnotation
    prediction = DetectionPrediction


@postprocessor("resize_prediction_boxes")
class ResizePredictionBoxes(OfBoxes):
    """Boxes in shares of the model's input become pixels of the image: times its width and height. That is right where
    the whole image was resized; with `unpadding` or `uncrop` everything that preprocessors did is undone."""

    rescale: bool = option(False, "the boxes are in pixels of the model's input")
    unpadding: bool = option(False, "borders, parts and mirroring are undone too")
    uncrop: bool = option(False, "the same")

    def said(self, prediction: DetectionPrediction) -> Prediction:
        meta = prediction.meta
        height, width = size_of(meta, "image", prediction.identifier)
        inner_height, inner_width = size_of(meta, "input", prediction.identifier)
        if self.unpadding or self.uncrop:
            boxes = in_image(prediction.boxes, meta, prediction.identifier, self.rescale)
        elif self.rescale:
            boxes = scale_boxes(prediction.boxes, width / inner_width, height / inner_height)
        else:
            boxes = scale_boxes(prediction.boxes, width, height)
        return replace(prediction, boxes=boxes)


def in_image(boxes: Array, meta: Meta, identifier: str, in_pixels: bool) -> Array:
    """Boxes in shares or pixels of the model's input as pixels of the image, with all that was done to it undone."""
    height, width = size_of(meta, "input", identifier)
    return undone_boxes(boxes if in_pixels else scale_boxes(boxes, width, height), meta.steps)


@postprocessor("faster_rcnn_postprocessing_resize", "boxes_to_image")
class BoxesToImage(OfBoxes):
    """Boxes in shares of the model's input become pixels of the image: everything that preprocessors did is undone."""

    rescale: bool = option(False, "the boxes are in pixels of the model's input")
    ignored = ("size", "dst_width", "dst_height")

    def said(self, prediction: DetectionPrediction) -> Prediction:
        boxes = in_image(prediction.boxes, prediction.meta, prediction.identifier, self.rescale)
        return replace(prediction, boxes=boxes)


@postprocessor("correct_yolo_v2_boxes")
class CorrectYoloV2Boxes(OfBoxes, Sized):
    """Boxes in shares of a model's input in which the image lies in the middle, as large as it fits, become shares of
    the image."""

    needed = True

    def said(self, prediction: DetectionPrediction) -> Prediction:
        height, width = size_of(prediction.meta, "image", prediction.identifier)
        outer_height, outer_width = self.wanted
        scale = min(outer_height / height, outer_width / width)
        inner, outer = np.array([width * scale, height * scale]), np.array([outer_width, outer_height])
        corners = prediction.boxes.reshape(-1, 2) * outer - (outer - inner) / 2
        return replace(prediction, boxes=(corners / inner).reshape(-1, 4))


class _OfTargets(OfBoxes):
    """Changes boxes of annotations, of predictions, or both."""

    apply_to: str = option("all", "what is changed", choices=TARGETS)

    def changed(self, boxes: Array, prediction: Prediction) -> Array:
        raise NotImplementedError

    def true(self, annotation: DetectionAnnotation, prediction: Prediction) -> Annotation:
        return replace(annotation, boxes=self.changed(annotation.boxes, prediction))

    def said(self, prediction: DetectionPrediction) -> Prediction:
        return replace(prediction, boxes=self.changed(prediction.boxes, prediction))


@postprocessor("clip_boxes")
class ClipBoxes(_OfTargets, Sized):
    """Boxes end at the edges of the image, or of a given size."""

    boxes_normalized: bool = option(False, "boxes are in shares of the size")
    ignored = ("bboxes_normalized",)

    def changed(self, boxes: Array, prediction: Prediction) -> Array:
        high = 1.0, 1.0
        if not self.boxes_normalized:
            height, width = self.target or size_of(prediction.meta, "image", prediction.identifier)
            high = float(width), float(height)
        return np.asarray(np.clip(boxes, 0.0, [*high, *high]))


ROUNDING = {"nearest": np.rint, "nearest_to_zero": np.trunc, "lower": np.floor, "greater": np.ceil}


@postprocessor("cast_to_int")
class CastToInt(_OfTargets):
    """Whole numbers as corners of boxes; halves are rounded to even ones."""

    round_policy: str = option("nearest", "where numbers are rounded to", choices=tuple(ROUNDING))

    def changed(self, boxes: Array, prediction: Prediction) -> Array:
        return np.asarray(ROUNDING[self.round_policy](boxes))


@postprocessor("normalize_boxes")
class NormalizeBoxes(OfBoxes):
    """The annotation's boxes become shares of the image's size."""

    ignored = ("use_annotation_rect",)

    def true(self, annotation: DetectionAnnotation, prediction: Prediction) -> Annotation:
        height, width = size_of(prediction.meta, "image", prediction.identifier)
        return replace(annotation, boxes=scale_boxes(annotation.boxes, 1 / width, 1 / height))
