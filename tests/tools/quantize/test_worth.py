"""What would not be faster in integers reads floats: by the model of times, for the target."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import vinoc
from vinoc.backends.cpu.codegen.target import Target, target
from vinoc.ir import Graph
from vinoc.ir.graph import Value
from vinoc.ir.ops.pooling import MaxPool
from vinoc.passes.quantize import Ranges
from vinoc.passes.quantize.planned import integer_products
from vinoc.tools.quantize.algorithms.worth import _Cut, passed, slower

from ...backends.ir_util import random, start

AVX2, VNNI = target("avx2"), target("avx2vnni")


class Net:
    """Convolutions, depthwise ones and sums over an image, with names."""

    def __init__(self, channels: int = 32, size: int = 40) -> None:
        self.b, (self.x,) = start((1, channels, size, size))
        self.count = 0

    def conv(self, x: Value, depth: int, taps: int = 1, stride: int = 1, depthwise: bool = False) -> Value:
        channels = int(str(x.shape[1]))  # type: ignore[index]
        edge = (taps // 2,) * 2
        shape = {"strides": (stride,) * 2, "pads_begin": edge, "pads_end": edge, "dilations": (1, 1)}
        if depthwise:
            y = self.b.GroupConvolution(x, self.b.const(random(channels, 1, 1, taps, taps, seed=self.count)), **shape)
        else:
            y = self.b.Convolution(x, self.b.const(random(depth, channels, taps, taps, seed=self.count)), **shape)
        y.name = f"c{self.count}"
        self.count += 1
        found: Value = self.b.ReLU(y)
        return found

    def done(self, y: Value) -> Graph:
        self.b.graph.add_output(y, "y")
        return self.b.graph


def chosen(graph: Graph, known: Target = AVX2) -> dict[str, str]:
    return {n.outputs[0].name: why for n, why in slower(graph, integer_products(graph, Ranges()), known).items()}


def windows() -> Graph:
    net = Net(64)
    return net.done(net.conv(net.conv(net.x, 64, 3), 64, 3))


def pixels() -> Graph:
    net = Net(64)
    return net.done(net.conv(net.conv(net.x, 64), 64))


def test_what_winograd_does_faster_stays_float_without_vnni() -> None:
    found = chosen(windows())
    assert set(found) == {"c0", "c1"}
    assert "for all of the model" in found["c0"]


def test_products_of_single_pixels_are_integers_everywhere() -> None:
    assert not chosen(pixels())
    assert not chosen(pixels(), VNNI)


def test_islands_of_both_kinds() -> None:
    """Windows between products of pixels: their data stay float, what stands around them does not."""
    net = Net(64)
    y = net.conv(net.conv(net.x, 256), 64)
    y = net.conv(net.conv(y, 64, 3), 64, 3)
    graph = net.done(net.conv(net.conv(y, 256), 256))
    found = chosen(graph)
    assert set(found) == {"c2", "c3"}
    assert all("estimated 1." in why for why in found.values())
    assert not chosen(graph, VNNI)


def pooled(net: Net, x: Value) -> Value:
    """The largest of 3 x 3 neighbours."""
    return net.b.node(MaxPool((1, 1), (1, 1), (1, 1), (1, 1), (3, 3)), x).outputs[0]


@pytest.mark.parametrize("seed", range(6))
def test_no_division_takes_less_time(seed: int) -> None:
    draw = np.random.default_rng(seed)
    net = Net(int(draw.choice([3, 16, 48])), int(draw.choice([12, 40])))
    values = [net.x]
    for _ in range(7):
        x = values[int(draw.integers(max(len(values) - 3, 0), len(values)))]
        taps = int(draw.choice([1, 3]))
        y = net.conv(x, int(draw.choice([8, 16, 64])), taps, depthwise=taps == 3 and bool(draw.integers(2)))
        if draw.integers(3) == 0:
            y = pooled(net, y)
        same = [v for v in values if v.shape == y.shape]
        values.append(net.b.Add(y, same[0]) if same and draw.integers(2) else y)
    for k, value in enumerate(values[-3:]):
        net.b.graph.add_output(value, f"y{k}")
    graph = net.b.graph
    cut = _Cut(graph, integer_products(graph, Ranges()), AVX2)
    nodes = list(cut.times)
    least = cut.total(cut.least())
    every = [cut.total(set(some)) for k in range(len(nodes) + 1) for some in combinations(nodes, k)]
    assert len(every) == 2 ** len(nodes) >= 64
    assert min(every) * (1 - 1e-9) <= least <= 1.005 * min(every)  # a value that is moved may have several readers


def test_products_of_computed_values_stay_float() -> None:
    """The CPU device has no kernel of integers for them, so that FakeQuantize would only cost time."""
    b, (x, y) = start((1, 8, 64, 64), (1, 8, 64, 64))
    product = b.MatMul(b.ReLU(x), b.ReLU(y), transpose_b=True)
    product.name = "scores"
    b.graph.add_output(b.MatMul(product, b.const(random(64, 64)), name="fc"), "y")
    assert "scores" in chosen(b.graph)
    assert "scores" in chosen(b.graph, VNNI)


def test_of_open_shapes_nothing_is_known() -> None:
    b, (x,) = start((1, 64, "H", "W"))
    edge = {"strides": (1, 1), "pads_begin": (1, 1), "pads_end": (1, 1), "dilations": (1, 1)}
    b.graph.add_output(b.Convolution(x, b.const(random(64, 64, 3, 3)), **edge, name="c"), "y")
    assert not chosen(b.graph)


def test_sums_come_from_their_last_operand() -> None:
    net = Net()
    first = net.conv(net.x, 32)
    second = net.conv(first, 32)
    origins = [v for v in passed(net.b.Add(first, second)) if v.node is not None and v.node.kind == "Convolution"]
    assert [v.name for v in origins] == ["c1"]


def test_the_tool_says_it_and_can_be_told_otherwise() -> None:
    data = [np.random.default_rng(k).normal(size=(1, 64, 40, 40)).astype(np.float32) for k in range(4)]
    made = vinoc.quantize(windows(), data, target="avx2", algorithms=("min-max",))
    assert not any(n.kind == "FakeQuantize" for n in made.graph)
    assert sum(n.outputs[0].dtype.name == "i8" for n in made.graph if n.kind == "Constant") == 2
    assert "2 products" in made.work.facts["weights only"]
    assert json.loads(made.ranges.text())["weights_only"] == ["c0", "c1"]
    forced = vinoc.quantize(windows(), data, target="avx2", algorithms=("min-max",), integers="always")
    assert sum(n.kind == "FakeQuantize" for n in forced.graph) == 2
    with pytest.raises(vinoc.VinocError, match="integers are not 'never'"):
        vinoc.quantize(windows(), data, integers="never")


def test_weights_alone_take_the_time_of_floats(tmp_path: Path) -> None:
    """The device computes the same kernels on the same numbers: weights are expanded when the model is compiled."""
    data = [np.random.default_rng(0).normal(size=(1, 64, 40, 40)).astype(np.float32)]
    made = vinoc.quantize(windows(), data, target="avx2", algorithms=("min-max",))
    vinoc.save_model(made.model, tmp_path / "m.xml")
    quantized, real = (
        vinoc.compile_model(m, "CPU", {"PERF_COUNT": True}) for m in (tmp_path / "m.xml", vinoc.Model(windows()))
    )
    kernels = []
    for compiled in (quantized, real):
        request = compiled.create_infer_request()
        request.infer(data)
        kernels.append([step.exec_type for step in request.profiling_info])
    assert kernels[0] == kernels[1]
