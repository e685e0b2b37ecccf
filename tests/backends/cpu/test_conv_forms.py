"""Forms of convolutions of their own: few channels, and transposed ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call

from .checked import build, check, runnable


@st.composite
def geometries(draw: st.DrawFn) -> dict[str, Any]:
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    kernel = [draw(st.integers(1, 4)) for _ in range(rank)]
    dilations = [draw(st.integers(1, 2)) for _ in range(rank)]
    return {
        "batch": draw(st.integers(1, 2)),
        "groups": draw(st.sampled_from([1, 1, 2, 20])),
        "depth": draw(st.integers(1, 20)),
        "channels": draw(st.integers(1, 5)),
        "kernel": kernel,
        "dilations": dilations,
        "strides": [draw(st.integers(1, 3)) for _ in range(rank)],
        "begin": [draw(st.integers(0, 3)) for _ in range(rank)],
        "end": [draw(st.integers(0, 3)) for _ in range(rank)],
        "extra": [draw(st.integers(0, 1)) for _ in range(rank)],
        "size": [draw(st.integers((k - 1) * d + 1, 12)) for k, d in zip(kernel, dilations)],
    }


def followed(b: Any, y: Any, channels: int, rank: int, end: str) -> Any:
    bias = np.linspace(-1, 1, channels, dtype=np.float32).reshape(-1, *[1] * rank)
    if end in ("bias", "all"):
        y = b.Add(y, bias)
    return b.ReLU(y) if end in ("relu", "all") else y


@settings(max_examples=20, deadline=None)
@given(geometries(), st.integers(0, 99), st.sampled_from(["", "bias", "relu", "all"]), st.booleans())
def test_few_channels(g: dict[str, Any], seed: int, end: str, same: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((g["batch"], g["channels"], *g["size"])).astype(np.float32)
    w = rng.standard_normal((g["depth"], g["channels"], *g["kernel"])).astype(np.float32)

    def make(b: Any, v: Any) -> Any:
        y = b.Convolution(
            v, w, strides=g["strides"], dilations=g["dilations"], pads_begin=g["begin"], pads_end=g["end"],
            auto_pad="same_upper" if same else "explicit",
        )  # fmt: skip
        return followed(b, y, g["depth"], len(g["size"]), end)

    check(make, x, threads=(1, 3))


@settings(max_examples=25, deadline=None)
@given(geometries(), st.integers(0, 99), st.sampled_from(["", "bias", "relu", "all"]), st.booleans())
def test_transposed(g: dict[str, Any], seed: int, end: str, wanted: bool) -> None:
    rng = np.random.default_rng(seed)
    groups = g["groups"]
    depth, channels = (1, 1) if groups == 20 else (g["depth"], g["channels"])
    x = rng.standard_normal((g["batch"], groups * channels, *g["size"])).astype(np.float32)
    w = rng.standard_normal((groups, channels, depth, *g["kernel"])).astype(np.float32)
    full = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(g["size"], g["strides"], g["dilations"], g["kernel"])]
    begin = [min(b, (f - 1) // 2) for b, f in zip(g["begin"], full)]
    ends = [min(b, (f - 1) // 2) for b, f in zip(g["end"], full)]
    sizes = np.array([max(n - b, 1) for n, b in zip(full, begin)], np.int64)

    def make(b: Any, v: Any) -> Any:
        more = (sizes,) if wanted else ()
        kind, filters = (b.GroupConvolutionBackpropData, w) if groups > 1 else (b.ConvolutionBackpropData, w[0])
        y = kind(
            v, filters, *more, strides=g["strides"], dilations=g["dilations"], pads_begin=begin, pads_end=ends,
            output_padding=g["extra"], auto_pad="same_upper" if wanted else "explicit",
        )  # fmt: skip
        return followed(b, y, groups * depth, len(full), end)

    check(make, x, threads=(1, 2))


@pytest.mark.parametrize(
    ("kernel", "strides", "begin", "ends", "depth"),
    [
        ((16,), (8,), (0,), (0,), 1),
        ((16,), (8,), (4,), (4,), 1),
        ((2, 2), (2, 2), (0, 0), (0, 0), 1),
        ((4, 4), (2, 2), (1, 1), (1, 1), 1),
        ((3, 5), (2, 1), (1, 2), (0, 2), 2),
        ((1, 4), (2, 4), (0, 0), (-1, 0), 3),
        ((2, 2, 2), (2, 2, 2), (0, 0, 0), (0, 0, 0), 1),
    ],
)
def test_transposed_into_few_channels(kernel: Any, strides: Any, begin: Any, ends: Any, depth: int) -> None:
    """All phases as channels of one convolution; -1 at the end: an output that no tap reaches."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 21, *(4, 5, 3)[: len(kernel)])).astype(np.float32)
    w = rng.standard_normal((21, depth, *kernel)).astype(np.float32)
    bias = rng.standard_normal((depth,) + (1,) * len(kernel)).astype(np.float32)

    def make(b: Any, v: Any) -> Any:
        y = b.ConvolutionBackpropData(
            v, w, strides=strides, dilations=[1] * len(kernel), pads_begin=begin, pads_end=[max(n, 0) for n in ends],
            output_padding=[max(-n, 0) for n in ends],
        )  # fmt: skip
        return b.ReLU(b.Add(y, bias))

    check(make, x, threads=(1, 2))
    plan = Executable(build(make, x), 1, runnable("avx512")).program([x.shape]).plan
    assert [s.kernel.name for s in plan.steps if isinstance(s, Call) and s.flops] == ["igemm"]
