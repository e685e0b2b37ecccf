"""Small pictures of a graph as plain data: some nodes, what surrounds them, and what runs between them.

A `View` is a graph at one moment: as it is (`Live`), or as it was (`Saved`), since rewriting takes nodes apart.
Constants are rows of the cards that read them, which is what keeps pictures small.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from ..ir import loc as _loc
from ..ir.constant import Constant
from ..ir.graph import Graph, Node, Value
from ..ir.loc import AnyLoc, Fused
from ..ir.node import Owner
from ..ir.op import Op, port_name
from ..ir.text.printer import attribute, number
from ..ir.types import Type

Role = Literal["old", "new", "changed", "near", "plain", "input", "output", "more"]
"""old: taken away; new: put there; changed: part of what happened, and still there; near: around it; plain: of a
picture of everything."""

MAX_CORE = 16
"""Nodes of a picture, without what surrounds them."""

MAX_READERS = 3
"""Of one node, that are drawn around a picture."""

SHOWN_ELEMENTS = 4
MAX_ATTRIBUTE = 40


class Row(NamedTuple):
    """A line of a card: an attribute, or a constant operand, whose role tells whether it is a part of what happened."""

    name: str
    text: str
    role: Role = "near"


@dataclass(frozen=True, slots=True)
class Card:
    """A node in a picture. The same node has the same `key` in the pictures before and after."""

    key: int
    kind: str
    name: str
    role: Role
    rows: tuple[Row, ...] = ()
    results: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """A value on its way from one card to another."""

    source: int
    target: int
    text: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """A picture; `left_out` counts the nodes that would have been too many."""

    cards: tuple[Card, ...] = ()
    wires: tuple[Wire, ...] = ()
    left_out: int = 0


class Keys:
    """Numbers for nodes and ports, the same for the same one. They are kept alive: none is taken for another."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def of(self, thing: Hashable) -> int:
        return self._numbers.setdefault(thing, len(self._numbers))

    def same(self, thing: Hashable, other: Hashable) -> None:
        """Gives a thing the number of another."""
        self._numbers[thing] = self.of(other)


class Look(NamedTuple):
    """All of a node that a picture shows."""

    op: Op
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value, ...]
    types: tuple[Type, ...]
    name: str
    loc: AnyLoc
    precise: bool


class View(Protocol):
    """A graph at one moment."""

    def look(self, node: Node) -> Look | None:
        """The node as it is in this view; None where it is not."""

    def readers(self, value: Value) -> Sequence[tuple[Owner, int]]:
        """(node or graph, index) of all that read a value."""


class Live:
    """Graphs as they are now."""

    def look(self, node: Node) -> Look | None:
        return look(node) if node.graph is not None else None

    def readers(self, value: Value) -> Sequence[tuple[Owner, int]]:
        return tuple(value.uses)


class Saved:
    """A graph and its bodies as they were when this was made."""

    def __init__(self, graph: Graph) -> None:
        self.looks = {n: look(n) for g in graph.walk() for n in g}
        self.outputs = [(g, tuple(g.outputs)) for g in graph.walk()]
        self._readers: dict[Value, list[tuple[Owner, int]]] | None = None

    def look(self, node: Node) -> Look | None:
        return self.looks.get(node)

    def readers(self, value: Value) -> Sequence[tuple[Owner, int]]:
        if self._readers is None:
            self._readers = {}
            for node, seen in self.looks.items():
                for i, v in enumerate(seen.inputs):
                    if v is not None:
                        self._readers.setdefault(v, []).append((node, i))
            for graph, values in self.outputs:
                for i, v in enumerate(values):
                    self._readers.setdefault(v, []).append((graph, i))
        return self._readers.get(value, ())


def look(node: Node) -> Look:
    """A node as it is."""
    outs = node.outputs
    return Look(node.op, node.inputs, outs, tuple([v.type for v in outs]), node.label, node.loc, node.precise)


