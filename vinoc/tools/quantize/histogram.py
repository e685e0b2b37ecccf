"""Histograms that grow with the values: one pass, no range known before."""

from __future__ import annotations

import numpy as np

from ...ir.dtype import Array

BINS = 8192
"""Even; with a range of which half is used, as behind a ReLU, there are sixteen bins for each of 256 levels."""

SMALLEST = 2.0**-100
"""Of all reaches: the number of bins of this width is one that f32 holds."""


class Histogram:
    """Counts of values in equal bins of [-reach, reach), where `reach` is a power of two.

    Where a value does not fit, `reach` doubles and each two bins become one: counts stay exact, and do not depend on
    the order of the samples.
    """

    def __init__(self, reach: float = 0.0, counts: Array | None = None) -> None:
        self.reach = reach
        self.counts: Array = np.zeros(BINS, np.int64) if counts is None else counts

    def add(self, values: Array, largest: float) -> None:
        """Counts values, of which `largest` is the largest magnitude."""
        if largest >= self.reach:
            self._widen(max(2.0 ** int(np.frexp(largest)[1]), SMALLEST))
        place = values.reshape(-1) * np.float32(BINS / 2 / self.reach)
        place += np.float32(BINS / 2)
        counts = np.bincount(place.astype(np.intp))
        if len(counts) > BINS:  # in f32 the last value may round up
            counts[BINS - 1] += counts[BINS]
        self.counts[: len(counts)] += counts[:BINS]

    def _widen(self, reach: float) -> None:
        """Makes the reach at least so much."""
        if not self.counts.any():
            self.reach = max(self.reach, reach)
        while self.reach < reach:
            quarter = np.zeros(BINS // 4, np.int64)
            self.counts = np.concatenate([quarter, self.counts.reshape(-1, 2).sum(1), quarter])
            self.reach *= 2

    @property
    def edges(self) -> Array:
        """The ends of the bins, one more than there are bins."""
        return np.linspace(-self.reach, self.reach, BINS + 1)

    def percentile(self, percent: float) -> float:
        """The value below which so many per cent of the values are; linear within a bin."""
        total = np.concatenate([[0], np.cumsum(self.counts)])
        return float(np.interp(percent / 100 * total[-1], total, self.edges))
