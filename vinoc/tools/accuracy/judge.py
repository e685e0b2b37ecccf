"""Models judged from Python: one after the other on the same data, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from ...ir.errors import UsageError
from .base import Dataset
from .config.read import read_config
from .config.request import Request
from .evaluation import Cache, Evaluation
from .results import Outcome

Config: TypeAlias = "Evaluation | Request | Mapping[str, Any] | Path | str"


class Judge:
    """An evaluation that is done for one model after the other: annotations are read once, prepared inputs are kept.

    `memory` bounds the bytes of these.
    """

    def __init__(self, config: Config, launcher: str = "vinoc", memory: int = 1 << 30, **more: Any) -> None:
        """A configuration with one data set. `more` are the options of the command line, as Request has them.

        Raises UsageError with all that is wrong with the configuration.
        """
        self.evaluation = _evaluation(config, launcher, more)
        self._cache = Cache(memory)

    @cached_property
    def dataset(self) -> Dataset:
        return self.evaluation.source.load()

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.dataset.annotations)

    def run(self, model: Any = None, chosen: Sequence[int] | None = None, keep: bool = False) -> Outcome:
        """The metrics of a model, which is a file or one of the launcher's own, on all samples or on those `chosen` by
        number. `keep` keeps the predictions of each. Raises VinocError."""
        path = Path(model) if isinstance(model, str | Path) else None
        evaluation = self.evaluation if path is None else self.evaluation.with_model(path)
        given = None if path is not None else model
        return evaluation.run(self.dataset, given, keep=keep, chosen=chosen, cache=self._cache)

    def __call__(self, model: Any = None, chosen: Sequence[int] | None = None) -> dict[str, float]:
        """What each metric came to, by its name."""
        return self.run(model, chosen).values


def _evaluation(config: Config, launcher: str, more: Mapping[str, Any]) -> Evaluation:
    if isinstance(config, Evaluation):
        return config
    if not isinstance(config, Request):
        source = Path(config) if isinstance(config, str | Path) else config
        config = Request(config=source, launchers=(launcher,), without_models=True, **more)
    found = read_config(config).evaluations
    datasets = {e.dataset for e in found}
    if len(datasets) > 1:
        names = ", ".join(sorted(datasets))
        raise UsageError(f"has {len(datasets)} data sets: {names}", config.where, "a model is judged on one")
    return found[0]
