"""Any pipeline leaves the outputs of any graph as they are: shapes, types, names and numbers."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.numpy import Interpreter
from vinoc.compiler.config import DEFAULT_PASSES
from vinoc.ir import Graph
from vinoc.ir.dtype import f32, f64
from vinoc.passes import PassManager
from vinoc.passes.fuse import Fuse
from vinoc.passes.instruments import Verify, range_error

from .random_graphs import Maker

RULES = sorted(r.name for r in Fuse().rules())
TOLERANCE = {f64: 1e-5, f32: 3e-3}
"""Of f64, what two neighbours of 65536 levels of a FakeQuantize differ by, of which the last bit decides."""


CRASHES = {191}
"""Seeds whose graph crashes OpenVINO 2026.4 while it compiles it, with and without our passes."""


def feeds(graph: Graph, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(v.shape).astype(v.dtype.numpy) for v in graph.inputs]


NOISE = {f64: 1e-12, f32: 1e-5}
"""Differences that rounding makes of numbers about 1: where they cancel, nothing else is left of an output."""


def agrees(expected: np.ndarray, actual: np.ndarray, dtype: object) -> bool:
    if range_error(expected, actual) <= TOLERANCE[dtype]:
        return True
    return expected.shape == actual.shape and float(np.abs(expected - actual).max()) <= NOISE[dtype]


def described(graph: Graph) -> list[tuple[object, ...]]:
    return [(v.dtype, v.shape, names) for v, names in zip(graph.outputs, graph.output_names, strict=True)]


def pipeline_of(seed: int) -> str:
    """The usual one, or passes in any order and any rules alone."""
    rng = random.Random(seed)
    if rng.random() < 0.5:
        return DEFAULT_PASSES
    words = rng.sample(["fuse", "fold", "cse", "dce", "sink-transposes", "move-strides", "fuse-rms-norm"], 3)
    return ",".join(rng.sample(words + rng.sample(RULES, 12), 15))


def check(seed: int, dtype: object) -> None:
    graph = Maker(seed, dtype).graph
    before = graph.clone()
    pipeline = pipeline_of(seed)
    PassManager(pipeline, [Verify()]).run(graph)
    assert described(graph) == described(before), pipeline
    inputs = feeds(before, seed)
    for a, b in zip(Interpreter(before).run(inputs), Interpreter(graph).run(inputs), strict=True):
        assert agrees(a, b, dtype), pipeline


@pytest.mark.parametrize("dtype", [f32, f64], ids=["f32", "f64"])
@settings(max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_outputs_stay(seed, dtype):
    check(seed, dtype)


@pytest.mark.long
@pytest.mark.parametrize("dtype", [f32, f64], ids=["f32", "f64"])
@settings(max_examples=600)
@given(seed=st.integers(10**6, 10**9))
def test_outputs_stay_long(seed, dtype):
    check(seed, dtype)


def check_openvino(seed: int, folder: Path) -> None:
    """Without FakeQuantize: behind a product and with so many levels OpenVINO does not limit to the range."""
    import openvino

    from vinoc.backends.openvino import OpenVinoBackend

    graph = Maker(seed, f32, quantized=False).graph
    inputs = feeds(graph, seed)
    expected = Interpreter(graph.clone()).run(inputs)
    backend = OpenVinoBackend()
    PassManager(f"{DEFAULT_PASSES},{backend.lowering}").run(graph)
    xml = next(p for p in backend.write(graph, folder, "m") if p.suffix == ".xml")
    compiled = openvino.Core().compile_model(str(xml), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = compiled([a for v, a in zip(graph.inputs, inputs, strict=True)])
    for i, (wanted, names) in enumerate(zip(expected, graph.output_names, strict=True)):
        assert compiled.outputs[i].get_names() & set(names)
        assert agrees(wanted, np.asarray(results[i]), f32)


@pytest.mark.parametrize("seed", range(12))
def test_openvino_agrees(seed, tmp_path):
    check_openvino(seed, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", [s for s in range(100, 300) if s not in CRASHES])
def test_openvino_agrees_long(seed, tmp_path):
    check_openvino(seed, tmp_path)
