"""The executable: dynamic shapes, stages, bodies, state, threads."""

from __future__ import annotations

import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.engine.islands import State
from vinoc.backends.cpu.engine.program import Program
from vinoc.backends.cpu.engine.stages import Staged
from vinoc.backends.cpu.streams import of_graph
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32
from vinoc.ir.errors import UsageError
from vinoc.ir.text import parse_graph
from vinoc.ir.types import TensorType

CONV = """
graph g(x: f32[N,4,H,W]) -> (y) {
  w = Constant() : f32[6,4,3,3] = random(1)
  c = Convolution(x, w) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  y = ReLU(c)
}
"""


def close(a: np.ndarray, b: np.ndarray) -> None:
    assert a.dtype == b.dtype
    np.testing.assert_allclose(a, b, rtol=0, atol=2e-6 * max(float(np.abs(b).max()), 1e-9))


def test_plans_are_made_for_shapes_and_dropped() -> None:
    graph = parse_graph(CONV)
    executable, reference = Executable(graph, 2), Interpreter(graph)
    for k in range(1, 14):
        x = np.random.default_rng(k).standard_normal((1 + k % 2, 4, 3 + k, 5)).astype(np.float32)
        close(executable.run([x])[0], reference.run([x])[0])
    assert len(executable._runners) <= 8


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(UsageError, match="do not fit"):
        Executable(parse_graph(CONV)).run([np.zeros((1, 5, 4, 4), np.float32)])


def test_shapes_known_only_at_run_time() -> None:
    graph = parse_graph("""
    graph g(x: f32[N,8]) -> (y, n) {
      zero = Constant() : f32[] = [0.0]
      positive = Greater(x, zero)
      n = NonZero(positive) {output_type=i64}
      order = Constant() : i64[2] = [1,0]
      where = Transpose(n, order)
      picked = GatherND(x, where)
      v = Constant() : f32[] = [2.0]
      y = Multiply(picked, v)
    }
    """)
    executable, reference = Executable(graph, 1), Interpreter(graph)
    for seed in range(4):
        x = np.random.default_rng(seed).standard_normal((3 + seed, 8)).astype(np.float32)
        for got, want in zip(executable.run([x]), reference.run([x]), strict=True):
            close(got, want)
    assert isinstance(executable.program([(3, 8)]), Staged)


def test_loops_run_on_the_engine() -> None:
    graph = parse_graph("""
    graph g(x: f32[1,4,6,6], n: i64[]) -> (y) {
      go = Constant() : boolean[] = [true]
      y = Loop(n, go, x) {body_from=[2], slice_axis=[-1], slice_start=[0], slice_end=[-1], slice_stride=[1],
                          slice_part=[1], back_edge=[0], out_from=[0], out_axis=[-1], out_start=[0], out_end=[-1],
                          out_stride=[1], out_part=[1]} with
        graph body(a: f32[1,4,6,6]) -> (c) {
          w = Constant() : f32[4,4,3,3] = random(3)
          c = Convolution(a, w) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
        }
    }
    """)
    x = np.random.default_rng(0).standard_normal((1, 4, 6, 6)).astype(np.float32)
    executable, reference = Executable(graph, 2), Interpreter(graph)
    for n in (0, 1, 3):
        inputs = [x, np.array(n, np.int64)]
        close(executable.run(inputs)[0], reference.run(inputs)[0])


def test_loops_of_known_length_are_one_schedule() -> None:
    """Parts of x are added up, from the back; results of all iterations are joined."""
    graph = parse_graph("""
    graph g(x: f32[N,3]) -> (y, last) {
      zero = Constant() : f32[1,3] = [0.0, 0.0, 0.0]
      y, last = TensorIterator(x, zero) {body_from=[0,1], slice_axis=[0,-1], slice_start=[-1,0], slice_end=[0,-1],
                          slice_stride=[-1,1], slice_part=[1,1], back_edge=[-1,0], out_from=[0,0], out_axis=[0,-1],
                          out_start=[0,0], out_end=[-1,-1], out_stride=[1,1], out_part=[1,1]} with
        graph body(part: f32[1,3], sum: f32[1,3]) -> (c) {
          c = Add(part, sum)
        }
    }
    """)
    executable, reference = Executable(graph, 1), Interpreter(graph)
    for n, kinds in ((1, 0), (7, 0), (300, 1)):
        x = np.random.default_rng(n).standard_normal((n, 3)).astype(np.float32)
        for got, want in zip(executable.run([x]), reference.run([x]), strict=True):
            close(got, want)
        program = executable.program([(n, 3)])
        assert isinstance(program, Program)
        loops = [node for node in program.plan.graph if node.kind == "TensorIterator"]
        assert len(loops) == kinds, "as a loop where it is long"


