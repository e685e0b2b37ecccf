"""RetinaFace. Boxes are in pixels of the image as it was read."""

from __future__ import annotations

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..boxes import nms
from ..options import option
from ..representation import DetectionPrediction, Meta, Prediction
from .anchors import checked, priors
from .base import Adapter, Frames, Outputs, adapter, per_sample
from .numbers import corners, to_read
from .ssd import Found, detections

STRIDES = (32, 16, 8)
SIDES = ((512, 256), (128, 64), (32, 16))
"""pixels of the anchors' sides at each stride: Deng et al., table 2, with ratio 1"""
VARIANCE = (0.1, 0.2)
"""what offsets of the middle and of the size are multiplied by: SSD's"""


def to_read_image(boxes: Array, size: tuple[int, int], meta: Meta) -> Array:
    """Boxes in pixels of the model's input as pixels of the image as it was read: resizing undone."""
    return to_read(boxes, size, meta.size)


@adapter("retinaface")
class RetinaFace(Adapter):
    """Scores [samples, 2 x 2, H, W], offsets of boxes [samples, 2 x 4, H, W] for strides 32, 16 and 8 in this order.

    Each stride has two anchors of a cell; scores are those of no face of both, then those of a face.
    Faces have label 1. Deng et al., "RetinaFace: Single-stage Dense Face Localisation in the Wild", 2019; InsightFace.
    """

    prediction = DetectionPrediction
    ignored = ("landmarks_outputs", "type_scores_outputs")

    scores_outputs: tuple[str, ...] = option(doc="the outputs of scores")
    bboxes_outputs: tuple[str, ...] = option(doc="the outputs of boxes")
    nms_threshold: float = option(0.5, "of boxes that overlap by more the best is kept, for each stride", low=0)
    keep_top_k: int | None = option(None, "of how many of the best boxes of a stride", low=1)
    include_boundaries: bool = option(False, "the last pixel belongs to a box when overlaps are measured")
    score_threshold: float = option(0.0, "the least score of a face", low=0)

    def __post_init__(self) -> None:
        if not len(self.scores_outputs) == len(self.bboxes_outputs) == len(STRIDES):
            raise UsageError("three outputs of scores and three of boxes are needed", help="of strides 32, 16 and 8")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        scores = [per_sample(outputs[n], frames, 3) for n in self.scores_outputs]
        boxes = [per_sample(outputs[n], frames, 3).astype(np.float64) for n in self.bboxes_outputs]
        return detections(
            frames,
            (self._found([s[i] for s in scores], [b[i] for b in boxes], frames.input_size(meta), meta)
             for i, (_, meta) in enumerate(frames)),
        )  # fmt: skip

    def _found(self, scores: list[Array], boxes: list[Array], size: tuple[int, int], meta: Meta) -> Found:
        kept_boxes, kept_scores = [], []
        for score, offsets, stride, sides in zip(scores, boxes, STRIDES, SIDES, strict=True):
            each = score[len(sides) :].transpose(1, 2, 0).reshape(-1)
            placed = self._placed(offsets, stride, sides)
            enough = each > self.score_threshold
            placed, each = placed[enough], each[enough]
            kept = nms(placed, each, self.nms_threshold, float(self.include_boundaries), self.keep_top_k)
            kept_boxes.append(placed[kept])
            kept_scores.append(each[kept])
        found = np.concatenate(kept_scores)
        return to_read_image(np.concatenate(kept_boxes), size, meta), np.ones(len(found)), found

    def _placed(self, offsets: Array, stride: int, sides: tuple[int, ...]) -> Array:
        """[n, 4] in pixels of the input: x = tx pw + px, w = exp(tw) pw, about anchors whose corners are pixels.

        The middle of an anchor is 7.5 pixels into its cell; a box from x0 to x1 is x1 - x0 + 1 wide.
        """
        _, rows, columns = offsets.shape
        t = offsets.reshape(len(sides), 4, rows * columns).transpose(2, 0, 1)
        y, x = np.divmod(np.arange(rows * columns), columns)
        centers = np.stack([x, y], axis=1)[:, None, :] * stride + 7.5
        anchor = np.array(sides, np.float64)[None, :, None]
        middle, side = t[:, :, :2] * anchor + centers, np.exp(t[:, :, 2:4]) * anchor
        half = (side - 1) / 2
        return np.concatenate([middle - half, middle + half], axis=2).reshape(-1, 4)


@adapter("retinaface_pytorch", "retinaface-pytorch")
class RetinaFacePyTorch(Adapter):
    """Scores [samples, N, 2] of no face and of a face, offsets [samples, N, 4] to squares at strides 8, 16 and 32.

    x = px + 0.1 tx pw, w = pw exp(0.2 tw). Faces have label 1. Deng et al., 2019, in biubug6's form for PyTorch.
    """

    prediction = DetectionPrediction
    ignored = ("landmarks_output",)

    scores_output: str = option(doc="the output of scores")
    bboxes_output: str = option(doc="the output of boxes")
    nms_threshold: float = option(0.4, "of boxes that overlap by more the best is kept", low=0)
    keep_top_k: int | None = option(750, "of how many of the best boxes", low=1)
    include_boundaries: bool = option(False, "the last pixel belongs to a box when overlaps are measured")
    confidence_threshold: float = option(0.02, "the least score of a face", low=0)

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        scores = per_sample(outputs[self.scores_output], frames, 2)[:, :, 1]
        offsets = per_sample(outputs[self.bboxes_output], frames, 2).astype(np.float64)
        return detections(frames, (self._found(s, o, frames.input_size(m), m)
                                   for s, o, (_, m) in zip(scores, offsets, frames)))  # fmt: skip

    def _found(self, scores: Array, offsets: Array, size: tuple[int, int], meta: Meta) -> Found:
        made = priors(size, STRIDES[::-1], [sorted(s) for s in SIDES[::-1]])
        anchors = checked(made, len(offsets), f"adapter '{self.name}'")
        enough = scores > self.confidence_threshold
        scores, t, p = scores[enough], offsets[enough], anchors[enough]
        middle = p[:, :2] + VARIANCE[0] * t[:, :2] * p[:, 2:]
        sides = p[:, 2:] * np.exp(VARIANCE[1] * t[:, 2:4])
        boxes = corners(np.hstack([middle, sides])) * np.tile([size[1], size[0]], 2)
        kept = nms(boxes, scores, self.nms_threshold, float(self.include_boundaries), self.keep_top_k)
        return to_read_image(boxes[kept], size, meta), np.ones(len(kept)), scores[kept]