def sketch(
    view: View,
    core: Iterable[Node],
    keys: Keys,
    role: Role = "changed",
    roles: dict[Node, Role] | None = None,
    anchors: Iterable[Value] = (),
    hidden: Collection[Node] = (),
    most: int = MAX_CORE,
) -> Sketch:
    """The nodes of `core` that are in the view, with what surrounds them.

    `roles` are theirs, `role` is that of all others of them; `anchors` are values whose makers and readers are drawn
    though they are not of the core; `hidden` nodes are not there yet; of the core `most` are drawn.
    """
    return _Drawing(view, list(core), keys, role, roles or {}, set(hidden), most).draw(anchors)


@dataclass(slots=True)
class _Drawing:
    view: View
    core: list[Node]
    keys: Keys
    role: Role
    roles: dict[Node, Role]
    hidden: set[Node]
    most: int
    shown: dict[Node, Role] = field(default_factory=dict)
    ports: list[Card] = field(default_factory=list)
    wires: dict[Wire, None] = field(default_factory=dict)

    def draw(self, anchors: Iterable[Value]) -> Sketch:
        present = [n for n in self.core if self.view.look(n) is not None]
        mine = set(present)
        drawn = [n for n in present if not self._is_row(n)]
        left_out = max(0, len(drawn) - self.most)
        for node in drawn[: self.most]:
            self.shown[node] = self._role(node)
        for node in drawn[: self.most]:
            self._surround(node, mine)
        for node in present:
            if isinstance(node.op, Constant) and node not in self.shown:
                self._readers(node, mine, constant=True)
        for value in anchors:
            self._anchor(value)
        cards = [self._card(n, r) for n, r in self.shown.items()]
        for node in self.shown:
            self._connect(node)
        return Sketch((*cards, *self.ports), tuple(self.wires), left_out)

    def _role(self, node: Node) -> Role:
        return self.roles.get(node, self.role)

    def _is_row(self, node: Node) -> bool:
        """Whether a node is shown within those that read it: a constant that something else than constants reads."""
        seen = self.view.look(node)
        if seen is None or not isinstance(seen.op, Constant):
            return False
        owners = [o for v in seen.outputs for o, _ in self.view.readers(v)]
        return any(isinstance(o, Node) and o not in self.hidden for o in owners)

    def _surround(self, node: Node, mine: set[Node]) -> None:
        seen = self.view.look(node)
        assert seen is not None
        for value in seen.inputs:
            if value is None:
                continue
            if value.node is None:
                self._input(value)
            elif value.node not in mine and not is_weight(value.node):
                self.shown.setdefault(value.node, "near")
        self._readers(node, mine)

    def _readers(self, node: Node, mine: set[Node], constant: bool = False) -> None:
        """What reads a node's results, as far as it is not drawn, the first few of them."""
        seen = self.view.look(node)
        assert seen is not None
        owners: dict[Owner, tuple[Value, int]] = {}
        for value in seen.outputs:
            for owner, i in self.view.readers(value):
                if owner not in mine and owner not in self.shown and owner not in self.hidden:
                    owners.setdefault(owner, (value, i))
        for owner, (value, i) in list(owners.items())[:MAX_READERS]:
            if isinstance(owner, Node):
                self.shown.setdefault(owner, "near")
            else:
                self._output(owner, i, value, node)
        if len(owners) > MAX_READERS and not constant:
            more = f"{len(owners) - MAX_READERS} more readers"
            key = self.keys.of(("more", node))
            self.ports.append(Card(key, more, "", "more"))
            self.wires[Wire(self.keys.of(node), key, "")] = None

    def _anchor(self, value: Value) -> None:
        if value.node is None:
            self._input(value)
        elif self.view.look(value.node) is None:
            return
        elif not is_weight(value.node):
            self.shown.setdefault(value.node, "near")
        for owner, i in list(self.view.readers(value))[:MAX_READERS]:
            if isinstance(owner, Node):
                self.shown.setdefault(owner, "near")
            elif value.node is not None:
                self._output(owner, i, value, value.node)

    def _input(self, value: Value) -> None:
        key = self.keys.of(value)
        if all(card.key != key for card in self.ports):
            self.ports.append(Card(key, "Input", value.name, "input", results=(str(value.type),)))

    def _output(self, graph: Graph, index: int, value: Value, node: Node) -> None:
        names = graph.output_names[index] if index < len(graph.output_names) else ()
        key = self.keys.of((graph, index))
        if all(card.key != key for card in self.ports):
            self.ports.append(Card(key, "Output", ", ".join(names) or value.name, "output", results=(str(value.type),)))
        self.wires[Wire(self.keys.of(node), key, str(value.type))] = None

    def _connect(self, node: Node) -> None:
        seen = self.view.look(node)
        ports = {card.key for card in self.ports}
        for value in seen.inputs if seen else ():
            if value is None:
                continue
            maker: Hashable = value if value.node is None else value.node
            if maker in self.shown or (value.node is None and self.keys.of(maker) in ports):
                self.wires[Wire(self.keys.of(maker), self.keys.of(node), self._type(value))] = None

    def _type(self, value: Value) -> str:
        seen = self.view.look(value.node) if value.node is not None else None
        return str(seen.types[value.index] if seen and value.index < len(seen.types) else value.type)

    def _card(self, node: Node, role: Role) -> Card:
        seen = self.view.look(node)
        assert seen is not None
        rows = (*self._operands(seen, role), *(attributes(seen.op) if role not in ("near", "plain") else ()))
        if seen.precise:
            rows = (*rows, Row("precise", "true"))
        return card(self.keys.of(node), seen, role, rows)

    def _operands(self, seen: Look, role: Role) -> Iterable[Row]:
        """The constants that a node reads; around the picture only those that are a part of what happened."""
        for i, value in enumerate(seen.inputs):
            if value is None or value.node is None or value.node in self.shown:
                continue
            if is_weight(value.node):
                mine = value.node in self.roles or value.node in self.core
                if mine or role != "near":
                    text = self._content(value, value.node)
                    yield Row(port_name(type(seen.op), i), text, self._role(value.node) if mine else "near")

    def _content(self, value: Value, node: Node) -> str:
        """What a constant operand is; of a compressed one, what is stored."""
        if isinstance(node.op, Constant):
            return self._type(value) + elements(node.op)
        stored = node.inputs[0]
        assert stored is not None
        return f"{stored.dtype} as {self._type(value)}"


