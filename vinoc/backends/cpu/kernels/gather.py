"""Elements from places that tables say: padding by any rule, enlargement by repetition.

    out[i, j, k, l] = in[t0[i] + t1[j] + t2[k] + t3[l]]

A table holds the byte offsets of each index of a dimension of the destination. In the last dimension indices from
`lo` to `hi` lie next to each other in the source, as they do in the destination. A unit is one index of the outer two.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.emit import I8, I16, I32, I64, Emitter
from .base import Arguments, Kernel
from .copy import move_line

DIMS = 4
ARGS = (
    "source", "target", "lo", "hi",
    *(f"n{k}" for k in range(DIMS)), *(f"t{k}" for k in range(DIMS)), *(f"table{k}" for k in range(DIMS)),
)  # fmt: skip


def _emit(item: ir.Type, size: int) -> Any:
    def emit(e: Emitter, a: Arguments) -> None:
        def offset(table: Any, i: Any) -> Any:
            return e.load(e.add(table, e.mul(i, 8)), I64, 8)

        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            j, i = e.rem(unit, a.n1), e.div(unit, a.n1)
            source = e.add(e.add(a.source, offset(a.table0, i)), offset(a.table1, j))
            target = e.add(e.add(a.target, e.mul(i, a.t0)), e.mul(j, a.t1))
            with e.loop(0, a.n2) as k:
                line, into = e.add(source, offset(a.table2, k)), e.add(target, e.mul(k, a.t2))
                first = e.add(line, offset(a.table3, a.lo))
                move_line(e, first, e.add(into, e.mul(a.lo, size)), e.b.sub(a.hi, a.lo), size)
                for begin, end in ((e.i64(0), a.lo), (a.hi, a.n3)):
                    with e.loop(begin, end) as m:
                        value = e.load(e.add(line, offset(a.table3, m)), item, size)
                        e.store(value, e.add(into, e.mul(m, a.t3)), size)

    return emit


GATHER = {
    size: Kernel(f"gather{8 * size}", ARGS, _emit(t, size)) for size, t in ((1, I8), (2, I16), (4, I32), (8, I64))
}
