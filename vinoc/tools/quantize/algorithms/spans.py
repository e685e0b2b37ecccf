"""Ranges of values from statistics: the estimators among which the default chooses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ....ir.dtype import Array
from ....passes.quantize import Range, Setting
from ....passes.quantize.grid import Grid, asymmetric, symmetric
from ....passes.quantize.planned import by_channel
from ..histogram import Histogram
from ..statistics import Spec, Statistics
from ..work import Work

Ends = tuple[float, float]

Estimator = Callable[[Statistics, bool, int], Ends]
"""Of statistics: the ends of the range for symmetric or other levels, as many as are given."""

SHARES = np.geomspace(0.5, 1.0, 13)
"""Of the extremes, that are tried as ranges. By the squares alone a value that is large in a few places of a few
samples would be cut to a quarter; but these are what a detector detects by."""

WITH_HISTOGRAM = Spec(channels=True, histogram=True, counted=1 << 18)


def extremes(seen: Statistics, symmetric: bool, levels: int) -> Ends:
    """The smallest and the largest value of all samples."""
    return seen.low, seen.high


def least_error(seen: Statistics, symmetric: bool, levels: int) -> Ends:
    """The share of the extremes that makes the mean of (q(x) - x)^2 least, by the histogram."""
    assert seen.histogram is not None  # Spec.histogram
    best, found = np.inf, (seen.low, seen.high)
    values, counts = _points(seen.histogram)
    for share in SHARES[::-1]:
        ends = seen.low * share, seen.high * share
        grid = _grid(*ends, symmetric, levels)
        levelled = np.clip(np.rint(values / grid.scale), -grid.zero, grid.levels - 1 - grid.zero) * grid.scale
        error = float(counts @ np.square(levelled - values))
        if error < best:
            best, found = error, ends
    return found


def _points(histogram: Histogram) -> tuple[Array, Array]:
    """The middles of the bins in which there is something, and how much."""
    used = np.flatnonzero(histogram.counts)
    edges = histogram.edges
    return (edges[used] + edges[used + 1]) / 2, histogram.counts[used].astype(np.float64)


def _grid(low: float, high: float, even: bool, levels: int) -> Grid:
    make = symmetric if even else asymmetric
    return make(np.asarray(low), np.asarray(high), levels, exact=True)


ESTIMATORS: dict[str, Estimator] = {
    "least error": least_error,
    "min-max": extremes,
}


WORTH = 0.5
"""Of the noise of one range for all channels, that ranges of their own must leave at most: each takes room in the file.
Alignment makes channels reach equally far, where it can; behind Swish and the like it cannot."""


def ranges_of(work: Work, estimator: str) -> dict[str, Range]:
    """Ranges of all values by an estimator; for each channel, where depthwise convolutions alone read them."""
    found = {}
    even, levels = work.activations.mode == "symmetric", 2**work.options.bits
    apart = by_channel(work.graph, work.known(), **work.pass_options)
    for name, seen in work.statistics(WITH_HISTOGRAM).items():
        ends = ESTIMATORS[estimator](seen, even, levels)
        own = _of_channels(seen, ends) if name in apart else None
        found[name] = own or Range(np.asarray(ends[0]), np.asarray(ends[1]))
    return found


def _of_channels(seen: Statistics, ends: Ends) -> Range | None:
    """Ranges of the channels within that of the whole value; None where they bring little."""
    channels, (least, most) = seen.channels, ends
    if channels is None or seen.axis != 1 or most <= least:
        return None
    low = np.clip(channels.low, min(least, 0.0), 0.0)
    high = np.clip(channels.high, 0.0, max(most, 0.0))
    noise = float(np.square((high - low) / (max(most, 0.0) - min(least, 0.0))).mean())
    return Range(low, high) if noise <= WORTH else None


def least_error_ranges(work: Work) -> None:
    """The ranges of least error, symmetric where the preset says so."""
    work.activations = Setting("symmetric" if work.options.preset == "performance" else "asymmetric", work.options.bits)
    work.values = ranges_of(work, "least error")
    for name in work.values:
        work.remark(name, "range of least error")
