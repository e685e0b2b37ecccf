"""Queues of requests: every result right, none lost, with mixed shapes, failing callbacks and cancelled requests."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinoc
from vinoc.ir.text import parse_graph

Compiled = Callable[..., Any]
A = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
B = np.array([1, 2, 3], np.float32)


def test_facts_of_a_queue(ov: Any, compiled: Compiled) -> None:
    model = compiled("relu", PERFORMANCE_HINT="LATENCY")
    queue = ov.AsyncInferQueue(model, 3)
    assert repr(queue) == "<AsyncInferQueue: 3 jobs>"
    assert len(queue) == 3
    assert queue.is_ready()
    assert queue.userdata == [None, None, None]
    assert len(list(queue)) == 3
    assert queue.get_idle_request_id() == 0
    assert len(ov.AsyncInferQueue(model)) == model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    assert len(ov.AsyncInferQueue(model, 0)) == len(ov.AsyncInferQueue(model))
    assert len(ov.AsyncInferQueue(model, jobs=2)) == 2
    assert queue[1].model_inputs[0].any_name == "x"
    for wrong in (
        lambda: ov.AsyncInferQueue(model, -1),
        lambda: ov.AsyncInferQueue(3, 2),
        lambda: queue.set_callback(3),
    ):
        with pytest.raises(TypeError):
            wrong()


def test_a_queue_runs_all_that_it_is_given(ov: Any, compiled: Compiled) -> None:
    queue = ov.AsyncInferQueue(compiled("relu"), 4)
    seen: dict[int, Any] = {}

    def callback(request: Any, data: int) -> None:
        seen[data] = request.get_output_tensor().data.copy()

    queue.set_callback(callback)
    forms = [lambda x: x, lambda x: {"x": x}, lambda x: [x], lambda x: {0: x}]
    if ov is vinoc:  # OpenVINO mixes inputs up where some are tensors and some are not
        forms.append(lambda x: ov.Tensor(x))
    for i in range(100):
        queue.start_async(forms[i % len(forms)](A * i), i)
    queue.wait_all()
    assert queue.is_ready()
    assert sorted(seen) == list(range(100))
    for i, result in seen.items():
        np.testing.assert_array_equal(result, np.maximum(A * i, 0))


def test_results_stay_with_their_requests(ov: Any, compiled: Compiled) -> None:
    queue = ov.AsyncInferQueue(compiled("relu"), 3)
    used = []
    for i in range(3):
        used.append(queue.get_idle_request_id())
        queue.start_async(A * i, userdata=f"n{i}")
    queue.wait_all()
    assert sorted(used) == [0, 1, 2]
    for i, request in enumerate(used):
        np.testing.assert_array_equal(queue[request].get_output_tensor().data, np.maximum(A * i, 0))
        assert queue.userdata[request] == f"n{i}"
        assert queue[request].latency > 0


def test_inputs_may_be_overwritten_at_once(ov: Any, compiled: Compiled) -> None:
    queue = ov.AsyncInferQueue(compiled("relu"), 8)
    seen: dict[int, float] = {}
    queue.set_callback(lambda request, i: seen.update({i: float(request.get_output_tensor().data[0, 0])}))
    given = np.empty((1, 3), np.float32)
    for i in range(200):
        given[:] = i
        queue.start_async(given, i)
    queue.wait_all()
    assert seen == {i: float(i) for i in range(200)}


def test_errors_surface_at_wait_all(ov: Any, compiled: Compiled) -> None:
    queue = ov.AsyncInferQueue(compiled("relu"), 2)
    queue.set_callback(lambda request, data: 1 / data)
    queue.start_async(A, 0)
    with pytest.raises((RuntimeError, ZeroDivisionError), match="division by zero"):
        queue.wait_all()


def test_a_cancelled_request_raises_at_wait_all(ov: Any, compiled: Compiled) -> None:
    queue = ov.AsyncInferQueue(compiled("slow"), 1)
    message = ""
    while not message:  # where the machine has much to do, the inference may be over too soon
        queue.start_async(np.ones((400, 400), np.float32))
        queue[0].cancel()
        try:
            queue.wait_all()
        except RuntimeError as error:
            message = str(error)
    assert "cance" in message


# vinoc alone: OpenVINO's queue cannot be used any more after an error


def memory() -> int:
    """Bytes that the process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_ten_thousand_inferences_of_mixed_shapes_with_errors(model_files: dict[str, Path]) -> None:
    """Some callbacks fail, some requests are cancelled: all others are right, none is lost or comes twice."""
    model = vinoc.compile_model(model_files["add"], "CPU", {"NUM_STREAMS": 2})
    queue = vinoc.AsyncInferQueue(model, 64)
    right: list[int] = []
    wrong: list[int] = []
    failed: list[int] = []

    def callback(request: vinoc.InferRequest, data: int) -> None:
        expected = np.full((data % 5, 3), data, np.float32) + B
        (right if np.array_equal(request.results["y"], expected) else wrong).append(data)
        if data % 100 == 3:
            failed.append(data)
            raise ValueError(data)

    queue.set_callback(callback)
    cancelled, held = 0, 0
    for i in range(10_000):
        index = queue.get_idle_request_id()
        queue.start_async({"x": np.full((i % 5, 3), i, np.float32), "b": B}, i)
        if i % 50 == 7:
            queue[index].cancel()
        if i == 2000:
            held = memory()
    with pytest.raises(vinoc.VinocError) as caught:
        queue.wait_all()
    cancelled = 10_000 - len(right)
    assert not wrong
    assert len(set(right)) == len(right)
    assert 0 < cancelled <= 200
    assert {*range(10_000)} - {*right} <= {i for i in range(10_000) if i % 50 == 7}
    assert failed == sorted(failed, key=right.index)
    assert len(failed) == 100
    assert caught.value.__notes__ == [f"and {len(failed) + cancelled - 1} more of the queue's inferences failed"]
    assert memory() - held < 16 << 20
    queue.wait_all()
    queue.set_callback(lambda request, data: right.append(data))
    for i in range(200):
        queue.start_async({"x": A, "b": B}, 10_000 + i)
    queue.wait_all()
    assert sorted(right)[-200:] == list(range(10_000, 10_200))


