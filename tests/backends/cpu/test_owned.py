"""Models that are compiled own their graph: planned at once, once for all streams, source weights given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinoc
from vinoc.backends.cpu.engine.islands import State
from vinoc.compiler.frontends.onnx.tensors import map_file
from vinoc.ir.buffer import Buffer, forget_pages
from vinoc.ir.builder import Builder
from vinoc.ir.constant import Constant
from vinoc.ir.dim import symbol
from vinoc.ir.dtype import f32
from vinoc.ir.errors import VinocError
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType

X = np.random.default_rng(1).standard_normal((1, 32, 9, 9)).astype(np.float32)


def model(shape: tuple[Any, ...] = X.shape) -> vinoc.Model:
    """A convolution whose weights are read twice, and one whose weights are read once."""
    random = np.random.default_rng(2)
    graph = Graph("twice")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, shape), "x")
    shared, own = (random.standard_normal((32, 32, 3, 3)).astype(np.float32) * np.float32(0.1) for _ in range(2))
    window: dict[str, Any] = {"strides": [1, 1], "dilations": [1, 1], "pads_begin": [1, 1], "pads_end": [1, 1]}
    weights = b.const(shared)
    y = b.Convolution(b.ReLU(b.Convolution(x, weights, **window)), weights, **window)
    graph.add_output(b.Convolution(y, own, **window), "y")
    return vinoc.Model(graph)


def buffers(graph: Graph) -> list[Buffer]:
    return [n.op.value for n in graph if type(n.op) is Constant and n.op.value.nbytes > 20000]


def test_weights_are_given_up_but_not_those_of_the_model() -> None:
    source = model()
    compiled = vinoc.compile_model(source, "CPU")
    found = buffers(compiled.graph)
    assert len(found) == 2
    with pytest.raises(VinocError, match="they were packed for a device"):
        _ = found[0].array
    assert all(b.array.size for b in buffers(source.graph))
    expected = vinoc.compile_model(source, "TEMPLATE")([X])[0]
    np.testing.assert_allclose(compiled([X])[0], expected, atol=1e-4)


def test_graphs_of_unknown_shapes_keep_them() -> None:
    compiled = vinoc.compile_model(model((1, 32, symbol("h"), 9)), "CPU")
    for height in (9, 4, 11):
        x = np.resize(X, (1, 32, height, 9))
        expected = vinoc.compile_model(model(x.shape), "TEMPLATE")([x])[0]
        np.testing.assert_allclose(compiled([x])[0], expected, atol=1e-4)


def test_streams_share_one_plan() -> None:
    compiled = vinoc.compile_model(model(), "CPU", {"NUM_STREAMS": 3, "INFERENCE_NUM_THREADS": 3})
    engine: Any = compiled._start()
    programs = [e.program([X.shape]) for e in engine._executable.all]
    assert len(programs) == 3
    assert len({id(p.plan) for p in programs}) == 1
    assert len({p.arena.ctypes.data for p in programs}) == 3
    results = [p.run([X], State())[0] for p in programs]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_pages_of_a_file_come_back(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    data = np.arange(1 << 20, dtype=np.float32)
    data.tofile(path)
    mapped = np.frombuffer(map_file(path), np.float32)
    forget_pages(mapped)
    np.testing.assert_array_equal(mapped, data)
    forget_pages(data)
    assert data[-1] == (1 << 20) - 1
