"""Convolutions and matrix products of u8 by i8 against the reference, over made-up geometries, on all targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.codegen.dots import form_of
from vinoc.backends.cpu.codegen.target import TARGETS
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.integer_weights import quads_of
from vinoc.backends.cpu.lowering.plan import Island
from vinoc.backends.cpu.quantized import ops
from vinoc.backends.numpy import Interpreter

from .checked import build, integer_targets, runnable

ENDS = ("", "bias", "relu", "swish", "prelu", "residual", "residual8", "all")


def same(make: Any, *inputs: np.ndarray, threads: Sequence[int] = (1, 2)) -> None:
    """Asserts that all targets compute what the reference does: u8 within one level, which few elements are off."""
    graph = build(make, *inputs)
    wanted = Interpreter(graph).run(list(inputs))
    for target in integer_targets():
        for count in threads:
            executable = Executable(graph, count, target)
            got = executable.run([a.copy() for a in inputs])
            plan = executable.program([a.shape for a in inputs]).plan  # type: ignore[union-attr]
            assert not [s.why for s in plan.steps if isinstance(s, Island)]
            for want, found in zip(wanted, got, strict=True):
                _close(want, found, f"{target.name}, {count} threads")


def _close(want: np.ndarray, found: np.ndarray, what: str) -> None:
    assert (found.shape, found.dtype) == (want.shape, want.dtype)
    if want.dtype == np.uint8:
        off = np.abs(want.astype(int) - found)
        assert off.max(initial=0) <= 1, what
        assert (off != 0).sum() <= 1 + 1e-3 * want.size, what
    else:
        error = np.abs(want.astype(np.float64) - found).max(initial=0)
        assert error <= 4e-6 * max(np.abs(want).max(initial=0), 1e-20), what


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    rank = draw(st.integers(1, 3))
    kernel = [draw(st.integers(1, 4)) for _ in range(rank)]
    dilations = [draw(st.integers(1, 2)) for _ in range(rank)]
    begin, end = ([draw(st.integers(0, 3)) for _ in range(rank)] for _ in range(2))
    least = [max((k - 1) * d + 1 - b - e, 1) for k, d, b, e in zip(kernel, dilations, begin, end)]
    return {
        "batch": draw(st.integers(1, 2)),
        "groups": draw(st.sampled_from([1, 1, 1, 2, 3])),
        "depth": draw(st.integers(1, 70)),
        "channels": draw(st.integers(1, 35)),
        "kernel": kernel,
        "strides": [draw(st.integers(1, 3)) for _ in range(rank)],
        "dilations": dilations,
        "begin": begin,
        "end": end,
        "size": [draw(st.integers(n, n + 8)) for n in least],
    }


def _weights(rng: np.random.Generator, how: str, shape: Sequence[int]) -> np.ndarray:
    if how == "extreme":
        return rng.choice(np.array([-128, 127], np.int8), shape)
    if how == "few large":
        return np.clip(np.rint(rng.standard_normal(shape) * 32), -128, 127).astype(np.int8)
    most = 63 if how == "seven bits" else 127
    return rng.integers(-most, most + 1, shape).astype(np.int8)


def _followed(b: Any, y: Any, end: str, rng: np.random.Generator, channels: int, rank: int, other: Any) -> Any:
    shape = (1, channels) + (1,) * rank
    if end in ("bias", "all", "swish"):
        y = b.Add(y, rng.standard_normal(shape).astype(np.float32))
    if end in ("residual", "all"):
        y = b.Add(y, other(y))
    if end == "residual8":
        grid = np.float32(0.037), np.float32(117)
        level = b.build(ops.Quantize(), other(y), b.const(grid[0]), b.const(grid[1]))
        y = b.Add(b.build(ops.Dequantize(), level, b.const(grid[0]), b.const(grid[1])), y)
    if end in ("relu", "all"):
        y = b.ReLU(y)
    if end == "swish":
        y = b.Swish(y)
    if end == "prelu":
        y = b.PReLU(y, rng.random(channels).astype(np.float32))
    return y


@settings(max_examples=25, deadline=None)
@given(
    convolutions(), st.integers(0, 99), st.sampled_from(ENDS), st.booleans(),
    st.sampled_from(["", "few large", "seven bits", "extreme"]), st.sampled_from([0, 3, 128, 255]),
)  # fmt: skip
def test_convolution(g: dict[str, Any], seed: int, end: str, quantized: bool, how: str, zero: int) -> None:
    _convolve(g, seed, end, quantized, how, zero)


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(1, 12), st.integers(1, 45)), pads=st.tuples(*[st.integers(0, 2)] * 4),
    batch=st.integers(1, 3), channels=st.integers(1, 70), depth=st.integers(1, 70), seed=st.integers(0, 99),
    end=st.sampled_from(ENDS), quantized=st.booleans(), how=st.sampled_from(["", "few large", "extreme"]),
    zero=st.sampled_from([0, 3, 128, 255]),
)  # fmt: skip
def test_winograds_form(
    size: Any,
    pads: Any,
    batch: int,
    channels: int,
    depth: int,
    seed: int,
    end: str,
    quantized: bool,
    how: str,
    zero: int,
) -> None:
    """From bytes to bytes by way of floats, as targets without dot instructions have it."""
    plane = {"kernel": (3, 3), "strides": (1, 1), "dilations": (1, 1), "begin": pads[:2], "end": pads[2:]}
    size = [max(n, 3 - b - e) for n, b, e in zip(size, pads[:2], pads[2:])]
    sizes = {"batch": batch, "groups": 1, "channels": channels, "depth": depth, "size": size}
    _convolve(plane | sizes | {"winograd": True}, seed, end, quantized, how, zero)


@pytest.mark.parametrize(("groups", "channels", "depth"), [(24, 4, 4), (10, 2, 3), (12, 8, 8), (6, 1, 4), (7, 3, 2)])
@pytest.mark.parametrize("how", ["", "extreme"])
def test_groups_of_few_channels(groups: int, channels: int, depth: int, how: str) -> None:
    """As many as fit into a vector are computed as one group."""
    plane = {"kernel": [3, 3], "strides": [2, 1], "dilations": [1, 2], "begin": [1, 2], "end": [1, 2], "size": [9, 7]}
    sizes = {"batch": 2, "groups": groups, "channels": channels, "depth": depth}
    _convolve(sizes | plane, groups, "all", True, how, 3)


def _convolve(g: dict[str, Any], seed: int, end: str, quantized: bool, how: str, zero: int) -> None:
    rng = np.random.default_rng(seed)
    groups, depth, channels, rank = g["groups"], g["depth"], g["channels"], len(g["size"])
    x = rng.integers(0, 256, (g["batch"], groups * channels, *g["size"])).astype(np.uint8)
    if how in ("extreme", "few large"):
        x[rng.random(x.shape) < 0.8] = 255
    shape = (depth, channels, *g["kernel"])
    w = _weights(rng, how, (groups, *shape) if groups > 1 else shape)
    spread = 4.0 / np.sqrt(channels * np.prod(g["kernel"])) / (73 * 74)
    scale = (spread * (0.5 + rng.random(groups * depth))).astype(np.float32)
    kind: Any = ops.QuantizedGroupConvolution if groups > 1 else ops.QuantizedConvolution
    form = {"winograd": True} if "winograd" in g else {}
    op = kind(tuple(g["strides"]), tuple(g["begin"]), tuple(g["end"]), tuple(g["dilations"]), **form)

    def make(b: Any, value: Any) -> Any:
        y = b.build(op, value, np.float32(zero), w, scale)
        fixed = np.random.default_rng(seed + 1)
        y = _followed(b, y, end, rng, groups * depth, rank, lambda v: _like(b, v, fixed))
        if quantized:
            y = b.build(ops.Quantize(high=200), y, np.float32(0.031), np.float32(97))
        return y

    same(make, x)


def _like(b: Any, value: Any, rng: np.random.Generator) -> Any:
    """Another value of that type, which is computed."""
    return b.Sqrt(b.const(rng.random(value.shape).astype(np.float32) * 9))


@settings(max_examples=12, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 150), st.integers(1, 90), st.integers(0, 99), st.booleans(), st.booleans(),
    st.sampled_from(["", "bias", "relu", "swish", "residual8"]),
)  # fmt: skip
def test_product(rows: int, depth: int, columns: int, seed: int, turned: bool, quantized: bool, end: str) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (2, rows, depth)).astype(np.uint8)
    w = _weights(rng, "", (columns, depth) if turned else (depth, columns))
    scale = ((0.5 + rng.random(columns)) * 4 / np.sqrt(depth) / (73 * 74)).astype(np.float32)

    def make(b: Any, value: Any) -> Any:
        y = b.build(ops.QuantizedMatMul(transpose_b=turned), value, np.float32(77), w, scale)
        if end in ("bias", "swish"):
            y = b.Add(y, rng.standard_normal(columns).astype(np.float32))
        else:
            y = _followed(b, y, end, rng, columns, 1, lambda v: _like(b, v, np.random.default_rng(seed)))
        y = b.Swish(y) if end == "swish" else y
        return b.build(ops.Quantize(), y, np.float32(0.03), np.float32(100)) if quantized else y

    same(make, x)


@pytest.mark.parametrize("zero", [0, 128])
def test_of_few_channels_padding_is_the_zero_point(zero: int) -> None:
    rng = np.random.default_rng(zero)
    x = rng.integers(0, 256, (2, 3, 17, 19)).astype(np.uint8)
    w = rng.integers(-127, 128, (40, 3, 7, 7)).astype(np.int8)
    op = ops.QuantizedConvolution((2, 2), (3, 3), (3, 3), (1, 1))

    same(lambda b, v: b.ReLU(b.build(op, v, np.float32(zero), w, np.full(40, 1e-4, np.float32))), x, threads=(1, 2, 3))


@pytest.mark.parametrize("relu", [False, True])
def test_nan_and_infinity_of_a_residual(relu: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (1, 8, 5, 5)).astype(np.uint8)
    r = rng.standard_normal((1, 40, 5, 5)).astype(np.float32)
    r[0, ::3, 1, 1], r[0, 1::3, 2, 2], r[0, 2::3, 3, 3] = np.nan, np.inf, -np.inf
    w = rng.integers(-127, 128, (40, 8, 1, 1)).astype(np.int8)
    op = ops.QuantizedConvolution((1, 1), (0, 0), (0, 0), (1, 1))

    def make(b: Any, value: Any, other: Any) -> Any:
        y = b.Add(b.build(op, value, np.float32(7), w, np.full(1, 1e-4, np.float32)), other)
        return b.build(ops.Quantize(), b.ReLU(y) if relu else y, np.float32(0.02), np.float32(90))

    same(make, x, r)


@pytest.mark.parametrize(("channels", "kernel"), [(5, 3), (13, 5), (20, 3), (35, 1), (64, 1)])
def test_windows_are_gathered_in_spans(channels: int, kernel: int) -> None:
    """Weights of which no pairs fit into i16, more pixels than one span has, and taps of all lengths."""
    rng = np.random.default_rng(channels)
    x = rng.choice(np.array([0, 255], np.uint8), (2, channels, 13, 11))
    w = rng.choice(np.array([-128, 127], np.int8), (70, channels, kernel, kernel))
    pad = (kernel // 2, kernel // 2)
    op = ops.QuantizedConvolution((1, 1), pad, pad, (1, 1))
    scale = np.full(70, 1e-5, np.float32)
    same(lambda b, v: b.build(op, v, np.float32(255), w, scale), x, threads=(1, 2, 3))
    graph = build(lambda b, v: b.build(op, v, np.float32(255), w, scale), x)
    plan = Executable(graph, 1, runnable("avx2")).program([x.shape]).plan  # type: ignore[union-attr]
    kernels = [s.kernel.name for s in plan.steps if not isinstance(s, Island)]
    assert any(name.startswith("igemm_bytes_spread") for name in kernels)


@pytest.mark.parametrize(("channels", "kernel"), [(5, 3), (20, 3), (35, 1), (64, 1)])
@pytest.mark.parametrize("excess", [0, 1])
def test_pairs_that_just_fit_are_added_in_i16(channels: int, kernel: int, excess: int) -> None:
    """Neighbours that sum up to 128 or -128: with data of 255 one more would saturate, and is left to other forms."""
    rng = np.random.default_rng(channels)
    x = rng.choice(np.array([0, 255], np.uint8), (1, channels, 9, 11))
    first = rng.integers(2, 128, (70, -(-channels // 2), kernel, kernel))
    sign = rng.choice([-1, 1], first.shape)
    w = np.stack((sign * first, sign * (128 - first)), axis=2).reshape(70, -1, kernel, kernel)[:, :channels]
    w[3, 1, 0, 0] += excess * sign[3, 0, 0, 0]
    w = w.astype(np.int8)
    pad = (kernel // 2, kernel // 2)
    op = ops.QuantizedConvolution((1, 1), pad, pad, (1, 1))
    scale = np.full(70, 1e-5, np.float32)
    same(lambda b, v: b.build(op, v, np.float32(255), w, scale), x, threads=(1, 2))
    weights = quads_of(w, TARGETS["avx2"].width, rows=False)
    assert (form_of(TARGETS["avx2"], weights) == "pairs") == (not excess)


@pytest.mark.parametrize("columns", [3, 21, 30])
def test_residuals_from_outside(columns: int) -> None:
    """Bytes behind whose last row nothing may be read."""
    rng = np.random.default_rng(columns)
    x, other = rng.integers(0, 256, (19, 24)).astype(np.uint8), rng.integers(0, 256, (19, columns)).astype(np.uint8)
    w = rng.integers(-127, 128, (24, columns)).astype(np.int8)

    def make(b: Any, value: Any, residual: Any) -> Any:
        y = b.build(ops.QuantizedMatMul(), value, np.float32(9), w, np.full(columns, 1e-3, np.float32))
        y = b.Add(y, b.build(ops.Dequantize(), residual, np.float32(0.04), np.float32(88)))
        return b.build(ops.Quantize(low=7, high=251), y, np.float32(0.07), np.float32(120))

    same(make, x, other)
