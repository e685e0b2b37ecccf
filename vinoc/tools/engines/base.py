"""The face of an engine, and how a command line names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

Feeds: TypeAlias = dict[str, Any]


class Slot(NamedTuple):
    """An input: its name, its element type, and its sizes, None for what is open; no shape where the rank is open."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What an engine is to run and how.

    threads     of the whole engine, 0: as it likes
    streams     inferences at a time, 0: one
    precision   what it may compute with: "" (as it likes), f32, f16, bf16
    config      further settings, for engines that have any
    """

    model: Path
    device: str = "CPU"
    precision: str = ""
    threads: int = 0
    streams: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)


class Loaded(Protocol):
    """A model that is ready to run; calls from several threads at a time are allowed."""

    @property
    def slots(self) -> Sequence[Slot]: ...

    @property
    def outputs(self) -> Sequence[tuple[str, ...]]:
        """The names of each output, the first its own; an output without a name is called by its number."""

    def request(self) -> Callable[[Feeds], list[Any]]:
        """What runs one inference after the other; one for each thread."""
