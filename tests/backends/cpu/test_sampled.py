"""GridSample against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType

from .checked import check

MODES = st.sampled_from(["bilinear", "bicubic", "nearest"])
PADDING = st.sampled_from(["zeros", "border", "reflection"])


def numbers(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.sampled_from([1, 3, 17, 64]), st.integers(1, 7), st.integers(1, 9)),
    st.integers(1, 5), st.integers(1, 8), MODES, PADDING, st.booleans(), st.sampled_from([0.9, 1.3, 8.0]),
)  # fmt: skip
def test_grid_sample(
    shape: tuple[int, ...], height: int, width: int, mode: str, padding: str, align: bool, reach: float
) -> None:
    """Places inside and outside, few channels and many, images of one element."""
    grid = np.random.default_rng(1).uniform(-reach, reach, (shape[0], height, width, 2)).astype(np.float32)

    def make(b: Any, x: Any, at: Any) -> Any:
        return b.GridSample(x, at, align_corners=align, mode=mode, padding_mode=padding)

    check(make, numbers(shape), grid, threads=(1, 3))


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_places_that_are_no_numbers_stay_within_the_image(padding: str) -> None:
    graph = Graph("g")
    x, at = (graph.add_input(TensorType(f32, s)) for s in ((1, 2, 3, 4), (1, 1, 4, 2)))
    graph.add_output(Builder(graph).GridSample(x, at, padding_mode=padding))
    grid = np.zeros((1, 1, 4, 2), np.float32)
    grid[0, 0, :3, 0] = np.nan, np.inf, -np.inf
    data = numbers((1, 2, 3, 4))
    found = Executable(graph).run([data, grid])[0]
    assert found.shape == (1, 2, 1, 4)
    np.testing.assert_allclose(found[..., 3], (data[:, :, 1, 1:3].sum(-1) / 2)[..., None], rtol=1e-6)
