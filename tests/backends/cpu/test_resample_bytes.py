"""Weighted sums that become u8 at once, against the same sums as floats, rounded behind them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call, Island
from vinoc.backends.cpu.quantized import ops
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph

from .checked import build, integer_targets

LINEAR = {"mode": "linear_onnx", "shape_calculation_mode": "sizes"}


def run(graph: Graph, x: np.ndarray, target: Any, threads: int = 1) -> tuple[list[np.ndarray], list[str]]:
    """Outputs, and the kernels' names."""
    executable = Executable(graph, threads, target)
    found = executable.run([x])
    plan = executable.program([x.shape]).plan  # type: ignore[union-attr]
    assert not [s.why for s in plan.steps if isinstance(s, Island)]
    return found, [s.kernel.name for s in plan.steps if isinstance(s, Call)]


@settings(max_examples=20, deadline=None)
@given(
    size=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    factors=st.lists(st.sampled_from([1, 2, 3, 2.5]), min_size=3, max_size=3),
    channels=st.sampled_from([8, 9, 16, 24, 33, 64, 100]),
    mode=st.sampled_from(["half_pixel", "align_corners", "asymmetric"]),
    cubic=st.booleans(), images=st.integers(1, 2), last=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_rounded_at_once(
    size: Any, factors: Any, channels: int, mode: str, cubic: bool, images: int, last: bool, seed: int
) -> None:
    out = [int(n * f) for n, f in zip(size, factors)]
    how = {"mode": "cubic" if cubic and len(size) == 2 else "linear_onnx", "shape_calculation_mode": "sizes"}
    axes = np.arange(2, 2 + len(size))
    x = np.random.default_rng(seed).standard_normal((images, channels, *size)).astype(np.float32)

    def make(b: Any, v: Any) -> Any:
        v = (
            b.Transpose(b.Transpose(v, np.array([0, *axes, 1])), np.array([0, 1 + len(size), *(axes - 1)]))
            if last
            else v
        )
        y = b.Interpolate(v, np.array(out), axes, coordinate_transformation_mode=mode, **how)
        return y, b.build(ops.Quantize(low=3, high=250), y, np.float32(0.0137), np.float32(101))

    together, alone = build(make, x), build(lambda b, v: make(b, v)[1], x)
    for target in integer_targets():
        (reals, apart), names = run(together.clone(), x, target)
        assert not any("resamplebytes" in name for name in names), names
        (found,), names = run(alone.clone(), x, target, 1 + seed % 3)
        assert any("resamplebytes" in name for name in names) == (out != size), names
        (levels,) = Interpreter(build(lambda b, y: make_levels(b, y), reals)).run([reals])
        np.testing.assert_array_equal(apart, levels, err_msg=target.name)
        # Rows of floats are summed axis by axis: their last bits differ, and with them levels at a border.
        assert np.abs(found.astype(int) - apart).max() <= (1 if not last else 0), target.name
        assert (found != apart).sum() <= 1 + 1e-3 * found.size


def make_levels(b: Any, y: Any) -> Any:
    return b.build(ops.Quantize(low=3, high=250), y, np.float32(0.0137), np.float32(101))


def test_levels_doubled_are_exact() -> None:
    """Weights of quarters, and scales of three bits: the reference's bits, however sums are made."""
    x = np.random.default_rng(0).integers(-100, 156, (2, 40, 9, 7)).astype(np.float32) * np.float32(1.75 / 64)

    def make(b: Any, v: Any) -> Any:
        y = b.Interpolate(
            v, np.array([18, 14]), np.array([2, 3]), coordinate_transformation_mode="half_pixel", **LINEAR
        )
        return b.build(ops.Quantize(), y, np.float32(1.25 / 64), np.float32(100))

    graph = build(make, x)
    (want,) = Interpreter(graph).run([x])
    for target in integer_targets():
        (found,), names = run(graph.clone(), x, target)
        assert any("resamplebytes" in name for name in names), names
        np.testing.assert_array_equal(found, want, err_msg=target.name)
