"""Quantized graphs in integers against their FakeQuantize computed in floats.

All scales are powers of two, and data and biases multiples of such: f32 holds every sum, in whatever order it is made,
so that both must agree to the bit, also for what stays float.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu import report
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call, Island
from vinoc.backends.cpu.region import Region
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph
from vinoc.ir.dtype import f32
from vinoc.ir.ops.convert import Convert
from vinoc.passes import PassManager

from .checked import build, integer_targets, runnable

WINDOW = {"strides": [1, 1], "dilations": [1, 1], "pads_begin": [1, 1], "pads_end": [1, 1]}
POINT = {"strides": [1, 1], "dilations": [1, 1], "pads_begin": [0, 0], "pads_end": [0, 0]}


def image(seed: int, *shape: int) -> np.ndarray:
    """Multiples of 1/256."""
    return np.rint(np.random.default_rng(seed).standard_normal(shape) * 256).astype(np.float32) / 256


class Network:
    """Builds quantized layers of random weights."""

    def __init__(self, b: Any, seed: int) -> None:
        self.b, self.rng = b, np.random.default_rng(seed)

    def quantized(self, x: Any, low: float, high: float) -> Any:
        step = np.float32(2.0 ** np.ceil(np.log2((high - low) / 255)))
        zero = np.rint(-low / step)
        a, z = np.float32(-zero * step), np.float32((255 - zero) * step)
        return self.b.FakeQuantize(x, a, z, a, z, levels=256)

    def weights(self, shape: tuple[int, ...], how: str = "scale") -> Any:
        b, levels = self.b, self.rng.integers(-127, 128, shape).astype(np.int8)
        smallest = -np.ceil(np.log2(np.sqrt(np.prod(shape[1:])) * 60))
        powers = smallest + self.rng.integers(0, 2, (shape[0],) + (1,) * (len(shape) - 1))
        scale = (2.0**powers).astype(np.float32)
        if how == "u8":
            real = b.node(Convert(f32, decompression=True), b.const((levels.astype(int) + 128).astype(np.uint8)))
            zero = b.node(Convert(f32, decompression=True), b.const(np.uint8(128)))
            return b.Multiply(b.Subtract(real.outputs[0], zero.outputs[0]), scale)
        if how == "floats":
            ends = -127 * scale, 127 * scale
            return b.FakeQuantize(levels * scale, *ends, *ends, levels=255)
        real = b.node(Convert(f32, decompression=True), b.const(levels)).outputs[0]
        if how == "fake":
            return b.FakeQuantize(real, np.float32(-127), np.float32(127), -127 * scale, 127 * scale, levels=255)
        return b.Multiply(real, scale)


def run(graph: Graph, x: np.ndarray, least: int, threads: int = 1) -> None:
    """Asserts that all targets compute what the floats do, with so many products in integers, and no islands."""
    (want,) = Interpreter(graph).run([x])
    PassManager("integer-weights").run(graph)
    for target in integer_targets():
        executable = Executable(graph.clone(), threads, target)
        (found,) = executable.run([x])
        plan = executable.program([x.shape]).plan  # type: ignore[union-attr]
        assert not [s.why for s in plan.steps if isinstance(s, Island)]
        nodes = {s.node for s in plan.steps if isinstance(s, Call) and s.node is not None}
        kernels = [n.op.kernel for n in nodes if isinstance(n.op, Region)]
        integer = sum(name.startswith(report.INTEGERS) for name in kernels)
        assert all(" takes " in remark for remark in plan.remarks), plan.remarks
        assert integer + len(plan.remarks) >= least, (kernels, plan.remarks)
        error = np.linalg.norm(want - found) / max(float(np.linalg.norm(want)), 1e-20)
        assert error <= 1e-6, (target.name, error)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 99), st.sampled_from(["scale", "u8", "fake", "floats"]), st.integers(1, 40), st.integers(1, 40))
def test_a_layer(seed: int, how: str, channels: int, depth: int) -> None:
    x = image(seed, 1, channels, 9, 8)

    def make(b: Any, v: Any) -> Any:
        net = Network(b, seed)
        y = b.Convolution(net.quantized(v, -2.0, 2.5), net.weights((depth, channels, 3, 3), how), **WINDOW)
        y = b.ReLU(b.Add(y, image(seed, 1, depth, 1, 1)))
        return net.quantized(y, 0.0, 3.0)

    run(build(make, x), x, 1)


@pytest.mark.parametrize("own", [True, False])
def test_a_residual_block(own: bool) -> None:
    """The sum of two branches, each rounded before it where `own`, as ONNX models have it."""
    x = image(0, 1, 24, 10, 10)

    def make(b: Any, v: Any) -> Any:
        net = Network(b, 1)
        first = net.quantized(v, -2.0, 2.0)
        y = net.quantized(b.ReLU(b.Convolution(first, net.weights((40, 24, 1, 1)), **POINT)), 0.0, 3.0)
        y = b.Convolution(y, net.weights((24, 40, 1, 1)), **POINT)
        if own:
            y = net.quantized(y, -3.0, 3.0)
        total = net.quantized(b.Add(y, first), -4.0, 4.0)
        return b.Convolution(total, net.weights((8, 24, 1, 1)), **POINT)

    run(build(make, x), x, 3, threads=2)


def test_moves_and_a_product() -> None:
    """Integers pass through pooling, concatenation, transposition and reshaping, up to a matrix product."""
    x = image(2, 2, 12, 8, 8)

    def make(b: Any, v: Any) -> Any:
        net = Network(b, 3)
        y = net.quantized(v, -2.0, 2.0)
        parts = []
        for k in (5, 7):
            part = b.Convolution(y, net.weights((k, 12, 3, 3)), **WINDOW)
            parts.append(net.quantized(part, -2.0, 2.0))
        y = b.Concat(*parts, y, axis=1)
        y, _ = b.MaxPool(y, strides=[2, 2], dilations=[1, 1], pads_begin=[0, 0], pads_end=[0, 0], kernel=[2, 2])
        y = b.Reshape(b.Transpose(y, np.array([0, 2, 3, 1])), np.array([2, -1]), special_zero=False)
        return b.MatMul(y, net.weights((10, 16 * 24)), transpose_b=True)

    run(build(make, x), x, 3)


@pytest.mark.parametrize("mode", ["reflect", "edge", "constant"])
def test_pads_that_are_given_a_value(mode: str) -> None:
    def make(b: Any, x: Any) -> Any:
        net = Network(b, 5)
        padded = b.Pad(net.quantized(x, -3, 3), [0, 0, 1, 2], [0, 0, 2, 1], np.float32(0), pad_mode=mode)
        return b.Convolution(padded, net.weights((8, 4, 3, 3)), **POINT)

    x = image(2, 1, 4, 7, 6)
    run(build(make, x), x, 1)


def test_what_stays_float_says_why() -> None:
    x = image(0, 1, 32, 24, 24)

    def make(b: Any, v: Any) -> Any:
        net = Network(b, 0)
        return b.Convolution(net.quantized(v, -2.0, 2.0), net.weights((32, 32, 3, 3)), **WINDOW, name="slow")

    graph = build(make, x)
    executable = Executable(graph.clone(), 1, runnable("avx2"))
    executable.run([x])
    (remark,) = executable.program([x.shape]).plan.remarks  # type: ignore[union-attr]
    assert "slow" in remark
    assert "Winograd" in remark
    fast = Executable(graph.clone(), 1, integer_targets()[-1])
    fast.run([x])
    assert not integer_targets()[-1].dots or not fast.program([x.shape]).plan.remarks  # type: ignore[union-attr]


def convolutions(function: str, low: float) -> Callable[[Any, Any], Any]:
    """Three of 64 channels, a function behind each, its results quantized from `low` on."""

    def make(b: Any, v: Any) -> Any:
        net = Network(b, 1)
        y = net.quantized(v, -2.0, 2.0)
        for _ in range(3):
            y = b.Add(b.Convolution(y, net.weights((64, 64, 3, 3)), **WINDOW), image(2, 1, 64, 1, 1))
            y = net.quantized(getattr(b, function)(y), low, 3.0)
        return y

    return make


@pytest.mark.parametrize("target", ["sse2", "avx2"])
def test_what_stays_float_gives_the_same_levels(target: str) -> None:
    """Winograd's form over tiles of 6 x 6 would round sums, a few of which lie beside a border between two levels."""
    x = image(1, 1, 64, 32, 32)
    graph = build(convolutions("ReLU", 0.0), x)
    (want,) = Interpreter(graph).run([x])
    executable = Executable(graph.clone(), 1, runnable(target))
    (found,) = executable.run([x])
    plan = executable.program([x.shape]).plan  # type: ignore[union-attr]
    assert len(plan.remarks) == 3, plan.remarks
    assert all("Winograd" in remark for remark in plan.remarks)
    np.testing.assert_array_equal(found, want)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 99), st.booleans(), st.booleans(), st.sampled_from([24, 64, 100]))
