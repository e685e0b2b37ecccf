"""Weights alone: no data, scales of least squared error."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tools.quantize.made import Net, pictures, work_of
from vinoc.ir.graph import Graph
from vinoc.tools.quantize.algorithms.judge import Judge
from vinoc.tools.quantize.algorithms.min_max import min_max
from vinoc.tools.quantize.algorithms.recipes import best_recipe
from vinoc.tools.quantize.algorithms.weights_only import least_squares
from vinoc.tools.quantize.data import open_data


def net() -> Graph:
    made = Net()
    x = made.relu(made.conv(made.x, made.weights(32, 4, 3), np.zeros(32)))
    x = made.relu(made.conv(x, made.weights(16, 32, 3), np.zeros(16)))
    return made.done(made.conv(x, made.weights(4, 16), np.zeros(4)))


@pytest.mark.parametrize(("bits", "kind"), [(8, np.int8), (4, None)])
def test_weights_alone_need_no_data_and_beat_their_extremes(bits: int, kind: type | None) -> None:
    errors = []
    for algorithm in (min_max, best_recipe):
        work = work_of(net(), weights_only=True, weight_bits=bits)
        work.samples = work.samples.only([])
        algorithm(work)
        made = work.quantized()
        assert "FakeQuantize" not in [n.kind for n in made]
        errors.append(Judge(work.original, open_data(pictures(8, seed=9), work.original)).error(made))
    assert errors[1] < (0.95 if bits == 4 else 1.05) * errors[0]
    if kind is not None:
        assert sum(n.kind == "Constant" and n.outputs[0].dtype.numpy == kind for n in made) == 3


def test_the_scale_is_the_best_of_those_tried() -> None:
    weights = np.random.default_rng(0).standard_normal((6, 500))
    weights[0, 3] = 12.0
    reach, share = least_squares(weights, (0,), 15)
    extremes = np.abs(weights).max(axis=1)
    assert (reach <= extremes).all()
    assert reach[0] <= 0.6 * extremes[0]
    assert 0.5 <= share < 1
    assert np.allclose(least_squares(np.array([[1.0, -7.0, 3.0]]), (0,), 15)[0], 7.0)
