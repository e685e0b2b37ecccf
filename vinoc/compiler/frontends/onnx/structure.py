"""The order of a graph's nodes, and which of them matter, found by names alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Sequence
from typing import Any

from ....ir.errors import Problem, did_you_mean

GRAPH, GRAPHS = 5, 10
CONTROL = frozenset({"If", "Loop", "Scan", "SequenceMap", "FlexAttention"})
"""The operators that have subgraphs."""


class Entry:
    """A node of the file: its names are read from the message once."""

    __slots__ = ("captures", "inputs", "op_type", "outputs", "proto")

    def __init__(self, proto: Any) -> None:
        self.proto = proto
        self.op_type: str = proto.op_type
        self.inputs: tuple[str, ...] = tuple(proto.input)
        self.outputs: tuple[str, ...] = tuple(proto.output)
        self.captures: tuple[str, ...] = tuple(free_names(subgraphs(proto))) if self.op_type in CONTROL else ()

    @property
    def label(self) -> str:
        return self.proto.name or next(filter(None, self.outputs), "?")


def subgraphs(node: Any) -> list[Any]:
    """The GraphProtos among a node's attributes."""
    out = []
    for a in node.attribute:
        if a.type == GRAPH:
            out.append(a.g)
        elif a.type == GRAPHS:
            out.extend(a.graphs)
    return out


def free_names(graphs: Iterable[Any]) -> dict[str, None]:
    """The names that subgraphs read from outside of them, in order."""
    found: dict[str, None] = {}
    stack: list[tuple[Any, frozenset[str]]] = [(g, frozenset()) for g in graphs]
    while stack:
        graph, outer = stack.pop()
        own = (
            {v.name for v in graph.input}
            | {t.name for t in graph.initializer}
            | {t.values.name for t in graph.sparse_initializer}
        )
        for node in graph.node:
            own.update(node.output)
        bound = outer | own
        for node in graph.node:
            for name in node.input:
                if name and name not in bound:
                    found[name] = None
            if node.op_type in CONTROL:
                stack.extend((g, bound) for g in subgraphs(node))
        for value in graph.output:
            if value.name not in bound:
                found[value.name] = None
    return found


def reader_of(node: Entry, name: str) -> Entry:
    """The first node within the subgraphs of a node that reads a name; the node itself where a graph hands it out."""
    stack = subgraphs(node.proto)
    while stack:
        graph = stack.pop()
        for proto in graph.node:
            if name in proto.input:
                return Entry(proto)
            stack.extend(subgraphs(proto))
    return node


def arrange(
    nodes: Iterable[Any],
    outputs: Iterable[str],
    given: Container[str],
    report: Callable[[Problem], None],
    cut: Collection[str] = (),
) -> tuple[list[Entry], set[str]]:
    """The nodes that `outputs` depend on, in an order in which they can be computed, and names that cannot be.

    Names in `given` need no computing; those in `cut` are given although a node computes them. A name that two
    nodes write, and nodes that wait for one another, are reported; what these would have computed is in the second
    result.
    """
    entries = [Entry(n) for n in nodes]
    producer: dict[str, int] = {}
    sorted_already = True
    late: set[str] = set()
    for i, entry in enumerate(entries):
        for name in entry.inputs:
            if name not in producer:
                late.add(name)
        if entry.captures:
            late.update(name for name in entry.captures if name not in producer)
        for name in entry.outputs:
            if not name:
                continue
            if name in producer:
                first = entries[producer[name]]
                report(Problem(entry.op_type, entry.label, f"output '{name}' is computed by node '{first.label}' too",
                               help="ONNX gives every value one producer; rename one of the two"))  # fmt: skip
                continue
            if name in given and name not in cut:
                report(Problem(entry.op_type, entry.label, f"output '{name}' is an input or initializer too",
                               help="ONNX gives every value one producer; rename one of the two"))  # fmt: skip
            if name in late and name not in given:
                sorted_already = False
            producer[name] = i
    lost: set[str] = set()
    if not sorted_already:
        entries, lost = _sort(entries, producer, given, report)
    return _needed(entries, set(outputs), cut), lost


def _needed(entries: Sequence[Entry], wanted: set[str], cut: Collection[str]) -> list[Entry]:
    """The nodes that the wanted names depend on."""
    unneeded = ("", *cut)
    wanted.difference_update(unneeded)
    kept = []
    for entry in reversed(entries):
        if not wanted.isdisjoint(entry.outputs):
            wanted.update(entry.inputs, entry.captures)
            wanted.difference_update(unneeded)
            kept.append(entry)
    kept.reverse()
    return kept


def _sort(
    entries: list[Entry], producer: dict[str, int], given: Container[str], report: Callable[[Problem], None]
) -> tuple[list[Entry], set[str]]:
    """Kahn's algorithm; among nodes that are ready, the one that the file has first comes first."""
    import heapq

    waiting = [0] * len(entries)
    readers: list[list[int]] = [[] for _ in entries]
    for i, entry in enumerate(entries):
        for name in {*entry.inputs, *entry.captures}:
            source = producer.get(name)
            if source is not None and name not in given:
                waiting[i] += 1
                readers[source].append(i)
    ready = [i for i, n in enumerate(waiting) if n == 0]
    order = []
    while ready:
        i = heapq.heappop(ready)
        order.append(i)
        for k in readers[i]:
            waiting[k] -= 1
            if waiting[k] == 0:
                heapq.heappush(ready, k)
    lost: set[str] = set()
    if len(order) < len(entries):
        cycle = _cycle(waiting, readers)
        names = " -> ".join(f"'{entries[i].label}'" for i in [*cycle[:8], *cycle[:1]])
        more = f" (and {len(cycle) - 8} more)" if len(cycle) > 8 else ""
        first = entries[cycle[0]]
        report(Problem(first.op_type, first.label, f"nodes wait for one another: {names}{more}",
                       help="a graph has no cycles; express repetition with Loop or Scan"))  # fmt: skip
        done = set(order)
        lost = {name for i, entry in enumerate(entries) if i not in done for name in entry.outputs}
    return [entries[i] for i in order], lost


def _cycle(waiting: Sequence[int], readers: Sequence[Sequence[int]]) -> list[int]:
    """One cycle among the nodes that still wait."""
    sources: dict[int, int] = {}
    for i, users in enumerate(readers):
        if waiting[i]:
            for k in users:
                if waiting[k]:
                    sources.setdefault(k, i)
    at = next(i for i, n in enumerate(waiting) if n)
    path: dict[int, None] = {}
    while at not in path:
        path[at] = None
        at = sources[at]
    walked = list(path)
    return walked[walked.index(at) :][::-1]


def undefined(name: str, known: Iterable[str]) -> tuple[str, str]:
    """What to say of a name that nothing defines: the fault, and what to do."""
    hint = did_you_mean(name, known)
    help = "the file is incomplete: an initializer or a node was removed, or renamed on one side only"
    return f"missing initializer or value '{name}'", f"{hint} {help}" if hint else help
