"""POT's Python names: scripts as they were written for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinoc.backends.numpy import Interpreter
from vinoc.compiler.driver import read_model
from vinoc.ir.errors import UsageError
from vinoc.tools.quantize.pot.api import (
    DataLoader,
    IEEngine,
    Metric,
    compress_model_weights,
    create_pipeline,
    load_model,
    sample_of,
    save_model,
)

from .nets import classifier, clear, features


class Features(DataLoader):
    """Inputs of the classifier with the classes that it finds, in one of POT's forms."""

    def __init__(self, path: Path, count: int, old: bool = False) -> None:
        super().__init__({})
        graph = read_model(path)
        inputs = features(2 * count)
        rows = np.stack([np.asarray(Interpreter(graph).run([x])[0]).reshape(-1) for x in inputs])
        kept = clear(rows, count)
        self.inputs, self.labels, self.old = inputs[kept], rows[kept].argmax(axis=1), old

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> Any:
        data, label = self.inputs[index], int(self.labels[index])
        return ((index, label), data) if self.old else ({"x": data}, label)


class Accuracy(Metric):
    """As in POT's samples."""

    def __init__(self) -> None:
        self.hits: list[float] = []

    @property
    def value(self) -> dict[str, list[float]]:
        return {"accuracy": [self.hits[-1]]}

    @property
    def avg_value(self) -> dict[str, float]:
        return {"accuracy": float(np.ravel(self.hits).mean())}

    def update(self, output: Any, target: Any) -> None:
        self.hits += [float(np.argmax(row) == t) for row, t in zip(output[0], target, strict=True)]

    def reset(self) -> None:
        self.hits = []

    def get_attributes(self) -> dict[str, dict[str, str]]:
        return {"accuracy": {"direction": "higher-better", "type": "accuracy"}}


def steps(name: str = "DefaultQuantization", **params: Any) -> list[dict[str, Any]]:
    return [{"name": name, "params": {"stat_subset_size": 60, "target_device": "ANY", "stat_batch_size": 1, **params}}]


def quantized(path: Path) -> set[str]:
    graph = read_model(path)
    return {user.label for n in graph if n.kind == "FakeQuantize" for user in n.output.users}


@pytest.mark.parametrize("old", [False, True])
def test_a_script_for_default_quantization(tmp_path: Path, old: bool) -> None:
    path = classifier(tmp_path / "a.onnx")
    said: list[str] = []
    model = load_model({"model_name": "net", "model": str(path), "weights": str(tmp_path / "a.bin")})
    engine = IEEngine({"device": "CPU"}, Features(path, 80, old), Accuracy())
    pipeline = create_pipeline(steps(), engine, said.append)
    assert any("one by one" in text for text in said)
    made = pipeline.run(model)
    compress_model_weights(made)
    (files,) = save_model(made, tmp_path / "optimized", "net8")
    assert files == {"name": "net8", "model": str(tmp_path / "optimized/net8.xml"),
                     "weights": str(tmp_path / "optimized/net8.bin")}  # fmt: skip
    assert quantized(Path(files["model"]))
    assert pipeline.evaluate(made)["accuracy"] > 0.95
    assert pipeline.evaluate(model)["accuracy"] == 1.0


def test_accuracy_aware(tmp_path: Path) -> None:
    path = classifier(tmp_path / "a.onnx", huge=2000)
    engine = IEEngine({}, Features(path, 200), Accuracy())
    asked = steps("AccuracyAwareQuantization", maximal_drop=0.01, base_algorithm="MinMaxQuantization",
                  ignored={"scope": ["fc2", "fc9"]})  # fmt: skip
    said: list[str] = []
    pipeline = create_pipeline(asked, engine, said.append)
    made = pipeline.run(load_model({"model": path}))
    assert made.facts["accuracy"]["reverted"] == ["fc1"]
    assert made.facts["accuracy"]["samples"] == 200
    (files,) = save_model(made, tmp_path)
    assert not {"fc1", "fc2"} & quantized(Path(files["model"]))
    assert any("'fc9' is not in the model" in text for text in said)


def test_a_metric_that_is_better_when_lower(tmp_path: Path) -> None:
    class Errors(Accuracy):
        def update(self, output: Any, target: Any) -> None:
            super().update(output, target)
            self.hits[-1] = 1.0 - self.hits[-1]

        def get_attributes(self) -> dict[str, dict[str, str]]:
            return {"accuracy": {"direction": "higher-worse", "type": "errors"}}

    path = classifier(tmp_path / "a.onnx", huge=2000)
    asked = steps("AccuracyAwareQuantization", maximal_drop=0.01, base_algorithm="MinMaxQuantization")
    made = create_pipeline(asked, IEEngine({}, Features(path, 120), Errors()), str).run(load_model({"model": path}))
    assert "fc1" in made.facts["accuracy"]["reverted"]


def test_faults(tmp_path: Path) -> None:
    path = classifier(tmp_path / "a.onnx")
    engine = IEEngine({}, Features(path, 8))
    with pytest.raises(UsageError, match="did you mean 'preset'") as error:
        create_pipeline([*steps(prest="mixed"), {"name": "FastBias"}], engine)
    assert "there is no algorithm 'FastBias'" in str(error.value)
    with pytest.raises(UsageError, match="no metric"):
        create_pipeline(steps("AccuracyAwareQuantization"), engine, str).run(load_model({"model": path}))
    with pytest.raises(UsageError, match="no data"):
        create_pipeline(steps(), IEEngine({}), str).run(load_model({"model": path}))
    with pytest.raises(UsageError, match="cascades"):
        load_model({"model_name": "a", "cascade": []})


def test_forms_of_samples() -> None:
    data = np.zeros(2)
    for item in ((data, 5), ((0, 5), data), ((0, 5), data, "meta"), (data, 5, "meta")):
        found = sample_of(item)
        assert found.data is data
        assert found.annotation == 5
        assert found.metadata == ("meta" if len(item) == 3 else None)
    assert sample_of(data).data is data
