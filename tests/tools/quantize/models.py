"""Small models with weights like trained ones, as files and graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vinoc.backends.openvino import write_ir
from vinoc.ir import Builder, Graph, TensorType, Value
from vinoc.ir.dtype import f32

CONV = {"strides": (1, 1), "pads_begin": (1, 1), "pads_end": (1, 1), "dilations": (1, 1)}


def block(b: Builder, x: Value, filters: int, rng: np.random.Generator, name: str, norm: bool = False) -> Value:
    """Convolution, bias or batch normalization, ReLU; sums of the order of one for data of that order."""
    channels = int(str(x.shape[1]))
    w = rng.normal(0, (2 / (9 * channels)) ** 0.5, (filters, channels, 3, 3)).astype(np.float32)
    y = b.Convolution(x, b.const(w, name=f"{name}.weight"), **CONV, name=f"{name}.conv")
    if norm:
        one = [rng.normal(m, s, filters).astype(np.float32) for m, s in ((1, 0.1), (0, 0.2), (0, 0.3))]
        y = b.BatchNormInference(y, *map(b.const, one), b.const(np.full(filters, 0.4, np.float32)), epsilon=1e-5)
    else:
        bias = rng.normal(0, 0.3, (1, filters, 1, 1)).astype(np.float32)
        y = b.Add(y, b.const(bias), name=f"{name}.bias")
    return b.ReLU(y, name=name)


def network(
    channels: int = 3,
    size: int = 16,
    layers: int = 3,
    norm: bool = False,
    seed: int = 0,
    shift: np.ndarray | None = None,
) -> Graph:
    """Convolutions and a classifier of five classes: image [1, channels, size, size] -> scores [1, 5], plus
    `shift`."""
    rng = np.random.default_rng(seed)
    graph = Graph("network")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (1, channels, size, size)), "image")
    for i in range(layers):
        x = block(b, x, 8, rng, f"layer{i}", norm)
    pooled = b.ReduceMean(x, b.const(np.array([2, 3])), keep_dims=False)
    w = rng.normal(0, 0.5, (8, 5)).astype(np.float32)
    scores = b.MatMul(pooled, b.const(w, name="fc.weight"), name="fc")
    graph.add_output(scores if shift is None else b.Add(scores, b.const(shift.astype(np.float32))), "scores")
    return graph


def root_network() -> Graph:
    """The square root of the image is convolved: NaN where it is negative."""
    graph = Graph("root")
    x = graph.add_input(TensorType(f32, (1, 3, 8, 8)), "image")
    b = Builder(graph)
    w = b.const(np.ones((4, 3, 1, 1), np.float32))
    root = b.Sqrt(x, name="root")
    y = b.Convolution(root, w, strides=(1, 1), pads_begin=(0, 0), pads_end=(0, 0), dilations=(1, 1))
    graph.add_output(y, "y")
    return graph


def saved(graph: Graph, path: Path) -> Path:
    """The graph as an IR file."""
    return write_ir(graph, path).xml


def pictures(folder: Path, count: int, size: int = 16, seed: int = 0) -> Path:
    """PNG files of smooth noise."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        small = rng.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(small).resize((size, size)).save(folder / f"{i:03d}.png")
    return folder


def arrays(count: int, channels: int = 3, size: int = 16, seed: int = 0) -> np.ndarray:
    """[count, channels, size, size] of -1 to 1."""
    return np.random.default_rng(seed).uniform(-1, 1, (count, channels, size, size)).astype(np.float32)
