"""Padding and interpolation against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .checked import check

F32 = np.float32


def image(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(F32)


def convolved(b: Any, v: Any, channels: int) -> Any:
    """Something channels-last."""
    w = np.eye(channels, dtype=F32).reshape(channels, channels, 1, 1)
    return b.Convolution(v, w, strides=[1, 1], dilations=[1, 1], pads_begin=[0, 0], pads_end=[0, 0])


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["constant", "edge", "reflect", "symmetric"]),
    st.lists(st.tuples(st.integers(4, 9), st.integers(-2, 3), st.integers(-1, 3)), min_size=1, max_size=4),
    st.sampled_from(["float32", "int8", "int64"]),
)
def test_pad(mode: str, axes: list[tuple[int, int, int]], dtype: str) -> None:
    shape, begin, end = zip(*axes)
    x = (image(shape) * 50).astype(dtype)
    value = np.array(7, dtype)

    def make(b: Any, v: Any) -> Any:
        y = b.Pad(v, np.array(begin, np.int64), np.array(end, np.int64), value, pad_mode=mode)
        return b.Concat(y, y, axis=0)

    check(make, x, threads=(1, 3))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize(
    ("begin", "end"), [((0, 0, 1, 2), (0, 0, 3, 0)), ((0, 0, 0, 0), (0, 5, 0, 0)), ((0, 1, -1, 1), (1, 2, 2, 0))]
)
def test_pad_of_channels_last(mode: str, begin: tuple[int, ...], end: tuple[int, ...]) -> None:
    def make(b: Any, v: Any) -> Any:
        y = b.Pad(convolved(b, v, 6), np.array(begin, np.int64), np.array(end, np.int64), pad_mode=mode)
        return convolved(b, y, 6 + begin[1] + end[1])

    check(make, image((2, 6, 7, 9)))


MODES = ["nearest", "linear", "linear_onnx", "cubic", "bilinear_pillow", "bicubic_pillow"]
NEAREST = ["floor", "ceil", "simple", "round_prefer_ceil"]
TRANSFORMS = ["half_pixel", "pytorch_half_pixel", "asymmetric", "tf_half_pixel_for_nn", "align_corners"]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(MODES), st.sampled_from(TRANSFORMS), st.sampled_from(NEAREST),
    st.lists(st.sampled_from([0.4, 0.5, 1.0, 1.5, 2.0, 3.0]), min_size=2, max_size=2),
    st.sampled_from([1, 3, 8, 17]), st.integers(3, 11), st.integers(3, 11), st.booleans(), st.booleans(),
)  # fmt: skip
def test_interpolate(
    mode: str, transform: str, nearest: str, scales: list[float], channels: int, height: int, width: int,
    antialias: bool, last: bool,
) -> None:  # fmt: skip
    sizes = [max(int(height * scales[0]), 1), max(int(width * scales[1]), 1)]

    def make(b: Any, v: Any) -> Any:
        if last:
            v = convolved(b, v, channels)
        return b.Interpolate(
            v, np.array(sizes, np.int64), np.array([2, 3], np.int64), mode=mode, shape_calculation_mode="sizes",
            coordinate_transformation_mode=transform, nearest_mode=nearest, antialias=antialias,
        )  # fmt: skip

    check(make, image((2, channels, height, width)), threads=(1, 2))


@pytest.mark.parametrize("mode", MODES)
def test_interpolate_other_axes_with_pads(mode: str) -> None:
    def make(b: Any, v: Any) -> Any:
        return b.Interpolate(
            v, np.array([1.5, 2.0], F32), np.array([1, 2], np.int64), mode=mode, shape_calculation_mode="scales",
            pads_begin=(0, 1, 0, 0), pads_end=(0, 0, 2, 0),
        )  # fmt: skip

    check(make, image((2, 5, 6, 20)))


def test_nan_and_infinity_spread_as_in_the_reference() -> None:
    x = image((1, 9, 5, 5))
    x[0, 3, 2, 2], x[0, 8, 0, 4], x[0, 1, 4, 4] = np.nan, np.inf, -np.inf

    def make(b: Any, v: Any) -> Any:
        return b.Interpolate(v, np.array([10, 10], np.int64), np.array([2, 3], np.int64), mode="linear_onnx",
                             shape_calculation_mode="sizes")  # fmt: skip

    check(make, x)
