"""Names of dimensions: `nchw`, `[n,h,w,c]`, `n...c`, `??hw`; where one is, and the order that leads to another layout.

A layout is a tuple of names in capitals, `?` for a dimension without one, and at most one `...` for any number of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.errors import UsageError

Layout = tuple[str, ...]

REST = "..."
NO_NAME = "?"


def parse_layout(text: str | Sequence[str]) -> Layout:
    """A layout from its short form, one letter a dimension, its long form in brackets, or a list. Raises UsageError."""
    if not isinstance(text, str):
        names = [str(n).strip().upper() for n in text]
    elif text.strip().startswith("["):
        names = [n.strip().upper() for n in text.strip().removeprefix("[").removesuffix("]").split(",")]
    else:
        head, dots, tail = text.strip().upper().partition(REST)
        names = [*head, *([REST] if dots else []), *tail]
    named = [n for n in names if n not in (REST, NO_NAME)]
    wrong = next((n for n in named if not n.replace("*", "_").isidentifier()), None)
    if wrong is not None or not names:
        raise UsageError(
            f"'{text}' is no layout: '{wrong or ''}' names no dimension", help="for example NCHW, [N,C,...]"
        )
    if any("*" in n for n in named):
        raise UsageError(
            f"layout '{show(names)}' joins dimensions, which is not supported", help="reshape in the model"
        )
    if len(set(named)) != len(named) or names.count(REST) > 1:
        raise UsageError(f"layout '{show(names)}' names a dimension twice")
    return tuple(names)


def show(layout: Sequence[str]) -> str:
    """The short form where it has one."""
    return "".join(layout) if all(len(n) == 1 or n == REST for n in layout) else f"[{','.join(layout)}]"


def expand(layout: Layout, rank: int) -> Layout:
    """A name or `?` for each of `rank` dimensions. Raises UsageError when there are not as many."""
    if REST not in layout:
        if len(layout) != rank:
            raise UsageError(f"layout {show(layout)} has {len(layout)} dimensions, the tensor has {rank}")
        return layout
    at, missing = layout.index(REST), rank - len(layout) + 1
    if missing < 0:
        raise UsageError(f"layout {show(layout)} has at least {len(layout) - 1} dimensions, the tensor has {rank}")
    return (*layout[:at], *[NO_NAME] * missing, *layout[at + 1 :])


def axis_of(layout: Layout, name: str, rank: int | None) -> int | None:
    """Where a name stands; None where it does not. Counted from the end where only that is sure."""
    if name not in layout:
        return None
    if rank is not None:
        return expand(layout, rank).index(name)
    at = layout.index(name)
    return at if REST not in layout[:at] else at - len(layout)


def order_between(source: Layout, target: Layout, rank: int) -> tuple[int, ...]:
    """The order p by which Transpose(x; p) lays x, which is in `source`, as `target`.

    Nameless dimensions follow one another as they did. Raises UsageError where a name is missing in one of them.
    """
    old, new = expand(source, rank), expand(target, rank)
    if sorted(old) != sorted(new):
        lost = ", ".join(sorted(set(old) ^ set(new))) or NO_NAME
        raise UsageError(f"layouts {show(source)} and {show(target)} do not have the same dimensions: {lost}")
    free = iter([i for i, n in enumerate(old) if n == NO_NAME])
    return tuple(next(free) if n == NO_NAME else old.index(n) for n in new)
