"""Nodes in topological order: a list that is cheap to change, to walk while it changes, and to ask who comes first.

Iteration may be combined with changes: a node inserted behind the current one is visited, one inserted before it is
not, an erased node is not; the current node may be erased. A moved node is met at its new place, and iteration goes on
from there when it is the current one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .node import Node

_GAP = 1 << 40


def in_order(nodes: Iterable[Node]) -> list[Node]:
    """Nodes of one graph, as they stand in it."""
    return sorted(nodes, key=lambda n: n._order)


class Order:
    """Nodes that link each other, all with `graph` set to this. Labels that grow, with gaps, say which comes first."""

    def __init__(self) -> None:
        self._first: Node | None = None
        self._last: Node | None = None
        self._count = 0

    def __iter__(self) -> Iterator[Node]:
        node = self._first
        while node is not None:
            if node.graph is self:
                yield node
            node = node._next

    def __reversed__(self) -> Iterator[Node]:
        node = self._last
        while node is not None:
            before = node._prev
            if node.graph is self:
                yield node
            node = before

    def __len__(self) -> int:
        return self._count

    @property
    def first(self) -> Node | None:
        return self._first

    def _link(self, node: Node, before: Node | None) -> None:
        prev = self._last if before is None else before._prev
        node._prev, node._next = prev, before
        if prev is None:
            self._first = node
        else:
            prev._next = node
        if before is None:
            self._last = node
            node._order = (prev._order if prev else 0) + _GAP
        else:
            before._prev = node
            low = prev._order if prev else before._order - _GAP
            # Close to the predecessor: nodes are mostly inserted one after the other before the same node.
            node._order = low + max((before._order - low) >> 6, 1)
            if node._order >= before._order:
                self._relabel()
        self._count += 1

    def _unlink(self, node: Node) -> None:
        prev, nxt = node._prev, node._next
        if prev is None:
            self._first = nxt
        else:
            prev._next = nxt
        if nxt is None:
            self._last = prev
        else:
            nxt._prev = prev
        self._count -= 1  # the node's _next stays: an iteration that stands on it goes on from there

    def _relabel(self) -> None:
        order = 0
        node = self._first
        while node is not None:
            order += _GAP
            node._order = order
            node = node._next
