"""Packages of which a module is imported when what it declares is first asked for.

To import all of vinoc's converters and lowerings takes longer than to compile a small model, and a model needs few.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module


class Families:
    """The modules of a package by the names that they declare, when they are imported, in a table elsewhere."""

    def __init__(self, package: str, index: Mapping[str, str]) -> None:
        """`index`: module -> the names that it declares, with blanks between."""
        self._package = package
        self._loaded: set[str] = set()
        self._modules: dict[str, list[str]] = {}
        for module, names in index.items():
            for name in names.split():
                self._modules.setdefault(name, []).append(module)

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def load(self, name: str) -> None:
        """Imports what declares a name, in the order of the index."""
        for module in self._modules.get(name, ()):
            self._import(module)

    def load_all(self) -> None:
        """Imports every module of the package, listed or not."""
        from pkgutil import iter_modules

        for found in iter_modules(import_module(self._package).__path__):
            self._import(found.name)

    def _import(self, module: str) -> None:
        if module not in self._loaded:
            import_module(f"{self._package}.{module}")
            self._loaded.add(module)
