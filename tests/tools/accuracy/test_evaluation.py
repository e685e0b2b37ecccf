"""Evaluations: figures that are known, models judged from Python, files of the shared collection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinoc
from vinoc.ir.errors import VinocError
from vinoc.tools.accuracy import evaluate
from vinoc.tools.accuracy.adapters.base import Frames, Outputs, adapter
from vinoc.tools.accuracy.base import Metric, Result, metric
from vinoc.tools.accuracy.judge import Judge
from vinoc.tools.accuracy.representation import ClassificationAnnotation, Meta
from vinoc.tools.accuracy.results import Wanted, findings
from vinoc.tools.accuracy.strays import Strays

from ...conftest import SHARED

pytest.importorskip("yaml")

MNIST = Path(__file__).resolve().parents[3] / "examples" / "models" / "mnist" / "mnist.onnx"
LAUNCHERS = ("vinoc", "onnx_runtime", "openvino")
MODELS = SHARED / "models"


def digits(path: Path) -> tuple[Any, Any]:
    """Strokes of a few pixels' width on black, each of a class that is not always right."""
    rng = np.random.default_rng(3)
    images = np.zeros((24, 28, 28), np.uint8)
    for image in images:
        for _ in range(3):
            a, b = rng.integers(5, 23, (2, 2))
            for t in np.linspace(0, 1, 40):
                y, x = np.rint(a + t * (b - a)).astype(int)
                image[y - 1 : y + 2, x - 1 : x + 2] = 255
    import onnxruntime

    scores = [
        onnxruntime.InferenceSession(MNIST).run(None, {"Input3": i[None, None].astype(np.float32)})[0][0]
        for i in images
    ]
    labels = np.argmax(scores, axis=1)
    labels[::5] = (labels[::5] + 1) % 10
    np.savez(path, images=images, labels=labels)
    return np.array(scores), labels


def config(npz: Path, model: Path = MNIST, **dataset: Any) -> dict[str, Any]:
    metrics = [{"type": "accuracy"}, {"type": "accuracy", "name": "top2", "top_k": 2}]
    given = {
        "name": "digits",
        "annotation_conversion": {"converter": "npz", "annotation_file": str(npz)},
        "reader": {"type": "opencv_imread", "reading_flag": "gray"},
        "metrics": metrics,
        **dataset,
    }
    launcher = {"framework": "dlsdk", "model": str(model), "adapter": "classification", "precision": "f32"}
    return {"models": [{"name": "mnist", "launchers": [launcher], "datasets": [given]}]}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_accuracy_of_a_model(launcher: str, tmp_path: Path) -> None:
    scores, labels = digits(tmp_path / "d.npz")
    found = evaluate(config(tmp_path / "d.npz"), launcher=launcher)
    order = np.argsort(-scores, axis=1)
    expected = {
        "accuracy": np.mean(order[:, 0] == labels),
        "top2": np.mean((order[:, :2] == labels[:, None]).any(axis=1)),
    }
    assert found == pytest.approx(expected)
    assert found["accuracy"] == pytest.approx(19 / 24)


def test_one_judge_for_several_models_and_parts_of_the_data(tmp_path: Path) -> None:
    scores, labels = digits(tmp_path / "d.npz")
    judge = Judge(config(tmp_path / "d.npz"))
    model = vinoc.Core().read_model(MNIST)
    assert len(judge) == 24
    whole = judge(model)
    assert whole == judge(MNIST) == judge()
    odd = range(1, 24, 2)
    assert judge(model, odd)["accuracy"] == pytest.approx(np.mean(scores[odd].argmax(axis=1) == labels[odd]))
    outcome = judge.run(model, keep=True)
    assert [int(np.argmax(p.scores)) for p in outcome.predictions] == scores.argmax(axis=1).tolist()
    (tmp_path / "d.npz").unlink()
    assert judge(model) == whole, "data are read once"
    with pytest.raises(VinocError, match="no samples are left"):
        judge(model, [])


def test_a_judge_wants_one_data_set(tmp_path: Path) -> None:
    digits(tmp_path / "d.npz")
    given = config(tmp_path / "d.npz")
    given["models"][0]["datasets"].append({**given["models"][0]["datasets"][0], "name": "other"})
    with pytest.raises(VinocError, match="2 data sets: digits, other"):
        Judge(given)


def test_a_metric_for_other_annotations_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=np.zeros((2, 28, 28), np.uint8), labels=np.zeros((2, 3)))
    given = config(tmp_path / "d.npz")
    given["models"][0]["datasets"][0]["annotation_conversion"]["kind"] = "regression"
    with pytest.raises(VinocError, match="takes ClassificationAnnotation, the data set has RegressionAnnotation"):
        evaluate(given)


def judged(value: float, reference: Any, **thresholds: float) -> list[tuple[str, bool | None]]:
    made: Metric = metric.make("accuracy", {})
    result = Result(value, {"a": 0.25, "b": 1.0})
    return [(f.name, f.passed) for f in findings(Wanted("m", made, reference, **thresholds), result)]


def test_references() -> None:
    assert judged(0.5, None, abs_threshold=0.1) == [("m", None)]
    assert judged(0.5, 0.4) == [("m", None)]
    assert judged(0.5, 0.4, abs_threshold=0.1) == [("m", True)]
    assert judged(0.5, 0.6, abs_threshold=0.099) == [("m", False)]
    assert judged(0.5, 40, abs_threshold=10) == [("m", True)]
    assert judged(0.5, 40, abs_threshold=9) == [("m", False)]
    assert judged(0.5, 0.4, rel_threshold=0.25) == [("m", True)]
    assert judged(0.5, 0.4, rel_threshold=0.2, abs_threshold=1) == [("m", False)]
    assert judged(0.5, {"mean": 0.5, "a": 0.25, "b": 0.5}, abs_threshold=0.1) == [
        ("m", True),
        ("m@a", True),
        ("m@b", False),
    ]
    assert judged(float("nan"), 0.4, abs_threshold=1) == [("m", False)]


