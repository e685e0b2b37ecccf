"""Depthwise convolution and pooling against the reference over made-up geometries."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from .checked import check


@st.composite
def geometries(draw: st.DrawFn, dilated: bool = True) -> dict[str, Any]:
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    kernel = [draw(st.sampled_from([1, 2, 3, 3, 5, 8])) for _ in range(rank)]
    dilations = [draw(st.sampled_from([1, 1, 2, 3])) if dilated else 1 for _ in range(rank)]
    begin = [draw(st.integers(0, 3)) for _ in range(rank)]
    end = [draw(st.integers(0, 3)) for _ in range(rank)]
    least = [max((k - 1) * d + 1 - b - e, 1) for k, d, b, e in zip(kernel, dilations, begin, end)]
    return {
        "batch": draw(st.integers(1, 2)),
        "channels": draw(st.sampled_from([1, 2, 3, 4, 7, 8, 16, 17, 33, 70])),
        "kernel": kernel,
        "dilations": dilations,
        "begin": begin,
        "end": end,
        "strides": [draw(st.integers(1, 3)) for _ in range(rank)],
        "size": [draw(st.integers(n, n + 12)) for n in least],
        "auto_pad": draw(st.sampled_from(["explicit"] * 4 + ["same_upper", "same_lower"])),
    }


def image(g: dict[str, Any], seed: int, special: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((g["batch"], g["channels"], *g["size"])).astype(np.float32)
    if special:
        x = np.where(rng.random(x.shape) < 0.5, rng.choice([np.nan, np.inf, -np.inf], x.shape), x)
    return x.astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(geometries(), st.integers(0, 99), st.sampled_from(["", "bias", "clamp", "residual", "all"]))
def test_depthwise(g: dict[str, Any], seed: int, end: str) -> None:
    rng = np.random.default_rng(seed + 1)
    w = rng.standard_normal((g["channels"], 1, 1, *g["kernel"])).astype(np.float32)
    bias = rng.standard_normal((1, g["channels"]) + (1,) * len(g["size"])).astype(np.float32)
    geometry = {k: g[k] for k in ("strides", "dilations", "auto_pad")} | {
        "pads_begin": g["begin"],
        "pads_end": g["end"],
    }

    def make(b: Any, value: Any) -> Any:
        y = b.GroupConvolution(value, w, **geometry)
        if end in ("bias", "all"):
            y = b.Add(y, bias)
        if end in ("residual", "all"):
            y = b.Add(y, b.GroupConvolution(value, w * 2, **geometry))
        return b.Clamp(y, min=-0.5, max=0.75) if end in ("clamp", "all") else y

    check(make, image(g, seed), threads=(1, 3))


@settings(max_examples=20, deadline=None)
@given(geometries(), st.integers(0, 99), st.booleans(), st.sampled_from(["floor", "ceil", "ceil_torch"]))
def test_max_pool(g: dict[str, Any], seed: int, special: bool, rounding: str) -> None:
    def make(b: Any, value: Any) -> Any:
        return b.MaxPool(
            value, kernel=g["kernel"], strides=g["strides"], dilations=g["dilations"], pads_begin=g["begin"],
            pads_end=g["end"], auto_pad=g["auto_pad"], rounding_type=rounding,
        )[0]  # fmt: skip

    check(make, image(g, seed, special), threads=(1, 2))


@settings(max_examples=20, deadline=None)
@given(geometries(dilated=False), st.integers(0, 99), st.booleans(), st.sampled_from(["floor", "ceil", "ceil_torch"]))
def test_avg_pool(g: dict[str, Any], seed: int, exclude_pad: bool, rounding: str) -> None:
    def make(b: Any, value: Any) -> Any:
        return b.AvgPool(
            value, kernel=g["kernel"], strides=g["strides"], pads_begin=g["begin"], pads_end=g["end"],
            exclude_pad=exclude_pad, auto_pad=g["auto_pad"], rounding_type=rounding,
        )  # fmt: skip

    check(make, image(g, seed), threads=(1, 2))


def test_nan_and_infinity_pass_a_depthwise_convolution() -> None:
    x = np.ones((1, 20, 9, 9), np.float32)
    x[0, 2, 1, 1], x[0, 17, 4, 4], x[0, 19, 8, 8] = np.nan, np.inf, -np.inf
    w = np.ones((20, 1, 1, 3, 3), np.float32)
    geometry = {"strides": [1, 1], "dilations": [1, 1], "pads_begin": [1, 1], "pads_end": [1, 1]}
    check(lambda b, v: b.Clamp(b.GroupConvolution(v, w, **geometry), min=0, max=6), x)


def test_zeros_between_taps_are_left_out() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((1, 33, 14, 13)).astype(np.float32)
    cuts = (
        (slice(0, None, 4), slice(0, None, 4)),
        (slice(1, None, 2), slice(2, 6)),
        (slice(3, 4), slice(0)),
    )
    for rows, columns in cuts:
        w = np.zeros((33, 1, 1, 9, 9), np.float32)
        w[..., rows, columns] = rng.standard_normal(w[..., rows, columns].shape)
        geometry = {"strides": [1, 2], "dilations": [1, 1], "pads_begin": [4, 3], "pads_end": [4, 4]}
        check(lambda b, v, w=w, g=geometry: b.GroupConvolution(v, w, **g), x, threads=(1,))


def test_windows_write_into_a_concatenation() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 24, 10, 11)).astype(np.float32)
    w = rng.standard_normal((24, 1, 1, 3, 3)).astype(np.float32)
    geometry = {"strides": [1, 1], "pads_begin": [1, 1], "pads_end": [1, 1]}

    def make(b: Any, v: Any) -> Any:
        pooled = b.MaxPool(v, kernel=[3, 3], dilations=[1, 1], **geometry)[0]
        mean = b.AvgPool(v, kernel=[3, 3], exclude_pad=True, **geometry)
        deep = b.GroupConvolution(v, w, dilations=[1, 1], **geometry)
        return b.Concat(pooled, mean, deep, axis=1)

    check(make, x)
