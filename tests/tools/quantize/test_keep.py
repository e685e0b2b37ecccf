"""Layers that cost most are found, told of, and left float where that is asked for."""

from __future__ import annotations

import numpy as np

from tests.tools.quantize.made import Net, error, pictures, work_of
from vinoc.ir.graph import Graph
from vinoc.ir.ops.activation import Swish
from vinoc.tools.quantize.algorithms.keep import own_errors
from vinoc.tools.quantize.algorithms.min_max import min_max
from vinoc.tools.quantize.algorithms.recipes import best_recipe
from vinoc.tools.quantize.quantize import quantize
from vinoc.tools.quantize.report import Sizes, report_of

FRESH = pictures(16, seed=9)


def planted(homogeneous: bool, huge: float = 3000.0) -> Graph:
    """Channel 2 of what `bad` reads is huge, and its weights are small. A ReLU lets it be scaled, a Swish does not."""
    net = Net()
    first, second = net.weights(8, 4, 3), net.weights(8, 8, 3)
    first[2] = np.abs(first[2]) * huge
    second[:, 2] /= huge
    x = net.conv(net.x, first, np.zeros(8), name="first")
    x = net.relu(x) if homogeneous else net.b.node(Swish(), x).output
    x = net.conv(x, second, np.zeros(8), name="bad")
    return net.done(net.conv(net.relu(x), net.weights(4, 8), np.zeros(4), name="last"))


def test_a_huge_channel_is_reported_with_the_layers_that_read_it() -> None:
    work = work_of(planted(homogeneous=False))
    best_recipe(work)
    assert error(work, FRESH) > 0.15
    (text,) = [t for t in work.warnings if "channel 2 reaches" in t]
    assert "read by 'bad'" in text
    assert "--keep-float auto" in text
    assert not work.keep_float


def test_a_report_ranks_the_layers_of_a_model_that_is_far_off() -> None:
    graph = planted(homogeneous=False)
    result = quantize(graph, pictures(24), preset="mixed", integers="always")
    (text,) = [t for t in report_of("planted", result, Sizes(1, 1, 1, 1)).warnings if "differs by" in t]
    assert "layers by their own errors: bad (" in text
    assert "cost" not in result.work.facts
    (text,) = [t for t in report_of("planted", result, Sizes(1, 1, 1, 1), thorough=True).warnings if "differs by" in t]
    assert "layers by what they cost: bad (" in text
    costs = result.work.facts["cost"]
    assert max(costs, key=costs.get) == "bad"


def test_keep_float_auto_repairs_it() -> None:
    work = work_of(planted(homogeneous=False), keep_float=("auto",))
    best_recipe(work)
    assert error(work, FRESH) < 0.05
    assert work.facts["kept float"] == "bad"
    assert any("outputs' error" in text for text in work.recipes["bad"])
    made = work.quantized()
    kinds = {n.label: n.operand(0).node for n in made if n.kind == "Convolution"}
    bad, last = kinds["bad"], kinds["last"]
    assert bad is not None
    assert bad.kind == "Swish"
    assert last is not None
    assert last.kind == "FakeQuantize"


def test_what_alignment_mends_is_told_and_stays_integer() -> None:
    work = work_of(planted(homogeneous=True), keep_float=("auto",))
    best_recipe(work)
    assert error(work, FRESH) < 0.05
    assert any("aligned" in text for texts in work.recipes.values() for text in texts)
    assert not work.keep_float
    assert not work.warnings


def test_own_errors_name_the_layer_whose_channels_differ() -> None:
    work = work_of(planted(homogeneous=False))
    min_max(work)
    found = {n.label: e for n, e in own_errors(work, work.samples.subset(4)).items()}
    assert set(found) == {"first", "bad", "last"}
    assert found["bad"] > 10 * max(found["first"], found["last"])


def test_nothing_is_kept_where_nothing_is_wrong() -> None:
    net = Net()
    x = net.relu(net.conv(net.x, net.weights(8, 4, 3), np.zeros(8), name="first"))
    work = work_of(net.done(net.conv(x, net.weights(4, 8), np.zeros(4), name="last")), keep_float=("auto",))
    best_recipe(work)
    assert work.facts["error"] < 0.05
    assert not work.keep_float
