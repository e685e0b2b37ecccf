"""Vector functions against f64: errors in units in the last place, and what becomes of NaN and infinities."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vinoc.backends.cpu.codegen import functions
from vinoc.backends.cpu.codegen import math as vector_math
from vinoc.backends.cpu.codegen.emit import Emitter
from vinoc.backends.cpu.codegen.library import Library
from vinoc.backends.cpu.codegen.target import Target
from vinoc.backends.cpu.kernels.base import Arguments, Kernel
from vinoc.ir.kernels.special import erf

from .checked import KERNEL_TYPE, targets

SPECIAL = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-38, -1e-42, 3e38, -3e38, 88.8, -104.5, 2.0, 0.5, -3.0]
)


def apply(target: Target, function: Callable[..., Any], *xs: np.ndarray) -> np.ndarray:
    """The function over arrays whose length is a multiple of 16."""

    def emit(e: Emitter, a: Arguments) -> None:
        with e.loop(0, a.n, e.lanes) as i:
            at = e.mul(i, 4)
            values = [e.load(e.add(v, at)) for v in (a.x, a.y)][: len(xs)]
            e.store(function(e, *values), e.add(a.out, at))

    assert len(xs[0]) % 16 == 0
    kernel = Kernel(f"apply_{function.__name__}", ("x", "y", "out", "n"), emit)
    library = Library(target)
    call = KERNEL_TYPE(library.address(kernel.name, lambda m: kernel.build(m, target)))
    out = np.empty_like(xs[0])
    block = kernel.block(x=xs[0].ctypes.data, y=xs[-1].ctypes.data, out=out.ctypes.data, n=len(out))
    call(block.ctypes.data, 0, 1)
    return out


def ulps(got: np.ndarray, want: np.ndarray) -> float:
    """The largest error where the result is a normal number, in units in the last place of f32."""
    normal = np.isfinite(want) & (np.abs(want) > 1.2e-38) & (np.abs(want) < 3.4e38)
    error = np.abs(got[normal] - want[normal])
    return float((error / np.spacing(np.abs(want[normal]).astype(np.float32)).astype(np.float64)).max())


def softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def mish(x: np.ndarray) -> np.ndarray:
    return x * np.tanh(softplus(x))


CASES = [
    ("exp", np.exp, -103.0, 89.0, 1.2),
    ("expm1", np.expm1, -40.0, 89.0, 2.0),
    ("log_", np.log, 0.0, 50.0, 1.5),
    ("log1p", np.log1p, -1.0, 10.0, 4.0),
    ("erf", erf, -5.0, 5.0, 6.0),
    ("tanh", np.tanh, -12.0, 12.0, 5.0),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), -87.0, 100.0, 3.5),
    ("softplus", softplus, -80.0, 80.0, 4.0),
    ("mish", mish, -80.0, 80.0, 6.0),
    ("sinh", np.sinh, -89.4, 89.4, 4.0),
    ("cosh", np.cosh, -89.4, 89.4, 3.0),
    ("asinh", np.arcsinh, -100.0, 100.0, 5.0),
    ("acosh", np.arccosh, 1.0, 100.0, 5.0),
    ("atanh", np.arctanh, -1.0, 1.0, 5.0),
    ("sin", np.sin, -100.0, 100.0, 1.6),
    ("cos", np.cos, -100.0, 100.0, 1.6),
    ("tan", np.tan, -100.0, 100.0, 3.5),
    ("atan", np.arctan, -20.0, 20.0, 2.5),
    ("asin", np.arcsin, -1.0, 1.0, 4.0),
    ("acos", np.arccos, -1.0, 1.0, 4.0),
]


@pytest.mark.parametrize("target", targets(), ids=lambda t: t.name)
@pytest.mark.parametrize(
    ("name", "reference", "low", "high", "bound"), CASES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_error(target: Target, name: str, reference: Callable[..., Any], low: float, high: float, bound: float) -> None:
    rng = np.random.default_rng(0)
    function = getattr(vector_math, name, None) or getattr(functions, name)
    x = rng.uniform(low, high, 60000).astype(np.float32)
    x[::2] = np.clip(rng.standard_normal(30000) * 10.0 ** rng.uniform(-9, 0, 30000), low, high)
    x[1 : 1 + len(SPECIAL)] = SPECIAL
    with np.errstate(all="ignore"):
        want = reference(x.astype(np.float64))
    got = apply(target, function, x)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    with np.errstate(over="ignore"):
        narrow = want.astype(np.float32)
    np.testing.assert_array_equal(np.isinf(got), np.isinf(narrow))
    np.testing.assert_array_equal(got[np.isinf(narrow)], narrow[np.isinf(narrow)])
    tiny = np.isfinite(want) & (np.abs(want) <= 1.2e-38)
    assert float(np.abs(got[tiny] - want[tiny]).max(initial=0)) < 3e-38
    keep = np.abs(x) < 1e6 if name in ("sin", "cos", "tan") else np.ones(len(x), bool)
    assert ulps(got[keep], want[keep]) <= bound


@pytest.mark.parametrize("target", targets(), ids=lambda t: t.name)
def test_bounded_exponential(target: Target) -> None:
    x = np.linspace(-87, 88, 32768).astype(np.float32)

    def bounded(e: Emitter, v: Any) -> Any:
        return vector_math.exp(e, v, bounded=True)

    assert ulps(apply(target, bounded, x), np.exp(x.astype(np.float64))) <= 1.2


@pytest.mark.parametrize("target", targets(), ids=lambda t: t.name)
@pytest.mark.parametrize("name", ["gelu", "gelu_tanh"])
def test_gelu(target: Target, name: str) -> None:
    x = np.linspace(-8, 8, 32768).astype(np.float32)
    wide = x.astype(np.float64)
    inner = np.tanh(math.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)) if name != "gelu" else erf(wide / math.sqrt(2))
    want = wide / 2 * (1 + inner)
    error = np.abs(apply(target, getattr(functions, name), x) - want) / np.maximum(np.abs(want), 1)
    assert float(error.max()) <= (5e-7 if name == "gelu" else 1e-6)


@pytest.mark.parametrize("target", targets(), ids=lambda t: t.name)
def test_gelu_of_small_and_of_large_numbers(target: Target) -> None:
    """Results near zero keep their digits; far from it, limits and NaN are those of the definition."""
    tiny = np.geomspace(1e-30, 1e-3, 1024)
    x = np.concatenate([np.linspace(-3, 3, 20_000), tiny, -tiny]).astype(np.float32)
    want = np.array([v / 2 * math.erfc(-v / math.sqrt(2)) for v in x.astype(np.float64)])
    assert float(np.abs(apply(target, functions.gelu, x) / want - 1).max()) <= 5e-6
    x = np.array([0, 20, 3e38, np.inf, -50, -3e38, -np.inf, np.nan] * 2, np.float32)
    np.testing.assert_array_equal(apply(target, functions.gelu, x), [0, 20, x[2], np.inf, 0, 0, np.nan, np.nan] * 2)


@pytest.mark.parametrize("target", targets(), ids=lambda t: t.name)
def test_power(target: Target) -> None:
    rng = np.random.default_rng(0)
    x = np.exp(rng.standard_normal(32000) * 5).astype(np.float32)
    y = (rng.standard_normal(32000) * 8).astype(np.float32)
    x[::3] *= -1
    y[::2] = np.rint(y[::2])
    pairs = np.array([(a, b) for a in SPECIAL for b in SPECIAL], np.float32)
    x, y = np.concatenate([x, pairs[:, 0]]), np.concatenate([y, pairs[:, 1]])
    with np.errstate(all="ignore"):
        want = np.power(x.astype(np.float64), y.astype(np.float64))
        narrow = np.power(x, y)
    got = apply(target, vector_math.power, x, y)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(np.isinf(got), np.isinf(want.astype(np.float32)))
    at_end = np.isinf(got) | (narrow == 0)
    np.testing.assert_array_equal(got[at_end], narrow[at_end])
    assert ulps(got, want) <= 0.6


@pytest.mark.parametrize("target", targets(), ids=lambda t: t.name)
@pytest.mark.parametrize("name", ["rint", "floor", "ceil", "trunc"])
def test_rounding(target: Target, name: str) -> None:
    x = np.concatenate([SPECIAL, np.linspace(-20, 20, 161)[:160], [1e7 + 0.5, 8388607.5, -8388607.5, 4e6 + 0.5] * 4])
    x = x.astype(np.float32)
    want = getattr(np, name)(x)
    got = apply(target, getattr(vector_math, name), x)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(want))
