"""What differs between two graphs, whatever files they come from.

Nodes are matched in four steps, each over what the former left: nodes that compute the same from the inputs on
(one interned number for each distinct expression, so this is linear), nodes of equal provenance and kind, nodes
of equal value name and kind, and nodes that stand at the same place beside matched ones.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ir.constant import Constant
from ..ir.dim import Sym
from ..ir.dtype import Array
from ..ir.graph import Graph, Node, Value
from ..ir.loc import leaves
from ..ir.op import port_name
from ..ir.text.printer import attribute
from ..ir.types import OptionalType, SequenceType, TensorType, Type


@dataclass(frozen=True, slots=True)
class Change:
    """A node that is in both graphs, and how it differs."""

    node: str
    what: tuple[str, ...]


@dataclass(slots=True)
class Difference:
    """All that differs. `counts` has the kinds whose number differs, with both numbers; `matches` says what was matched
    with what, for the graphs and for each pair of bodies that differ, with their names."""

    interface: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    matches: list[tuple[str, Match]] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not (self.interface or self.removed or self.added or self.changed)

    def lines(self) -> Iterator[str]:
        """For people: `-` only in the first, `+` only in the second, `~` in both but different."""
        yield from (f"! {text}" for text in self.interface)
        yield from (f"- {text}" for text in self.removed)
        yield from (f"+ {text}" for text in self.added)
        for change in self.changed:
            yield f"~ {change.node}: {'; '.join(change.what)}"
        if self.counts:
            yield "operations:"
            yield from (f"  {kind}: {a} -> {b}" for kind, (a, b) in sorted(self.counts.items()))


def diff(first: Graph, second: Graph) -> Difference:
    """Compares two graphs. Order of nodes, value names and provenance alone make no difference."""
    out = Difference()
    _compare(first, second, "", out)
    a, b = _counts(first), _counts(second)
    out.counts = {kind: (a[kind], b[kind]) for kind in {*a, *b} if a[kind] != b[kind]}
    return out


def _counts(graph: Graph) -> Counter[str]:
    return Counter(node.kind for g in graph.walk() for node in g)


def _compare(a: Graph, b: Graph, prefix: str, out: Difference) -> None:
    match = Match(a, b)
    out.matches.append((prefix, match))
    out.interface += [prefix + text for text in match.interface()]
    out.removed += [prefix + _title(n) for n in a if n not in match.forth]
    out.added += [prefix + _title(n) for n in b if n not in match.back]
    for left, right in match.forth.items():
        what = tuple(match.changes(left, right))
        if what:
            out.changed.append(Change(prefix + _title(left), what))
        for i, (x, y) in enumerate(zip(left.bodies, right.bodies)):
            if match.body_id(x) != match.body_id(y):
                _compare(x, y, f"{prefix}{left.label}/body {i}: ", out)


class Match:
    """Which node of one graph is which of the other."""

    def __init__(self, a: Graph, b: Graph) -> None:
        self.a, self.b = a, b
        self.interned: dict[Hashable, int] = {}
        self.bodies: dict[Graph, int] = {}
        self.id: dict[Value, int] = {}
        self.forth: dict[Node, Node] = {}
        self.back: dict[Node, Node] = {}
        self.input_of = _paired_inputs(a, b)
        names = {v: ("input", i) for i, v in enumerate(b.inputs)}
        self.number(b, names)
        own = {v: names[w] if (w := self.input_of.get(v)) else ("only", i) for i, v in enumerate(a.inputs)}
        self.number(a, own)
        self.pair_by(lambda n: (n.kind, *(self.id[v] for v in n.outputs)) if n.outputs else None)
        self.pair_by(_provenance)
        self.pair_by(lambda n: (n.kind, n.outputs[0].name) if n.outputs and n.outputs[0].name else None)
        self.pair_neighbours()

    def intern(self, key: Hashable) -> int:
        return self.interned.setdefault(key, len(self.interned))

    def number(self, graph: Graph, inputs: dict[Value, tuple[str, int]]) -> None:
        """Gives every value a number; equal numbers are equal computations."""
        for value in graph.inputs:
            self.id[value] = self.intern(inputs[value])
        for node in graph:
            operands = tuple(-1 if v is None else self.id[v] for v in node.inputs)
            number = self.intern((node.op, operands, tuple(map(self.body_id, node.bodies))))
            for out in node.outputs:
                self.id[out] = self.intern((number, out.index)) if out.index else number

    def body_id(self, body: Graph) -> int:
        """The number of a body: of its results and of what it does beside them."""
        if body not in self.bodies:
            self.number(body, {v: ("body input", i) for i, v in enumerate(body.inputs)})
            effects = (self.id[v] for n in body if not n.op.pure for v in n.outputs)
            types = tuple(_shown(v.type) for v in body.inputs)
            self.bodies[body] = self.intern(("body", types, tuple(self.id[v] for v in body.outputs), tuple(effects)))
        return self.bodies[body]

    def pair(self, left: Node, right: Node) -> bool:
        if left in self.forth or right in self.back or left.kind != right.kind:
            return False
        self.forth[left], self.back[right] = right, left
        return True

    def pair_by(self, key: Callable[[Node], Hashable]) -> None:
        """Pairs the nodes that are left and have equal keys, in their order."""
        waiting: dict[Hashable, deque[Node]] = defaultdict(deque)
        for node in self.b:
            if node not in self.back and (k := key(node)) is not None:
                waiting[k].append(node)
        for node in self.a:
            if node not in self.forth and (k := key(node)) is not None and waiting.get(k):
                self.pair(node, waiting[k].popleft())

    def pair_neighbours(self) -> None:
        queue = deque(self.forth.items())

        def try_pair(left: Node | None, right: Node | None) -> None:
            if left is not None and right is not None and self.pair(left, right):
                queue.append((left, right))

        for x, y in zip(self.a.outputs, self.b.outputs):
            try_pair(x.node, y.node)
        for x, y in self.input_of.items():
            self.pair_users(x, y, try_pair)
        while queue:
            left, right = queue.popleft()
            for v, w in zip(left.inputs, right.inputs):
                if v is not None and w is not None:
                    try_pair(v.node, w.node)
            for v, w in zip(left.outputs, right.outputs):
                self.pair_users(v, w, try_pair)

    def pair_users(self, x: Value, y: Value, try_pair: Callable[[Node | None, Node | None], None]) -> None:
        """Pairs users that are the only ones of their kind, among those without a partner, at their port."""
        mine, theirs = _ports(x, self.forth), _ports(y, self.back)
        for port, nodes in mine.items():
            others = theirs.get(port, [])
            if len(nodes) == len(others) == 1:
                try_pair(nodes[0], others[0])

    def interface(self) -> Iterator[str]:
        """Differences of the inputs and outputs."""
        yield from _ports_differ("input", self.a.inputs, self.a.input_names, self.b.inputs, self.b.input_names)
        yield from _ports_differ("output", self.a.outputs, self.a.output_names, self.b.outputs, self.b.output_names)
        for i, (x, y) in enumerate(zip(self.a.outputs, self.b.outputs)):
            if not self.same_value(x, y):
                yield f"output {i} is computed by {_source(x)}, then by {_source(y)}"

    def changes(self, left: Node, right: Node) -> Iterator[str]:
        """How two matched nodes differ."""
        if left.op != right.op:
            yield from _attribute_changes(left, right)
        if left.precise != right.precise:
            yield "is to be computed in full precision" if right.precise else "may be computed in half precision"
        for i in range(max(len(left.inputs), len(right.inputs))):
            x = left.inputs[i] if i < len(left.inputs) else None
            y = right.inputs[i] if i < len(right.inputs) else None
            if not self.same_value(x, y):
                yield f"`{port_name(type(left.op), i)}` comes from {_source(x)} -> {_source(y)}"
        for i, (x, y) in enumerate(zip(left.outputs, right.outputs)):
            if _shown(x.type) != _shown(y.type):
                yield f"output {i} {x.type} -> {y.type}"

    def same_value(self, x: Value | None, y: Value | None) -> bool:
        """True for equal computations and for the same result of matched nodes."""
        if x is None or y is None:
            return x is y
        if self.id[x] == self.id[y]:
            return True
        if x.node is None or y.node is None:
            return self.input_of.get(x) is y
        return self.forth.get(x.node) is y.node and x.index == y.index


def _paired_inputs(a: Graph, b: Graph) -> dict[Value, Value]:
    """Inputs that share a name; the rest by position where that is free."""
    by_name = {name: v for v, names in zip(b.inputs, b.input_names) for name in names}
    out: dict[Value, Value] = {}
    taken: set[Value] = set()
    for value, names in zip(a.inputs, a.input_names):
        found = next((by_name[n] for n in names if n in by_name), None)
        if found is not None and found not in taken:
            out[value] = found
            taken.add(found)
    for value, other in zip(a.inputs, b.inputs):
        if value not in out and other not in taken:
            out[value] = other
            taken.add(other)
    return out


def _provenance(node: Node) -> Hashable:
    names = tuple(sorted({leaf.node for leaf in leaves(node.loc) if leaf.node}))
    return (node.kind, names) if names else None


def _ports(value: Value, paired: dict[Node, Node]) -> dict[tuple[str, int], list[Node]]:
    out: dict[tuple[str, int], list[Node]] = defaultdict(list)
    for owner, index in value.uses:
        if isinstance(owner, Node) and owner not in paired:
            out[owner.kind, index].append(owner)
    return out


def _ports_differ(
    what: str, xs: list[Value], xnames: list[tuple[str, ...]], ys: list[Value], ynames: list[tuple[str, ...]]
) -> Iterator[str]:
    if len(xs) != len(ys):
        yield f"{len(xs)} {what}s -> {len(ys)}"
    for i, (x, names, y, others) in enumerate(zip(xs, xnames, ys, ynames)):
        if set(names) != set(others):
            yield f"{what} {i} is named {_list(names)} -> {_list(others)}"
        if _shown(x.type) != _shown(y.type):
            yield f"{what} {i} {x.type} -> {y.type}"


def _attribute_changes(left: Node, right: Node) -> Iterator[str]:
    if isinstance(left.op, Constant) and isinstance(right.op, Constant):
        yield _content_change(left.op, right.op)
        return
    for (a, x), (_, y) in zip(left.op.attributes(), right.op.attributes()):
        if x != y:
            yield f"{a.name}={attribute(x)} -> {attribute(y)}"


def _content_change(left: Constant, right: Constant) -> str:
    x, y = left.value, right.value
    if x.shape != y.shape or x.dtype is not y.dtype:
        return f"constant {x.dtype.name}{list(x.shape)} -> {y.dtype.name}{list(y.shape)}"
    if x.dtype.kind not in "fiub":
        return "contents differ"
    p, q = _numbers(x.array), _numbers(y.array)
    return f"{int(np.sum(p != q))} of {p.size} elements differ, by {float(np.max(np.abs(p - q))):.3g} at most"


def _numbers(array: Array) -> Array:
    return array.astype(np.float64)


def _shown(type: Type) -> Any:
    """A type with the names of its dimensions left out: formats keep them or not."""
    if isinstance(type, TensorType):
        dims = None if type.shape is None else tuple("?" if isinstance(d, Sym) else d for d in type.shape)
        return type.dtype.name, dims
    assert isinstance(type, SequenceType | OptionalType)
    return type.__class__.__name__, _shown(type.element)


def _title(node: Node) -> str:
    types = ", ".join(str(v.type) for v in node.outputs)
    return f"{node.kind} '{node.label}' : {types}"


def _source(value: Value | None) -> str:
    if value is None:
        return "nothing"
    if value.node is None:
        return f"input '{value.name}'"
    return f"{value.node.kind} '{value.node.label}'" + (f" output {value.index}" if value.index else "")


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"'{n}'" for n in names) or "nothing"
