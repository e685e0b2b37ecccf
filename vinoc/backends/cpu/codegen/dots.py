"""Sums of products of bytes, four a lane of i32: the forms that instruction sets have for them.

    total[l] += sum over j < 4 of x[j] * w[l, j]        x u8, the same four for all lanes; w i8

DOT     vpdpbusd: exact; sdot, of data less 128, which is made up for before the sum
PAIRS   vpmaddubsw, then vpmaddwd by ones: sums of two products pass through i16, which saturates where the weights of
        a pair sum up to more than 128. For weights of which no pair does
LISTED  the same for others: four bytes make pairs in three ways, and rows of weights are packed in one that does not
        saturate, the data shuffled accordingly. Where there is none, what is too much is taken off and put into a row
        of its own, so that this form is exact as well (`listed`)
WIDE    vpmaddwd of both widened to i16: exact. Even and odd bytes are multiplied apart, and so packed
SPREAD  the same of data that were widened beforehand: two neighbours a lane, and then the next two
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir

from ....ir.dtype import Array
from ....ir.record import record
from .emit import I8, I16, I32, Emitter
from .lanes import dot_data, dot_pairs, dot_quads, permuted
from .target import Target

Value: TypeAlias = Any

DOT, PAIRS, LISTED, WIDE, SPREAD = "dot", "pairs", "listed", "wide", "spread"

QUAD = 4
"""Bytes of a lane."""

_PAIRS = {8: "avx2.pmadd.ub.sw", 16: "avx512.pmaddubs.w.512"}


MOST_PAIR = 32767 // 255
"""Sum of two weights that cannot saturate, whatever the data are."""

ORDERS = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2))
"""Of four bytes, so that neighbours make pairs in all ways."""

LISTS = 1.5
"""Rows whose time it takes to go through the lists of a tap in the form LISTED."""

STEPS = {PAIRS: 1.0, WIDE: 1.45, SPREAD: 1.15}
"""Time of a step of four bytes, of that of PAIRS."""

GATHER, GATHERED, FIND = 0.75, 16, 1.0
"""Time to widen so many bytes; time to find a tap of several."""


@record(frozen=True)
class Pairs:
    """What pairs of weights do in i16: whether none saturates as they stand; of the rows of weights, the share that
    saturates in all orders, and so takes two of them."""

    fit: bool
    doubled: float


def pairs_of(target: Target, weights: Array) -> Pairs | None:
    """The pairs of weights [..., width, 4]; None where the target has no instruction for them."""
    if not (target.triple.startswith("x86") and target.lanes > 4):
        return None
    crowded = _crowded(weights)
    return Pairs(not crowded[0].any(), float(crowded.all(axis=0).mean()))


def times(sizes: tuple[int, int, int], pairs: Pairs | None, channels: int = 0) -> dict[str, float]:
    """What a row of sums of a panel takes, in steps of PAIRS, with so many (panels, taps, quads) of weights.

    pairs: None where weights are not known yet.
    channels: elements of a tap, where they can be gathered beforehand.
    """
    panels, taps, quads = sizes
    found = {WIDE: STEPS[WIDE] * taps * quads}
    if channels:
        gather = taps * (GATHER * -(-channels // GATHERED) + (FIND if taps > 1 else 0))
        found[SPREAD] = STEPS[SPREAD] * -(-taps * channels // QUAD) + gather / max(panels, 1)
    if pairs is not None:
        found[LISTED] = taps * (quads * (1 + pairs.doubled) + LISTS)
        if pairs.fit:
            found[PAIRS] = STEPS[PAIRS] * taps * quads
    return found


def form_of(target: Target, weights: Array, channels: int = 0) -> str:
    """The fastest form that computes products with weights [..., panels, taps, quads, width, 4] exactly, whatever the
    data are."""
    if target.dots:
        return DOT
    found = times(weights.shape[-5:-2], pairs_of(target, weights), channels)
    return min(found, key=lambda form: found[form])


def _excess(weights: Array) -> Array:
    """[..., width, 2]: what pairs of weights sum up to beyond the most that i16 holds the products of."""
    sums = weights[..., 0::2] + weights[..., 1::2].astype(np.int16)
    return np.asarray(sums - np.clip(sums, -MOST_PAIR, MOST_PAIR))


def _crowded(weights: Array) -> Array:
    """[orders, ...]: whether a row of weights [..., width, 4] saturates in an order."""
    return np.stack([_excess(weights[..., order]).any(axis=(-1, -2)) for order in map(list, ORDERS)])


def listed(weights: Array) -> tuple[Array, Array, Array]:
    """Weights [..., quads, width, 4] as rows in lists: one for each index before `quads`, and in it for each order.

    first      [lists + 1] of i32: the number of the first row of a list
    at         for each row, the number of the four bytes of data that it is for
    rows       [rows, width, 4] of i8, none of which saturates; some are two for the same data
    """
    *outer, quads, width, _ = weights.shape
    crowded = _crowded(weights)
    order = np.where(crowded.all(axis=0), 0, crowded.argmin(axis=0)).reshape(-1)
    flat = np.take_along_axis(weights.reshape(-1, width, 4), np.array(ORDERS)[order][:, None, :], axis=-1)
    most, rest = _split(flat)
    extra = np.flatnonzero(rest.any(axis=(-1, -2)))
    number = np.concatenate([np.arange(len(flat)), extra])
    keys = number // quads * len(ORDERS) + order[number]
    sorting = np.argsort(keys, kind="stable")
    lists = int(np.prod(outer, dtype=np.int64)) * len(ORDERS)
    first = np.searchsorted(keys[sorting], np.arange(lists + 1)).astype(np.int32)
    return first, (number % quads)[sorting].astype(np.int32), np.concatenate([most, rest[extra]])[sorting]


def _split(weights: Array) -> tuple[Array, Array]:
    """Weights [..., width, 4] as a sum of two of which none saturates in pairs: most of them, and a few numbers."""
    pairs = weights.reshape(*weights.shape[:-1], 2, 2).astype(np.int16)
    excess = _excess(weights)[..., None]
    first = np.abs(pairs[..., :1]) >= np.abs(pairs[..., 1:])
    rest = np.where(np.concatenate([first, ~first], axis=-1), excess, 0)
    return (pairs - rest).astype(np.int8).reshape(weights.shape), rest.astype(np.int8).reshape(weights.shape)


def packed_bytes(form: str) -> int:
    """Bytes that the four weights of a lane take up."""
    return 2 * QUAD if form in (WIDE, SPREAD) else QUAD


def data_bytes(form: str) -> int:
    """Bytes that four elements of data take up, where the sums read them."""
    return 2 * QUAD if form == SPREAD else QUAD


def arranged(form: str, weights: Array) -> Array:
    """Weights [..., lanes, 4] as a form reads them: i8, or i16 [..., 2, lanes, 2], even ones or the first two first."""
    if form not in (WIDE, SPREAD):
        return weights
    lanes = weights.shape[-2]
    halves = weights.astype(np.int16).reshape(*weights.shape[:-2], lanes, 2, 2)
    return np.ascontiguousarray(np.moveaxis(halves, -1 if form == WIDE else -2, -3))


class Dots:
    """Writes sums of products in one form. Totals are vectors of `e.lanes` i32."""

    def __init__(self, e: Emitter, form: str) -> None:
        self.e, self.form = e, form
        self.bytes = ir.VectorType(I8, QUAD * e.lanes)
        self.words = ir.VectorType(I16, 2 * e.lanes)

    def weights(self, address: Value, vector: int) -> tuple[Value, ...]:
        """Vector `vector` of the lanes of a row of weights."""
        e = self.e
        if self.form not in (WIDE, SPREAD):
            return (e.load(e.add(address, QUAD * e.lanes * vector), self.bytes),)
        half = QUAD * e.lanes * e.target.vectors
        return tuple(e.load(e.add(address, half * odd + QUAD * e.lanes * vector), self.words) for odd in range(2))

    def data(self, address: Value, count: int, order: Sequence[int] = ORDERS[0]) -> list[tuple[Value, ...]]:
        """The data of adjacent steps: four bytes each, for all lanes, in an order."""
        e, b = self.e, self.e.b
        if not (self.form == DOT and e.target.element):
            return [self._step(e.add(address, data_bytes(self.form) * s), order) for s in range(count)]
        found = dot_data(e, e.load(address, ir.VectorType(I8, QUAD * count), 1))
        words = b.bitcast(found, ir.VectorType(I32, count))
        return [(b.bitcast(permuted(e, words, [s] * e.lanes), self.bytes),) for s in range(count)]

    def _step(self, address: Value, order: Sequence[int]) -> tuple[Value, ...]:
        e, b = self.e, self.e.b
        x = e.splat(e.load(address, I32, 1), e.VI)
        if self.form == SPREAD:
            y = e.splat(e.load(e.add(address, 2 * I16.width // 8), I32, 1), e.VI)
            return b.bitcast(x, self.words), b.bitcast(y, self.words)
        if self.form != WIDE:
            x = b.bitcast(x, self.bytes)
            return (x if order == ORDERS[0] else permuted(e, x, [4 * k + n for k in range(e.lanes) for n in order]),)
        words = b.bitcast(x, self.words)
        even = b.and_(words, ir.Constant(self.words, [I16(255)] * self.words.count))
        return even, b.lshr(words, ir.Constant(self.words, [I16(8)] * self.words.count))

    def add(self, total: Value, data: tuple[Value, ...], weights: tuple[Value, ...]) -> Value:
        e = self.e
        if self.form == DOT:
            return dot_quads(e, total, *data, *weights)
        if self.form in (PAIRS, LISTED):
            name, types = f"llvm.x86.{_PAIRS[e.lanes]}", [self.bytes] * 2
            sums = e.call(name, self.words, types, [data[0], weights[0]])
            return dot_pairs(e, total, sums, ir.Constant(self.words, [I16(1)] * self.words.count))
        for x, w in zip(data, weights):
            total = dot_pairs(e, total, x, w)
        return total
