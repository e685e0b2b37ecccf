"""Each algorithm mends what it is meant for, on networks made to have that fault."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tools.quantize.made import Net, pictures, work_of
from vinoc.ir.graph import Graph
from vinoc.passes.quantize.grid import asymmetric
from vinoc.tools.quantize.algorithms.alignment import align_channels
from vinoc.tools.quantize.algorithms.bias import bias_correction, fast_bias_correction
from vinoc.tools.quantize.algorithms.judge import Judge, split
from vinoc.tools.quantize.algorithms.min_max import min_max
from vinoc.tools.quantize.algorithms.recipes import best_recipe
from vinoc.tools.quantize.algorithms.rounding import round_by_data, rounded
from vinoc.tools.quantize.algorithms.spans import least_error, least_error_ranges
from vinoc.tools.quantize.data import open_data
from vinoc.tools.quantize.histogram import Histogram
from vinoc.tools.quantize.statistics import Statistics
from vinoc.tools.quantize.work import Work

FRESH = pictures(16, seed=9)


def error(work: Work) -> float:
    """On samples that were not calibrated on."""
    return Judge(work.original, open_data(FRESH, work.original)).error(work.quantized())


def uneven(spread: float = 6.0) -> Graph:
    """Channels between two convolutions differ in size by up to 2 ** spread; the outputs do not tell."""
    net = Net()
    sizes = 2.0 ** np.linspace(0, spread, 8)
    first, second = net.weights(8, 4, 3) * sizes[:, None, None, None], net.weights(6, 8) / sizes[:, None, None]
    x = net.relu(net.conv(net.x, first, 0.1 * sizes))
    return net.done(net.conv(net.relu(net.conv(x, second, np.ones(6))), net.weights(3, 6), np.zeros(3)))


def test_alignment_keeps_the_function_and_lessens_the_error() -> None:
    work = work_of(uneven())
    min_max(work)
    plain = error(work)
    align_channels(work)
    judge = Judge(work.original, open_data(FRESH, work.original))
    assert judge.error(work.graph) < 1e-5
    work.values.clear()
    min_max(work)
    assert error(work) < 0.5 * plain
    assert "noise" in work.facts["channel alignment"]


def test_alignment_finds_nothing_to_scale() -> None:
    net = Net()
    work = work_of(net.done(net.conv(net.x, net.weights(3, 4))))
    before = work.graph
    align_channels(work)
    assert work.graph is before
    assert work.facts["channel alignment"] == "no channels can be scaled"


def test_weights_are_rounded_for_the_data() -> None:
    net = Net()
    x = net.relu(net.conv(net.x, net.weights(16, 4, 3), np.ones(16)))
    graph = net.done(net.conv(x, net.weights(8, 16, 3), np.zeros(8)))
    work = work_of(graph, weight_bits=4)
    min_max(work)
    plain = error(work)
    round_by_data(work)
    assert error(work) < 0.75 * plain


def test_rounding_of_what_is_on_the_grid_changes_nothing() -> None:
    draw = np.random.default_rng(0)
    levels = draw.integers(-7, 8, (2, 3, 5)).astype(np.float64)
    scale = np.full((2, 3, 1), 0.25)
    rows = draw.standard_normal((2, 5, 40))
    found = rounded(levels * scale, rows @ rows.transpose(0, 2, 1), scale, np.full((2, 3, 1), 7.0), 15)
    assert np.array_equal(found, levels)


def test_rounding_beats_the_nearest_levels() -> None:
    """In the norm of the data, and never in the plain one."""
    draw = np.random.default_rng(0)
    weights, scale = draw.standard_normal((1, 6, 12)), np.full((1, 6, 1), 0.4)
    mix = draw.standard_normal((12, 3))
    square = (mix @ mix.T + 0.05 * np.eye(12))[None]
    nearest = np.rint(weights / scale)
    found = rounded(weights, square, scale, np.full((1, 6, 1), 20.0), 41)

    def loss(levels: np.ndarray) -> float:
        e = (levels * scale - weights)[0]
        return float(np.einsum("od,de,oe->", e, square[0], e))

    assert loss(found) < 0.5 * loss(nearest)
    assert np.square(found * scale - weights).sum() >= np.square(nearest * scale - weights).sum()


def cubed(values: np.ndarray, ends: tuple[float, float]) -> float:
    """The mean of |q(x) - x|^3 on 256 levels."""
    grid = asymmetric(np.asarray(ends[0]), np.asarray(ends[1]), 256, exact=True)
    levels = np.clip(np.rint(values / grid.scale), -grid.zero, 255 - grid.zero)
    return float((np.abs(levels * grid.scale - values) ** 3).mean())


def test_ranges_of_least_error_leave_out_what_is_rare() -> None:
    values = np.random.default_rng(0).laplace(size=400_000)
    seen = Statistics("x", histogram=Histogram())
    seen.lows, seen.highs = [values.min()], [values.max()]
    assert seen.histogram is not None
    seen.histogram.add(values.astype(np.float32), max(-values.min(), values.max()))
    ends = least_error(seen, False, 256)
    assert 0.3 * seen.high < ends[1] < 0.95 * seen.high
    assert cubed(values, ends) < 0.8 * cubed(values, (seen.low, seen.high))


def test_ranges_of_least_error_keep_few_large_values_that_tell_much() -> None:
    samples = pictures()
    samples[3] = samples[3].copy()
    samples[3][0, 0, 0, 0] = 40.0
    net = Net()
    work = work_of(net.done(net.conv(net.x, net.weights(3, 4), np.zeros(3))), samples)
    least_error_ranges(work)
    (found,) = work.values.values()
    assert found.high == 40
    assert "range of least error" in work.recipes["x"]


def shifted() -> Graph:
    """Depthwise weights of very different sizes in one filter: rounding them moves the mean of what follows."""
    net = Net()
    x = net.relu(net.conv(net.x, net.weights(8, 4, 3), np.ones(8)))
    coarse = np.round(net.weights(8, 8, 3), 1)
    coarse[:, 0, 0, 0] = 6.0
    x = net.relu(net.conv(x, coarse + 0.02, np.zeros(8)))
    return net.done(net.conv(x, net.weights(4, 8), np.zeros(4)))


@pytest.mark.parametrize("correct", [fast_bias_correction, bias_correction])
def test_bias_correction_takes_the_mean_error_out(correct: object) -> None:
    assert callable(correct)
    work = work_of(shifted(), weight_bits=4)
    min_max(work)
    plain = error(work)
    correct(work)
    assert error(work) < 0.9 * plain


def test_full_bias_correction_keeps_biases_that_are_right() -> None:
    net = Net()
    work = work_of(net.done(net.conv(net.x, net.weights(3, 4), np.zeros(3))))
    min_max(work)
    before = work.graph
    bias_correction(work)
    assert work.graph is before or error(work) < 0.01


def test_the_default_takes_the_best_recipe_and_tells_of_all() -> None:
    work = work_of(uneven())
    best_recipe(work)
    tried = work.facts["recipes"]
    assert work.facts["recipe"].startswith("aligned channels")
    assert len(tried) >= 3
    assert tried[work.facts["recipe"]] <= min(tried.values()) / 0.95
    assert set(work.values) == set(work.needed())
    assert all(work.recipes[name] for name in work.values)
    assert len(work.samples) == 24


def test_the_default_is_the_same_twice() -> None:
    texts = []
    for _ in range(2):
        work = work_of(uneven())
        best_recipe(work)
        made = work.quantized()
        constants = [n.outputs[0].const for n in made if n.kind == "Constant"]
        texts.append((work.known().text(), b"".join(c.tobytes() for c in constants if c is not None)))
    assert texts[0] == texts[1]


def test_held_out_samples_are_apart() -> None:
    graph = uneven()
    rest, held = split(open_data(pictures(40), graph))
    assert len(rest) + len(held) == 40
    assert not set(rest.names) & set(held.names)
    few = open_data(pictures(5), graph)
    assert split(few) == (few, few)