def test_sums_that_floats_of_their_scales_do_not_hold(seed: int, residual: bool, limited: bool, channels: int) -> None:
    """Scales of 1.75: reals would need six bits more than the whole numbers they stand for. Products, biases and sums
    are rounded one by one, whether behind them u8, floats or a function is wanted."""
    rng = np.random.default_rng(seed)
    x = rng.random((1, channels, 20, 20)).astype(np.float32)
    step = np.float32(1.75 / 512)

    def make(b: Any, v: Any) -> Any:
        def grid(y: Any, zero: int, size: Any) -> Any:
            return b.FakeQuantize(y, *[np.float32(-zero * size), np.float32((255 - zero) * size)] * 2, levels=256)

        data = grid(v, 3, step)
        levels = rng.integers(-90, 128, (channels, channels, 3, 3)).astype(np.int8)
        real = b.node(Convert(f32, decompression=True), b.const(levels)).outputs[0]
        y = b.Convolution(data, b.Multiply(real, np.float32(1.75 / 2**16)), **WINDOW)
        y = b.Add(y, rng.standard_normal((1, channels, 1, 1)).astype(np.float32))
        y = b.Add(y, data) if residual else y
        y = b.ReLU(y) if limited else y
        return y, grid(y, 0, np.float32(2.0**-3)), b.HSwish(y)

    graph = build(make, x)
    want = Interpreter(graph).run([x])
    for target in integer_targets():
        for integers in (True, False):
            found = Executable(graph.clone(), 1, target, integers=integers).run([x])
            for a, b in zip(found, want, strict=True):
                np.testing.assert_array_equal(a, b, err_msg=f"{target.name}, integers {integers}")


