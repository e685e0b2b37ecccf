"""Slices with masks, rolled tensors, batches and space."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from .checked import check, i64

X = np.random.default_rng(0).standard_normal((4, 5, 6)).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-7, 7), st.integers(-7, 7), st.sampled_from([1, 2, -3])), min_size=1, max_size=3),
    st.lists(st.integers(0, 1), min_size=3, max_size=3), st.lists(st.integers(0, 1), min_size=3, max_size=3),
)  # fmt: skip
def test_strided_slices(parts: list[tuple[int, int, int]], begin_mask: list[int], end_mask: list[int]) -> None:
    begin, end, step = (i64(*numbers) for numbers in zip(*parts, strict=True))
    masks = {"begin_mask": begin_mask[: len(parts)], "end_mask": end_mask[: len(parts)]}
    check(lambda b, x: b.StridedSlice(x, begin, end, step, **masks), X, threads=(1, 2))


def test_strided_slices_with_other_masks() -> None:
    ones = i64(1, 1, 1)
    masks: list[dict[str, Any]] = [
        {"new_axis_mask": (0, 1, 0)}, {"shrink_axis_mask": (0, 1, 0)}, {"shrink_axis_mask": (1, 0, 1)},
        {"ellipsis_mask": (1, 0, 0)}, {"ellipsis_mask": (0, 1, 0), "new_axis_mask": (0, 0, 1)},
    ]  # fmt: skip
    for mask in masks:
        check(
            lambda b, x, m=mask: b.StridedSlice(x, i64(1, 2, 3), i64(3, 4, 5), ones, begin_mask=(), end_mask=(), **m), X
        )


def test_a_slice_is_written() -> None:
    for start, stop, step in ((1, 4, 1), (4, 0, -2), (-3, 9, 2)):
        n = len(range(5)[slice(start, stop, step)])
        u = -X[:, :n]
        check(lambda b, x, u, p=(start, stop, step): b.SliceScatter(x, u, *(i64(n) for n in p), i64(1)), X, u)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-3, 2)), min_size=1, max_size=3))
def test_rolls(turns: list[tuple[int, int]]) -> None:
    shifts, axes = (i64(*numbers) for numbers in zip(*turns, strict=True))
    check(lambda b, x: b.Roll(x, shifts, axes), X, threads=(1, 2))
    check(lambda b, x: b.Roll(x, i64(3), axes), X.astype(np.int64), threads=(1,))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=4, max_size=4))
def test_sequences_are_reversed(lengths: list[int]) -> None:
    check(lambda b, x: b.ReverseSequence(x, i64(*lengths), batch_axis=0, seq_axis=1), X, threads=(1, 2))
    check(
        lambda b, x: b.ReverseSequence(x, i64(*lengths), batch_axis=1, seq_axis=0), X.transpose(1, 0, 2), threads=(1,)
    )


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(*(st.integers(*ends) for ends in ((1, 3), (1, 4), (0, 1), (0, 1)))), min_size=1, max_size=3),
    st.integers(1, 2), st.sampled_from([np.float32, np.int8, np.float16]),
)  # fmt: skip
def test_batches_and_space(dims: list[tuple[int, int, int, int]], batch: int, dtype: Any) -> None:
    blocks = [b for b, _, _, _ in dims]
    begin = [min(p, b * n - 1) for b, n, p, _ in dims]
    end = [min(p, b * n - 1 - q) for (b, n, _, p), q in zip(dims, begin, strict=True)]
    whole = [b * n for b, n, _, _ in dims]
    rng = np.random.default_rng(0)
    x = rng.integers(-99, 99, [batch * int(np.prod(blocks)), *(n for _, n, _, _ in dims)]).astype(dtype)
    args = (i64(1, *blocks), i64(0, *begin), i64(0, *end))
    check(lambda b, x: b.BatchToSpace(x, *args), x, threads=(1, 2))
    size = [n - p - q for n, p, q in zip(whole, begin, end, strict=True)]
    y = rng.integers(-99, 99, [batch, *size]).astype(dtype)
    check(lambda b, y: b.SpaceToBatch(y, *args), y, threads=(1, 2))
