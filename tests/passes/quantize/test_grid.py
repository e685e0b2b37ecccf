"""Grids against definitions of their own: they hold the range, and zero exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.ops.quantize import FakeQuantize
from vinoc.passes.quantize.grid import Grid, asymmetric, symmetric

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False, width=32)
LEVELS = st.sampled_from([3, 15, 16, 127, 255, 256])


@st.composite
def ranges(draw: st.DrawFn, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    ends = np.array([sorted((draw(NUMBERS), draw(NUMBERS))) for _ in range(channels)])
    return ends[:, 0], ends[:, 1]


def faked(x: np.ndarray, grid: Grid) -> np.ndarray:
    """FakeQuantize with the grid's limits as f32."""
    low, high = grid.low.astype(np.float32), grid.high.astype(np.float32)
    return FakeQuantize(levels=grid.levels).evaluate(x.astype(np.float32), low, high, low, high)


def simulated(x: np.ndarray, grid: Grid) -> np.ndarray:
    """scale * (clip(round(x / scale) + zero; 0, levels - 1) - zero)."""
    steps = np.rint(x.astype(np.float64) / grid.scale) + grid.zero
    return grid.scale * (np.clip(steps, 0, grid.levels - 1) - grid.zero)


def check(grid: Grid, low: np.ndarray, high: np.ndarray) -> None:
    assert (grid.scale > 0).all()
    assert ((grid.zero >= 0) & (grid.zero <= grid.levels - 1) & (grid.zero == np.rint(grid.zero))).all()
    widest = np.abs([low, high]).max()
    assert (grid.low <= np.minimum(low, 0) + 1e-12 * widest).all()
    assert (grid.high >= np.maximum(high, 0) - 1e-12 * widest).all()
    assert (faked(np.zeros(low.shape), grid) == 0).all()
    assert (grid.low.astype(np.float32) == grid.low).all()  # exactly
    assert (grid.high.astype(np.float32) == grid.high).all()


@given(ranges(), LEVELS)
def test_asymmetric_grids_hold_the_range_and_zero(ends: tuple[np.ndarray, np.ndarray], levels: int) -> None:
    low, high = ends
    grid = asymmetric(low, high, levels)
    check(grid, low, high)
    width = np.maximum(high, 0) - np.minimum(low, 0)
    usual = width > width.max() * 2.0**-15
    # A side shorter than half a step gets a whole one; of three levels that is half of them.
    assert (((levels - 1) * grid.scale)[usual] <= 2.01 * width[usual]).all()


@given(ranges(), LEVELS, st.sampled_from([True, False, None]))
def test_symmetric_grids_hold_the_range_and_zero(
    ends: tuple[np.ndarray, np.ndarray], levels: int, signed: bool | None
) -> None:
    low, high = ends
    if signed is False:
        low, high = np.abs(low) * 0, np.abs(high)
    grid = symmetric(low, high, levels, signed)
    check(grid, low, high)
    negative = bool((low < 0).any()) if signed is None else signed
    assert (grid.zero == (levels // 2 if negative else 0)).all()


@settings(max_examples=60)
@given(ranges(channels=1), LEVELS, st.booleans(), st.integers(0, 1000))
def test_fake_quantize_computes_the_grid(
    ends: tuple[np.ndarray, np.ndarray], levels: int, even: bool, seed: int
) -> None:
    grid = (symmetric if even else asymmetric)(*ends, levels)
    x = np.random.default_rng(seed).uniform(1.5 * grid.low[0], 1.5 * grid.high[0], 200).astype(np.float32)
    from_half = np.abs(x / grid.scale - np.floor(x / grid.scale) - 0.5)
    clear = from_half > 1e-4  # a value between two levels may become either
    expected = simulated(x, grid)
    np.testing.assert_allclose(faked(x, grid)[clear], expected[clear], rtol=1e-6, atol=1e-6 * float(grid.scale.max()))


def test_known_grids() -> None:
    grid = asymmetric(np.array(-1.0), np.array(3.0), 256)
    assert grid.zero == 64
    assert grid.scale == pytest.approx(3 / 191, rel=2e-5)
    grid = symmetric(np.array(-1.0), np.array(127.0), 255)
    assert (grid.scale, grid.zero, grid.low, grid.high) == (1, 127, -127, 127)
    grid = symmetric(np.array(-1.0), np.array(127.0), 256)
    assert (grid.scale, grid.zero, grid.low, grid.high) == (1, 128, -128, 127)
    grid = symmetric(np.array(1.0), np.array(255.0), 256)
    assert (grid.scale, grid.zero, grid.low, grid.high) == (1, 0, 0, 255)


def test_empty_ranges_are_opened() -> None:
    grid = asymmetric(np.array([0.0, -1.0]), np.array([0.0, 1.0]), 256)
    assert 0 < grid.scale[0] < 1e-6
    assert asymmetric(np.array(0.0), np.array(0.0), 256).scale > 0
    assert symmetric(np.array(0.0), np.array(0.0), 256).scale > 0


def test_a_grid_for_f16_holds_its_scale() -> None:
    grid = symmetric(np.array([-1.0, -0.3]), np.array([0.7, 0.2]), 255).shortened()
    assert (grid.scale.astype(np.float16) == grid.scale).all()
    assert (grid.high >= [1.0, 0.3]).all()
    tiny = symmetric(np.array([-1.0, -1e-4]), np.array([0.7, 0.0]), 255)
    assert tiny.shortened() is tiny
