"""Operations on channels-last images, channel by channel and block by block, against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .checked import check

F32 = np.float32
CHANNELS = st.sampled_from([2, 3, 8, 17, 40, 64, 70, 130])


def image(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(F32)


def last(b: Any, v: Any) -> Any:
    """The same, channels-last: a pooling of one element."""
    ones = [1] * 2
    return b.MaxPool(v, kernel=ones, strides=ones, dilations=ones, pads_begin=[0, 0], pads_end=[0, 0])[0]


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(["ReduceMean", "ReduceSum", "ReduceMax"]), CHANNELS, st.integers(1, 2), st.integers(1, 9),
    st.integers(1, 20), st.booleans(), st.booleans(),
)  # fmt: skip
def test_reduction(
    kind: str, channels: int, batch: int, height: int, width: int, keep: bool, special: bool
) -> None:  # fmt: skip
    x = image((batch, channels, height, width))
    if special:
        x[0, 1, 0, width // 2], x[-1, -1, -1, -1] = np.inf if kind == "ReduceMax" else np.nan, -np.inf

    def make(b: Any, v: Any) -> Any:
        return getattr(b, kind)(last(b, v), np.array([2, 3], np.int64), keep_dims=keep)

    check(make, x, threads=(1, 2))


def test_largest_keeps_nan() -> None:
    x = image((2, 70, 5, 6))
    x[0, 3, 1, 1] = x[1, 69, 4, 5] = x[1, 2, 0, 0] = np.nan
    check(lambda b, v: b.ReduceMax(last(b, v), np.array([2, 3], np.int64)), x)


@settings(max_examples=15, deadline=None)
@given(CHANNELS, st.integers(1, 9), st.sampled_from([0.5, 0.75, 1.0, 0.6]), st.integers(1, 2))
def test_local_response(channels: int, size: int, beta: float, batch: int) -> None:
    def make(b: Any, v: Any) -> Any:
        return b.LRN(v, np.array([1], np.int64), alpha=0.1, beta=beta, bias=1.5, size=size)

    check(make, image((batch, channels, 5, 7)), threads=(1, 3))


@pytest.mark.parametrize("shape", [(2, 20, 5, 6), (3, 20), (1, 20, 9), (2, 20, 2, 3, 4)])
def test_batch_norm(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    gamma, beta, mean, variance = (rng.random(20).astype(F32) + 0.1 for _ in range(4))
    x = image(shape)
    x[0, 3] = np.inf

    def make(b: Any, v: Any) -> Any:
        return b.BatchNormInference(v, gamma, beta, mean, variance, epsilon=1e-3)

    check(make, x)


@pytest.mark.parametrize("mode", ["blocks_first", "depth_first"])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("lasting", [False, True])
def test_depth_and_space(mode: str, rank: int, lasting: bool) -> None:
    x = image((2, 3 * 2**rank, *(4, 6, 2)[:rank]))

    def make(b: Any, v: Any) -> Any:
        v = last(b, v) if lasting and rank == 2 else v
        y = b.DepthToSpace(v, mode=mode, block_size=2)
        y = last(b, y) if lasting and rank == 2 else y
        return y, b.SpaceToDepth(y, mode=mode, block_size=2)

    check(make, x)


@pytest.mark.parametrize("group", [1, 2, 3, 4])
@pytest.mark.parametrize("lasting", [False, True])
def test_shuffle(group: int, lasting: bool) -> None:
    def make(b: Any, v: Any) -> Any:
        return b.ShuffleChannels(last(b, v) if lasting else v, axis=1, group=group)

    check(make, image((2, 24, 5, 6)))
