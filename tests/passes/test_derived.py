"""Weights that rules derive from others: worked out when they are read, merged by what they are derived from."""

import numpy as np

from vinoc.ir import Builder, Graph
from vinoc.ir.buffer import Buffer
from vinoc.ir.constant import Constant
from vinoc.ir.dtype import Array, f32
from vinoc.ir.graph import Value
from vinoc.ir.types import TensorType
from vinoc.passes.manager import PassManager

RNG = np.random.default_rng(3)
FILTERS = RNG.standard_normal((4, 3, 3, 3)).astype(np.float32)
FACTORS = RNG.uniform(0.5, 2, (1, 4, 1, 1)).astype(np.float32)


def scaled(b: Builder, x: Value, filters: Array, factors: Array) -> Value:
    """Convolution(x, filters) * factors."""
    still: Value = b.Convolution(x, filters, strides=(1, 1), pads_begin=(0, 0), pads_end=(0, 0), dilations=(1, 1))
    product: Value = b.Multiply(still, factors)
    return product


def graph_of(*factors: Array) -> Graph:
    """Convolutions of inputs of their own with equal filters, each times its factors."""
    graph = Graph()
    b = Builder(graph)
    for i, factor in enumerate(factors):
        x = graph.add_input(TensorType(f32, (1, 3, 8, 8)), f"x{i}")
        graph.add_output(scaled(b, x, FILTERS, factor), f"y{i}")
    return graph


def weights_of(graph: Graph) -> list[Buffer]:
    return [n.op.value for n in graph if type(n.op) is Constant]


def test_scaled_filters_are_worked_out_when_they_are_read() -> None:
    graph = graph_of(FACTORS)
    PassManager("fuse,dce").run(graph)
    (weights,) = weights_of(graph)
    assert not weights.is_loaded
    np.testing.assert_array_equal(weights.array, FILTERS * FACTORS.reshape(4, 1, 1, 1))
    assert weights.is_loaded


def test_filters_of_equal_recipes_are_merged_unread_and_others_are_not() -> None:
    graph = graph_of(FACTORS, FACTORS.copy(), 2 * FACTORS)
    PassManager("fuse,dce").run(graph)
    first, second = weights_of(graph)
    assert not first.is_loaded
    assert not second.is_loaded
    np.testing.assert_array_equal(2 * first.array, second.array)


def test_factors_of_factors_are_one_recipe() -> None:
    graph = graph_of(FACTORS, FACTORS)
    b = Builder(graph)
    for i in (0, 1):
        graph.set_output(i, b.Add(graph.outputs[i], np.ones((1, 4, 1, 1), np.float32)))
        graph.set_output(i, b.Multiply(graph.outputs[i], FACTORS))
    PassManager("fuse,dce").run(graph)
    filters = [w for w in weights_of(graph) if len(w.shape) == 4 and w.shape[1] == 3]
    assert len(filters) == 1
    np.testing.assert_array_equal(filters[0].array, FILTERS * FACTORS.reshape(4, 1, 1, 1) * FACTORS.reshape(4, 1, 1, 1))
