"""ROIAlign against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.ir.errors import EvaluationError

from .checked import build, check


def drawn(count: int, reach: float) -> np.ndarray:
    """Regions within images and beyond them; some are turned round."""
    return np.random.default_rng(2).uniform(-reach, reach + 20, (count, 4)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.sampled_from([1, 3, 17, 32]), st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 5), st.sampled_from([(1, 1), (2, 3), (7, 7)]), st.integers(1, 3), st.sampled_from(["avg", "max"]),
    st.sampled_from(["asymmetric", "half_pixel_for_nn", "half_pixel"]), st.sampled_from([0.0, 30.0]),
)  # fmt: skip
def test_roi_align(
    shape: tuple[int, ...], count: int, size: tuple[int, int], samples: int, mode: str, aligned: str, reach: float
) -> None:
    def make(b: Any, x: Any, regions: Any, images: Any) -> Any:
        return b.ROIAlign(
            x, regions, images, pooled_h=size[0], pooled_w=size[1], sampling_ratio=samples, spatial_scale=0.4,
            mode=mode, aligned_mode=aligned,
        )  # fmt: skip

    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    images = (np.arange(count) % shape[0]).astype(np.int64)
    check(make, x, drawn(count, reach), images, threads=(1, 3), tolerance=5e-6)


def test_a_region_of_no_image_is_an_error() -> None:
    def make(b: Any, x: Any, regions: Any, images: Any) -> Any:
        return b.ROIAlign(x, regions, images, pooled_h=2, pooled_w=2, sampling_ratio=2, spatial_scale=1.0, mode="avg")

    inputs = [np.zeros((2, 3, 4, 4), np.float32), drawn(2, 1.0), np.array([0, 2])]
    with pytest.raises(EvaluationError, match="image 2 of 2"):
        Executable(build(make, *inputs)).run(inputs)
