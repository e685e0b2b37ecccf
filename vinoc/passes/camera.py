"""Takes pictures of rewrites while they happen: the nodes that a rule matched, and what stands there afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from ..ir.graph import Node, Value
from .sketch import Card, Keys, Live, Role, Sketch, sketch


@dataclass(frozen=True, slots=True)
class Picture:
    """What one rewrite, or a pass in one place, did. `number` counts the rewrites of the step, from 1; 0: no rule."""

    rule: str
    number: int
    before: Sketch
    after: Sketch


@dataclass(slots=True)
class Camera:
    """Pictures of the first few rewrites of each rule; all are counted, and all nodes noted that they touched."""

    per_rule: int
    most: int
    keys: Keys = field(default_factory=Keys)
    pictures: list[Picture] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    touched: set[Node] = field(default_factory=set)
    seconds: float = 0.0  # what it takes, which is not the pass's
    _waiting: Sketch | None = None

    def before(self, rule: str, nodes: Sequence[Node], new: Sequence[Node]) -> None:
        """To be called when the new nodes are there, and nothing reads them yet."""
        began = perf_counter()
        self.counts[rule] += 1
        self.touched.update(nodes, new)
        self._waiting = None
        if self.counts[rule] <= self.per_rule and len(self.pictures) < self.most:
            self._waiting = sketch(Live(), nodes, self.keys, hidden=set(new))
        self.seconds += perf_counter() - began

    def after(
        self, rule: str, number: int, nodes: Sequence[Node], new: Sequence[Node], results: Sequence[Value | None]
    ) -> None:
        """To be called when what is not read any more is gone."""
        began = perf_counter()
        self.touched.update(owner for v in results if v is not None for owner in v.users)
        if self._waiting is not None:
            before, after = self._pair(self._waiting, nodes, new, results)
            self.pictures.append(Picture(rule, number, before, after))
            self._waiting = None
        self.seconds += perf_counter() - began

    def _pair(
        self, waiting: Sketch, nodes: Sequence[Node], new: Sequence[Node], results: Sequence[Value | None]
    ) -> tuple[Sketch, Sketch]:
        roles: dict[Node, Role] = dict.fromkeys(new, "new")
        kept = [n for n in nodes if n.graph is not None]
        roles.update(dict.fromkeys(kept, "changed"))
        anchors = [v for v in results if v is not None and v.node not in roles]
        after = sketch(Live(), [*kept, *new], self.keys, roles=roles, anchors=anchors)
        gone = {self.keys.of(n) for n in nodes if n.graph is None}
        return replace(waiting, cards=tuple(_aged(c, gone) for c in waiting.cards)), after


def _aged(card: Card, gone: set[int]) -> Card:
    return replace(card, role="old") if card.key in gone else card
