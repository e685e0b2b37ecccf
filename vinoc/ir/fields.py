"""Typed fields: the attributes of operations and the options of passes, read from a dataclass's annotations.

Annotations are resolved at first use, because resolving them is slow and most classes are never touched.
"""

from __future__ import annotations

import dataclasses
import sys
import types as _pytypes
import typing
from collections.abc import Callable
from typing import Any, Literal

from .buffer import Buffer
from .dtype import DType
from .errors import VinocError, did_you_mean
from .record import record

Check = Callable[[Any], Any]


@record(frozen=True)
class Attribute:
    """An attribute of an operation, from its field."""

    name: str
    kind: str  # int, float, bool, str, dtype, enum, ints, floats, strs, buffer
    default: Any
    choices: tuple[str, ...] = ()
    optional: bool = False
    ir_name: str = ""  # spelling in OpenVINO IR where it is another

    @property
    def required(self) -> bool:
        return self.default is dataclasses.MISSING


_ATTRIBUTES: dict[type, tuple[Attribute, ...]] = {}
_KINDS: dict[Any, str] = {int: "int", float: "float", bool: "bool", str: "str", DType: "dtype", Buffer: "buffer"}
USUAL = {kind: type for type, kind in _KINDS.items()}
"""The type that values of a kind have already, as a rule."""
_LISTS: dict[Any, str] = {int: "ints", float: "floats", str: "strs"}
_ELEMENT: dict[str, Callable[[Any], Any]] = {"ints": int, "floats": float, "strs": str}


def attributes_of(cls: type) -> tuple[Attribute, ...]:
    """The fields of a dataclass, in order of declaration."""
    found = _ATTRIBUTES.get(cls)
    if found is None:
        space = _namespace(cls)
        found = tuple(
            _attribute(f, eval(f.type, space) if isinstance(f.type, str) else f.type) for f in dataclasses.fields(cls)
        )
        _ATTRIBUTES[cls] = found
    return found


def _namespace(cls: type) -> dict[str, Any]:
    """The names that the annotations of a class and of its bases may use."""
    space: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        module = sys.modules.get(base.__module__)
        if module is not None:
            space.update(vars(module))
    return space


def _attribute(f: dataclasses.Field[Any], annotation: Any) -> Attribute:
    optional = False
    origin = typing.get_origin(annotation)
    if origin is typing.Union or origin is _pytypes.UnionType:
        (annotation,) = (a for a in typing.get_args(annotation) if a is not type(None))
        optional = True
        origin = typing.get_origin(annotation)
    choices: tuple[str, ...] = ()
    if origin is Literal:
        kind, choices = "enum", typing.get_args(annotation)
    elif origin is tuple:
        kind = _LISTS.get(typing.get_args(annotation)[0], "object")
    else:
        kind = _KINDS.get(annotation, "object")
    return Attribute(f.name, kind, f.default, choices, optional, f.metadata.get("ir_name") or f.name)


def checker(owner: str, a: Attribute) -> Check:
    """A function that brings a value to the attribute's type, or raises VinocError."""
    check = _list_check if a.kind in _ELEMENT else _scalar_check
    usual = USUAL.get(a.kind)

    def checked(value: Any) -> Any:
        if type(value) is usual or (value is None and a.optional):
            return value
        fixed = check(a, value)
        if fixed is _REFUSED:
            raise _refusal(owner, a, value)
        return fixed

    return checked


_REFUSED = object()


def _scalar_check(a: Attribute, value: Any) -> Any:
    kind = a.kind
    if kind == "object":
        return value
    if kind == "int":
        return int(value) if hasattr(value, "__index__") and not isinstance(value, bool) else _REFUSED
    if kind == "float":
        return float(value) if hasattr(value, "__float__") and not isinstance(value, bool) else _REFUSED
    if kind == "bool":
        return bool(value) if not isinstance(value, str) and value in (0, 1) else _REFUSED
    if kind == "enum":
        return value if isinstance(value, str) and value in a.choices else _REFUSED
    return value if isinstance(value, USUAL[kind]) else _REFUSED


def _list_check(a: Attribute, value: Any) -> Any:
    element = _ELEMENT[a.kind]
    if type(value) is tuple and {element}.issuperset(map(type, value)):
        return value
    if isinstance(value, str):
        return _REFUSED
    try:
        return tuple(map(element, value))
    except (TypeError, ValueError):
        return _REFUSED


def _refusal(owner: str, a: Attribute, value: Any) -> VinocError:
    expected = f"one of {', '.join(a.choices)}" if a.choices else a.kind
    hint = did_you_mean(value, a.choices) if isinstance(value, str) else ""
    return VinocError(f"attribute `{a.name}` of {owner} is {value!r}, expected {expected}", help=hint or None)
