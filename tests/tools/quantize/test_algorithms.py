"""Each algorithm mends what it is meant for, on networks made to have that fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.tools.quantize.made import Net, error, pictures, work_of
from vinoc.ir.graph import Graph
from vinoc.ir.ops.convolution import Convolution
from vinoc.ir.ops.pooling import MaxPool
from vinoc.passes.quantize.grid import asymmetric
from vinoc.tools.quantize.algorithms import budget
from vinoc.tools.quantize.algorithms.alignment import align_channels, typical
from vinoc.tools.quantize.algorithms.bias import bias_correction, fast_bias_correction
from vinoc.tools.quantize.algorithms.budget import NARROWEST, WIDEST, columns, held_out, told
from vinoc.tools.quantize.algorithms.classes import constant_of
from vinoc.tools.quantize.algorithms.columns import Moments, _windows
from vinoc.tools.quantize.algorithms.judge import FAINT, HELD_OUT, Judge, geometric_mean, root_mean_square, split
from vinoc.tools.quantize.algorithms.min_max import min_max
from vinoc.tools.quantize.algorithms.recipes import best_recipe
from vinoc.tools.quantize.algorithms.rounding import DAMPING, round_by_data, rounded
from vinoc.tools.quantize.algorithms.spans import WITH_HISTOGRAM, least_error, least_error_ranges
from vinoc.tools.quantize.data import open_data
from vinoc.tools.quantize.histogram import Histogram
from vinoc.tools.quantize.statistics import Statistics

FRESH = pictures(16, seed=9)


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
    plain = error(work, FRESH)
    align_channels(work)
    judge = Judge(work.original, open_data(FRESH, work.original))
    assert judge.error(work.graph) < 1e-5
    work.values.clear()
    min_max(work)
    assert error(work, FRESH) < 0.5 * plain
    assert "noise" in work.facts["channel alignment"]


def test_alignment_goes_through_pooling() -> None:
    net = Net()
    sizes = 2.0 ** np.linspace(0, 6, 8)
    made = net.relu(net.conv(net.x, net.weights(8, 4, 3) * sizes[:, None, None, None]))
    pooled = net.b.node(MaxPool((2, 2), (1, 1), (0, 0), (0, 0), (2, 2)), made).outputs[0]
    work = work_of(net.done(net.conv(pooled, net.weights(3, 8) / sizes[:, None, None])))
    min_max(work)
    plain = error(work, FRESH)
    align_channels(work)
    work.values.clear()
    min_max(work)
    assert error(work, FRESH) < 0.7 * plain


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
    plain = error(work, FRESH)
    round_by_data(work)
    assert error(work, FRESH) < 0.75 * plain


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


def by_columns(weights: np.ndarray, square: np.ndarray, scale: float) -> np.ndarray:
    """Rounding as it is defined, for one group: the error of each column goes into all later ones at once."""
    order = np.argsort(-np.diag(square), kind="stable")
    left, d = weights[:, order].copy(), len(square)
    damped = square[np.ix_(order, order)] + DAMPING * np.diag(square).mean() * np.eye(d)
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    found = np.empty_like(left)
    for k in range(d):
        found[:, order[k]] = q = np.rint(left[:, k] / scale)
        left[:, k + 1 :] -= np.outer((left[:, k] - q * scale) / upper[k, k], upper[k, k + 1 :])
    return found


def test_rounding_of_many_columns_is_that_of_one_after_another() -> None:
    draw = np.random.default_rng(1)
    weights, rows = draw.standard_normal((1, 5, 75)), draw.standard_normal((75, 90)) * draw.uniform(0.1, 2, (75, 1))
    square = rows @ rows.T / 90
    found = rounded(weights, square[None], np.full((1, 5, 1), 0.1), np.full((1, 5, 1), 1000.0), 2001)
    assert np.array_equal(found[0], by_columns(weights[0], square, 0.1))


def test_moments_of_nothing_and_of_one_row_can_be_rounded_by() -> None:
    """Channels that are zero, or denormal, in all samples; a single row, whose covariance is rounding noise."""
    rows = np.zeros((4, 1, 6), np.float32)
    rows[1] = 1e-43
    rows[2] = np.linspace(-0.375, 1e3, 6)
    rows[3] = 1e-3
    known = Moments(np.zeros((4, 6)), np.zeros((4, 6, 6)))
    known.add(rows)
    weights = np.random.default_rng(0).standard_normal((4, 3, 6))
    scale, zero = np.full((4, 3, 1), 0.01), np.full((4, 3, 1), 1000.0)
    found = rounded(weights, known.square(True), scale, zero, 2001)
    assert np.abs(found * scale - weights).max() <= 0.0051


def test_work_is_bounded_by_fewer_samples_and_narrower_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net()
    small = net.done(net.conv(net.x, net.weights(3, 4, 3), np.zeros(3)))
    assert held_out(small) == HELD_OUT
    assert columns(10**6) == WIDEST
    assert NARROWEST == columns(10**10) < columns(2 * 10**8) < WIDEST
    assert told(small, 10**6, 100) == ""
    assert told(small, 2 * 10**8, 100) == "200 million weights are rounded in blocks of 75 columns"
    monkeypatch.setattr(budget, "JUDGED", 6 * 8 * 8 * 3 * 4 * 9)
    assert held_out(small) == 6
    assert told(small, 10**6, 100) == "recipes are judged on 6 samples, each of 6.91e+03 multiplications"
    assert told(small, 10**6, 20) == ""
    monkeypatch.setattr(budget, "JUDGED", 1)
    assert held_out(small) == 4


def test_few_rows_stand_for_many() -> None:
    """The mean of the squares of rows' largest weights, which is what noise goes by."""
    largest = np.abs(np.random.default_rng(0).standard_normal((1000, 8))) * np.linspace(0.1, 3, 1000)[:, None]
    some = typical(largest)
    assert len(some) == 64
    assert np.mean(some.max(axis=1) ** 2) == pytest.approx(np.mean(largest.max(axis=1) ** 2), rel=0.03)
    assert typical(some) is some


