"""Models with stored inputs and outputs: the shared collection, and what ships in examples/models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vinoc.passes.instruments import range_error

QUANTIZED = ("mobilenetv2_qdq_int8", "kaldi_qtdnn")


@dataclass(frozen=True)
class Case:
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]


@dataclass(frozen=True)
class Model:
    name: str
    path: Path
    data: Path
    meta: Path

    @property
    def quantized(self) -> bool:
        return self.name in QUANTIZED

    @property
    def tolerance(self) -> float:
        return 1e-2 if self.quantized else 1e-3

    def cases(self) -> Iterator[Case]:
        names = json.loads(self.meta.read_text())
        with np.load(self.data) as data:
            for c in range(1 + max(int(k[1:].split("_")[0]) for k in data.files if k.startswith("c"))):
                yield Case(
                    {n: data[f"c{c}_in{j}"] for j, n in enumerate(names["inputs"])},
                    {n: data[f"c{c}_out{j}"] for j, n in enumerate(names["outputs"])},
                )


def onnx_models(shared: Path) -> list[Model]:
    found = []
    for path in sorted(shared.glob("models/*/*.onnx")):
        io = path.parent / "io"
        found.append(Model(path.parent.name, path, io / "io.npz", io / "io.json"))
    return found


error = range_error


def openvino_outputs(model: Model, path: Path) -> list[list[np.ndarray]]:
    """What real OpenVINO computes for every case, in f32."""
    import openvino

    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    out = []
    for case in model.cases():
        feed: dict[str, Any] = {
            k: v for k, v in case.inputs.items() if any(k in p.get_names() for p in compiled.inputs)
        }
        result = compiled(feed)
        out.append([np.array(result[i]) for i in range(len(compiled.outputs))])
    return out


def openvino_error(model: Model, path: Path) -> float:
    """The largest error of any output of any case, addressed by the model's own output names."""
    import openvino

    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    worst = 0.0
    for case in model.cases():
        feed = {k: v for k, v in case.inputs.items() if any(k in p.get_names() for p in compiled.inputs)}
        result = compiled(feed)
        for name, expected in case.outputs.items():
            worst = max(worst, error(expected, np.array(result[name])))
    return worst
