"""Products of many rows with panels of 24 bits, which few rows pass over too: one form of the weights serves both.

A unit expands two panels of weights, and makes their sums of blocks, in a scratch that stays in the second-level cache
while all rows of a block pass over it; then it goes on as strassen.py does. Without `seven` products are plain ones.

A unit of work is a slot: it has a scratch of its own, and does its share of the pairs and blocks of rows. So whatever
threads there are, no two write into one scratch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..codegen.emit import I1, I32, I64, Emitter
from .base import Arguments, Kernel
from .f24 import BYTES, load_row
from .gemm import share
from .strassen import ARGS, PLAIN, RIGHT_ARGS, SEVEN, Body, any_lane, is_far, largest, partner

FLAG_ARGS = tuple("flags" if name == "sums" else name for name in RIGHT_ARGS)


def _emit_flags(e: Emitter, a: Arguments) -> None:
    """An i32 for each pair: whether two of its columns are far apart. Columns that B lacks are far from nothing."""
    width, zero = e.target.width, e.splat(0.0)
    with e.loop(e.function.args[1], e.function.args[2]) as pair:
        panels = [e.add(a.b, e.mul(panel, a.b_panel)) for panel in (pair, partner(e, a, pair))]
        columns = e.max(e.b.sub(a.columns, e.mul(e.add(pair, a.pairs), width)), 0)

        def row(k: Any, *carried: Any) -> Sequence[Any]:
            at = e.mul(k, BYTES * width)
            weights = [w for panel in panels for w in load_row(e, e.add(panel, at))]
            return [largest(e, most, w) for most, w in zip(carried, weights, strict=True)]

        count = e.target.vectors
        found = e.fold(0, a.depth, 1, [zero] * (2 * count), row)
        far: Any = I1(0)
        for v in range(count):
            lanes = e.b.and_(e.mask(columns, first=v * e.lanes), is_far(e, found[v], found[count + v]))
            far = e.b.or_(far, any_lane(e, lanes))
        e.store(e.b.zext(far, I32), e.add(a.flags, e.mul(pair, 4)))


STRASSEN_FLAGS_F24 = Kernel("strassen_flags_f24", FLAG_ARGS, _emit_flags)

ARGS_F24 = (*ARGS, "scratch", "size", "slots", "seven")
"""right: the flags. scratch: `size` bytes for each of the slots: two panels, and where there are `seven` products the
sums of their blocks."""


class _Expanded(Body):
    """A unit whose panels, and their sums, are in a scratch."""

    def __init__(self, e: Emitter, a: Arguments, scratch: Any) -> None:
        super().__init__(e, a)
        self.scratch = scratch
        self.gap = self.row
        self.is_far = e.scratch(16)

    def panels(self, pair: Any) -> tuple[Any, Any]:
        e = self.e
        return self.scratch, e.add(self.scratch, e.mul(e.add(self.a.depth, 1), self.row))

    def sums(self, pair: Any) -> Any:
        return self.e.add(self.scratch, self.e.mul(self.e.add(self.a.depth, 1), 2 * self.row))

    def columns_far(self, pair: Any) -> Any:
        e = self.e
        return e.load(e.add(self.a.right, e.mul(pair, 4)), I32)

    def far(self, pair: Any, begin: Any, count: Any) -> Any:
        e = self.e
        e.store(e.i64(1), self.is_far, 8)
        with e.when(self.some(self.a.seven)):
            e.store(e.b.zext(super().far(pair, begin, count), I64), self.is_far, 8)
        return self.some(e.load(self.is_far, I64, 8))

    def following(self, pair: Any, weights: Sequence[Any]) -> Sequence[Any]:
        """Parts of the next unit's panels: the rest is in the cache. A step of half the depth fetches as many bytes as
        half of an expanded panel has, which is two thirds of one."""
        e, a = self.e, self.a
        left, right = (e.add(panel, a.b_panel) for panel in super().panels(pair))
        more = e.mul(a.depth, 2 * e.target.width)
        parts = left, e.add(left, more), right, e.add(right, more)
        return *parts, *weights[4:SEVEN], left, right, *weights[SEVEN + 2 : SEVEN + PLAIN]

    def prepare(self, pair: Any) -> None:
        """Expands the panels, and makes the sums."""
        e, a = self.e, self.a
        depth, step = e.div(a.depth, 2), 4 * e.lanes
        packed, into = super().panels(pair), self.panels(pair)
        down, sums = e.mul(depth, BYTES * e.target.width), self.sums(pair)
        size = e.mul(depth, self.row)

        def expanded(at: Any, target: Any) -> list[list[Any]]:
            """B11, B12, B21, B22 of a step; into the scratch, too."""
            blocks = []
            for lower in (0, 1):
                for source, panel in zip(packed, into, strict=True):
                    found = load_row(e, e.add(e.add(source, at), e.mul(down, lower)))
                    for v, w in enumerate(found):
                        e.store(w, e.add(e.add(e.add(panel, target), e.mul(size, lower)), step * v), step)
                    blocks.append(found)
            return blocks

        def row(seven: bool, k: Any) -> None:
            target = e.mul(k, self.row)
            blocks = expanded(e.mul(k, BYTES * e.target.width), target)
            if not seven:
                return
            for v, (b11, b12, b21, b22) in enumerate(zip(*blocks, strict=True)):
                t1 = e.b.fsub(b12, b11)
                t2 = e.b.fsub(b22, t1)
                for n, t in enumerate((t2, e.b.fsub(b22, b12), e.b.fsub(b21, t2), t1)):
                    e.store(t, e.add(e.add(e.add(sums, target), e.mul(e.add(size, self.gap), n)), step * v), step)

        with e.b.if_else(self.some(a.seven)) as (with_sums, alone):
            with with_sums, e.loop(0, depth) as k:
                row(True, k)
            with alone, e.loop(0, depth) as k:
                row(False, k)


def _emit(e: Emitter, a: Arguments) -> None:
    with e.loop(e.function.args[1], e.function.args[2]) as slot:
        body = _Expanded(e, a, e.add(a.scratch, e.mul(slot, a.size)))
        first, count = share(e, e.mul(a.pairs, a.blocks), slot, a.slots)
        with e.loop(first, e.add(first, count)) as unit:
            body.prepare(e.rem(unit, a.pairs))
            body.unit(unit)


STRASSEN_F24 = Kernel("strassen_f24", ARGS_F24, _emit)
