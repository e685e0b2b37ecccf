"""Properties that are computed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class Cached(Generic[T]):
    """functools.cached_property without the lock that it has up to Python 3.11.

    That lock is one for all instances. A fork while another thread has it would leave it closed in the child for ever.
    Two threads may both compute the value; they come to the same.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute = compute
        self.name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Cached[T]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Cached[T] | T:
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.compute(instance)  # found there first from now on
        return value
