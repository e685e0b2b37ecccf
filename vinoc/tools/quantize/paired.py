"""What a comparison of two models on the same samples can tell: how far their metrics are apart, and how sure that is.

Of n samples `lost` are right before and wrong after, `won` the reverse; the drop is (lost - won) / n.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...ir.dtype import Array

CONFIDENCE = 0.95
RESAMPLES = 1000

HIGHEST = 10**9
"""The most samples that are said to be needed."""


@dataclass(frozen=True)
class Drop:
    """How much lower a metric is than before, and between which bounds the drop lies with CONFIDENCE; None: unknown."""

    value: float
    low: float | None = None
    high: float | None = None
    lost: int | None = None
    won: int | None = None
    count: int = 0


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(X >= k) for X of n tries, each with probability p."""
    if k <= 0:
        return 1.0
    if k > n or p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    i = np.arange(k, n + 1) if n - k < k else np.arange(k)
    logs = np.array([math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1) for j in i.tolist()])
    total = float(np.exp(logs + i * math.log(p) + (n - i) * math.log1p(-p)).sum())
    return min(total, 1.0) if n - k < k else max(1.0 - total, 0.0)


def proportion(k: int, n: int, alpha: float) -> tuple[float, float]:
    """The exact interval of a proportion of which k of n were seen; beyond each end it is with alpha / 2 at most.

    Clopper & Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", 1934.
    """
    low = 0.0 if k == 0 else _solved(lambda p: binomial_tail(k, n, p) - alpha / 2)
    high = 1.0 if k == n else _solved(lambda p: binomial_tail(k + 1, n, p) - (1 - alpha / 2))
    return low, high


def _solved(rising: Callable[[float], float]) -> float:
    """Where a function that rises from below zero is zero, in [0, 1]."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def mcnemar(lost: int, won: int) -> float:
    """The probability of a difference as large as this or larger, were both changes equally likely; two-sided, exact.

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", 1947.
    """
    return min(2 * binomial_tail(max(lost, won), lost + won, 0.5), 1.0)


def drop_of_hits(before: Array, after: Array) -> Drop:
    """The drop of a share of hits (booleans), with exact bounds.

    Both shares of changed samples have exact intervals with alpha / 2; their difference then is within the outermost
    bounds with 1 - alpha (Bonferroni), however few samples there are: with none that changed of n, the drop may still
    be 1 - (alpha / 4) ** (1 / n).
    """
    n = len(before)
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    less, more = (proportion(k, n, (1 - CONFIDENCE) / 2) for k in (lost, won))
    return Drop((lost - won) / n, less[0] - more[1], less[1] - more[0], lost, won, n)


def drop_of_means(before: Array, after: Array) -> Drop:
    """The drop of the mean of a number for each sample; bounds by resampling pairs.

    Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapter 13 (percentiles).
    """
    difference = np.asarray(before, np.float64) - np.asarray(after, np.float64)
    n = len(difference)
    draw = np.random.default_rng(0)
    means = [float(difference[draw.integers(0, n, n)].mean()) for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Drop(float(difference.mean()), float(low), float(high), count=n)


def needed(drop: Drop, bound: float) -> int:
    """About how many samples could tell whether a drop is within a bound.

    Of hits: were the drop zero, and as many changed as here. Of other numbers: were drop and spread as they are here.
    """
    if drop.lost is None or drop.won is None:
        gap, half = abs(bound - drop.value), ((drop.high or 0.0) - (drop.low or 0.0)) / 2
        return min(math.ceil(drop.count * (half / gap) ** 2), HIGHEST) if gap else HIGHEST
    if bound <= 0:
        return HIGHEST
    alpha = (1 - CONFIDENCE) / 2
    none_changed = math.log(alpha / 2) / math.log1p(-min(bound, 0.5))
    rate = (drop.lost + drop.won) / max(drop.count, 1)
    spread = 2 * (2.24**2) * rate / bound**2  # 2.24: the quantile of the normal distribution for alpha / 2
    return min(math.ceil(max(none_changed, spread)), HIGHEST)
