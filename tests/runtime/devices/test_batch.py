"""BATCH: requests that come together run as one, with the results that each would have alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import vinoc
from tests.conftest import SHARED
from vinoc.compiler.samples import random_inputs
from vinoc.ir.graph import Graph
from vinoc.ir.op import registry
from vinoc.ir.text import parse_graph
from vinoc.runtime.devices.batchable import _RULES, Mixed, free_reshapes, output_axes

NET = """
graph net(x: f32[1,3,8,8], k: f32[1,2]) -> (y, s as ("side")) {
  w = Constant() : f32[4,3,3,3] = splat(0.1)
  c = Convolution(x, w) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  r = ReLU(c)
  t = Constant() : i64[2] = [1,-1]
  f = Reshape(r, t) {special_zero=false}
  a = Constant() : i64[1] = [1]
  m = ReduceMean(f, a) {keep_dims=true}
  y = Add(m, k)
  s = SoftMax(f) {axis=1}
}
"""


def net(text: str = NET) -> vinoc.Model:
    return vinoc.Model(parse_graph(text.replace("splat(0.1)", str([0.1] * 108))))


def inputs(seed: int) -> list[Any]:
    draw = np.random.default_rng(seed)
    return [draw.normal(size=s).astype(np.float32) for s in ((1, 3, 8, 8), (1, 2))]


def all_at_once(compiled: vinoc.CompiledModel, given: Sequence[Any]) -> list[Any]:
    """Results, or errors, of requests in threads of their own."""

    def run(k: int) -> Any:
        try:
            return compiled.create_infer_request().infer(given[k]).to_tuple()
        except vinoc.VinocError as error:
            return error

    with ThreadPoolExecutor(len(given)) as threads:
        return list(threads.map(run, range(len(given))))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 16])
def test_full_and_partial_batches_give_what_each_request_alone_gives(count: int) -> None:
    core = vinoc.Core()
    alone = core.compile_model(net(), "CPU")
    batched = core.compile_model(net(), "BATCH:CPU(4)", {"AUTO_BATCH_TIMEOUT": 50})
    given = [inputs(k) for k in range(count)]
    for k, found in enumerate(all_at_once(batched, given)):
        for a, b in zip(alone(given[k]).to_tuple(), found, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


def test_properties() -> None:
    core = vinoc.Core()
    compiled = core.compile_model(net(), "BATCH:CPU(4)", {"NUM_STREAMS": 2})
    assert compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") == 8
    assert compiled.get_property("EXECUTION_DEVICES") == ["CPU"]
    assert compiled.get_property("AUTO_BATCH_TIMEOUT") == 1000
    assert compiled.get_property("SUPPORTED_PROPERTIES")["AUTO_BATCH_TIMEOUT"] == "RW"
    compiled.set_property({"AUTO_BATCH_TIMEOUT": 5})
    assert compiled.get_property("AUTO_BATCH_TIMEOUT") == 5
    assert len(compiled(inputs(0))) == 2  # alone, after 5 ms
    with pytest.raises(vinoc.UsageError, match="AUTO_BATCH_TIMEOUT is 'soon'"):
        compiled.set_property("AUTO_BATCH_TIMEOUT", "soon")
    with pytest.raises(vinoc.VinocError, match="NUM_STREAMS of a model on BATCH cannot be changed"):
        compiled.set_property("NUM_STREAMS", 1)
    plain = core.compile_model(net(), "BATCH:CPU")
    assert plain.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") == 1
    hinted = core.compile_model(net(), "BATCH:CPU", {"PERFORMANCE_HINT_NUM_REQUESTS": 3})
    assert hinted.get_property("OPTIMAL_BATCH_SIZE") == 3
    assert set(core.query_model(net(), "BATCH:CPU(4)").values()) == {"BATCH"}
    steps = compiled.get_runtime_model()
    assert [p.shape for p in steps.inputs] == [(1, 3, 8, 8), (1, 2)]


@pytest.mark.parametrize("name", ["BATCH", "BATCH:CPU,TEMPLATE", "BATCH:XPU(2)", "BATCH:CPU(0)", "BATCH:BATCH:CPU(2)"])
def test_names_that_say_nothing_are_refused(name: str) -> None:
    with pytest.raises(vinoc.UsageError):
        vinoc.Core().compile_model(net(), name)


def test_the_error_of_a_request_is_its_own() -> None:
    text = """
    graph pick(x: f32[1,4], i: i64[1]) -> (y) {
      a = Constant() : i64[] = [1]
      y = Gather(x, i, a) {batch_dims=1}
    }
    """
    core = vinoc.Core()
    batched = core.compile_model(vinoc.Model(parse_graph(text)), "BATCH:TEMPLATE(4)", {"AUTO_BATCH_TIMEOUT": 2000})
    x = np.arange(4, dtype=np.float32).reshape(1, 4)
    found = all_at_once(batched, [[x, np.array([k])] for k in (0, 9, 2, 3)])
    assert isinstance(found[1], vinoc.VinocError)
    assert [float(found[k][0][0]) for k in (0, 2, 3)] == [0, 2, 3]


def test_many_requests_from_many_threads() -> None:
    core = vinoc.Core()
    batched = core.compile_model(net(), "BATCH:CPU(4)", {"AUTO_BATCH_TIMEOUT": 20})
    alone = core.compile_model(net(), "CPU")
    expected = [alone(inputs(k))["y"].copy() for k in range(8)]
    wrong = []

    def work(first: int) -> None:
        request = batched.create_infer_request()
        for k in range(first, first + 25):
            result = request.infer(inputs(k % 8))["y"]
            if not np.allclose(result, expected[k % 8], atol=1e-5):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("size", [1, 4])
def test_a_queue_of_requests_without_threads_that_wait(size: int) -> None:
    core = vinoc.Core()
    compiled = core.compile_model(net(), f"BATCH:CPU({size})", {"AUTO_BATCH_TIMEOUT": 10})
    alone = core.compile_model(net(), "CPU")
    expected = [alone(inputs(k))["y"].copy() for k in range(5)]
    before = threading.active_count()
    queue = vinoc.AsyncInferQueue(compiled, 12)
    found: dict[int, Any] = {}
    queue.set_callback(lambda request, k: found.update({k: request.results["y"].copy()}))
    for k in range(50):
        queue.start_async(inputs(k % 5), k)
    queue.wait_all()
    assert len(found) == 50
    for k, result in found.items():
        np.testing.assert_allclose(result, expected[k % 5], atol=1e-5)
    assert threading.active_count() <= before + 1
    requests = [compiled.create_infer_request() for _ in range(3)]
    for request in requests:
        request.start_async(inputs(1))
    requests[0].cancel()
    for request in requests[1:]:
        request.wait()
        np.testing.assert_allclose(request.results["y"], expected[1], atol=1e-5)


def test_the_batch_is_where_the_layout_says() -> None:
    text = "graph g(x: f32[2,1]) -> (y) {\n  k = Constant() : f32[2,1] = [1,2]\n  y = Multiply(x, k)\n}"
    core, model = vinoc.Core(), vinoc.Model(parse_graph(text))
    with pytest.raises(vinoc.VinocError, match=r"input 'x': its batch, dimension 0 of f32\[2,1\], is 2, not 1"):
        core.compile_model(model, "BATCH:CPU(2)")
    model.get_parameters()[0].set_layout("CN")
    batched = core.compile_model(model, "BATCH:CPU(2)", {"AUTO_BATCH_TIMEOUT": 2000})
    found = all_at_once(batched, [np.array([[k], [k]], np.float32) for k in (1, 2)])
    assert [r[0].tolist() for r in found] == [[[1], [2]], [[2], [4]]]
    model.get_parameters()[0].set_layout("CH")
    with pytest.raises(vinoc.VinocError, match="has no batch"):
        core.compile_model(model, "BATCH:CPU(2)")


MIXED = {
    "its batch, dimension 0 of f32[4,2], is 4": "graph g(x: f32[4,2]) -> (y) {\n y = ReLU(x)\n}",
    "known shape": "graph g(x: f32[1,N]) -> (y) {\n y = ReLU(x)\n}",
    "SoftMax computes across samples": "graph g(x: f32[1,2]) -> (y) {\n y = SoftMax(x) {axis=0}\n}",
    "ReduceSum computes across samples": (
        "graph g(x: f32[1,2]) -> (y) {\n a = Constant() : i64[1] = [0]\n y = ReduceSum(x, a) {keep_dims=true}\n}"
    ),
    "mixed with other dimensions": (
        "graph g(x: f32[1,2]) -> (y) {\n a = Constant() : i64[1] = [-1]\n y = Reshape(x, a) {special_zero=false}\n}"
    ),
    "has a state": (
        "graph g(x: f32[1,2]) -> (y) {\n r = ReadValue(x) {variable_id=v, variable_type=f32, variable_shape=[1,2]}\n"
        " y = Add(r, x)\n w = Assign(y) {variable_id=v}\n}"
    ),
    "NonZero": "graph g(x: f32[1,2]) -> (y) {\n y = NonZero(x) {output_type=i64}\n}",
    "has no batch": "graph g(x: f32[1,2]) -> (x, k) {\n k = Constant() : f32[1] = [0]\n}",
    "MatMul computes across samples": "graph g(x: f32[1,3]) -> (y) {\n y = MatMul(x, x) {transpose_a=true}\n}",
}


@pytest.mark.parametrize("message", MIXED)
def test_what_computes_across_samples_is_refused(message: str) -> None:
    with pytest.raises(vinoc.VinocError) as caught:
        vinoc.Core().compile_model(vinoc.Model(parse_graph(MIXED[message])), "BATCH:CPU(4)")
    assert message in str(caught.value)


CASES = [
    ("SoftMax(x) {axis=2}", True),
    ("SoftMax(x) {axis=-3}", False),
    ("CumSum(x, one)", True),
    ("CumSum(x, zero)", False),
    ("Concat(x, x) {axis=1}", True),
    ("Concat(x, x) {axis=0}", False),
    ("Concat(x, c) {axis=1}", False),
    ("Gather(x, picks, one)", True),
    ("Gather(x, zeros, zero)", False),
    ("Transpose(x, order)", True),
    ("Reshape(x, flat) {special_zero=true}", True),
    ("Reshape(x, twice) {special_zero=true}", False),
    ("MatMul(x, w)", True),
    ("MatMul(x, x) {transpose_b=true}", True),
    ("Add(x, c)", True),
    ("TopK(x, two) {axis=2, mode=max, sort=value, index_element_type=i64}", True),
    ("TopK(x, zero) {axis=0, mode=max, sort=value, index_element_type=i64}", False),
    ("MVN(x, ones) {eps=1e-5}", True),
    ("MVN(x, zeros) {eps=1e-5}", False),
    ("Pad(x, pads, pads) {pad_mode=constant}", True),
    ("Roll(x, ones, zeros)", False),
    ("Roll(x, ones, ones)", True),
    ("Tile(x, repeats)", True),
    ("Unsqueeze(x, zeros)", True),
    ("StridedSlice(x, none, none, back) {begin_mask=[1,1,1], end_mask=[1,1,1]}", False),
    ("StridedSlice(x, none, none, forth) {begin_mask=[1,1,1], end_mask=[1,1,1]}", True),
]


def case(expression: str) -> Graph:
    constants = {
        "zero": "i64[] = [0]",
        "one": "i64[] = [1]",
        "two": "i64[] = [2]",
        "zeros": "i64[1] = [0]",
        "ones": "i64[1] = [1]",
        "picks": "i64[2] = [2,0]",
        "order": "i64[3] = [2,0,1]",
        "flat": "i64[2] = [0,-1]",
        "twice": "i64[3] = [2,0,-1]",
        "pads": "i64[3] = [0,1,2]",
        "repeats": "i64[3] = [1,2,1]",
        "none": "i64[3] = [0,0,0]",
        "back": "i64[3] = [-1,1,1]",
        "forth": "i64[3] = [1,1,1]",
        "w": "f32[4,2] = [1,2,3,4,5,6,7,8]",
        "c": "f32[1,3,4] = [1,2,3,4,5,6,7,8,9,10,11,12]",
    }
    lines = "\n".join(f"  {name} = Constant() : {text}" for name, text in constants.items())
    results = "y, i" if expression.startswith("TopK") else "y"
    return parse_graph(f"graph g(x: f32[1,3,4]) -> (y) {{\n{lines}\n  {results} = {expression}\n}}")


@pytest.mark.parametrize(("expression", "apart"), CASES)
def test_rules(expression: str, apart: bool) -> None:
    graph = case(expression)
    try:
        axes = output_axes(graph.clone(), [0])
    except Mixed:
        assert not apart
        return
    assert apart
    core, model = vinoc.Core(), vinoc.Model(graph)
    alone, batched = (core.compile_model(model, d, c) for d, c in (("TEMPLATE", {}), ("BATCH:TEMPLATE(3)", {})))
    given = [np.random.default_rng(k).normal(size=(1, 3, 4)).astype(np.float32) for k in range(3)]
    for x, found in zip(given, all_at_once(batched, given), strict=True):
        np.testing.assert_allclose(found[0], alone(x)[0], rtol=1e-6)
        assert found[0].shape[axes[0]] == 1


def test_rules_are_of_operations() -> None:
    assert set(_RULES) <= set(registry())


def test_a_batch_of_one_in_a_pattern_is_freed() -> None:
    graph = net().graph
    with pytest.raises(Mixed):
        output_axes(graph.clone(), [0, 0])
    free_reshapes(graph)
    assert output_axes(graph.clone(), [0, 0]) == [0, 0]


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["mnist_cntk/mnist.onnx", "light_squeezenet/light_squeezenet.onnx", "vittrack/vitTracker.onnx"]
)
def test_models_in_batches(name: str) -> None:
    core = vinoc.Core()
    model = core.read_model(SHARED / "models" / name)
    alone, batched = (core.compile_model(model, d) for d in ("CPU", "BATCH:CPU(3)"))
    given = [random_inputs(model.graph, 1, k) for k in range(3)]
    for x, found in zip(given, all_at_once(batched, given), strict=True):
        for a, b in zip(alone(x).to_tuple(), found, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5 * float(np.abs(a).max()))
