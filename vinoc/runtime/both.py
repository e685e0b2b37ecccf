"""OpenVINO's two spellings of one fact: `port.shape` and `port.get_shape()`. Classes write the method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class Both(Generic[T]):
    """`shape = Both(get_shape)`: the attribute reads as the method does, that of a subclass included.

    `layout = Both(get_layout, set_layout)` is one that can be set, too.
    """

    def __init__(self, get: Callable[[Any], T], set: Callable[[Any, Any], Any] | None = None) -> None:
        self.get, self.set = get.__name__, set and set.__name__
        self.__doc__ = get.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Both[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Any:
        return self if instance is None else getattr(instance, self.get)()

    def __set__(self, instance: object, value: Any) -> None:
        """Raises AttributeError where it can only be read."""
        if self.set is None:
            name = self.get.partition("_")[2]
            raise AttributeError(f"`{name}` of a {type(instance).__name__} cannot be set")
        getattr(instance, self.set)(value)
