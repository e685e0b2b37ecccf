"""LSTM and GRU as loops compute what their `evaluate` computes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from vinoc.backends.numba import NumbaBackend
from vinoc.backends.numba.codegen import NumbaGenerator
from vinoc.backends.numba.loops import settings as loop_settings
from vinoc.backends.numba.sequences import GruCellLoops, GruLoops, LstmCellLoops, LstmLoops
from vinoc.backends.numpy import Interpreter
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import Array, f32
from vinoc.ir.graph import Graph
from vinoc.ir.ops.recurrent import Direction
from vinoc.ir.types import TensorType
from vinoc.passes.manager import PassManager


def numbers(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32) * np.float32(0.5)


def same(actual: tuple[Array, ...], expected: tuple[Array, ...]) -> None:
    for a, b in zip(actual, expected, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=0, atol=3e-6)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("batch", "time", "size"), [(1, 5, 40), (11, 7, 33), (2, 1, 3), (3, 0, 8)])
@pytest.mark.parametrize("threads", [False, True])
def test_sequences(
    direction: Direction, batch: int, time: int, size: int, threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sequences of different lengths, none included; groups of eight, rows alone, and several threads."""
    monkeypatch.setattr(loop_settings, "LITTLE", -1 if threads else 1 << 60)
    d = 2 if direction == "bidirectional" else 1
    x, h, c = numbers(batch, time, 9), numbers(batch, d, size), numbers(batch, d, size)
    lengths = np.arange(batch, dtype=np.int32) % (time + 1)
    lstm = LstmLoops(hidden_size=size, direction=direction)
    w, r, b = numbers(d, 4 * size, 9), numbers(d, 4 * size, size), numbers(d, 4 * size)
    before = h.copy()
    same(lstm.loops(x, h, c, lengths, w, lstm.pack(r), b), lstm.evaluate(x, h, c, lengths, w, r, b))
    np.testing.assert_array_equal(h, before)
    w, r = numbers(d, 3 * size, 9), numbers(d, 3 * size, size)
    for linear in (False, True):
        gru = GruLoops(hidden_size=size, direction=direction, linear_before_reset=linear)
        b = numbers(d, (4 if linear else 3) * size)
        same(gru.loops(x, h, lengths, w, gru.pack(r), b), gru.evaluate(x, h, lengths, w, r, b))


def test_cells() -> None:
    x, h, c = numbers(3, 9), numbers(3, 17), numbers(3, 17)
    lstm, gru = LstmCellLoops(hidden_size=17), GruCellLoops(hidden_size=17, linear_before_reset=True)
    w, r, b = numbers(68, 9), numbers(68, 17), numbers(68)
    same(lstm.loops(x, h, c, w, lstm.pack(r), b), lstm.evaluate(x, h, c, w, r, b))
    w, r = numbers(51, 9), numbers(51, 17)
    same((gru.loops(x, h, w, gru.pack(r), b),), (gru.evaluate(x, h, w, r, b),))


def test_cells_in_a_module() -> None:
    graph = Graph("net")
    b = Builder(graph)
    x, h = graph.add_input(TensorType(f32, (2, 5)), "x"), b.const(numbers(2, 4))
    first = b.LSTMCell(x, h, h, *(b.const(numbers(*s)) for s in ((16, 5), (16, 4), (16,))), hidden_size=4)
    weights = [b.const(numbers(*s)) for s in ((12, 4), (12, 4), (12,))]
    graph.add_output(b.GRUCell(first[0], first[1], *weights, hidden_size=4), "y")
    before = Interpreter(graph).run([data := numbers(2, 5)])
    PassManager(NumbaBackend.lowering).run(graph)
    same(tuple(Interpreter(graph).run([data])), tuple(before))
    text, _ = NumbaGenerator(graph, "net").render()
    assert re.search(r"= lstm_cell\(\s*x, w\[", text)
    assert re.search(r"= gru_cell\(", text)
    assert text.count("= pack_cell(") == 2


def test_only_what_has_the_usual_activations_is_written_as_loops() -> None:
    graph = Graph("net")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (2, 6, 5)), "x")
    h = b.const(numbers(2, 1, 4))
    lengths, w, r, bias = (
        b.const(np.array([6, 3])),
        b.const(numbers(1, 16, 5)),
        b.const(numbers(1, 16, 4)),
        numbers(1, 16),
    )
    for more in ({}, {"clip": 0.5}, {"activations": ("sigmoid", "relu", "tanh")}):
        out = b.LSTMSequence(x, h, h, lengths, w, r, b.const(bias), hidden_size=4, direction="forward", **more)
        graph.add_output(out[0], f"y{len(graph.outputs)}")
    before = Interpreter(graph).run([data := numbers(2, 6, 5)])
    PassManager(NumbaBackend.lowering).run(graph)
    assert sorted(n.kind for n in graph if "LST" in n.kind.upper()) == ["LSTMSequence", "LSTMSequence", "LstmLoops"]
    for one, other in zip(before, Interpreter(graph).run([data])):
        np.testing.assert_array_equal(one, other)
    text, _ = NumbaGenerator(graph, "net").render()
    assert "= pack_recurrent(" in text
    assert len(re.findall(r"= lstm\(\s*x, ", text)) == 1
