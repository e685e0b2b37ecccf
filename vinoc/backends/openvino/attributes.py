"""Attributes as OpenVINO IR spells them, derived from the fields of the operations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any

from ...ir.dim import Dim, Sym
from ...ir.errors import Unsupported
from ...ir.fields import Attribute, attributes_of
from ...ir.op import Op
from ...ir.types import Shape

_SPECIAL = re.compile("[^ !#-%'-;=?-~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}

_NOT_DATA = {("Convert", "decompression")}
"""Fields that IR keeps elsewhere than among the attributes."""


def escape(text: str) -> str:
    """Text for an attribute value in double quotes; what XML cannot hold becomes U+FFFD."""
    return _SPECIAL.sub(_entity, text) if _SPECIAL.search(text) else text


def _entity(match: re.Match[str]) -> str:
    char = match[0]
    if char in _ENTITIES:
        return _ENTITIES[char]
    return char if "\x7f" <= char <= "\x9f" else "\ufffd"


def representable(text: str) -> bool:
    """True when XML can hold the text, and a list of names gives it back."""
    return "\ufffd" not in escape(text) and not text.endswith("\\")


def name_list(names: Iterable[str]) -> str:
    """Tensor names as a port lists them, escaped."""
    return escape(",".join([n.replace(",", "\\,") if "," in n else n for n in names]))


def number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def dim(value: Dim) -> str:
    """A dimension of a Parameter: `3`, `?`, `1..8`, `1..`."""
    if not isinstance(value, Sym):
        return str(value)
    lo, hi = max(value.lo, 0), value.hi
    if lo == 0 and hi == inf:
        return "?"
    return f"{int(lo)}..{'' if hi == inf else int(hi)}"


def shape(value: Shape | None) -> str:
    """The shape of a Parameter; `...` where the rank is not known."""
    return "..." if value is None else ",".join(map(dim, value))


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(map(number, values))


def _integers(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


def _strings(values: Sequence[str]) -> str:
    return escape(", ".join(values))


def _object(value: Any) -> str:
    if value is None or (isinstance(value, tuple) and all(isinstance(v, int | Sym) for v in value)):
        return shape(value)
    raise Unsupported(f"an attribute of type {type(value).__name__} has no spelling in OpenVINO IR")


_SPELL: dict[str, Callable[[Any], str]] = {
    "int": str,
    "float": number,
    "bool": _boolean,
    "str": escape,
    "enum": escape,
    "dtype": str,
    "ints": _integers,
    "floats": _numbers,
    "strs": _strings,
    "object": _object,
}

_SPELLERS: dict[type[Op], tuple[tuple[str, str, Callable[[Any], str]], ...]] = {}


def _spellers(cls: type[Op]) -> tuple[tuple[str, str, Callable[[Any], str]], ...]:
    """Field, start of the text, and spelling of each attribute of an operation."""
    found = _SPELLERS.get(cls)
    if found is None:
        written: Iterable[Attribute] = () if cls.n_bodies else attributes_of(cls)
        found = _SPELLERS[cls] = tuple(
            (a.name, f' {a.ir_name or a.name}="', _SPELL[a.kind])
            for a in written
            if (cls.kind, a.name) not in _NOT_DATA and a.kind in _SPELL
        )
    return found


def data(op: Op) -> str:
    """The attributes of an operation as text: ` axis="1" mode="max"`, or nothing. Raises Unsupported."""
    parts = []
    for field, start, spell in _spellers(type(op)):
        value = getattr(op, field)
        if value is not None or spell is _object:  # the shape None is an unknown one
            parts.append(f'{start}{spell(value)}"')
    return "".join(parts)
