"""`vinoc.properties`: names, values and their types; `get_property` and `set_property` of cores and compiled models."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import vinoc
import vinoc.properties as props
from vinoc.properties import hint
from vinoc.properties.property import Property
from vinoc.runtime.words import Word

MODULES = ["", ".hint", ".device", ".intel_auto", ".log", ".streams"]


def model() -> vinoc.Model:
    from vinoc.ir.text import parse_graph

    return vinoc.Model(parse_graph("graph one(x: f32[1,2]) -> (y) {\n  y = ReLU(x)\n}\n"))


@pytest.mark.parametrize("module", MODULES)
def test_names_and_words_are_those_of_openvino(module: str) -> None:
    ours = importlib.import_module(f"vinoc.properties{module}")
    theirs: Any = importlib.import_module(f"openvino.properties{module}")
    for name in [n for n in vars(ours) if not n.startswith("_")]:
        value, other = getattr(ours, name), getattr(theirs, name, None)
        if isinstance(value, Property):
            assert value == other() == value(), name
        elif isinstance(value, type) and issubclass(value, Word) and name != "Affinity":  # OpenVINO has dropped it
            assert {k: int(v) for k, v in value.__members__.items()} == {
                k: int(getattr(other, k)) for k in value.__members__
            }
            assert set(value.__members__) == {k for k in dir(other) if k.isupper()}


def test_a_property_is_a_name_and_makes_a_pair() -> None:
    assert hint.performance_mode == "PERFORMANCE_HINT" == hint.performance_mode()
    mode = hint.PerformanceMode.LATENCY
    assert hint.performance_mode(mode) == ("PERFORMANCE_HINT", mode)
    assert props.num_streams(4) == ("NUM_STREAMS", 4)
    assert props.device.priorities("CPU", "TEMPLATE") == ("MULTI_DEVICE_PRIORITIES", "CPU,TEMPLATE")
    assert vinoc.properties is props
    for wrong in (4, "SLOW", None):
        with pytest.raises(TypeError, match="PERFORMANCE_HINT is a PerformanceMode"):
            hint.performance_mode(wrong)
    with pytest.raises(TypeError, match="can be read, not set"):
        props.available_devices("CPU")
    with pytest.raises(TypeError, match="takes one value"):
        props.num_streams(1, 2)
    with pytest.raises(TypeError):
        props.num_streams(True)


def test_words_equal_their_names() -> None:
    mode = hint.PerformanceMode.THROUGHPUT
    assert mode == "THROUGHPUT"
    assert mode != "LATENCY"
    assert {mode: 1}["THROUGHPUT"] == 1
    assert (repr(mode), str(mode), int(mode)) == ("<PerformanceMode.THROUGHPUT: 2>", "PerformanceMode.THROUGHPUT", 2)
    assert hint.Priority.DEFAULT is hint.Priority.MEDIUM


SET: list[tuple[Any, Any, Any]] = [
    (hint.performance_mode, hint.PerformanceMode.THROUGHPUT, hint.PerformanceMode.THROUGHPUT),
    ("PERFORMANCE_HINT", "throughput", hint.PerformanceMode.THROUGHPUT),
    (hint.execution_mode, "ACCURACY", hint.ExecutionMode.ACCURACY),
    (hint.inference_precision, vinoc.Type.f16, vinoc.Type.f16),
    (hint.inference_precision, "bf16", vinoc.Type.bf16),
    (hint.model_priority, "HIGH", hint.Priority.HIGH),
    (props.log.level, "LOG_DEBUG", props.log.Level.DEBUG),
    (props.num_streams, 3, 3),
    (props.num_streams, "3", 3),
    (props.num_streams, props.streams.Num(3), 3),
    (props.num_streams, "AUTO", 1),
    (props.num_streams, -1, 1),
    (props.inference_num_threads, 2, 2),
    (props.enable_profiling, "YES", True),
    (hint.num_requests, 7, 7),
    (props.cache_dir, "somewhere", "somewhere"),
]


@pytest.mark.parametrize(("key", "value", "expected"), SET)
def test_what_is_set_is_read_as_openvino_gives_it(key: Any, value: Any, expected: Any) -> None:
    import openvino

    core = vinoc.Core()
    for given in ({key: value}, (str(key), value), [(str(key), value)]):
        core.set_property("CPU", given)
        found = core.get_property("CPU", key)
        assert found == expected
        assert type(found) is type(expected)
    theirs = openvino.Core()
    if str(key) != "MODEL_PRIORITY" and not isinstance(value, vinoc.Type | Word | props.streams.Num):
        theirs.set_property("CPU", {str(key): value.upper() if value == "throughput" else value})
        other = theirs.get_property("CPU", str(key))
        assert type(other).__name__ == type(found).__name__


def test_without_a_device_all_are_meant() -> None:
    core = vinoc.Core()
    core.set_property({props.num_streams: 2, props.cache_dir: "x"})
    assert [core.get_property(d, "NUM_STREAMS") for d in ("CPU", "TEMPLATE")] == [2, 2]
    assert core.get_property("CACHE_DIR") == "x"
    core.set_property("CPU", props.num_streams(4))
    assert [core.get_property(d, "NUM_STREAMS") for d in ("CPU", "TEMPLATE")] == [4, 2]
    assert vinoc.Core().get_property("CPU", "NUM_STREAMS") == 1
    with pytest.raises(vinoc.UsageError, match="NUM_STREAMS"):
        core.get_property("NUM_STREAMS")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("CPU", {"NUM_STREAM": 1}), "did you mean 'NUM_STREAMS'"),
        (("CPU", {"FULL_DEVICE_NAME": "x"}), "no configuration key 'FULL_DEVICE_NAME'"),
        (("XPU", {"NUM_STREAMS": 1}), "no device 'XPU'"),
        (({"NOTHING_LIKE_IT": 1},), "no configuration key"),
        (("CPU", {"NUM_STREAMS": "some"}), "expected a number"),
        (("CPU", 7), "is no property"),
    ],
)
def test_what_cannot_be_set_is_refused(given: Any, message: str) -> None:
    with pytest.raises(vinoc.UsageError) as caught:
        vinoc.Core().set_property(*given)
    assert message in str(caught.value)


@pytest.mark.parametrize("device", ["CPU", "TEMPLATE", "AUTO", "MULTI"])
def test_every_listed_property_can_be_read(device: str) -> None:
    core = vinoc.Core()
    listed = core.get_property(device, "SUPPORTED_PROPERTIES")
    assert set(listed.values()) == {"RO", "RW"}
    for key, access in listed.items():
        value = core.get_property(device, key)
        if access == "RW" and key not in ("DEVICE_PROPERTIES", "MULTI_DEVICE_PRIORITIES"):
            core.set_property(device, {key: value})
            assert core.get_property(device, key) == value


def test_facts_about_the_cpu() -> None:
    import openvino

    core, theirs = vinoc.Core(), openvino.Core()
    for key in ("FULL_DEVICE_NAME", "DEVICE_ARCHITECTURE", "AVAILABLE_DEVICES", "RANGE_FOR_ASYNC_INFER_REQUESTS"):
        assert core.get_property("CPU", key) == theirs.get_property("CPU", key), key
    low, high = core.get_property("CPU", props.range_for_streams)
    assert 1 == low <= high
    assert {"FP32", "EXPORT_IMPORT"} <= set(core.get_property("CPU", props.device.capabilities))
    assert core.get_property("CPU", props.device.type) == props.device.Type.INTEGRATED


@pytest.mark.parametrize(
    ("config", "streams"),
    [
        ({}, 1),
        ({"NUM_STREAMS": 3}, 3),
        ({"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_NUM_THREADS": 4}, 4),
        ({"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_NUM_THREADS": 4, "PERFORMANCE_HINT_NUM_REQUESTS": 2}, 2),
        ({"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 4}, 1),
    ],
)
def test_properties_of_a_compiled_model(config: dict[str, Any], streams: int) -> None:
    compiled = vinoc.Core().compile_model(model(), "CPU", config)
    assert compiled.get_property(props.num_streams) == streams
    assert compiled.get_property(props.optimal_number_of_infer_requests) == streams
    assert compiled.get_property(props.inference_num_threads) >= streams
    assert compiled.get_property(props.model_name) == "one"
    assert compiled.get_property(props.execution_devices) == ["CPU"]
    assert compiled.get_property(props.loaded_from_cache) is False
    listed = compiled.get_property(props.supported_properties)
    assert set(listed.values()) == {"RO"}
    for key in listed:
        compiled.get_property(key)
    with pytest.raises(vinoc.UsageError, match="did you mean 'NUM_STREAMS'"):
        compiled.get_property("NUM_STREAM")
    with pytest.raises(vinoc.VinocError, match="NUM_STREAMS of a model on CPU cannot be changed"):
        compiled.set_property({"NUM_STREAMS": 2})


def test_the_executable_graph_tells_how_nodes_run() -> None:
    from vinoc.ir.text import parse_graph

    text = """
    graph soft(x: f32[1,4]) -> (y) {
      k = Constant() : f32[4] = [1,2,3,4]
      a = ReLU(x)  @"relu"
      b = Multiply(a, k)  @"times"
      y = SoftMax(b) {axis=1}  @"soft"
    }
    """
    for device in ("CPU", "TEMPLATE", "AUTO"):
        compiled = vinoc.Core().compile_model(vinoc.Model(parse_graph(text)), device)
        graph = compiled.get_runtime_model().graph
        steps = [n for n in graph if n.kind == "ExecutionNode"]
        assert graph.input_names == [("x",)]
        assert graph.output_names == [("y",)]
        assert [s.rt_info["execOrder"] for s in steps] == sorted((s.rt_info["execOrder"] for s in steps), key=int)
        assert {s.rt_info["execTimeMcs"] for s in steps} == {"not_executed"}
        assert ",".join(s.rt_info["originalLayersNames"] for s in steps) == "relu,times,soft"
        assert {s.rt_info["runtimePrecision"] for s in steps} == {"f32"}
        for op in compiled.get_runtime_model().get_ordered_ops():  # inputs and constants, too
            assert {"execOrder", "execTimeMcs", "layerType", "outputPrecisions"} <= set(op.get_rt_info())
    assert len(steps) == 2  # the CPU computes the first two together
    timed = vinoc.Core().compile_model(vinoc.Model(parse_graph(text)), "CPU", {"PERF_COUNT": True})
    timed([[[1.0, 2, 3, 4]]])
    assert [s.rt_info["layerType"] for s in steps] == ["chain", "SoftMax"]
    times = [n.rt_info["execTimeMcs"] for n in timed.get_runtime_model().graph if n.kind == "ExecutionNode"]
    assert all(t.isdigit() for t in times)
