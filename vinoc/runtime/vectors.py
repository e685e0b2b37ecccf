"""Lists of numbers with names of their own: shapes, strides, coordinates, axes. They are lists to all intents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Any, SupportsIndex

from ..ir.errors import ArgumentTypeError, UsageError


class Numbers(list[int]):
    """A list of whole numbers, `lowest` or more, that equals any list or tuple of the same numbers."""

    lowest: int | None = 0
    __hash__ = None

    def __init__(self, values: Iterable[Any] = ()) -> None:
        super().__init__([self._checked(v) for v in values])

    def _checked(self, value: Any) -> int:
        if not hasattr(value, "__index__") or isinstance(value, bool):
            raise ArgumentTypeError(f"a {type(self).__name__} holds whole numbers, not {value!r}")
        number = int(value)
        if self.lowest is not None and number < self.lowest:
            raise ArgumentTypeError(f"a {type(self).__name__} holds numbers from {self.lowest} on, not {number}")
        return number

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(
            index, [self._checked(v) for v in value] if isinstance(index, slice) else self._checked(value)
        )

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return type(self)(found) if isinstance(index, slice) else found

    def __eq__(self, other: object) -> bool:
        return super().__eq__(list(other)) if isinstance(other, list | tuple) else NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __str__(self) -> str:
        return ", ".join(map(str, self))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: ({self})>"


class Shape(Numbers):
    """The sizes of a tensor: `Shape([1, 3, 224, 224])`, `Shape("1,3,224,224")`."""

    def __init__(self, axis_lengths: Iterable[Any] | str = ()) -> None:
        """From numbers or their text. Raises UsageError for a dimension that is open."""
        if isinstance(axis_lengths, str):
            from .shapes import PartialShape

            axis_lengths = PartialShape(axis_lengths).to_shape()
        super().__init__(axis_lengths)

    def to_string(self) -> str:
        return f"[{','.join(map(str, self))}]"

    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        return f"<Shape: {self}>"


class Strides(Numbers):
    """Steps along axes. Those of tensors are in bytes."""


class Coordinate(Numbers):
    """A place in a tensor."""


class CoordinateDiff(Numbers):
    """The difference between two places; it may be negative."""

    lowest = None


class AxisVector(Numbers):
    """Axes in an order."""

    def __repr__(self) -> str:
        return f"<AxisVector {{{self}}}>"


class AxisSet(Set[int]):
    """Axes, each once, ascending."""

    __slots__ = ("_axes",)

    def __init__(self, axes: Iterable[SupportsIndex] = ()) -> None:
        self._axes = sorted({int(a) for a in axes})
        if self._axes and self._axes[0] < 0:
            raise UsageError(f"axes are counted from 0, {self._axes[0]} is given")

    def __contains__(self, axis: object) -> bool:
        return axis in self._axes

    def __iter__(self) -> Iterator[int]:
        return iter(self._axes)

    def __len__(self) -> int:
        return len(self._axes)

    def __repr__(self) -> str:
        return f"<AxisSet {{{', '.join(map(str, self._axes))}}}>"