def test_state_is_the_requests() -> None:
    graph = parse_graph("""
    graph g(x: f32[2]) -> (y) {
      zero = Constant() : f32[2] = [0.0, 0.0]
      old = ReadValue(zero) {variable_id="v", variable_type=f32, variable_shape=[2]}
      y = Add(old, x)
      new = Assign(y) {variable_id="v"}
    }
    """)
    executable = Executable(graph, 1)
    one, two = State(), State()
    x = np.array([1, 2], np.float32)
    for k in range(1, 4):
        np.testing.assert_array_equal(executable.run([x], one)[0], k * x)
    np.testing.assert_array_equal(executable.run([x], two)[0], x)


def test_inputs_of_any_layout() -> None:
    graph = parse_graph(CONV)
    x = np.random.default_rng(0).standard_normal((1, 5, 6, 4)).astype(np.float32).transpose(0, 3, 1, 2)
    close(Executable(graph, 2).run([x])[0], Interpreter(graph).run([x])[0])


def test_requests_from_several_threads() -> None:
    graph = parse_graph(CONV)
    executable, reference = Executable(graph, 2), Interpreter(graph)
    wrong: list[int] = []

    def work(seed: int) -> None:
        for k in range(10):
            x = np.random.default_rng(seed * 99 + k).standard_normal((1, 4, 4 + k % 3, 5)).astype(np.float32)
            if not np.allclose(executable.run([x])[0], reference.run([x])[0], atol=1e-5):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(s,)) for s in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


def test_engines_come_and_go() -> None:
    graph = parse_graph(CONV)
    x = np.ones((1, 4, 3, 3), np.float32)
    before = threading.active_count()
    for _ in range(60):
        Executable(graph, 3).run([x])
    gc.collect()
    for _ in range(100):
        if threading.active_count() <= before + 3:
            break
        threading.Event().wait(0.02)
    assert threading.active_count() <= before + 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_has_workers_of_its_own() -> None:
    executable = Executable(parse_graph(CONV), 2)
    x = np.ones((1, 4, 9, 9), np.float32)
    want = executable.run([x])[0]
    child = os.fork()
    if child == 0:
        same = np.array_equal(executable.run([x])[0], want)
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(executable.run([x])[0], want)


def test_an_output_that_is_an_input_or_a_constant() -> None:
    graph = Graph("g")
    x = graph.add_input(TensorType(f32, (2, 3)), "x")
    graph.add_output(x, "same")
    graph.add_output(Builder(graph).const(np.arange(3, dtype=np.float32)), "constant")
    out = Executable(graph, 1).run([np.ones((2, 3), np.float32)])
    np.testing.assert_array_equal(out[0], np.ones((2, 3)))
    np.testing.assert_array_equal(out[1], np.arange(3))


def test_streams_run_side_by_side() -> None:
    graph = parse_graph(CONV)
    streams, reference = of_graph(graph, 2, 1), Interpreter(graph)
    inputs = [np.random.default_rng(k).standard_normal((1, 4, 5, 5)).astype(np.float32) for k in range(12)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda x: streams.run([x])[0], inputs))
    for x, y in zip(inputs, results, strict=True):
        close(y, reference.run([x])[0])
    assert len({id(e.packed) for e in streams.all}) == 1


def test_a_graph_without_nodes() -> None:
    graph = parse_graph("""
    graph g(x: f32[2,3]) -> (y) {
      order = Constant() : i64[2] = [0,1]
      y = Transpose(x, order)
    }
    """)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(Executable(graph, 2).run([x])[0], x)


def test_what_no_kernel_copies_is_copied() -> None:
    graph = parse_graph("""
    graph g(x: f32[2,2,2,2,2,2,2]) -> (y) {
      order = Constant() : i64[7] = [6,0,5,1,4,2,3]
      y = Transpose(x, order)
    }
    """)
    x = np.random.default_rng(0).standard_normal((2,) * 7).astype(np.float32)
    np.testing.assert_array_equal(Executable(graph, 2).run([x])[0], x.transpose(6, 0, 5, 1, 4, 2, 3))
