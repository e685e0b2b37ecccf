"""All evaluations of a configuration, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ir.errors import VinocError
from .base import Dataset
from .config.read import Plan
from .evaluation import Evaluation, Source, Tick
from .results import Outcome

Begin = Callable[[Evaluation], Tick]
"""told which evaluation begins, gives who is told of its progress"""


class Datasets:
    """Data sets that several evaluations share, read once."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self.warn = warn
        self.known: list[tuple[Source, Dataset]] = []

    def of(self, source: Source) -> Dataset:
        for known, dataset in self.known:
            if (known.reader, known.sample, known.only) == (source.reader, source.sample, source.only):
                return dataset
        dataset = source.load(self.warn)
        self.known.append((source, dataset))
        return dataset


def run_all(
    plan: Plan, warn: Callable[[str], None], begin: Begin, keep: bool = False
) -> tuple[list[Outcome], list[tuple[Evaluation, VinocError]]]:
    """What was found, and what failed: an evaluation that cannot be done does not stop the others."""
    datasets = Datasets(warn)
    outcomes: list[Outcome] = []
    failed: list[tuple[Evaluation, VinocError]] = []
    for evaluation in plan.evaluations:
        try:
            outcomes.append(evaluation.run(datasets.of(evaluation.source), tick=begin(evaluation), keep=keep))
        except VinocError as error:
            failed.append((evaluation, error))
    return outcomes, failed


def as_json(outcomes: list[Outcome], failed: list[tuple[Evaluation, VinocError]]) -> dict[str, Any]:
    """For --json."""
    return {
        "evaluations": [o.as_dict() for o in outcomes],
        "failed": [
            {"model": e.model, "launcher": e.launcher.name, "dataset": e.dataset, "error": str(error)}
            for e, error in failed
        ],
    }
