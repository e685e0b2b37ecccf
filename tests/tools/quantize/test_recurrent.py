"""Recurrent networks: what the report says of their weights, and those that stay float."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tools.quantize.made import work_of
from vinoc.ir import Builder, Graph, TensorType
from vinoc.ir.dtype import f32
from vinoc.tools.quantize.algorithms.judge import Judge
from vinoc.tools.quantize.algorithms.keep import name_of, own_errors
from vinoc.tools.quantize.algorithms.recipes import best_recipe
from vinoc.tools.quantize.data import open_data
from vinoc.tools.quantize.job import written_sizes
from vinoc.tools.quantize.options import Options
from vinoc.tools.quantize.quantize import quantize_model
from vinoc.tools.quantize.report import report_of

TIME, SIZE, HIDDEN = 6, 10, 12


def samples(count: int, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).standard_normal((count, 1, TIME, SIZE)).astype(np.float32))


def network(huge: float = 1.0) -> Graph:
    """An LSTM, `rnn`, and a product, `head`. Unit 0 is always shut; its column of R, which therefore does not matter,
    is so many times as large as the others."""
    draw = np.random.default_rng(1)
    w, r, bias = (draw.standard_normal((1, 4 * HIDDEN, *n)).astype(np.float32) * 0.5 for n in ((SIZE,), (HIDDEN,), ()))
    bias[0, 3 * HIDDEN] = -50.0
    r[0, :, 0] *= huge
    graph = Graph("net")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (1, TIME, SIZE)), "x")
    zeros = np.zeros((1, 1, HIDDEN), np.float32)
    every = b.LSTMSequence(x, zeros, zeros, np.array([TIME]), w, r, bias, hidden_size=HIDDEN, direction="forward")[0]
    every.name = "rnn"
    y = b.MatMul(every, b.const(draw.standard_normal((HIDDEN, 3)).astype(np.float32)))
    y.name = "head"
    graph.add_output(y, "y")
    return graph


@pytest.mark.parametrize("options", [{}, {"weights_only": True}])
def test_the_report_has_a_row_for_a_recurrent_node(options: dict[str, bool]) -> None:
    result = quantize_model(network(), open_data(samples(12), network()), Options(**options))
    report = report_of("net", result, written_sizes(result), thorough=True)
    (row,) = [r for r in report.layers if r.kind == "LSTMSequence"]
    assert row.name == "rnn"
    assert not row.integers
    assert row.weight_bits == 8
    assert row.weight_sqnr is not None
    assert row.weight_sqnr > 35
    assert "weights alone" in row.why
    assert row.multiplications == TIME * 4 * HIDDEN * (SIZE + HIDDEN)
    floats = 4 * 4 * HIDDEN * (SIZE + HIDDEN)
    assert 0.6 * floats < row.saved <= 0.75 * floats
    assert row.own is not None
    assert 0 < row.own < 0.02
    assert "rnn" in report.rendered(".txt").decode()


def test_named_nodes_stay_float() -> None:
    result = quantize_model(network(), open_data(samples(12), network()), Options(keep_float=("rnn",)))
    (row,) = [r for r in report_of("net", result, written_sizes(result)).layers if r.kind == "LSTMSequence"]
    assert (row.weight_bits, row.saved, row.why) == (32, 0, "it is to stay float")


@pytest.mark.parametrize("weights_only", [False, True])
def test_what_eight_bits_hurt_is_found_and_left_float(weights_only: bool) -> None:
    hurt = work_of(network(huge=500.0), samples(16), weights_only=weights_only)
    best_recipe(hurt)
    own = own_errors(hurt, hurt.samples)
    assert name_of(max(own, key=lambda node: own[node])) == "rnn"
    kept = work_of(network(huge=500.0), samples(16), weights_only=weights_only, keep_float=("auto",))
    best_recipe(kept)
    costs = kept.facts["cost"]
    assert max(costs, key=costs.get) == "rnn"
    assert kept.facts["kept float"] == "rnn"
    judge = Judge(kept.original, open_data(samples(8, seed=5), kept.original))
    assert judge.error(hurt.quantized()) > 0.15
    assert judge.error(kept.quantized()) < 0.05


def test_own_errors_are_those_of_all_that_a_node_gives() -> None:
    found = []
    for huge in (1.0, 500.0):
        work = work_of(network(huge), samples(10), weights_only=True)
        best_recipe(work)
        own = {n.outputs[0].name: error for n, error in own_errors(work, work.samples).items()}
        assert set(own) == {"rnn", "head"}
        found.append(own["rnn"])
    assert 0 < found[0] < 0.02
    assert found[1] > 0.1
