"""Elementwise arithmetic, comparison, logic and casts."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from .....ir.dtype import f64, string
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from . import values
from .values import number, rank, to

Converter = Callable[[NodeContext], Value]


def _unary(kind: str, **attributes: Any) -> Converter:
    def convert(ctx: NodeContext) -> Value:
        return getattr(ctx.b, kind)(ctx.input(0), **attributes)

    return convert


def _binary(kind: str, **attributes: Any) -> Converter:
    def convert(ctx: NodeContext) -> Value:
        return getattr(ctx.b, kind)(ctx.input(0), ctx.input(1), **attributes)

    return convert


def _binary_aligned(kind: str, **attributes: Any) -> Converter:
    """Before opset 7 attributes said how the second operand is broadcast to the first."""

    def convert(ctx: NodeContext) -> Value:
        a, b = ctx.input(0), ctx.input(1)
        if ctx.attr("broadcast", 0) and ctx.has("axis"):
            b = _align(ctx, a, b, ctx.attr("axis"))
        return getattr(ctx.b, kind)(a, b, **attributes)

    return convert


def _align(ctx: NodeContext, a: Value, b: Value, axis: int) -> Value:
    """Gives `b` trailing dimensions of one so that its first dimension meets dimension `axis` of `a`."""
    own = rank(ctx, b)
    trailing = rank(ctx, a) - values.axis_of(ctx, a, axis) - own
    return ctx.b.Unsqueeze(b, list(range(own, own + trailing))) if trailing > 0 else b


def _variadic(kind: str) -> Converter:
    def convert(ctx: NodeContext) -> Value:
        return reduce(getattr(ctx.b, kind), (ctx.input(i) for i in range(len(ctx.inputs))))

    return convert


for _name, _kind, _since in (
    ("Abs", "Abs", 1),
    ("Neg", "Negative", 1),
    ("Sqrt", "Sqrt", 1),
    ("Exp", "Exp", 1),
    ("Log", "Log", 1),
    ("Ceil", "Ceiling", 1),
    ("Floor", "Floor", 1),
    ("Sign", "Sign", 9),
    ("Sin", "Sin", 7),
    ("Cos", "Cos", 7),
    ("Tan", "Tan", 7),
    ("Asin", "Asin", 7),
    ("Acos", "Acos", 7),
    ("Atan", "Atan", 7),
    ("Sinh", "Sinh", 9),
    ("Cosh", "Cosh", 9),
    ("Asinh", "Asinh", 9),
    ("Acosh", "Acosh", 9),
    ("Atanh", "Atanh", 9),
    ("Not", "LogicalNot", 1),
    ("IsNaN", "IsNaN", 9),
    ("BitwiseNot", "BitwiseNot", 18),
):
    converter(_name, since=_since)(_unary(_kind))

converter("Round", since=11)(_unary("Round", mode="half_to_even"))

for _name, _kind, _attributes in (
    ("Add", "Add", {}),
    ("Sub", "Subtract", {}),
    ("Mul", "Multiply", {}),
    ("Div", "Divide", {"m_pythondiv": False}),  # integers are divided as C divides them
    ("And", "LogicalAnd", {}),
    ("Or", "LogicalOr", {}),
    ("Xor", "LogicalXor", {}),
    ("Greater", "Greater", {}),
    ("Less", "Less", {}),
):
    converter(_name, since=1)(_binary_aligned(_kind, **_attributes))
    converter(_name, since=7)(_binary(_kind, **_attributes))

converter("Equal", since=1)(_binary_aligned("Equal"))


@converter("Equal", since=7)
def equal(ctx: NodeContext) -> Value:
    a, b = ctx.input(0), ctx.input(1)
    return ctx.b.StringEqual(a, b) if a.dtype is string else ctx.b.Equal(a, b)


for _name, _kind, _since in (
    ("GreaterOrEqual", "GreaterEqual", 12),
    ("LessOrEqual", "LessEqual", 12),
    ("BitwiseAnd", "BitwiseAnd", 18),
    ("BitwiseOr", "BitwiseOr", 18),
    ("BitwiseXor", "BitwiseXor", 18),
):
    converter(_name, since=_since)(_binary(_kind))

for _name, _kind in (("Sum", "Add"), ("Max", "Maximum"), ("Min", "Minimum")):
    converter(_name, since=1)(_variadic(_kind))


@converter("Mean", since=1)
def mean(ctx: NodeContext) -> Value:
    total = _variadic("Add")(ctx)
    return ctx.b.Divide(total, float(len(ctx.inputs))) if len(ctx.inputs) > 1 else total


converter("Pow", since=1)(_binary_aligned("Power"))


@converter("Pow", since=7)
def power(ctx: NodeContext) -> Value:
    """From opset 12 the exponent may have another type; the result has that of the base."""
    base, exponent = ctx.input(0), ctx.input(1)
    if exponent.dtype.is_float and not base.dtype.is_float:
        wide = ctx.b.Power(to(ctx.b, base, f64), to(ctx.b, exponent, f64))
        return to(ctx.b, wide, base.dtype)
    return ctx.b.Power(base, to(ctx.b, exponent, base.dtype))


@converter("Mod", since=10)
def mod(ctx: NodeContext) -> Value:
    """`fmod` gives the sign of the dividend, as in C; otherwise the divisor's, as in Python."""
    kind = "Mod" if ctx.attr("fmod", 0) else "FloorMod"
    return getattr(ctx.b, kind)(ctx.input(0), ctx.input(1))


@converter("Reciprocal", since=1)
def reciprocal(ctx: NodeContext) -> Value:
    x = ctx.input(0)
    return ctx.b.Divide(number(ctx.b, 1, x.dtype), x)


@converter("Where", since=9)
def where(ctx: NodeContext) -> Value:
    return ctx.b.Select(ctx.input(0), ctx.input(1), ctx.input(2))


@converter("IsInf", since=10)
def is_inf(ctx: NodeContext) -> Value:
    return ctx.b.IsInf(
        ctx.input(0),
        detect_negative=bool(ctx.attr("detect_negative", 1)),
        detect_positive=bool(ctx.attr("detect_positive", 1)),
    )


@converter("BitShift", since=11)
def bit_shift(ctx: NodeContext) -> Value:
    direction = ctx.attr("direction")
    if direction not in ("LEFT", "RIGHT"):
        ctx.fail(f"attribute `direction` is '{direction}'", "it must be LEFT or RIGHT")
    kind = "BitwiseLeftShift" if direction == "LEFT" else "BitwiseRightShift"
    return getattr(ctx.b, kind)(ctx.input(0), ctx.input(1))
