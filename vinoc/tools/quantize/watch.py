"""What accompanies runs over samples: progress, samples that are left out, a file that a stopped run goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ...ir.errors import VinocError

T = TypeVar("T")

Tick = Callable[[str, int, int], None]
"""Is told what is done, how much of it, and how much there is."""

WORST = 0.5
"""The share of samples that may be left out."""


def silent(title: str, done: int, total: int) -> None:
    """A tick that does nothing."""


@dataclass
class Watch:
    """`skipped`: samples that were left out, with the reason. `resume`: where statistics are kept on the way."""

    tick: Tick = silent
    warn: Callable[[str], None] = lambda text: None
    resume: Path | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    resumed: int = 0
    """Samples whose statistics were found in `resume`."""

    def skip(self, name: str, why: str) -> None:
        """Leaves a sample out, and says so."""
        if name not in self.skipped:
            self.skipped[name] = why
            self.warn(f"{name} is left out: {why}")

    def check(self, names: Sequence[str]) -> None:
        """Raises VinocError where too many of these samples were left out."""
        lost = [(n, self.skipped[n]) for n in names if n in self.skipped]
        if len(lost) > WORST * len(names):
            listed = "".join(f"\n  {n}: {why}" for n, why in lost[:8])
            more = f"\n  and {len(lost) - 8} more" if len(lost) > 8 else ""
            what = f"{len(lost)} of {len(names)} samples cannot be used{listed}{more}"
            raise VinocError(what, "calibration data", "too few are left to tell ranges")


@contextmanager
def ahead(items: Iterable[T]) -> Iterator[Iterator[T]]:
    """The items, each made by a thread while the one before it is used. Leave early, and nothing more is made."""
    with ThreadPoolExecutor(1) as pool:

        def made() -> Iterator[T]:
            source = iter(items)
            end = object()
            waiting = pool.submit(next, source, end)
            while (item := waiting.result()) is not end:
                waiting = pool.submit(next, source, end)
                yield item  # type: ignore[misc]  # no end among the items

        yield made()
