"""Which values and nodes the names of a ranges file mean."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

from ...ir.errors import did_you_mean
from ...ir.graph import Graph, Node, Value
from ...ir.loc import Fused, leaves
from ...ir.op import registry
from .places import Place, moves
from .ranges import Problem, Range, Ranges
from .weights import Weights

HINTS = 20
"""Unknown names for which the nearest known one is looked for."""


class Lookup:
    """A graph's names. A value goes by its own name and its public ones; what has neither by that of its node.

    No two values share one: where several have the same name the first counts, and of those that a framework node
    became the last.
    """

    def __init__(self, graph: Graph, ranges: Ranges) -> None:
        self.graph = graph
        self.ranges = ranges
        self.patterns = [re.compile(p) for p in ranges.ignored.patterns]
        self.values: dict[str, Value] = {}
        self.names: dict[Value, list[str]] = {}
        self.hints = 0
        self._name_all()
        self.nodes = {name for part in graph.walk() for node in part for name in self.node_names(node)}

    def _name_all(self) -> None:
        graph = self.graph
        nodes = [node for node in graph if node.kind != "Constant"]
        for value in (*graph.inputs, *(out for node in nodes for out in node.outputs)):
            self._claim(value, value.name)
        for values, public in ((graph.inputs, graph.input_names), (graph.outputs, graph.output_names)):
            for value, names in zip(values, public, strict=True):
                for name in names:
                    self._claim(value, name)
        for node in reversed(nodes):
            if not isinstance(node.loc, Fused) and node.outputs:
                self._claim(node.outputs[0], node.loc.node)
        self._name_others(nodes)

    def _claim(self, value: Value, name: str) -> None:
        if name and self.values.setdefault(name, value) is value:
            names = self.names.setdefault(value, [])
            if name not in names:
                names.append(name)

    def _name_others(self, nodes: list[Node]) -> None:
        """Names for values that have none: that of a node that they come from, with a number where it is taken."""
        latest: dict[str, int] = {}
        for node in nodes:
            for out in node.outputs:
                if out in self.names:
                    continue
                stem = name = node.label if len(node.outputs) == 1 else f"{node.label}.{out.index}"
                while name in self.values:
                    latest[stem] = latest.get(stem, 1) + 1
                    name = f"{stem}#{latest[stem]}"
                self._claim(out, name)

    def name_of(self, value: Value) -> str:
        """The name of a value in messages and for ranges."""
        return self.names[value][0]

    def node_names(self, node: Node) -> Iterator[str]:
        """The names of a node: of what it computes, and of the framework's nodes that it stands for."""
        yield from (out.name for out in node.outputs if out.name)
        yield from (leaf.node for leaf in leaves(node.loc) if leaf.node)

    def is_ignored(self, node: Node) -> bool:
        """Whether a node is to stay float."""
        ignored = self.ranges.ignored
        if node.kind in ignored.types:
            return True
        if not ignored.names and not self.patterns:
            return False
        names = set(self.node_names(node))
        return bool(names & set(ignored.names)) or any(p.match(n) for p in self.patterns for n in names)

    def is_weights_only(self, node: Node) -> bool:
        """Whether a product's data are to stay float."""
        return bool(self.ranges.weights_only) and not set(self.ranges.weights_only).isdisjoint(self.node_names(node))

    def range_of(self, place: Place, carriers: set[Node]) -> list[Range]:
        """The ranges of a place: its value's, else those of what only moves its values, else of what these were moved
        from. Empty where there is none."""
        front = [place.value]
        seen = set(front)
        while front:
            found = [r for v in front for r in [self._range(v)] if r is not None]
            if found:
                return found
            users = [u for v in front for u in v.users if u in carriers and u.kind != "Concat"]
            front = [out for u in users for out in u.outputs if out not in seen]
            seen.update(front)
        return self._moved_from(place.value)

    def _moved_from(self, value: Value) -> list[Range]:
        """The ranges of the values that a node that moves values gives on; channels may be elsewhere behind it."""
        node = value.node
        if node is None or not moves(node):
            return []
        out = []
        for v in node.inputs if node.kind == "Concat" else node.inputs[:1]:
            assert v is not None
            own = self._range(v)
            found = [own] if own is not None else self._moved_from(v)
            if not found:
                return []
            out += [r.whole() for r in found]
        return out

    def _range(self, value: Value) -> Range | None:
        known = self.ranges.values
        return next((known[name] for name in self.names.get(value, ()) if name in known), None)

    def weights_range(self, weights: Weights) -> Range:
        """What is said about weights: by the constant's name, or by that of a node that reads it."""
        known = self.ranges.weights
        names = [n for node in (weights.constant, *weights.readers) for n in self.node_names(node)]
        return next((known[n] for n in [weights.name, *names] if n in known), Range())

    def unknown(self) -> Iterator[Problem]:
        """Names that the model lacks, with the nearest one that it has."""
        ranges, ignored = self.ranges, self.ranges.ignored
        for name in self._missing(ranges.values, self.values):
            gone = name in self.nodes
            why = "it became part of another" if gone else self._near(name, self.values)
            yield Problem(f"'{name}'", "the model has no such value", why)
        for name in self._missing(ranges.weights, self.nodes):
            yield Problem(f"'{name}'", "the model has no such weights or node", self._near(name, self.nodes))
        for name in self._missing(ignored.names, self.nodes):
            yield Problem(f"'{name}'", "the model has no such node to ignore", self._near(name, self.nodes))
        for name in self._missing(ranges.weights_only, self.nodes):
            yield Problem(
                f"'{name}'",
                "the model has no such product of which the weights alone could be integers",
                self._near(name, self.nodes),
            )
        for text, pattern in zip(ignored.patterns, self.patterns, strict=True):
            if not any(pattern.match(n) for n in self.nodes):
                yield Problem(f"'{text}'", "the name of no node begins with this pattern")
        kinds = registry()
        for kind in self._missing(ignored.types, kinds):
            yield Problem(f"'{kind}'", "there is no such operation", did_you_mean(kind, kinds))

    @staticmethod
    def _missing(names: Iterable[str], known: Container[str]) -> list[str]:
        return [name for name in names if name not in known]

    def _near(self, name: str, known: Iterable[str]) -> str:
        """`did you mean`, of the first few names: it looks at all that are known."""
        self.hints += 1
        return did_you_mean(name, known) if self.hints <= HINTS else ""
