"""How ranges are taken from data, where a configuration says so: estimators and how they are joined over samples."""

from __future__ import annotations

from dataclasses import dataclass

from ...passes.quantize import Setting

UNSET = Setting()


@dataclass(frozen=True)
class Bound:
    """One end of a range: an estimator of each sample (min, max, abs_max, quantile, abs_quantile), how its values are
    joined over the samples, and what it may not go beyond. `outliers`: the share of elements that a quantile leaves."""

    type: str
    aggregator: str = "mean"
    outliers: float = 1e-4
    clip: float | None = None


@dataclass(frozen=True)
class Scheme:
    """How values, or weights, are quantized; ends without a bound are those of the preset."""

    setting: Setting = UNSET
    low: Bound | None = None
    high: Bound | None = None
    quantile: bool = False
    """whether ends that are not given are quantiles"""


@dataclass(frozen=True)
class Schemes:
    """Of values and of weights."""

    activations: Scheme = Scheme()
    weights: Scheme = Scheme()
