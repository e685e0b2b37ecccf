"""What is remembered of the values of a tensor while samples run.

Of each sample the smallest, the largest and the mean value of the tensor; over all samples the same of each channel;
and a histogram, if it is asked for. Everything has a size that does not grow with the tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import gcd
from typing import Any

import numpy as np

from ...ir.dtype import Array
from .histogram import Histogram

SAMPLE_FIELDS = ("lows", "highs", "means", "squares")
CHANNEL_FIELDS = ("low", "high", "mean", "square")


LEAST = 1 << 12
"""Elements of a tensor that are counted of each sample, at least."""


@dataclass(frozen=True)
class Spec:
    """What is to be collected: `channels`, statistics by channel as well; `histogram`, counts of values as well: about
    `counted` of a tensor's elements in all samples, evenly spaced ones, LEAST of each sample at least; 0: all."""

    channels: bool = True
    histogram: bool = False
    counted: int = 0

    def step(self, size: int, samples: int) -> int:
        """Which elements of a tensor of that size are counted, every so manieth of each of the samples; 0: none."""
        if not self.histogram or not self.counted:
            return int(self.histogram)
        each = max(self.counted // samples, LEAST)
        return max(size // each, 1) - 1 | 1  # odd: rows of images are even

    def covers(self, want: Spec) -> bool:
        """Whether what is collected has all that another one wants."""
        if want.histogram and not (self.histogram and (not self.counted or 0 < want.counted <= self.counted)):
            return False
        return self.channels or not want.channels


@dataclass
class Channels:
    """Of each channel [c], over all samples: the smallest and the largest value, the means of values and of their
    squares."""

    low: Array
    high: Array
    mean: Array
    square: Array

    @property
    def largest(self) -> Array:
        """The largest magnitude."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


@dataclass
class Statistics:
    """Statistics of one tensor.

    axis   the dimension of the channels, None where it has none
    lows, highs, means, squares   a number for each sample: extremes, mean, mean square
    """

    name: str
    axis: int | None = None
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    squares: list[float] = field(default_factory=list)
    sums: dict[str, Array] = field(default_factory=dict)
    histogram: Histogram | None = None

    @property
    def count(self) -> int:
        """How many samples."""
        return len(self.lows)

    @property
    def low(self) -> float:
        return min(self.lows)

    @property
    def high(self) -> float:
        return max(self.highs)

    @property
    def mean(self) -> float:
        return float(np.mean(self.means))

    @property
    def square(self) -> float:
        """The mean of the squares of the values."""
        return float(np.mean(self.squares))

    @property
    def largest(self) -> float:
        """The largest magnitude."""
        return max(abs(self.low), abs(self.high))

    @property
    def channels(self) -> Channels | None:
        """Statistics by channel; None where there are no channels, or they were not asked for."""
        if not self.sums:
            return None
        scaled = {n: a if n in ("low", "high") else a / self.count for n, a in self.sums.items()}
        return Channels(**scaled)

    def percentile(self, percent: float) -> float:
        """The value that so many per cent of all values do not exceed, by the histogram."""
        assert self.histogram is not None  # Spec.histogram
        found = self.histogram.percentile(percent)
        return min(max(found, self.low), self.high)

    def see(self, array: Array, spec: Spec, samples: int = 1) -> None:
        """Takes up the values of one of so many samples, an array [..., c, ...]; all of them are finite."""
        array = wide(array)
        self.add(Seen.of(array, self.axis, spec.step(array.size, samples)), spec)

    def add(self, seen: Seen, spec: Spec) -> None:
        """Takes up what was seen of a sample."""
        self.lows.append(float(seen.low.min()))
        self.highs.append(float(seen.high.max()))
        self.means.append(float(seen.mean.mean()))
        self.squares.append(float(seen.square.mean()))
        if spec.channels and self.axis is not None:
            self._see_channels(seen.low, seen.high, seen.mean, seen.square)
        if spec.histogram:
            self.histogram = self.histogram or Histogram()
            self.histogram.add(seen.counted, max(-self.lows[-1], self.highs[-1]))

    def _see_channels(self, low: Array, high: Array, mean: Array, square: Array) -> None:
        new = dict(zip(CHANNEL_FIELDS, (low, high, mean, square), strict=True))
        if not self.sums:
            self.sums = {n: a.astype(np.float64) for n, a in new.items()}
            return
        for name, array in new.items():
            join = {"low": np.minimum, "high": np.maximum}.get(name, np.add)
            self.sums[name] = join(self.sums[name], array)

    def arrays(self) -> dict[str, Array]:
        """All of it as arrays of f64, which hold counts exactly, for a file."""
        out = {n: np.asarray(getattr(self, n), np.float64) for n in SAMPLE_FIELDS}
        out |= {f"channel.{n}": a for n, a in self.sums.items()}
        if self.histogram is not None:
            counts = self.histogram.counts.astype(np.float64)
            out |= {"bins": counts, "reach": np.asarray(self.histogram.reach, np.float64)}
        return out

    def take(self, arrays: Mapping[str, Any]) -> None:
        """What `arrays` gave, in place of what is known."""
        for name in SAMPLE_FIELDS:
            setattr(self, name, arrays[name].tolist())
        self.sums = {n: arrays[f"channel.{n}"] for n in CHANNEL_FIELDS if f"channel.{n}" in arrays}
        if "bins" in arrays:
            self.histogram = Histogram(float(arrays["reach"]), arrays["bins"].astype(np.int64))


def wide(array: Array) -> Array:
    """The array, of f16 as f32."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


@dataclass(frozen=True)
class Seen:
    """What is taken of one tensor of one sample: of each channel [c], or of all values [1], the smallest, the largest,
    the mean, the mean square; elements to be counted."""

    low: Array
    high: Array
    mean: Array
    square: Array
    counted: Array

    @classmethod
    def of(cls, array: Array, axis: int | None, step: int = 0) -> Seen:
        """Of an array that is `wide`. `step`: about every which element is to be counted; 0: none."""
        channels = 1 if axis is None else array.shape[axis]
        if not array.size:
            zeros = np.zeros(max(channels, 1), np.float32)
            return cls(zeros, zeros, zeros, zeros, zeros[:0])
        rows = _rows(array, axis)
        while step and gcd(step, channels) > 1:
            step += 1
        counted = np.array(rows.reshape(-1)[:: step or rows.size])
        if rows.shape[1] == channels:
            return cls(_along(np.minimum, rows), _along(np.maximum, rows), *_means(rows), counted)
        return cls(rows.min(1), rows.max(1), *_means(rows.T), counted)

    @property
    def finite(self) -> bool:
        """Whether there is neither NaN nor infinity."""
        return bool(np.isfinite(self.low).all() and np.isfinite(self.high).all())


WIDE = 1024
"""Elements of a row that are worth a call of NumPy's loops."""


def _rows(array: Array, axis: int | None) -> Array:
    """The values as [n, channels] or [channels, n], in their order in memory where that is one of these."""
    if axis is None:
        return array.reshape(-1, 1)
    last = np.moveaxis(array, axis, -1)
    if last.strides[-1] == last.itemsize:  # of a part of a wider buffer a copy takes less time than passes over it
        return np.ascontiguousarray(last).reshape(-1, array.shape[axis])
    return np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)


def _along(function: np.ufunc, rows: Array) -> Array:
    """A function of all rows [n, c], which need not be long."""
    count, channels = rows.shape
    together = min(max(WIDE // channels, 1), count)
    whole = count - count % together
    wide = function.reduce(rows[:whole].reshape(-1, together * channels), 0).reshape(together, channels)
    return np.asarray(function.reduce(np.concatenate([wide, rows[whole:]]), 0))


def _means(rows: Array) -> tuple[Array, Array]:
    """The means of the columns of [n, c], and of their squares."""
    count = len(rows)
    ones = np.ones(count, rows.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        square = ones @ np.square(rows)
        if np.isinf(square).any():  # squares of floats can be beyond f32
            square = ones @ np.square(rows, dtype=np.float64)
        return ones @ rows / count, square / count
