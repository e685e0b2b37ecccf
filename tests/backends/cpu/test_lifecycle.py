"""Engines in threads, engines that come and go, forks, exceptions in the middle, the end of the interpreter.

Whatever may deadlock runs under a time limit: in a process of its own, or in a child that an alarm ends.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.engine import pool as pools
from vinoc.backends.cpu.streams import of_graph
from vinoc.backends.numpy import Interpreter
from vinoc.ir.errors import EvaluationError
from vinoc.ir.text import parse_graph
from vinoc.runtime.compiled import CompiledModel
from vinoc.runtime.devices.cpu import CpuModel

SMALL = """
graph g(x: f32[N,4,H,W]) -> (y) {
  w = Constant() : f32[6,4,3,3] = random(1)
  c = Convolution(x, w) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  y = ReLU(c)
}
"""
LARGE = """
graph g(x: f32[1,32,H,W]) -> (z) {
  w = Constant() : f32[32,32,3,3] = random(1)
  c = Convolution(x, w) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  y = ReLU(c)
  v = Constant() : f32[256,32,1,1] = random(2)
  z = Convolution(y, v) {strides=[1,1], pads_begin=[0,0], pads_end=[0,0], dilations=[1,1]}
}
"""
"""Enough work for the workers to take part in."""

SECONDS = 60

fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
warned = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


def image(seed: int, size: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((1, 32, size, size)).astype(np.float32)


def in_child(work: Callable[[], bool]) -> int:
    """The exit code of a fork that does some work: 0 where it is true. An alarm ends a child that hangs."""
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_threads(count: int, work: Callable[[int], bool]) -> None:
    """Asserts that work is true in all of some threads, within the time limit."""
    done: list[bool] = []
    threads = [threading.Thread(target=lambda k=k: done.append(work(k)), daemon=True) for k in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(SECONDS)
    assert done == [True] * count


# Threads


def test_two_engines_in_two_threads() -> None:
    graph = parse_graph(LARGE)
    engines = [Executable(graph, 2), Executable(parse_graph(LARGE), 3)]
    inputs = [image(k, 16 + 4 * k) for k in range(4)]
    wanted = [Interpreter(graph).run([x])[0] for x in inputs]

    def work(k: int) -> bool:
        for n in range(24):
            got = engines[k].run([inputs[n % 4]])[0]
            if np.abs(got - wanted[n % 4]).max() > 1e-3:
                return False
        return True

    in_threads(2, work)


def test_one_engine_from_two_threads() -> None:
    """Also while its plans are made, and dropped."""
    engine = Executable(parse_graph(LARGE), 2)
    inputs = [image(k, 10 + k) for k in range(12)]
    wanted = [Executable(parse_graph(LARGE), 2).run([x])[0] for x in inputs]
    in_threads(2, lambda k: all(np.array_equal(engine.run([inputs[n % 12]])[0], wanted[n % 12]) for n in range(k, 30)))


def test_engines_are_made_in_several_threads() -> None:
    x = image(0)
    wanted = Executable(parse_graph(LARGE), 2).run([x])[0]
    in_threads(
        3, lambda _: all(np.array_equal(Executable(parse_graph(LARGE), 2).run([x])[0], wanted) for _ in range(8))
    )


# Coming and going


def resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_thousand_engines_leave_nothing() -> None:
    graph, x = parse_graph(SMALL), np.ones((1, 4, 9, 9), np.float32)
    wanted = Executable(graph, 2).run([x])[0]

    def some(count: int) -> int:
        for _ in range(count):
            assert np.array_equal(Executable(graph, 2).run([x])[0], wanted)
        gc.collect()
        return resident()

    some(200)
    before = some(200)
    after = some(600)
    assert after - before < 4 << 20, f"{(after - before) / 600:.0f} bytes an engine"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_compiled_models_and_streams_leave_nothing() -> None:
    x = np.ones((1, 4, 9, 9), np.float32)

    def some(count: int) -> int:
        for _ in range(count):
            CompiledModel(CpuModel(parse_graph(SMALL), {"NUM_STREAMS": "2"}), "CPU", {})([x])
        gc.collect()
        return resident()

    some(60)
    before = some(20)
    assert some(120) - before < 4 << 20


def test_workers_end_with_their_pool() -> None:
    before = threading.active_count()
    engine = Executable(parse_graph(LARGE), 4)
    engine.run([image(0)])
    assert threading.active_count() == before + 3
    del engine
    gc.collect()
    limit = time.monotonic() + SECONDS
    while threading.active_count() > before and time.monotonic() < limit:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_threads_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error, for as long as it is so; nobody waits for workers that are not there."""
    engine = Executable(parse_graph(LARGE), 3)
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def refuse(thread: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(pools.threading.Thread, "start", refuse)
    for _ in range(2):
        with pytest.raises(EvaluationError, match="2 worker threads are needed"):
            engine.run([image(0)])
    monkeypatch.undo()
    started[0].join(SECONDS)
    assert not started[0].is_alive()
    assert np.isfinite(engine.run([image(0)])[0]).all()


# Forks


@fork
@warned
def test_after_a_fork_both_go_on() -> None:
    engine, x = Executable(parse_graph(LARGE), 2), image(0)
    wanted = engine.run([x])[0]
    for _ in range(3):
        assert in_child(lambda: all(np.array_equal(engine.run([x])[0], wanted) for _ in range(3))) == 0
        assert np.array_equal(engine.run([x])[0], wanted)


@fork
@warned
def test_a_child_may_fork_and_make_engines() -> None:
    engine, x = Executable(parse_graph(LARGE), 2), image(0)
    wanted = engine.run([x])[0]

    def again() -> bool:
        fresh = Executable(parse_graph(LARGE), 2).run([x])[0]
        return np.array_equal(fresh, wanted) and in_child(lambda: np.array_equal(engine.run([x])[0], wanted)) == 0

    assert in_child(again) == 0


@fork
@warned
def test_a_fork_in_the_middle_of_other_threads_runs() -> None:
    """They hold locks, which nobody in the child would open."""
    graph, x = parse_graph(LARGE), image(0)
    engine, streams = Executable(graph, 2), of_graph(parse_graph(LARGE), 2, 2)
    wanted = engine.run([x])[0]
    stop = threading.Event()

    def busy(run: Callable[..., list[np.ndarray]]) -> None:
        size = 8
        while not stop.is_set():
            run([x])
            run([image(0, 8 + size % 14)])  # new plans: they are made under a lock too
            size += 1

    threads = [threading.Thread(target=busy, args=(run,)) for run in (engine.run, streams.run, streams.run)]
    for t in threads:
        t.start()
    try:
        for _ in range(12):
            assert in_child(lambda: all(np.array_equal(run([x])[0], wanted) for run in (engine.run, streams.run))) == 0
    finally:
        stop.set()
        for t in threads:
            t.join(SECONDS)
    assert np.array_equal(engine.run([x])[0], wanted)


# Exceptions in the middle


def test_an_error_in_the_middle_leaves_the_engine_whole() -> None:
    """A kernel notes a bad index, and an island fails after it: each is named, and the next run is right."""
    graph = parse_graph("""
    graph g(x: f32[1,32,24,24], k: i64[2], m: f32[2,2]) -> (z, i) {
      w = Constant() : f32[32,32,3,3] = random(1)
      c = Convolution(x, w) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
      a = Constant() : i64[] = [1]
      g = Gather(c, k, a)
      i = Inverse(m) {adjoint=false}
      r = ReLU(g)
      z = Abs(r)
    }
    """)
    engine, reference = Executable(graph, 2), Interpreter(graph)
    whole, flat, far = np.array([[2, 1], [1, 1]], np.float32), np.zeros((2, 2), np.float32), np.array([0, 32])
    good = [image(0), np.array([1, -1]), whole]

    def right() -> bool:
        return all(np.allclose(a, b, atol=1e-4) for a, b in zip(engine.run(good), reference.run(good), strict=True))

    assert right()
    for k, m, said in ((far, whole, "index 32"), (good[1], flat, "Singular"), (far, flat, "index 32")):
        for _ in range(2):
            with pytest.raises(EvaluationError, match=said):
                engine.run([image(0), k, m])
        assert right()


def test_an_error_does_not_keep_a_stream() -> None:
    graph = parse_graph("""
    graph g(x: f32[8], k: i64[3]) -> (y) {
      a = Constant() : i64[] = [0]
      y = Gather(x, k, a)
    }
    """)
    streams = of_graph(graph, 2, 1)
    x = np.arange(8, dtype=np.float32)
    for _ in range(5):
        with pytest.raises(EvaluationError):
            streams.run([x, np.array([0, 1, 8])])

    def work(k: int) -> bool:
        indices = np.array([k, k + 1, -1])
        return all(np.array_equal(streams.run([x, indices])[0], x[indices]) for _ in range(20))

    in_threads(4, work)


# The end


PROGRAMS = {
    "live pools": """
engines = [Executable(parse_graph(MODEL), n) for n in (1, 2, 4)]
for e in engines:
    e.run([x])
""",
    "a run in another thread": """
import threading, time
engine = Executable(parse_graph(MODEL), 2)
def work():
    while True:
        engine.run([x])
threading.Thread(target=work, daemon=True).start()
time.sleep(0.3)
""",
    "an exception": """
engine = Executable(parse_graph(MODEL), 2)
engine.run([x])
raise SystemExit(0)
""",
    "engines in a cycle": """
class Holder: pass
h = Holder()
h.me, h.engine = h, Executable(parse_graph(MODEL), 3)
h.engine.run([x])
del h
""",
    "a run at exit": """
import atexit
engine = Executable(parse_graph(MODEL), 2)
atexit.register(lambda: engine.run([x]))
engine.run([x])
""",
    "a child that ends as a program does": """
import os, sys
engine = Executable(parse_graph(MODEL), 2)
engine.run([x])
child = os.fork()
engine.run([x])
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_end(name: str) -> None:
    if "fork" in PROGRAMS[name] and not hasattr(os, "fork"):
        pytest.skip("needs fork")
    head = f"""
import numpy as np
from vinoc.backends.cpu.device import Executable
from vinoc.ir.text import parse_graph
MODEL = {LARGE!r}
x = np.ones((1, 32, 24, 24), np.float32)
"""
    program = [sys.executable, "-W", "ignore::DeprecationWarning", "-X", "faulthandler", "-c", head + PROGRAMS[name]]
    done = subprocess.run(program, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_many_requests_at_once() -> None:
    model = CompiledModel(CpuModel(parse_graph(SMALL), {"NUM_STREAMS": "2"}), "CPU", {})
    inputs = [np.full((1, 4, 3 + k % 5, 4), k, np.float32) for k in range(40)]
    wanted = [model([x])[0] for x in inputs]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda x: model.create_infer_request().infer([x])[0], inputs, timeout=SECONDS))
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)
