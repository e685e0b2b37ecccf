"""Weights of products of integers in the panels that the kernel reads: [group][panel][tap][channels / 4][width][4]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ....ir.record import record
from ..codegen.dots import DOT, PAIRS, QUAD, arranged, form_of, split
from .integer_epilogue import Outlet
from .plan import Array, Plan


@record(frozen=True)
class Weights:
    """Packed in panels.

    start      what sums start from: it takes the zero point into account
    extras     in the form PAIRS: for each panel and tap the number of its first extra row, which channels a row is for,
               and the rows
    """

    form: str
    panels: Array
    start: Array
    extras: tuple[Array, Array, Array]


def packed_weights(plan: Plan, outlet: Outlet, sizes: tuple[int, int, int], how: str) -> Weights:
    """The weights in panels. sizes: groups, depth, channels of a tap."""
    target, constant = plan.target, outlet.filters
    transposed = how == "matrix" and outlet.product.op.transpose_b  # type: ignore[attr-defined]
    tag = (how, target.name, transposed, sizes[0])

    def taps(array: Array) -> Array:
        return _TAPS[how](array.T if transposed else array, *sizes)

    def quads(array: Array) -> Array:
        return _quads(taps(array), target.width)

    def coded(array: Array) -> Array:
        return np.frombuffer(form_of(target, quads(array)).encode(), np.uint8)

    form = DOT if target.dots else bytes(plan.packed.of(constant, ("form", tag), coded)).decode()
    panels = plan.packed.of(constant, ("bytes", tag), lambda array: _arranged(form, quads(array)))
    sums = plan.packed.of(constant, ("sums", tag), lambda array: _sums(taps(array), target.width))
    zero = int(outlet.zero.reshape(-1)[0])
    start = plan.packed.get(("start", sums.tobytes(), zero), lambda: (sums * -zero).astype(np.int32))
    nothing = plan.packed.get("no extras", lambda: np.zeros(1, np.int32))
    if form != PAIRS:
        return Weights(form, panels, start, (nothing, nothing, nothing))

    def extra(k: int) -> Array:
        return plan.packed.of(constant, ("extras", k, tag), lambda array: _extras(quads(array))[k])

    return Weights(form, panels, start, (extra(0), extra(1), extra(2)))


def _arranged(form: str, quads: Array) -> Array:
    return split(quads)[0] if form == PAIRS else arranged(form, quads)


def _extras(quads: Array) -> tuple[Array, Array, Array]:
    """Of weights [groups, panels, taps, quads, width, 4] what is split off, by rows that hold any of it."""
    rest = split(quads)[1]
    there = rest.any(axis=(-1, -2))
    first = np.concatenate([[0], np.cumsum(there.sum(axis=-1).reshape(-1))])
    return first.astype(np.int32), np.nonzero(there)[-1].astype(np.int32), rest[there]


def _sums(taps: Array, width: int) -> Array:
    """The sum of the weights of each output channel: [groups, panels * width] of i32."""
    groups, depth = taps.shape[:2]
    out = np.zeros((groups, -(-depth // width) * width), np.int32)
    out[:, :depth] = taps.sum(axis=(2, 3), dtype=np.int32)
    return out


_TAPS: dict[str, Callable[[Array, int, int, int], Array]] = {
    "matrix": lambda array, groups, depth, channels: array.T[None, :, None, :],
    "taps": lambda array, groups, depth, channels: array.reshape(groups, depth, channels, -1).swapaxes(2, 3),
    "rows": lambda array, groups, depth, channels: (
        array.reshape(depth, channels, -1, array.shape[-1])
        .transpose(0, 2, 3, 1)
        .reshape(1, depth, -1, channels * array.shape[-1])
    ),
}
"""Weights [k, n], [groups, depth, channels, *kernel] or [depth, channels, *kernel]: [groups, depth, taps, channels]."""


def quads_of(filters: Array, width: int) -> Array:
    """Filters [depth, channels, *kernel] as `_quads` has them."""
    return _quads(_TAPS["taps"](filters, 1, *filters.shape[:2]), width)


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
