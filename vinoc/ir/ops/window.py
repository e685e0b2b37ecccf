"""What convolutions and poolings share: attributes of a sliding window and the sizes it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from ..dim import Dim, bounds, ceildiv, dim_max, dim_min, unknown
from ..errors import InferenceError, VinocError
from ..types import Shape, TensorType, static_shape

AutoPad: TypeAlias = Literal["explicit", "same_upper", "same_lower", "valid"]
Rounding: TypeAlias = Literal["floor", "ceil", "ceil_torch"]


def check_lists(kind: str, /, positive: Sequence[str] = (), **lists: tuple[int, ...]) -> None:
    """Raises VinocError unless the lists have one length and numbers that make sense.

    Those named in `positive` hold numbers above zero, the others none below zero.
    """
    if len(set(map(len, lists.values()))) > 1:
        given = ", ".join(f"{name} has {len(values)}" for name, values in lists.items())
        raise VinocError(f"{kind}: lists of different lengths: {given}", help="give one number per spatial dimension")
    for name, values in lists.items():
        least = 1 if name in positive else 0
        if min(values, default=least) < least:
            hint = "negative pads crop: put a Slice before the operation" if name.startswith("pads") else None
            raise VinocError(f"{kind}: attribute `{name}` is {list(values)}, expected numbers >= {least}", help=hint)


def spatial_dims(data: TensorType, count: int) -> tuple[Dim, ...]:
    """The spatial dimensions of [N,C,*spatial]; unknown ones where the rank is. Raises InferenceError."""
    if data.shape is None:
        return (unknown(),) * count
    if len(data.shape) != count + 2:
        raise InferenceError(
            f"data of rank {len(data.shape)} has {max(len(data.shape) - 2, 0)} spatial dimensions, "
            f"the attributes are for {count}",
            help="data is [batch, channels, *spatial]; strides and pads have one number per spatial dimension",
        )
    return data.shape[2:]


def window_size(
    size: Dim, kernel: Dim, stride: int, dilation: int, begin: int, end: int, auto_pad: AutoPad, rounding: Rounding
) -> Dim:
    """How many places a window takes along a dimension. Raises InferenceError when it does not fit at all."""
    if auto_pad in ("same_upper", "same_lower"):
        count = ceildiv(size, stride)  # a window smaller than its stride needs no pads; `ceil` then adds one beyond
        return dim_max(count, ceildiv(size - (kernel - 1) * dilation - 1, stride) + 1) if rounding == "ceil" else count
    if auto_pad == "valid":
        begin = end = 0
    span = size + (begin + end) - ((kernel - 1) * dilation + 1)
    if bounds(span)[1] < 0:
        reach = (kernel - 1) * dilation + 1
        raise InferenceError(
            f"kernel of {reach} is larger than the padded input of {size + (begin + end)}",
            help="enlarge the input or the pads",
        )
    if rounding == "floor":
        return _at_least_0(span // stride + 1)
    count = ceildiv(span, stride) + 1
    if rounding == "ceil_torch":  # every window begins inside the data or the pads before it
        count = dim_min(count, ceildiv(size + begin, stride))
    return _at_least_0(count)


def _at_least_0(size: Dim) -> Dim:
    """An unknown size has no negative lower bound."""
    if isinstance(size, int) or not size.is_unknown or size.lo >= 0:
        return size
    return unknown(0, size.hi)


def windows(
    spatial: Sequence[Dim],
    kernel: Sequence[Dim],
    strides: Sequence[int],
    dilations: Sequence[int],
    begin: Sequence[int],
    end: Sequence[int],
    auto_pad: AutoPad,
    rounding: Rounding = "floor",
) -> Shape:
    """`window_size` for each spatial dimension."""
    each = zip(spatial, kernel, strides, dilations, begin, end)
    return tuple([window_size(n, k, s, d, b, e, auto_pad, rounding) for n, k, s, d, b, e in each])


def positive_sizes(sizes: Shape, what: str) -> Shape:
    """The sizes, when none is known to be below one. Raises InferenceError."""
    static = static_shape(sizes)
    if static is not None and any(n < 1 for n in static):
        raise InferenceError(f"{what} would be {list(static)}")
    return sizes