@pytest.mark.shared
@pytest.mark.parametrize("launcher", LAUNCHERS)
@pytest.mark.parametrize(
    ("model", "data", "accuracy", "dataset"),
    [
        ("mnist_cntk", "mnist_test_1000", 0.9910, {}),
        (
            "samplenet",
            "cifar10_test_600",
            0.558,
            {
                "reader": "pillow_imread",
                "preprocessing": [
                    {"type": "normalization", "mean": "125.307,122.961,113.8575", "std": "51.5865,50.847,51.255"}
                ],
            },
        ),
    ],
)
def test_accuracies_of_the_collection(launcher: str, model: str, data: str, accuracy: float, dataset: Any) -> None:
    (file,) = (MODELS / model).glob("*.onnx")
    found = evaluate(config(MODELS / "data" / f"{data}.npz", file, **dataset), launcher=launcher)
    assert found["accuracy"] == pytest.approx(accuracy, abs=5e-4)


def faces(path: Path, names: list[str], boxes: dict[str, Any]) -> None:
    """Boxes in the form of WIDER FACE."""
    lines = []
    for name in names:
        found = boxes.get(name, [])
        lines += [name, str(len(found))]
        lines += [f"{x0} {y0} {x1 - x0} {y1 - y0} 0 0 0 0 0 0" for x0, y0, x1, y1 in found] or ["0 0 0 0 0 0 0 0 0 0"]
    path.write_text("\n".join(lines))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("model", "adapter", "resize", "normalization"),
    [
        ("ultraface_rfb_320", {"type": "ultraface", "boxes_out": "boxes", "scores_out": "scores"},
         {"dst_width": 320, "dst_height": 240}, {"mean": 127, "std": 128}),
        ("blazeface", {"type": "blazeface", "boxes_out": "regressors", "scores_out": "classificators"},
         {"size": 128}, {"mean": 127.5, "std": 127.5}),
    ],
)  # fmt: skip
def test_detections_of_the_float_model_are_all_found_again(
    model: str, adapter: Any, resize: Any, normalization: Any, tmp_path: Path
) -> None:
    pytest.importorskip("PIL")
    folder = MODELS / "data" / "faces"
    names = sorted(p.name for p in folder.glob("*.jpg"))[::4]
    faces(tmp_path / "faces.txt", names, {})
    (file,) = (MODELS / model).glob("*.onnx")
    dataset = {
        "name": "faces",
        "data_source": str(folder),
        "annotation_conversion": {"converter": "wider", "annotation_file": str(tmp_path / "faces.txt")},
        "preprocessing": [
            {"type": "bgr_to_rgb"}, {"type": "resize", **resize}, {"type": "normalization", **normalization},
        ],
        "postprocessing": [{"type": "nms", "overlap": 0.5}, {"type": "resize_prediction_boxes"}],
        "metrics": [{"type": "map"}, {"type": "detection_f1"}],
    }  # fmt: skip
    launcher = {"framework": "dlsdk", "model": str(file), "adapter": adapter, "precision": "f32"}
    given: Any = {"models": [{"name": model, "datasets": [dataset], "launchers": [launcher]}]}
    first = Judge(given, launcher="onnx_runtime").run(keep=True)
    boxes = {p.identifier: p.boxes for p in first.predictions}
    assert sum(map(len, boxes.values())) > 10
    faces(tmp_path / "faces.txt", names, boxes)
    for name in ("vinoc", "openvino"):
        assert evaluate(given, launcher=name) == pytest.approx({"map": 1.0, "detection_f1": 1.0}, abs=0.03), name
    assert evaluate(given, launcher="onnx_runtime") == {"map": 1.0, "detection_f1": 1.0}


def test_classes_that_the_model_does_not_have(tmp_path: Path) -> None:
    """Labels counted from 1 are told of, and are wrong; where the output is a class, none is known to be missing."""
    labels = np.array([1, 10, 10, -1])
    np.savez(tmp_path / "d.npz", images=np.zeros((4, 28, 28), np.uint8), labels=labels)
    outcome = Judge(config(tmp_path / "d.npz", metrics=[{"type": "accuracy"}, {"type": "log_loss"}])).run()
    (remark,) = [r for r in outcome.remarks if "class" in r]
    assert remark.startswith("3 of 4 samples are of a class that the model does not have: it gives 10 scores")
    assert "there is a 10" in remark
    assert outcome.values["log_loss"] > 27  # of three in four it is -ln 2^-52 = 36
    digits(tmp_path / "d.npz")
    assert not [r for r in Judge(config(tmp_path / "d.npz")).run().remarks if "class" in r]
    for chosen in ({"argmax_output": True}, {"fixed_output": True}):
        outputs, frames = Outputs([("y",)], [np.array([[3.0], [4.0]])]), Frames(["a", "b"], [Meta()] * 2)
        said = adapter.make("classification", chosen).predict(outputs, frames)
        strays = Strays()
        for prediction in said:
            strays.add(ClassificationAnnotation(identifier="a", label=7), prediction)
        assert not list(strays.remarks())
