"""AUTO and MULTI: which device takes a model, when it moves, and what happens where one fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import vinoc
from vinoc.ir.text import parse_graph
from vinoc.runtime.devices.multi import MultiModel

from . import sample

Install = Callable[..., None]

X = np.array([[-1, 2]], np.float32)
TEXT = "graph one(x: f32[1,2]) -> (y) {\n  y = ReLU(x)\n}\n"
COUNTER = """
graph counter(x: f32[1,2]) -> (y) {
  z = Constant() : f32[1,2] = [0,0]
  r = ReadValue(z) {variable_id=v, variable_type=f32, variable_shape=[1,2]}
  y = Add(r, x)
  a = Assign(y) {variable_id=v}
}
"""


def one(text: str = TEXT) -> vinoc.Model:
    return vinoc.Model(parse_graph(text))


@pytest.fixture
def slow(install: Install) -> Iterator[threading.Event]:
    install("SLOW")
    sample.Slow.ready.clear()
    yield sample.Slow.ready
    sample.Slow.ready.set()


def executing(compiled: vinoc.CompiledModel) -> Any:
    return compiled.get_property("EXECUTION_DEVICES")


def test_a_device_of_a_package_takes_part(install: Install) -> None:
    install("NOSOFTMAX")
    core = vinoc.Core()
    assert core.available_devices == ["NOSOFTMAX", "CPU", "TEMPLATE"]
    assert core.get_property("NOSOFTMAX", "DEVICE_ARCHITECTURE") == "paper"
    core.set_property("NOSOFTMAX", {"SPEED": "7"})
    assert core.get_property("NOSOFTMAX", "SPEED") == 7
    with pytest.raises(vinoc.UsageError, match="SPEED"):
        core.set_property("CPU", {"SPEED": 7})
    compiled = core.compile_model(one(), "AUTO", {"ENABLE_STARTUP_FALLBACK": False, "SPEED": 4})
    assert executing(compiled) == ["NOSOFTMAX"]  # it has the highest rank
    assert compiled.get_property("SPEED") == 4
    assert compiled(X)[0].tolist() == [[0, 2]]
    assert sample.NoSoftMax.runs == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AUTO", "NOSOFTMAX"),
        ("AUTO:-NOSOFTMAX", "CPU"),
        ("AUTO:TEMPLATE,NOSOFTMAX", "TEMPLATE"),
        ("AUTO:-TEMPLATE,-NOSOFTMAX", "CPU"),
        ("AUTO:HALF,TEMPLATE", "TEMPLATE"),
        ("AUTO:CPU", "CPU"),
    ],
)
def test_priorities(install: Install, name: str, expected: str) -> None:
    install("NOSOFTMAX", "HALF")
    compiled = vinoc.Core().compile_model(one(), name, {"ENABLE_STARTUP_FALLBACK": "NO"})
    assert executing(compiled) == [expected]
    assert compiled(X)[0].tolist() == [[0, 2]]


def test_what_cannot_compute_the_model_is_passed_over(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install("NOSOFTMAX")
    soft = one(TEXT.replace("ReLU(x)", "SoftMax(x) {axis=1}"))
    with caplog.at_level(logging.INFO, "vinoc.devices"):
        assert executing(vinoc.Core().compile_model(soft, "AUTO")) == ["CPU"]
    assert "AUTO passes NOSOFTMAX over: 'y' (SoftMax): it has no SoftMax" in caplog.text
    with pytest.raises(vinoc.VinocError, match="NOSOFTMAX cannot compute 'y'"):
        vinoc.Core().compile_model(soft, "AUTO:NOSOFTMAX,NOSOFTMAX")


@pytest.mark.parametrize("name", ["AUTO:-CPU", "AUTO:XPU", "AUTO:AUTO", "MULTI", "MULTI:", "MULTI:XPU", "CPU:TEMPLATE"])
def test_names_that_say_nothing_are_refused(name: str) -> None:
    with pytest.raises(vinoc.UsageError):
        vinoc.Core().compile_model(one(), name)


def test_it_begins_on_the_cpu_and_moves(slow: threading.Event, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "vinoc.devices"):
        compiled = vinoc.Core().compile_model(one(), "AUTO:SLOW,CPU")
        request = compiled.create_infer_request()
        assert executing(compiled) == ["(CPU)"]
        assert request.infer(X)[0].tolist() == [[0, 2]]
        assert sample.Slow.runs == 0
        slow.set()
        compiled.prepared.wait()  # type: ignore[attr-defined]
        assert executing(compiled) == ["SLOW"]
        assert request.infer(X)[0].tolist() == [[0, 2]]
        assert compiled(X)[0].tolist() == [[0, 2]]
    assert sample.Slow.runs == 2
    assert "AUTO begins on CPU while SLOW compiles" in caplog.text
    assert "AUTO moves from CPU to SLOW" in caplog.text


def test_a_request_with_variables_stays(slow: threading.Event) -> None:
    compiled = vinoc.Core().compile_model(one(COUNTER), "AUTO:SLOW,CPU")
    request = compiled.create_infer_request()
    assert request.infer(X)[0].tolist() == [[-1, 2]]
    slow.set()
    compiled.prepared.wait()  # type: ignore[attr-defined]
    assert request.infer(X)[0].tolist() == [[-2, 4]]
    assert sample.Slow.runs == 0
    request.reset_state()
    assert request.infer(X)[0].tolist() == [[-1, 2]]
    assert sample.Slow.runs == 1


def test_a_device_that_fails_to_compile_is_left(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install("BROKEN")
    caplog.set_level(logging.WARNING, "vinoc.devices")
    core = vinoc.Core()
    for config in ({"ENABLE_STARTUP_FALLBACK": False}, {}):
        compiled = core.compile_model(one(), "AUTO:BROKEN,CPU", config)
        compiled.prepared.wait()  # type: ignore[attr-defined]
        assert executing(compiled) == ["CPU"]
        assert compiled(X)[0].tolist() == [[0, 2]]
    assert caplog.text.count("BROKEN fails to compile the model: out of order; next: CPU") == 2
    assert executing(core.compile_model(one(), "MULTI:BROKEN,TEMPLATE")) == ["TEMPLATE"]
    for name in ("AUTO:BROKEN", "MULTI:BROKEN", "BROKEN"):
        with pytest.raises(vinoc.VinocError, match="out of order"):
            core.compile_model(one(), name)


def test_where_the_cpu_fails_the_better_device_is_waited_for(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    from vinoc.runtime.devices.cpu import Cpu

    install("NOSOFTMAX")
    monkeypatch.setattr(Cpu, "compile", sample.Broken.compile)
    compiled = vinoc.Core().compile_model(one(), "AUTO:NOSOFTMAX,CPU")
    assert executing(compiled) == ["NOSOFTMAX"]
    assert compiled(X)[0].tolist() == [[0, 2]]


@pytest.mark.parametrize("device", ["AUTO:FAULTY,TEMPLATE", "MULTI:FAULTY,TEMPLATE"])
def test_a_device_that_fails_at_run_time_is_left(
    install: Install, device: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("FAULTY")
    caplog.set_level(logging.WARNING, "vinoc.devices")
    monkeypatch.setattr(sample.Faulty, "good", 2)
    compiled = vinoc.Core().compile_model(one(), device)
    request = compiled.create_infer_request()
    for _ in range(4):
        assert request.infer(X)[0].tolist() == [[0, 2]]
    assert executing(compiled) == ["TEMPLATE"]
    assert "FAULTY fails: the device is lost" in caplog.text
    stays = vinoc.Core().compile_model(one(), device, {"ENABLE_RUNTIME_FALLBACK": False})
    with pytest.raises(vinoc.VinocError, match="the device is lost"):
        stays(X)


@pytest.mark.parametrize("device", ["AUTO:NOSOFTMAX,TEMPLATE", "MULTI:NOSOFTMAX,TEMPLATE"])
def test_wrong_inputs_blame_no_device(install: Install, device: str) -> None:
    install("NOSOFTMAX")
    text = """
    graph shape(x: f32[4], s: i64[2]) -> (y) {
      y = Reshape(x, s) {special_zero=false}
    }
    """
    compiled = vinoc.Core().compile_model(one(text), device)
    before = executing(compiled)
    with pytest.raises(vinoc.VinocError):
        compiled([np.zeros(4), [3, 1]])
    with pytest.raises(vinoc.UsageError):
        compiled([np.zeros(3), [3, 1]])
    assert executing(compiled) == before
    assert compiled([np.zeros(4), [4, 1]])[0].shape == (4, 1)


def test_hints(install: Install) -> None:
    install("NOSOFTMAX")
    core = vinoc.Core()
    throughput = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_NUM_THREADS": 2}
    many = core.compile_model(one(), "AUTO:CPU", throughput)
    assert many.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") == 2
    assert core.compile_model(one(), "AUTO:CPU").get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") == 1
    spread = core.compile_model(
        one(), "AUTO:NOSOFTMAX,CPU", {"PERFORMANCE_HINT": "CUMULATIVE_THROUGHPUT", "INFERENCE_NUM_THREADS": 2}
    )
    assert executing(spread) == ["NOSOFTMAX", "CPU"]
    assert spread.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") == 3
    apart = core.compile_model(one(), "AUTO:CPU", {"DEVICE_PROPERTIES": {"CPU": {"NUM_STREAMS": 3}}})
    assert apart.get_property("NUM_STREAMS") == 3
    core.set_property("CPU", {"NUM_STREAMS": 4})
    assert core.compile_model(one(), "AUTO:CPU").get_property("NUM_STREAMS") == 4


def test_multi_prefers_the_first_that_is_free(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("NOSOFTMAX")
    core = vinoc.Core()
    compiled = core.compile_model(one(), "MULTI:NOSOFTMAX,TEMPLATE(2)")
    assert compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") == 3
    assert compiled.get_property("MULTI_DEVICE_PRIORITIES") == "NOSOFTMAX,TEMPLATE"
    for _ in range(3):
        compiled(X)
    assert sample.NoSoftMax.runs == 3
    busy, go = threading.Event(), threading.Event()
    run = sample.Counting.run

    def blocked(self: Any, inputs: Any) -> Any:
        busy.set()
        assert go.wait(30)
        return run(self, inputs)

    monkeypatch.setattr(sample.Counting, "run", blocked)
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(compiled.create_infer_request().infer, X)
        assert busy.wait(30)
        assert compiled(X)[0].tolist() == [[0, 2]]  # NOSOFTMAX is busy
        assert sample.NoSoftMax.runs == 3
        go.set()
        assert waits.result()[0].tolist() == [[0, 2]]
    assert sample.NoSoftMax.runs == 4
    compiled.set_property({"MULTI_DEVICE_PRIORITIES": "TEMPLATE,NOSOFTMAX"})
    compiled(X)
    assert sample.NoSoftMax.runs == 4
    with pytest.raises(vinoc.UsageError, match="the model is not on CPU"):
        compiled.set_property({"MULTI_DEVICE_PRIORITIES": "CPU"})


def test_requests_that_fail_everywhere_do_not_wait_for_each_other(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("FAULTY")
    monkeypatch.setattr(sample.Faulty, "good", 0)
    monkeypatch.setattr("vinoc.runtime.engines.Reference.run", sample.Failing.run)
    monkeypatch.setattr("vinoc.runtime.engines.Reference._device", sample.Faulty(), raising=False)
    compiled = vinoc.Core().compile_model(one(), "MULTI:FAULTY,TEMPLATE")

    def work(_: int) -> str:
        with pytest.raises(vinoc.VinocError) as caught:
            compiled.create_infer_request().infer(X)
        return str(caught.value)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(work, range(64))) == {"the device is lost"}
    assert executing(compiled) == ["FAULTY", "TEMPLATE"]


def test_multi_in_turns(install: Install) -> None:
    install("NOSOFTMAX")
    compiled = vinoc.Core().compile_model(one(), "MULTI:NOSOFTMAX,TEMPLATE", {"SCHEDULE_POLICY": "ROUND_ROBIN"})
    for _ in range(6):
        compiled(X)
    assert sample.NoSoftMax.runs == 3
    assert executing(compiled) == ["NOSOFTMAX", "TEMPLATE"]


def test_multi_waits_where_all_are_busy_and_keeps_variables(install: Install) -> None:
    install("OTHER")
    core = vinoc.Core()
    compiled = core.compile_model(one(COUNTER), "MULTI:OTHER,TEMPLATE")
    assert isinstance(compiled.prepared, MultiModel)
    requests = [compiled.create_infer_request() for _ in range(5)]

    def work(request: Any) -> list[float]:
        return [float(request.infer(X)["y"][0, 1]) for _ in range(20)]

    with ThreadPoolExecutor(5) as threads:
        found = list(threads.map(work, requests))
    assert found == [[2.0 * (k + 1) for k in range(20)]] * 5
    assert [t.free for t in compiled.prepared.spread.targets] == [1, 1]


def test_a_package_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from vinoc.ir.entries import Entry, entries
    from vinoc.runtime.devices.base import GROUP

    monkeypatch.setitem(entries(GROUP), "GONE", Entry("GONE", "no_such_package:Device"))
    with pytest.raises(vinoc.VinocError, match=r"device GONE of unknown \(no_such_package:Device\) fails"):
        vinoc.Core().compile_model(one(), "GONE")
