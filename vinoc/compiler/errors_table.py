"""All problems of a conversion, grouped: what is the same for many nodes is told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..ir.errors import Problem

COLUMNS = ("operation", "count", "nodes", "input shapes", "problem", "what to do")
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Row:
    """Problems of one kind of operation that say the same."""

    op: str
    count: int
    nodes: str
    inputs: str
    what: str
    help: str

    def cells(self) -> tuple[str, ...]:
        return self.op, str(self.count), self.nodes, self.inputs, self.what, self.help


def rows(problems: Iterable[Problem]) -> list[Row]:
    """The table, the most frequent first."""
    groups: dict[tuple[str, str, str], list[Problem]] = {}
    for p in problems:
        groups.setdefault((p.op, p.what, p.help or ""), []).append(p)
    made = [
        Row(op, len(group), _some(p.node for p in group), _some(p.inputs for p in group), what, help)
        for (op, what, help), group in groups.items()
    ]
    return sorted(made, key=lambda r: -r.count)


def text(problems: Sequence[Problem]) -> Iterator[str]:
    """The table as plain lines."""
    for row in rows(problems):
        times = f" x{row.count}" if row.count > 1 else ""
        yield f"  {row.op}{times}: {row.what}"
        if row.nodes:
            yield f"    nodes: {row.nodes}"
        if row.inputs:
            yield f"    inputs: {row.inputs}"
        if row.help:
            yield f"    help: {row.help}"


def headline(problems: Sequence[Problem]) -> str:
    """All problems in one line: `3 problems: Foo (2): no converter; Bar: ...`."""
    counts = Counter(p.op for p in problems)
    listed = ", ".join(f"{op} ({n})" if n > 1 else op for op, n in counts.most_common(8))
    listed += ", ..." if len(counts) > 8 else ""
    n = len(problems)
    first = rows(problems)[0].what if problems else ""
    return f"{n} problem{'s' if n != 1 else ''}: {listed}: {first}" if len(counts) == 1 else f"{n} problems: {listed}"


def _some(texts: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(t for t in texts if t))
    more = f", and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else ""
    return "; ".join(distinct[:SHOWN]) + more
