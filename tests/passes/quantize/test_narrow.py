"""Scales are stored in few bits where that saves more than the Converts are worth."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType
from vinoc.passes.base import Context
from vinoc.passes.quantize import Quantize


@pytest.mark.parametrize(("width", "half", "narrow"), [(64, True, True), (64, False, False), (640, True, False)])
def test_scales_of_long_rows_keep_their_bits(width: int, half: bool, narrow: bool) -> None:
    graph = Graph("net")
    x = graph.add_input(TensorType(f32, (2, width)), "x")
    b = Builder(graph)
    weights = np.random.default_rng(0).standard_normal((width, 8)).astype(np.float32)
    graph.add_output(b.MatMul(x, b.const(weights, name="w")), "y")
    Quantize(activations=False, half=half).run(graph, Context())
    scale = next(n for n in graph if n.kind == "Multiply").operand(1)
    assert (scale.node.kind == "Convert") is narrow  # type: ignore[union-attr]
    assert sum(n.kind == "Convert" for n in graph) == 1 + narrow
