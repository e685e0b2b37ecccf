"""Convolutions of few output channels, and those whose taps are rows of the kernel, against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.codegen.target import TARGETS
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering import few_outputs

from .checked import build, check, runnable

END = ["", "bias", "relu", "sigmoid", "residual"]


def convolve(b: Any, x: Any, w: Any, strides: Any, pads: Any, end: str) -> Any:
    y = b.Convolution(x, w, strides=strides, dilations=[1] * len(strides), pads_begin=pads, pads_end=pads)
    if end:
        y = b.Add(y, np.linspace(-1, 1, w.shape[0], dtype=np.float32).reshape(-1, *[1] * len(strides)))
    if end == "residual":
        y = b.Add(y, b.Tanh(y))
    return {"relu": b.ReLU, "sigmoid": b.Sigmoid}.get(end, lambda v: v)(y)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    batch=st.integers(1, 2),
    depth=st.integers(1, 3),
    channels=st.integers(1, 20),
    size=st.tuples(st.integers(1, 12), st.integers(6, 30)),
    kernel=st.tuples(st.integers(1, 4), st.integers(2, 21)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    pads=st.tuples(st.integers(0, 4), st.integers(0, 10)),
    end=st.sampled_from(END),
)
def test_shapes(batch, depth, channels, size, kernel, stride, pads, end) -> None:
    """Tails of vectors and of blocks, rows that begin in the pads, strides."""
    rng = np.random.default_rng(0)
    size = tuple(max(n, k - 2 * p) for n, k, p in zip(size, kernel, pads))
    x = rng.standard_normal((batch, channels, *size)).astype(np.float32)
    w = rng.standard_normal((depth, channels, *kernel)).astype(np.float32)
    check(lambda b, v: convolve(b, v, w, stride, pads, end), x, tolerance=2e-6, threads=(1, 3))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(value: float) -> None:
    """They reach the windows that hold them, not those whose last vector merely reads so far."""
    x = np.ones((1, 1, 300), np.float32)
    x[0, 0, 150] = value
    w = np.linspace(0.5, 1, 37, dtype=np.float32).reshape(1, 1, 37)
    check(lambda b, v: convolve(b, v, w, [2], [3], ""), x, tolerance=1e-6)


@pytest.mark.parametrize(
    ("depth", "channels", "kernel", "kinds"),
    [
        (1, 8, (5, 5), {"conv_dot"}),
        (24, 8, (4, 7), {"igemm"}),
        (1, 1, (1, 256), {"conv_dot"}),
        (16, 1, (1, 9), {"igemm"}),
    ],
)
def test_forms(depth: int, channels: int, kernel: tuple[int, int], kinds: set[str]) -> None:
    x = np.ones((1, channels, 8, 300), np.float32)
    w = np.ones((depth, channels, *kernel), np.float32)
    executable = Executable(build(lambda b, v: convolve(b, v, w, [1, 1], [0, 0], ""), x), 1, runnable("avx2"))
    plan = executable.program([x.shape]).plan
    assert {s.kernel.name for s in plan.steps} - {"copy32", "fill32"} == kinds


def test_a_form_is_chosen_by_the_steps_it_takes() -> None:
    sixteen = TARGETS["avx512"]
    assert few_outputs.suits(sixteen, 1, 1, 256, False)
    assert few_outputs.suits(sixteen, 8, 3, 312, False)
    assert not few_outputs.suits(sixteen, 8, 3, 312, True)
    assert not few_outputs.suits(sixteen, 16, 5, 15, False)
    assert not few_outputs.suits(sixteen, 64, 3, 9, False)
