"""--sweep: the measurement again and again, for all pairs of a number of streams and a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...ir.errors import UsageError
from .log import Log
from .settings import Settings
from .steps import Outcome, Progress, bench


@dataclass(frozen=True)
class Cell:
    """What one pair gave."""

    streams: int
    batch: int
    outcome: Outcome

    def row(self) -> tuple[str, ...]:
        """As in COLUMNS."""
        latency = self.outcome.latency
        return (
            str(self.streams), str(self.batch), str(self.outcome.requests), f"{latency.median:.3f}",
            f"{latency.average:.3f}", f"{latency.max:.3f}", f"{self.outcome.throughput:.1f}",
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """The numbers as they are."""
        outcome = self.outcome
        return {
            "streams": self.streams,
            "batch": self.batch,
            "requests": outcome.requests,
            "latency_ms": asdict(outcome.latency),
            "throughput_fps": outcome.throughput,
        }


COLUMNS = ("streams", "batch", "requests", "median ms", "average ms", "max ms", "FPS")


def numbers(option: str, text: str) -> list[int]:
    """`1,2,4` or `1..4`. Raises UsageError."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        low, dots, high = part.partition("..")
        if not low.isdigit() or (dots and not high.isdigit()) or int(low) < 1:
            raise UsageError(f"'{part}' is no number", option, "for example 1,2,4 or 1..4")
        found += range(int(low), int(high or low) + 1)
    return sorted(set(found))


def sweep(
    settings: Settings, streams: Sequence[int], batches: Sequence[int], words: Sequence[str],
    progress: Progress, tell: Callable[[Cell], None],
) -> list[Cell]:  # fmt: skip
    """Measures every pair; the steps are not printed, `tell` hears of each pair as it is done."""
    cells: list[Cell] = []
    for batch in batches or [settings.batch or 1]:
        for count in streams or numbers("-nstreams", settings.nstreams or "1"):
            chosen = replace(
                settings, nstreams=str(count), batch=batch if batches else settings.batch,
                nireq=settings.nireq if settings.nireq else count, report_type="", chart=None,
            )  # fmt: skip
            cell = Cell(count, batch, bench(chosen, words, Log(quiet=True), progress))
            cells.append(cell)
            tell(cell)
    return cells


def best(cells: Sequence[Cell]) -> tuple[Cell, Cell]:
    """The pair of the least latency, and the pair of the highest throughput."""
    return min(cells, key=lambda c: c.outcome.latency.median), max(cells, key=lambda c: c.outcome.throughput)
