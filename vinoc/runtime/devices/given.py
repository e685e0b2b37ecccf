"""What devices are given to compile: a model, or a file that is read when somebody wants its graph."""

from __future__ import annotations

import os
from collections.abc import Callable

from ...ir.graph import Graph


class Given:
    """A model to be compiled.

    path   the file that it is in, where it is in one that says all: a device may keep what it compiled for it
    """

    def __init__(self, read: Callable[[], Graph], path: str | os.PathLike[str] | None = None) -> None:
        self._read = read
        self._seen: Graph | None = None
        self.path = path

    @classmethod
    def of(cls, graph: Graph) -> Given:
        """Of a graph, which is not changed."""
        given = cls(graph.clone)
        given._seen = graph
        return given

    def look(self) -> Graph:
        """The graph, to be read alone: it belongs to nobody."""
        if self._seen is None:
            self._seen = self._read()
        return self._seen

    def graph(self) -> Graph:
        """A graph that belongs to who asks, as do its `sources`."""
        if self._seen is None:
            return self._read()
        copy = self._seen.clone()
        copy.sources = self._seen.sources
        return copy
