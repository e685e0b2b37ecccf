"""What installed packages bring: entry points, by name.

`importlib.metadata` would find them too, but to import it, with the parsers of mail and archives that it needs, takes
as long as to load a small model. Where packages lie in plain folders, as they nearly always do, these are read here.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import cache, reduce
from importlib import import_module
from importlib.machinery import PathFinder
from typing import Any, NamedTuple

from .errors import VinocError


class Entry(NamedTuple):
    """An object that a package brings: `value` is "module:attribute"."""

    name: str
    value: str
    package: str = "unknown"

    def load(self) -> Any:
        """Imports the module. What that raises, and AttributeError, are the caller's to explain."""
        module, _, path = self.value.partition("[")[0].partition(":")
        if not module.strip():
            raise ImportError(f"'{self.value}' names no module")
        return reduce(getattr, filter(None, path.strip().split(".")), import_module(module.strip()))


@cache
def entries(group: str) -> dict[str, Entry]:
    """The entry points of a group, not yet imported. Raises VinocError, naming both, when two have one name."""
    found: dict[str, Entry] = {}
    for entry in _installed().get(group, ()):
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


def owner(entry: Entry) -> str:
    """Which package brings an entry point, and from which object."""
    return f"{entry.package} ({entry.value})"


def taken(group: str, name: str, first: str, second: str) -> VinocError:
    """The error about a name that two packages or files bring."""
    kind = group.removeprefix("vinoc.")
    return VinocError(f"two {kind} are named '{name}': one of {first}, one of {second}", help="rename one of them")


@cache
def _installed() -> dict[str, list[Entry]]:
    """All entry points of groups of ours: of several packages of one name those of the first on the path."""
    found: dict[str, list[Entry]] = {}
    seen: set[str] = set()
    for package, text in _in_folders() if _are_plain() else _declared():
        if package not in seen:
            seen.add(package)
            for group, name, value in _parsed(text):
                found.setdefault(group, []).append(Entry(name, value, package))
    return found


def _are_plain() -> bool:
    """Whether all packages lie in folders: no archives, no eggs, no other finder that knows of packages."""
    others = any(f is not PathFinder and hasattr(f, "find_distributions") for f in sys.meta_path)
    return not (others or any(p.endswith(".egg") or os.path.isfile(p) for p in sys.path))


def _in_folders() -> Iterator[tuple[str, str]]:
    """(package, its entry_points.txt) of all packages in the folders of the path."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            stem, ending = os.path.splitext(name)
            if ending.lower() in (".dist-info", ".egg-info"):
                yield _normal(stem.partition("-")[0]), _read(os.path.join(folder, name, "entry_points.txt"))


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode()
    except OSError:  # most packages have none
        return ""


def _declared() -> Iterator[tuple[str, str]]:
    """The same of all packages that Python knows of."""
    from importlib.metadata import distributions

    for package in distributions():
        yield _normal(package.metadata["Name"] or ""), package.read_text("entry_points.txt") or ""


def _normal(name: str) -> str:
    """One spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _parsed(text: str) -> Iterator[tuple[str, str, str]]:
    """(group, name, value) of the entry points in a file, for groups of ours."""
    if "[vinoc." not in text:
        return
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
        elif group.startswith("vinoc.") and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield group, name.strip(), value.strip()
