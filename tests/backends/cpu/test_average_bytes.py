"""Means of levels in integers, against FakeQuantize and means computed in floats: the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call, Island
from vinoc.backends.numpy import Interpreter

from .checked import build, integer_targets


def quantized(b: Any, x: Any, seed: int, low: float = -1.0) -> Any:
    """On a grid of three bits; the ends of the range are exact."""
    rng = np.random.default_rng(seed)
    step = np.float32(rng.choice([1, 1.25, 1.5, 1.75]) / 128)
    zero = np.rint(-low / step)
    return b.FakeQuantize(x, *[np.float32((n - zero) * step) for n in (0, 255)] * 2, levels=256)


def same(make: Any, x: np.ndarray, kernels: int, threads: int = 1) -> None:
    """Asserts that all targets compute the reference's bits, with so many means in integers."""
    graph = build(make, x)
    want = Interpreter(graph).run([x])
    for target in integer_targets():
        executable = Executable(graph.clone(), threads, target)
        for a, b in zip(executable.run([x]), want, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=target.name)
        plan = executable.program([x.shape]).plan  # type: ignore[union-attr]
        assert not [s.why for s in plan.steps if isinstance(s, Island)]
        names = [s.kernel.name for s in plan.steps if isinstance(s, Call)]
        assert sum("avgpoolbytes" in name for name in names) == kernels, names


def levels(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """What is on such a grid already."""
    rng = np.random.default_rng(seed)
    return (rng.integers(-100, 156, shape) * rng.choice([1, 1.25, 1.5, 1.75]) / 128).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 9)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    exclude=st.booleans(),
    channels=st.sampled_from([1, 2, 3, 7, 16, 24, 33, 64, 97, 130]),
    more=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    last=st.booleans(),
    seed=st.integers(0, 9),
)
def test_windows(
    kernel: Any, strides: Any, pads: Any, exclude: bool, channels: int, more: Any, last: bool, seed: int
) -> None:
    size = [k + m for k, m in zip(kernel, more)]
    begin, end = (tuple(min(p, k - 1) for p, k in zip(pads[i:], kernel)) for i in (0, 2))
    geometry = {"strides": strides, "pads_begin": begin, "pads_end": end, "kernel": kernel}

    def make(b: Any, v: Any) -> Any:
        y = b.AvgPool(quantized(b, v, seed), exclude_pad=exclude, **geometry)
        return quantized(b, y, seed + 1, -0.5) if last else y

    x = np.random.default_rng(seed).standard_normal((2, channels, *size)).astype(np.float32)
    same(make, x, 1, threads=1 + seed % 3)
    same(lambda b, v: b.AvgPool(v, exclude_pad=exclude, **geometry), levels(seed, x.shape), 0)


@settings(max_examples=25, deadline=None)
@given(
    spatial=st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple),
    channels=st.sampled_from([1, 3, 8, 20, 64, 100, 200]),
    keep=st.booleans(),
    last=st.booleans(),
    seed=st.integers(0, 9),
)
def test_images(spatial: tuple[int, ...], channels: int, keep: bool, last: bool, seed: int) -> None:
    spatial = (*spatial[:-1], spatial[-1] % 10 + 1) if len(spatial) == 3 else spatial

    def make(b: Any, v: Any) -> Any:
        axes = np.arange(2, 2 + len(spatial))
        y = b.ReduceMean(quantized(b, v, seed), axes, keep_dims=keep)
        return quantized(b, y, seed + 1, -0.5) if last else y

    x = np.random.default_rng(seed).standard_normal((2, channels, *spatial)).astype(np.float32)
    same(make, x, 1, threads=1 + seed % 3)
    axes = np.arange(2, 2 + len(spatial))
    same(lambda b, v: b.ReduceMean(v, axes, keep_dims=keep), levels(seed, x.shape), 0)
    last_form = {"strides": (1, 1), "pads_begin": (0, 0), "pads_end": (0, 0), "kernel": (1, 1)}
    if len(spatial) == 2:  # of an image whose channels are adjacent
        same(lambda b, v: b.ReduceMean(b.AvgPool(v, exclude_pad=True, **last_form), axes), levels(seed, x.shape), 0)


def test_readers_of_levels_and_of_means() -> None:
    """The levels go elsewhere too, and so does the mean: it is not made of integers again."""

    def make(b: Any, v: Any) -> Any:
        y = quantized(b, v, 1)
        mean = b.ReduceMean(y, np.array([2, 3]), keep_dims=True)
        return b.Multiply(y, mean), quantized(b, mean, 2)

    same(make, np.random.default_rng(0).standard_normal((1, 40, 9, 7)).astype(np.float32), 1)


@pytest.mark.parametrize("axes", [[1], [3], [0, 2, 3]])
def test_other_axes_stay_float(axes: list[int]) -> None:
    def make(b: Any, v: Any) -> Any:
        return quantized(b, b.ReduceMean(quantized(b, v, 1), np.array(axes), keep_dims=True), 2, -0.5)

    same(make, np.random.default_rng(0).standard_normal((2, 16, 8, 4)).astype(np.float32), 0)


def test_quotients_are_rounded_once() -> None:
    """Of all numbers of taps, and of sums that f32 holds; of infinite ones, too."""
    for taps in (3, 5, 7, 9, 49, 169, 3969):
        x = np.random.default_rng(taps).standard_normal((1, 16, 1, taps * 64)).astype(np.float32)
        x = np.ascontiguousarray(np.where(np.arange(x.shape[3]) % taps, 0, x))  # one element of each window counts
        x[0, 3, 0, :: 5 * taps] = np.inf

        def make(b: Any, v: Any, taps: int = taps) -> Any:
            nothing = (0, 0)
            shape = {"strides": (1, taps), "pads_begin": nothing, "pads_end": nothing, "kernel": (1, taps)}
            return b.AvgPool(v, exclude_pad=True, **shape)

        same(make, x, 0)
