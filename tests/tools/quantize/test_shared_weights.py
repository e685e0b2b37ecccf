"""Weights that several products share, as the heads of detectors do over their levels, stay shared."""

from __future__ import annotations

import numpy as np

from tests.tools.quantize.made import Net, error, pictures, work_of
from vinoc.ir.graph import Graph, Value
from vinoc.ir.ops.convolution import Convolution
from vinoc.ir.ops.elementwise import Add
from vinoc.tools.quantize.algorithms.alignment import align_channels
from vinoc.tools.quantize.algorithms.judge import Judge
from vinoc.tools.quantize.algorithms.recipes import best_recipe
from vinoc.tools.quantize.algorithms.rounding import unround
from vinoc.tools.quantize.data import open_data


def heads(uneven: float = 1.0) -> Graph:
    """Two branches, and one head with two layers for both. Channel 0 of both branches is `uneven` times the others."""
    net = Net()
    first, second = net.b.const(weights(net, 8)), net.b.const(weights(net, 4))
    found = []
    for name in ("large", "small"):
        made = net.weights(8, 4, 3)
        made[0] *= uneven
        x = net.relu(net.conv(net.x, made, np.zeros(8), name=name))
        x = net.relu(shared(net, x, first, 8, f"{name}_first"))
        found.append(shared(net, x, second, 4, f"{name}_last"))
    return net.done(*found)


def weights(net: Net, out: int) -> np.ndarray:
    return net.weights(out, 8).astype(np.float32)


def shared(net: Net, x: Value, filters: Value, out: int, name: str) -> Value:
    y = net.b.node(Convolution((1, 1), (0, 0), (0, 0), (1, 1)), x, filters, name=name).output
    bias = net.draw.standard_normal((1, out, 1, 1)).astype(np.float32)
    return net.b.node(Add(), y, net.b.const(bias)).output


def filters_of(graph: Graph) -> list[Value]:
    return list(dict.fromkeys(n.operand(1) for n in graph if n.kind == "Convolution"))


def test_alignment_and_rounding_keep_one_constant() -> None:
    work = work_of(heads(uneven=100.0))
    best_recipe(work)
    assert str(work.facts["recipe"]).startswith("aligned channels")
    assert len(filters_of(work.graph)) == 4
    levels = [n for n in work.quantized() if n.kind == "Constant" and n.outputs[0].dtype.numpy == np.int8]
    assert len(levels) == 4
    assert len(work.unrounded) == 4
    assert error(work, pictures(16, seed=9)) < 0.02


def test_aligned_channels_compute_what_they_computed() -> None:
    work = work_of(heads(uneven=100.0))
    align_channels(work)
    judge = Judge(work.original, open_data(pictures(4, seed=9), work.original))
    assert judge.error(work.graph) < 1e-6
    assert len(filters_of(work.graph)) == 4


def test_one_of_those_that_share_can_be_float() -> None:
    work = work_of(heads())
    best_recipe(work)
    judge = Judge(work.original, work.samples)
    (node,) = [n for n in work.graph if n.label == "large_last"]
    rounded = judge.errors(work.graph)
    unround(work, node)
    (twin,) = [n for n in work.graph if n.label == "small_last"]
    assert node.operand(1) is not twin.operand(1)
    after = judge.errors(work.graph)
    assert after[0] < rounded[0]
    assert after[1] == rounded[1]
    work.keep_float["large_last"] = "a test"
    work.quantized()
