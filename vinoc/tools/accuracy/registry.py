"""Classes by the names that a configuration calls them by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar, get_type_hints

from ...ir.errors import UsageError, nearest
from .options import NOWHERE, configure, options_of

T = TypeVar("T")


@dataclass(frozen=True)
class Described:
    """A row of the documentation: (option, type, default, doc) of each option."""

    names: tuple[str, ...]
    paragraphs: tuple[str, ...]
    options: tuple[tuple[str, str, str, str], ...]
    module: str


class Registry(Generic[T]):
    """Classes of one kind. They register when the modules of `package` are imported, which is done when one is sought.

    `@registry("accuracy", "top1")` gives a class names, the first its own.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._classes: dict[str, type[T]] = {}
        self._loaded = False

    def __call__(self, *names: str) -> Callable[[type[T]], type[T]]:
        def declare(cls: type[T]) -> type[T]:
            for name in names:
                if self._classes.setdefault(name, cls) is not cls:
                    raise UsageError(f"two {self.kind}s are named '{name}'")
            cls.name = names[0]  # type: ignore[attr-defined]
            return cls

        return declare

    def _all(self) -> dict[str, type[T]]:
        if not self._loaded:
            package = import_module(self.package)
            for module in iter_modules(package.__path__):
                import_module(f"{self.package}.{module.name}")
            self._loaded = True
        return self._classes

    def names(self) -> list[str]:
        return sorted(self._all())

    def find(self, name: str, where: str = "") -> type[T]:
        """The class of a name. Raises UsageError with the nearest name."""
        found = self._all().get(name)
        if found is None:
            raise UsageError(f"there is no {self.kind} '{name}'", where or None, nearest(name, self.names()))
        return found

    def make(self, name: str, given: Mapping[str, Any], where: str = "", places: Mapping[str, str] = NOWHERE) -> T:
        """An object of a class, with options, as `configure` makes it. Raises UsageError."""
        return configure(self.find(name, where), given, where or f"{self.kind} '{name}'", places)

    def describe(self) -> Iterator[Described]:
        """All of them, for the documentation."""
        classes = self._all()
        for cls in sorted(set(classes.values()), key=lambda c: str(c.name)):  # type: ignore[attr-defined]
            names = [n for n, c in classes.items() if c is cls]
            yield Described(tuple(names), _paragraphs(cls.__doc__ or ""), tuple(_options(cls)), cls.__module__)


def _paragraphs(doc: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in doc.split("\n\n") if part.strip())


def _options(cls: type) -> Iterator[tuple[str, str, str, str]]:
    hints = get_type_hints(cls)
    for name, f in options_of(cls).items():
        if f.default is not MISSING:
            default = repr(f.default)
        else:
            default = "required" if f.default_factory is MISSING else repr(f.default_factory())
        about = f.metadata["option"]
        kind = " | ".join(about.choices) or _kind(hints[f.name])
        yield name, kind, default, about.doc


def _kind(hint: Any) -> str:
    text = hint.__name__ if isinstance(hint, type) and not hasattr(hint, "__args__") else str(hint)
    text = text.replace("typing.", "").replace("pathlib.", "").replace("_local.", "").replace("collections.abc.", "")
    return text.replace("tuple[", "list[").replace(", ...]", "]").replace(" | None", "")
