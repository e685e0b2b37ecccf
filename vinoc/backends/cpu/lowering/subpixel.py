"""Transposed convolutions as one convolution: the phases of the strides are output channels, dealt out afterwards.

    y[s * i + p, d] = sum over taps u and channels c of x[i + low + u, c] * w[c, d, k(p, u)]

k(p, u) is the tap of the filter that phase p sees there, if any: where it sees none the weight is 0. With few output
channels the phases fill a vector together, while a convolution for each would leave most of its lanes idle; windows
that differ from phase to phase cost the zeros.
(Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution", arXiv:1609.05158.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from ....ir.graph import Value
from ....ir.record import record
from . import direct
from .blocks import deal
from .conv import Convolution, Window
from .epilogue import Epilogue
from .panels import pack_filters
from .place import Form, Place
from .plan import Array, Plan


@record(frozen=True)
class Axis:
    """The phases of one dimension together.

    size, count    inputs, and outputs of a phase
    low            the first input under the window of output 0
    taps           [phase][tap of the window]: the tap of the filter, or -1
    """

    size: int
    count: int
    low: int
    taps: tuple[tuple[int, ...], ...]


def axis(size: int, out: int, kernel: int, stride: int, begin: int) -> Axis | None:
    """A dimension without dilation whose phases have equally many outputs; input i goes to output s * i + k - begin."""
    if out % stride:
        return None
    places = [[(p + begin - k) // stride if (p + begin - k) % stride == 0 else None for k in range(kernel)]
              for p in range(stride)]  # fmt: skip
    seen = [i for row in places for i in row if i is not None]
    low = min(seen)
    taps = [tuple(row.index(i) if i in row else -1 for i in range(low, max(seen) + 1)) for row in places]
    return Axis(size, out // stride, low, tuple(taps))


def suits(plan: Plan, depth: int, axes: Sequence[Axis]) -> bool:
    """Whether vectors over all phases take fewer steps than vectors over the channels of each."""
    lanes = plan.target.lanes
    phases, taps = prod(len(a.taps) for a in axes), prod(len(a.taps[0]) for a in axes)
    apart = prod(sum(k >= 0 for row in a.taps for k in row) for a in axes)
    return taps * -(-depth * phases // lanes) <= apart * -(-depth // lanes)


def lower(
    plan: Plan, source: Place, filters: Value, result: Value, out: Place, axes: Sequence[Axis], epilogue: Epilogue
) -> None:
    """The convolution, and the copy that deals its channels out; filters are [channels, depth, *kernel]."""
    ones = (1,) * len(axes)
    phases = [len(a.taps) for a in axes]
    depth = out.shape[1]
    window = Window(
        tuple([a.size for a in axes]), tuple([a.count for a in axes]), tuple([len(a.taps[0]) for a in axes]),
        ones, ones, tuple([-a.low for a in axes]),
    )  # fmt: skip
    taps = tuple([a.taps for a in axes])
    weights = plan.packed.of(
        filters, ("subpixel", plan.target.width, taps), lambda array: pack_filters(plan, together(array, taps))
    )
    conv = Convolution(source, filters, result, window, epilogue, 1, prod(phases) * depth, source.shape[1])
    direct_out = _as_channels(out, phases[0]) if len(axes) == 1 else None
    place = direct_out or plan.new((out.shape[0], conv.depth, *window.out), out.dtype, Form.LAST)
    direct.product(plan, conv, weights, place)
    if place is not direct_out:
        deal(plan, place, out, phases, blocks_first=True)


def _as_channels(out: Place, phases: int) -> Place | None:
    """A line whose pixels lie next to each other, as pixels of all phases' channels: nothing needs to be dealt out."""
    n, depth, size = out.shape
    if not out.fits(Form.LAST) or out.pixel != depth * out.itemsize:
        return None
    strides = (out.strides[0], out.itemsize, out.pixel * phases)
    return replace(out, shape=(n, phases * depth, size // phases), strides=strides)


def together(filters: Array, taps: Sequence[tuple[tuple[int, ...], ...]]) -> Array:
    """[channels, depth, *kernel] -> [1, phases * depth, channels, taps of the window]."""
    rank = len(taps)
    array = filters
    for k, of in enumerate(taps):
        at = 2 + 2 * k  # each axis before has become two
        pad = [(0, 0)] * array.ndim
        pad[at] = (0, 1)  # what -1 means
        array = np.take(np.pad(array, pad), np.array(of, np.int64), at)
    phases, window = [2 + 2 * k for k in range(rank)], [3 + 2 * k for k in range(rank)]
    array = array.transpose(*phases, 1, 0, *window)
    return array.reshape(1, -1, filters.shape[0], prod(len(of[0]) for of in taps))
