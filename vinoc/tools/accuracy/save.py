"""Predictions of each sample as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from .representation import Representation
from .results import Outcome

LEFT_OUT = ("identifier", "meta", "load")
LARGE = 10_000
"""elements from which on an array is told by its shape and by how often each whole number is in it"""


def saved(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """For each outcome what is true and what was predicted of each sample, after postprocessing."""
    return [
        {
            "model": o.model, "file": o.file, "launcher": o.launcher, "device": o.device, "tags": list(o.tags),
            "dataset": o.dataset,
            "samples": [
                {"identifier": a.identifier, "annotation": _plain_fields(a), "prediction": _plain_fields(p)}
                for a, p in zip(o.annotations, o.predictions, strict=True)
            ],
        }
        for o in outcomes
    ]  # fmt: skip


def _plain_fields(one: Representation) -> dict[str, Any]:
    return {f.name: plain(getattr(one, f.name)) for f in fields(one) if f.name not in LEFT_OUT}


def plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, np.ndarray):
        if value.size <= LARGE:
            return plain(value.tolist())
        told: dict[str, Any] = {"shape": list(value.shape)}
        if value.dtype.kind in "iub":
            numbers, counts = np.unique(value, return_counts=True)
            told["counts"] = {str(n): int(c) for n, c in zip(numbers, counts, strict=True)}
        return told
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
