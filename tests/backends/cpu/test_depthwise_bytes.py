"""Depthwise convolutions of u8 by i8 against the reference, over made-up geometries, on all targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call
from vinoc.backends.cpu.quantized import ops

from .checked import build
from .test_integer import same

ENDS = ("", "bias", "relu", "limits", "hswish", "prelu")


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    kernel = tuple(draw(st.integers(1, 7)) for _ in range(2))
    dilations = tuple(draw(st.sampled_from([1, 1, 2])) for _ in range(2))
    begin, end = (tuple(draw(st.integers(0, 3)) for _ in range(2)) for _ in range(2))
    least = [max((k - 1) * d + 1 - b - e, 1) for k, d, b, e in zip(kernel, dilations, begin, end)]
    return {
        "kernel": kernel, "dilations": dilations, "begin": begin, "end": end,
        "strides": tuple(draw(st.integers(1, 3)) for _ in range(2)),
        "size": tuple(draw(st.integers(n, n + 17)) for n in least),
    }  # fmt: skip


def _behind(b: Any, y: Any, end: str, rng: np.random.Generator, channels: int) -> Any:
    if end in ("bias", "limits", "prelu"):
        y = b.Add(y, rng.standard_normal((1, channels, 1, 1)).astype(np.float32))
    if end == "relu":
        y = b.ReLU(y)
    if end == "limits":
        y = b.Clamp(y, min=-0.3, max=2.0)
    if end == "hswish":
        y = b.HSwish(y)
    return b.PReLU(y, rng.uniform(-1, 1, channels).astype(np.float32)) if end == "prelu" else y


def depthwise(
    shape: tuple[int, ...], window: dict[str, Any], seed: int, end: str = "", result: str = "u8", extreme: bool = False,
    by_channel: bool = False, threads: tuple[int, ...] = (1, 2),
) -> None:  # fmt: skip
    """A depthwise convolution behind a slice and in front of a concatenation: neither place is dense."""
    rng = np.random.default_rng(seed)
    channels, (height, width) = shape[1], window["kernel"]
    w = rng.choice(np.array([-128, 127]), (channels, 1, 1, height, width)).astype(np.int8)
    w = w if extreme else rng.integers(-127, 128, w.shape).astype(np.int8)
    x = rng.choice([0, 255], shape).astype(np.uint8) if extreme else rng.integers(0, 256, shape).astype(np.uint8)
    zero = rng.integers(0, 256, (1, channels, 1, 1) if by_channel else ()).astype(np.float32)
    spread = 100.0 * np.sqrt(height * width) * 60

    def make(b: Any, v: Any) -> Any:
        scale = (rng.uniform(1, 2, channels) / spread).astype(np.float32)
        op = ops.QuantizedGroupConvolution(window["strides"], window["begin"], window["end"], window["dilations"])
        y = b.build(op, v, b.const(zero), b.const(w), b.const(scale))
        y = _behind(b, y, end, rng, channels)
        if result == "u8":
            y = b.build(ops.Quantize(low=2, high=250), y, b.const(np.float32(0.02)), b.const(np.float32(99)))
        return y

    same(make, x, threads=threads)


@settings(max_examples=25, deadline=None)
@given(
    window=windows(),
    batch=st.integers(1, 2),
    channels=st.sampled_from([2, 3, 8, 15, 16, 17, 24, 28, 33, 40, 64, 90, 130]),
    end=st.sampled_from(ENDS),
    result=st.sampled_from(["u8", "u8", "f32"]),
    by_channel=st.booleans(),
    seed=st.integers(0, 99),
)
def test_geometries(
    window: dict[str, Any], batch: int, channels: int, end: str, result: str, by_channel: bool, seed: int
) -> None:
    shape = (batch, channels, *window["size"])
    depthwise(shape, window, seed, end, result, by_channel=by_channel, threads=(1 + seed % 3,))


@pytest.mark.parametrize("channels", [2, 24, 70])
@pytest.mark.parametrize("rank", [1, 3])
def test_other_ranks(rank: int, channels: int) -> None:
    """Of one dimension by the same kernel; of three by the one for products."""
    rng = np.random.default_rng(rank)
    x = rng.integers(0, 256, (2, channels, 9, 7, 5)[: rank + 2]).astype(np.uint8)
    w = rng.integers(-127, 128, (channels, 1, 1, *(3,) * rank)).astype(np.int8)
    op = ops.QuantizedGroupConvolution((2,) * rank, (1,) * rank, (2,) * rank, (1,) * rank)

    def make(b: Any, v: Any) -> Any:
        y = b.build(op, v, b.const(np.float32(50)), b.const(w), b.const(np.full(1, 1.0367e-4, np.float32)))
        return b.build(ops.Quantize(), y, b.const(np.float32(0.02)), b.const(np.float32(100)))

    same(make, x, threads=(1, 3))


def test_windows_too_wide_for_the_scratch() -> None:
    window = {"kernel": (7, 7), "dilations": (1, 60), "begin": (3, 200), "end": (3, 200), "strides": (1, 1)}
    depthwise((1, 20, 5, 9), window, 0)


PLAIN = {"dilations": (1, 1), "begin": (1, 1), "end": (1, 1), "kernel": (3, 3)}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("channels", [24, 64, 700])
def test_extremes(channels: int, stride: int) -> None:
    """The largest sums there are, and blocks of channels, strips, threads."""
    window = {**PLAIN, "strides": (stride, stride)}
    depthwise((1, channels, 6, 21), window, channels, extreme=True, threads=(1, 2, 3))


@pytest.mark.parametrize("channels", [2, 24, 60])
def test_places_within_others(channels: int) -> None:
    """Data that is a part of a tensor, and a result that is."""
    rng = np.random.default_rng(channels)
    x = rng.integers(0, 256, (2, 7, 10, channels + 9)).astype(np.uint8)
    w = rng.integers(-127, 128, (channels, 1, 1, 3, 3)).astype(np.int8)

    def make(b: Any, v: Any) -> Any:
        op = ops.QuantizedGroupConvolution((1, 1), (1, 1), (1, 1), (1, 1))
        part = b.Slice(
            b.Transpose(v, np.array([0, 3, 1, 2])),
            np.array([9]),
            np.array([channels + 9]),
            np.array([1]),
            np.array([1]),
        )
        y = b.build(op, part, b.const(np.float32(7)), b.const(w), b.const(np.full(1, 1e-3, np.float32)))
        y = b.build(ops.Quantize(), y, b.const(np.float32(0.5)), b.const(np.float32(128)))
        return b.Concat(y, part, axis=1)

    same(make, x, threads=(1, 2))


@pytest.mark.parametrize("end", ["", "bias", "relu", "limits", "hswish"])
@pytest.mark.parametrize("depthwise", [True, False])
def test_results_on_a_grid_for_each_channel(end: str, depthwise: bool) -> None:
    """As NNCF quantizes what depthwise convolutions read."""
    rng = np.random.default_rng(3)
    channels = 24
    w = rng.integers(-127, 128, (channels, 1, 1, 3, 3) if depthwise else (channels, channels, 1, 1)).astype(np.int8)
    scale = rng.uniform(0.01, 0.02, (1, channels, 1, 1)).astype(np.float32)
    zero = np.zeros(()) if end in ("relu", "limits") else rng.integers(0, 256, scale.shape)

    def make(b: Any, v: Any) -> Any:
        kind = ops.QuantizedGroupConvolution if depthwise else ops.QuantizedConvolution
        op = kind((1, 1), (0, 0), (0, 0), (1, 1))
        y = b.build(op, v, b.const(np.float32(7)), b.const(w), b.const(np.full(channels, 4e-5, np.float32)))
        y = _behind(b, y, end, np.random.default_rng(1), channels)
        return b.build(ops.Quantize(), y, b.const(scale), b.const(zero.astype(np.float32)))

    x = rng.integers(0, 256, (2, channels, 7, 9)).astype(np.uint8)
    same(make, x, threads=(1, 2))
    executable = Executable(build(make, x), 1)
    executable.run([x])
    plan = executable.current().plan  # type: ignore[union-attr]
    chains = sum(isinstance(s, Call) and s.kernel.name.startswith("chain") for s in plan.steps)
    assert chains == (end in ("limits", "hswish"))
