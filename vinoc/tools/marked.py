"""Blocks and lists that know in which file and line each of their entries stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Place(NamedTuple):
    """A line of a file, and a column where it is known, counted from 1; 0: what is in no file."""

    file: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


class Map(dict[Any, Any]):
    """A block of names and values. `place` is its beginning, `places` has that of each name."""

    def __init__(self, items: Mapping[Any, Any], place: Place, places: Mapping[Any, Place]) -> None:
        super().__init__(items)
        self.place = place
        self.places = dict(places)

    def __reduce__(self) -> Any:
        return Map, (dict(self), self.place, self.places)

    def where(self, key: Any = None) -> str:
        """`config.yml:12`, of a name or of the block."""
        return str(self.places.get(key, self.place))

    def over(self, other: Map) -> Map:
        """The entries of both; where both have one, this block's."""
        return Map({**other, **self}, self.place, {**other.places, **self.places})

    def without(self, *names: Any) -> Map:
        return Map({k: v for k, v in self.items() if k not in names}, self.place, self.places)

    def changed(self, **values: Any) -> Map:
        """With other values, each at the place of the one before, or of the block."""
        return Map({**self, **values}, self.place, self.places)


class Seq(list[Any]):
    """A list. `places` has the line of each element."""

    def __init__(self, items: list[Any], place: Place, places: list[Place]) -> None:
        super().__init__(items)
        self.place = place
        self.places = places

    def __reduce__(self) -> Any:
        return Seq, (list(self), self.place, self.places)

    def where(self, index: int) -> str:
        return str(self.places[index] if index < len(self.places) else self.place)


def as_map(given: Mapping[str, Any], what: str) -> Map:
    """Blocks and lists of Python as those of a file, whose place is `what`."""
    made = _as_marked(given, Place(what, 0))
    assert isinstance(made, Map)
    return made


def _as_marked(value: Any, place: Place) -> Any:
    if isinstance(value, Map | Seq):
        return value
    if isinstance(value, Mapping):
        return Map({k: _as_marked(v, place) for k, v in value.items()}, place, {})
    if isinstance(value, list | tuple):
        return Seq([_as_marked(v, place) for v in value], place, [])
    return value
