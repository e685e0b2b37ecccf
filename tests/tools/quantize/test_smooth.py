"""SmoothQuant on what transformers are made of, and weights for processors without VNNI."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tools.quantize.made import Net, error, pictures, work_of
from vinoc.ir.builder import Builder
from vinoc.ir.dim import Sym, symbol
from vinoc.ir.dtype import f32, i64
from vinoc.ir.graph import Graph
from vinoc.ir.ops.elementwise import Add, Multiply
from vinoc.ir.ops.matrix import MatMul
from vinoc.ir.ops.normalization import MVN
from vinoc.ir.types import TensorType
from vinoc.tools.quantize.algorithms.alignment import smooth_quant
from vinoc.tools.quantize.algorithms.judge import Judge
from vinoc.tools.quantize.algorithms.min_max import min_max
from vinoc.tools.quantize.algorithms.recipes import best_recipe
from vinoc.tools.quantize.algorithms.target import fit_target, tell_target
from vinoc.tools.quantize.data import open_data

WIDTH = 16


def normalized(outlier: float = 60.0, length: int | Sym = 6) -> Graph:
    """MVN, factors and terms, then two products that read them: one channel is an outlier, as in large transformers."""
    draw = np.random.default_rng(0)
    graph = Graph("block")
    x = graph.add_input(TensorType(f32, (1, length, WIDTH)), "x", ["x"])
    b = Builder(graph)
    gamma, beta = draw.uniform(0.5, 1.5, WIDTH), draw.standard_normal(WIDTH) / 4
    gamma[5] *= outlier
    weights = draw.standard_normal((2, WIDTH, WIDTH)) / 4
    weights[:, 5] /= outlier
    y = b.node(MVN(1e-5), x, b.const(np.array([2]))).output
    y = b.node(Multiply(), y, b.const(gamma.astype(np.float32))).output
    y = b.node(Add(), y, b.const(beta.astype(np.float32))).output
    for i, w in enumerate(weights):
        graph.add_output(b.node(MatMul(), y, b.const(w.astype(np.float32)), name=f"product{i}").output, f"y{i}")
    return graph


def tokens(count: int, seed: int) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).standard_normal((count, 1, 6, WIDTH)).astype(np.float32))


@pytest.mark.parametrize("length", [6, symbol("length")])
def test_smooth_quant_keeps_the_function_and_lessens_the_error(length: int | Sym) -> None:
    work = work_of(normalized(length=length), tokens(16, 1))
    min_max(work)
    plain = error(work, tokens(8, 7))
    work = work_of(normalized(length=length), tokens(16, 1))
    smooth_quant(work)
    assert Judge(work.original, open_data(tokens(8, 7), work.original)).error(work.graph) < 1e-5
    min_max(work)
    assert error(work, tokens(8, 7)) < 0.25 * plain
    assert work.facts["smooth quant"].startswith("alpha ")


def test_the_default_smooths_by_itself() -> None:
    work = work_of(normalized(), tokens(16, 1))
    best_recipe(work)
    assert error(work, tokens(8, 7)) < 0.02


def test_smooth_quant_has_nothing_to_do_without_products() -> None:
    net = Net()
    work = work_of(net.done(net.conv(net.x, net.weights(3, 4), np.zeros(3))))
    smooth_quant(work)
    assert work.facts["smooth quant"] == "no product reads channels that can be scaled"


@pytest.mark.parametrize(("target", "most"), [("any", (127, 127)), ("vnni", (127, 127)), ("avx2", (63, 127))])
def test_weights_fit_the_target(target: str, most: tuple[int, int]) -> None:
    """Without VNNI the first layer has seven bits; of the second one no two neighbours are large."""
    net = Net()
    x = net.relu(net.conv(net.x, np.abs(net.weights(8, 4, 3)) + 0.5, np.zeros(8)))
    weights = net.weights(4, 8)
    weights[:, 1:] *= np.float32(0.01)
    work = work_of(net.done(net.conv(x, weights, np.zeros(4))), pictures(), target=target, integers="always")
    fit_target(work)
    best_recipe(work)
    tell_target(work)
    stored = [n.outputs[0].const for n in work.quantized() if n.kind == "Constant"]
    integers = [a.astype(int) for a in stored if a is not None and a.dtype == np.int8]
    for levels, limit in zip(integers, most, strict=True):
        assert 0.9 * limit < np.abs(levels).max() <= limit
    assert target != "avx2" or all(np.abs(a[:, ::2] + a[:, 1::2]).max() <= 128 for a in integers)
    assert work.facts.get("weights", "").startswith("1 of 2 have seven bits") == (target == "avx2")


def test_sizes_that_are_computed_are_no_channels() -> None:
    """Exported models compute numbers of frames: integers, by sums with constants."""
    graph = normalized(length=symbol("length"))
    b = Builder(graph)
    frames = b.Subtract(b.ShapeOf(graph.inputs[0], output_type=i64), np.array(2))
    graph.add_output(b.Convert(frames, destination_type=f32), "frames")
    work = work_of(graph, tokens(16, 1))
    smooth_quant(work)
    assert work.facts["smooth quant"].startswith("alpha ")
    assert [n.operand(1).const for n in work.graph if n.kind == "Subtract"] == [2]
