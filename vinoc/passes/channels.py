"""Which dimension of an input holds its channels."""

from __future__ import annotations

from ..ir.dim import bounds
from ..ir.errors import UsageError
from ..ir.types import TensorType

COLORS = 3


def channel_axis(type: TensorType, count: int, axis: int | None, name: str) -> int:
    """The axis of `count` channels: the given one, or, for three, the only dimension of size 3. Raises UsageError."""
    where = f"input '{name}'"
    if type.shape is None and axis is not None:
        return axis
    shape = type.shape
    if shape is None:
        raise UsageError(f"{where} is {type}: its channels cannot be found", help="give it a shape and a layout")
    if axis is not None:
        if not -len(shape) <= axis < len(shape):
            raise UsageError(f"{where} is {type}: it has no axis {axis}")
        low, high = bounds(shape[axis])
        if not low <= count <= high:
            raise UsageError(f"{count} values are given for {where}, which has {shape[axis]} channels: {type}")
        return axis % len(shape)
    found = [i for i, d in enumerate(shape) if d == count] if count == COLORS else []
    if len(found) != 1:
        why = f"{len(found)} of its dimensions are {count}" if count == COLORS else "their number is not 3"
        raise UsageError(
            f"which dimension of {where} {type} has the {count} channels is not known: {why}",
            help="give its layout, for example --layout nchw",
        )
    return found[0]


def color_axis(type: TensorType) -> int | None:
    """Where an image without a layout has its three colors: axis 1 or 3 of four; None for anything else.

    Raises UsageError where it could be either.
    """
    if type.shape is None or len(type.shape) != 4:
        return None
    found = [i for i in (1, 3) if type.shape[i] == COLORS]
    if len(found) > 1:
        raise UsageError(f"axis 1 and axis 3 of {type} may both be colors", help="give the layout, for example nchw")
    return found[0] if found else None
