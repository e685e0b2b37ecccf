"""What a backend is, and how backends are found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ..ir.entries import entries
from ..ir.errors import UsageError, nearest
from ..ir.graph import Graph

GROUP = "vinoc.backends"


class Backend(Protocol):
    """Turns a graph into files.

    name      what `--target` calls it
    lowering  the pipeline that brings any graph to what the backend takes; a string, so that it can be
              shown, dumped and diffed like any other
    """

    name: str
    lowering: str

    def write(self, graph: Graph, directory: Path, name: str, **options: Any) -> Sequence[Path]:
        """Writes a lowered graph to files called `name` plus a suffix each, all of them or none.

        Raises VinocError, with every problem of the graph at once.
        """


def backend(name: str) -> Backend:
    """The backend of that name, made new. Raises UsageError with the nearest name."""
    known = entries(GROUP)
    if name not in known:
        raise UsageError(f"no target named '{name}'", help=nearest(name, sorted(known)))
    made: Backend = known[name].load()()
    return made
