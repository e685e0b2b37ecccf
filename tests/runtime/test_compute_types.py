"""Models that compute in f16, bf16 or f64 on the CPU device, beside the reference."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import vinoc
from vinoc.backends.cpu.lowering.plan import Island
from vinoc.ir import Graph
from vinoc.ir import dtype as dt
from vinoc.ir.builder import Builder
from vinoc.ir.types import TensorType

ONES = (1, 1)
EPSILON = {dt.f16: 2.0**-11, dt.bf16: 2.0**-8, dt.f32: 2.0**-24, dt.f64: 2.0**-53}


def network(type: dt.DType) -> vinoc.Model:
    """A bit of everything that networks consist of, in one element type; the weights fit bf16 and f16."""
    random = np.random.default_rng(0)

    def w(*shape: int) -> np.ndarray:
        values = random.standard_normal(shape) / np.prod(shape[1:]) ** 0.5
        return values.astype(ml_dtypes.bfloat16).astype(np.float16).astype(type.numpy)

    graph = Graph("network")
    b = Builder(graph)
    x = graph.add_input(TensorType(type, (1, 3, 16, 16)), "x")
    y = b.Convolution(x, w(8, 3, 3, 3), strides=ONES, pads_begin=ONES, pads_end=ONES, dilations=ONES)
    y = b.ReLU(b.Add(y, w(1, 8, 1, 1)))
    y, _ = b.MaxPool(y, strides=(2, 2), dilations=ONES, pads_begin=(0, 0), pads_end=(0, 0), kernel=(2, 2))
    y = b.MatMul(b.Reshape(y, np.array([1, 512]), special_zero=False), w(512, 10))
    y = b.MVN(y, np.array([1]), normalize_variance=True, eps=1e-5, eps_mode="INSIDE_SQRT")
    graph.add_output(b.Sigmoid(y), "sigmoid")
    graph.add_output(b.SoftMax(y, axis=-1), "softmax")
    graph.add_output(b.ReduceMean(b.Exp(y), np.array([1]), keep_dims=True), "mean")
    return vinoc.Model(graph)


def islands(compiled: vinoc.CompiledModel, x: np.ndarray) -> list[str]:
    engine: Any = compiled._start()
    plan = engine._executable.all[0].program([x.shape]).plan
    return [f"{s.node.kind if s.node else 'copy'}: {s.why}" for s in plan.steps if isinstance(s, Island)]


@pytest.mark.parametrize("type", [dt.f16, dt.bf16], ids=str)
def test_half_precision_is_computed_in_f32(type: dt.DType) -> None:
    """Results are those of f32, rounded once, so that they lie closer to the truth than the reference's."""
    x = np.random.default_rng(1).standard_normal((1, 3, 16, 16)).astype(type.numpy)
    exact = vinoc.compile_model(network(dt.f64), "TEMPLATE")([x.astype(np.float64)]).to_tuple()
    rounded = vinoc.compile_model(network(type), "TEMPLATE")([x]).to_tuple()
    compiled = vinoc.compile_model(network(type), "CPU")
    assert islands(compiled, x) == []
    for truth, reference, result in zip(exact, rounded, compiled([x]).to_tuple(), strict=True):
        assert result.dtype == type.numpy
        scale = np.abs(truth).max()
        error = np.abs(result.astype(np.float64) - truth).max() / scale
        assert error <= 1.01 * EPSILON[type]
        assert np.abs(reference.astype(np.float64) - truth).max() / scale <= 32 * EPSILON[type]


def test_doubles_stay_doubles() -> None:
    x = np.random.default_rng(1).standard_normal((1, 3, 16, 16))
    expected = vinoc.compile_model(network(dt.f64), "TEMPLATE")([x]).to_tuple()
    compiled = vinoc.compile_model(network(dt.f64), "CPU")
    for truth, result in zip(expected, compiled([x]).to_tuple(), strict=True):
        assert result.dtype == np.float64
        np.testing.assert_allclose(result, truth, rtol=1e-13)
    found = islands(compiled, x)
    assert "Convolution: there is no kernel for it" in found, "it is computed by the reference, and says so"
    assert not any(text.startswith("MatMul") for text in found), "products of doubles have a kernel"


def test_a_conversion_to_half_precision_rounds() -> None:
    graph = Graph("rounding")
    b = Builder(graph)
    x = graph.add_input(TensorType(dt.f32, (3,)), "x")
    half = b.Convert(x, destination_type=dt.f16)
    graph.add_output(b.Convert(b.Add(half, half), destination_type=dt.f32), "y")
    data = np.array([1.0001, 70000.0, -3e-9], np.float32)
    (result,) = vinoc.compile_model(vinoc.Model(graph), "CPU")([data]).to_tuple()
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(result, 2 * data.astype(np.float16).astype(np.float32))


def test_sums_do_not_overflow() -> None:
    """The one difference that users see: f16 ends at 65504, f32 does not."""
    graph = Graph("overflow")
    b = Builder(graph)
    x = graph.add_input(TensorType(dt.f16, (2,)), "x")
    graph.add_output(b.Multiply(b.Add(x, x), np.float16(0.25)), "y")
    x = np.array([60000, 1], np.float16)
    np.testing.assert_array_equal(vinoc.compile_model(vinoc.Model(graph), "CPU")([x])[0], x / 2)
