"""Shapes, as programs see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from typing import Any

from ..ir import dim as _dim
from ..ir.dim import Dim, Sym
from ..ir.errors import UsageError, VinocError
from ..ir.types import static_shape


class PartialShape:
    """A shape of which dimensions, or the rank, may be open: `[N,3,224,224]`, `[...]`."""

    __slots__ = ("dims",)

    def __init__(self, dims: Iterable[Any] | None) -> None:
        """From dimensions: numbers, -1 or "?" for an open one, (lo, hi) for a range; None: the rank is open."""
        self.dims: tuple[Dim, ...] | None = None if dims is None else tuple(map(_dimension, dims))

    @property
    def rank(self) -> int | None:
        return None if self.dims is None else len(self.dims)

    @property
    def is_static(self) -> bool:
        return self.dims is not None and not any(isinstance(d, Sym) for d in self.dims)

    @property
    def is_dynamic(self) -> bool:
        return not self.is_static

    def to_shape(self) -> tuple[int, ...]:
        """The numbers. Raises VinocError when one is open."""
        shape = static_shape(self.dims)
        if shape is None:
            raise VinocError(f"the shape {self} is dynamic", help="use `partial_shape`, or reshape the model")
        return shape

    def get_min_shape(self) -> list[int]:
        return [int(_dim.bounds(d)[0]) for d in self]

    def get_max_shape(self) -> list[int]:
        """Upper bounds; -1 where there is none."""
        return [-1 if _dim.bounds(d)[1] == inf else int(_dim.bounds(d)[1]) for d in self]

    def to_string(self) -> str:
        return str(self)

    def __iter__(self) -> Iterator[Dim]:
        if self.dims is None:
            raise VinocError("the rank is not known", help="check `rank` before asking for dimensions")
        return iter(self.dims)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, index: int) -> Dim:
        return list(iter(self))[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PartialShape):
            return self.dims == other.dims
        if isinstance(other, list | tuple):
            return self.dims == tuple(map(_dimension, other))
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.dims)

    def __str__(self) -> str:
        return "[...]" if self.dims is None else f"[{','.join(map(str, self.dims))}]"

    def __repr__(self) -> str:
        return f"<PartialShape: {self}>"


def _dimension(d: Any) -> Dim:
    if isinstance(d, Sym):
        return d
    if d in (-1, "?"):
        return _dim.unknown()
    if isinstance(d, tuple | list) and len(d) == 2:
        return _dim.unknown(d[0], inf if d[1] == -1 else d[1])
    if hasattr(d, "__index__") and int(d) >= 0:
        return int(d)
    raise UsageError(f"{d!r} is no dimension", help='write a number, -1 or "?" for an open one, (lo, hi) for a range')
