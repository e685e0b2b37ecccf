"""What a backend is, and how backends are found."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..ir.errors import UsageError, VinocError, did_you_mean
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


@runtime_checkable
class ExecutableBackend(Backend, Protocol):
    """A backend that also runs what it makes."""

    def compile(self, graph: Graph, **options: Any) -> Any:
        """An executable of a lowered graph."""

    def load(self, path: Path) -> Any:
        """An executable of files that `write` made."""


def entries() -> dict[str, EntryPoint]:
    """All backends that are installed, not yet imported. Raises VinocError when two have one name."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise VinocError(
                f"target '{entry.name}' is declared twice: by {other.value} and by {entry.value}",
                help="uninstall one of the two packages, or rename its entry point",
            )
    return found


def backend(name: str) -> Backend:
    """The backend of that name, made new. Raises UsageError with the nearest name."""
    known = entries()
    if name not in known:
        hint = did_you_mean(name, known) or f"there are: {', '.join(sorted(known)) or 'none; is vinoc installed?'}"
        raise UsageError(f"no target named '{name}'", help=hint)
    made: Backend = known[name].load()()
    return made
