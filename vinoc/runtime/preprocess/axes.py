"""How the dimensions of one layout become those of another."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir.errors import UsageError
from ...passes.layouts import NO_NAME, REST, expand
from ..layout import Layout


def order_between(source: Layout, target: Layout, rank: int | None) -> tuple[int, ...] | None:
    """The order p by which Transpose(x; p) lays x, which is in `source`, as `target`; None where nothing moves.

    A dimension may have a name in one of the two alone: what has no name follows in the order in which it was.
    Raises UsageError where a name of the layout with fewer names is missing in the other.
    """
    if source.empty or target.empty or source == target:
        return None
    size = _rank(source, target, rank)
    order = _order(expand(source.names, size), expand(target.names, size))
    return None if order == tuple(range(size)) else order


def _rank(source: Layout, target: Layout, rank: int | None) -> int:
    if rank is not None:
        return rank
    fixed = next((len(layout.names) for layout in (source, target) if REST not in layout.names), None)
    if fixed is None:
        raise UsageError(
            f"the rank is not known, so layout {source} cannot be made {target}", help="write a layout without '...'"
        )
    return fixed


def _order(old: Sequence[str], new: Sequence[str]) -> tuple[int, ...]:
    named = [n for n in old if n != NO_NAME]
    if len(named) > sum(n != NO_NAME for n in new):
        back = _order(new, old)
        return tuple(back.index(i) for i in range(len(back)))
    lost = next((n for n in named if n not in new), None)
    if lost is not None:
        raise UsageError(f"dimension {lost} of layout [{','.join(old)}] is not found in layout [{','.join(new)}]")
    places = {new.index(n): i for i, n in enumerate(old) if n != NO_NAME}
    free = iter([i for i, n in enumerate(old) if n == NO_NAME])
    return tuple(places[i] if i in places else next(free) for i in range(len(new)))


def added(source: Layout, target: Layout) -> tuple[str, ...]:
    """The dimensions that `target` has before all those of `source`: HWC lacks the N of NCHW. Empty for layouts that
    leave dimensions open, or where `source` has a name that `target` lacks."""
    if REST in source.names or REST in target.names or source.empty or target.empty:
        return ()
    if NO_NAME in source.names or not set(source.names) <= set(target.names):
        return ()
    return tuple(n for n in target.names if n not in source.names)


def moved(layout: Layout, order: Sequence[int], rank: int | None = None) -> Layout:
    """The layout behind Transpose(x; order). Raises UsageError for an order that is none."""
    check_order(order, rank)
    if layout.empty:
        return layout
    names = expand(layout.names, len(order))
    return Layout.of(tuple(names[i] for i in order))


def check_order(order: Sequence[int], rank: int | None) -> None:
    """Raises UsageError for what is no order of `rank` dimensions."""
    if sorted(order) != list(range(len(order))):
        raise UsageError(f"{list(order)} is no order of {len(order)} dimensions: each of them is wanted once")
    if rank is not None and rank != len(order):
        raise UsageError(f"an order of {len(order)} dimensions is given for {rank}")
