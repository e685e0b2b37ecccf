"""Options of readers, preprocessors, metrics and their like: fields of dataclasses, read from a configuration.

    @metric("accuracy")
    class Accuracy(Metric):
        top_k: int = option(1, "how many of the best classes count", low=1)

A field's annotation is the type: bool, int, float, str, Path, dict, a tuple of one of these, or one of these or None.
Numbers may be written as text, tuples as lists, as one value or as text with commas.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ...ir.errors import UsageError, VinocError, did_you_mean, nearest
from ..problems import check

T = TypeVar("T")

NOWHERE: Mapping[str, str] = {}

WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True)
class Bounds:
    """What values of an option may be, and what it is for."""

    doc: str
    name: str = ""
    """what a configuration calls it, where that is not the field's name"""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def option(
    default: Any = MISSING, doc: str = "", *, low: float | None = None, high: float | None = None,
    choices: Sequence[str] = (), name: str = "",
) -> Any:  # fmt: skip
    """A field that a configuration sets, by its own name or another; without a default it has to."""
    about = {"option": Bounds(doc, name, low, high, tuple(choices))}
    if isinstance(default, dict | list):
        return field(default_factory=lambda: type(default)(default), metadata=about)
    return field(default=default, metadata=about)


def options_of(cls: type) -> dict[str, Field[Any]]:
    """The options of a class by the names that a configuration calls them by."""
    return {f.metadata["option"].name or f.name: f for f in fields(cls) if "option" in f.metadata}


def configure(cls: type[T], given: Mapping[str, Any], where: str, places: Mapping[str, str] = NOWHERE) -> T:
    """An object with these options. Raises a UsageError with all that is wrong with them.

    `where` names the place in the configuration, `places` those of single options. Options of other tools without a
    meaning here, which the class lists in `ignored`, are left out.
    """
    known = options_of(cls)
    problems: list[VinocError] = [
        UsageError(
            f"there is no option '{name}'", places.get(name, where), did_you_mean(str(name), known) or _listed(known)
        )
        for name in given
        if name not in known and name not in getattr(cls, "ignored", ())
    ]
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for name, f in known.items():
        if name not in given:
            if f.default is MISSING and f.default_factory is MISSING:
                problems.append(UsageError(f"option '{name}' is missing", where, f.metadata["option"].doc or None))
            continue
        try:
            values[f.name] = _checked(parse(given[name], hints[f.name]), f.metadata["option"])
        except ValueError as error:
            where_it_is = places.get(name, where)
            problems.append(UsageError(f"option '{name}' {error}", where_it_is, getattr(error, "help", None)))
    check(problems, where)
    try:
        return cls(**values)
    except VinocError as error:  # options that do not go together: `__post_init__` says so
        if error.where is None:
            error.where = where
        raise


def _listed(known: Mapping[str, Any]) -> str:
    return f"options are {', '.join(sorted(known))}" if known else "it has no options"


class _Wrong(ValueError):
    def __init__(self, what: str, help: str | None = None) -> None:
        super().__init__(what)
        self.help = help


def _checked(value: Any, bounds: Bounds) -> Any:
    for one in value if isinstance(value, tuple) else (value,):
        number = isinstance(one, int | float) and not isinstance(one, bool)
        if number and bounds.low is not None and one < bounds.low:
            raise _Wrong(f"is {one}: it must be at least {bounds.low:g}")
        if number and bounds.high is not None and one > bounds.high:
            raise _Wrong(f"is {one}: it may be {bounds.high:g} at most")
        if bounds.choices and one is not None and one not in bounds.choices:
            raise _Wrong(f"cannot be '{one}'", nearest(str(one), bounds.choices))
    return value


def parse(value: Any, hint: Any) -> Any:
    """A value of a configuration as a type. Raises ValueError: `is 'x': a number is needed`."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _one_of(value, get_args(hint))
    if origin is tuple:
        return _several(value, get_args(hint)[0])
    if origin in (dict, Mapping) or hint is dict or hint is Mapping:
        if not isinstance(value, dict):
            raise _Wrong(f"is {value!r}: pairs of a name and a value are needed")
        return dict(value)
    if hint is Any:
        return value
    return _plain(value, hint)


def _one_of(value: Any, kinds: tuple[Any, ...]) -> Any:
    if value is None or (isinstance(value, str) and value.lower() in ("none", "null")):
        if type(None) in kinds:
            return None
        raise _Wrong("is empty")
    tries = [k for k in kinds if k is not type(None)]
    for kind in tries[:-1]:
        try:
            return parse(value, kind)
        except ValueError:
            continue
    return parse(value, tries[-1])


def _several(value: Any, kind: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = [word for word in value.strip("[]() ").replace(",", " ").split() if word]
    elif not isinstance(value, list | tuple):
        value = [value]
    return tuple(parse(v, kind) for v in value)


def _plain(value: Any, kind: Any) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in WORDS:
            return WORDS[str(value).lower()]
        raise _Wrong(f"is {value!r}: true or false is needed")
    if kind in (int, float):
        return _number(value, kind)
    if isinstance(value, dict | list | tuple) or value is None:
        raise _Wrong(f"is {value!r}: one value is needed")
    if kind is Path:
        return Path(str(value)).expanduser()
    return str(value)


def _number(value: Any, kind: type) -> Any:
    what = "a whole number" if kind is int else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _Wrong(f"is {value!r}: {what} is needed")
    try:
        number = float(value)
    except ValueError:
        raise _Wrong(f"is {value!r}: {what} is needed") from None
    if kind is int:
        if number != number or number in (float("inf"), -float("inf")) or int(number) != number:
            raise _Wrong(f"is {value!r}: {what} is needed")
        return int(value) if not isinstance(value, str) else int(number)
    return number
