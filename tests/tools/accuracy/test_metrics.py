"""Metrics of classes, pixels, texts, numbers, points and pairs: by hand, and what must hold of any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.errors import UsageError, VinocError
from vinoc.tools.accuracy.base import Dataset, metric
from vinoc.tools.accuracy.metrics.text import edits
from vinoc.tools.accuracy.representation import (
    EmbeddingPrediction,
    LandmarksAnnotation,
    LandmarksPrediction,
    PairsAnnotation,
    RegressionAnnotation,
    RegressionPrediction,
    SegmentationAnnotation,
    SegmentationPrediction,
)
from vinoc.tools.charts.svg import to_svg

from .cases import classified, measured, one_hot, texts

NAMES = {0: "cat", 1: "dog", 2: "cow"}


def test_accuracy_by_hand() -> None:
    pairs = classified([0, 1, 2, 2], [[3, 2, 1], [3, 2, 1], [3, 2, 1], [1, 2, 3]])
    assert [measured("accuracy", pairs, top_k=k).value for k in (1, 2, 3)] == [0.5, 0.75, 1.0]
    result = measured("accuracy_per_class", pairs, NAMES)
    assert result.parts == {"cat": 1.0, "dog": 0.0, "cow": 0.5}
    assert result.value == 0.5


def test_equal_scores_and_nan() -> None:
    assert measured("accuracy", classified([1], [[1, 1, 1]])).value == 0.0  # the first of equals is said
    result = measured("accuracy", classified([1], [[np.nan, 1, 0]]))
    assert result.value == 1.0
    assert result.notes == ("1 predictions have scores that are NaN",)


def test_several_classes_are_right() -> None:
    pairs = classified([0, 0], [[0, 1, 0], [0, 0, 1]])
    several = [(type(a)(identifier=a.identifier, label=(0, 1)), p) for a, p in pairs]
    assert measured("accuracy", several).value == 0.5


def test_precision_recall_f1_by_hand() -> None:
    """cat: 2 of 3 found, 2 of 2 right; dog: 1 of 1 found, 1 of 2 right; cow does not turn up."""
    pairs = classified([0, 0, 0, 1], one_hot([0, 0, 1, 1], 3))
    assert measured("classification_recall", pairs, NAMES).parts == pytest.approx({"cat": 2 / 3, "dog": 1.0})
    assert measured("classification_precision", pairs, NAMES).parts == pytest.approx({"cat": 1.0, "dog": 0.5})
    f1 = measured("classification_f1-score", pairs, NAMES)
    assert f1.parts == pytest.approx({"cat": 4 / 5, "dog": 2 / 3})
    assert f1.value == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert measured("classification_f1-score", pairs, NAMES, pos_label=1).value == pytest.approx(2 / 3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_classification_equals_scikit_learn(both: list[tuple[int, int]]) -> None:
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    true, said = zip(*both)
    pairs = classified(true, one_hot(said, 5))
    there = sorted({*true, *said})
    for name, judge in (
        ("precision", sklearn.precision_score),
        ("recall", sklearn.recall_score),
        ("f1", sklearn.f1_score),
    ):
        wanted = dict(zip(map(str, there), judge(true, said, labels=there, average=None, zero_division=0)))
        parts = measured(f"classification_{name}", pairs).parts
        assert {k: pytest.approx(v) for k, v in wanted.items() if k in parts} == parts
    assert measured("accuracy", pairs).value == sklearn.accuracy_score(true, said)


def test_confusion_matrix() -> None:
    pairs = classified([0, 0, 0, 1, 2], one_hot([0, 1, 1, 1, 0], 3))
    result = measured("confusion_matrix", pairs, NAMES)
    assert result.value == pytest.approx(2 / 5)
    assert dict(result.parts) == pytest.approx({"cat > dog": 0.4, "cow > cat": 0.2})
    drawn = to_svg(result.drawings[0])
    assert "cat taken for dog: 2 of 3" in drawn
    assert "cow taken for cat: 1 of 1" in drawn


def test_confusion_of_many_classes_shows_the_worst() -> None:
    true = list(range(300))
    said = [*range(290), *[5] * 10]
    drawn = to_svg(measured("confusion_matrix", classified(true, one_hot(said, 300))).drawings[0])
    assert "295 taken for 5: 1 of 1" in drawn
    assert "100 taken for 100" not in drawn


def test_log_loss() -> None:
    pairs = classified([0, 1], [[0.5, 0.5], [0.2, 0.8]])
    wanted = -(np.log(0.5) + np.log(0.8)) / 2
    assert measured("log_loss", pairs).value == pytest.approx(wanted)
    logits = classified([0, 1], np.log([[0.5, 0.5], [0.2, 0.8]]) + 7)
    assert measured("log_loss", logits).value == pytest.approx(wanted)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.randoms())
def test_perfect_classes_in_any_order(true: list[int], random: Any) -> None:
    pairs = classified(true, one_hot(true, 6))
    names = ("accuracy", "accuracy_per_class", "classification_precision", "classification_recall", "classification_f1")
    for name in (*names, "confusion_matrix"):
        assert measured(name, random.sample(pairs, len(pairs))).value == 1.0


# Texts


@pytest.mark.parametrize(("a", "b", "count"), [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)])
def test_edits(a: str, b: str, count: int) -> None:
    assert edits(a, b) == edits(b, a) == count


@settings(max_examples=40, deadline=None)
@given(*[st.text("abc", max_size=8)] * 3)
def test_edits_are_a_distance(a: str, b: str, c: str) -> None:
    assert edits(a, c) <= edits(a, b) + edits(b, c)
    assert (edits(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= edits(a, b) <= max(len(a), len(b))


def test_texts_by_hand() -> None:
    pairs = texts(("one two", "one too"), ("abc", "abc"), ("a b", "ab"))
    assert measured("character_recognition_accuracy", pairs).value == pytest.approx(1 / 3)
    assert measured("character_recognition_accuracy", pairs, remove_spaces=True).value == pytest.approx(2 / 3)
    assert measured("cer", pairs).value == pytest.approx((1 + 0 + 1) / (7 + 3 + 3))
    assert measured("wer", pairs).value == pytest.approx((1 + 0 + 2) / (2 + 1 + 2))
    assert measured("label_level_recognition_accuracy", pairs).value == pytest.approx(1 - 2 / 13)
    assert measured("ser", [*pairs, *texts(("a  b", " a b"))]).value == pytest.approx(2 / 4)
    assert not measured("wer", pairs).higher_is_better
    assert measured("cer", texts(("", ""))).value == 0.0


# Pixels


def masks(true: Any, said: Any) -> list[tuple[Any, Any]]:
    mask = np.array(true)
    return [(SegmentationAnnotation(identifier="x", load=lambda: mask),
             SegmentationPrediction(identifier="x", mask=np.array(said)))]  # fmt: skip


def test_segmentation_by_hand() -> None:
    """cat: 3 pixels, 2 found; dog: 3 pixels, all found, one cat taken for it; 255 does not count."""
    pairs = masks([[0, 0, 0, 255], [1, 1, 1, 255]], [[0, 0, 1, 0], [1, 1, 1, 1]])
    assert measured("segmentation_accuracy", pairs, NAMES).value == pytest.approx(5 / 6)
    assert measured("mean_iou", pairs, NAMES).parts == pytest.approx({"cat": 2 / 3, "dog": 3 / 4})
    assert measured("mean_accuracy", pairs, NAMES).parts == pytest.approx({"cat": 2 / 3, "dog": 1.0})
    assert measured("frequency_weighted_accuracy", pairs, NAMES).value == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert measured("dice", pairs, NAMES).parts == pytest.approx({"cat": 4 / 5, "dog": 6 / 7})
    alone = measured("mean_iou", pairs, NAMES, ignore_label=0)
    assert dict(alone.parts) == {"dog": 1.0}  # the cat that was taken for a dog does not count any more


def test_scores_of_pixels() -> None:
    scores = np.moveaxis(one_hot([0, 1, 2, 2], 3).reshape(2, 2, 3), 2, 0)
    pairs = masks([[0, 1], [2, 1]], scores)
    assert measured("segmentation_accuracy", pairs, NAMES).value == 0.75


def test_masks_of_other_sizes() -> None:
    with pytest.raises(VinocError, match="resize_segmentation_mask"):
        measured("mean_iou", masks([[0, 1]], [[0], [1]]), NAMES)
    with pytest.raises(VinocError, match="which classes there are is not known"):
        metric.make("mean_iou", {}).start(Dataset(()))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.lists(st.integers(0, 2), min_size=30, max_size=30))
def test_relations_of_pixel_metrics(true: list[int], said: list[int]) -> None:
    pairs = masks([true], [said[: len(true)]])
    iou, dice = (measured(name, pairs, NAMES).parts for name in ("mean_iou", "dice"))
    assert {n: pytest.approx(2 * v / (1 + v)) for n, v in iou.items()} == dice
    for name in ("segmentation_accuracy", "mean_iou", "mean_accuracy", "frequency_weighted_accuracy", "dice"):
        assert measured(name, masks([true], [true]), NAMES).value == pytest.approx(1.0)


# Numbers


def numbers(true: Any, said: Any) -> list[tuple[Any, Any]]:
    return [
        (
            RegressionAnnotation(identifier=str(i), value=np.array(t)),
            RegressionPrediction(identifier=str(i), value=np.array(s)),
        )
        for i, (t, s) in enumerate(zip(true, said, strict=True))
    ]


def test_regression_by_hand() -> None:
    pairs = numbers([1.0, 2.0, 4.0], [1.0, 3.0, 1.0])
    assert measured("mae", pairs, max_error=True).value == pytest.approx(4 / 3)
    assert measured("mae", pairs, max_error=True).parts["max_error"] == 3.0
    assert measured("mse", pairs).value == pytest.approx(10 / 3)
    assert measured("rmse", pairs, max_error=True).value == pytest.approx(np.sqrt(10 / 3))
    assert measured("rmse", pairs, max_error=True).parts["max_error"] == 3.0
    assert measured("mape", pairs).value == pytest.approx((0 + 1 / 2 + 3 / 4) / 3)
    assert measured("relative_l2_error", numbers([[3.0, 4.0]], [[3.0, 5.0]])).value == pytest.approx(1 / 5)


def test_regression_on_intervals() -> None:
    pairs = numbers([0.5, 1.0, 1.5, 7.0, -1.0], [1.0, 1.0, 2.5, 0.0, 0.0])
    result = measured("mae_on_interval", pairs, intervals="0,1,2")
    assert dict(result.parts) == {"0 to 1": 0.5, "1 to 2": 0.5}
    every = measured("mae_on_interval", pairs, start=0, end=2, step=1, ignore_values_not_in_interval=False)
    assert dict(every.parts) == {"< 0": 1.0, "0 to 1": 0.5, "1 to 2": 0.5, ">= 2": 7.0}
    rmse = measured("rmse_on_interval", pairs, intervals="0,1,2")
    assert rmse.parts["1 to 2"] == pytest.approx(np.sqrt(0.5))
    with pytest.raises(UsageError, match="the intervals are missing"):
        metric.make("mae_on_interval", {})


def test_regression_of_other_shapes() -> None:
    assert measured("mae", numbers([[1.0, 2.0]], [[[1.0], [4.0]]])).value == 1.0
    with pytest.raises(VinocError, match=r"the annotation has \[2\], the prediction \[3\]"):
        measured("mae", numbers([[1.0, 2.0]], [[1.0, 2.0, 3.0]]))


# Points


def points(true: Any, said: Any, eyes: tuple[int, int] | None = (0, 1)) -> list[tuple[Any, Any]]:
    return [
        (LandmarksAnnotation(identifier=str(i), points=np.array(t, float), eyes=eyes),
         LandmarksPrediction(identifier=str(i), points=np.array(s, float)))
        for i, (t, s) in enumerate(zip(true, said, strict=True))
    ]  # fmt: skip


FACE = [[0, 0], [10, 0], [5, 20]]


def test_normed_error_by_hand() -> None:
    """The eyes are 10 apart; the third point is off by 5."""
    pairs = points([FACE, FACE], [FACE, [[0, 0], [10, 0], [8, 24]]])
    result = measured("normed_error", pairs, calculate_std=True, percentile=50)
    assert result.value == pytest.approx((0 + 5 / 3 / 10) / 2)
    assert dict(result.parts) == pytest.approx({"std": 5 / 60, "50th percentile": 5 / 30})
    each = measured("per_point_normed_error", pairs)
    assert list(each.parts.values()) == pytest.approx([0, 0, 0.25])
    assert measured("nme", pairs).value == pytest.approx(5 / 3 / np.sqrt(200) / 2)
    assert measured("normed_error", pairs, normalization="none").value == pytest.approx(5 / 6)


def test_points_that_are_not_seen_do_not_count() -> None:
    (true, said), = points([FACE], [[[0, 0], [10, 0], [5, 25]]])  # fmt: skip
    hidden = LandmarksAnnotation(identifier="0", points=true.points, visible=np.array([1, 1, 0]), eyes=(0, 1))
    assert measured("normed_error", [(true, said)]).value == pytest.approx(5 / 3 / 10)
    assert measured("normed_error", [(hidden, said)]).value == 0.0


def test_eyes_must_be_known() -> None:
    pairs = points([FACE], [FACE], eyes=None)
    with pytest.raises(VinocError, match="which points are the eyes is not known"):
        measured("normed_error", pairs)
    assert measured("normed_error", pairs, eyes="0, 1").value == 0.0


# Pairs


def test_pairs_with_a_given_threshold() -> None:
    """Vectors along axes: 0.5 (1 - a.b) is 0 for the same, 0.5 for others, 1 for opposites."""
    vectors = {"a": [1, 0], "b": [1, 0], "c": [0, 1], "d": [-1, 0]}
    links = {"a": ((("b", 0), ("d", 0)), (("c", 0),))}
    pairs = [
        (PairsAnnotation(identifier=n, same=links.get(n, ((), ()))[0], other=links.get(n, ((), ()))[1]),
         EmbeddingPrediction(identifier=n, embedding=np.array(v, float)))
        for n, v in vectors.items()
    ]  # fmt: skip
    assert measured("pairwise_accuracy", pairs, min_score=0.3).value == pytest.approx(2 / 3)
    cosine = measured("pairwise_accuracy", pairs, min_score=0.3, distance_method="cosine_distance")
    assert cosine.value == pytest.approx(2 / 3)
    assert "one fold" in measured("pairwise_accuracy", pairs, min_score="best_train_threshold").notes[0]
    with pytest.raises(UsageError, match="min_score"):
        metric.make("pairwise_accuracy", {"min_score": "median"})


def faces(seed: int, noise: float, folds: int = 10) -> tuple[list[tuple[Any, Any]], Dataset]:
    random = np.random.default_rng(seed)
    people = random.normal(size=(40, 32))
    out = []
    for i in range(400):
        person, fold = int(random.integers(0, 40)), i // 2 % folds
        other = person if i % 2 == 0 else (person + 1 + int(random.integers(0, 38))) % 40
        for half, who in enumerate((person, other)):
            vector = people[who] + noise * random.normal(size=32)
            link = ((f"{i}-1", fold),) if half == 0 else ()
            same, apart = (link, ()) if i % 2 == 0 else ((), link)
            said = EmbeddingPrediction(identifier=f"{i}-{half}", embedding=vector / np.linalg.norm(vector))
            out.append((PairsAnnotation(identifier=said.identifier, same=same, other=apart), said))
    return out, Dataset(tuple(a for a, _ in out), more={"folds": folds})


@pytest.mark.parametrize("rule", ["train_median", "best_train_threshold"])
def test_pairs_by_folds(rule: str) -> None:
    pairs, dataset = faces(3, noise=0.3)
    chosen = metric.make("pairwise_accuracy", {"min_score": rule})
    result = chosen.evaluate(dataset, [p for _, p in pairs])
    assert len(result.parts) == 10
    assert result.value > 0.98
    noisy, dataset = faces(3, noise=30.0)  # nothing of the person is left
    assert 0.35 < chosen.evaluate(dataset, [p for _, p in noisy]).value < 0.65


def test_thresholds_are_taught_by_other_folds() -> None:
    """In fold 0 the same are far and others near; the other fold teaches the contrary, so all of fold 0 is wrong."""

    def pair(name: str, angle: float, same: bool, fold: int) -> list[tuple[Any, Any]]:
        link = ((f"{name}1", fold),)
        first = PairsAnnotation(identifier=f"{name}0", same=link if same else (), other=() if same else link)
        vectors = ([1.0, 0.0], [np.cos(angle), np.sin(angle)])
        return [(a, EmbeddingPrediction(identifier=a.identifier, embedding=np.array(v)))
                for a, v in zip((first, PairsAnnotation(identifier=f"{name}1")), vectors)]  # fmt: skip

    pairs = [*pair("a", 0.1, False, 0), *pair("b", 2.0, True, 0), *pair("c", 0.1, True, 1), *pair("d", 2.0, False, 1)]
    dataset = Dataset(tuple(a for a, _ in pairs), more={"folds": 2})
    chosen = metric.make("pairwise_accuracy", {"min_score": "best_train_threshold"})
    result = chosen.evaluate(dataset, [p for _, p in pairs])
    assert result.parts["fold 1"] == 0.0


def test_subsets_of_pairs_without_folds() -> None:
    pairs, dataset = faces(5, noise=0.2, folds=1)
    result = metric.make("pairwise_accuracy_subsets", {"subset_number": 5}).evaluate(dataset, [p for _, p in pairs])
    assert len(result.parts) == 5
    assert result.value > 0.98


EMPTY: dict[str, Callable[[], dict[str, Any]]] = {"miss_rate": lambda: {"fppi_level": 0.1},
                                                  "mae_on_interval": lambda: {"intervals": [0, 1]},
                                                  "mse_on_interval": lambda: {"intervals": [0, 1]},
                                                  "rmse_on_interval": lambda: {"intervals": [0, 1]}}  # fmt: skip


@pytest.mark.parametrize("name", [d.names[0] for d in metric.describe()])
def test_every_metric_of_nothing(name: str) -> None:
    """Before any sample there is nothing to tell, and nothing that breaks."""
    made = metric.make(name, EMPTY.get(name, dict)())
    value = made.evaluate(Dataset((), NAMES), []).value
    assert np.isnan(value) or value == 0.0
    assert (made.__doc__ or "").strip()
