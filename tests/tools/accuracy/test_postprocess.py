"""Postprocessors and boxes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.errors import UsageError
from vinoc.tools.accuracy.base import Image, postprocessor, preprocessor
from vinoc.tools.accuracy.boxes import areas, nms, overlaps, soft_nms
from vinoc.tools.accuracy.representation import (
    ClassificationAnnotation,
    ClassificationPrediction,
    LandmarksAnnotation,
    LandmarksPrediction,
    Meta,
    SegmentationAnnotation,
    SegmentationPrediction,
)

from .cases import detections, objects


def run(annotation: Any, prediction: Any, name: str, **options: Any) -> tuple[Any, Any]:
    return postprocessor.make(name, options).apply(annotation, prediction)


def after(*steps: tuple[str, dict[str, Any]], size: tuple[int, int] = (100, 200)) -> Meta:
    """What is known of an image of that size after preprocessors."""
    image = Image("x", np.zeros((*size, 3), np.uint8), Meta(size=size))
    for name, options in steps:
        image = preprocessor.make(name, options).apply(image)
    return image.meta


NOTHING = objects("x", [])


def boxes_after(name: str, rows: Any, meta: Meta, **options: Any) -> Any:
    said = replace(detections("x", [(*r, 0, 0.5) for r in rows]), meta=meta)
    return run(NOTHING, said, name, **options)[1].boxes


# Boxes


def test_overlaps_by_hand() -> None:
    first, second = np.array([[0, 0, 9, 9.0]]), np.array([[0, 0, 9, 4], [20, 20, 30, 30], [5, 5, 5, 5.0]])
    np.testing.assert_allclose(overlaps(first, second), [[36 / 81, 0, 0]])
    np.testing.assert_allclose(overlaps(first, second, boundary=1), [[0.5, 0, 0.01]])
    np.testing.assert_allclose(overlaps(second, first, 1, "first")[:, 0], [1, 0, 1])
    np.testing.assert_allclose(overlaps(first, second, 1, "smaller"), [[1, 0, 1]])
    assert areas(np.array([[3, 3, 1, 9.0]])).tolist() == [0]


corner = st.floats(0, 50, width=16)
box = st.tuples(corner, corner, corner, corner).map(
    lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
)


@settings(max_examples=50, deadline=None)
@given(st.lists(box, min_size=1, max_size=12), st.floats(0, 1), st.randoms())
def test_suppression(rows: list[Any], overlap: float, random: Any) -> None:
    """What is kept overlaps nothing better that is kept; what is not overlaps something better that is."""
    boxes = np.array(rows, float)
    scores = np.array(random.sample(range(100), len(rows))) / 100
    kept = nms(boxes, scores, overlap)
    assert list(scores[kept]) == sorted(scores[kept], reverse=True)
    shared = overlaps(boxes, boxes)
    for i in range(len(rows)):
        better = [k for k in kept if scores[k] > scores[i]]
        assert (i in kept) == all(shared[i, k] <= overlap for k in better)
    labels = np.array([random.randrange(3) for _ in rows])
    by_label = nms(boxes, scores, overlap, labels=labels)
    apart = [
        i
        for label in set(labels)
        for i in np.flatnonzero(labels == label)[nms(boxes[labels == label], scores[labels == label], overlap)]
    ]
    assert sorted(by_label) == sorted(apart)


def test_soft_suppression() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5], [50, 50, 60, 60.0]])
    kept, scores = soft_nms(boxes, np.array([0.9, 0.8, 0.5]), sigma=0.5, min_score=0.0, top_k=10)
    assert kept.tolist() == [0, 2, 1]
    np.testing.assert_allclose(scores, [0.9, 0.5, 0.8 * np.exp(-(0.5**2) / 0.5)])
    assert len(soft_nms(boxes, np.array([0.9, 0.8, 0.5]), 0.5, 0.49, 10)[0]) == 2
    assert len(soft_nms(np.zeros((0, 4)), np.zeros(0), 0.5, 0, 10)[0]) == 0


def test_nms_as_a_step() -> None:
    said = detections("x", [(0, 0, 9, 9, 0, 0.5), (0, 0, 9, 8, 1, 0.9), (30, 30, 40, 40, 0, 0.1)])
    assert run(NOTHING, said, "nms", overlap=0.5)[1].scores.tolist() == [0.9, 0.1]
    assert run(NOTHING, said, "nms", overlap=0.5, keep_top_k=2)[1].scores.tolist() == [0.9]
    assert len(run(NOTHING, said, "class_aware_nms", overlap=0.5)[1].scores) == 3
    assert run(NOTHING, said, "soft_nms", keep_top_k=2)[1].scores[0] == 0.9


# Places


def test_boxes_of_a_resized_image() -> None:
    meta = after(("resize", {"size": 50}))
    assert boxes_after("resize_prediction_boxes", [(0.1, 0.2, 0.5, 1.0)], meta).tolist() == [[20, 20, 100, 100]]
    assert boxes_after("resize_prediction_boxes", [(5, 10, 25, 50)], meta, rescale=True).tolist() == [
        [20, 20, 100, 100]
    ]
    np.testing.assert_allclose(boxes_after("boxes_to_image", [(0.1, 0.2, 0.5, 1.0)], meta), [[20, 20, 100, 100]])


@pytest.mark.parametrize("name", ["resize_prediction_boxes", "faster_rcnn_postprocessing_resize"])
@pytest.mark.parametrize("in_pixels", [False, True])
def test_boxes_of_a_bordered_image(name: str, in_pixels: bool) -> None:
    """200 x 100 becomes 64 x 32 in the middle of 64 x 64."""
    meta = after(("letterbox", {"size": 64}))
    rows = np.array([[0, 16, 64, 48], [32, 32, 48, 40.0]]) / (1 if in_pixels else 64)
    options = {"rescale": in_pixels} | ({"unpadding": True} if name.startswith("resize") else {})
    np.testing.assert_allclose(boxes_after(name, rows, meta, **options), [[0, 0, 200, 100], [100, 50, 150, 75]])


def test_boxes_of_a_part() -> None:
    meta = after(("crop", {"max_square": True}), ("resize", {"size": 10}))
    np.testing.assert_allclose(
        boxes_after("resize_prediction_boxes", [(0, 0, 1, 1)], meta, uncrop=True), [[50, 0, 150, 100]]
    )


def test_yolo_v2_boxes() -> None:
    meta = after()
    np.testing.assert_allclose(
        boxes_after("correct_yolo_v2_boxes", [(0, 0.25, 1, 0.75)], meta, size=64), [[0, 0, 1, 1]]
    )


def test_clip_and_round() -> None:
    true = objects("x", [(-3, -4, 500, 50, 0)])
    said = replace(detections("x", [(-1.5, 2.5, 3.5, 400, 0, 0.5)]), meta=after())
    both = run(true, said, "clip_boxes")
    assert both[0].boxes.tolist() == [[0, 0, 200, 50]]
    assert both[1].boxes.tolist() == [[0, 2.5, 3.5, 100]]
    assert run(true, said, "clip_boxes", apply_to="prediction", size=3)[0] is true
    assert run(true, said, "clip_boxes", boxes_normalized=True)[1].boxes.max() == 1
    rounded = {
        p: run(true, said, "cast_to_int", round_policy=p)[1].boxes[0, :3].tolist()
        for p in ("nearest", "lower", "greater")
    }
    assert rounded == {"nearest": [-2, 2, 4], "lower": [-2, 2, 3], "greater": [-1, 3, 4]}
    assert run(true, said, "normalize_boxes")[0].boxes.tolist() == [[-0.015, -0.04, 2.5, 0.5]]


def test_sizes_that_are_not_known() -> None:
    said = detections("x", [(0, 0, 1, 1, 0, 0.5)])
    for name in ("resize_prediction_boxes", "boxes_to_image", "normalize_boxes"):
        with pytest.raises(UsageError, match="is not known"):
            run(objects("x", [(0, 0, 1, 1, 0)]), said, name)


# Filters


def test_filters() -> None:
    true = objects("x", [(0, 0, 10, 30, 0), (0, 0, 40, 40, 1), (5, 5, 5, 9, 2)])
    said = replace(
        detections("x", [(0, 0, 10, 30, 0, 0.9), (0, 0, 40, 40, 1, 0.2), (0, 0, np.inf, 9, 2, 0.5)]), meta=after()
    )

    def left(**options: Any) -> tuple[list[bool], list[float]]:
        a, p = run(true, said, "filter", **options)
        return a.ignored.tolist(), p.scores.tolist()

    assert left(min_confidence=0.4) == ([False] * 3, [0.9, 0.5])
    assert left(labels=[1]) == ([False, True, False], [0.9, 0.5])
    assert left(height_range="20, 35") == ([False, True, True], [0.9])
    assert left(width_range=20) == ([True, False, True], [0.2, 0.5])
    assert left(is_empty=True)[0] == [False, False, True]
    assert left(invalid_boxes=True)[1] == [0.9, 0.2]
    assert left(top_k=1) == ([False] * 3, [0.9])
    assert left(aspect_ratio="(0.5, 2)")[0] == [True, False, True]
    assert left(area_ratio="0.2, 1") == ([True, False, True], [0.9, 0.2, 0.5])
    assert left(height_range="20, 35", apply_to="prediction")[0] == [False] * 3
    assert len(run(true, said, "filter", width_range="20", remove_filtered=True)[0].boxes) == 1
    with pytest.raises(UsageError, match="height_range"):
        postprocessor.make("filter", {"height_range": "tall"})


# Masks


def masks(true: Any, said: Any, meta: Meta) -> tuple[Any, Any]:
    mask = np.array(true)
    return (SegmentationAnnotation(identifier="x", load=lambda: mask),
            SegmentationPrediction(identifier="x", mask=np.array(said), meta=meta))  # fmt: skip


def test_masks_get_sizes() -> None:
    true, said = masks([[0, 1], [2, 3]], [[0, 1], [2, 3]], after(size=(4, 4)))
    grown = run(true, said, "resize_segmentation_mask")
    wanted = [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    assert grown[0].mask.tolist() == grown[1].mask.tolist() == wanted
    only = run(true, said, "resize_segmentation_mask", apply_to="prediction", size=1)
    assert only[0].mask.shape == (2, 2)
    assert only[1].mask.tolist() == [[3]]
    scores = replace(said, mask=np.zeros((5, 2, 2)))
    assert run(true, scores, "resize_segmentation_mask")[1].mask.shape == (5, 4, 4)
    meta = after(("resize", {"size": 8}), size=(4, 4))
    assert run(true, replace(said, meta=meta), "resize_segmentation_mask", to_dst_image_size=True)[1].mask.shape == (
        8,
        8,
    )


def test_masks_of_bordered_images() -> None:
    """An image of 2 x 4 lies in the middle of 4 x 4; the model gives a mask of 4 x 4."""
    meta = after(("padding", {"size": 4}), size=(2, 4))
    true, said = masks(np.zeros((2, 4)), [[9] * 4, [1, 2, 3, 4], [5, 6, 7, 8], [9] * 4], meta)
    assert run(true, said, "mask_to_image")[1].mask.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert run(true, said, "crop_padded_prediction")[1].mask.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    wide = run(true, said, "extend_segmentation_mask")[0].mask
    assert wide.tolist() == [[255] * 4, [0] * 4, [0] * 4, [255] * 4]
    with pytest.raises(UsageError, match="resize_segmentation_mask"):
        run(*masks(np.zeros((9, 9)), said.mask, meta), "extend_segmentation_mask")


def test_masks_of_parts() -> None:
    meta = after(("crop", {"max_square": True}), size=(2, 4))
    true, said = masks(np.zeros((2, 4)), [[1, 2], [3, 4]], meta)
    assert run(true, said, "mask_to_image")[1].mask.tolist() == [[255, 1, 2, 255], [255, 3, 4, 255]]


def test_masks_of_deeplab() -> None:
    """An image of 2 x 4 is resized to 4 x 8 and lies in the middle of 8 x 8; so does its mask."""
    meta = after(("resize", {"size": 8, "aspect_ratio_scale": "fit_to_window"}), ("padding", {"size": 8}), size=(2, 4))
    true, said = masks([[1, 2, 3, 4], [5, 6, 7, 8]], np.zeros((8, 8)), meta)
    true, said = run(true, said, "resize_segmentation_mask", to_dst_image_size=True, apply_to="annotation")
    assert true.mask.shape == (4, 8)
    true, said = run(true, said, "crop_or_pad", size=8)
    assert true.mask[1].tolist() == true.mask[6].tolist() == [0] * 8
    assert true.mask[2].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]


def test_shifts() -> None:
    true, said = run(*masks([[0, 1]], [[[0.1, 0.9]], [[0.8, 0.3]]], Meta()), "shift", shift_value=-1)
    assert true.mask.tolist() == [[-1, 0]]
    assert said.mask.tolist() == [[0, -1]]
    only = run(*masks([[0, 1]], [[3, 4]], Meta()), "shift", shift_value=2, apply_to="annotation")
    assert only[0].mask.tolist() == [[2, 3]]
    assert only[1].mask.tolist() == [[3, 4]]
    assert run(NOTHING, detections("x", [(0, 0, 1, 1, 4, 0.5)]), "shift_labels", offset=1)[1].labels.tolist() == [5]


def test_classes_of_scores() -> None:
    _, said = run(*masks([[0]], [[[0.1]], [[0.9]]], Meta()), "argmax_segmentation_mask")
    assert said.mask.tolist() == [[1]]


# Points


def test_points() -> None:
    meta = after(("letterbox", {"size": 64}))
    true = LandmarksAnnotation(
        identifier="x", points=np.array([[100.0, 50]]), meta=Meta(more={"rect": (50, 0, 150, 100)})
    )
    said = LandmarksPrediction(identifier="x", points=np.array([[32.0, 32, 5]]), meta=meta)
    np.testing.assert_allclose(run(true, said, "points_to_image")[1].points, [[100, 50, 5]])
    shares = replace(said, points=np.array([[0.5, 0.5]]))
    np.testing.assert_allclose(run(true, shares, "points_to_image", normalized=True)[1].points, [[100, 50]])
    assert run(true, said, "normalize_landmarks_points")[0].points.tolist() == [[0.5, 0.5]]
    assert run(true, said, "normalize_landmarks_points", use_annotation_rect=True)[0].points.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("name", [d.names[0] for d in postprocessor.describe()])
def test_other_kinds_are_left_alone(name: str) -> None:
    true = ClassificationAnnotation(identifier="x", label=1)
    said = ClassificationPrediction(identifier="x", scores=np.ones(3), meta=after())
    options = {"correct_yolo_v2_boxes": {"size": 4}, "crop_or_pad": {"size": 4}, "shift_labels": {"offset": 1}}
    assert run(true, said, name, **options.get(name, {})) == (true, said)
