"""What a processor can do at most: multiply-adds from registers, and reading memory.

(The roofline: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model for multicore
architectures".)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..codegen.emit import Emitter
from .base import Arguments, Kernel

STEPS = 10_000
"""Rounds of a unit of `roof_fma`."""

STREAMS = 8
"""Vectors that a round of `roof_read` loads."""


def accumulators(e: Emitter) -> int:
    """As many as the matrix kernel has: they hide the latency of the multiply-add."""
    return e.target.rows * e.target.vectors


def _emit_fma(e: Emitter, a: Arguments) -> None:
    x, y = e.broadcast(a.numbers), e.broadcast(e.add(a.numbers, 4))
    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        start = [e.b.fadd(x, e.splat(float(k))) for k in range(accumulators(e))]  # equal ones would be computed once
        sums = e.fold(0, STEPS, 1, start, lambda i, *current: [e.fma(s, x, y) for s in current])
        e.store(_total(e, sums), e.add(a.results, e.mul(unit, 4 * e.lanes)))


def _emit_read(e: Emitter, a: Arguments) -> None:
    step = 4 * e.lanes * STREAMS

    def line(address: Any, *current: Any) -> Sequence[Any]:
        return [e.b.fadd(s, e.load(e.add(address, 4 * e.lanes * k))) for k, s in enumerate(current)]

    with e.loop(e.function.args[1], e.function.args[2]) as unit:
        begin = e.add(a.data, e.mul(unit, a.part))
        end = e.add(begin, a.part)
        start = [e.splat(0.0)] * STREAMS

        def once(i: Any, *current: Any) -> Sequence[Any]:
            return e.fold(begin, end, step, current, line)

        sums = e.fold(0, a.times, 1, start, once)
        e.store(_total(e, sums), e.add(a.results, e.mul(unit, 4 * e.lanes)))


def _total(e: Emitter, values: Sequence[Any]) -> Any:
    total = values[0]
    for v in values[1:]:
        total = e.b.fadd(total, v)
    return total


ROOF_FMA = Kernel("roof_fma", ("numbers", "results"), _emit_fma)
"""numbers: two f32. A unit is STEPS rounds of a multiply-add for each accumulator; a vector of results for each."""

ROOF_READ = Kernel("roof_read", ("data", "results", "part", "times"), _emit_read)
"""A unit reads its `part` bytes of the data, `times` times."""