def is_weight(node: Node) -> bool:
    """Whether a node is a constant, or the expansion of a compressed one: pictures show them as lines of others."""
    if isinstance(node.op, Constant):
        return True
    stored = node.inputs[0] if getattr(node.op, "decompression", False) and node.inputs else None
    return stored is not None and stored.is_const


def card(key: int, seen: Look, role: Role, rows: Sequence[Row]) -> Card:
    """The card of a node with these rows."""
    by = seen.loc.by if isinstance(seen.loc, Fused) else ""
    if isinstance(seen.op, Constant):
        rows = [Row("content", elements(seen.op).removeprefix(" = ") or f"{seen.op.value.size} elements")]
    types = tuple(map(str, seen.types))
    return Card(key, seen.op.kind, seen.name, role, tuple(rows), types, origin(seen.loc), by)


def origin(loc: AnyLoc) -> tuple[str, ...]:
    """The framework nodes of a location, as people call them."""
    return tuple(f"{leaf.node} ({leaf.op_type})" if leaf.op_type else leaf.node for leaf in _loc.leaves(loc))


def attributes(op: Op) -> list[Row]:
    """What is told of an operation: attributes that are not the defaults."""
    if isinstance(op, Constant):
        return []
    given = [(a.name, attribute(v)) for a, v in op.attributes() if a.required or v != a.default]
    return [Row(name, text if len(text) <= MAX_ATTRIBUTE else text[:MAX_ATTRIBUTE] + "...") for name, text in given]


def elements(op: Constant) -> str:
    """The elements of a small constant, as ` = 0.5, 1.0`; nothing of others."""
    buffer = op.value
    if not 0 < buffer.size <= SHOWN_ELEMENTS or buffer.dtype.kind not in "fiub":
        return ""
    return " = " + ", ".join(number(v, buffer.dtype) for v in buffer.array.reshape(-1))
