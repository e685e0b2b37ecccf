"""Random graphs, quantized: valid, through IR the same, and in OpenVINO what the reference says, place by place."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.numpy import Interpreter
from vinoc.compiler.driver import read_model
from vinoc.ir import Graph
from vinoc.ir.dtype import f32
from vinoc.passes import PassManager
from vinoc.passes.instruments import range_error

from ..random_graphs import Maker
from ..test_random_graphs import CRASHES, feeds
from .util import FLOAT, compiled, forced, infer, quantized, relative, written

UNCLEAR = {220}
"""Seeds of which OpenVINO 2026.4.1 gives one output wrongly in integers, if another one is asked for too."""

NOISE = 1e-5
"""What is left of numbers about 1 that cancel."""

Case = tuple[Graph, Graph, list[np.ndarray]]


def case(seed: int) -> Case:
    """A float graph, a quantized copy of it, and inputs."""
    rng = random.Random(seed)
    graph = Maker(seed, f32, quantized=False).graph
    if rng.random() < 0.5:
        PassManager("fuse").run(graph)
    inputs = feeds(graph, seed)
    modes = {kind: {"mode": rng.choice(["symmetric", "asymmetric"])} for kind in ("activations", "weights")}
    options = {
        "form": rng.choice(["auto", "scale", "fake-quantize"]),
        "unify": rng.choice([(), ("Concat",), ("Concat", "Add", "Multiply")]),
        "weight_bits": rng.choice([4, 8]),
        "half": rng.random() < 0.5,
        "tail": rng.random() < 0.5,
    }
    return graph, quantized(graph, [inputs], {"defaults": modes}, **options), inputs


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_quantized_graphs_are_valid_and_near(seed: int) -> None:
    graph, made, inputs = case(seed)
    assert [(v.type, n) for v, n in zip(made.outputs, made.output_names, strict=True)] == [
        (v.type, n) for v, n in zip(graph.outputs, graph.output_names, strict=True)
    ]
    before = Interpreter(made).run(inputs)
    for a, b in zip(before, Interpreter(graph).run(inputs), strict=True):
        assert np.isfinite(a).all() or not np.isfinite(b).all()
    again = made.clone()
    PassManager("fuse,fold,cse,dce").run(again)
    assert [n.kind for n in again].count("FakeQuantize") <= [n.kind for n in made].count("FakeQuantize")


def through_openvino(seed: int, folder: Path) -> None:
    _, made, inputs = case(seed)
    places = [n for n in made if n.kind == "FakeQuantize" and n.outputs[0].name.endswith("/quantized")]
    for node in places:
        made.add_output(node.outputs[0], f"{node.outputs[0].name}/seen")
    path = written(made, folder / "net.xml")
    back = read_model(str(path))
    for a, b in zip(Interpreter(made).run(inputs), Interpreter(back).run(inputs), strict=True):
        assert range_error(a, b) <= 1e-3
    actual = infer(compiled(path, FLOAT), inputs)
    values = dict(zip((n.outputs[0].name for n in places), actual[len(actual) - len(places) :], strict=True))
    known = forced(made, inputs, values)
    for node in places:
        low, high = (float(np.min(node.operand(3).const)), float(np.max(node.operand(4).const)))
        step = (high - low) / (node.op.levels - 1)
        difference = np.abs(known[node.outputs[0]] - values[node.outputs[0].name])
        assert difference.max() <= 1.01 * step + 1e-5 * (high - low)
        assert (difference > 1e-3 * step).mean() <= 0.05
    for value, a in zip(made.outputs[: len(actual) - len(places)], actual, strict=False):
        if np.isfinite(known[value]).all():
            assert relative(known[value], a) <= 1e-3
    if any(n.kind == "MVN" for n in made) or seed in UNCLEAR:
        return  # behind integers OpenVINO leaves the eps of an MVN out
    for e, a in zip(Interpreter(made).run(inputs), infer(compiled(path), inputs), strict=True):
        if np.isfinite(e).all() and np.abs(e).max() > NOISE:
            assert relative(e, a) <= 0.1


@pytest.mark.parametrize("seed", range(16))
def test_openvino_computes_them(seed: int, tmp_path: Path) -> None:
    through_openvino(seed, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", [s for s in range(100, 300) if s not in CRASHES])
def test_openvino_computes_them_long(seed: int, tmp_path: Path) -> None:
    through_openvino(seed, tmp_path)
