"""Graphs that are made in tests of algorithms: what is wrong with each of them is known."""

from __future__ import annotations

import numpy as np

from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32
from vinoc.ir.graph import Graph, Value
from vinoc.ir.ops.activation import ReLU
from vinoc.ir.ops.convolution import Convolution, GroupConvolution
from vinoc.ir.ops.elementwise import Add
from vinoc.ir.types import TensorType
from vinoc.tools.quantize.algorithms.judge import Judge
from vinoc.tools.quantize.data import open_data
from vinoc.tools.quantize.options import Options
from vinoc.tools.quantize.work import Work

SIDE = 8


class Net:
    """A graph that grows: x [1, channels, 8, 8] and convolutions."""

    def __init__(self, channels: int = 4, seed: int = 0) -> None:
        self.draw = np.random.default_rng(seed)
        self.graph = Graph("net")
        self.x = self.graph.add_input(TensorType(f32, (1, channels, SIDE, SIDE)), "x", ["x"])
        self.b = Builder(self.graph)

    def weights(self, out: int, into: int, size: int = 1) -> np.ndarray:
        return np.asarray(self.draw.standard_normal((out, into, size, size)) / np.sqrt(into * size * size))

    def conv(self, x: Value, weights: np.ndarray, bias: np.ndarray | None = None, name: str = "") -> Value:
        pads = (weights.shape[2] // 2,) * 2
        y = self.b.node(
            Convolution((1, 1), pads, pads, (1, 1)), x, self.b.const(weights.astype(np.float32)), name=name
        ).output
        if bias is None:
            return y
        return self.b.node(Add(), y, self.b.const(bias.reshape(1, -1, 1, 1).astype(np.float32))).output

    def depthwise(self, x: Value, weights: np.ndarray, name: str = "") -> Value:
        constant = self.b.const(weights[:, None, None].astype(np.float32))
        return self.b.node(GroupConvolution((1, 1), (1, 1), (1, 1), (1, 1)), x, constant, name=name).output

    def relu(self, x: Value) -> Value:
        return self.b.node(ReLU(), x).output

    def done(self, *outputs: Value) -> Graph:
        for i, value in enumerate(outputs):
            self.graph.add_output(value, f"y{i}")
        return self.graph


def pictures(count: int = 24, channels: int = 4, seed: int = 1) -> list[np.ndarray]:
    """Samples [1, channels, 8, 8] with a mean, and neighbours that are alike."""
    draw = np.random.default_rng(seed)
    wide = draw.standard_normal((count, 1, channels, SIDE // 2, SIDE // 2)).repeat(2, 3).repeat(2, 4)
    return list((wide + 0.3 * draw.standard_normal((*wide.shape[:3], SIDE, SIDE)) + 0.5).astype(np.float32))


def work_of(graph: Graph, samples: list[np.ndarray] | None = None, **options: object) -> Work:
    """A quantization of a graph that is about to begin."""
    options.setdefault("preset", "mixed")
    data = open_data(samples if samples is not None else pictures(), graph)
    return Work(graph, graph.clone(), data, Options(**options))  # type: ignore[arg-type]


def error(work: Work, samples: list[np.ndarray]) -> float:
    """Of the quantized graph, on samples that were not calibrated on."""
    return Judge(work.original, open_data(samples, work.original)).error(work.quantized())
