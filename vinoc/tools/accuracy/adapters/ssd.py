"""Detections that the model itself has chosen: SSD and what is alike."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..options import option
from ..representation import DetectionPrediction, Prediction
from .base import Adapter, Frames, Outputs, adapter, per_sample
from .numbers import corners, sigmoid, softmax

Found = tuple[Array, Array, Array]
"""boxes [n, 4], labels [n], scores [n]"""


def detections(frames: Frames, found: Iterable[Found]) -> list[Prediction]:
    """Predictions of (boxes, labels, scores) for each sample."""
    return [
        DetectionPrediction(
            identifier=name, meta=meta, boxes=np.asarray(boxes, np.float64).reshape(-1, 4),
            labels=np.asarray(labels).reshape(-1).astype(np.int64), scores=np.asarray(scores, np.float64).reshape(-1),
        )
        for (name, meta), (boxes, labels, scores) in zip(frames, found)
    ]  # fmt: skip


@adapter("ssd")
class Ssd(Adapter):
    """Rows of sample, label, score, x0, y0, x1, y1 relative to the image, an output [1, 1, N, 7]: DetectionOutput.

    Sample -1 ends them. Liu et al., "SSD: Single Shot MultiBox Detector", 2016; OpenVINO, DetectionOutput-8.
    """

    prediction = DetectionPrediction

    output: str | None = option(None, "the output; without it the first")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        found = outputs[self.output]
        if found.shape[-1] != 7:
            raise UsageError(f"rows of 7 numbers are needed, the output is {list(found.shape)}", "adapter 'ssd'")
        rows = found.reshape(-1, 7)
        ends = np.flatnonzero(rows[:, 0] < 0)
        rows = rows[: ends[0]] if len(ends) else rows
        each = (rows[rows[:, 0] == i] for i in range(len(frames)))
        return detections(frames, ((r[:, 3:7], r[:, 1], r[:, 2]) for r in each))


@adapter("ssd_mxnet")
class SsdMxNet(Adapter):
    """Rows of label, score, x0, y0, x1, y1 relative to the image, an output [samples, N, 6]; label -1 is none."""

    prediction = DetectionPrediction

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        rows = per_sample(outputs[None], frames, 2)
        each = (r[r[:, 0] >= 0] for r in rows)
        return detections(frames, ((r[:, 2:6], r[:, 0], r[:, 1]) for r in each))


@adapter("class_agnostic_detection")
class ClassAgnostic(Adapter):
    """Rows of x0, y0, x1, y1, score of one class, an output [N, 5] or [1, N, 5] of one sample. Its label is 1."""

    prediction = DetectionPrediction

    output_blob: str | None = option(None, "the output; without it the first of such rows")
    scale: tuple[float, ...] = option((1.0,), "what boxes are multiplied by: one number, or for x and for y")

    def __post_init__(self) -> None:
        if len(self.scale) not in (1, 2):
            raise UsageError(f"option 'scale' has {len(self.scale)} numbers", help="one, or one for x and one for y")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        fitting = (a for a in outputs.arrays if a.ndim in (2, 3) and a.shape[-1] == 5)
        found = next(fitting, outputs[None]) if self.output_blob is None else outputs[self.output_blob]
        if found.shape[-1] != 5 or len(frames) != 1:
            what = f"rows of 5 numbers of one sample are needed, not {list(found.shape)} of {len(frames)}"
            raise UsageError(what, f"adapter '{self.name}'", "name the output; take `batch: 1`")
        rows = found.reshape(-1, 5)
        rows = rows[rows[:, 4] > 0]
        scale = np.array([self.scale[0], self.scale[-1]] * 2)
        return detections(frames, [(rows[:, :4] * scale, np.ones(len(rows)), rows[:, 4])])


@adapter("ssd_onnx")
class SsdOnnx(Adapter):
    """Boxes [samples, N, 4 or 5], labels [samples, N] and scores [samples, N] as outputs of their own.

    Without an output of scores they are the fifth column of the boxes. Boxes stay in the unit that the model has.
    """

    prediction = DetectionPrediction

    labels_out: str = option(doc="the output of labels, or a pattern of its name")
    scores_out: str | None = option(None, "that of scores")
    bboxes_out: str = option(doc="that of boxes")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        boxes = per_sample(outputs.like(self.bboxes_out), frames, 2)
        labels = per_sample(_flat(outputs.like(self.labels_out), boxes), frames, 1)
        if self.scores_out is not None:
            scores = per_sample(_flat(outputs.like(self.scores_out), boxes), frames, 1)
        elif boxes.shape[2] == 5:
            scores = boxes[:, :, 4]
        else:
            raise UsageError("the model's boxes have no scores", "adapter 'ssd_onnx'", "name the output: scores_out")
        return detections(frames, zip(boxes[:, :, :4], labels, scores))


def _flat(array: Array, boxes: Array) -> Array:
    """[samples, N], dimensions of size 1 left out."""
    return np.asarray(array).reshape(len(boxes), -1)


@adapter("tf_object_detection")
class TfObjectDetection(Adapter):
    """Boxes [samples, N, 4] of y0 x0 y1 x1 relative to the image, classes, scores, and how many of them count.

    TensorFlow Object Detection API.
    """

    prediction = DetectionPrediction

    classes_out: str = option(doc="the output of classes [samples, N]")
    boxes_out: str = option(doc="that of boxes")
    scores_out: str = option(doc="that of scores [samples, N]")
    num_detections_out: str = option(doc="that of their number [samples]")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        boxes = per_sample(outputs[self.boxes_out], frames, 2)[:, :, [1, 0, 3, 2]]
        labels, scores = (per_sample(outputs[n], frames, 1) for n in (self.classes_out, self.scores_out))
        counts = np.asarray(outputs[self.num_detections_out]).reshape(-1).astype(np.int64)
        return detections(frames, ((b[:n], c[:n], s[:n]) for b, c, s, n in zip(boxes, labels, scores, counts)))


@adapter("detr")
class Detr(Adapter):
    """Boxes [samples, N, 4] of x y width height relative to the image, logits [samples, N, classes + 1].

    The last class is no object. Carion et al., "End-to-End Object Detection with Transformers", 2020.
    """

    prediction = DetectionPrediction

    scores_out: str = option(doc="the output of logits")
    boxes_out: str = option(doc="the output of boxes")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        scores = softmax(per_sample(outputs[self.scores_out], frames, 2))[:, :, :-1]
        boxes = corners(per_sample(outputs[self.boxes_out], frames, 2))
        return detections(frames, zip(boxes, scores.argmax(axis=2), scores.max(axis=2)))


@adapter("ultra_lightweight_face_detection", "ultraface")
class UltraFace(Adapter):
    """Boxes [samples, N, 4] relative to the image and scores [samples, N, 2] of no face and of a face.

    Faces have label 1. Boxes overlap each other: postprocessing `nms` chooses.
    Linzaer, "Ultra-Light-Fast-Generic-Face-Detector-1MB", 2019.
    """

    prediction = DetectionPrediction

    scores_out: str = option(doc="the output of scores")
    boxes_out: str = option(doc="the output of boxes")
    score_threshold: float = option(0.7, "the least score of a face")
    logits: bool = option(False, "scores are logits")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        scores = per_sample(outputs[self.scores_out], frames, 2)
        scores = (softmax(scores) if scores.shape[2] > 1 else sigmoid(scores)) if self.logits else scores
        boxes = per_sample(outputs[self.boxes_out], frames, 2)
        kept = ((b[s > self.score_threshold], s[s > self.score_threshold]) for b, s in zip(boxes, scores[:, :, -1]))
        return detections(frames, ((b, np.ones(len(s)), s) for b, s in kept))
