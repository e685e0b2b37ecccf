"""Data of samples in the order of dimensions and with the rank that an input takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ...engines.base import Slot

CHANNELS = (3, 1, 4, 6, 2, 9)
"""numbers of channels that images have, where the layout of an input is not told, the likeliest first"""


def channels_last(slot: Slot, layout: str | None) -> bool:
    """Whether an input [N, ?, ?, ?] has its channels last: by its layout, else by its sizes.

    The dimension that is the likelier number of channels is taken; the first one where both are alike.
    """
    if layout is not None:
        if sorted(layout.upper()) != sorted("NCHW"):
            raise UsageError(f"layout '{layout}' is none of an image", f"inputs: {slot.name}", "NCHW or NHWC")
        return layout.upper().index("C") == 3
    shape = slot.shape or ()
    return len(shape) == 4 and _likelihood(shape[3]) < _likelihood(shape[1])


def _likelihood(size: int | None) -> int:
    return CHANNELS.index(size) if size in CHANNELS else len(CHANNELS)


def laid(data: Array, slot: Slot, layout: str | None, identifier: str) -> Array:
    """The data of one sample as a batch of one.

    Images [height, width, channels] and [height, width] are brought to the layout of an input of rank 4; other arrays
    fit as they are, or lack the batch. Raises UsageError where the shape is not the input's.
    """
    if slot.shape is None:
        return data[None]
    made = list(_candidates(np.asarray(data), slot, layout))
    fitting = next((a for a in made if _fits(a.shape, slot.shape)), None)
    if fitting is None:
        raise _unfit(data, slot, slot.shape, identifier)
    return fitting


def _candidates(data: Array, slot: Slot, layout: str | None) -> Iterator[Array]:
    """The data in the ways that an input of this rank can be meant, the likeliest first."""
    rank = len(slot.shape or ())
    if rank == 4 and data.ndim in (2, 3):
        image = data if data.ndim == 3 else data[:, :, None]
        yield (image if channels_last(slot, layout) else np.transpose(image, (2, 0, 1)))[None]
    if data.ndim == rank - 1:
        yield data[None]
    if data.ndim == rank:
        yield data
    if rank == 3 and data.ndim == 3 and data.shape[2] == 1:  # a gray image for an input without channels
        yield data[None, :, :, 0]


def _fits(shape: Sequence[int], wanted: Sequence[int | None]) -> bool:
    """But for the batch, which is in front and which several samples make up."""
    return len(shape) == len(wanted) and all(w is None or h == w for h, w in list(zip(shape, wanted, strict=True))[1:])


def _unfit(data: Array, slot: Slot, wanted: Sequence[int | None], identifier: str) -> UsageError:
    shape = ", ".join("?" if d is None else str(d) for d in wanted)
    what = f"the data of '{identifier}' are {list(data.shape)}, input '{slot.name}' takes [{shape}]"
    help = "preprocessing brings them to that: resize, crop, bgr_to_gray"
    return UsageError(what, help=f"{help}; or `allow_reshape_input: true`" if len(wanted) == 4 else help)
