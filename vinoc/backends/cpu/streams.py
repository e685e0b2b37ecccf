"""Several inferences of one model at a time."""

from __future__ import annotations

from collections.abc import Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from .codegen.library import library
from .engine.islands import State
from .engine.locks import watch

if TYPE_CHECKING:
    from ...ir.graph import Graph
    from .blob import Blob
    from .report import Taken


class Runs(Protocol):
    """One engine: one run at a time."""

    def run(self, inputs: Sequence[Any], state: State | None = None) -> list[Any]: ...


class Streams:
    """Engines over shared kernels and packed weights, each with its own threads and arena.

    A run takes an engine that is free, or waits for one.
    """

    def __init__(self, engines: Sequence[Runs]) -> None:
        self.all = list(engines)
        self._free = self._all_free()
        watch(self)

    def _all_free(self) -> SimpleQueue[Runs]:
        free: SimpleQueue[Runs] = SimpleQueue()
        for engine in reversed(self.all):
            free.put(engine)
        return free

    def after_fork(self) -> None:
        """The threads that had an engine are not in the child."""
        self._free = self._all_free()

    def run(self, inputs: Sequence[Any], state: State | None = None) -> list[Any]:
        """The outputs; a stateful model reads and leaves its variables in `state`."""
        free = self._free
        engine = free.get()
        try:
            return engine.run(inputs, state)
        finally:
            free.put(engine)

    def run_timed(self, inputs: Sequence[Any], state: State | None = None) -> tuple[list[Any], Taken]:
        """The outputs, and what took how long; for streams that are timed."""
        from .report import take

        engine: Any = self._free.get()
        try:
            engine.profile.clear()
            return engine.run(inputs, state), take(engine.profile, engine.library)
        finally:
            self._free.put(engine)


def of_graph(
    graph: Graph,
    count: int,
    threads: int,
    accuracy: bool = False,
    timed: bool = False,
    integers: bool = True,
    exact: bool = False,
) -> Streams:
    """Streams of a graph, which is theirs: it is lowered in place, at once where its shapes are known, and its large
    constants are given up once they are packed."""
    from .device import Executable  # with all lowerings, of which a blob needs none

    first = Executable(graph, threads, accuracy=accuracy, owned=True, timed=timed, integers=integers, exact=exact)
    engines = [first, *(Executable(graph, threads, parent=first) for _ in range(count - 1))]
    for engine in engines:
        engine.prepare()
    return Streams(engines)


def of_blob(blob: Blob, count: int, threads: int) -> Streams:
    """Streams of a model that was compiled before."""
    from .blob import Loaded

    return Streams([Loaded(blob, library("host"), threads) for _ in range(count)])
