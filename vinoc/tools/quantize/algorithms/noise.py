"""The noise that quantization puts into each product, predicted from statistics, as a function of channels' factors.

With factors s_k > 0 on the classes k of channels (`classes`), a value whose channels reach r_k gets levels of step
max_k(s_k r_k) / 255, so a channel's noise is step^2 / 12 / s_k^2 in units of the model as it was. Weights w_ok of an
output channel o become w_ok / s_k, with a step of max_k(|w_ok| / s_k) / 127. Relative to the mean square of what a
product gives,

    values   sum_k (sum_o w_ok^2) step^2 / (12 s_k^2)     / E      where E = sum_ok w_ok^2 E[x_k^2]
    weights  sum_o step_o^2 / 12  sum_k s_k^2 E[x_k^2]    / E

(uniform noise, uncorrelated inputs). The sum over all products is what `factors` makes small: factors that fill the
levels of every channel, as in data-free quantization (Nagel et al. 2019, arXiv:1906.04721), where that costs the
weights less than it brings, as SmoothQuant's alpha weighs it (Xiao et al. 2022, arXiv:2211.10438).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ....ir.dtype import Array

NORM = 12
"""The p-norm over channels that stands for their maximum."""


STEPS, RATE = 60, 0.2
"""Of the descent, in logarithms of factors; the rate falls to zero."""

VALUE_NOISE, WEIGHT_NOISE = 1 / 255**2 / 12, 1 / 127**2 / 12


@dataclass(eq=False)
class Values:
    """Values with one range: classes of their channels [n] and how far they reach [n]; of each class that occurs, in
    rising order, the `gain` [m]: see above."""

    classes: Array
    reach: Array
    owners: Array = field(init=False)
    gain: Array = field(init=False)

    def __post_init__(self) -> None:
        self.owners = np.unique(self.classes)
        self.gain = np.zeros(len(self.owners))

    def add(self, classes: Array, gain: Array) -> None:
        """Adds to the gain of classes; those that do not occur do not count."""
        place = np.minimum(np.searchsorted(self.owners, classes), len(self.owners) - 1)
        known = self.owners[place] == classes
        np.add.at(self.gain, place[known], gain[known])


@dataclass(eq=False)
class Weights:
    """Largest |w| [o, k] of a product over its taps, the classes of its input channels, and E[x_k^2] taps / E."""

    largest: Array
    classes: Array
    power: Array


@dataclass(eq=False)
class Noise:
    """All of a graph. `fixed`: classes whose factor stays 1, the pinned one among them."""

    count: int
    values: list[Values] = field(default_factory=list)
    weights: list[Weights] = field(default_factory=list)
    fixed: list[int] = field(default_factory=lambda: [0])

    @cached_property
    def ranges(self) -> _Ranges:
        """All values, one behind the other."""
        return _Ranges(self.values)

    def of(self, logs: Array) -> tuple[float, Array]:
        """The noise at logarithms of factors, and its gradient."""
        squared = np.exp(2 * logs)
        total, slope = self.ranges.of(logs, squared)
        for w in self.weights:
            scaled = w.largest * np.exp(-logs[w.classes])
            top_o = scaled.max(axis=1, keepdims=True)
            share = _power(scaled / top_o)
            sums = share.sum(axis=1, keepdims=True)
            steps = (top_o * sums ** (1 / NORM))[:, 0] ** 2
            power = squared[w.classes] * w.power
            total += WEIGHT_NOISE * steps.sum() * power.sum()
            change = 2 * WEIGHT_NOISE * (steps.sum() * power - power.sum() * (steps @ (share / sums)))
            np.add.at(slope, w.classes, change)
        slope[self.fixed] = 0
        return total, slope


class _Ranges:
    """The channels of all values in one array, and the gains of all; where those of each value begin."""

    def __init__(self, values: Sequence[Values]) -> None:
        channels, owners = ([len(a) for a in arrays] for arrays in zip(*((v.reach, v.gain) for v in values)))
        self.begin, self.first = (np.cumsum([0, *n[:-1]]) for n in (channels, owners))
        self.of_channel, self.of_owner = (np.repeat(np.arange(len(n)), n) for n in (channels, owners))
        self.classes, self.owners = (np.concatenate(a) for a in zip(*((v.classes, v.owners) for v in values)))
        self.reach = np.log(np.concatenate([v.reach for v in values]))
        self.gain = np.concatenate([v.gain for v in values])

    def of(self, logs: Array, squared: Array) -> tuple[float, Array]:
        """The noise of the values, and its gradient."""
        reach = logs[self.classes] + self.reach
        top = np.maximum.reduceat(reach, self.begin)
        share = np.exp(NORM * (reach - top[self.of_channel]))
        sums = np.add.reduceat(share, self.begin)
        square = VALUE_NOISE * (np.exp(top) * sums ** (1 / NORM)) ** 2
        parts = self.gain / squared[self.owners]
        noise = square * np.add.reduceat(parts, self.first)
        rising = np.bincount(self.classes, (noise / sums)[self.of_channel] * share, len(logs))
        falling = np.bincount(self.owners, square[self.of_owner] * parts, len(logs))
        return float(noise.sum()), 2 * (rising - falling)


def _power(x: Array) -> Array:
    """x^NORM [12], by products, which takes a tenth of the time of `**`."""
    square = x * x
    square *= square  # x^4
    return np.asarray(square * square * square)


def factors(noise: Noise) -> Array:
    """Factors by class that make the noise small: descent with Adam's steps (Kingma & Ba 2015, arXiv:1412.6980) from
    1, in logarithms."""
    logs, mean, square = np.zeros(noise.count), np.zeros(noise.count), np.zeros(noise.count)
    best, found = np.inf, logs.copy()
    for step in range(STEPS):
        total, slope = noise.of(logs)
        if total < best:
            best, found = total, logs.copy()
        slope = slope / max(total, np.finfo(np.float64).tiny)
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope * slope
        unbiased = np.sqrt(square / (1 - 0.99 ** (step + 1))) + 1e-8
        logs = logs - RATE * (1 - step / STEPS) * mean / (1 - 0.9 ** (step + 1)) / unbiased
        logs[noise.fixed] = 0
    return np.asarray(np.exp(found))
