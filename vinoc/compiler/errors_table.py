"""All problems of a conversion, grouped: what is the same for many nodes is told once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..ir.errors import Problem

COLUMNS = ("operation", "count", "nodes", "input shapes", "problem", "what to do")
SHOWN = 3
_QUOTED = re.compile(r"('[^']*')")


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


def rows(problems: Iterable[Problem], nodes: int | None = SHOWN) -> list[Row]:
    """The table, the most frequent first, with up to `nodes` names of nodes a row.

    Names in messages keep problems from being the same no more than nodes do.
    """
    groups: dict[tuple[str, str, str], list[Problem]] = {}
    for p in problems:
        key = (p.op, _QUOTED.sub("''", p.what), _QUOTED.sub("''", p.help or ""))
        groups.setdefault(key, []).append(p)
    return sorted((_row(op, group, nodes) for (op, _, _), group in groups.items()), key=lambda r: -r.count)


def _row(op: str, group: Sequence[Problem], shown: int | None) -> Row:
    nodes, inputs = _some((p.node for p in group), shown), _some((p.inputs for p in group), SHOWN)
    return Row(op, len(group), nodes, inputs, _common([p.what for p in group]), _common([p.help or "" for p in group]))


def _common(texts: Sequence[str]) -> str:
    """What messages have in common: quoted names that differ become `'...'`."""
    if len(set(texts)) == 1:
        return texts[0]
    columns = zip(*(re.split(_QUOTED, t) for t in texts))
    return "".join(column[0] if len(set(column)) == 1 else "'...'" for column in columns)


def text(problems: Sequence[Problem]) -> Iterator[str]:
    """The table as plain lines, with all nodes."""
    for row in rows(problems, None):
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


def _some(texts: Iterable[str], shown: int | None) -> str:
    distinct = list(dict.fromkeys(t for t in texts if t))
    kept = distinct[:shown]
    more = f", and {len(distinct) - len(kept)} more" if len(distinct) > len(kept) else ""
    return "; ".join(kept) + more