@pytest.mark.parametrize("device", ["CPU", "TEMPLATE"])
def test_every_request_has_its_state(model_files: dict[str, Path], device: str) -> None:
    queue = vinoc.AsyncInferQueue(vinoc.compile_model(model_files["counter"], device), 4)
    seen: dict[int, list[float]] = {i: [] for i in range(4)}
    index = {id(r): i for i, r in enumerate(queue)}
    queue.set_callback(lambda request, data: seen[index[id(request)]].append(float(request.results[0][0])))
    for _ in range(100):
        queue.start_async(np.ones(1, np.float32))
    queue.wait_all()
    assert sum(map(len, seen.values())) == 100
    assert all(values == list(range(1, len(values) + 1)) for values in seen.values())


def test_inferences_that_fail_do_not_stop_the_others() -> None:
    text = "graph g(x: f32[6], s: i64[2]) -> (y) {\n  y = Reshape(x, s) {special_zero=false}\n}\n"
    queue = vinoc.AsyncInferQueue(vinoc.compile_model(vinoc.Model(parse_graph(text))), 2)
    seen: list[int] = []
    queue.set_callback(lambda request, data: seen.append(data))
    x = np.arange(6, dtype=np.float32)
    for i in range(20):
        queue.start_async([x, np.array([3, 2 + i % 2])], i)
    with pytest.raises(vinoc.UsageError, match="rank"):
        queue.start_async([x, np.array([[1]])])
    with pytest.raises(vinoc.VinocError, match="Reshape"):
        queue.wait_all()
    assert sorted(seen) == list(range(0, 20, 2))
    assert queue.is_ready()
    with pytest.raises(IndexError):
        queue[2]


def test_start_async_waits_for_an_idle_request(model_files: dict[str, Path]) -> None:
    queue = vinoc.AsyncInferQueue(vinoc.compile_model(model_files["relu"]), 1)
    gate, entered = threading.Event(), threading.Event()
    order: list[str] = []

    def callback(request: vinoc.InferRequest, data: int) -> None:
        entered.set()
        gate.wait()
        order.append(f"end {data}")

    queue.set_callback(callback)
    queue.start_async(A, 0)
    assert entered.wait(10)
    assert not queue.is_ready()
    threading.Timer(0.05, gate.set).start()
    queue.start_async(A, 1)
    order.insert(order.index("end 0") + 1, "begin 1")
    queue.wait_all()
    assert order == ["end 0", "begin 1", "end 1"]


def test_nothing_holds_a_queue_or_its_model(model_files: dict[str, Path]) -> None:
    before = set(threading.enumerate())
    model = vinoc.compile_model(model_files["relu"])
    queue = vinoc.AsyncInferQueue(model, 2)
    queue.set_callback(lambda request, data: None)
    queue.start_async(A)
    queue.wait_all()
    threads = [t for t in threading.enumerate() if t not in before and t.name == "vinoc request"]
    assert len(threads) == 1
    gone = [weakref.ref(model), weakref.ref(queue), weakref.ref(queue[0])]
    gc.disable()
    try:
        del model, queue
        assert [ref() for ref in gone] == [None, None, None]
    finally:
        gc.enable()
    threads[0].join(5)
    assert not threads[0].is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_child_of_a_fork_has_threads_of_its_own(model_files: dict[str, Path]) -> None:
    model = vinoc.compile_model(model_files["relu"])
    request = model.create_infer_request()
    request.start_async(A)
    request.wait()
    gate, entered = threading.Event(), threading.Event()
    held = model.create_infer_request()
    held.set_callback(lambda _: (entered.set(), gate.wait()))
    held.start_async(A)
    assert entered.wait(10)
    child = os.fork()
    if not child:
        try:
            request.start_async(A * 2)
            right = request.wait_for(20_000) and request.results[0][1, 2] == 6
            held.start_async(A * 3)
            os._exit(0 if right and held._wait_for(0.0) is False else 1)
        except BaseException:
            os._exit(2)
    gate.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for again in (request, held):
        again.start_async(A)
        again.wait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_runs_at_a_fork_is_the_parents(model_files: dict[str, Path]) -> None:
    request = vinoc.compile_model(model_files["slow"]).create_infer_request()
    x = np.full((400, 400), 1 / 400, np.float32)
    request.start_async(x)
    child = os.fork()
    if not child:
        try:
            request.wait()
        except vinoc.VinocError as error:
            os._exit(0 if "forked" in str(error) and request.infer(x)[0].shape == (400, 400) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    request.wait()


def test_threads_share_a_model_but_not_a_request(model_files: dict[str, Path]) -> None:
    """Calls of a compiled model are all right; those of one request are right or refused as busy."""
    model = vinoc.compile_model(model_files["relu"], "CPU", {"NUM_STREAMS": 2})
    request = model.create_infer_request()
    wrong: list[str] = []
    refused: list[str] = []

    def work(n: int) -> None:
        for i in range(300):
            x = np.full((1 + i % 3, 3), n * 1000 + i, np.float32)
            if not np.array_equal(model(x)[0], x):
                wrong.append(f"model {n} {i}")
            try:
                if not np.array_equal(request.infer(x)[0], x):
                    wrong.append(f"request {n} {i}")
            except vinoc.UsageError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert all("busy" in text for text in refused)
    assert len(refused) < 1200
