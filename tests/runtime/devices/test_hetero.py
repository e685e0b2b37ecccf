"""HETERO: a model divided between devices computes what the undivided one does."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vinoc
from tests.conftest import SHARED
from vinoc.compiler.samples import random_inputs
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32
from vinoc.ir.graph import Graph
from vinoc.ir.text import parse_graph
from vinoc.ir.types import TensorType
from vinoc.runtime.devices.partition import partition

from . import sample

Install = Callable[..., None]

MODELS = {
    "mnist_cntk/mnist.onnx": 1,
    "blazeface/blazeface.onnx": 1,
    "bert_toy/bert_toy_optimized.onnx": 8,
    "light_squeezenet/light_squeezenet.onnx": 1,
    "samplenet/samplenet.onnx": 1,
    "dtln_1/model_1.onnx": 1,
    "ultraface_rfb_320/version-RFB-320.onnx": 1,
    "facemesh/facemesh.onnx": 1,
    "stories260k/stories260k.onnx": 1,
    "vittrack/vitTracker.onnx": 1,
    "fastestdet/FastestDet.onnx": 1,
    "kaldi_qtdnn/model.onnx": 20,
}
"""Models, and the size of their open dimensions."""


def same(expected: Any, found: Any, within: float = 1e-5) -> None:
    """Equal up to rounding: sums of many products are taken in another order where a part has other neighbours."""
    assert len(expected) == len(found)
    for a, b in zip(expected, found, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        scale = float(np.max(np.abs(a.astype(np.float64)), initial=1e-3))
        np.testing.assert_allclose(b.astype(np.float64), a.astype(np.float64), rtol=0, atol=within * scale)


@pytest.mark.shared
@pytest.mark.parametrize("name", MODELS)
def test_random_affinities_give_the_undivided_result(name: str, install: Install) -> None:
    install("OTHER")
    core, choice = vinoc.Core(), random.Random(name)
    model = core.read_model(SHARED / "models" / name)
    whole = core.compile_model(model, "CPU")
    for node in model.graph:
        node.rt_info["affinity"] = choice.choice(["CPU", "OTHER"])
    divided = core.compile_model(model, "HETERO:CPU,OTHER")
    assert divided.get_property("HETERO_NUMBER_OF_SUBMODELS") > 2
    assert divided.get_property("EXECUTION_DEVICES") == ["CPU", "OTHER"]
    for seed in range(2):
        inputs = random_inputs(model.graph, MODELS[name], seed)
        same(whole(inputs).to_tuple(), divided(inputs).to_tuple())


SOFT = """
graph soft(x: f32[N,4]) -> (y as ("probabilities"), m) where N in 1..9 {
  k = Constant() : f32[4,4] = [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]
  m = MatMul(x, k)  @"matrix"
  s = SoftMax(m) {axis=1}  @"soft"
  t = Multiply(s, s)  @"square"
  y = Add(t, m)  @"sum"
}
"""


def test_what_a_device_lacks_falls_to_the_next(install: Install) -> None:
    install("NOSOFTMAX")
    core = vinoc.Core()
    model = vinoc.Model(parse_graph(SOFT))
    found = core.query_model(model, "HETERO:NOSOFTMAX,CPU")
    assert {k: v for k, v in found.items() if k in ("matrix", "soft", "square", "sum", "k", "x")} == {
        "matrix": "NOSOFTMAX",
        "soft": "CPU",
        "square": "NOSOFTMAX",
        "sum": "NOSOFTMAX",
        "k": "NOSOFTMAX",
        "x": "NOSOFTMAX",
    }
    assert "soft" not in core.query_model(model, "NOSOFTMAX")
    divided, whole = (core.compile_model(model, d) for d in ("HETERO:NOSOFTMAX,CPU", "CPU"))
    for rows in (1, 5, 9):
        x = np.random.default_rng(rows).normal(size=(rows, 4)).astype(np.float32)
        same(whole(x).to_tuple(), divided(x).to_tuple())
    assert sample.NoSoftMax.runs == 6  # two parts
    assert divided.get_property("HETERO_NUMBER_OF_SUBMODELS") == 3
    assert divided(x)["probabilities"].shape == (9, 4)
    steps = [(n.rt_info["device"], n.rt_info["layerType"]) for n in divided.get_runtime_model().graph if n.rt_info]
    assert ("CPU", "SoftMax") in steps
    assert ("NOSOFTMAX", "MatMul") in steps
    with pytest.raises(vinoc.VinocError, match=r"'soft' \(SoftMax\): it has no SoftMax(.|\n)*HETERO:NOSOFTMAX,CPU"):
        core.compile_model(model, "NOSOFTMAX")


@pytest.mark.shared
def test_every_node_has_a_device(install: Install) -> None:
    install("NOSOFTMAX")
    core = vinoc.Core()
    model = core.read_model(SHARED / "models" / "bert_toy" / "bert_toy_optimized.onnx")
    for device in ("CPU", "TEMPLATE", "AUTO", "HETERO:NOSOFTMAX,TEMPLATE", "MULTI:CPU,TEMPLATE"):
        found = core.query_model(model, device)
        assert len(found) == len(model.graph) + len(model.inputs) + len(model.outputs)
        allowed = {"NOSOFTMAX", "TEMPLATE"} if device.startswith("HETERO") else {device.partition(":")[0]}
        assert set(found.values()) == allowed


def test_mixed_precision_goes_where_it_can(install: Install) -> None:
    install("HALF")
    text = """
    graph mixed(x: f32[8]) -> (y, h) {
      c = Convert(x) {destination_type=f16}
      r = ReLU(c)
      h = Sigmoid(r)
      w = Convert(h) {destination_type=f32}
      y = Add(w, x)
    }
    """
    core, model = vinoc.Core(), vinoc.Model(parse_graph(text))
    devices = core.query_model(model, "HETERO:HALF,TEMPLATE")
    assert {n: devices[n] for n in "crhwy"} == {
        "c": "TEMPLATE",
        "r": "HALF",
        "h": "HALF",
        "w": "TEMPLATE",
        "y": "TEMPLATE",
    }
    x = np.linspace(-3, 3, 8, dtype=np.float32)
    divided, whole = (core.compile_model(model, d) for d in ("HETERO:HALF,TEMPLATE", "TEMPLATE"))
    same(whole(x).to_tuple(), divided(x).to_tuple(), 0)
    assert sample.Half.runs == 1
    with pytest.raises(vinoc.VinocError, match=r"no device of HETERO can compute '.*HALF: it has no f32"):
        core.compile_model(vinoc.Model(parse_graph(SOFT)), "HETERO:HALF")


def test_affinities_by_hand(install: Install) -> None:
    install("NOSOFTMAX")
    core, model = vinoc.Core(), vinoc.Model(parse_graph(SOFT))
    nodes = {n.label: n for n in model.graph}
    nodes["square"].rt_info["affinity"] = "cpu"
    assert core.query_model(model, "HETERO:NOSOFTMAX,CPU")["square"] == "CPU"
    assert model.clone().graph.first is not model.graph.first
    assert core.query_model(model.clone(), "HETERO:NOSOFTMAX,CPU")["square"] == "CPU"
    nodes["soft"].rt_info["affinity"] = "NOSOFTMAX"
    with pytest.raises(vinoc.UsageError, match="affinity is NOSOFTMAX, which cannot compute it: it has no SoftMax"):
        core.compile_model(model, "HETERO:NOSOFTMAX,CPU")
    nodes["soft"].rt_info["affinity"] = "TEMPLATE"
    with pytest.raises(vinoc.UsageError, match="affinity is TEMPLATE, which is not one of the devices"):
        core.compile_model(model, "HETERO:NOSOFTMAX,CPU")


def test_times_are_those_of_the_devices_that_keep_them() -> None:
    core, model = vinoc.Core(), vinoc.Model(parse_graph(SOFT))
    next(n for n in model.graph if n.label == "soft").rt_info["affinity"] = "TEMPLATE"
    x = np.zeros((1, 4), np.float32)
    request = core.compile_model(model, "HETERO:CPU,TEMPLATE", {"PERF_COUNT": True}).create_infer_request()
    request.infer(x)
    assert {i.node_name for i in request.get_profiling_info()} == {"matrix", "square + sum"}
    request = core.compile_model(model, "HETERO:CPU,TEMPLATE").create_infer_request()
    request.infer(x)
    with pytest.raises(vinoc.UsageError, match="PERF_COUNT"):
        request.get_profiling_info()
    assert list(core.get_versions("HETERO:CPU,TEMPLATE")) == ["CPU", "TEMPLATE", "HETERO"]


@pytest.mark.parametrize("device", ["HETERO", "HETERO:", "HETERO:HETERO", "HETERO:-CPU", "HETERO:XPU"])
def test_names_that_say_nothing_are_refused(device: str) -> None:
    with pytest.raises(vinoc.UsageError, match=r"HETERO|no device"):
        vinoc.Core().compile_model(vinoc.Model(parse_graph(SOFT)), device)


STATE = """
graph counter(x: f32[2], z: f32[2]) -> (y, r, x, k, y) {
  k = Constant() : f32[2] = [1,2]
  r = ReadValue(z) {variable_id=v, variable_type=f32, variable_shape=[2]}
  a = Multiply(x, k)  @"a"
  y = Add(a, r)  @"y"
  q = Sigmoid(y)
  w = Assign(y) {variable_id=v}
}
"""


@pytest.mark.parametrize("second", ["CPU", "TEMPLATE"])
def test_variables_are_the_whole_models(second: str) -> None:
    core, model = vinoc.Core(), vinoc.Model(parse_graph(STATE))
    whole = core.compile_model(model, "TEMPLATE")
    next(n for n in model.graph if n.label == "y").rt_info["affinity"] = second
    divided = core.compile_model(model, "HETERO:TEMPLATE,CPU")
    z = np.array([10, 20], np.float32)
    requests = [m.create_infer_request() for m in (whole, divided, divided)]
    for k in range(4):
        x = np.array([k, 1], np.float32)
        results = [r.infer([x, z]).to_tuple() for r in requests[: 2 + (k == 3)]]
        same(results[0], results[1], 1e-6)
        for result in results[1]:  # the caller's own, even where it is an input, a constant or a variable
            result += 100
        np.testing.assert_array_equal(x, [k, 1])
    np.testing.assert_array_equal(results[2][1], z)  # a request of its own begins anew
    (state,) = requests[1].query_state()
    assert state.name == "v"
    state.state = vinoc.Tensor(np.array([5, 6], np.float32))
    np.testing.assert_array_equal(requests[1].infer([x, z]).to_tuple()[1], [5, 6])
    for request in requests[:2]:
        request.reset_state()
    same(requests[0].infer([x, z]).to_tuple(), requests[1].infer([x, z]).to_tuple(), 1e-6)


def test_sequences_and_optionals_are_handed_over() -> None:
    text = "graph g(s: seq<f32[2]>, o: optional<f32[2]>, x: f32[2]) -> (s, o, y) {\n  r = ReLU(x)\n  y = Add(r, r)\n}"
    core, model = vinoc.Core(), vinoc.Model(parse_graph(text))
    next(iter(model.graph)).rt_info["affinity"] = "TEMPLATE"
    divided = core.compile_model(model, "HETERO:CPU,TEMPLATE")
    sequence, nothing, y = divided([[np.ones(2), np.zeros(2)], None, np.array([-1.0, 2.0])]).to_tuple()
    assert [v.tolist() for v in sequence] == [[1, 1], [0, 0]]
    assert nothing is None
    assert y.tolist() == [0, 4]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Networks of sums and products over earlier values, drawn at random."""
    graph = Graph("drawn")
    b = Builder(graph)
    values = [graph.add_input(TensorType(f32, (2, 3)), f"x{i}") for i in range(2)]
    values.append(b.const(np.array([0.5, -1, 2], np.float32), f32))
    for i in range(draw(st.integers(1, 14))):
        first, second = (values[draw(st.integers(0, len(values) - 1))] for _ in range(2))
        made = getattr(b, draw(st.sampled_from(["Add", "Subtract", "Maximum", "Multiply"])))(first, second)
        made = b.Tanh(made) if draw(st.booleans()) else made
        made.name = f"v{i}"
        made.node.rt_info["affinity"] = draw(st.sampled_from(["CPU", "TEMPLATE"]))
        values.append(made)
    for value in draw(st.lists(st.sampled_from(values), min_size=1, max_size=4)):
        graph.add_output(value, "")
    return graph


@settings(max_examples=40)
@given(graphs())
def test_any_graph_is_divided_into_parts_without_cycles(graph: Graph) -> None:
    devices = {n: n.rt_info.get("affinity", "CPU") for n in graph}
    parts = partition(graph, devices)
    ready = set(graph.inputs)
    for part in parts:
        assert {devices[n] for n in part.nodes} == {part.device}
        assert set(part.inputs) <= ready
        ready.update(part.outputs)
    assert sorted(n.label for p in parts for n in p.nodes) == sorted(n.label for n in graph if n.kind != "Constant")
    core, model = vinoc.Core(), vinoc.Model(graph)
    inputs = [np.random.default_rng(i).normal(size=(2, 3)).astype(np.float32) for i in range(2)]
    whole, divided = (core.compile_model(model, d)(inputs) for d in ("TEMPLATE", "HETERO:CPU,TEMPLATE"))
    same(whole.to_tuple(), divided.to_tuple(), 1e-5)
