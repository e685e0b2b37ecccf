"""Numbers that describe measurements."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .measure import Measured


@dataclass(frozen=True)
class Latency:
    """Milliseconds of an inference. `median` is the percentile that was asked for, the 50th if none."""

    median: float
    average: float
    min: float
    max: float
    deviation: float

    @classmethod
    def of(cls, times: Sequence[float], percentile: int = 50) -> Latency:
        ordered = sorted(times)
        return cls(
            rank(ordered, percentile),
            statistics.fmean(ordered),
            ordered[0],
            ordered[-1],
            statistics.stdev(ordered) if len(ordered) > 1 else 0.0,
        )


@dataclass(frozen=True)
class Box:
    """A box plot's five numbers after Tukey (Exploratory Data Analysis, 1977): whiskers end at the last values within
    1.5 times the box's height of it; what lies beyond is counted in `outside`."""

    low: float
    first: float
    median: float
    third: float
    high: float
    outside: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Box:
        ordered = sorted(values)
        first, median, third = (quantile(ordered, q) for q in (0.25, 0.5, 0.75))
        reach = 1.5 * (third - first)
        inside = [v for v in ordered if first - reach <= v <= third + reach]
        return cls(inside[0], first, median, third, inside[-1], tuple(v for v in ordered if v not in set(inside)))


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over repeats."""

    mean: float
    deviation: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0, tuple(values))

    def __str__(self) -> str:
        share = f" ({self.deviation / self.mean:.1%})" if self.mean else ""
        return f"{self.mean:.4g} ± {self.deviation:.2g}{share}"


@dataclass(frozen=True)
class Value:
    """What the speed costs: of a price in any currency, of watts that the user measured."""

    per_price: float | None = None
    per_watt: float | None = None
    joules: float | None = None

    @classmethod
    def of(cls, throughput: float, price: float | None, watts: float | None) -> Value:
        return cls(
            throughput / price if price else None,
            throughput / watts if watts else None,
            watts / throughput if watts and throughput else None,
        )

    def rows(self) -> list[tuple[str, str]]:
        """Titles with figures, for reports."""
        named = (
            ("throughput per price", self.per_price, "FPS per unit of price"),
            ("throughput per watt", self.per_watt, "FPS/W"),
            ("energy per inference", self.joules, "J"),
        )
        return [(title, f"{value:.4g} {unit}") for title, value, unit in named if value is not None]


def rank(ordered: Sequence[float], percentile: int) -> float:
    """The smallest value that `percentile` per cent of all do not exceed (nearest rank)."""
    return ordered[max(math.ceil(len(ordered) * percentile / 100), 1) - 1]


def quantile(ordered: Sequence[float], q: float) -> float:
    """Linear between the two nearest values."""
    at = q * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def by_group(measured: Measured, percentile: int) -> dict[int, Latency]:
    """The latency of each group of data shapes."""
    found: dict[int, list[float]] = {}
    for ms, group in zip(measured.latencies, measured.groups, strict=True):
        found.setdefault(group, []).append(ms)
    return {g: Latency.of(times, percentile) for g, times in sorted(found.items())}
