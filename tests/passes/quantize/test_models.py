"""Real models, quantized by the ranges of a run on the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vinoc.backends.numpy import Interpreter
from vinoc.compiler.driver import read_model
from vinoc.ir import Graph
from vinoc.passes import PassManager

from ...conftest import SHARED
from ...models.zoo import onnx_models
from .util import APART, FLOAT, compiled, forced, infer, precisions, quantized, relative, written

MODELS = {m.name: m for m in onnx_models(SHARED)} if (SHARED / "models").is_dir() else {}
NAMES = ("samplenet", "blazeface", "facemesh")
CHAOS = 0.08
"""Relative difference of outputs after dozens of layers, one value of which lay between two levels."""


def model(name: str) -> tuple[Graph, list[list[np.ndarray]]]:
    graph = read_model(str(MODELS[name].path))
    PassManager("fuse").run(graph)
    return graph, [[case.inputs[names[0]] for names in graph.input_names] for case in MODELS[name].cases()]


@pytest.mark.shared
@pytest.mark.parametrize("name", NAMES)
def test_sizes_precisions_and_numbers(name: str, tmp_path: Path) -> None:
    graph, inputs = model(name)
    made = quantized(graph, inputs)
    whole = written(graph, tmp_path / "float.xml").with_suffix(".bin").stat().st_size
    path = written(made, tmp_path / "int8.xml")
    assert path.with_suffix(".bin").stat().st_size <= 0.27 * whole
    products = precisions(compiled(path, APART), "Convolution", "FullyConnected")
    assert {precision for _, precision in products} == {"u8"}
    assert products.total() == sum(n.kind in ("Convolution", "GroupConvolution", "MatMul") for n in graph)
    expected, plain = Interpreter(made).run(inputs[0]), Interpreter(graph).run(inputs[0])
    for a, e, p in zip(infer(compiled(path, FLOAT), inputs[0]), expected, plain, strict=True):
        assert relative(e, a) <= (1e-3 if name == "samplenet" else CHAOS)
        assert 1e-4 < relative(p, e) <= CHAOS


@pytest.mark.shared
@pytest.mark.parametrize("name", NAMES)
def test_every_place_agrees(name: str, tmp_path: Path) -> None:
    """OpenVINO, in floats, and the reference, node by node: what enters each FakeQuantize, and the level that it takes
    but for values between two."""
    graph, inputs = model(name)
    made = quantized(graph, inputs[:1])
    places = [n for n in made if n.kind == "FakeQuantize"]
    while made.outputs:
        made.remove_output(0)
    for node in places:
        made.add_output(node.outputs[0], node.outputs[0].name)
        made.add_output(node.operand(0), f"{node.outputs[0].name}/before")
    actual = infer(compiled(written(made, tmp_path / "net.xml"), FLOAT), inputs[0])
    after, before = actual[::2], actual[1::2]
    values = {n.outputs[0].name: a for n, a in zip(places, after, strict=True)}
    computed = forced(made, inputs[0], values)
    for node, a, entering in zip(places, after, before, strict=True):
        assert relative(computed[node.operand(0)], entering) <= 1e-5
        low, high = (float(node.operand(i).const) for i in (3, 4))
        step = (high - low) / (node.op.levels - 1)
        difference = np.abs(computed[node.outputs[0]] - a) / step
        assert difference.max() <= 1.001
        assert (difference > 1e-3).mean() <= 2e-3


@pytest.mark.shared
def test_four_bits_halve_a_model_again(tmp_path: Path) -> None:
    graph, inputs = model("facemesh")
    made = quantized(graph, inputs[:1], weight_bits=4)
    whole = written(graph, tmp_path / "float.xml").with_suffix(".bin").stat().st_size
    path = written(made, tmp_path / "int4.xml")
    assert path.with_suffix(".bin").stat().st_size <= 0.155 * whole
    assert precisions(compiled(path), "Convolution") == {("Convolution", "u8"): 45}
