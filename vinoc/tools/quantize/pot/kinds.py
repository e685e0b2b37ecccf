"""What the value of a key may be. Each kind reads a value, and notes what is wrong with it or worth a remark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ....ir.errors import nearest
from ...problems import Notes

FLAGS = {"true": True, "false": False, "yes": True, "no": False}


class Kind(Protocol):
    def read(self, value: Any, key: str, where: str, notes: Notes) -> Any:
        """The value as Python has it; None after a problem."""


class Key(NamedTuple):
    """What stands under a name. `remark` is what is said where it is given: it changes nothing then."""

    kind: Kind
    remark: str = ""


Keys = dict[str, Key]


@dataclass(frozen=True)
class Anything:
    """Read by others."""

    def read(self, value: Any, key: str, where: str, notes: Notes) -> Any:
        return value


@dataclass(frozen=True)
class Text:
    """A text, one of the choices if there are any; upper and lower case are the same then."""

    choices: tuple[str, ...] = ()

    def read(self, value: Any, key: str, where: str, notes: Notes) -> Any:
        if value is None and "none" in self.choices:
            return "none"
        if not isinstance(value, str):
            notes.wrong(f"'{key}' is {value!r}: a text is needed", where)
            return None
        found = next((c for c in self.choices if c.lower() == value.lower()), None)
        if self.choices and found is None:
            notes.wrong(f"'{key}' cannot be '{value}'", where, nearest(value, self.choices))
        return found if self.choices else value


@dataclass(frozen=True)
class Flag:
    """true or false, also as a text."""

    def read(self, value: Any, key: str, where: str, notes: Notes) -> Any:
        if isinstance(value, str) and value.lower() in FLAGS:
            return FLAGS[value.lower()]
        if not isinstance(value, bool):
            notes.wrong(f"'{key}' is {value!r}: true or false is needed", where)
            return None
        return value


@dataclass(frozen=True)
class Number:
    """A number between two bounds."""

    low: float | None = None
    high: float | None = None
    whole: bool = False

    def read(self, value: Any, key: str, where: str, notes: Notes) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool) and value == value
        if not number or (self.whole and int(value) != value):
            notes.wrong(f"'{key}' is {value!r}: {'a whole number' if self.whole else 'a number'} is needed", where)
            return None
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            bounds = [f"at least {self.low:g}" if self.low is not None else "",
                      f"at most {self.high:g}" if self.high is not None else ""]  # fmt: skip
            notes.wrong(f"'{key}' is {value:g}: it must be {' and '.join(b for b in bounds if b)}", where)
            return None
        return int(value) if self.whole else float(value)


@dataclass(frozen=True)
class Many:
    """A list."""

    item: Kind

    def read(self, value: Any, key: str, where: str, notes: Notes) -> Any:
        if not isinstance(value, list):
            notes.wrong(f"'{key}' is {value!r}: a list is needed", where)
            return []
        places = getattr(value, "where", lambda index: where)
        return [self.item.read(v, key, places(i), notes) for i, v in enumerate(value)]


@dataclass(frozen=True)
class Fields:
    """A block with known names. `others`: what blocks by other names hold; None: there may be none."""

    keys: Keys
    others: Kind | None = None

    def read(self, value: Any, key: str, where: str, notes: Notes) -> Any:
        return read_block(value, self.keys, key, where, notes, self.others)


def read_block(
    value: Any, keys: Keys, name: str, where: str, notes: Notes, others: Kind | None = None
) -> dict[str, Any]:
    """The values of a block by their names."""
    if not isinstance(value, dict):
        notes.wrong(f"'{name}' is {value!r}: names with values are needed, {{...}}", where)
        return {}
    places = getattr(value, "where", lambda key: where)
    out = {}
    for key, given in value.items():
        known = keys.get(key, Key(others) if others is not None and isinstance(given, dict) else None)
        if known is None:
            notes.wrong(f"there is no '{key}' in '{name}'", places(key), nearest(key, keys))
            continue
        out[key] = known.kind.read(given, key, places(key), notes)
        if known.remark:
            notes.remark(f"'{key}': {known.remark}", places(key))
    return out


def listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{n}'" for n in names)
