"""Ranges by estimators that a configuration names, as POT's MinMaxQuantization had them.

An estimator gives a number for each sample: its smallest or largest element, or a quantile, of the elements or of their
magnitudes. These are joined over the samples by an aggregator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from ....ir.dtype import Array
from ....ir.graph import Value
from ....passes.quantize import Range
from ....passes.quantize.ranges import Mode
from ..collect import Runner
from ..schemes import Bound, Scheme, Schemes
from ..work import Work

EXTREME = 0.01
"""The share of the samples' numbers that `no_outliers` leaves out at each end."""


def _inner(numbers: Array) -> Array:
    """Without the extreme ones."""
    low, high = np.quantile(numbers, [EXTREME, 1 - EXTREME])
    return np.asarray(numbers[(numbers >= low) & (numbers <= high)])


def hodges_lehmann(numbers: Array) -> float:
    """The median of the means of all pairs, each number with itself included.

    Hodges & Lehmann, "Estimates of location based on rank tests", 1963.
    """
    first, second = np.triu_indices(len(numbers))
    return float(np.median((numbers[first] + numbers[second]) / 2))


AGGREGATORS: Mapping[str, Callable[[Array], float]] = {
    "mean": lambda a: float(a.mean()),
    "max": lambda a: float(a.max()),
    "min": lambda a: float(a.min()),
    "median": lambda a: float(np.median(a)),
    "mean_no_outliers": lambda a: float(_inner(a).mean()) if len(a) > 2 else float(a.mean()),
    "median_no_outliers": lambda a: float(np.median(_inner(a))) if len(a) > 2 else float(np.median(a)),
    "hl_estimator": hodges_lehmann,
}

LOWEST, HIGHEST = Bound("min", "min"), Bound("max", "max")
"""Ends that nothing is said of: the extremes of all samples."""


def seen(bound: Bound, array: Array, lower: bool) -> float:
    """What an estimator makes of the elements of a sample."""
    if bound.type in ("min", "max"):
        return float(array.min() if bound.type == "min" else array.max())
    if bound.type == "abs_max":
        return float(np.abs(array).max())
    if bound.type == "abs_quantile":
        return float(np.quantile(np.abs(array), 1 - bound.outliers))
    return float(np.quantile(array, bound.outliers if lower else 1 - bound.outliers))


def joined(bound: Bound, numbers: Array, lower: bool) -> float:
    """The end of a range, of the estimates of all samples; magnitudes count as negative for the lower one."""
    found = AGGREGATORS[bound.aggregator](numbers)
    if lower and bound.type.startswith("abs"):
        found = -found
    if bound.clip is None:
        return found
    return max(found, bound.clip) if lower else min(found, bound.clip)


def bounds(scheme: Scheme, symmetric: bool) -> tuple[Bound, Bound]:
    """The estimators of both ends. With the preset `quantile` those that are not given are quantiles, joined by their
    mean."""
    low = scheme.low or (Bound("quantile") if scheme.quantile and not symmetric else LOWEST)
    upper = Bound("abs_quantile" if symmetric else "quantile") if scheme.quantile else HIGHEST
    return low, scheme.high or upper


def ends(low: float, high: float, signed: bool, symmetric: bool, magnitude: bool) -> tuple[float, float]:
    """The range of estimated ends. Symmetric levels have one magnitude: that of the upper end where it is an estimate
    of magnitudes, else the larger one of both. What has no negative values begins at zero."""
    if not signed:
        return 0.0, max(high, 0.0)
    if symmetric:
        reach = high if magnitude else max(abs(low), abs(high))
        return -reach, reach
    return min(low, high, 0.0), max(high, 0.0)


def estimators(work: Work) -> None:
    """Ranges of all values by the estimators of `Options.schemes`."""
    if work.options.weights_only:
        work.pass_options["activations"] = False
        return
    schemes = work.options.schemes or Schemes()
    scheme = schemes.activations
    mode: Mode = scheme.setting.mode or ("symmetric" if work.options.preset == "performance" else "asymmetric")
    work.activations = replace(scheme.setting, mode=mode, bits=scheme.setting.bits or work.options.bits)
    work.weight_defaults = replace(schemes.weights.setting, mode=schemes.weights.setting.mode or "symmetric")
    places = work.needed()
    low, high = bounds(scheme, mode == "symmetric")
    lows, highs, least = estimates(work, list(places.values()), low, high)
    told = f"{low.type} ({low.aggregator}) and {high.type} ({high.aggregator}) of {len(lows)} samples"
    for place, name in enumerate(places):
        a, b = joined(low, lows[:, place], True), joined(high, highs[:, place], False)
        magnitude = high.type.startswith("abs") or scheme.low is None
        a, b = ends(a, b, bool(least[place] < 0), mode == "symmetric", magnitude and high is not HIGHEST)
        work.values[name] = Range(np.asarray(a), np.asarray(b))
        work.remark(name, told)


def estimates(work: Work, values: list[Value], low: Bound, high: Bound) -> tuple[Array, Array, Array]:
    """Estimates [samples, values] of both ends, and the smallest element of each value."""
    run = Runner(work.graph, values)
    rows: list[list[tuple[float, float, float]]] = []
    for done, (_, arrays) in enumerate(work.samples, 1):
        found = [np.asarray(a) for a in run(arrays)]
        rows.append([(seen(low, a, True), seen(high, a, False), float(a.min())) for a in found])
        work.watch.tick("estimators", done, len(work.samples))
    table = np.array(rows, np.float64).reshape(len(rows), len(values), 3)
    return table[:, :, 0], table[:, :, 1], table[:, :, 2].min(axis=0)
