"""What installed packages bring: entry points, by name."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import VinocError


@cache
def _installed() -> Any:
    """All entry points: to find them takes as long as to find those of one group."""
    return entry_points()


@cache
def entries(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group, not yet imported. Raises VinocError, naming both, when two have one name."""
    found: dict[str, EntryPoint] = {}
    for entry in _installed().select(group=group):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise taken(group, entry.name, owner(other), owner(entry))
    return found


_loaded: set[str] = set()


def load_all(group: str) -> None:
    """Imports the modules that the entry points of a group name, once. Raises VinocError, naming the package."""
    if group in _loaded:
        return
    _loaded.add(group)  # first: what is imported may come here again
    for entry in entries(group).values():
        try:
            entry.load()
        except Exception as error:
            why = error.what if isinstance(error, VinocError) else f"{type(error).__name__}: {error}"
            raise VinocError(f"package {owner(entry)} fails: {why}", help="repair it, or uninstall it") from error


def owner(entry: EntryPoint) -> str:
    """Which package brings an entry point, and from which object."""
    return f"{entry.dist.name if entry.dist else 'unknown'} ({entry.value})"


def taken(group: str, name: str, first: str, second: str) -> VinocError:
    """The error about a name that two packages or files bring."""
    kind = group.removeprefix("vinoc.")
    return VinocError(f"two {kind} are named '{name}': one of {first}, one of {second}", help="rename one of them")
