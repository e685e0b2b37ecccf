"""MediaPipe's detectors: BlazeFace, palms."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ...inputs.numpy_files import read_array
from ..boxes import by_score, overlaps
from ..options import option
from ..representation import DetectionPrediction, Prediction
from .anchors import SsdAnchors, checked
from .base import Adapter, Frames, Outputs, adapter, per_sample
from .numbers import corners, sigmoid
from .ssd import Found, detections


@adapter("palm_detection")
class PalmDetection(Adapter):
    """Offsets [samples, N, 4 + points] to anchors and scores [samples, N, classes]. Boxes are relative to the image.

    x = tx / scale width + anchor x, w = tw / scale width of the anchor: MediaPipe, TfLiteTensorsToDetections.
    Boxes overlap each other: postprocessing `nms` chooses.
    """

    prediction = DetectionPrediction
    ignored = ("num_values_per_keypoint", "keypoint_coord_offset", "num_keypoints", "num_anchor_layers")

    scores_out: str = option(doc="the output of scores")
    boxes_out: str = option(doc="the output of offsets")
    anchors_file: Path | None = option(None, "a .npy with anchors [N, 4] of x y width height in place of made ones")
    strides: tuple[int, ...] = option((8, 16, 16, 16), "pixels of a cell's side in each layer of anchors")
    min_scale: float = option(0.1484375, "of the anchors of the first layer")
    max_scale: float = option(0.75, "of the anchors of the last layer")
    aspect_ratios: tuple[float, ...] = option((1.0,), "of the anchors of a cell")
    inteprolated_scale_aspect_ratio: float = option(1.0, "of the anchor between two scales; 0: none")
    reduce_boxes_in_lowest_layer: bool = option(False, "three anchors in the first layer")
    fixed_anchor_size: bool = option(True, "anchors have width and height 1")
    input_size_width: int = option(128, "of the model's input, where it does not tell itself", low=1)
    input_size_height: int = option(128, "of the model's input, where it does not tell itself", low=1)
    scales: tuple[float, ...] = option((), "what offsets of x, y, width and height are divided by [the input's size]")
    sigmoid_score: bool = option(True, "scores are logits")
    score_clipping_thresh: float = option(100.0, "logits are kept within this and its negative", low=0)
    reverse_output_order: bool = option(True, "offsets are x y width height, else y x height width")
    apply_exp_on_box_size: bool = option(False, "w = exp(tw / scale) width of the anchor")
    min_score_thresh: float = option(0.5, "the least score of a box")
    num_classes: int = option(1, "how many classes", low=1)
    label_start: int = option(0, "the number of the first class", low=0)

    def __post_init__(self) -> None:
        if len(self.scales) not in (0, 4):
            raise UsageError(f"option 'scales' has {len(self.scales)} numbers", help="of x, y, width, height")
        if self.anchors_file is not None and not self.anchors_file.is_file():
            raise UsageError(f"there is no file '{self.anchors_file}'", help="option 'anchors_file'")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        boxes = per_sample(outputs[self.boxes_out], frames, 2).astype(np.float64)
        scores = per_sample(outputs[self.scores_out], frames, 2)[:, :, : self.num_classes]
        size = frames.size or (self.input_size_height, self.input_size_width)
        anchors = checked(self._anchors(size), boxes.shape[1], f"adapter '{self.name}'")
        return detections(frames, (self._found(b, s, anchors, size) for b, s in zip(boxes, scores)))

    def _anchors(self, size: tuple[int, int]) -> Array:
        if self.anchors_file is not None:
            found = read_array(self.anchors_file)
            if found.size % 4 or found.dtype.kind not in "fiu":
                raise UsageError(f"has no anchors, but {found.dtype}{list(found.shape)}", str(self.anchors_file))
            return np.asarray(found.reshape(-1, 4), np.float64)
        return SsdAnchors(
            size, self.strides, self.min_scale, self.max_scale, self.aspect_ratios,
            self.inteprolated_scale_aspect_ratio, self.reduce_boxes_in_lowest_layer, self.fixed_anchor_size,
        ).made()  # fmt: skip

    def _found(self, offsets: Array, scores: Array, anchors: Array, size: tuple[int, int]) -> Found:
        if self.sigmoid_score:
            limit = self.score_clipping_thresh or np.inf
            scores = sigmoid(np.clip(scores, -limit, limit))
        best = scores.max(axis=1)
        kept = best >= self.min_score_thresh
        boxes = corners(self._decoded(offsets[kept, :4], anchors[kept], size))
        labels = scores[kept].argmax(axis=1) + self.label_start
        return self._chosen(boxes, labels, best[kept])

    def _decoded(self, offsets: Array, anchors: Array, size: tuple[int, int]) -> Array:
        """Boxes [n, 4] of x y width height relative to the image."""
        four = offsets if self.reverse_output_order else offsets[:, [1, 0, 3, 2]]
        four = four / np.array(self.scales or (size[1], size[0], size[1], size[0]))
        sides = np.exp(four[:, 2:]) if self.apply_exp_on_box_size else four[:, 2:]
        return np.hstack([four[:, :2] * anchors[:, 2:] + anchors[:, :2], sides * anchors[:, 2:]])

    def _chosen(self, boxes: Array, labels: Array, scores: Array) -> Found:
        whole = ((boxes[:, 2:] - boxes[:, :2]) >= 0).all(axis=1)
        return boxes[whole], labels[whole], scores[whole]


@adapter("mediapipe_face_detection", "blazeface")
class BlazeFace(PalmDetection):
    """BlazeFace: as `palm_detection`, with its own choice among boxes that overlap. Faces have label 1.

    Of boxes that overlap the best by more than `nms_threshold` the mean is taken, weighted by their scores.
    Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019, section 3.4.
    """

    nms_threshold: float = option(0.3, "boxes that overlap by more are one face", low=0, high=1)
    weighted: bool = option(True, "it is their mean, else the best of them")
    label_start: int = option(1, "the number of the first class", low=0)

    def _chosen(self, boxes: Array, labels: Array, scores: Array) -> Found:
        boxes, labels, scores = PalmDetection._chosen(self, boxes, labels, scores)
        order = by_score(scores)
        found, of = [], []
        while len(order):
            same = overlaps(boxes[order[:1]], boxes[order])[0] > self.nms_threshold
            same[0] = True
            group = order[same]
            weights = scores[group]
            found.append(weights @ boxes[group] / weights.sum() if self.weighted else boxes[group[0]])
            of.append(group[0])
            order = order[~same]
        return np.array(found).reshape(-1, 4), labels[of], scores[of]
