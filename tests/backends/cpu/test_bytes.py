"""Values of eight bits that are moved and picked, against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .checked import check, levels


@settings(max_examples=15, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilations=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.tuples(*[st.integers(0, 1)] * 4),
    channels=st.sampled_from([1, 2, 3, 7, 16, 24, 33, 64, 97]),
    more=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    seed=st.integers(0, 9),
)
def test_max_pool(kernel: Any, strides: Any, dilations: Any, pads: Any, channels: int, more: Any, seed: int) -> None:
    size = [(k - 1) * d + 1 + m for k, d, m in zip(kernel, dilations, more)]
    begin, end = ([min(p, k - 1) for p, k in zip(pads[i:], kernel)] for i in (0, 2))

    def make(b: Any, x: Any) -> Any:
        geometry = {"strides": strides, "pads_begin": tuple(begin), "pads_end": tuple(end), "kernel": kernel}
        return b.MaxPool(x, dilations=dilations, **geometry)[0]

    check(make, levels((2, channels, *size), seed), threads=(1, 3))


def test_max_pool_of_many_channels_in_large_windows() -> None:
    """Spatial pyramids: blocks of channels are no narrower than a vector."""
    shape = {"strides": (1, 1), "pads_begin": (6, 6), "pads_end": (6, 6), "kernel": (13, 13)}
    check(lambda b, x: b.MaxPool(x, dilations=(1, 1), **shape)[0], levels((1, 512, 13, 13), 0))


@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(1, 2), c=st.integers(1, 5), h=st.integers(1, 9), w=st.integers(1, 70), step=st.integers(1, 5),
    order=st.permutations(range(4)), seed=st.integers(0, 9),
)  # fmt: skip
def test_copies(n: int, c: int, h: int, w: int, step: int, order: Any, seed: int) -> None:
    """Transposed images of few planes, and every so many elements of a line."""

    def make(b: Any, x: Any) -> Any:
        part = b.Slice(x, np.array([0]), np.array([w]), np.array([step]), np.array([3]))
        return b.Transpose(x, np.array(order)), part, b.Transpose(part, np.array(order))

    check(make, levels((n, c, h, w), seed), threads=(1, 3))


@settings(max_examples=10, deadline=None)
@given(c=st.integers(1, 90), more=st.integers(0, 9), h=st.integers(1, 5), value=st.integers(0, 255))
def test_channels_are_padded(c: int, more: int, h: int, value: int) -> None:
    def make(b: Any, x: Any) -> Any:
        begin, end = np.array([0, 0, 1, 0]), np.array([0, more, 0, 2])
        wide = b.Pad(b.Transpose(x, np.array([0, 3, 1, 2])), begin, end, b.const(np.uint8(value)), pad_mode="constant")
        return b.Concat(wide, wide, axis=1)

    check(make, levels((1, h, 4, c), c), threads=(1, 2))


@settings(max_examples=10, deadline=None)
@given(groups=st.integers(1, 5), depth=st.integers(1, 40), h=st.integers(1, 4), seed=st.integers(0, 9))
def test_shuffled_channels(groups: int, depth: int, h: int, seed: int) -> None:
    def make(b: Any, x: Any) -> Any:
        return b.ShuffleChannels(b.Transpose(x, np.array([0, 3, 1, 2])), axis=1, group=groups)

    check(make, levels((2, h, 3, groups * depth), seed), threads=(1, 2))


@pytest.mark.parametrize("shape", [(1, 33, 7, 9), (2, 16, 4, 4), (1, 130, 12, 20), (1, 5, 40, 3), (3, 17, 1, 300)])
def test_transposed_images(shape: tuple[int, ...]) -> None:
    def make(b: Any, x: Any) -> Any:
        return b.Transpose(x, np.array([0, 3, 1, 2])), b.Transpose(x, np.array([0, 2, 3, 1]))

    check(make, levels(shape, 0))
