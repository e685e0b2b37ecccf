"""What installed packages bring: entry points, by name."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from .errors import VinocError


@cache
def entries(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group, not yet imported. Raises VinocError, naming both, when two have one name."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise taken(group, entry.name, owner(other), owner(entry))
    return found


def owner(entry: EntryPoint) -> str:
    """Which package brings an entry point, and from which object."""
    return f"{entry.dist.name if entry.dist else 'unknown'} ({entry.value})"


def taken(group: str, name: str, first: str, second: str) -> VinocError:
    """The error about a name that two packages or files bring."""
    kind = group.removeprefix("vinoc.")
    return VinocError(f"two {kind} are named '{name}': one of {first}, one of {second}", help="rename one of them")
