"""YOLO, versions 2 to 5: heads that give offsets to anchors for each cell of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..options import option
from ..representation import DetectionPrediction, Prediction
from .base import Adapter, Frames, Outputs, adapter, of_samples
from .numbers import corners, sigmoid, softmax
from .ssd import Found, detections

ANCHORS: dict[str, tuple[float, ...]] = {
    "yolo_v2": (1.3221, 1.73145, 3.19275, 4.00944, 5.05587, 8.09892, 9.47112, 4.84053, 11.2364, 10.0071),
    "tiny_yolo_v2": (1.08, 1.19, 3.42, 4.41, 6.63, 11.38, 9.42, 5.11, 16.62, 10.52),
    "yolo_v3": (10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326),
    "tiny_yolo_v3": (10, 14, 23, 27, 37, 58, 81, 82, 135, 169, 344, 319),
}
"""width and height of each, as the configurations of darknet have them: in cells (version 2) or pixels (version 3)"""

Form = Literal["region", "v2", "v3", "v5", "yolof"]


def anchors_of(given: tuple[float, ...] | str) -> Array:
    """[anchors, 2], from a name or from numbers. Raises UsageError."""
    numbers = ANCHORS.get(given, ()) if isinstance(given, str) else given
    if not numbers or len(numbers) % 2:
        known = ", ".join(ANCHORS)
        raise UsageError(f"option 'anchors' is '{given}'", help=f"pairs of numbers, or one of {known}")
    return np.array(numbers, np.float64).reshape(-1, 2)


@dataclass(frozen=True)
class Head:
    """One output as rows: values [cells x anchors, 5 + classes], the cell of each and its anchor."""

    values: Array
    cells: Array
    anchors: Array
    grid: tuple[int, int]


def head(array: Array, anchors: Array, last: bool, square: int | None, force: bool = False) -> Head:
    """An output [anchors x (4 + 1 + classes), rows, columns] of one sample, or with channels last, as rows.

    An output of another rank, or with `force` any, is brought to a square grid of `square` cells.
    """
    if array.ndim != 3 or force:
        if square is None or array.size % (square * square):
            raise UsageError(f"an output is {list(array.shape)}, no grid of cells", "adapter", "give `cells`")
        array = array.reshape((square, square, -1) if last else (-1, square, square))
    grid = array if last else np.transpose(array, (1, 2, 0))
    rows, columns, channels = grid.shape
    if channels % len(anchors):
        what = f"{channels} channels are no multiple of {len(anchors)} anchors"
        raise UsageError(what, "adapter", "look at `num`, `anchors`, `anchor_masks` and `output_format`")
    values = grid.reshape(-1, channels // len(anchors)).astype(np.float64)
    y, x = np.divmod(np.arange(rows * columns), columns)
    cells = np.repeat(np.stack([x, y], axis=1), len(anchors), axis=0)
    return Head(values, cells, np.tile(anchors, (rows * columns, 1)), (rows, columns))


def decoded(head: Head, form: Form, scale: Array) -> tuple[Array, Array]:
    """Boxes [n, 4] of x0 y0 x1 y1 relative to the image, and class scores [n, classes], times that of an object.

    With cell (cx, cy), anchor (pw, ph), grid (W, H) and s the logistic function, `scale` = (width, height) that the
    anchors are measured in:

    region, v2, v3   x = (s(tx) + cx) / W      w = exp(tw) pw / scale   (region: s has been done by the model)
                     Redmon and Farhadi, "YOLO9000", 2016, section 2; "YOLOv3", 2018, section 2.1
    v5               x = (2 s(tx) - 0.5 + cx) / W   w = (2 s(tw))^2 pw / scale   Ultralytics, YOLOv5, 2020
    yolof            x = tx pw / scale + cx / W     w = exp(tw) pw / scale       Chen et al., "YOLOF", 2021
    """
    v, grid = head.values, np.array(head.grid[::-1], np.float64)
    shift, size = v[:, 0:2], v[:, 2:4]
    sizes = (2 * sigmoid(size)) ** 2 if form == "v5" else np.exp(size)
    sides = sizes * head.anchors / scale
    if form == "yolof":
        centers = shift * head.anchors / scale + head.cells / grid
    else:
        if form != "region":
            shift = 2 * sigmoid(shift) - 0.5 if form == "v5" else sigmoid(shift)
        centers = (shift + head.cells) / grid
    return corners(np.concatenate([centers, sides], axis=1)), head_scores(v, form)


def head_scores(values: Array, form: Form) -> Array:
    """[n, classes]: of the class times of an object."""
    objects, classes = values[:, 4:5], values[:, 5:]
    if form == "region":
        return np.asarray(objects * classes)
    if form == "v2":
        return np.asarray(sigmoid(objects) * softmax(classes))
    if form == "yolof":
        return sigmoid(classes)
    return np.asarray(sigmoid(objects) * sigmoid(classes))


def chosen(boxes: Array, scores: Array, objects: Array, threshold: float, several: bool) -> Found:
    """(boxes, labels, scores): of each box whose object score is above the threshold its best class; with `several`
    every class whose score is."""
    if several:
        rows, labels = np.nonzero(scores > threshold)
        return boxes[rows], labels, scores[rows, labels]
    kept = objects > threshold
    labels = scores[kept].argmax(axis=1) if scores.shape[1] else np.zeros(0, np.int64)
    return boxes[kept], labels, scores[kept].max(axis=1, initial=0.0)


class _Yolo(Adapter):
    """What the versions share."""

    prediction = DetectionPrediction

    classes: int = option(80, "how many classes", low=1)
    coords: int = option(4, "numbers of a box", low=4, high=4)
    num: int = option(3, "anchors of a cell", low=1)
    threshold: float = option(0.001, "the least score of an object", low=0)
    raw_output: bool = option(False, "the output is what the last convolution gives, without RegionYolo")
    output_format: str = option("BHW", "channels in front, or last", choices=("BHW", "HWB"))
    multiple_labels: bool = option(False, "a box may have several classes")
    do_reshape: bool = option(False, "outputs are brought to grids of `cells`, whatever their shape is")

    def _found(self, made: Head, form: Form, scale: Array) -> Found:
        width = made.values.shape[1]
        if width != self.classes + 5 - (form == "yolof"):
            what = f"an anchor has {width} numbers, {self.classes} classes need {self.classes + 5}"
            raise UsageError(what, f"adapter '{self.name}'", "look at `classes` and `num`")
        if form == "yolof":  # it has no score of an object
            made = Head(np.insert(made.values, 4, 0.0, axis=1), made.cells, made.anchors, made.grid)
        boxes, scores = decoded(made, form, scale)
        objects = made.values[:, 4] if form == "region" else sigmoid(made.values[:, 4])
        objects = scores.max(axis=1) if form == "yolof" else objects
        return chosen(boxes, scores, objects, self.threshold, self.multiple_labels)


@adapter("yolo_v2", "yolo")
class YoloV2(_Yolo):
    """One output of a grid of cells, [samples, anchors x (5 + classes), H, W]. Boxes are relative to the image.

    Redmon and Farhadi, "YOLO9000: Better, Faster, Stronger", 2016.
    """

    classes: int = option(20, "how many classes", low=1)
    num: int = option(5, "anchors of a cell", low=1)
    anchors: tuple[float, ...] | str = option("yolo_v2", "numbers in cells, or yolo_v2, tiny_yolo_v2")
    cells: int = option(13, "cells of a side, where the shape of the output does not tell", low=1)
    output: str | None = option(None, "the output; without it the first")

    def __post_init__(self) -> None:
        _several(anchors_of(self.anchors), self.num)

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        found = of_samples(outputs[self.output], frames)
        form: Form = "v2" if self.raw_output else "region"
        made = (
            head(a, anchors_of(self.anchors), self.output_format == "HWB", self.cells, self.do_reshape) for a in found
        )
        return detections(frames, (self._found(h, form, np.array(h.grid[::-1], np.float64)) for h in made))


@adapter("yolo_v3", "yolo_v4")
class YoloV3(_Yolo):
    """Several outputs of grids, [samples, anchors x (5 + classes), H, W] each. Boxes are relative to the image.

    Redmon and Farhadi, "YOLOv3: An Incremental Improvement", 2018.
    """

    anchors: tuple[float, ...] | str = option("yolo_v3", "numbers in pixels, or yolo_v3, tiny_yolo_v3")
    outputs: tuple[str, ...] = option(doc="the outputs")
    anchor_masks: Any = option(None, "for each output which anchors it has, counted from 0")
    cells: tuple[int, ...] = option((13, 26, 52), "cells of a side of each output, where its shape does not tell")
    transpose: tuple[int, ...] = option((), "the order that dimensions of an output of one sample are brought to first")

    def __post_init__(self) -> None:
        self._masks()

    def _form(self) -> Form:
        return "v3" if self.raw_output else "region"

    def _masks(self) -> list[Array]:
        """Anchors of each output. Without masks: the same for all where there are `num`, else as darknet has them,
        the largest for the first output."""
        every = anchors_of(self.anchors)
        if self.anchor_masks is not None:
            return [every[list(m)] for m in _mask_rows(self.anchor_masks, len(self.outputs), len(every))]
        if len(every) == self.num:
            return [every] * len(self.outputs)
        each = len(every) // max(len(self.outputs), 1)
        if each * len(self.outputs) != len(every):
            raise UsageError(f"{len(every)} anchors do not fit {len(self.outputs)} outputs", help="give `anchor_masks`")
        return [every[each * i : each * (i + 1)] for i in reversed(range(len(self.outputs)))]

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        each = [of_samples(outputs[name], frames) for name in self.outputs]
        masks, last = self._masks(), self.output_format == "HWB"
        results = []
        for i, (_, meta) in enumerate(frames):
            height, width = frames.input_size(meta)
            scale = np.array([width, height], np.float64)
            parts = []
            for k, (array, anchors) in enumerate(zip(each, masks, strict=True)):
                one = np.transpose(array[i], self.transpose) if self.transpose else array[i]
                made = head(one, anchors, last, self.cells[k] if k < len(self.cells) else None, self.do_reshape)
                parts.append(self._found(made, self._form(), scale))
            results.append(joined(parts))
        return detections(frames, results)


@adapter("yolo_v5")
class YoloV5(YoloV3):
    """Heads of YOLOv5 (and v7): offsets reach half a cell beyond their own, sizes are at most four anchors.

    Ultralytics, YOLOv5, 2020.
    """

    def _form(self) -> Form:
        return "v5" if self.raw_output else "region"


@adapter("yolof")
class Yolof(YoloV3):
    """One head without scores of objects. Chen et al., "You Only Look One-level Feature", 2021."""

    def _form(self) -> Form:
        return "yolof"


def joined(parts: Sequence[Found]) -> Found:
    boxes, labels, scores = (np.concatenate([p[i] for p in parts]) for i in range(3))
    return boxes, labels, scores


def _several(anchors: Array, num: int) -> None:
    if len(anchors) != num:
        raise UsageError(f"option 'anchors' has {len(anchors)}, `num` is {num}")


def _mask_rows(given: Any, outputs: int, anchors: int) -> list[list[int]]:
    """Anchors of each output by number. Raises UsageError."""
    rows = [list(row) if isinstance(row, list | tuple) else [row] for row in given]
    if len(rows) != outputs:
        raise UsageError(f"option 'anchor_masks' is for {len(rows)} outputs, there are {outputs}")
    wrong = [v for row in rows for v in row if not isinstance(v, int) or not 0 <= v < anchors]
    if wrong:
        raise UsageError(f"option 'anchor_masks' has {wrong[0]!r}: there are anchors 0 to {anchors - 1}")
    return rows
