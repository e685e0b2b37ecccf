"""Reductions, soft maxima and normalizations: formulas over the passes of `walk`.

    softmax       exp(x - max) / sum of exp(x - max)
    log_softmax   (x - max) - log(sum of exp(x - max))
    normalize     (x - mean) * s * gamma + beta, s = 1 / sqrt(variance (+) eps), or 1 / (sqrt(variance) + eps)

The variance is the mean of the centred squares, from a second pass over data in the first-level cache: the difference
of the mean square and the squared mean would lose all digits where the mean is large.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import inf
from typing import Any, TypeAlias

from ..codegen.emit import F32, I32, Emitter
from ..codegen.math import exp, log_, mean
from .base import Arguments, Kernel
from .walk import NAMES, SIDE, Columns, Rows

Value: TypeAlias = Any
Walk: TypeAlias = "Rows | Columns"
Formula: TypeAlias = Callable[[Emitter, Arguments, Walk], None]

ARGS = (*NAMES, "count", "scale", "eps")


def _kernel(name: str, columns: int, affine: str, formula: Formula) -> Kernel:
    """`columns`: vectors side by side; 0: rows."""

    def emit(e: Emitter, a: Arguments) -> None:
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            formula(e, a, Columns(e, a, affine, unit, columns) if columns else Rows(e, a, affine, unit))

    way = {0: "rows", 1: "columns1", SIDE: "columns"}[columns]
    return Kernel(f"{name}_{way}{'_' + affine if affine else ''}", ARGS, emit)


def _number(e: Emitter, bits: Value) -> Value:
    return e.splat(e.b.bitcast(e.b.trunc(bits, I32), F32))


def _largest(e: Emitter, a: Value, b: Value) -> Value:
    """The larger; NaN on either side stays."""
    return e.b.select(e.b.fcmp_unordered("uno", b, b), b, e.maximum(a, b))


def _smallest(e: Emitter, a: Value, b: Value) -> Value:
    return e.b.select(e.b.fcmp_unordered("uno", b, b), b, e.minimum(a, b))


@cache
def reduction(name: str, columns: int) -> Kernel:
    """The maximum, ..., the sum divided by `count`, of which `scale` is the inverse."""

    def formula(e: Emitter, a: Arguments, w: Walk) -> None:
        add = e.b.fadd
        count, scale = _number(e, a.count), _number(e, a.scale)
        if name in ("max", "min"):
            combine = _largest if name == "max" else _smallest
            start = e.splat(-inf if name == "max" else inf)
            w.give(w.fold(start, lambda t, x, i: combine(e, t, x), lambda t, x: combine(e, t, x)))
        elif name == "prod":
            w.give(w.fold(e.splat(1.0), lambda t, x, i: e.b.fmul(t, x), e.b.fmul))
        elif name == "l1":
            w.give(w.fold(e.splat(0.0), lambda t, x, i: add(t, e.abs(x)), add))
        elif name == "l2":
            found = w.fold(e.splat(0.0), lambda t, x, i: e.fma(x, x, t), add)
            w.give([e.sqrt(t) for t in found])
        else:
            found = w.fold(e.splat(0.0), lambda t, x, i: add(t, x), add)
            w.give([mean(e, t, count, scale) for t in found])

    return _kernel(f"reduce_{name}", columns, "", formula)


@cache
def softmax(columns: int, log: bool) -> Kernel:
    def formula(e: Emitter, a: Arguments, w: Walk) -> None:
        # A NaN passes the maximum by: it comes back in the sum.
        peak = w.fold(e.splat(-inf), lambda t, x, i: e.maximum(t, x), e.maximum)
        if log:
            fill = None if columns else peak[0]
            total = _exponentials(e, w, peak, fill)
            logs = [log_(e, t) for t in total]
            w.map(lambda x, i: e.b.fsub(e.b.fsub(x, peak[i]), logs[i]))
            return
        total = w.map_sum(lambda x, i: exp(e, e.b.fsub(x, peak[i])))
        factors = [e.b.fdiv(e.splat(1.0), t) for t in total]
        w.map(lambda x, i: e.b.fmul(x, factors[i]), again=True)

    return _kernel("log_softmax" if log else "softmax", columns, "", formula)


def _exponentials(e: Emitter, w: Walk, peak: list[Value], fill: Value | None) -> list[Value]:
    """The sum of exp(x - peak). Lanes beyond the end hold -inf, whose exponential is 0."""
    low = e.splat(-inf) if fill is not None else None
    return w.fold(e.splat(0.0), lambda t, x, i: e.b.fadd(t, exp(e, e.b.fsub(x, peak[i]))), e.b.fadd, low)


@cache
def normalize(columns: int, affine: str, centre: bool, divide: str) -> Kernel:
    """`divide`: "" (no division), "add" (sqrt of variance + eps), "max" (of the larger), "outside" (sqrt plus eps)."""

    def formula(e: Emitter, a: Arguments, w: Walk) -> None:
        scale, eps, zero, one = _number(e, a.scale), _number(e, a.eps), e.splat(0.0), e.splat(1.0)
        middle = [zero] * w.numbers
        if centre:
            middle = [e.b.fmul(t, scale) for t in w.fold(zero, lambda t, x, i: e.b.fadd(t, x), e.b.fadd)]

        def centred(x: Value, i: int) -> Value:
            return e.b.fsub(x, middle[i]) if centre else x

        if not divide:
            w.map(centred)
            return

        def square(total: Value, x: Value, i: int) -> Value:
            d = centred(x, i)
            return e.fma(d, d, total)

        squares = [e.b.fmul(t, scale) for t in w.fold(zero, square, e.b.fadd, middle[0])]
        if divide == "outside":
            roots = [e.b.fadd(e.sqrt(v), eps) for v in squares]
        else:
            roots = [e.sqrt(e.b.fadd(v, eps) if divide == "add" else e.maximum(v, eps)) for v in squares]
        factors = [e.b.fdiv(one, r) for r in roots]
        w.map(lambda x, i: e.b.fmul(centred(x, i), factors[i]))

    return _kernel(f"normalize{'_centred' if centre else ''}{'_' + divide if divide else ''}", columns, affine, formula)
