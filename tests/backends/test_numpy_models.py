"""Real models: the interpreter against their reference outputs, generated modules against the interpreter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vinoc.backends.numpy import Interpreter, NumpyBackend
from vinoc.compiler.frontends.onnx import load

from ..conftest import SHARED
from .numpy_modules import run_isolated

MODELS = ("mnist_cntk/mnist", "bert_toy/*", "blazeface/blazeface", "silero_vad_16k/*", "stories260k/*")


@pytest.mark.shared
@pytest.mark.parametrize("pattern", MODELS)
def test_model(pattern: str, tmp_path: Path) -> None:
    (path,) = (SHARED / "models").glob(f"{pattern}.onnx")
    graph = load(path)
    with np.load(path.parent / "io" / "io.npz") as file:
        io = dict(file)
    info = json.loads((path.parent / "io" / "io.json").read_text())
    assert len(graph.inputs) <= len(info["inputs"])
    NumpyBackend().write(graph, tmp_path, "net")
    interpreter = Interpreter(graph)
    inputs = [io[f"c0_in{k}"] for k in range(len(graph.inputs))]
    results = interpreter.run(inputs)
    named = {names[0]: array for names, array in zip(graph.input_names, inputs)}
    generated = run_isolated(tmp_path, {"net": named})["net"]
    for k, (names, result) in enumerate(zip(graph.output_names, results)):
        wanted = io[f"c0_out{k}"]
        np.testing.assert_allclose(result, wanted, rtol=0, atol=2e-5 * max(float(np.ptp(wanted)), 1.0))
        np.testing.assert_array_equal(generated[names[0]], result)
        assert generated[names[0]].dtype == wanted.dtype
