"""Ranges from the extremes of samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....passes.quantize import Range, Setting
from ..work import Work


def min_max(work: Work) -> None:
    """The smallest and the largest value of all samples, of each tensor; symmetric where the preset says so."""
    if work.options.weights_only:
        work.pass_options["activations"] = False
        return
    symmetric = work.options.preset == "performance"
    work.activations = Setting("symmetric" if symmetric else "asymmetric", work.options.bits)
    for name, seen in work.statistics().items():
        work.values[name] = Range(np.asarray(seen.low), np.asarray(seen.high))
        work.remark(name, f"min-max of {seen.count} samples")
    work.weight_defaults = replace(work.weight_defaults, mode="symmetric")
