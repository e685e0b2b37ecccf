"""Adapters: outputs that are made of known boxes, classes and texts give these back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.errors import VinocError
from vinoc.tools.accuracy.adapters.anchors import SsdAnchors, priors
from vinoc.tools.accuracy.adapters.base import Frames, Outputs, adapter
from vinoc.tools.accuracy.adapters.text import beam_search, greedy
from vinoc.tools.accuracy.representation import Meta

SIZE = (64, 96)


def logit(p: Any) -> Any:
    return np.log(p) - np.log1p(-np.asarray(p))


def predict(
    name: str,
    given: Mapping[str, Any],
    /,
    count: int = 1,
    labels: Mapping[int, str] | None = None,
    read: tuple[int, int] = SIZE,
    batch: int = 1,
    **options: Any,
) -> list[Any]:
    made = adapter.make(name, options)
    outputs = Outputs([(n,) for n in given], [np.asarray(a) for a in given.values()])
    names = [f"{i}.png" for i in range(count)]
    return made.predict(outputs, Frames(names, [Meta(size=read)] * count, SIZE, labels or {}, batch))


# Classes


def test_classification() -> None:
    logits = np.array([[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]], np.float32)
    first, second = predict("classification", {"y": logits.reshape(2, 3, 1, 1)}, 2)
    assert (first.identifier, first.label, second.label) == ("0.png", 1, 0)
    np.testing.assert_array_equal(first.scores, logits[0])
    (soft,) = predict(
        "classification", {"x": np.zeros((1, 3)), "y": logits[:1]}, do_softmax=True, classification_output="y"
    )
    np.testing.assert_allclose(soft.scores, np.exp(logits[0]) / np.exp(logits[0]).sum(), rtol=1e-6)


def test_classes_as_numbers() -> None:
    first, second = predict("classification", {"y": np.array([[3], [0]])}, 2, argmax_output=True)
    assert (first.label, second.label) == (3, 0)
    (one,) = predict("classification", {"y": np.array([[9.0, 4.0]])}, fixed_output=True, fixed_output_index=1)
    assert one.label == 4
    with pytest.raises(VinocError, match="no number of a class"):
        predict("classification", {"y": np.array([[-1.0]])}, argmax_output=True)


def test_a_batch_that_is_filled_up_gives_no_more_predictions_than_samples() -> None:
    assert len(predict("classification", {"y": np.zeros((4, 3))}, 3)) == 3
    with pytest.raises(VinocError, match="3 samples give an output"):
        predict("classification", {"y": np.zeros((2, 3))}, 3)


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("regression", (3, 2), {}),
        ("landmarks_regression", (3, 4), {}),
        ("segmentation", (3, 2, 8, 8), {}),
        ("segmentation_one_class", (3, 8, 8), {}),
        ("yolo_v2", (3, 125, 2, 2), {}),
        ("yolo_v3", (3, 255, 2, 2), {"outputs": ["y"], "anchor_masks": [[0, 1, 2]]}),
    ],
)
def test_the_last_batch_may_hold_one_sample(name: str, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """What the other samples of the batch gave does not become part of its prediction."""
    whole = np.random.default_rng(0).random(shape).astype(np.float32)
    alone = predict(name, {"y": whole[:1]}, **options)
    assert len(alone) == 1
    _same(predict(name, {"y": whole}, batch=3, **options), alone)


def _same(found: list[Any], wanted: list[Any]) -> None:
    for a, b in zip(found, wanted, strict=True):
        for key, value in vars(b).items():
            np.testing.assert_array_equal(getattr(a, key), value, err_msg=key)


def test_outputs_by_name() -> None:
    out = Outputs([("a", "a/sink_port_0"), ("b:0",)], [np.zeros(1), np.ones(1)])
    assert out["a"][0] == out["a/sink_port_0"][0] == out[None][0] == 0
    assert out["b"][0] == out["b:0"][0] == out.like("b.*")[0] == 1
    with pytest.raises(VinocError, match="did you mean 'a/sink_port_0'"):
        out["a/sink_port"]
    with pytest.raises(VinocError, match="2 outputs fit"):
        out.like(".")


# Detections that the model has chosen


def test_ssd_rows_belong_to_samples() -> None:
    rows = [[1, 5, 0.5, 0.1, 0.2, 0.3, 0.4], [0, 2, 0.9, 0, 0, 1, 1], [1, 6, 0.4, 0, 0, 0.5, 0.5], [-1] * 7, [0] * 7]
    first, second, third = predict("ssd", {"d": np.array([[rows]], np.float32)}, 3)
    assert (first.labels.tolist(), second.labels.tolist(), third.labels.tolist()) == ([2], [5, 6], [])
    np.testing.assert_allclose(second.boxes[0], [0.1, 0.2, 0.3, 0.4], rtol=1e-6)
    assert third.boxes.shape == (0, 4)
    with pytest.raises(VinocError, match="rows of 7 numbers"):
        predict("ssd", {"d": np.zeros((1, 6))})


BOXES = np.array([[0.1, 0.2, 0.4, 0.6], [0.5, 0.5, 0.9, 0.8]])


def test_boxes_labels_and_scores_of_their_own() -> None:
    outs = {"labels:0": [[1, 2]], "scores": [[0.9, 0.8]], "bboxes": BOXES[None]}
    (found,) = predict("ssd_onnx", outs, labels_out="labels", scores_out="sco.*", bboxes_out="bboxes")
    np.testing.assert_array_equal(found.boxes, BOXES)
    assert (found.labels.tolist(), found.scores.tolist()) == ([1, 2], [0.9, 0.8])
    outs = {"labels": [[1, 2]], "bboxes": np.concatenate([BOXES, [[0.7], [0.6]]], axis=1)[None]}
    (found,) = predict("ssd_onnx", outs, labels_out="labels", bboxes_out="bboxes")
    assert found.scores.tolist() == [0.7, 0.6]
    rows = np.concatenate([[[3], [-1]], [[0.5], [0.4]], BOXES], axis=1)
    (found,) = predict("ssd_mxnet", {"y": rows[None]})
    assert (found.labels.tolist(), found.boxes.tolist()) == ([3], BOXES[:1].tolist())


def test_boxes_of_one_class() -> None:
    rows = np.array([[10, 20, 30, 40, 0.9], [0, 0, 0, 0, 0]])
    for boxes in (rows, rows[None]):
        outs = {"labels": np.zeros(2), "boxes": boxes}
        (found,) = predict("class_agnostic_detection", outs, scale=[0.1, 0.01])
        assert (found.boxes.tolist(), found.labels.tolist(), found.scores.tolist()) == ([[1, 0.2, 3, 0.4]], [1], [0.9])
    with pytest.raises(VinocError, match="of one sample"):
        predict("class_agnostic_detection", {"boxes": rows}, 2)


def test_tensorflow_and_detr() -> None:
    outs = {"c": [[1.0, 2.0]], "b": BOXES[None][:, :, [1, 0, 3, 2]], "s": [[0.9, 0.8]], "n": [1.0]}
    names = {"classes_out": "c", "boxes_out": "b", "scores_out": "s", "num_detections_out": "n"}
    (found,) = predict("tf_object_detection", outs, **names)
    assert (found.labels.tolist(), found.boxes.tolist()) == ([1], BOXES[:1].tolist())
    middle = np.concatenate([(BOXES[:, :2] + BOXES[:, 2:]) / 2, BOXES[:, 2:] - BOXES[:, :2]], axis=1)
    (found,) = predict("detr", {"s": [[[5, 1, 0], [0, 2, 9.0]]], "b": middle[None]}, scores_out="s", boxes_out="b")
    np.testing.assert_allclose(found.boxes, BOXES)
    assert found.labels.tolist() == [0, 1]
    np.testing.assert_allclose(
        found.scores, [np.exp(5) / (np.exp(5) + np.e + 1), np.exp(2) / (1 + np.exp(2) + np.exp(9))]
    )


def test_ultraface_keeps_what_is_above_the_threshold() -> None:
    outs = {"scores": [[[0.1, 0.9], [0.6, 0.4]]], "boxes": BOXES[None]}
    (found,) = predict("ultra_lightweight_face_detection", outs, scores_out="scores", boxes_out="boxes")
    assert (found.boxes.tolist(), found.labels.tolist(), found.scores.tolist()) == (BOXES[:1].tolist(), [1], [0.9])


# YOLO


def encoded(
    form: str, boxes: Sequence[Sequence[float]], grid: tuple[int, int], anchors: Any, raw: bool, scale: Any
) -> Any:
    """An output [anchors x 8, rows, columns] with boxes (x y w h relative, class, score) of three classes."""
    rows, columns = grid
    out = np.zeros((len(anchors), 8, rows, columns))
    out[:, 4] = -20.0 if raw else 0.0
    inverse = logit if raw else (lambda p: p)
    for i, (x, y, w, h, label, score) in enumerate(boxes):
        a, cx, cy = i % len(anchors), int(x * columns), int(y * rows)
        fx, fy = x * columns - cx, y * rows - cy
        pw, ph = anchors[a] / scale
        cell = out[a, :, cy, cx]
        if form == "yolo_v5" and raw:
            cell[0:2] = logit((np.array([fx, fy]) + 0.5) / 2)
            cell[2:4] = logit(np.sqrt([w / pw, h / ph]) / 2)
        else:
            cell[0:2] = inverse(np.array([fx, fy]))
            cell[2:4] = np.log([w / pw, h / ph])
        probabilities = np.full(3, 0.05)
        probabilities[int(label)] = 0.9
        cell[4] = inverse(score)
        if form == "yolo_v2" and raw:
            cell[5:] = np.log(probabilities)
        else:
            cell[5:] = inverse(probabilities)
    return out.reshape(-1, rows, columns)


WANTED = [(0.3, 0.4, 0.2, 0.3, 1, 0.8), (0.71, 0.62, 0.15, 0.1, 2, 0.6)]
CORNERS = [[x - w / 2, y - h / 2, x + w / 2, y + h / 2] for x, y, w, h, *_ in WANTED]


def assert_wanted(found: Any, share: float = 0.9) -> None:
    order = np.argsort(-found.scores)
    np.testing.assert_allclose(found.boxes[order], CORNERS, atol=1e-6)
    assert found.labels[order].tolist() == [1, 2]
    np.testing.assert_allclose(found.scores[order], [0.8 * share, 0.6 * share], atol=1e-6)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("layout", ["BHW", "HWB"])
def test_yolo_v2_gives_the_boxes_back(raw: bool, layout: str) -> None:
    anchors = np.array([[1.5, 2.0], [3.0, 1.0]])
    out = encoded("yolo_v2", WANTED, (7, 9), anchors, raw, np.array([9, 7]))
    out = out if layout == "BHW" else out.transpose(1, 2, 0)
    (found,) = predict(
        "yolo_v2", {"y": out[None]}, classes=3, num=2, anchors="1.5,2, 3,1", raw_output=raw, output_format=layout,
        threshold=0.01,
    )  # fmt: skip
    assert_wanted(found)


def test_yolo_v2_flat_as_region_yolo_gives_it() -> None:
    out = encoded("yolo_v2", WANTED, (8, 8), np.array([[1.5, 2.0]] * 2), False, np.array([8, 8]))
    options: Any = {"classes": 3, "num": 2, "anchors": "1.5,2,1.5,2", "threshold": 0.01}
    (found,) = predict("yolo_v2", {"y": out.reshape(1, -1)}, cells=8, **options)
    assert_wanted(found)
    with pytest.raises(VinocError, match="give `cells`"):
        predict("yolo_v2", {"y": out.reshape(1, -1)}, cells=7, **options)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("form", ["yolo_v3", "yolo_v5"])
def test_yolo_of_several_grids_gives_the_boxes_back(form: str, raw: bool) -> None:
    pixels = np.array([[10, 20], [30, 15], [40, 40], [20, 30]], np.float64)
    scale = np.array(SIZE[::-1])
    coarse = encoded(form, WANTED[:1], (4, 6), pixels[[2, 3]], raw, scale)
    fine = encoded(form, WANTED[1:], (8, 12), pixels[[0, 1]], raw, scale)
    options = {"classes": 3, "num": 2, "anchors": "10,20,30,15,40,40,20,30", "raw_output": raw, "threshold": 0.01}
    for masks in ([[2, 3], [0, 1]], None):
        (found,) = predict(
            form, {"a": coarse[None], "b": fine[None]}, outputs=["a", "b"], anchor_masks=masks, **options
        )
        assert_wanted(found)


def test_yolo_whose_outputs_are_brought_to_grids() -> None:
    pixels = [10, 20, 30, 15]
    out = encoded("yolo_v3", WANTED, (6, 6), np.array(pixels).reshape(2, 2), False, np.array(SIZE[::-1]))
    options: Any = {"outputs": ["a"], "classes": 3, "num": 2, "anchors": pixels, "threshold": 0.01, "cells": [6]}
    (found,) = predict("yolo_v3", {"a": out.reshape(1, 4, 4, -1)}, do_reshape=True, **options)
    assert_wanted(found)
    (found,) = predict("yolo_v3", {"a": out.transpose(2, 1, 0)[None]}, transpose=[2, 1, 0], **options)
    assert_wanted(found)


def test_yolo_with_several_labels_of_a_box() -> None:
    anchors = np.array([[10.0, 20], [30, 15]])
    out = encoded("yolo_v3", WANTED, (4, 6), anchors, False, np.array(SIZE[::-1]))
    (found,) = predict(
        "yolo_v3", {"a": out[None]}, outputs=["a"], classes=3, num=2, anchors="10,20,30,15", multiple_labels=True,
        threshold=0.02,
    )  # fmt: skip
    assert len(found.boxes) == 6
    np.testing.assert_allclose(np.sort(found.scores), np.sort([0.72, 0.04, 0.04, 0.54, 0.03, 0.03]))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"anchors": "1,2,3"}, "option 'anchors'"),
        ({"anchors": "1,2", "anchor_masks": [[1]]}, "anchors 0 to 0"),
        ({"anchors": "1,2", "anchor_masks": [[0], [0]]}, "is for 2 outputs, there are 1"),
        ({"anchors": "1,2,3,4,5,6", "num": 2, "outputs": ["a", "b"]}, "") ,
    ],
)  # fmt: skip
def test_yolo_options(options: dict[str, Any], told: str) -> None:
    if told:
        with pytest.raises(VinocError, match=told):
            adapter.make("yolo_v3", {"outputs": ["a"], **options})
    else:
        with pytest.raises(VinocError, match="give `anchor_masks`"):
            adapter.make("yolo_v3", {**options, "anchors": "1,2,3,4,5,6,7,8,9,10"})


def test_a_grid_of_another_number_of_classes_is_refused() -> None:
    out = np.zeros((1, 16, 4, 6))
    with pytest.raises(VinocError, match="look at `classes` and `num`"):
        predict("yolo_v3", {"a": out}, outputs=["a"], classes=4, num=2, anchors="10,20,30,15")
    with pytest.raises(VinocError, match="no multiple of 2 anchors"):
        predict("yolo_v3", {"a": out[:, :15]}, outputs=["a"], classes=3, num=2, anchors="10,20,30,15")


def test_yolox_and_yolor() -> None:
    scale = np.array([SIZE[1], SIZE[0]] * 2)
    placed = np.array([[x, y, w, h] for x, y, w, h, *_ in WANTED]) * scale
    classes = np.array([[0.05, 0.9, 0.05], [0.05, 0.05, 0.9]])
    rows = np.concatenate([placed, [[0.8], [0.6]], classes], axis=1)
    (found,) = predict("yolor", {"y": rows[None]}, threshold=0.1)
    np.testing.assert_allclose(found.boxes, np.array(CORNERS) * scale)
    assert found.labels.tolist() == [1, 2]
    grid = [(x, y, s) for s in (8, 16, 32) for y in range(SIZE[0] // s) for x in range(SIZE[1] // s)]
    out = np.zeros((len(grid), 8))
    for row, place in zip(rows, (7, 100)):
        x, y, s = grid[place]
        out[place] = [row[0] / s - x, row[1] / s - y, np.log(row[2] / s), np.log(row[3] / s), *row[4:]]
    (found,) = predict("yolox", {"y": out[None]}, threshold=0.1)
    np.testing.assert_allclose(found.boxes, np.array(CORNERS) * scale)
    np.testing.assert_allclose(found.scores, [0.72, 0.54])
    with pytest.raises(VinocError, match="look at `strides`"):
        predict("yolox", {"y": out[None, 1:]}, threshold=0.1)


def test_yolo_v8_of_either_order() -> None:
    out = np.zeros((7, 20))
    out[:, 3] = [30, 20, 10, 8, 0.1, 0.7, 0.2]
    for array in (out, out.T):
        (found,) = predict("yolo_v8_detection", {"y": array[None]}, threshold=0.5)
        assert (found.boxes.tolist(), found.labels.tolist(), found.scores.tolist()) == ([[25, 16, 35, 24]], [1], [0.7])


def test_yolo_v3_whose_model_chooses() -> None:
    scores = np.array([[[0.1, 0.9], [0.8, 0.2]]])
    outs = {"b": BOXES[None][:, :, [1, 0, 3, 2]], "s": scores, "i": [[0, 1, 0], [0, 0, 1], [-1, -1, -1]]}
    (found,) = predict("yolo_v3_onnx", outs, boxes_out="b", scores_out="s", indices_out="i")
    assert (found.boxes.tolist(), found.labels.tolist(), found.scores.tolist()) == (BOXES.tolist(), [1, 0], [0.8, 0.9])


def test_fastestdet() -> None:
    out = np.zeros((8, 4, 6))
    out[:, 2, 3] = [0.5, np.arctanh(0.25), np.arctanh(-0.5), logit(0.2), logit(0.3), 0.1, 0.8, 0.1]
    (found,) = predict("fastestdet", {"y": out[None]}, threshold=0.1)
    x, y = 3.25 / 6, 1.5 / 4
    np.testing.assert_allclose(found.boxes, [[x - 0.1, y - 0.15, x + 0.1, y + 0.15]])
    np.testing.assert_allclose(found.scores, [0.5**0.6 * 0.8**0.4])
    assert found.labels.tolist() == [1]


# Faces


def test_anchors_of_blazeface() -> None:
    """896 anchors: two of each cell of 16 x 16, six of each of 8 x 8, at the middles of the cells."""
    made = SsdAnchors((128, 128), (8, 16, 16, 16), 0.1484375, 0.75).made()
    assert made.shape == (896, 4)
    np.testing.assert_allclose(
        made[[0, 1, 2, 511]], [[1 / 32, 1 / 32, 1, 1]] * 2 + [[3 / 32, 1 / 32, 1, 1], [31 / 32, 31 / 32, 1, 1]]
    )
    np.testing.assert_allclose(made[[512, 517, 518]], [[1 / 16, 1 / 16, 1, 1]] * 2 + [[3 / 16, 1 / 16, 1, 1]])
    sized = SsdAnchors((16, 16), (8, 16), 0.2, 0.9, (1.0, 4.0), 1.0, fixed_anchor_size=False).made()
    np.testing.assert_allclose(sized[:3, 2:], [[0.2, 0.2], [0.4, 0.1], [np.sqrt(0.18)] * 2])
    np.testing.assert_allclose(sized[-1], [0.5, 0.5, np.sqrt(0.9), np.sqrt(0.9)])


def blazeface(boxes: Sequence[tuple[float, float, float, float, float]], size: tuple[int, int]) -> dict[str, Any]:
    """Outputs with these boxes (x0 y0 x1 y1 relative, score), one at each of the first anchors."""
    anchors = SsdAnchors(size, (8, 16, 16, 16), 0.1484375, 0.75).made()
    offsets, scores = np.zeros((1, len(anchors), 16)), np.full((1, len(anchors), 1), -100.0)
    for i, (x0, y0, x1, y1, score) in enumerate(boxes):
        middle = np.array([x0 + x1, y0 + y1]) / 2 - anchors[i, :2]
        offsets[0, i, :4] = np.array([*middle, x1 - x0, y1 - y0]) * np.array([size[1], size[0]] * 2)
        scores[0, i] = logit(score)
    return {"r": offsets, "c": scores}


def test_blazeface_takes_the_mean_of_boxes_that_overlap(tmp_path: Path) -> None:
    outs = blazeface(
        [(0.1, 0.1, 0.5, 0.5, 0.9), (0.12, 0.1, 0.52, 0.5, 0.6), (0.6, 0.6, 0.9, 0.9, 0.8), (0, 0, 1, 1, 0.4)], SIZE
    )
    options: Any = {"boxes_out": "r", "scores_out": "c"}
    (found,) = predict("mediapipe_face_detection", outs, **options)
    np.testing.assert_allclose(found.boxes, [[0.108, 0.1, 0.508, 0.5], [0.6, 0.6, 0.9, 0.9]], atol=1e-9)
    assert found.labels.tolist() == [1, 1]
    np.testing.assert_allclose(found.scores, [0.9, 0.8])
    (best,) = predict("mediapipe_face_detection", outs, weighted=False, **options)
    np.testing.assert_allclose(best.boxes[0], [0.1, 0.1, 0.5, 0.5], atol=1e-9)
    (every,) = predict("palm_detection", outs, **options)
    assert (len(every.boxes), every.labels.tolist()) == (3, [0, 0, 0])
    np.save(tmp_path / "anchors.npy", SsdAnchors(SIZE, (8, 16, 16, 16), 0.1484375, 0.75).made())
    (same,) = predict("mediapipe_face_detection", outs, anchors_file=tmp_path / "anchors.npy", **options)
    np.testing.assert_array_equal(same.boxes, found.boxes)
    with pytest.raises(VinocError, match="anchors"):
        predict("mediapipe_face_detection", outs, strides=[8, 16], **options)


def test_no_face_is_no_box() -> None:
    (found,) = predict("mediapipe_face_detection", blazeface([], SIZE), boxes_out="r", scores_out="c")
    assert found.boxes.shape == (0, 4)


def test_retinaface_of_pytorch() -> None:
    """A box encoded against an anchor by the formula of SSD comes back, in pixels of the image as it was read."""
    anchors = np.array([
        [(x + 0.5) * s / SIZE[1], (y + 0.5) * s / SIZE[0], side / SIZE[1], side / SIZE[0]]
        for s, sides in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
        for y in range(SIZE[0] // s) for x in range(SIZE[1] // s) for side in sides
    ])  # fmt: skip
    np.testing.assert_allclose(priors(SIZE, (8, 16, 32), ((16, 32), (64, 128), (256, 512))), anchors)
    boxes, scores = np.zeros((1, len(anchors), 4)), np.tile([1.0, 0.0], (1, len(anchors), 1))
    for place in (20, 22):  # the second overlaps the first
        px, py, pw, ph = anchors[place]
        boxes[0, place] = [(0.5 - px) / pw / 0.1, (0.4 - py) / ph / 0.1, np.log(0.2 / pw) / 0.2, np.log(0.3 / ph) / 0.2]
        scores[0, place] = [0.1, 0.9 - place / 100]
    (found,) = predict(
        "retinaface_pytorch", {"b": boxes, "s": scores}, bboxes_output="b", scores_output="s", read=(128, 288)
    )
    np.testing.assert_allclose(found.boxes, [[0.4 * 288, 0.25 * 128, 0.6 * 288, 0.55 * 128]])
    np.testing.assert_allclose(found.scores, [0.7])


def test_retinaface_of_insightface() -> None:
    outs: dict[str, Any] = {}
    for stride in (32, 16, 8):
        rows, columns = SIZE[0] // stride, SIZE[1] // stride
        outs[f"s{stride}"] = np.zeros((1, 4, rows, columns))
        outs[f"b{stride}"] = np.zeros((1, 8, rows, columns))
    # the second anchor of cell (2, 1) at stride 8 is 16 pixels wide, its middle 7.5 pixels into the cell
    outs["s8"][0, 3, 1, 2] = 0.8
    outs["b8"][0, 4:, 1, 2] = [0.5, -0.25, np.log(2), 0]
    names = {"scores_outputs": ["s32", "s16", "s8"], "bboxes_outputs": ["b32", "b16", "b8"]}
    (found,) = predict("retinaface", outs, **names)
    x, y = 16 + 7.5 + 8, 8 + 7.5 - 4
    np.testing.assert_allclose(found.boxes, [[x - 15.5, y - 7.5, x + 15.5, y + 7.5]])
    assert (found.scores.tolist(), found.labels.tolist()) == ([0.8], [1])
    (twice,) = predict("retinaface", outs, read=(128, 192), **names)
    np.testing.assert_allclose(twice.boxes, 2 * found.boxes)


# Pixels, points, embeddings


def test_segmentation_of_every_form() -> None:
    scores = np.random.default_rng(0).random((1, 3, *SIZE)).astype(np.float32)
    classes = scores[0].argmax(axis=0)
    for out in (
        scores,
        scores.transpose(0, 2, 3, 1),
        classes[None],
        classes[None, None],
        classes[None].astype(np.float32),
    ):
        (found,) = predict("segmentation", {"y": out})
        np.testing.assert_array_equal(found.classes, classes)
    (found,) = predict("segmentation", {"y": scores}, make_argmax=True)
    assert found.mask.shape == SIZE
    with pytest.raises(VinocError, match="segmentation_one_class"):
        predict("segmentation", {"y": scores[:, :1]})


def test_segmentation_of_one_class() -> None:
    plane = np.random.default_rng(0).random(SIZE)
    for out in (plane[None], plane[None, None], plane[None, :, :, None]):
        (found,) = predict("segmentation_one_class", {"y": out}, threshold=0.3)
        np.testing.assert_array_equal(found.mask, plane >= 0.3)
    (found,) = predict("segmentation_one_class", {"y": np.stack([plane, 1 - plane])[None]}, channel=1)
    np.testing.assert_array_equal(found.mask, 1 - plane >= 0.5)
    with pytest.raises(VinocError, match="channel"):
        predict("segmentation_one_class", {"y": np.stack([plane, plane])[None]})


def test_numbers_points_and_embeddings() -> None:
    values = np.arange(12.0).reshape(2, 3, 2)
    _, second = predict("regression", {"y": values}, 2)
    assert second.value.tolist() == [6, 7, 8, 9, 10, 11]
    assert predict("regression", {"y": values}, 2, keep_shape=True)[0].value.shape == (3, 2)
    (points,) = predict("landmarks_regression", {"y": np.array([[0.0, 64.0, 96.0, 32.0]])}, in_pixels=True)
    assert points.points.tolist() == [[0, 1], [1, 0.5]]
    with pytest.raises(VinocError, match="dimensions"):
        predict("landmarks_regression", {"y": np.zeros((1, 5))})
    (vector,) = predict("reid", {"y": np.array([[[3.0]], [[4.0]]]).reshape(1, 2, 1, 1)})
    np.testing.assert_allclose(vector.embedding, [0.6, 0.8], rtol=1e-6)


# Text

LETTERS = {0: "a", 1: "b", 2: "c"}


def steps(text: str, classes: str) -> Any:
    """Scores [steps, classes] whose best are the characters of a text."""
    return np.array([[4.0 if c == one else 0.0 for c in classes] for one in text])


def test_greedy_search_of_either_order() -> None:
    scores = np.stack([steps("-aab-b-", "-abc"), steps("cc--cab", "-abc")])
    for out in (scores, np.swapaxes(scores, 0, 1)):
        found = predict("ctc_greedy_search_decoder", {"y": out}, 2, LETTERS, shift_labels=True)
        assert [f.text for f in found] == ["abb", "ccab"]
    (one,) = predict("ctc_greedy_search_decoder", {"y": scores[:1]}, custom_label_map={0: "#", 1: "x", 2: "y", 3: "z"})
    assert one.text == "xyy"


@settings(max_examples=60)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(0, 3))
def test_greedy_merges_neighbours_and_drops_blanks(classes: list[int], blank: int) -> None:
    assert greedy(np.array(classes), blank) == [c for c, _ in groupby(classes) if c != blank]


@settings(max_examples=40)
@given(st.integers(1, 4), st.integers(2, 3), st.integers(0, 10**6))
def test_a_wide_beam_finds_the_likeliest_text(count: int, classes: int, seed: int) -> None:
    """Against the sum over all paths, where the beam holds every prefix."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), count)
    total: dict[tuple[int, ...], float] = {}
    for path in product(range(classes), repeat=count):
        text = tuple(c for c, _ in groupby(path) if c != 0)
        total[text] = total.get(text, 0.0) + float(np.prod([p[i, c] for i, c in enumerate(path)]))
    found = beam_search(np.log(p), 0, 200)
    assert total[tuple(found)] == pytest.approx(max(total.values()))


