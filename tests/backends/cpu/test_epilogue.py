"""Functions behind products, computed on their tiles, against the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vinoc.backends.cpu.device import Executable
from vinoc.ir import dtype as dt

from .checked import build, check


def constant(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def quantized(b: Any, v: Any) -> Any:
    low, high = np.float32(-2), np.float32(2)
    u = b.Convert(b.FakeQuantize(v, low, high, np.float32(0), np.float32(255), levels=256), destination_type=dt.u8)
    return b.Multiply(b.Subtract(b.Convert(u, destination_type=dt.f32), np.float32(128)), np.float32(1 / 64))


TAILS: dict[str, Callable[[Any, Any, tuple[int, ...]], Any]] = {
    "sigmoid": lambda b, v, c: b.Sigmoid(v),
    "gelu": lambda b, v, c: b.Gelu(v, approximation_mode="ERF"),
    "hard swish by parts": lambda b, v, c: b.Multiply(v, b.HardSigmoid(v, np.float32(1 / 6), np.float32(0.5))),
    "slopes": lambda b, v, c: b.PReLU(v, constant(*c)),
    "affine": lambda b, v, c: b.ReLU(b.Add(b.Multiply(v, constant(*c)), constant(*c))),
    "bias, limits, functions": lambda b, v, c: b.Tanh(b.Multiply(b.ReLU(b.Add(v, constant(*c))), np.float32(0.5))),
    "square": lambda b, v, c: b.Multiply(b.Add(v, constant(*c)), b.Add(v, constant(*c))),
    "quantized": lambda b, v, c: quantized(b, v),
    "two results": lambda b, v, c: (b.Sigmoid(v), b.Exp(b.Negative(b.Abs(v)))),
}


def regions(make: Callable[..., Any], x: np.ndarray) -> list[str]:
    """The kernels of the regions that a graph becomes."""
    plan = Executable(build(make, x), 1).program([x.shape]).plan
    return sorted({s.node.op.kernel for s in plan.steps if s.node.kind == "Region"})


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(
    ("kernel", "groups", "depth"), [(1, 1, 37), (1, 1, 3), (1, 1, 8), (3, 1, 16), (2, 2, 10), (3, 24, 1), (3, 6, 1)]
)
def test_convolution(kernel: int, groups: int, depth: int, tail: str) -> None:
    """Direct, Winograd's, grouped, depthwise."""
    channels = 12 if groups <= 2 else 1
    x, w = constant(2, groups * channels, 9, 8), constant(groups, depth, channels, kernel, kernel) * np.float32(0.2)
    shape = (groups * depth, 1, 1)

    def make(b: Any, v: Any) -> Any:
        kind, filters = (b.GroupConvolution, w) if groups > 1 else (b.Convolution, w[0])
        y = kind(v, filters, strides=[1, 1], dilations=[1, 1], pads_begin=[kernel // 2] * 2, pads_end=[kernel // 2] * 2)
        return TAILS[tail](b, y, shape)

    # A value next to the border of two levels may fall to either side.
    check(make, x, tolerance=1e-2 if tail == "quantized" else 1e-5, threads=(1, 2))
    if tail not in ("two results", "square") and kernel != 3:
        assert regions(make, x) == ["conv"]


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(("rows", "columns"), [(1, 37), (5, 64), (30, 19)])
def test_matrix_product(rows: int, columns: int, tail: str) -> None:
    x, w = constant(rows, 40), constant(40, columns) * np.float32(0.2)

    def make(b: Any, v: Any) -> Any:
        return TAILS[tail](b, b.MatMul(v, w), (columns,))

    check(make, x, tolerance=1e-2 if tail == "quantized" else 1e-5, threads=(1, 2))
    if tail not in ("two results", "square"):
        assert regions(make, x) == ["matmul"]


def test_bias_of_the_shape_of_the_result() -> None:
    """It is a bias, and the residual behind it another operand."""
    x, y, w, bias = constant(1, 20), constant(1, 33), constant(20, 33), constant(1, 33)
    check(lambda b, v, r: b.Sigmoid(b.Add(b.Add(b.MatMul(v, w), bias), r)), x, y, tolerance=1e-5)


def test_residual_of_the_product_itself() -> None:
    x, w = constant(3, 20), constant(20, 33)

    def make(b: Any, v: Any) -> Any:
        y = b.MatMul(v, w)
        return b.Sigmoid(b.Add(y, y))

    check(make, x, tolerance=1e-5)
