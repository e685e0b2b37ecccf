"""Contenders measured in turn in one run, so that whatever else the machine does hits all of them alike.

A sample is the mean of as many inferences as fit into a given time; the order is turned round from round to round. What
is told of two contenders is the median of the ratios of the rounds: noise that lasts longer than a round cancels. A
second instance of a contender beside it shows how far ratios of equal things stray.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np

from ...ir.dtype import Array

T = TypeVar("T")
Samples: TypeAlias = dict[str, list[float]]
"""The samples of each contender, one a round."""

PAUSE = 0.02
"""Seconds before a sample of engines with several threads: those of the one before park meanwhile."""


def turns(contenders: Sequence[T], rounds: int) -> Iterator[T]:
    """The order of measurement."""
    for number in range(rounds):
        yield from contenders if number % 2 == 0 else contenders[::-1]


def repeats(run: Callable[[], Any], seconds: float) -> int:
    """How many inferences take about that long; the first is not counted."""
    run()
    began = time.perf_counter()
    run()
    return max(1, int(seconds / max(time.perf_counter() - began, 1e-9)))


def interleaved(
    runs: Mapping[str, Callable[[], Any]], rounds: int, seconds: float, pause: bool, clock: Callable[[], float],
    tick: Callable[[float], None] = lambda share: None,
) -> Samples:  # fmt: skip
    """Milliseconds of an inference, a sample a round for each."""
    counts = {name: repeats(run, seconds) for name, run in runs.items()}
    samples: Samples = {name: [] for name in runs}
    for done, name in enumerate(turns(list(runs), rounds)):
        if pause:
            time.sleep(PAUSE)
        runs[name]()  # what the engine before left in the caches goes
        began = clock()
        for _ in range(counts[name]):
            runs[name]()
        samples[name].append((clock() - began) / counts[name] * 1e3)
        tick((done + 1) / (rounds * len(runs)))
    return samples


def ratios(samples: Samples, a: str, b: str) -> list[float]:
    """a / b in each round."""
    return [x / y for x, y in zip(samples[a], samples[b], strict=True)]


def ratio(samples: Samples, a: str, b: str) -> float:
    """The median of the rounds' a / b."""
    return statistics.median(ratios(samples, a, b))


def apart(a: Sequence[Array], b: Sequence[Array]) -> float:
    """The largest difference of some outputs, relative to the largest magnitude; infinite where shapes differ."""
    worst = 0.0
    for x, y in zip(a, b, strict=True):
        if x.shape != y.shape:
            return float("inf")
        if x.dtype.kind not in "fiub":
            continue
        scale = max(float(np.abs(y).max(initial=0)), 1e-30)
        worst = max(worst, float(np.abs(x.astype(np.float64) - y).max(initial=0)) / scale)
    return worst
