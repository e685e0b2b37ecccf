"""Dataclasses whose methods are written when they are first used.

`dataclass` writes and compiles half a dozen methods of each class while the class is imported, which takes longer than
to import a small module, and a process uses few of the classes that its modules declare. Here the methods that all such
classes have in common are written once, below; `__init__` is made with the first instance.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from threading import RLock
from types import CodeType, FunctionType
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(field_specifiers=(field,))
def record(
    *, frozen: bool = False, eq: bool = True, kw_only: bool = False, repr: bool = True
) -> Callable[[type[T]], type[T]]:
    """`dataclass`, made when it is used. `fields`, `replace`, `asdict` know it; what inherits from it is a record too.

    There are no slots, which would need another class.
    """

    def declare(cls: type[T]) -> type[T]:
        later(cls, frozen=frozen, eq=eq, kw_only=kw_only, repr=repr)
        return cls

    return declare


def later(cls: type, *, frozen: bool = False, eq: bool = True, kw_only: bool = False, repr: bool = True) -> None:
    """Makes a class a dataclass when its first instance is made, or its fields are asked for."""
    given = vars(cls)
    shared: dict[str, Any] = {}
    if repr:
        shared["__repr__"] = _repr
    if eq:
        shared["__eq__"] = _equal
        if given.get("__hash__") is None:  # Python sets it to None where there is an __eq__
            shared["__hash__"] = _hash if frozen else None
    if frozen:
        shared |= {"__setattr__": _no_change, "__delattr__": _no_change}
    for name, method in shared.items():
        if given.get(name) is None:
            setattr(cls, name, method)
    for name in _Unfinished.NAMES if eq else _Unfinished.NAMES[:-1]:
        if name not in given:
            setattr(cls, name, _Unfinished(name, kw_only))


@recursive_repr()
def _repr(self: Any) -> str:
    values = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
    return f"{type(self).__qualname__}({values})"


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = type(self)._compared
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(type(self)._compared(self))


def _no_change(self: Any, name: str, *value: Any) -> None:
    raise FrozenInstanceError(f"cannot {'assign to' if value else 'delete'} field '{name}'")


class _Unfinished:
    """Stands for what is made for a class alone, until it is touched."""

    NAMES = ("__init__", "__dataclass_fields__", "__match_args__", "_compared")
    LOCK = RLock()

    def __init__(self, name: str, kw_only: bool) -> None:
        self.name = name
        self.kw_only = kw_only

    def __get__(self, instance: object, owner: type) -> Any:
        with self.LOCK:
            cls = next((c for c in owner.__mro__ if c.__dict__.get(self.name) is self), None)
            if cls is not None:  # another thread may have been here before
                self._finish(cls)
        return getattr(owner if instance is None else instance, self.name)

    def _finish(self, cls: type) -> None:
        if not cls.__doc__:
            cls.__doc__ = cls.__name__  # else `dataclass` would write the signature there, and come here for it
        dataclass(init=False, repr=False, eq=False, match_args=False, kw_only=self.kw_only)(cls)
        own = fields(cls)  # it is a dataclass now
        made = {
            "__init__": _init(cls, [f for f in own if f.init], {f.name: f.default_factory for f in own}),
            "__match_args__": tuple(f.name for f in own if f.init and not f.kw_only),
            "_compared": _getter([f.name for f in own if f.compare]),
        }
        for name, value in made.items():
            if isinstance(vars(cls).get(name), _Unfinished):
                setattr(cls, name, value)


def _init(cls: type, own: list[Field[Any]], factories: dict[str, Any]) -> FunctionType:
    """`__init__` of a class with these fields: the code of one with as many fields of other names."""
    plain = {f.name: f for f in own if not f.kw_only}
    named = {f.name: f for f in own if f.kw_only}
    factories = {name: make for name, make in factories.items() if make is not MISSING}
    code = _code(len(own), bool(factories), hasattr(cls, "__post_init__"))
    names: dict[object, Any] = {f"_{i}": name for i, name in enumerate((*plain, *named))}
    code = code.replace(
        co_argcount=1 + len(plain),
        co_kwonlyargcount=len(named),
        co_varnames=tuple([names.get(n, n) for n in code.co_varnames]),
        co_consts=tuple([names.get(c, c) for c in code.co_consts]),
    )
    made = FunctionType(code, {"_factories": factories, "_MISSING": MISSING}, "__init__")
    made.__defaults__ = tuple(_defaults(plain).values())
    made.__kwdefaults__ = _defaults(named)
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {**{f.name: f.type for f in own}, "return": None}
    return made


def _defaults(own: dict[str, Field[Any]]) -> dict[str, Any]:
    """What fields are that are left out: MISSING where a factory makes it."""
    optional = {name: f for name, f in own.items() if f.default is not MISSING or f.default_factory is not MISSING}
    return {name: f.default for name, f in optional.items()}


@cache
def _code(count: int, made: bool, after: bool) -> CodeType:
    """The code of an `__init__` with fields `_0`, `_1`, ..., which makes absent ones, and calls `__post_init__` after.

    To compile one takes ten times as long as to give its names others.
    """
    names = [f"_{i}" for i in range(count)]
    lines = [
        f"def __init__({', '.join(['self', *names])}):",
        " _dict = self.__dict__",  # `__setattr__` may refuse
        *(f" _dict[{name!r}] = {name}" for name in names),
    ]
    if made:
        lines.append(" _dict.update({n: f() for n, f in _factories.items() if _dict.get(n, _MISSING) is _MISSING})")
    if after:
        lines.append(" self.__post_init__()")
    space: dict[str, Any] = {}
    exec("\n".join(lines), space)
    code: CodeType = space["__init__"].__code__
    return code


def _getter(names: list[str]) -> Callable[[Any], Any]:
    """What takes the values of fields from an object, as a tuple."""
    return attrgetter(*names) if len(names) > 1 else lambda self: tuple([getattr(self, n) for n in names])


if hasattr(os, "register_at_fork"):  # no child is born with the lock closed, or a class half made
    _of = _Unfinished.LOCK
    os.register_at_fork(before=_of.acquire, after_in_parent=_of.release, after_in_child=_of.release)
