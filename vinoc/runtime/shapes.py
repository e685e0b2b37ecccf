"""Shapes and their dimensions, as programs see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from math import inf
from typing import Any, SupportsIndex, overload

from ..ir import dim as _dim
from ..ir.dim import Dim, Sym
from ..ir.errors import ArgumentTypeError, UsageError
from .both import Both
from .vectors import Shape

MAX_LENGTH = (1 << 63) - 1
"""What `get_max_shape` gives for a dimension that has no upper bound."""

_HELP = 'a dimension is a number, -1 or "?" for an open one, (lo, hi) or "lo..hi" for a range'
_fresh = count(1)


class Symbol:
    """What dimensions that are always equal share. Each that is made is another one."""

    __slots__ = ("name",)

    def __init__(self, name: str | None = None) -> None:
        self.name = f"s{next(_fresh)}" if name is None else name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Symbol) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<Symbol: {self.name}>"


class Dimension:
    """One dimension: a number, a range, or open. Dimensions with equal bounds are equal."""

    __slots__ = ("dim",)
    __hash__ = None  # type: ignore[assignment]  # a symbol may be set

    def __init__(self, min_dimension: Any = -1, max_dimension: int | None = None) -> None:
        """From a number, -1 for an open one, two bounds (-1: none), or text: `8`, `?`, `2..5`. Raises UsageError."""
        if max_dimension is not None:
            self.dim = _range(min_dimension, max_dimension)
        elif isinstance(min_dimension, str):
            self.dim = _read(min_dimension)
        else:
            self.dim = as_dim(min_dimension)

    @staticmethod
    def dynamic() -> Dimension:
        return Dimension()

    @property
    def is_static(self) -> bool:
        return not isinstance(self.dim, Sym)

    @property
    def is_dynamic(self) -> bool:
        return isinstance(self.dim, Sym)

    def get_min_length(self) -> int:
        return max(int(_dim.bounds(self.dim)[0]), 0)

    def get_max_length(self) -> int:
        """The upper bound; -1 where there is none."""
        hi = _dim.bounds(self.dim)[1]
        return -1 if hi == inf else int(hi)

    min_length, max_length = Both(get_min_length), Both(get_max_length)

    def get_length(self) -> int:
        """The number. Raises UsageError when it is open."""
        if isinstance(self.dim, Sym):
            raise UsageError(
                f"the dimension {self} is dynamic: it has no length", help="ask for min_length, max_length"
            )
        return self.dim

    def get_symbol(self) -> Symbol | None:
        named = isinstance(self.dim, Sym) and not self.dim.is_unknown
        return Symbol(str(self.dim)) if named else None

    def has_symbol(self) -> bool:
        return self.get_symbol() is not None

    def set_symbol(self, symbol: Symbol) -> None:
        """Marks an open dimension: it equals all that have the same symbol. A number stays one."""
        if isinstance(self.dim, Sym):
            lo, hi = _dim.bounds(self.dim)
            self.dim = _dim.symbol(symbol.name, int(lo), hi)

    def compatible(self, dim: Any) -> bool:
        """Whether both can be the same number."""
        (alo, ahi), (blo, bhi) = self._bounds(), Dimension(dim)._bounds()
        return alo <= bhi and blo <= ahi

    def relaxes(self, dim: Any) -> bool:
        """Whether it allows for all that the other allows for."""
        (alo, ahi), (blo, bhi) = self._bounds(), Dimension(dim)._bounds()
        return alo <= blo and bhi <= ahi

    def refines(self, dim: Any) -> bool:
        """Whether the other allows for all that it allows for."""
        return Dimension(dim).relaxes(self)

    def same_scheme(self, dim: Any) -> bool:
        """Whether both are the same number, or both are open."""
        other = Dimension(dim)
        return self.is_dynamic == other.is_dynamic and (self.is_dynamic or self == other)

    def _bounds(self) -> tuple[float, float]:
        lo, hi = _dim.bounds(self.dim)
        return max(lo, 0), hi

    def to_string(self) -> str:
        if not isinstance(self.dim, Sym):
            return str(self.dim)
        lo, hi = self._bounds()
        if hi == inf:
            return f"{int(lo)}.." if lo else "?"
        return f"{int(lo) or ''}..{int(hi)}"

    def __len__(self) -> int:
        return self.get_length()

    def __bool__(self) -> bool:
        return True

    def __index__(self) -> int:
        return self.get_length()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Dimension | Sym):
            return self._bounds() == Dimension(other)._bounds()
        if hasattr(other, "__index__"):
            number = int(other)
            return self._bounds() == ((0, inf) if number == -1 else (number, number))
        return NotImplemented

    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        return f"<Dimension: {self}>"


def as_dim(given: Any) -> Dim:
    """A dimension of the graph from what programs write. Raises UsageError for what is none."""
    if isinstance(given, Dimension):
        return given.dim
    if isinstance(given, Sym):
        return given
    if isinstance(given, str):
        return _read(given)
    if isinstance(given, list | tuple):
        if len(given) != 2:
            raise ArgumentTypeError(f"a range has two bounds, {given!r} has {len(given)}", help=_HELP)
        return _range(*given)
    if hasattr(given, "__index__") and not isinstance(given, bool):
        number = int(given)
        if number >= -1:
            return _dim.unknown() if number == -1 else number
        raise UsageError(f"{number} is no dimension", help=_HELP)
    raise ArgumentTypeError(f"{given!r} ({type(given).__name__}) is no dimension", help=_HELP)


def _range(low: Any, high: Any) -> Dim:
    bounds = []
    for bound in (low, high):
        if not hasattr(bound, "__index__"):
            raise ArgumentTypeError(f"{bound!r} ({type(bound).__name__}) is no bound of a dimension", help=_HELP)
        bounds.append(int(bound))
    lo, hi = max(bounds[0], 0), inf if bounds[1] in (-1, MAX_LENGTH) else bounds[1]
    if lo > hi or bounds[0] < -1 or bounds[1] < -1:
        raise UsageError(f"the range {bounds[0]}..{bounds[1]} holds no dimension", help=_HELP)
    return _dim.unknown(lo, hi)


def _read(text: str) -> Dim:
    bare = text.strip()
    if bare in ("?", "-1"):
        return _dim.unknown()
    low, dots, high = (part.strip() for part in bare.partition(".."))
    parts = [part for part in (low, high) if part]
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(f"'{text}' is no dimension", help=_HELP)
    return _range(int(low or 0), int(high or -1)) if dots else int(low)


class PartialShape:
    """A shape of which dimensions, or the rank, may be open: `[?,3,224,1..9]`, `[...]`."""

    __slots__ = ("_dims",)
    __hash__ = None  # type: ignore[assignment]  # dimensions may be replaced

    def __init__(self, shape: Any) -> None:
        """From dimensions, or their text; None and "..." leave the rank open. Raises UsageError.

        A dimension is a number, -1 or "?" for an open one, (lo, hi) or "lo..hi" for a range.
        """
        self._dims: list[Dimension] | None
        if isinstance(shape, PartialShape):
            self._dims = None if shape._dims is None else list(shape._dims)
        elif isinstance(shape, str):
            self._dims = _split(shape)
        elif shape is None:
            self._dims = None
        elif isinstance(shape, Iterable):
            self._dims = [Dimension(d) if isinstance(d, Dimension) else _made(as_dim(d)) for d in shape]
        else:
            raise ArgumentTypeError(
                f"{shape!r} ({type(shape).__name__}) is no shape", help="write a list of dimensions"
            )

    @staticmethod
    def dynamic(rank: Any = None) -> PartialShape:
        """Of that rank, every dimension open; without one the rank is open too."""
        length = Dimension(-1 if rank is None else rank)
        return PartialShape([-1] * length.get_length() if length.is_static else None)

    @property
    def dims(self) -> tuple[Dim, ...] | None:
        """The dimensions as the graph has them, symbols included; None: the rank is open."""
        return None if self._dims is None else tuple([d.dim for d in self._dims])

    @property
    def rank(self) -> Dimension:
        return Dimension(-1 if self._dims is None else len(self._dims))

    @property
    def is_static(self) -> bool:
        return self._dims is not None and all(d.is_static for d in self._dims)

    @property
    def is_dynamic(self) -> bool:
        return not self.is_static

    @property
    def all_non_negative(self) -> bool:
        return True

    def to_shape(self) -> Shape:
        """The numbers. Raises UsageError when one is open."""
        if self.is_dynamic:
            raise UsageError(f"the shape {self} is dynamic", help="use `partial_shape`, or reshape the model")
        return Shape([d.get_length() for d in self])

    get_shape = to_shape

    def get_min_shape(self) -> Shape:
        return Shape([d.min_length for d in self._dims or ()])

    def get_max_shape(self) -> Shape:
        """Upper bounds, 2^63 - 1 where there is none."""
        return Shape([MAX_LENGTH if d.max_length == -1 else d.max_length for d in self._dims or ()])

    def get_dimension(self, index: SupportsIndex) -> Dimension:
        """A dimension. Raises UsageError for one that is not there."""
        dims = self._known()
        i = int(index)
        if not -len(dims) <= i < len(dims):
            raise UnknownDimensionError(f"the shape {self} has no dimension {i}")
        return dims[i]

    def compatible(self, shape: Any) -> bool:
        """Whether both can be the same shape."""
        return self._pairwise(shape, Dimension.compatible, True, True)

    def relaxes(self, shape: Any) -> bool:
        """Whether it allows for all that the other allows for."""
        return self._pairwise(shape, Dimension.relaxes, True, False)

    def refines(self, shape: Any) -> bool:
        """Whether the other allows for all that it allows for."""
        return PartialShape(shape).relaxes(self)

    def same_scheme(self, shape: Any) -> bool:
        """Whether the same dimensions are open and the others are equal."""
        other = PartialShape(shape)
        both_open = self._dims is None and other._dims is None
        return both_open or self._pairwise(other, Dimension.same_scheme, False, False)

    def _pairwise(self, shape: Any, holds: Any, mine_open: bool, other_open: bool) -> bool:
        """Whether something holds of every pair of dimensions; what it is where a rank is open."""
        other = PartialShape(shape)
        if self._dims is None:
            return mine_open
        if other._dims is None:
            return other_open
        return len(self._dims) == len(other._dims) and all(map(holds, self._dims, other._dims))

    def _known(self) -> list[Dimension]:
        if self._dims is None:
            raise UsageError("the rank is not known", help="check `rank` before asking for dimensions")
        return self._dims

    def to_string(self) -> str:
        return "[...]" if self._dims is None else f"[{','.join(map(str, self._dims))}]"

    def __iter__(self) -> Iterator[Dimension]:
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())

    @overload
    def __getitem__(self, index: SupportsIndex) -> Dimension: ...
    @overload
    def __getitem__(self, index: slice) -> PartialShape: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Dimension | PartialShape:
        return PartialShape(self._known()[index]) if isinstance(index, slice) else self.get_dimension(index)

    def __setitem__(self, index: SupportsIndex, value: Any) -> None:
        self.get_dimension(index)
        self._known()[index] = Dimension(value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, list | tuple):
            other = PartialShape(other)
        return self._dims == other._dims if isinstance(other, PartialShape) else NotImplemented

    def __copy__(self) -> PartialShape:
        return PartialShape(self)

    def __deepcopy__(self, memo: object) -> PartialShape:
        return PartialShape(self)

    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        return f"<PartialShape: {self}>"


class UnknownDimensionError(UsageError, IndexError):
    """A shape has no dimension of that number."""


def _made(dim: Dim) -> Dimension:
    made = Dimension.__new__(Dimension)
    made.dim = dim
    return made


def _split(text: str) -> list[Dimension] | None:
    """The dimensions of `[1,?,2..5]`, brackets or not; None for `...`. Raises UsageError."""
    bare = text.strip()
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1].strip()
    if bare == "...":
        return None
    return [_made(_read(part)) for part in bare.split(",")] if bare else []
