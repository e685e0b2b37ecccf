"""What a property is: its name, which can be called."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Property(str):
    """The name of a property. Called without an argument it is that name, with one a pair of name and value.

    A property without a kind can be read alone; with `many` it takes several values.
    """

    kind: Any
    many: bool

    def __new__(cls, name: str, kind: Any = None, many: bool = False) -> Property:
        made = super().__new__(cls, name)
        made.kind, made.many = kind, many
        return made

    def __call__(self, *values: Any) -> Any:
        """Raises TypeError for a value of another kind, and for one of a property that cannot be set."""
        if not values:
            return str(self)
        if self.kind is None:
            raise TypeError(f"{self} can be read, not set")
        for value in values:
            if not self._takes(value):
                raise TypeError(f"{self} is a {self.kind.__name__}, not {value!r}")
        if self.many:
            return str(self), ",".join(values)
        if len(values) > 1:
            raise TypeError(f"{self} takes one value, {len(values)} are given")
        return str(self), values[0]

    def _takes(self, value: Any) -> bool:
        if self.kind is int and isinstance(value, bool):
            return False
        if isinstance(self.kind, type) and issubclass(self.kind, Enum):
            return isinstance(value, self.kind) or value in self.kind.__members__
        return isinstance(value, self.kind)
