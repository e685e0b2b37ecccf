"""Several inferences of one model at a time."""

from __future__ import annotations

from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any

from ...ir.graph import Graph
from .device import Executable
from .engine.islands import State


class Streams:
    """`count` engines over shared kernels and packed weights, each with its own threads and arena.

    A run takes an engine that is free, or waits for one. The graph is theirs: it is lowered in place, at once where its
    shapes are known, and its large constants are given up once they are packed.
    """

    def __init__(self, graph: Graph, count: int, threads: int, accuracy: bool = False) -> None:
        first = Executable(graph, threads, accuracy=accuracy, owned=True)
        self.all = [first, *(Executable(graph, threads, parent=first) for _ in range(count - 1))]
        self._free: SimpleQueue[Executable] = SimpleQueue()
        for executable in reversed(self.all):
            executable.prepare()
            self._free.put(executable)

    def run(self, inputs: Sequence[Any], state: State | None = None) -> list[Any]:
        """The outputs; a stateful model reads and leaves its variables in `state`."""
        executable = self._free.get()
        try:
            return executable.run(inputs, state)
        finally:
            self._free.put(executable)
