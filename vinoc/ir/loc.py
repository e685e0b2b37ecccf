"""Provenance: which framework nodes a node comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias


class Loc(NamedTuple):
    """A node of a model file."""

    file: str
    node: str
    op_type: str = ""

    def __str__(self) -> str:
        kind = f" ({self.op_type})" if self.op_type else ""
        return f"{self.file}: node '{self.node}'{kind}" if self.file else f"node '{self.node}'{kind}"


class Fused(NamedTuple):
    """Several nodes that a rewrite made into one; `by` is the rule's name."""

    locs: tuple[AnyLoc, ...]
    by: str

    def __str__(self) -> str:
        return f"{' + '.join(repr(x.node) for x in leaves(self))} (by {self.by})"


AnyLoc: TypeAlias = Loc | Fused

UNKNOWN = Loc("", "", "")


def leaves(loc: AnyLoc) -> Iterator[Loc]:
    """The framework nodes of a location, each once, in order."""
    seen: set[Loc] = set()
    stack: list[AnyLoc] = [loc]
    while stack:
        top = stack.pop()
        if isinstance(top, Fused):
            stack.extend(reversed(top.locs))
        elif top not in seen and top != UNKNOWN:
            seen.add(top)
            yield top


def fuse(locs: Iterable[AnyLoc], by: str) -> AnyLoc:
    """One location for all, flattened so that its size stays that of its distinct framework nodes."""
    distinct: dict[AnyLoc, None] = {}
    for loc in locs:
        for leaf in leaves(loc) if isinstance(loc, Fused) else (loc,):
            if leaf != UNKNOWN:
                distinct[leaf] = None
    if not distinct:
        return UNKNOWN
    return Fused(tuple(distinct), by)
