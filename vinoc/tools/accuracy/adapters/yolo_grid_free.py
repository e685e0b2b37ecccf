"""YOLO without anchors: each row of the output is a box."""

from __future__ import annotations

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..options import option
from ..representation import DetectionPrediction, Prediction
from .base import Adapter, Frames, Outputs, adapter, per_sample
from .numbers import corners, sigmoid
from .ssd import Found, detections
from .yolo import chosen


@adapter("yolor")
class Yolor(Adapter):
    """Rows [samples, N, 5 + classes] of x y width height in pixels of the input, score of an object, of each class.

    Every class whose score times that of the object is above the threshold counts.
    Wang et al., "You Only Learn One Representation", 2021.
    """

    prediction = DetectionPrediction

    output_name: str | None = option(None, "the output; without it the first")
    threshold: float = option(0.001, "the least score of an object", low=0)
    num: int = option(5, "numbers in front of the classes' scores", low=5, high=5)

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        rows = per_sample(outputs[self.output_name], frames, 2).astype(np.float64)
        if rows.shape[2] < 6:
            raise UsageError(f"rows of 6 or more numbers are needed, not {rows.shape[2]}", f"adapter '{self.name}'")
        return detections(frames, (self._found(r, frames.input_size(m)) for r, (_, m) in zip(rows, frames)))

    def _found(self, rows: Array, size: tuple[int, int]) -> Found:
        rows = self._placed(rows, size)[rows[:, 4] > self.threshold]
        return chosen(corners(rows[:, :4]), rows[:, 5:] * rows[:, 4:5], rows[:, 4], self.threshold, several=True)

    def _placed(self, rows: Array, size: tuple[int, int]) -> Array:
        """With boxes in pixels of the input."""
        return rows


@adapter("yolox")
class Yolox(Yolor):
    """Rows as of `yolor`, boxes still relative to the cells of grids of 8, 16 and 32 pixels.

    x = (tx + cx) stride, w = exp(tw) stride. Ge et al., "YOLOX: Exceeding YOLO Series in 2021", section 2.
    """

    strides: tuple[int, ...] = option((8, 16, 32), "pixels of a cell's side in each grid")

    def _placed(self, rows: Array, size: tuple[int, int]) -> Array:
        cells, strides = grid_cells(size, self.strides)
        if len(rows) != len(cells):
            what = f"the output has {len(rows)} boxes, grids of an input {size[0]} x {size[1]} have {len(cells)}"
            raise UsageError(what, f"adapter '{self.name}'", "look at `strides`")
        out = rows.copy()
        out[:, :2] = (rows[:, :2] + cells) * strides
        out[:, 2:4] = np.exp(rows[:, 2:4]) * strides
        return out


def grid_cells(size: tuple[int, int], strides: tuple[int, ...]) -> tuple[Array, Array]:
    """The cell (x, y) [n, 2] and the stride [n, 1] of each box, grid by grid, row by row."""
    cells, of = [], []
    for stride in strides:
        rows, columns = size[0] // stride, size[1] // stride
        y, x = np.divmod(np.arange(rows * columns), columns)
        cells.append(np.stack([x, y], axis=1))
        of.append(np.full((rows * columns, 1), stride))
    return np.concatenate(cells).astype(np.float64), np.concatenate(of).astype(np.float64)


@adapter("yolo_v8_detection", "yolov8_detection")
class YoloV8(Adapter):
    """Columns [samples, 4 + classes, N] of x y width height in pixels of the input and scores of classes.

    Also [samples, N, 4 + classes]. There is no score of an object. Ultralytics, YOLOv8, 2023.
    """

    prediction = DetectionPrediction

    output: str | None = option(None, "the output; without it the first")
    threshold: float = option(0.001, "the least score of a class", low=0)
    multiple_labels: bool = option(False, "a box may have several classes")
    conf_threshold: float | None = option(None, "`threshold` by its other name", low=0)

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        found = per_sample(outputs[self.output], frames, 2)
        rows = found if found.shape[1] > found.shape[2] else np.swapaxes(found, 1, 2)
        if rows.shape[2] < 5:
            raise UsageError(f"boxes of {rows.shape[2]} numbers have no scores", f"adapter '{self.name}'")
        least = self.threshold if self.conf_threshold is None else self.conf_threshold
        each = (chosen(corners(r[:, :4]), r[:, 4:], r[:, 4:].max(axis=1), least, self.multiple_labels) for r in rows)
        return detections(frames, each)


@adapter("yolo_v3_onnx")
class YoloV3Onnx(Adapter):
    """Boxes [samples, N, 4] of y0 x0 y1 x1, scores [samples, classes, N], chosen (sample, class, box) triples [M, 3].

    Boxes are in pixels of the image. The ONNX model zoo's YOLOv3, whose last node is NonMaxSuppression.
    """

    prediction = DetectionPrediction

    boxes_out: str = option(doc="the output of boxes")
    scores_out: str = option(doc="that of scores")
    indices_out: str = option(doc="that of the chosen ones")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        boxes = per_sample(outputs[self.boxes_out], frames, 2)[:, :, [1, 0, 3, 2]]
        scores = per_sample(outputs[self.scores_out], frames, 2)
        triples = np.asarray(outputs[self.indices_out]).reshape(-1, 3)
        triples = triples[triples[:, 0] >= 0]
        each = (triples[triples[:, 0] == i] for i in range(len(frames)))
        return detections(frames, ((b[t[:, 2]], t[:, 1], s[t[:, 1], t[:, 2]]) for b, s, t in zip(boxes, scores, each)))


@adapter("fastestdet")
class FastestDet(Adapter):
    """One output [samples, 5 + classes, H, W]: score of an object, x y width height of its cell, scores of classes.

    x = (tanh(tx) + cx) / W, w = s(tw), score = object^0.6 class^0.4; boxes relative to the image, which overlap:
    postprocessing `nms` chooses. dog-qiuqiu, FastestDet, 2022, `handle_preds` of its tools.
    """

    prediction = DetectionPrediction

    output: str | None = option(None, "the output; without it the first")
    threshold: float = option(0.001, "the least score", low=0)

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        found = per_sample(outputs[self.output], frames, 3)
        return detections(frames, (self._found(a.astype(np.float64)) for a in found))

    def _found(self, array: Array) -> Found:
        channels, rows, columns = array.shape
        flat = array.reshape(channels, -1).T
        y, x = np.divmod(np.arange(rows * columns), columns)
        centers = (np.tanh(flat[:, 1:3]) + np.stack([x, y], axis=1)) / (columns, rows)
        boxes = corners(np.concatenate([centers, sigmoid(flat[:, 3:5])], axis=1))
        scores = np.maximum(flat[:, :1], 0) ** 0.6 * np.maximum(flat[:, 5:], 0) ** 0.4
        return chosen(boxes, scores, scores.max(axis=1), self.threshold, several=False)
