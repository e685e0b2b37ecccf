"""Weights of products of integers in the panels that the kernel reads: [group][panel][tap][channels / 4][width][4]."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from ....ir.record import record
from ..codegen.dots import DOT, GATHERED, LISTED, QUAD, SPREAD, arranged, form_of, listed
from ..codegen.target import Target
from ..kernels.igemm_bytes import ROOM, SPAN
from .first_layer import FEW_CHANNELS
from .integer_epilogue import Outlet
from .plan import Array, Plan, shape_of


@record(frozen=True)
class Weights:
    """Packed in panels.

    start      what sums start from: it takes the zero point into account
    first, at  of the form LISTED, whose panels are lists of rows: see `listed`
    """

    form: str
    panels: Array
    start: Array
    first: Array
    at: Array


def packed_weights(plan: Plan, outlet: Outlet, sizes: tuple[int, int, int], how: str, count: int) -> Weights:
    """The weights in panels. sizes: groups, depth, channels of a tap. count: rows of data."""
    target, constant = plan.target, outlet.filters
    transposed = how == "matrix" and outlet.product.op.transpose_b  # type: ignore[attr-defined]
    shape = shape_of(constant)
    elements = prod(shape) // (sizes[0] * sizes[1])
    length = sizes[2] * (shape[-1] if how == "rows" else 1)
    gathered = length if count >= target.rows and spread_rows(target, elements) else 0
    tag = (how, target.name, transposed, sizes[0], gathered)

    def taps(array: Array) -> Array:
        return _TAPS[how](array.T if transposed else array, *sizes)

    def quads(array: Array) -> Array:
        return _quads(taps(array), target.width)

    def coded(array: Array) -> Array:
        return np.frombuffer(form_of(target, quads(array), gathered).encode(), np.uint8)

    form = DOT if target.dots else bytes(plan.packed.of(constant, ("form", tag), coded)).decode()
    sums = plan.packed.of(constant, ("sums", tag), lambda array: _sums(taps(array), target.width))
    zero = int(outlet.zero.reshape(-1)[0]) - target.offset
    start = plan.packed.get(("start", sums.tobytes(), zero), lambda: (sums * -zero).astype(np.int32))
    if form != LISTED:

        def whole(array: Array) -> Array:
            if form == SPREAD:
                found = taps(array)
                return arranged(form, _quads(found.reshape(*found.shape[:2], 1, -1), target.width))
            return arranged(form, quads(array))

        panels = plan.packed.of(constant, ("bytes", tag), whole)
        nothing = plan.packed.get("no lists", lambda: np.zeros(1, np.int32))
        return Weights(form, panels, start, nothing, nothing)
    made: list[tuple[Array, Array, Array]] = []

    def part(k: int) -> Array:
        def make(array: Array) -> Array:
            if not made:
                made.append(listed(quads(array)))
            return made[0][k]

        return plan.packed.of(constant, ("list", k, tag), make)

    return Weights(form, part(2), start, part(0), part(1))


def few_channels(target: Target) -> int:
    """Up to how many channels a row of a window is one tap: those of several pixels are gathered together."""
    return FEW_CHANNELS if target.dots else GATHERED - 1


def spread_rows(target: Target, elements: int) -> int:
    """How many rows of so many elements are widened at once; 0 where there is room for no tile."""
    rows = ROOM // max(-(-elements // QUAD) * QUAD, 1)
    return min(rows, SPAN) // target.rows * target.rows


def _sums(taps: Array, width: int) -> Array:
    """The sum of the weights of each output channel: [groups, panels * width] of i32."""
    groups, depth = taps.shape[:2]
    out = np.zeros((groups, -(-depth // width) * width), np.int32)
    out[:, :depth] = taps.sum(axis=(2, 3), dtype=np.int32)
    return out


def _merged(array: Array, groups: int, depth: int, channels: int) -> Array:
    """Filters of more groups than wanted: neighbours become one, with zeros between what belongs to different ones."""
    each, ins = array.shape[1:3]
    several = depth // each
    taps = array.reshape(groups, several, each, ins, -1).swapaxes(3, 4)
    out = np.zeros((groups, several, each, taps.shape[3], several, ins), array.dtype)
    for k in range(several):
        out[:, k, :, :, k] = taps[:, k]
    return out.reshape(groups, depth, -1, channels)


_TAPS: dict[str, Callable[[Array, int, int, int], Array]] = {
    "matrix": lambda array, groups, depth, channels: array.T[None, :, None, :],
    "groups": _merged,
    "taps": lambda array, groups, depth, channels: array.reshape(groups, depth, channels, -1).swapaxes(2, 3),
    "rows": lambda array, groups, depth, channels: (
        array.reshape(depth, channels, -1, array.shape[-1])
        .transpose(0, 2, 3, 1)
        .reshape(1, depth, -1, channels * array.shape[-1])
    ),
}
"""Weights [k, n], [groups, depth, channels, *kernel] or [depth, channels, *kernel]: [groups, depth, taps, channels]."""


def quads_of(filters: Array, width: int, rows: bool) -> Array:
    """Filters [depth, channels, *kernel] as `_quads` has them; `rows`: a row of the window is a tap."""
    return _quads(_TAPS["rows" if rows else "taps"](filters, 1, *filters.shape[:2]), width)


def _quads(taps: Array, width: int) -> Array:
    """[groups, depth, taps, channels] -> [groups, panels, taps, channels / 4, width, 4], zero-padded."""
    groups, depth, count, channels = taps.shape
    panels, quads = -(-depth // width), -(-channels // QUAD)
    if depth == panels * width and channels == quads * QUAD:
        whole = np.ascontiguousarray(taps)
    else:
        whole = np.zeros((groups, panels * width, count, quads * QUAD), np.int8)
        whole[:, :depth, :, :channels] = taps
    words = whole.view(np.int32).reshape(groups, panels, width, count, quads)
    turned = np.ascontiguousarray(words.transpose(0, 1, 3, 4, 2))
    return turned.view(np.int8).reshape(groups, panels, count, quads, width, QUAD)