@pytest.mark.parametrize("function", ["Gelu", "Swish", "Tanh"])
def test_floats_in_place_of_integers(function: str) -> None:
    """FakeQuantize and products as floats: the same levels, behind functions that the reference rounds in another way
    too, and no form that rounds sums."""
    x = image(1, 1, 64, 32, 32)
    graph = build(convolutions(function, -1.0), x)
    for target in integer_targets():
        floats, levels = (Executable(graph.clone(), 1, target, integers=on) for on in (False, True))
        np.testing.assert_array_equal(floats.run([x])[0], levels.run([x])[0], err_msg=target.name)
        plan = floats.program([x.shape]).plan  # type: ignore[union-attr]
        kernels = {s.kernel.name for s in plan.steps if isinstance(s, Call)}
        assert not [k for k in kernels if "winograd" in k or k.startswith(report.INTEGERS)], kernels
        assert not plan.remarks


def test_large_depthwise_windows_stay_float() -> None:
    """Integers have no kernel for them but the general one, which does a channel at a time."""
    x = image(0, 1, 16, 20, 20)

    def make(b: Any, v: Any) -> Any:
        net = Network(b, 0)
        wide = WINDOW | {"pads_begin": (4, 4), "pads_end": (4, 4)}
        return b.GroupConvolution(net.quantized(v, -2.0, 2.0), net.weights((16, 1, 1, 9, 9)), **wide)

    graph = build(make, x)
    executable = Executable(graph, 1)
    executable.run([x])
    (remark,) = executable.program([x.shape]).plan.remarks  # type: ignore[union-attr]
    assert "depthwise windows" in remark


@pytest.mark.skipif(integer_targets()[-1].name == "neon", reason="without dot products it convolves in floats")
def test_the_profile_counts_the_share_of_integers() -> None:
    x = image(0, 1, 32, 12, 12)

    def make(b: Any, v: Any) -> Any:
        net = Network(b, 0)
        return b.Convolution(net.quantized(v, -2.0, 2.0), net.weights((32, 32, 1, 1)), **POINT)

    executable = Executable(build(make, x), 1, timed=True)
    executable.run([x])
    assert executable.profile is not None
    assert 0.1 < report.integer_share(report.planned(executable.profile)) <= 1
    assert report.integer_share(report.read(executable.profile, executable.library)) > 0


@pytest.mark.skipif(not integer_targets()[-1].dots, reason="it is measured with VNNI")
def test_sums_along_long_windows_stay_float() -> None:
    """One output channel of a window of 5 x 5 x 8: panels of integers would hold fifteen idle ones."""
    x = image(0, 1, 8, 40, 40)

    def make(b: Any, v: Any) -> Any:
        net = Network(b, 0)
        wide = WINDOW | {"pads_begin": (2, 2), "pads_end": (2, 2)}
        return b.Convolution(net.quantized(v, -2.0, 2.0), net.weights((1, 8, 5, 5)), **wide)

    graph = build(make, x)
    (want,) = Interpreter(graph).run([x])
    executable = Executable(graph, 1, integer_targets()[-1])
    (found,) = executable.run([x])
    (remark,) = executable.program([x.shape]).plan.remarks  # type: ignore[union-attr]
    assert "along its windows" in remark
    assert np.linalg.norm(want - found) <= 1e-6 * np.linalg.norm(want)
