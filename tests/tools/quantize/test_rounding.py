"""Rounding by moments that are nearly singular, or that rounding made worse than that."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.tools.quantize.algorithms.rounding import rounded


@pytest.mark.parametrize("spoiled", [0.0, 1e-3, 0.2, 10.0])
def test_moments_that_are_not_positive_are_rounded_by_all_the_same(spoiled: float) -> None:
    rng = np.random.default_rng(0)
    data = rng.normal(size=(2, 1, 48)).astype(np.float32)  # one sample
    square = np.einsum("gnd,gne->gde", data, data)
    noise = rng.normal(size=square.shape).astype(np.float32)
    square = square + np.float32(spoiled) * (noise + noise.transpose(0, 2, 1))
    weights = rng.normal(size=(2, 5, 48)).astype(np.float32)
    scale, zero = np.full((2, 5, 1), 3 / 127), np.full((2, 5, 1), 127)
    found = rounded(weights, square, scale, zero, 255)
    assert (found == np.rint(found)).all()
    assert np.abs(found).max() <= 127
    if not spoiled:
        left, nearest = (np.float64(weights - q * scale) for q in (found, np.rint(weights / scale)))
        errors = [float(np.einsum("god,gde,goe->", e, np.float64(square), e)) for e in (left, nearest)]
        assert errors[0] < 0.1 * errors[1]