def test_windows_are_those_of_the_convolution() -> None:
    net = Net()
    graph = net.done(net.conv(net.x, net.weights(3, 4, 3)))
    node = next(n for n in graph if n.kind == "Convolution")
    weights = constant_of(node.operand(1))
    assert weights is not None
    assert isinstance(node.op, Convolution)
    op = replace(node.op, auto_pad="explicit", strides=(2, 1), pads_begin=(1, 0), pads_end=(2, 1), dilations=(1, 2))
    data = np.random.default_rng(0).standard_normal((1, 4, 7, 9)).astype(np.float32)
    padded = np.pad(data[0], ((0, 0), (1, 2), (0, 1)))
    places = [(y, x) for y in range(4) for x in range(6)]
    expected = [padded[:, 2 * y : 2 * y + 3, x : x + 5 : 2].reshape(-1) for y, x in places]
    for laid in (data, np.ascontiguousarray(data.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)):
        found = _windows(op, laid, (3, 3), 24, np.random.default_rng(0))
        assert np.array_equal(found.transpose(1, 2, 0).reshape(24, 36), expected)


def squared(values: np.ndarray, ends: tuple[float, float]) -> float:
    """The mean of (q(x) - x)^2 on 256 levels."""
    grid = asymmetric(np.asarray(ends[0]), np.asarray(ends[1]), 256, exact=True)
    levels = np.clip(np.rint(values / grid.scale), -grid.zero, 255 - grid.zero)
    return float(np.square(levels * grid.scale - values).mean())


def test_ranges_of_least_error_leave_out_what_is_rare() -> None:
    values = np.random.default_rng(0).laplace(size=400_000)
    seen = Statistics("x", histogram=Histogram())
    seen.lows, seen.highs = [values.min()], [values.max()]
    assert seen.histogram is not None
    seen.histogram.add(values.astype(np.float32), max(-values.min(), values.max()))
    ends = least_error(seen, False, 256)
    assert 0.5 * seen.high <= ends[1] < 0.95 * seen.high
    assert squared(values, ends) < 0.8 * squared(values, (seen.low, seen.high))


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
    plain = error(work, FRESH)
    correct(work)
    assert error(work, FRESH) < 0.9 * plain


def test_full_bias_correction_keeps_biases_that_are_right() -> None:
    net = Net()
    work = work_of(net.done(net.conv(net.x, net.weights(3, 4), np.zeros(3))))
    min_max(work)
    before = work.graph
    bias_correction(work)
    assert work.graph is before or error(work, FRESH) < 0.01


def test_the_default_takes_the_best_recipe_and_tells_of_all() -> None:
    work = work_of(uneven())
    best_recipe(work)
    tried = work.facts["recipes"]
    assert work.facts["recipe"].startswith("aligned channels")
    assert len(tried) >= 2
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


def test_ranges_hold_what_held_out_samples_have() -> None:
    data = pictures(40)
    graph = uneven()
    names = split(open_data(data, graph))[1].names
    place = open_data(data, graph).names.index(names[0])
    data[place] *= 8
    work = work_of(uneven(), data)
    best_recipe(work)
    reach = np.abs(data[place]).max()
    low, high = work.values["x"].low, work.values["x"].high
    assert low is not None
    assert high is not None
    assert max(-low.min(), high.max()) >= reach / 2


def test_no_range_is_less_than_half_of_the_extremes() -> None:
    values = np.random.default_rng(0).standard_normal(1_000_000).astype(np.float32)
    values[:2] = -40, 40
    seen = Statistics("x")
    seen.see(values, WITH_HISTOGRAM)
    assert squared(values, (-10, 10)) < squared(values, (-20, 20))
    assert least_error(seen, False, 256) == pytest.approx((-20, 20))


def test_outputs_count_alike_whatever_their_errors() -> None:
    assert geometric_mean([0.01, 0.5]) < geometric_mean([0.02, 0.4])
    assert root_mean_square([0.01, 0.5]) > root_mean_square([0.02, 0.4])
    assert geometric_mean([0.0, 0.5]) == geometric_mean([FAINT, 0.5])


def test_held_out_samples_are_apart() -> None:
    graph = uneven()
    rest, held = split(open_data(pictures(40), graph))
    assert len(rest) + len(held) == 40
    assert not set(rest.names) & set(held.names)
    few = open_data(pictures(5), graph)
    assert split(few) == (few, few)
