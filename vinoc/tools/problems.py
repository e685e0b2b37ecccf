"""All that is wrong with an input, in one error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..ir.errors import UsageError, VinocError

SHOWN = 20
"""How many problems an error lists; the others are counted."""


class Problems(UsageError):
    """Several problems of one input. `problems` holds them all, its text the first ones."""

    def __init__(self, what: str, where: str | None, problems: Sequence[VinocError]) -> None:
        self.problems = tuple(problems)
        lines = [f"  {line}" for p in self.problems[:SHOWN] for line in str(p).splitlines()]
        left = len(self.problems) - SHOWN
        super().__init__("\n".join([what, *lines, *([f"  and {left} more"] if left > 0 else [])]), where)


def check(problems: Sequence[VinocError], where: str | None = None) -> None:
    """Raises the one problem, or Problems when there are several."""
    found = [q for p in problems for q in (p.problems if isinstance(p, Problems) else (p,))]
    if len(found) == 1:
        raise found[0]
    if found:
        raise Problems(f"{len(found)} problems", where, found)


@dataclass
class Notes:
    """What is found while an input is read: problems, all of which are told, and remarks on what is accepted."""

    problems: list[VinocError] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def wrong(self, what: str, where: str, help: str | None = None) -> None:
        self.problems.append(UsageError(what, where, help or None))

    def remark(self, text: str, where: str = "") -> None:
        told = f"{where}: {text}" if where else text
        if told not in self.remarks:
            self.remarks.append(told)
