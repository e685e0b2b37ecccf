"""What gives the sums of integers as they are: i32, from the stack to the output."""

from __future__ import annotations

from llvmlite import ir

from ....ir import dtype as dt
from ..codegen.emit import Emitter
from ..codegen.target import Target
from ..codegen.typed import Typed
from .base import Arguments
from .igemm_bytes import ARGS, FINISH

SUMS = "finish_sums"


def build_sums(target: Target, module: ir.Module) -> None:
    """Writes the function into a module: out[row, column] = tile[row, column]."""
    e = Emitter(module, SUMS, target, FINISH)
    a, t = Arguments(e, ARGS), Typed(e, e.lanes)
    _, tile, out, _, _, rows, columns = e.function.args
    whole = e.b.and_(columns, e.i64(-e.lanes))
    with e.loop(0, rows) as row:
        source, place = e.add(tile, e.mul(row, 4 * e.target.width)), e.add(out, e.mul(row, a.out_stride))
        with e.loop(0, whole, e.lanes) as column:
            at = e.mul(column, 4)
            t.store(dt.i32, e.load(e.add(source, at), e.VI, 4 * e.lanes), e.add(place, at))
        with e.when(e.b.icmp_signed("<", whole, columns)):
            at = e.mul(whole, 4)
            last = e.load(e.add(source, at), e.VI, 4 * e.lanes)
            t.store(dt.i32, last, e.add(place, at), t.mask(whole, columns))
    e.finish()
