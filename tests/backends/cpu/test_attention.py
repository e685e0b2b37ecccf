"""Attention against the reference: as an operation, and as the nodes that make it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable

from .checked import build, check, data

MASKS = [(), (1,), (0,), (0, 1), (2, 0, 1), (2, 3, 0, 1), (3, 0, 1)]
"""Which dimensions a mask has: 0 queries (or 1 for a row of keys alone), heads 3, batch 2."""


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 2), st.integers(1, 3), st.sampled_from([8, 11, 25, 40]), st.sampled_from([1, 7, 32, 33, 70]),
    st.sampled_from([1, 8, 13, 32]), st.sampled_from([1, 16, 33]),
    st.sampled_from(["", "multiply", "divide"]), st.sampled_from(["", "keys", "rows", "heads", "batch", "column"]),
    st.booleans(),
)  # fmt: skip
def test_nodes(
    batch: int, heads: int, queries: int, keys: int, depth: int, columns: int, scale: str, mask: str, transposed: bool
) -> None:
    q, v = data(0, batch, queries, heads, depth), data(2, batch, keys, heads, columns)
    k = data(1, batch, keys, heads, depth)
    shape = {
        "keys": (keys,), "rows": (queries, keys), "heads": (heads, 1, keys), "batch": (batch, 1, 1, keys),
        "column": (1, 1, queries, 1),
    }.get(mask)  # fmt: skip
    given = data(3, *(shape or (1,)))

    def make(b, q, k, v, m):
        q, v = b.Transpose(q, [0, 2, 1, 3]), b.Transpose(v, [0, 2, 1, 3])
        scores = b.MatMul(q, b.Transpose(k, [0, 2, 1, 3] if transposed else [0, 2, 3, 1]), transpose_b=transposed)
        if scale:
            scores = (b.Multiply if scale == "multiply" else b.Divide)(scores, np.float32(1.7))
        scores = b.Add(scores, m) if mask else scores
        return b.Transpose(b.MatMul(b.SoftMax(scores, axis=-1), v), [0, 2, 1, 3])

    check(make, q, k, v, given, tolerance=1e-5, threads=(1, 2))
    program = Executable(build(make, q, k, v, given), 1).program([a.shape for a in (q, k, v, given)])
    assert any("attention" in s.kernel.name for s in program.plan.steps)


@pytest.mark.parametrize("kind", ["", "causal", "boolean", "additive", "scale"])
def test_operation(kind: str) -> None:
    q, k, v = data(0, 2, 3, 13, 16), data(1, 2, 3, 21, 16), data(2, 2, 3, 21, 10)
    allowed = data(4, 13, 21) > -1
    mask = {"boolean": allowed, "additive": data(4, 13, 21)}.get(kind)
    scale = np.float32(0.3) if kind == "scale" else None

    def make(b, q, k, v):
        return b.ScaledDotProductAttention(q, k, v, mask, scale, causal=kind == "causal")

    check(make, q, k, v, tolerance=1e-5)


def test_keys_shared_by_heads() -> None:
    make = lambda b, q, k, v: b.ScaledDotProductAttention(q, k, v)  # noqa: E731
    check(make, data(0, 2, 3, 13, 16), data(1, 2, 1, 21, 16), data(2, 1, 1, 21, 10), tolerance=1e-5)


def test_special_values() -> None:
    q, k, v = data(0, 1, 12, 16), data(1, 1, 40, 16), data(2, 1, 40, 10)
    q[0, 3, 2], k[0, 39, 1] = np.nan, 1e20
    mask = np.zeros((12, 40), np.float32)
    mask[5], mask[6, 3:] = -np.inf, -np.inf
    check(lambda b, *x: b.ScaledDotProductAttention(*x, mask), q, data(1, 1, 40, 16), v, tolerance=1e-5)
    check(lambda b, *x: b.ScaledDotProductAttention(*x), np.abs(data(0, 1, 12, 16)), k, v, tolerance=1e-5)