def full_beam(log: Any, blank: int, size: int) -> list[int]:
    """Prefix search with every label of every step, in probabilities."""
    beam = {(): (1.0, 0.0)}
    for row in np.exp(log):
        new: dict[tuple[int, ...], list[float]] = {}
        for prefix, (b, n) in beam.items():
            kept = new.setdefault(prefix, [0.0, 0.0])
            kept[0] += (b + n) * row[blank]
            kept[1] += n * row[prefix[-1]] if prefix else 0.0
            for label in range(len(row)):
                if label != blank:
                    longer = new.setdefault((*prefix, label), [0.0, 0.0])
                    longer[1] += (b if prefix and prefix[-1] == label else b + n) * row[label]
        beam = dict(sorted(((k, (v[0], v[1])) for k, v in new.items()), key=lambda e: (-sum(e[1]), e[0]))[:size])
    return list(next(iter(beam)))


@settings(max_examples=40)
@given(st.integers(1, 3), st.integers(0, 10**6))
def test_a_narrow_beam_leaves_nothing_out_that_a_full_one_keeps(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = np.log(rng.dirichlet(np.full(6, 0.7), 8) + 1e-12)
    assert beam_search(log, 2, size) == full_beam(log, 2, size)


def test_beam_search_decoder() -> None:
    scores = steps("aa-ab", "abc-")[:, None]
    (found,) = predict("beam_search_decoder", {"y": scores}, 1, LETTERS)
    assert found.text == "aab"
    soft = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    (found,) = predict("beam_search_decoder", {"y": soft}, 1, LETTERS, softmaxed_probabilities=True)
    assert found.text == "aab"
    with pytest.raises(VinocError, match="no characters are known"):
        predict("beam_search_decoder", {"y": scores})
    with pytest.raises(VinocError, match="the blank is 4"):
        predict("beam_search_decoder", {"y": scores}, 1, LETTERS, blank_label=4)


def test_vocabularies(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("a\nb\nc\n")
    (found,) = predict("ppocr", {"y": steps("-a b--b", "-abc ")[None]}, vocabulary_file=tmp_path / "v.txt")
    assert found.text == "a bb"
    (found,) = predict(
        "simple_decoder", {"y": np.eye(4)[[0, 2, 3, 1, 2]][None]},
        custom_label_map={0: "[go]", 1: "[s]", 2: "A", 3: "b"}, start_index=1, do_lower=True,
    )  # fmt: skip
    assert found.text == "ab"
    with pytest.raises(VinocError, match="cannot be read"):
        predict("ppocr", {"y": np.zeros((1, 1, 4))}, vocabulary_file=tmp_path / "none.txt")
