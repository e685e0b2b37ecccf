"""With scales of three bits all runtimes compute the same numbers, whatever the order of their sums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vinoc
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph
from vinoc.ir.graph import Node
from vinoc.passes.quantize.grid import EXACT_MANTISSA, asymmetric, symmetric

from ...backends.ir_util import random, start
from .util import FLOAT, compiled, infer, quantized, written

PLAIN = {"strides": (1, 1), "pads_begin": (1, 1), "pads_end": (1, 1), "dilations": (1, 1)}
DENSE = PLAIN | {"pads_begin": (0, 0), "pads_end": (0, 0)}


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-1e3, 0), st.floats(0, 1e3), st.sampled_from([127, 255, 256]), st.sampled_from(["even", "any", "signed"])
)
def test_exact_grids_have_few_bits_and_reach_within_a_step(low: float, high: float, levels: int, kind: str) -> None:
    ends = np.array([low]), np.array([high])
    if kind == "any":
        grid = asymmetric(*ends, levels, exact=True)
    else:
        grid = symmetric(*ends, levels, True if kind == "signed" else None, exact=True)
    fraction, _ = np.frexp(grid.scale)
    assert fraction * 2**EXACT_MANTISSA == np.rint(fraction * 2**EXACT_MANTISSA)
    assert grid.zero == np.rint(grid.zero)
    assert 0 <= grid.zero <= levels - 1
    assert grid.low[0] - grid.scale[0] <= low
    assert high <= grid.high[0] + grid.scale[0] * (1 + 1e-9)
    if kind == "any" and high - low > 1e-3:
        assert grid.scale[0] < 1.25 * (high - low) / levels * (1 + 1e-9)


def deep(depth: int, seed: int) -> Graph:
    """Convolutions, depthwise ones and residuals in turn."""
    b, (x,) = start((1, 8, 12, 12))
    y = x
    for i in range(depth):
        bias = random(1, 8, 1, 1, seed=seed + 5 * i) * np.float32(0.3)
        w = random(8, 8, 3, 3, seed=seed + 5 * i + 1) * np.float32(0.25)
        c = b.ReLU(b.Add(b.Convolution(y, w, **PLAIN), bias))
        d = b.Add(b.GroupConvolution(c, random(8, 1, 1, 3, 3, seed=seed + 5 * i + 2), **PLAIN), bias)
        e = b.Convolution(d, random(8, 8, 1, 1, seed=seed + 5 * i + 3) * np.float32(0.4), **DENSE)
        y = b.ReLU(b.Add(y, b.Add(e, bias)))
    b.graph.add_output(b.Convolution(y, random(4, 8, 3, 3, seed=seed), **PLAIN), "y")
    return b.graph


def images(count: int) -> list[list[np.ndarray]]:
    return [[np.random.default_rng(i).normal(size=(1, 8, 12, 12)).astype(np.float32)] for i in range(count)]


@pytest.mark.parametrize("seed", [0, 100])
def test_runtimes_agree_to_the_bit_in_a_deep_model(seed: int, tmp_path: Path) -> None:
    graph = deep(6, seed)
    made = quantized(graph, images(3))
    path = written(made, tmp_path / "net.xml")
    openvino, cpu = compiled(path, FLOAT), vinoc.compile_model(path, "CPU")
    for inputs in images(6):
        (expected,) = Interpreter(made).run(inputs)
        (reference,) = Interpreter(graph).run(inputs)
        assert np.linalg.norm(expected - reference) <= 0.4 * np.linalg.norm(reference)
        for actual in (infer(openvino, inputs)[0], cpu(inputs)[0]):
            np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5 * float(np.abs(expected).max()))


def test_biases_are_odd_halves_of_the_unit() -> None:
    made = quantized(deep(1, 0), images(2))
    scales: dict[Any, np.ndarray] = {}
    checked = 0
    for node in made:
        if node.kind == "FakeQuantize":
            low, high = (np.float64(node.operand(i).const) for i in (1, 2))
            scales[node.output] = np.asarray((high - low) / 255)
        elif node.kind in ("Convolution", "GroupConvolution") and node.operand(0) in scales:
            user = next(node.output.users, None)
            if isinstance(user, Node) and user.kind == "Add":
                bias = next(v.const for v in user.inputs if v is not None and v.is_const)
                unit = scales[node.operand(0)] * _weight_scale(node)
                halves = np.float64(bias).reshape(-1) / unit.reshape(-1) - 0.5
                np.testing.assert_allclose(halves, np.rint(halves), atol=1e-3)
                checked += 1
    assert checked == 3


def _weight_scale(node: Node) -> np.ndarray:
    multiply = node.operand(1).node
    assert multiply is not None
    convert = multiply.operand(1).node
    assert convert is not None
    constant = multiply.operand(1).const
    return np.asarray(convert.operand(0).const if constant is None else constant, np.float64)


def test_of_a_residual_one_operand_is_quantized() -> None:
    """The product's kernel adds the other to sums that nothing has rounded yet."""
    made = quantized(deep(1, 0), images(2))
    (add,) = (n for n in made if n.kind == "Add" and not any(v is not None and _is_term(v) for v in n.inputs))
    assert sorted(v.node.kind for v in add.inputs if v is not None and v.node is not None) == ["Add", "FakeQuantize"]


def _is_term(value: Any) -> bool:
    return value.is_const or (value.node is not None and value.node.kind == "Convert")


@pytest.mark.parametrize(("step", "zero"), [(0.109375, 121), (0.09375, 57), (1 / 3, 0), (0.078125, 255)])
def test_near_borders_runtimes_decide_alike(step: float, zero: int, tmp_path: Path) -> None:
    """By one fused product in f32, which takes values within 2**-17 of a level from halfway to either side."""
    halves = np.arange(-zero, 256 - zero) + 0.5
    x = np.float32(halves[:, None] * step) + np.float32(step) * np.linspace(-(2.0**-15), 2.0**-15, 32, dtype=np.float32)
    x = x.reshape(1, 16, 32, 16)
    low, high = np.float32(-zero * step), np.float32((255 - zero) * step)
    b, (data,) = start(x.shape)
    same = b.Convolution(data, np.eye(16, dtype=np.float32).reshape(16, 16, 1, 1), **DENSE)
    b.graph.add_output(b.FakeQuantize(same, low, high, low, high, levels=256), "y")
    (expected,) = Interpreter(b.graph).run([x])
    of_reals = np.clip(np.rint(np.float64(x) / step), -zero, 255 - zero) * step
    assert (np.abs(expected - of_reals) > step / 2).any()
    (found,) = infer(compiled(written(b.graph, tmp_path / "m.xml"), FLOAT), [x])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(vinoc.compile_model(vinoc.Model(b.graph), "CPU")(x)[0], expected, rtol=1e-6)
