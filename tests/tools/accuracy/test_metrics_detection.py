"""Metrics of objects: by hand, against pycocotools, and what must hold of any."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.errors import UsageError
from vinoc.tools.accuracy.base import metric
from vinoc.tools.accuracy.representation import DetectionPrediction
from vinoc.tools.charts.svg import to_svg

from .cases import detections, measured, objects, scene

NAMES = {0: "a", 1: "b", 2: "c"}


def test_average_precision_by_hand() -> None:
    """Two objects; right, wrong, right from the highest score on: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1."""
    true = objects("x", [(0, 0, 9, 9, 0), (20, 20, 29, 29, 0)])
    said = detections("x", [(0, 0, 9, 9, 0, 0.9), (50, 50, 60, 60, 0, 0.8), (20, 20, 29, 29, 0, 0.7)])
    assert measured("map", [(true, said)]).value == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    # at 0, 0.1, ..., 0.5 precision is 1, from 0.6 on it is 2/3
    assert measured("map", [(true, said)], integral="11point").value == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)
    assert measured("recall", [(true, said)]).value == 1.0
    drawn = to_svg(measured("map", [(true, said)], NAMES).drawings[0])
    assert "a from 0.7 on" in drawn
    nothing = measured("map", [(true, detections("x", []))], NAMES)
    assert nothing.value == 0.0
    assert to_svg(nothing.drawings[0])


def test_second_detection_of_an_object_is_wrong() -> None:
    true = objects("x", [(0, 0, 9, 9, 0)])
    said = detections("x", [(0, 0, 9, 9, 0, 0.9), (0, 0, 9, 8, 0, 0.95)])
    f1 = measured("detection_f1", [(true, said)])
    assert f1.parts == {"precision": 0.5, "recall": 1.0}
    assert f1.value == pytest.approx(2 / 3)


def test_classes_are_told_apart() -> None:
    true = objects("x", [(0, 0, 9, 9, 0), (20, 20, 29, 29, 1)])
    said = detections("x", [(0, 0, 9, 9, 1, 0.9), (20, 20, 29, 29, 1, 0.8)])
    result = measured("map", [(true, said)], NAMES)
    assert result.parts == {"a": 0.0, "b": pytest.approx(0.5)}  # c has no objects and does not count
    assert result.value == pytest.approx(0.25)
    pairs = measured("detection_accuracy", [(true, said)], NAMES)
    assert pairs.value == 0.5
    assert len(pairs.drawings) == 1


def test_difficult_objects_do_not_count() -> None:
    true = objects("x", [(0, 0, 9, 9, 0), (20, 20, 29, 29, 0)], difficult=[1])
    said = detections("x", [(20, 20, 29, 29, 0, 0.9), (0, 0, 9, 9, 0, 0.8)])
    assert measured("map", [(true, said)]).value == 1.0
    assert measured("map", [(true, said)], ignore_difficult=False).value == 1.0
    nothing = detections("x", [(0, 0, 9, 9, 0, 0.8)])
    assert measured("map", [(true, nothing)]).value == 1.0
    assert measured("map", [(true, nothing)], ignore_difficult=False).value == 0.5


@pytest.mark.parametrize(("many", "precision"), [(True, 1.0), (False, 0.5)])
def test_more_detections_of_a_difficult_object(many: bool, precision: float) -> None:
    true = objects("x", [(0, 0, 9, 9, 0), (20, 20, 29, 29, 0)], difficult=[1])
    rows = [(20, 20, 29, 29, 0, 0.9), (20, 20, 29, 28, 0, 0.85), (0, 0, 9, 9, 0, 0.8)]
    said = detections("x", rows)
    assert measured("map", [(true, said)], allow_multiple_matches_per_ignored=many).value == precision


def test_boundaries() -> None:
    """Boxes 0..9 and 0..4: 10 x 10 and 10 x 5 pixels with their last ones, 9 x 9 and 9 x 4 without."""
    true, said = objects("x", [(0, 0, 9, 9, 0)]), detections("x", [(0, 0, 9, 4, 0, 0.9)])
    assert measured("map", [(true, said)], overlap_threshold=0.5).value == 1.0
    assert measured("map", [(true, said)], overlap_threshold=0.5, include_boundaries=False).value == 0.0
    assert measured("map", [(true, said)], overlap_threshold=0.99, overlap_method="ioa").value == 1.0


def test_miss_rate_by_hand() -> None:
    """Two images, three objects. FPPI after each detection: 0, 0.5, 0.5, 1; missed: 2/3, 2/3, 1/3, 1/3."""
    first = (objects("x", [(0, 0, 9, 9, 0), (20, 20, 29, 29, 0)]),
             detections("x", [(0, 0, 9, 9, 0, 0.9), (50, 50, 60, 60, 0, 0.8), (20, 20, 29, 29, 0, 0.7)]))  # fmt: skip
    second = (objects("y", [(0, 0, 9, 9, 0)]), detections("y", [(50, 50, 60, 60, 0, 0.6)]))
    result = measured("miss_rate", [first, second], fppi_level=0.25)
    assert result.value == pytest.approx(2 / 3)  # the middle of those at 0 and 0.5
    assert not result.higher_is_better
    assert measured("miss_rate", [first, second], fppi_level=0.9).value == pytest.approx(1 / 3)
    with pytest.raises(UsageError, match="fppi_level"):
        metric.make("miss_rate", {})


def test_the_background_is_no_class() -> None:
    true = objects("x", [(0, 0, 9, 9, 1)])
    said = detections("x", [(0, 0, 9, 9, 1, 0.9), (20, 20, 30, 30, 0, 0.99)])
    for name in ("map", "coco_precision", "detection_f1"):
        result = measured(name, [(true, said)], NAMES, background=0)
        assert result.value == pytest.approx(1.0), name


@pytest.mark.parametrize(
    "name", ["map", "recall", "coco_precision", "coco_recall", "detection_f1", "detection_accuracy"]
)
def test_no_objects_at_all(name: str) -> None:
    result = measured(name, [(objects("x", []), detections("x", []))], NAMES)
    assert np.isnan(result.value) or result.value == 0.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["map", "recall", "coco_precision", "coco_recall", "detection_f1"]))
def test_perfect_predictions(seed: int, name: str) -> None:
    pairs = []
    for true, _ in scene(seed, crowds=False):
        # boxes that lie on each other would take each other's objects
        ranks = np.linspace(0.6, 0.9, len(true.boxes))
        pairs.append((true, DetectionPrediction(identifier=true.identifier, boxes=true.boxes, labels=true.labels,
                                                scores=ranks)))  # fmt: skip
    result = measured(name, pairs, NAMES)
    assert np.isnan(result.value) or result.value == pytest.approx(1.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.randoms(), st.sampled_from(["map", "coco_precision", "coco_recall", "miss_rate"]))
def test_the_order_of_images_and_detections_does_not_matter(seed: int, random: Any, name: str) -> None:
    pairs = scene(seed)
    mixed = []
    for true, said in random.sample(pairs, len(pairs)):
        order = random.sample(range(len(said.scores)), len(said.scores))
        mixed.append((true, DetectionPrediction(identifier=said.identifier, boxes=said.boxes[order],
                                                labels=said.labels[order], scores=said.scores[order])))  # fmt: skip
    options = {"fppi_level": 0.5} if name == "miss_rate" else {}
    first, second = (measured(name, p, NAMES, **options) for p in (pairs, mixed))
    np.testing.assert_allclose(first.value, second.value, rtol=1e-12)
    assert first.parts == pytest.approx(dict(second.parts), nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_ap_falls_as_the_overlap_rises(seed: int) -> None:
    values = [measured("map", scene(seed), NAMES, overlap_threshold=t).value for t in (0.3, 0.5, 0.7, 0.9)]
    if not np.isnan(values[0]):
        assert values == sorted(values, reverse=True)


def _by_pycocotools(pairs: Any, area: str, most: int, steps: list[float]) -> tuple[float, float]:
    """AP and AR as COCOeval has them."""
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    evaluation = pytest.importorskip("pycocotools.cocoeval", reason="pycocotools is not installed")
    images, truths, found = [], [], []
    for i, (true, said) in enumerate(pairs, 1):
        images.append({"id": i})
        for j, box in enumerate(true.boxes):
            wide = [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()]
            truths.append({"id": len(truths) + 1, "image_id": i, "category_id": int(true.labels[j]) + 1, "bbox": wide,
                           "area": float(true.areas[j]), "iscrowd": int(true.crowds[j])})  # fmt: skip
        for box, label, score in zip(said.boxes, said.labels, said.scores):
            wide = [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()]
            found.append({"image_id": i, "category_id": int(label) + 1, "bbox": wide, "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": images,
            "annotations": truths,
            "categories": [{"id": i} for i in (1, 2, 3)],
            "info": {},
        }
        truth.createIndex()
        judge = evaluation.COCOeval(truth, truth.loadRes(found), "bbox")
        judge.params.maxDets = [most]
        judge.params.iouThrs = np.array(steps)
        judge.evaluate()
        judge.accumulate()
    at = judge.params.areaRngLbl.index(area)
    precision, recall = judge.eval["precision"][:, :, :, at, 0], judge.eval["recall"][:, :, at, 0]
    return float(precision[precision > -1].mean()), float(recall[recall > -1].mean())


@pytest.mark.parametrize("area", ["all", "small", "medium", "large"])
@pytest.mark.parametrize("most", [1, 3, 100])
@pytest.mark.parametrize("seed", range(6))
def test_equal_to_pycocotools(seed: int, most: int, area: str) -> None:
    pairs = scene(seed, images=12)
    wanted = _by_pycocotools(pairs, area, most, np.linspace(0.5, 0.95, 10).tolist())
    options = {"max_detections": most, "area": area}
    ours = [measured(n, pairs, NAMES, **options).value for n in ("coco_precision", "coco_recall")]
    np.testing.assert_allclose(ours, wanted, rtol=1e-12)


@pytest.mark.parametrize(("text", "steps"), [("0.5", [0.5]), ("0.75", [0.75]), ("0.5, 0.8", [0.5, 0.8])])
def test_thresholds_of_coco(text: str, steps: list[float]) -> None:
    pairs = scene(77, images=12)
    wanted = _by_pycocotools(pairs, "all", 100, steps)
    ours = [
        measured(n, pairs, NAMES, threshold=text, max_detections=100).value for n in ("coco_precision", "coco_recall")
    ]
    np.testing.assert_allclose(ours, wanted, rtol=1e-12)


@pytest.mark.parametrize("text", ["", "x", "0.5:0.05", "0.5:0:0.9", "1.5", "nan"])
def test_bad_thresholds(text: str) -> None:
    with pytest.raises(UsageError, match="threshold"):
        metric.make("coco_precision", {"threshold": text})
