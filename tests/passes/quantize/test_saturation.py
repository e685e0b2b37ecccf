"""Weights of seven bits where two neighbours would saturate in 16 bits."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.ir import Graph
from vinoc.ir.graph import Node
from vinoc.passes.quantize import Ranges
from vinoc.passes.quantize.planned import planned
from vinoc.passes.quantize.saturation import MOST, unsaturated

from ...backends.ir_util import start
from .util import quantized

PLAIN = {"strides": (1, 1), "pads_begin": (0, 0), "pads_end": (0, 0), "dilations": (1, 1)}
IMAGES = [[np.random.default_rng(0).normal(size=(1, 4, 6, 6)).astype(np.float32)]]

CASES = {
    "two that fit": ([64, 64, 0, 127], 127),
    "two that hardly do not": ([64, 65, 0, 127], 127),
    "two that do not": ([64, 90, 0, 127], 63),
    "negative ones": ([-127, -60, 5, 0], 63),
    "of two signs": ([127, -127, -127, 127], 127),
    "no neighbours": ([3, 120, 120, 3], 127),
}


def conv(levels: np.ndarray, group: bool = False) -> Graph:
    b, (x,) = start((1, 4, 6, 6))
    kind = b.GroupConvolution if group else b.Convolution
    b.graph.add_output(b.ReLU(kind(x, b.const(levels.astype(np.float32) / 128), **PLAIN)), "y")
    return b.graph


def most(graph: Graph) -> int:
    found = [n.outputs[0].const for n in graph if n.kind == "Constant" and n.outputs[0].dtype.name == "i8"]
    assert found[0] is not None
    return int(np.abs(found[0].astype(int)).max())


@pytest.mark.parametrize("name", CASES)
def test_neighbours_of_one_sign_decide(name: str) -> None:
    channels, limit = CASES[name]
    levels = np.zeros((2, 4, 3, 3))
    levels[:, :, 1, 2] = channels
    levels[:, 1, 0, 0] = 127 * (1 if channels[1] >= 0 else -1)  # under another tap, so that all have the same scale
    made = quantized(conv(levels), IMAGES, pairs=True)
    assert most(made) == limit
    stored = next(n.outputs[0].const for n in made if n.outputs[0].dtype.name == "i8")
    assert stored is not None
    assert (np.abs(stored[:, ::2].astype(int) + stored[:, 1::2]) <= MOST).all()
    assert most(quantized(conv(levels), IMAGES)) == 127


def test_channels_by_themselves_have_no_neighbours() -> None:
    levels = np.full((4, 1, 1, 3, 3), 127)
    assert most(quantized(conv(levels, group=True), IMAGES, pairs=True)) == 127


def test_weights_alone_saturate_nowhere() -> None:
    graph = conv(np.full((2, 4, 3, 3), 127))
    product = next(n for n in graph if n.kind == "Convolution")
    product.outputs[0].name = "c"
    assert most(quantized(graph, IMAGES, {"weights_only": ["c"]}, pairs=True)) == 127
    assert most(quantized(graph, IMAGES, pairs=True)) == 63


@pytest.mark.parametrize("transposed", [False, True])
def test_neighbours_of_matrices_are_summed_together(transposed: bool) -> None:
    b, (x,) = start((3, 6))
    levels = np.zeros((6, 2))
    levels[1:3] = 127
    weights = levels.T if transposed else levels
    b.graph.add_output(b.ReLU(b.MatMul(x, b.const(weights.astype(np.float32)), transpose_b=transposed)), "y")
    rows = [[np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)]]
    assert most(quantized(b.graph, rows, pairs=True)) == 127
    levels[0:2] = 127
    (plan,) = planned(b.graph, Ranges(), pairs=True)
    assert plan.paired
    node: Node = plan.weights.readers[0]
    found = unsaturated(levels.T if transposed else levels, (node,))
    found = found.T if transposed else found
    assert (found[0::2] + found[1::2] <= MOST).all()
    assert (found[2:] == levels[2:]).all()
