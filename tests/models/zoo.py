"""Models with stored inputs and outputs: the shared collection, and what ships in examples/models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from vinoc.passes.instruments import range_error

QUANTIZED = {"mobilenetv2_qdq_int8": 6e-2, "kaldi_qtdnn": 1e-2}
"""int8 models, with their tolerance. Where a value lies on the border of two steps, the order of a sum decides which
one it becomes: onnxruntime with and without its optimizations differs by 2.6e-2 on the first."""

SATURATED = ("mobilenetv2_qdq_int8",)
"""Their stored outputs contain the saturation of 16-bit sums that AVX2 machines without VNNI have (onnxruntime on
another machine is 0.11 off them): the oracle is onnxruntime on the machine at hand."""


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
        return QUANTIZED.get(self.name, 1e-3)

    @property
    def saturated(self) -> bool:
        return self.name in SATURATED

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


def onnxruntime_session(model: Model) -> Any:
    """A session of onnxruntime without its graph optimizations."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])


def onnxruntime_outputs(model: Model) -> list[dict[str, np.ndarray]]:
    """What onnxruntime computes for every case on this machine, without its graph optimizations."""
    session = onnxruntime_session(model)
    names = [o.name for o in session.get_outputs()]
    return [dict(zip(names, session.run(names, case.inputs), strict=True)) for case in model.cases()]


def openvino_outputs(model: Model, path: Path) -> list[dict[str, np.ndarray]]:
    """What real OpenVINO computes for every case from a model file, in f32, by the model's own output names."""
    import openvino

    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    out = []
    for case in model.cases():
        feed: dict[str, Any] = {
            k: v for k, v in case.inputs.items() if any(k in p.get_names() for p in compiled.inputs)
        }
        result = compiled(feed)
        out.append({name: np.array(result[name]) for name in case.outputs})
    return out


def openvino_error(model: Model, path: Path) -> float:
    """The largest error of any output of any case of a model file in real OpenVINO."""
    wanted = onnxruntime_outputs(model) if model.saturated else [case.outputs for case in model.cases()]
    pairs = zip(wanted, openvino_outputs(model, path), strict=True)
    return max(error(expected, actual[name]) for outputs, actual in pairs for name, expected in outputs.items())


@cache
def own_conversion_error(model: Model) -> float:
    """The error of OpenVINO's own conversion of the model; the model's tolerance where it cannot convert it."""
    try:
        return openvino_error(model, model.path)
    except RuntimeError:
        return model.tolerance


def save_by_openvino(model: Model, path: Path, compressed: bool) -> str:
    """Writes IR by OpenVINO's own conversion; returns why it cannot, empty when it can."""
    import openvino

    try:
        theirs = openvino.Core().read_model(str(model.path))
    except RuntimeError as problem:
        return str(problem).strip().splitlines()[-1][:100]
    openvino.save_model(theirs, str(path), compress_to_fp16=compressed)
    return ""


def agrees(actual: np.ndarray, expected: np.ndarray, stored: np.ndarray, tolerance: float) -> bool:
    """Whether outputs are those that OpenVINO computes, or nearer to the stored ones than OpenVINO's."""
    return error(expected, actual) <= tolerance or error(stored, actual) < error(stored, expected)
