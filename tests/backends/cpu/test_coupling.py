"""Probabilities of classes from those of pairs, and products summed in f64, against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .checked import check, data


def pairs_of(rows: int, classes: int) -> np.ndarray:
    draw = np.random.default_rng(rows * classes)
    return draw.uniform(1e-7, 1, (rows, classes * (classes - 1) // 2)).astype(np.float32)


@pytest.mark.parametrize("classes", [2, 3, 4, 9])
@pytest.mark.parametrize("rows", [1, 5, 64])
def test_couples(rows: int, classes: int) -> None:
    check(lambda b, p: b.CoupleProbabilities(p, classes=classes), pairs_of(rows, classes), tolerance=1e-6)


def test_certain_nan_and_infinite() -> None:
    pairs = pairs_of(6, 3)
    pairs[0], pairs[1], pairs[2, 0], pairs[3, 1] = 1e-7, np.float32(1) - np.float32(1e-7), np.nan, np.inf
    check(lambda b, p: b.CoupleProbabilities(p, classes=3), pairs)


def test_what_they_solve() -> None:
    """Of pairs that agree with one another, the probabilities come out to within the limit of the rounds."""
    p = np.array([[0.5, 0.3, 0.2]])
    i, j = np.triu_indices(3, 1)
    pairs = (p[:, i] / (p[:, i] + p[:, j])).astype(np.float32)
    from vinoc.ir.kernels.coupling import couple

    np.testing.assert_allclose(couple(pairs, 3), p, atol=0.005)


@pytest.mark.parametrize("rows", [1, 7])
@pytest.mark.parametrize("terms", [1, 31, 32, 500])
@pytest.mark.parametrize("columns", [1, 5])
def test_products_in_f64(rows: int, terms: int, columns: int) -> None:
    x, w = data(0, rows, terms), data(1, terms, columns).astype(np.float64)

    def make(b: Any, v: Any) -> Any:
        from vinoc.ir.dtype import f64

        wide = b.Convert(v, destination_type=f64)
        turned = np.ascontiguousarray(w.T)
        return b.MatMul(wide, w), b.MatMul(b.Abs(wide), turned, transpose_b=True)

    check(make, x, tolerance=1e-14)


def test_large_terms_that_cancel() -> None:
    x = np.array([[1e8, 1, -1e8, 1]], np.float32)
    ones = np.ones((4, 1))

    def make(b: Any, v: Any) -> Any:
        from vinoc.ir.dtype import f64

        return b.MatMul(b.Convert(v, destination_type=f64), ones)

    check(make, x, tolerance=0)
