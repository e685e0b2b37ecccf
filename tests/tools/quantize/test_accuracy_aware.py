"""Layers that go back to float until a metric holds; what samples can tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vinoc.ir.errors import UsageError
from vinoc.tools.quantize.algorithms.accuracy_aware import Aware, Found, accuracy_aware
from vinoc.tools.quantize.collect import outputs
from vinoc.tools.quantize.data import Samples, open_data
from vinoc.tools.quantize.metrics import evaluator, top1
from vinoc.tools.quantize.options import Options
from vinoc.tools.quantize.paired import binomial_tail, drop_of_hits, drop_of_means, mcnemar, needed, proportion
from vinoc.tools.quantize.quantize import cleaned
from vinoc.tools.quantize.watch import Watch

from ...conftest import SHARED
from .nets import classifier, clear, features

ONLY_RANGES = Options(algorithms=("min-max",))


def labelled(path: Path, count: int, seed: int = 1) -> Samples:
    """Inputs of which the float model is sure, with the classes that it finds."""
    graph = cleaned(str(path))
    inputs = features(2 * count, seed)
    rows = np.stack([found[0].reshape(-1) for found in outputs(graph, open_data({"x": inputs}, graph))])
    kept = clear(rows, count)
    return open_data({"x": inputs[kept], "labels": rows[kept].argmax(axis=1)}, graph)


def searched(path: Path, aware: Aware, count: int = 400, options: Options = ONLY_RANGES) -> tuple[Found, list[str]]:
    said: list[str] = []
    found = accuracy_aware(str(path), labelled(path, count), options, aware, watch=Watch(warn=said.append))
    return found, said


def test_a_good_model_stays_quantized(tmp_path: Path) -> None:
    found, _ = searched(classifier(tmp_path / "a.onnx"), Aware(maximal_drop=0.05))
    assert found.within
    assert found.reverted == []
    assert sum(n.kind == "FakeQuantize" for n in found.result.graph) >= 3


@pytest.mark.parametrize("seed", [0, 3])
def test_the_layer_that_reads_a_huge_channel_goes_back(tmp_path: Path, seed: int) -> None:
    path = classifier(tmp_path / "a.onnx", huge=2000, seed=seed)
    found, _ = searched(path, Aware(maximal_drop=0.03))
    assert [n for n, _ in found.reverted] == ["fc1"]
    assert found.within
    assert dict(found.tries)[0] > 0.03
    assert found.ranking[0][0] == "fc1"
    assert found.ranking[0][1] > 5 * abs(found.ranking[1][1])
    assert "accuracy" in found.result.work.keep_float["fc1"]
    assert found.result.work.facts["accuracy"]["reverted"] == ["fc1"]
    after = evaluator(labelled(path, 300, seed=9))  # others than those that it was chosen on
    assert after(found.result.work.original).value - after(found.result.graph).value <= 0.05


def test_no_more_layers_go_back_than_allowed(tmp_path: Path) -> None:
    path = classifier(tmp_path / "a.onnx", huge=2000)
    found, said = searched(path, Aware(maximal_drop=0.0, most=1), options=Options(algorithms=("min-max",), bits=3))
    assert len(found.reverted) <= 1
    assert not found.within
    assert any("more than 0" in text for text in said)


def test_relative_drop(tmp_path: Path) -> None:
    path = classifier(tmp_path / "a.onnx")
    graph = cleaned(str(path))
    data = labelled(path, 200)
    half = lambda made: _score(0.5 if made is not None and any(n.kind == "FakeQuantize" for n in made) else 0.6)  # noqa: E731
    found = accuracy_aware(graph, data, ONLY_RANGES, Aware(0.2, "relative"), evaluate=half)
    assert found.allowed == pytest.approx(0.12)
    assert found.within
    assert not accuracy_aware(graph, data, ONLY_RANGES, Aware(0.1, "relative", most=1), evaluate=half).within


def _score(value: float) -> object:
    from vinoc.tools.quantize.metrics import Score

    return Score(value)


def test_few_labels_are_said_to_be_too_few(tmp_path: Path) -> None:
    found, said = searched(classifier(tmp_path / "a.onnx"), Aware(maximal_drop=0.001), count=100)
    assert not found.told
    assert any("100 labels are too few to tell" in text for text in said)
    assert found.reverted == []  # a single sample of a hundred is more than 0.001, and says nothing


def test_enough_labels_tell(tmp_path: Path) -> None:
    found, said = searched(classifier(tmp_path / "a.onnx"), Aware(maximal_drop=0.2))
    assert found.told
    assert not any("too few" in text for text in said)


def test_labels_that_fit_nothing(tmp_path: Path) -> None:
    graph = cleaned(str(classifier(tmp_path / "a.onnx")))
    with pytest.raises(UsageError, match="no labels"):
        accuracy_aware(graph, open_data({"x": features(10)}, graph))
    with pytest.raises(UsageError, match="0 to 7, the first output has 4 classes"):
        accuracy_aware(graph, open_data({"x": features(8), "labels": np.arange(8)}, graph), ONLY_RANGES)
    right = labelled(tmp_path / "a.onnx", 60)
    wrong = Samples(right.names, right.load, right.inputs, (np.asarray(right.labels) + 1) % 4)
    found = accuracy_aware(graph, wrong, ONLY_RANGES, Aware(0.5))
    assert any("labels or preparation do not fit" in text for text in found.result.work.warnings)


def test_a_metric_of_the_users_own(tmp_path: Path) -> None:
    path = classifier(tmp_path / "a.onnx", huge=2000)
    data = labelled(path, 120)
    wanted = [found.copy() for found in _outputs(path, data)]

    def closeness(found: object, labels: object) -> np.ndarray:
        return -np.array([np.abs(a[0] - b).mean() for a, b in zip(found, wanted, strict=True)])  # type: ignore[call-overload]

    found = accuracy_aware(str(path), data, ONLY_RANGES, Aware(maximal_drop=0.05), evaluate=evaluator(data, closeness))
    assert [n for n, _ in found.reverted] == ["fc1"]
    assert found.drop.lost is None
    assert found.drop.low is not None
    assert found.drop.low <= found.drop.value <= (found.drop.high or 0)


def _outputs(path: Path, data: Samples) -> list[np.ndarray]:
    return [found[0] for found in outputs(cleaned(str(path)), data)]


def test_top1_counts() -> None:
    rows = [[np.array([[0.1, 0.9]])], [np.array([[0.7, 0.3]])]]
    assert top1(rows, [1, 1]).tolist() == [True, False]


def test_exact_intervals_are_those_of_tables() -> None:
    # Clopper & Pearson's 95 % intervals, as in any table of them
    assert proportion(0, 10, 0.05) == pytest.approx((0.0, 0.3085), abs=1e-4)
    assert proportion(3, 10, 0.05) == pytest.approx((0.0667, 0.6525), abs=1e-4)
    assert proportion(10, 10, 0.05) == pytest.approx((0.6915, 1.0), abs=1e-4)
    assert proportion(81, 263, 0.05) == pytest.approx((0.2527, 0.3676), abs=1e-4)
    assert mcnemar(9, 1) == pytest.approx(2 * 11 / 1024)
    assert mcnemar(5, 5) == 1.0
    assert binomial_tail(1, 2, 0.5) == pytest.approx(0.75)


def test_the_interval_of_a_drop_covers_the_truth() -> None:
    draw = np.random.default_rng(5)
    inside = 0
    for _ in range(200):
        u = draw.random(150)
        before, after = u < 0.8, (u > 0.05) & (u < 0.82)  # the drop is 0.05 - 0.02
        drop = drop_of_hits(before, after)
        assert drop.low is not None
        assert drop.high is not None
        inside += drop.low <= 0.03 <= drop.high
    assert inside >= 190  # of 95 % or more
    means = drop_of_means(np.arange(50.0), np.arange(50.0) - 1)
    assert means.value == means.low == means.high == 1.0


def test_how_many_samples_are_needed() -> None:
    hits = np.ones(1000, bool)
    drop = drop_of_hits(hits, hits)
    enough = needed(drop, 0.001)
    assert proportion(0, enough, 0.025)[1] <= 0.001 < proportion(0, enough - 200, 0.025)[1]
    noisy = drop_of_means(np.linspace(0, 1, 400), np.linspace(0, 1, 400)[::-1] - 0.05)
    assert needed(noisy, 0.25) < 400 < needed(noisy, 0.06)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("model", "bits"), [("mnist_cntk/mnist.onnx", 8), ("mnist_cntk/mnist.onnx", 4), ("samplenet/samplenet.onnx", 8)]
)
def test_the_bound_holds_on_samples_not_seen_or_is_said_to_be_unknown(model: str, bits: int) -> None:
    graph = cleaned(str(SHARED / "models" / model))
    name = graph.input_names[0][0]
    kind = "mnist" if model.startswith("mnist") else "cifar"
    with np.load(next((SHARED / "models/data").glob(f"{kind}*.npz"))) as held:
        images, labels = held["images"].astype(np.float32), held["labels"].astype(np.int64)
    if kind == "cifar":  # red, green, blue, less their means, by their deviations
        images = (images - [125.307, 122.961, 113.8575]) / [51.5865, 50.847, 51.255]
    images = np.moveaxis(images, -1, 1) if kind == "cifar" else images[:, None]
    even, odd = (open_data({name: images[i::2], "labels": labels[i::2]}, graph) for i in (0, 1))
    found = accuracy_aware(graph, even, Options(subset=50, bits=bits), Aware(maximal_drop=0.001))
    judged = evaluator(odd)
    drop = judged(found.result.work.original).value - judged(found.result.graph).value
    told = any("labels are too few to tell" in text for text in found.result.work.warnings)
    assert drop <= 0.001 or told
    assert drop <= 0.02
    assert found.before.value == evaluator(even)(graph).value
    assert len(found.reverted) == len(found.result.work.facts["accuracy"]["reverted"])
