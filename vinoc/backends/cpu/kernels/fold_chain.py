"""A chain of elementwise operations, and its sum or extreme over some dimensions: nothing in between is stored.

    out[i, j, c] = fold over k, l of f(x0[i, j, c, k, l], x1[i, j, c, k, l], ..)

Columns c of the result are adjacent; operands are so, too, or the same for all of them. Several vectors of columns are
folded at once. A unit is an i, a j, and a part of the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ....ir.digest import digest
from ....ir.record import record
from ..codegen.emit import Emitter
from ..codegen.typed import Typed
from .base import Arguments, Kernel
from .chain import ADJACENT, SCALAR, UNROLL, Expression, lanes_of, scalars_of
from .scalar import combine

Value: TypeAlias = Any

KEPT, FOLDED = 3, 2
START = {"sum": 0.0, "prod": 1.0, "max": -float("inf"), "min": float("inf")}


def fold_chain(expression: Expression, reads: tuple[str, ...], how: str) -> Kernel:
    """The kernel of an expression whose operands are read in given ways, folded by sum, prod, max or min."""
    names = ["output", *(f"x{k}" for k in range(len(reads)))]
    strides = [f"output_{d}" for d in range(KEPT)]
    for k, way in enumerate(reads):
        strides += [f"x{k}_{d}" for d in range(KEPT + FOLDED)] if way != SCALAR else []
    sizes = (*(f"n{d}" for d in range(KEPT)), *(f"m{d}" for d in range(FOLDED)), "part", "parts")
    key = digest(f"{expression.name()}{reads}{how}".encode())[:20]
    return Kernel(f"fold_chain_{key}", (*names, *sizes, *strides), _Fold(expression, reads, how).emit)


@record(frozen=True)
class _Fold:
    expression: Expression
    reads: tuple[str, ...]
    how: str

    def emit(self, e: Emitter, a: Arguments) -> None:
        t = Typed(e, lanes_of(e.target, self.expression.types))
        size = self.expression.type.numpy.itemsize
        scalars = scalars_of(t, a, self.expression, self.reads)
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            part, rest = e.rem(unit, a.parts), e.div(unit, a.parts)
            index = (e.div(rest, a.n1), e.rem(rest, a.n1))
            begin = e.mul(part, a.part)
            end = e.min(e.add(begin, a.part), a.n2)
            output = _moved(e, a, "output", index)
            bases = [scalars.get(k) or _moved(e, a, f"x{k}", index) for k in range(len(self.reads))]
            for many in (UNROLL, 1):
                limit = e.add(begin, e.b.and_(e.b.sub(end, begin), e.i64(-many * t.count)))
                with e.loop(begin, limit, many * t.count) as column:
                    places = [e.add(column, t.count * v) for v in range(many)]
                    for place, found in zip(places, self.folded(t, a, bases, places, None)):
                        t.store(self.expression.type, found, e.add(output, e.mul(place, size)))
                begin = limit
            with e.when(e.b.icmp_signed("<", begin, end)):
                mask = t.mask(begin, end)
                (found,) = self.folded(t, a, bases, [begin], mask)
                t.store(self.expression.type, found, e.add(output, e.mul(begin, size)), mask)

    def folded(
        self, t: Typed, a: Arguments, bases: Sequence[Value], columns: Sequence[Value], mask: Value | None
    ) -> list[Value]:
        """The results of vectors that begin at some columns."""
        e, type = t.e, self.expression.type

        def outer(k: Value, *so_far: Value) -> Sequence[Value]:
            return e.fold(0, a.m1, 1, so_far, lambda m, *sums: step((k, m), sums))

        def step(at: tuple[Value, Value], so_far: Sequence[Value]) -> Sequence[Value]:
            shared: dict[int, Value] = {}
            rows = {k: _moved(e, a, f"x{k}", at, KEPT, bases[k]) for k, way in enumerate(self.reads) if way != SCALAR}
            results = []
            for column, total in zip(columns, so_far):
                operands = []
                for k, (kind, way) in enumerate(zip(self.expression.operands, self.reads)):
                    if way == ADJACENT:
                        place = e.add(rows[k], e.mul(column, kind.numpy.itemsize))
                        operands.append(t.load(kind, place, mask))
                    else:
                        if k not in shared:
                            shared[k] = bases[k] if way == SCALAR else t.broadcast(kind, rows[k])
                        operands.append(shared[k])
                results.append(combine(e, type, self.how, total, self.expression.emit(t, operands)))
            return results

        start = [t.constant(type, START[self.how])] * len(columns)
        return e.fold(0, a.m0, 1, start, outer)


def _moved(
    e: Emitter, a: Arguments, name: str, index: Sequence[Value], first: int = 0, base: Value | None = None
) -> Value:
    """An address moved along some dimensions."""
    address = getattr(a, name) if base is None else base
    for d, i in enumerate(index, first):
        address = e.add(address, e.mul(i, getattr(a, f"{name}_{d}")))
    return address
