"""Dataclasses whose methods are written when they are first used.

`dataclass` writes and compiles half a dozen methods of each class while the class is imported, which takes longer than
to import a small module, and a process uses few of the classes that its modules declare. Here the methods that all such
classes have in common are written once, below; `__init__` is compiled with the first instance.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from reprlib import recursive_repr
from threading import RLock
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
            setattr(cls, name, _Unfinished(name, frozen, kw_only))


@recursive_repr()
def _repr(self: Any) -> str:
    values = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
    return f"{type(self).__qualname__}({values})"


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self._compared() == other._compared()


def _hash(self: Any) -> int:
    return hash(self._compared())


def _no_change(self: Any, name: str, *value: Any) -> None:
    raise FrozenInstanceError(f"cannot {'assign to' if value else 'delete'} field '{name}'")


class _Unfinished:
    """Stands for what is made for a class alone, until it is touched."""

    NAMES = ("__init__", "__dataclass_fields__", "__match_args__", "_compared")
    LOCK = RLock()

    def __init__(self, name: str, frozen: bool, kw_only: bool) -> None:
        self.name = name
        self.frozen = frozen
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
        made = _written(cls, own, self.frozen)
        made["__match_args__"] = tuple(f.name for f in own if f.init and not f.kw_only)
        for name in ("__match_args__", "_compared", "__init__"):
            if isinstance(vars(cls).get(name), _Unfinished):
                setattr(cls, name, made[name])


def _written(cls: type, own: tuple[Field[Any], ...], frozen: bool) -> dict[str, Any]:
    """`__init__` and `_compared` of a class with these fields."""
    names: dict[str, Any] = {"_MISSING": MISSING}
    names |= {f"_default_{f.name}": f.default for f in own}
    names |= {f"_make_{f.name}": f.default_factory for f in own}
    plain = [_parameter(f) for f in own if f.init and not f.kw_only]
    named = [_parameter(f) for f in own if f.init and f.kw_only]
    parameters = ["self", *plain, *(["*", *named] if named else [])]
    body = [f" _dict[{n!r}] = {v}" if frozen else f" self.{n} = {v}" for n, v in _values(own)]
    if frozen and body:
        body.insert(0, " _dict = self.__dict__")  # whose `__setattr__` refuses
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    compared = "".join(f"self.{f.name}, " for f in own if f.compare)
    source = "\n".join(
        [
            f"def __init__({', '.join(parameters)}):",
            *(body or [" pass"]),
            f"def _compared(self): return ({compared})",
        ]
    )
    exec(compile(source, f"<record {cls.__qualname__}>", "exec"), names)
    made = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {**{f.name: f.type for f in own if f.init}, "return": None}
    return names


def _parameter(f: Field[Any]) -> str:
    if f.default_factory is not MISSING:
        return f"{f.name}=_MISSING"
    return f.name if f.default is MISSING else f"{f.name}=_default_{f.name}"


def _values(own: tuple[Field[Any], ...]) -> Iterator[tuple[str, str]]:
    """The fields that `__init__` sets, and their values as Python text."""
    for f in own:
        if f.default_factory is not MISSING:
            yield f.name, f"_make_{f.name}() if {f.name} is _MISSING else {f.name}" if f.init else f"_make_{f.name}()"
        elif f.init:
            yield f.name, f.name


if hasattr(os, "register_at_fork"):  # no child is born with the lock closed, or a class half made
    _of = _Unfinished.LOCK
    os.register_at_fork(before=_of.acquire, after_in_parent=_of.release, after_in_child=_of.release)
