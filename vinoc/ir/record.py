"""Dataclasses that are made when they are first used.

To make a dataclass takes as long as to import a small module, and a process uses few of those that its modules declare.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(field_specifiers=(field,))
def record(*, frozen: bool = False, eq: bool = True, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
    """`dataclass`, for classes that few processes use. Without slots: they would need another class."""

    def declare(cls: type[T]) -> type[T]:
        later(cls, frozen=frozen, eq=eq, kw_only=kw_only)
        return cls

    return declare


def later(cls: type, **options: Any) -> None:
    """Makes a class a dataclass with these options when its first instance is made, or its fields are asked for."""
    for name in _Unfinished.NAMES:
        setattr(cls, name, _Unfinished(name, options))


class _Unfinished:
    """Stands for what makes a class a dataclass, until it is touched."""

    NAMES = ("__init__", "__dataclass_fields__", "__match_args__")
    LOCK = RLock()

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.name = name
        self.options = options

    def __get__(self, instance: object, owner: type) -> Any:
        with self.LOCK:
            cls = next((c for c in owner.__mro__ if c.__dict__.get(self.name) is self), None)
            if cls is not None:  # another thread may have been here before
                for name in self.NAMES:
                    delattr(cls, name)
                dataclass(**self.options)(cls)
        return getattr(owner if instance is None else instance, self.name)


if hasattr(os, "register_at_fork"):  # no child is born with the lock closed, or a class half made
    _of = _Unfinished.LOCK
    os.register_at_fork(before=_of.acquire, after_in_parent=_of.release, after_in_child=_of.release)
