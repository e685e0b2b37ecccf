"""Weights of 24 bits in panels: f32 with 16 significant bits, rounded, halves to even; sign and exponent keep all bits.

    |stored - w| <= 2^-16 |w|    (of denormal numbers: 2^-142)

A row of a panel, `width` columns, is its high halves, 16 bits each, and then its low bytes. The columns lie in such an
order that unpacking expands them: low bytes, widened to 16 bits and interleaved with the high halves within every 128
bits of a register, are vectors of f32. That takes four instructions for two vectors, on any x86-64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from ..codegen.emit import I8, I16, Emitter
from ..codegen.math import bits, is_nan, vector, whole
from .copy import shuffle

BYTES = 3
"""Of a weight."""

LAST = 0x7F7FFF80
"""Magnitudes from here on would be rounded to infinity, or are infinite, or NaN: their last bits are cut off."""

QUIET = 0x400000
"""A bit of NaN that is left then."""


def load_row(e: Emitter, row: Any) -> list[Any]:
    """The vectors of a row."""
    width, lanes = e.target.width, e.lanes
    high = e.load(row, ir.VectorType(I16, width))
    byte = e.load(e.add(row, 2 * width), ir.VectorType(I8, width), 1)
    low = e.b.zext(byte, high.type)
    low = e.b.shl(low, whole(e, low, 8, I16))

    def expanded(first: int) -> Any:
        places = [first + 8 * quad + k for quad in range(lanes // 4) for k in range(4)]
        return e.b.bitcast(shuffle(e, low, high, [n for p in places for n in (p, width + p)]), e.V)

    return [expanded(2 * lanes * (v // 2) + 4 * (v % 2)) for v in range(e.target.vectors)]


def store_row(e: Emitter, vectors: Sequence[Any], row: Any) -> None:
    """The vectors of a row, rounded."""
    lanes = e.lanes
    for first in range(0, len(vectors), 2):
        words = [e.b.bitcast(_rounded(e, x), ir.VectorType(I16, 2 * lanes)) for x in vectors[first : first + 2]]
        quads = [2 * lanes * v + 8 * quad for quad in range(lanes // 4) for v in range(len(words))]
        low, high = (
            shuffle(e, words[0], words[-1], [q + 2 * k + half for q in quads for k in range(4)]) for half in range(2)
        )
        byte = e.b.trunc(e.b.lshr(low, whole(e, low, 8, I16)), vector(low, I8))
        e.store(high, e.add(row, 2 * lanes * first))
        e.store(byte, e.add(row, 2 * e.target.width + lanes * first), 1)


def _rounded(e: Emitter, x: Any) -> Any:
    """The bits of f32, of which the first 24 are what is stored."""
    b, word = e.b, bits(e, x)
    size = b.and_(word, whole(e, x, 0x7FFFFFFF))
    odd = b.and_(b.lshr(word, whole(e, x, 8)), whole(e, x, 1))
    near = b.add(b.add(word, odd), whole(e, x, 0x7F))
    kept = b.select(b.icmp_signed("<", size, whole(e, x, LAST)), near, word)
    return b.select(is_nan(e, x), b.or_(word, whole(e, x, QUIET)), kept)
