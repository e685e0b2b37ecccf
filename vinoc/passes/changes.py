"""What passes change: nodes added, removed and changed by each, and pictures of where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..ir.graph import Graph, Node
from ..ir.loc import Loc, leaves
from .camera import Camera, Picture
from .manager import Instrument, StepResult
from .sketch import Keys, Look, Role, Saved, Sketch, is_weight, sketch

PER_RULE = 3
"""Pictures of each rule in a step."""

MOST = 60
"""Pictures of a step."""

WHOLE = 250
"""Nodes, besides constants, up to which the graph is drawn whole in the end."""


@dataclass(slots=True)
class Changed:
    """How a step changed the graph. `rewired`: other operands, all else the same. `spots` counts places where a pass
    changed something that is no rule's doing; `pictures` shows some of them and some of the rewrites."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    rewired: int = 0
    spots: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    pictures: list[Picture] = field(default_factory=list)


class Changes(Instrument):
    """Compares the graph before and after every pass, node by node, and has rewrites pictured.

    steps     what each step did, by its index
    kinds     how many nodes there were of each kind, before the first pass and after the last
    fates     for each framework node that was read, the nodes that stand for it in the end
    whole     the graph after the last pass, where it is small enough
    """

    def __init__(self, per_rule: int = PER_RULE, most: int = MOST) -> None:
        self.per_rule, self.most = per_rule, most
        self.keys = Keys()
        self.steps: dict[int, Changed] = {}
        self.kinds: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self.fates: dict[Loc, list[str]] = {}
        self.whole: Sketch | None = None
        self._saved = Saved(Graph())
        self._first: frozenset[Node] = frozenset()

    def start(self, graph: Graph) -> None:
        self._saved = Saved(graph)
        self._first = frozenset(self._saved.looks)
        self.kinds = (_kinds(graph), Counter())
        self.fates = {leaf: [] for g in graph.walk() for n in g for leaf in leaves(n.loc)}

    def before(self, step: StepResult, graph: Graph) -> None:
        step.camera = Camera(self.per_rule, self.most, self.keys)

    def after(self, step: StepResult, graph: Graph) -> None:
        camera, step.camera = step.camera, None
        if camera is not None:
            step.seconds = max(0.0, step.seconds - camera.seconds)
        if not step.changes or camera is None:
            return
        before, after = self._saved, Saved(graph)
        self._saved = after
        found = compare(before, after)
        out = Changed(len(found.added), len(found.removed), len(found.changed), len(found.rewired))
        out.rules, out.pictures = camera.counts, camera.pictures
        self.steps[step.index] = out
        spots = list(found.spots(camera.touched))
        spots.sort(key=lambda spot: not any(after.look(n) for n in spot))  # what only lost something comes last
        out.spots = len(spots)
        for spot in spots[: self.per_rule]:
            if len(out.pictures) < self.most:
                out.pictures.append(Picture(step.name, 0, *found.draw(spot, self.keys)))

    def finish(self, graph: Graph) -> None:
        self.kinds = (self.kinds[0], _kinds(graph))
        last = sorted((n for g in graph.walk() for n in g), key=lambda n: n.kind == "Constant")
        for node in last:
            for leaf in leaves(node.loc):
                found = self.fates.get(leaf)
                if found is not None and not (found and node.kind == "Constant"):
                    found.append(f"{node.kind} '{node.label}'")
        nodes = [n for n in graph if not is_weight(n)]
        if len(nodes) <= WHOLE:
            roles: dict[Node, Role] = {n: "new" for n in nodes if n not in self._first}
            self.whole = sketch(self._saved, nodes, self.keys, role="plain", roles=roles, most=WHOLE)


def _kinds(graph: Graph) -> Counter[str]:
    return Counter(n.kind for g in graph.walk() for n in g)


@dataclass(slots=True)
class Comparison:
    """Two moments of a graph, by identity of nodes."""

    before: Saved
    after: Saved
    added: list[Node]
    removed: list[Node]
    changed: list[Node]
    rewired: list[Node]

    def spots(self, touched: set[Node]) -> Iterator[list[Node]]:
        """The places where something changed that nobody has accounted for: nodes that hang together, in order."""
        left = [n for n in (*self.removed, *self.added, *self.changed) if n not in touched]
        if not left:
            return
        new = set(left)
        # Readers of what is no more are a part of the place; by themselves they are none.
        left += [n for n in self.rewired if n not in touched and self._makers(n) & new]
        yield from together(left, self._makers)

    def _makers(self, node: Node) -> set[Node]:
        """Those that a node reads, before or after."""
        looks = (self.before.look(node), self.after.look(node))
        return {v.node for seen in looks if seen for v in seen.inputs if v is not None and v.node is not None}

    def draw(self, spot: Sequence[Node], keys: Keys) -> tuple[Sketch, Sketch]:
        """A place before and after."""
        roles: dict[Node, Role] = dict.fromkeys(spot, "changed")
        roles.update(dict.fromkeys((n for n in spot if self.after.look(n) is None), "old"))
        roles.update(dict.fromkeys((n for n in spot if self.before.look(n) is None), "new"))
        anchors = [v for n in spot if (seen := self.before.look(n)) for v in seen.inputs if v is not None]
        first = sketch(self.before, spot, keys, roles=roles)
        roles = {**dict.fromkeys(self._other_constants(spot), "changed"), **roles}
        bare = not any(self.after.look(n) for n in spot)
        return first, sketch(self.after, spot, keys, roles=roles, anchors=anchors if bare else ())

    def _other_constants(self, spot: Sequence[Node]) -> Iterator[Node]:
        """Constants that were there already and that nodes of a spot read in place of others."""
        for node in spot:
            old, new = self.before.look(node), self.after.look(node)
            for x, y in zip(old.inputs, new.inputs) if old and new else ():
                if x is not y and y is not None and y.node is not None and y.node.kind == "Constant":
                    yield y.node


def compare(before: Saved, after: Saved) -> Comparison:
    """What changed from one moment to another."""
    out = Comparison(before, after, [], [], [], [])
    for node, old in before.looks.items():
        new = after.looks.get(node)
        if new is None:
            out.removed.append(node)
        elif _differs(old, new):
            out.changed.append(node)
        elif old.inputs != new.inputs:
            out.rewired.append(node)
    out.added = [n for n in after.looks if n not in before.looks]
    return out


def _differs(old: Look, new: Look) -> bool:
    same = (old.op is new.op or old.op == new.op) and (old.types is new.types or old.types == new.types)
    return not same or old.precise != new.precise


def together(nodes: Sequence[Node], makers: Any) -> Iterable[list[Node]]:
    """The nodes in groups that are connected among themselves, each in the given order."""
    import networkx

    graph: networkx.Graph[Node] = networkx.Graph()
    graph.add_nodes_from(nodes)
    mine = set(nodes)
    for node in nodes:
        graph.add_edges_from((node, maker) for maker in makers(node) & mine)
    place = {n: i for i, n in enumerate(nodes)}
    return sorted(
        (sorted(group, key=place.__getitem__) for group in networkx.connected_components(graph)),
        key=lambda group: place[group[0]],
    )
