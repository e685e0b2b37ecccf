"""Finding passes by name: the entry-point group `vinoc.passes`, and files given with `--plugin`.

Built-in passes come through the same door as everybody's.
"""

from __future__ import annotations

import inspect
from dataclasses import field
from types import ModuleType

from ..ir.entries import Entry, entries, taken
from ..ir.entries import owner as owner_of
from ..ir.errors import UsageError, VinocError, did_you_mean
from ..ir.record import record
from .base import Pass

GROUP = "vinoc.passes"


@record()
class _Found:
    entries: dict[str, Entry]
    classes: dict[str, tuple[type[Pass], str]] = field(default_factory=dict)  # from files: class, owner


_found: _Found | None = None


def _all() -> _Found:
    global _found
    if _found is None:
        _found = _Found(entries(GROUP))
    return _found


def names() -> list[str]:
    """The names of all passes, sorted."""
    return sorted(known())


def known() -> set[str]:
    """The names of all passes."""
    found = _all()
    return {*found.entries, *found.classes}


def owner(name: str) -> str:
    """Who provides a pass: a distribution or a file."""
    found = _all()
    return found.classes[name][1] if name in found.classes else owner_of(found.entries[name])


def pass_class(name: str) -> type[Pass]:
    """The pass of that name. Raises UsageError with the nearest name."""
    found = _all()
    if name in found.classes:
        return found.classes[name][0]
    entry = found.entries.get(name)
    if entry is None:
        hint = did_you_mean(name, names())
        raise UsageError(f"no pass named '{name}'", help=f"{hint} `vinoc passes` lists all".strip())
    try:
        cls = entry.load()
    except (ImportError, AttributeError) as error:
        raise VinocError(f"pass '{name}' of {owner_of(entry)} cannot be loaded: {error}") from error
    if not (isinstance(cls, type) and issubclass(cls, Pass)):
        raise VinocError(f"entry point '{name}' of {owner_of(entry)} is not a pass: {entry.value}")
    if cls.name != name:
        raise VinocError(f"entry point '{name}' of {owner_of(entry)} holds the pass '{cls.name}': the names must agree")
    return cls


def add_module(module: ModuleType, owner: str) -> list[str]:
    """Registers the passes that a plugin file declares; returns their names.

    Raises VinocError, naming both owners, when a name is taken.
    """
    found = _all()
    added = []
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if not issubclass(cls, Pass) or cls.__module__ != module.__name__ or "name" not in vars(cls):
            continue
        if cls.name in found.entries:
            raise taken(GROUP, cls.name, owner_of(found.entries[cls.name]), owner)
        if cls.name in found.classes and found.classes[cls.name][1] != owner:
            raise taken(GROUP, cls.name, found.classes[cls.name][1], owner)
        found.classes[cls.name] = (cls, owner)
        added.append(cls.name)
    return added
