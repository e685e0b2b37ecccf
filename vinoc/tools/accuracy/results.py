"""What an evaluation found: metrics beside their references."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .base import Metric, Result
from .representation import Annotation, Prediction


@dataclass(frozen=True)
class Wanted:
    """A metric of a configuration, what it should come to, and by how much it may miss that.

    reference      a number, or numbers by the names of parts: of classes, of intervals; in per cent where above 1
    abs_threshold  in the unit of the reference; rel_threshold: as a share of it; without either nothing is judged
    """

    name: str
    metric: Metric
    reference: float | Mapping[str, float] | None = None
    abs_threshold: float | None = None
    rel_threshold: float | None = None


@dataclass(frozen=True)
class Finding:
    """What a metric came to, or a part of it where the reference is of parts."""

    name: str
    value: float
    result: Result
    wanted: Wanted
    reference: float | None = None
    deviation: float | None = None
    """the value less the reference, in the reference's unit"""
    passed: bool | None = None
    """None: there is no reference, or no threshold"""

    @property
    def shown(self) -> str:
        return shown(self.value, self.result.unit)


def shown(value: float, unit: str) -> str:
    """A value of a metric: 0.9910 is 99.10 % where the unit is %; `none` where there was nothing to measure."""
    if math.isnan(value):
        return "none"
    if unit == "%":
        return f"{100 * value:.2f} %"
    return f"{value:.4f} {unit}".strip()


def findings(wanted: Wanted, result: Result) -> list[Finding]:
    """The metric, judged; and each part that has a reference of its own."""
    if not isinstance(wanted.reference, Mapping):
        return [_judged(wanted.name, result.value, wanted.reference, wanted, result)]
    mean = wanted.reference.get("mean")
    found = [_judged(wanted.name, result.value, mean, wanted, result)]
    for name, reference in wanted.reference.items():
        if name in result.parts:
            found.append(_judged(f"{wanted.name}@{name}", result.parts[name], reference, wanted, result))
    return found


def _judged(name: str, value: float, reference: float | None, wanted: Wanted, result: Result) -> Finding:
    if reference is None:
        return Finding(name, value, result, wanted)
    scale = 100.0 if result.unit == "%" and abs(reference) > 1 else 1.0
    deviation = scale * value - reference
    limits = []
    if wanted.abs_threshold is not None:
        limits.append(wanted.abs_threshold)
    if wanted.rel_threshold is not None:
        limits.append(wanted.rel_threshold * abs(reference))
    rounding = 1e-9 * max(abs(reference), 1.0)
    passed = all(abs(deviation) <= limit + rounding for limit in limits) if limits else None
    return Finding(name, value, result, wanted, reference, deviation, passed)


@dataclass(frozen=True)
class Outcome:
    """One model by one launcher on one data set. `seconds` is all of it, `inference` the model alone."""

    model: str
    file: str
    launcher: str
    device: str
    dataset: str
    samples: int
    findings: Sequence[Finding]
    tags: tuple[str, ...] = ()
    seconds: float = 0.0
    inference: float = 0.0
    remarks: tuple[str, ...] = ()
    annotations: Sequence[Annotation] = field(default=(), repr=False)
    predictions: Sequence[Prediction] = field(default=(), repr=False)
    """both after postprocessing, where they were to be kept"""

    @property
    def values(self) -> dict[str, float]:
        """What the metrics came to, by name."""
        return {f.name: f.value for f in self.findings}

    @property
    def passed(self) -> bool:
        """Whether no threshold is missed."""
        return all(f.passed is not False for f in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "model": self.model, "file": self.file, "launcher": self.launcher, "device": self.device,
            "tags": list(self.tags), "dataset": self.dataset, "samples": self.samples,
            "seconds": self.seconds, "inference_seconds": self.inference, "passed": self.passed,
            "metrics": [_as_dict(f) for f in self.findings], "remarks": list(self.remarks),
        }  # fmt: skip


def _as_dict(finding: Finding) -> dict[str, Any]:
    result = finding.result
    return {
        "name": finding.name, "value": finding.value, "unit": result.unit,
        "higher_is_better": result.higher_is_better, "reference": finding.reference, "deviation": finding.deviation,
        "passed": finding.passed, "parts": dict(result.parts) if finding.value == result.value else {},
        "notes": list(result.notes),
    }  # fmt: skip
