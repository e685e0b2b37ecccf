"""Weights of matrix products with a scale for every group of elements that are summed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vinoc
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph
from vinoc.ir.errors import UsageError
from vinoc.passes import Context, PassManager
from vinoc.passes.quantize import Quantize

from ...backends.ir_util import EXACT, random, start
from .util import compiled, infer, relative, written

FLOAT = EXACT | {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}


def product(transposed: bool, summed: int = 64) -> tuple[Graph, np.ndarray]:
    """A product whose weights differ in size from group to group."""
    b, (x,) = start((3, summed))
    weights = random(summed, 24) * np.repeat(2.0 ** np.arange(summed // 16), 16)[:, None].astype(np.float32)
    stored = np.ascontiguousarray(weights.T) if transposed else weights
    b.graph.add_output(b.MatMul(x, b.const(stored, name="w"), transpose_b=transposed), "y")
    return b.graph, weights


def simulated(weights: np.ndarray, size: int, top: int) -> np.ndarray:
    """Each group by its own largest magnitude."""
    groups = weights.reshape(-1, size, weights.shape[1]).astype(np.float64)
    scale = np.abs(groups).max(axis=1, keepdims=True) / top
    return np.asarray((np.clip(np.rint(groups / scale), -top, top) * scale).reshape(weights.shape))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("bits", [4, 8])
def test_groups_have_scales_of_their_own(transposed: bool, bits: int, tmp_path: Path) -> None:
    graph, weights = product(transposed)
    made, whole = graph.clone(), graph.clone()
    Quantize(activations=False, weight_bits=bits, group=16).run(made, Context())
    Quantize(activations=False, weight_bits=bits).run(whole, Context())
    x = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
    expected = x @ simulated(weights, 16, 2 ** (bits - 1) - 1)
    (actual,) = Interpreter(made).run([x])
    assert relative(expected, actual) < (0.05 if bits == 4 else 5e-3)  # scales have eleven bits
    (coarse,) = Interpreter(whole).run([x])
    assert relative(x @ weights, actual) < relative(x @ weights, coarse)
    stored = [n.outputs[0] for n in made if n.kind == "Constant" and n.outputs[0].dtype.name == f"i{bits}"]
    assert [v.shape for v in stored] == [(24, 4, 16) if transposed else (4, 16, 24)]
    path = written(made, tmp_path / "net.xml")
    for answer in (infer(compiled(path, FLOAT), [x])[0], vinoc.compile_model(path, "CPU")([x])[0]):
        assert relative(actual, answer) < 1e-5
    back = vinoc.Core().read_model(path)
    PassManager("fuse").run(made)
    assert relative(actual, vinoc.compile_model(back, "TEMPLATE")([x])[0]) < 1e-6


def test_what_has_no_groups_keeps_a_scale_for_each_channel() -> None:
    graph, _ = product(False, 48)
    context = Context(explain=True)
    Quantize(activations=False, group=32).run(graph, context)
    assert any("several groups of 32" in d.why for d in context.declined)
    assert any(n.outputs[0].shape == (48, 24) for n in graph if n.outputs[0].dtype.name == "i8")


def test_groups_are_of_weights_alone() -> None:
    with pytest.raises(UsageError, match="activations=false"):
        Quantize(ranges="r.json", group=16)
