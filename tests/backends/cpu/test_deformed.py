"""Deformable convolutions against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from .checked import check


def numbers(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 2), st.sampled_from([(1, 1, 3), (1, 2, 4), (2, 1, 6), (2, 2, 8)]), st.sampled_from([(1, 1), (3, 2)]),
    st.integers(1, 2), st.integers(0, 1), st.booleans(), st.booleans(), st.sampled_from([0.3, 6.0]),
)  # fmt: skip
def test_deformable_convolution(
    n: int, groups: tuple[int, int, int], kernel: tuple[int, int], stride: int, pad: int, masked: bool, soft: bool,
    reach: float,
) -> None:  # fmt: skip
    group, parts, channels = groups
    kh, kw = kernel
    height, width = 6, 7
    size = [(length + 2 * pad - k) // stride + 1 for length, k in ((height, kh), (width, kw))]
    filters = numbers((2 * group, channels // group, kh, kw), 1)

    def make(b: Any, x: Any, offsets: Any, *mask: Any) -> Any:
        return b.DeformableConvolution(
            x, offsets, filters, *mask, strides=[stride] * 2, pads_begin=[pad] * 2, pads_end=[pad] * 2,
            dilations=[1, 1], group=group, deformable_group=parts, bilinear_interpolation_pad=soft,
        )  # fmt: skip

    inputs = [numbers((n, channels, height, width), 2), numbers((n, parts * kh * kw * 2, *size), 3) * np.float32(reach)]
    if masked:
        inputs.append(numbers((n, parts * kh * kw, *size), 4))
    check(make, *inputs, threads=(1, 3), tolerance=1e-5)
