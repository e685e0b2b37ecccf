"""Layouts, as programs see them: which dimension of a tensor is the batch, the channels, the height.

    Layout("NCHW")  Layout("[n, c, h, w]")  Layout("N...C")  Layout("NC??")

`?` is a dimension without a name, `...` any number of them; case does not matter, and the names batch, channels,
depth, height and width are N, C, D, H and W.
"""

from __future__ import annotations

from typing import Any

from ..ir.errors import UsageError
from ..passes import layouts as _layouts
from ..passes.layouts import NO_NAME, REST

_ALIASES = {"BATCH": "N", "CHANNELS": "C", "DEPTH": "D", "HEIGHT": "H", "WIDTH": "W"}
_SCALAR = "**SCALAR**"
_ANY = (REST,)


class Layout:
    """Names of dimensions. Without a text it is empty: nothing is said. Compares equal to its text, too."""

    __slots__ = ("names",)
    __hash__ = None  # type: ignore[assignment]  # equal to strings of several spellings

    def __init__(self, layout_str: str | Layout = "") -> None:
        """From the short or the long form. Raises UsageError."""
        self.names: tuple[str, ...] = layout_str.names if isinstance(layout_str, Layout) else _parse(layout_str)

    @staticmethod
    def of(names: tuple[str, ...]) -> Layout:
        """From names that stand already."""
        made = Layout()
        made.names = names
        return made

    @staticmethod
    def scalar() -> Layout:
        """The layout of a tensor without dimensions."""
        return Layout.of(())

    @property
    def empty(self) -> bool:
        return self.names == _ANY

    def has_name(self, dimension_name: str) -> bool:
        return _name(dimension_name) in self.names

    def get_index_by_name(self, dimension_name: str) -> int:
        """Where a dimension is; counted from the end behind `...`. Raises UsageError where there is none."""
        return self.axis(dimension_name)

    def axis(self, name: str, rank: int | None = None) -> int:
        """The same; of `rank` dimensions always counted from the front."""
        found = _layouts.axis_of(self.names, _name(name), rank)
        if found is None:
            raise UsageError(f"layout {self} has no dimension {_name(name)}", help="set a layout, for example NCHW")
        return found

    def fits(self, rank: int | None) -> bool:
        """Whether a tensor of that rank can have this layout."""
        if rank is None:
            return True
        named = len(self.names) - (REST in self.names)
        return named <= rank if REST in self.names else named == rank

    def to_string(self) -> str:
        return f"[{','.join(self.names)}]" if self.names else _SCALAR

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            try:
                other = Layout(other)
            except UsageError:
                return False
        return isinstance(other, Layout) and self.names == other.names

    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        return f"<Layout: {self}>"


def _name(text: str) -> str:
    upper = text.strip().upper()
    return _ALIASES.get(upper, upper)


def _parse(text: Any) -> tuple[str, ...]:
    if not isinstance(text, str):
        raise UsageError(f"a layout is written as text, not as {type(text).__name__}", help='for example "NCHW"')
    bare = text.strip()
    if not text or bare == REST:
        return _ANY
    if bare == _SCALAR:
        return ()
    if bare.startswith("[") and bare.endswith("]"):
        names = [_name(n) for n in bare[1:-1].split(",")]
    else:
        head, dots, tail = bare.upper().partition(REST)
        names = [*head, *([REST] if dots else []), *tail]
    for name in names:
        if name not in (REST, NO_NAME) and not (name.isascii() and name.replace("_", "").isalnum()):
            raise UsageError(f"'{text}' is no layout: '{name}' names no dimension", help="for example NCHW, [N,C,...]")
    if not names:
        raise UsageError(f"'{text}' is no layout: it is blank", help="leave it out, or write for example NCHW")
    named = [n for n in names if n != NO_NAME]
    if len(set(named)) != len(named):
        raise UsageError(f"layout '{text}' names a dimension twice")
    return tuple(names)
