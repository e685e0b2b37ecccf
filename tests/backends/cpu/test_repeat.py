"""Loops whose length is known when they run, against the reference."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import numpy as np
import pytest

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.engine.repeat import Repeated
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph
from vinoc.ir.errors import EvaluationError
from vinoc.ir.text import parse_graph

TURNS = """
graph g(n: i64[], go: boolean[], limit: f32[], x: f32[5,2,3], o: f32[2,3,5], s: f32[2,3], t: f32[2,3])
  -> (a, b, c, d, e) {
  a, b, c, d, e = Loop(n, go, s, t, x, o, limit) {
      body_from=[-1,2,3,4,5,6], slice_axis=[-1,-1,-1,0,2,-1], slice_start=[0,0,0,0,-1,0], slice_end=[-1,-1,-1,-1,0,-1],
      slice_stride=[1,1,1,1,-1,1], slice_part=[1,1,1,1,1,1], back_edge=[-1,1,0,-1,-1,-1],
      out_from=[0,1,0,1,3], out_axis=[-1,-1,0,1,0], out_start=[0,0,0,-1,0], out_end=[-1,-1,-1,0,-1],
      out_stride=[1,1,1,-1,1], out_part=[1,1,2,3,1], condition_output=2} with
    graph body(i: i64[], p: f32[2,3], q: f32[2,3], u: f32[1,2,3], v: f32[2,3,1], limit: f32[]) -> (y, z, more, k) {
      f = Convert(i) {destination_type=f32}
      axis = Constant() : i64[1] = [0]
      last = Constant() : i64[1] = [2]
      w = Squeeze(v, last)
      r = Squeeze(u, axis)
      h = Add(p, w)
      y = Add(h, f)
      z = Subtract(q, r)
      all = Constant() : i64[2] = [0, 1]
      m = ReduceMax(y, all)
      more = Less(m, limit)
      k = Unsqueeze(i, axis)
    }
}
"""


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def inputs(n: int, go: bool, limit: float) -> list[np.ndarray]:
    return [
        np.array(n),
        np.array(go),
        np.array(limit, np.float32),
        numbers(5, 2, 3),
        numbers(2, 3, 5),
        numbers(2, 3),
        -numbers(2, 3),
    ]


def compare(executable: Executable, graph: Graph, given: list[np.ndarray]) -> None:
    for want, got in zip(Interpreter(graph).run(given), executable.run(given), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
        assert got.dtype == want.dtype


@pytest.mark.parametrize("threads", [1, 3])
def test_turns(threads: int) -> None:
    """States that change places, parts from the front and from the back, what is joined in both orders, numbers."""
    graph = parse_graph(TURNS)
    executable = Executable(graph, threads)
    for n in (-1, 0, 1, 2, 3, 7):
        for go, limit in ((True, np.inf), (True, 2.0), (True, -100.0), (False, np.inf)):
            compare(executable, graph, inputs(n, go, limit))


def test_iterations_are_calls_of_one_schedule() -> None:
    graph = parse_graph(TURNS)
    executable, real = Executable(graph, 1), Repeated.run
    results = []

    def run(*given: Any) -> Any:
        results.append(real(*given))
        return results[-1]

    with mock.patch.object(Repeated, "run", run):
        executable.run(inputs(3, True, np.inf))
    assert len(results) == 1
    assert results[0] is not None


def test_requests_at_once() -> None:
    graph = parse_graph(TURNS)
    executable = Executable(graph, 2)
    cases = [inputs(n, True, limit) for n in (1, 2, 3) for limit in (2.0, np.inf)] * 8
    with ThreadPoolExecutor(4) as pool:
        for given, got in zip(cases, pool.map(executable.run, cases), strict=True):
            for want, one in zip(Interpreter(graph).run(given), got, strict=True):
                np.testing.assert_allclose(one, want, rtol=1e-5, atol=1e-6)


def test_states_that_change_their_shape_and_faults() -> None:
    graph = parse_graph("""
    graph g(n: i64[], s: f32[1], t: i64[1]) -> (a, b) {
      go = Constant() : boolean[] = [true]
      a, b = Loop(n, go, s, t) {body_from=[2,3], slice_axis=[-1,-1], slice_start=[0,0], slice_end=[-1,-1],
          slice_stride=[1,1], slice_part=[1,1], back_edge=[0,1], out_from=[0,1], out_axis=[-1,-1], out_start=[0,0],
          out_end=[-1,-1], out_stride=[1,1], out_part=[1,1]} with
        graph body(p: f32[?], q: i64[1]) -> (y, z) {
          y = Concat(p, p) {axis=0}
          one = Constant() : i64[1] = [1]
          zero = Constant() : i64[] = [0]
          table = Constant() : i64[3] = [1, 2, 3]
          z = Gather(table, q, zero)
        }
    }
    """)
    executable = Executable(graph, 1)
    compare(executable, graph, [np.array(3), numbers(1), np.array([0])])
    with pytest.raises(EvaluationError, match="out of bounds"):
        executable.run([np.array(4), numbers(1), np.array([0])])
