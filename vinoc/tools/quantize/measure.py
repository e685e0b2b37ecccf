"""How far a quantized graph is from the float one: every value, all weights, the outputs.

SQNR = 10 log10(sum x^2 / sum (x - q)^2), in decibels: 6.02 more halve the error
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ir.dtype import Array
from ...ir.graph import Graph, Node, Value
from ...ir.op import as_tuple
from .collect import Runner
from .data import Samples
from .judged import judged_values, same_in
from .layers import weights_of
from .watch import Watch

SIMULATED: Mapping[str, Any] = {}
"""Properties with which the CPU device computes FakeQuantize as it is defined, in floats."""

PROBES = 8
"""Samples, evenly spaced, that the error of values is measured on."""

JUDGES = 32
"""The same, of outputs."""


BLOCK = 512


@dataclass
class Noise:
    """Sums of squares of a signal and of an error, and how many elements were beyond the range."""

    signal: float = 0.0
    error: float = 0.0
    beyond: int = 0
    count: int = 0
    product: float = 0.0
    other: float = 0.0

    def add(self, x: Array, q: Array) -> None:
        """A signal and what became of it."""
        wide, found = (np.asarray(a).reshape(-1) for a in (x, q))
        self.signal += dot(wide, wide)
        self.error += dot(wide - found, wide - found)
        self.product += dot(wide, found)
        self.other += dot(found, found)
        self.count += wide.size

    @property
    def sqnr(self) -> float:
        """Decibels; infinite where there is no error."""
        if not self.error:
            return math.inf
        return 10 * math.log10(self.signal / self.error) if self.signal else -math.inf

    @property
    def relative(self) -> float:
        """|x - q| / |x|, of L2 norms."""
        if not self.signal:
            return 0.0 if not self.error else math.inf
        return math.sqrt(self.error / self.signal)

    @property
    def cosine(self) -> float:
        scale = math.sqrt(self.signal * self.other)
        return self.product / scale if scale else 1.0

    @property
    def saturated(self) -> float:
        """The share of elements that were beyond the range."""
        return self.beyond / self.count if self.count else 0.0


def dot(a: Array, b: Array) -> float:
    """The sum of products, by blocks in f32, of them in f64. No BLAS: its threads would compete with the device's."""
    whole = a.size - a.size % BLOCK
    rows = np.einsum("ij,ij->i", a[:whole].reshape(-1, BLOCK), b[:whole].reshape(-1, BLOCK))
    return float(rows.sum(dtype=np.float64)) + float(np.einsum("i,i->", a[whole:], b[whole:]))


def quantizers(graph: Graph) -> dict[str, Node]:
    """The FakeQuantize nodes that the pass `quantize` put in, by the names of the values that they quantize."""
    suffix = "/quantized"
    return {
        node.outputs[0].name.removesuffix(suffix): node
        for node in graph
        if node.kind == "FakeQuantize" and node.outputs[0].name.endswith(suffix)
    }


def value_noise(graph: Graph, made: Graph, places: Mapping[str, Value], samples: Samples) -> dict[str, Noise]:
    """The error of quantizing each value of the float graph, by itself, and what was beyond its range."""
    nodes = {name: node for name, node in quantizers(made).items() if name in places}
    found = {name: Noise() for name in nodes}
    if not nodes:
        return found
    run = Runner(graph, [places[name] for name in nodes])
    for _, arrays in samples.subset(PROBES):
        values = [np.asarray(a) for a in run(arrays)]
        if not all(np.isfinite(a).all() for a in values):
            continue
        for array, (name, node) in zip(values, nodes.items(), strict=True):
            ends = [v.const for v in node.inputs[1:5] if v is not None]
            low, high = ends[0], ends[1]
            found[name].add(array, node.op.evaluate(np.asarray(array, np.float32), *ends))
            found[name].beyond += int(np.count_nonzero((array < low) | (array > high)))
    return found


def output_noise(original: Graph, made: Graph, samples: Samples, watch: Watch | None = None) -> list[Noise]:
    """The error of each of `judged_values` in the quantized graph against the float graph. Samples for which that gives
    NaN or infinity are left out."""
    wanted = judged_values(original)
    found = [Noise() for _ in wanted]
    runs = Runner(original, wanted)
    simulated = Runner(made, same_in(wanted, original, made), SIMULATED)
    for name, arrays in samples.subset(JUDGES):
        expected = runs(arrays)
        if not all(np.isfinite(a).all() for a in expected):
            (watch or Watch()).skip(name, "NaN or infinity in the outputs of the float model")
            continue
        for noise, x, q in zip(found, expected, simulated(arrays), strict=True):
            noise.add(x, q)
    return found


def weight_noise(node: Node, made: Node, unrounded: Mapping[str, Array]) -> Noise | None:
    """The error of the weights of a product; None where they are computed. `unrounded`: what they were, by name, where
    the float graph has them rounded already."""
    noise = Noise()
    for value, rounded in zip(weights_of(node), weights_of(made), strict=True):
        before, after = unrounded.get(value.name), constant(rounded)
        before = constant(value) if before is None else before
        if before is None or after is None:
            return None
        noise.add(before, after)
    return noise


def constant(value: Value) -> Array | None:
    """The array of a value that follows from constants alone."""
    known = value.const
    if known is not None or value.node is None or not value.node.inputs:
        return known
    inputs: list[Any] = []
    for v in value.node.inputs:
        array = constant(v) if v is not None else None
        if v is not None and array is None:
            return None
        inputs.append(array)
    return np.asarray(as_tuple(value.node.op.evaluate(*inputs))[value.index])
