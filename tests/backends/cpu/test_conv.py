"""Convolutions against the reference over made-up geometries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call

from .checked import build, check


@st.composite
def geometries(draw: st.DrawFn) -> dict[str, object]:
    rank = draw(st.integers(1, 3))
    kernel = [draw(st.integers(1, 4)) for _ in range(rank)]
    dilations = [draw(st.integers(1, 2)) for _ in range(rank)]
    begin = [draw(st.integers(0, 3)) for _ in range(rank)]
    end = [draw(st.integers(0, 3)) for _ in range(rank)]
    least = [max((k - 1) * d + 1 - b - e, 1) for k, d, b, e in zip(kernel, dilations, begin, end)]
    return {
        "batch": draw(st.integers(1, 2)),
        "groups": draw(st.sampled_from([1, 1, 2, 3])),
        "depth": draw(st.integers(1, 40)),
        "channels": draw(st.integers(1, 19)),
        "kernel": kernel,
        "dilations": dilations,
        "begin": begin,
        "end": end,
        "strides": [draw(st.integers(1, 3)) for _ in range(rank)],
        "size": [draw(st.integers(n, n + 8)) for n in least],
    }


@settings(max_examples=25, deadline=None)
@given(geometries(), st.integers(0, 99), st.sampled_from(["", "bias", "relu", "residual", "all"]))
def test_convolution(g: dict[str, object], seed: int, end: str) -> None:
    rng = np.random.default_rng(seed)
    groups, depth, channels = g["groups"], g["depth"], g["channels"]
    x = rng.standard_normal((g["batch"], groups * channels, *g["size"])).astype(np.float32)
    shape = (depth, channels, *g["kernel"])
    w = rng.standard_normal((groups, *shape) if groups > 1 else shape).astype(np.float32)
    bias = rng.standard_normal((groups * depth,) + (1,) * len(g["size"])).astype(np.float32)

    def make(b, value):
        kind = b.GroupConvolution if groups > 1 else b.Convolution
        y = kind(value, w, strides=g["strides"], dilations=g["dilations"], pads_begin=g["begin"], pads_end=g["end"])
        if end in ("bias", "all"):
            y = b.Add(y, bias)
        if end in ("residual", "all"):
            other = kind(value, w * 2, strides=g["strides"], dilations=g["dilations"],
                         pads_begin=g["begin"], pads_end=g["end"])  # fmt: skip
            y = b.Add(y, other)
        return b.ReLU(y) if end in ("relu", "all") else y

    check(make, x, threads=(1, 2))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(
    ("groups", "ins", "outs"),
    [
        (2, 2, 2),
        (37, 2, 2),
        (32, 4, 4),
        (5, 4, 4),
        (24, 8, 8),
        (3, 8, 8),
        (5, 6, 6),
        (24, 1, 2),
        (7, 1, 4),
        (3, 1, 16),
        (13, 2, 4),
        (5, 3, 8),
        (4, 8, 4),
        (5, 1, 3),
    ],
)
def test_groups_of_few_channels(groups: int, ins: int, outs: int, stride: int) -> None:
    """Whole groups in a vector, with a part of one at the end."""
    rng = np.random.default_rng(groups + ins + outs)
    x = rng.standard_normal((2, groups * ins, 11, 13)).astype(np.float32)
    x[1, 1, 2, 3], x[1, 0, 5, 5] = np.nan, np.inf
    w = rng.standard_normal((groups, outs, ins, 3, 3)).astype(np.float32)
    bias = rng.standard_normal((groups * outs, 1, 1)).astype(np.float32)
    slope = rng.standard_normal(groups * outs).astype(np.float32)

    def make(b, value):
        y = b.GroupConvolution(
            value, w, strides=(stride, stride), dilations=(1, stride), pads_begin=(1, 1), pads_end=(1, 0)
        )
        return b.PReLU(b.Add(y, bias), slope)

    check(make, x, threads=(1, 3))


@pytest.mark.parametrize(("groups", "ins", "outs"), [(11, 4, 4), (24, 1, 2), (7, 1, 4), (13, 2, 4)])
def test_groups_with_a_residual(groups: int, ins: int, outs: int) -> None:
    """Its channels lie as the result's do, not as the inputs'."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, groups * ins, 9, 12)).astype(np.float32)
    other = rng.standard_normal((2, groups * outs, 9, 12)).astype(np.float32)
    w = rng.standard_normal((groups, outs, ins, 3, 3)).astype(np.float32)

    def make(b, value, added):
        y = b.GroupConvolution(value, w, strides=(1, 1), dilations=(1, 1), pads_begin=(1, 1), pads_end=(1, 1))
        return b.Add(y, added)

    check(make, x, other, threads=(1, 2))


@pytest.mark.parametrize("channels", [1, 5, 18])
@pytest.mark.parametrize("dilation", [3, 7, 12, 20])
def test_windows_that_lie_mostly_outside(dilation: int, channels: int) -> None:
    """Taps that are padding for a whole tile are passed over; at dilation 20 one of nine is ever inside."""
    rng = np.random.default_rng(dilation)
    x = rng.standard_normal((2, channels, 17, 19)).astype(np.float32)
    w = rng.standard_normal((33, channels, 3, 3)).astype(np.float32)
    around = [dilation, dilation]

    def make(b, v):
        return b.Convolution(v, w, strides=[1, 1], dilations=around, pads_begin=around, pads_end=around)

    check(make, x, threads=(1, 2))


def test_taps_outside_are_not_counted() -> None:
    """Of 3 x 3 taps dilated beyond the image one is left: a ninth of the operations."""
    x, w = np.zeros((1, 32, 16, 16), np.float32), np.ones((32, 32, 3, 3), np.float32)
    geometry: Any = {"strides": [1, 1], "dilations": [20, 20], "pads_begin": [20, 20], "pads_end": [20, 20]}
    plan = Executable(build(lambda b, v: b.Convolution(v, w, **geometry), x), 1).program([x.shape]).plan
    (call,) = (s for s in plan.steps if isinstance(s, Call) and s.flops)
    assert (call.kernel.name, call.flops) == ("igemm_sparse", 2 * 32 * 32 * 16 * 16)


def test_nan_and_infinity_pass() -> None:
    x = np.ones((1, 8, 6, 6), np.float32)
    x[0, 2, 1, 1], x[0, 3, 4, 4] = np.nan, np.inf
    w = np.ones((5, 8, 3, 3), np.float32)
    check(
        lambda b, v: b.ReLU(b.Convolution(v, w, strides=[1, 1], dilations=[1, 1], pads_begin=[1, 1], pads_end=[1, 1])),
        x,
    )


def test_concatenation_is_in_place() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 8, 9, 9)).astype(np.float32)

    def make(b, v):
        parts = [v]
        for k in range(3):
            w = rng.standard_normal((5 + k, 8, 3, 3)).astype(np.float32)
            parts.append(b.Convolution(v, w, strides=[1, 1], dilations=[1, 1], pads_begin=[1, 1], pads_end=[1, 1]))
        return b.Concat(*parts, axis=1)

    check(make, x)
