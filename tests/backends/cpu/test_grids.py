"""Chains between reals and bytes: Quantize and Dequantize with what stands between them, against the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call
from vinoc.backends.cpu.quantized.ops import Dequantize, Quantize

from .checked import build, check, levels

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30, 1e-40, 3.4e38], np.float32)


def quantize(b: Any, x: Any, scale: Any, zero: Any, **limits: int) -> Any:
    return b.build(Quantize(**limits), x, b.const(np.float32(scale)), b.const(np.float32(zero)))


def reals(b: Any, q: Any, scale: Any, zero: Any) -> Any:
    return b.build(Dequantize(), q, b.const(np.float32(scale)), b.const(np.float32(zero)))


@settings(max_examples=12, deadline=None)
@given(
    count=st.integers(1, 700),
    step=st.sampled_from([0.25, 0.1, 1e-6, 1e6, 3.0, 6.5625, 40503.0 / 2**20]),
    zero=st.sampled_from([0.0, 1.0, 128.0, 255.0, -3.5, 300.25]),
    limits=st.sampled_from([(0, 255), (0, 15), (3, 250)]),
    seed=st.integers(0, 9),
)
def test_quantize(count: int, step: float, zero: float, limits: tuple[int, int], seed: int) -> None:
    """Halves go to even, limits hold, NaN is the lower one."""
    eighths = np.random.default_rng(seed).integers(-800, 3200, count) / 8
    if step in (0.1, 1e-6) or zero % 0.5:
        eighths += 1 / 16  # products with a step of 24 bits are rounded: whether they are halfway, rounding decides
    x = ((eighths - zero) * np.float32(step)).astype(np.float32)
    x[: len(SPECIAL)] = SPECIAL[:count]
    low, high = limits
    check(lambda b, v: quantize(b, v, step, zero, low=low, high=high), x, threads=(1, 3))


@settings(max_examples=8, deadline=None)
@given(n=st.integers(1, 2), c=st.integers(1, 70), h=st.integers(1, 5), w=st.integers(1, 9), seed=st.integers(0, 9))
def test_grids_by_channel(n: int, c: int, h: int, w: int, seed: int) -> None:
    """A scale and a zero point for each channel, on both sides."""
    rng = np.random.default_rng(seed)
    scale, zero = rng.uniform(0.01, 2, (1, c, 1, 1)), rng.integers(0, 256, (1, c, 1, 1))

    def make(b: Any, q: Any) -> Any:
        return quantize(b, b.ReLU(reals(b, q, scale, zero)), scale, zero)

    check(make, levels((n, c, h, w), seed), threads=(1, 2))


BETWEEN: dict[str, Callable[..., Any]] = {
    "nothing": lambda b, x, y: x,
    "add": lambda b, x, y: b.Add(x, y),
    "multiply": lambda b, x, y: b.Multiply(x, y),
    "maximum": lambda b, x, y: b.Maximum(x, y),
    "prelu": lambda b, x, y: b.PReLU(b.Add(x, y), b.const(np.linspace(-1, 1, 6, dtype=np.float32))),
    "clamp": lambda b, x, y: b.Clamp(b.Subtract(x, y), min=-1.0, max=6.0),
}


@pytest.mark.parametrize("kind", BETWEEN)
@pytest.mark.parametrize("shape", [(1, 6, 5, 13), (2, 6, 1, 1), (3, 6, 8, 8)])
def test_bytes_to_bytes(kind: str, shape: tuple[int, ...]) -> None:
    """Scales are powers of two, so that sums and products have no errors and ties are ties."""

    def make(b: Any, p: Any, q: Any) -> Any:
        return quantize(b, BETWEEN[kind](b, reals(b, p, 0.25, 100), reals(b, q, 0.125, 3)), 0.5, 7)

    check(make, levels(shape, 0), levels(shape, 1))


@pytest.mark.parametrize("kind", ["Sigmoid", "HSwish", "Tanh", "Exp", "SoftPlus"])
def test_functions_of_bytes(kind: str) -> None:
    """Results are reals: what a function rounds otherwise than the reference would move levels."""
    every = np.arange(256, dtype=np.uint8).reshape(1, 4, 8, 8)
    check(lambda b, q: getattr(b, kind)(reals(b, q, 0.03125, 128)), every)


def test_bytes_are_broadcast() -> None:
    def make(b: Any, p: Any, q: Any) -> Any:
        return quantize(b, b.Multiply(reals(b, p, 0.5, 1), reals(b, q, 0.25, 0)), 1.0, 0)

    check(make, levels((2, 33, 5, 7), 0), levels((2, 33, 1, 1), 1))
    check(make, levels((2, 33, 5, 7), 0), levels((1, 1, 5, 7), 1))


def test_reals_are_not_stored_for_several_chains() -> None:
    """Each chain expands the bytes that it reads."""
    every = levels((1, 8, 5, 7), 3)

    def make(b: Any, q: Any) -> Any:
        x = reals(b, q, 0.5, 10)
        return quantize(b, b.Sqrt(b.Abs(x)), 0.25, 0), b.ReLU(x), b.SoftMax(x, axis=1)

    check(make, every, threads=(1,))
    executable = Executable(build(make, every), 1)
    executable.run([every])
    plan = executable.current().plan  # type: ignore[union-attr]
    calls = [s for s in plan.steps if isinstance(s, Call)]
    reading = [c for c in calls if any(getattr(v, "dtype", None) == np.uint8 for v in c.args.values())]
    assert len(reading) == 3
