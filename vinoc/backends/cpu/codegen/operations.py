"""Elementwise operations as code over typed vectors: one function for each kind of node.

A function gets the writer, the step (types and attributes) and the operands in registers, and returns the result.
f16 and bf16 are f32 here; the caller rounds. Integers wrap around. No division traps.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, TypeAlias

from llvmlite import ir

from ....ir import dtype as dt
from ....ir.dtype import DType
from ....ir.record import record
from . import functions, math
from .typed import FLOATS, INTEGERS, NARROW, Typed

Value: TypeAlias = Any


@record(frozen=True)
class Step:
    """One operation of an expression.

    args        numbers of earlier values: the operands of the expression first, then the results of the steps
    params      attributes that decide the code
    """

    kind: str
    source: DType
    type: DType
    args: tuple[int, ...]
    params: tuple[Any, ...] = ()


Operation: TypeAlias = Callable[..., Value]
OPERATIONS: dict[str, Operation] = {}
DOUBLE: set[str] = set()
"""Kinds that are there for f64 too."""
INTEGER: set[str] = set()
"""Kinds that are there for integers."""


_GRIDS = {"Quantize": (dt.f32, dt.u8), "Dequantize": (dt.u8, dt.f32)}
"""Kinds that change the type: from and to what."""


def operation(*kinds: str, double: bool = False, integer: bool = False) -> Callable[[Operation], Operation]:
    def declare(function: Operation) -> Operation:
        for kind in kinds:
            OPERATIONS[kind] = function
            if double:
                DOUBLE.add(kind)
            if integer:
                INTEGER.add(kind)
        return function

    return declare


def supported(kind: str, source: DType, to: DType) -> bool:
    """Whether there is code for an operation on elements of a type."""
    if kind not in OPERATIONS:
        return False
    if kind in _GRIDS:
        return (source, to) == _GRIDS[kind]
    if kind == "Convert":
        return {source, to} <= {*FLOATS, *INTEGERS, dt.boolean} and not (source is dt.f64 and to in NARROW)
    if source is dt.boolean:
        return kind in _LOGICAL or kind in ("Equal", "NotEqual", "Select", "BitwiseNot", *_BITS)
    if source in INTEGERS:
        return kind in INTEGER
    return source in (dt.f32, *NARROW) or (source is dt.f64 and kind in DOUBLE)


# Arithmetic


@operation("Add", "Subtract", "Multiply", double=True, integer=True)
def arithmetic(t: Typed, s: Step, x: Value, y: Value) -> Value:
    name = {"Add": "add", "Subtract": "sub", "Multiply": "mul"}[s.kind]
    return getattr(t.b, f"f{name}" if s.source.is_float else name)(x, y)


@operation("SquaredDifference", double=True, integer=True)
def squared_difference(t: Typed, s: Step, x: Value, y: Value) -> Value:
    if not s.source.is_float:
        d = t.b.sub(x, y)
        return t.b.mul(d, d)
    d = t.rounded(s.type, t.b.fsub(x, y))
    return t.b.fmul(d, d)


@operation("Divide", double=True, integer=True)
def divide(t: Typed, s: Step, x: Value, y: Value) -> Value:
    if s.source.is_float:
        return t.b.fdiv(x, y)
    quotient, remainder = _divided(t, s, x, y)
    if s.source.kind == "u" or not s.params[0]:
        return quotient
    zero = t.constant(s.source, 0)
    other = t.b.icmp_signed("<", t.b.xor(x, y), zero)
    inexact = t.b.icmp_signed("!=", remainder, zero)
    down = t.b.sub(quotient, t.constant(s.source, 1))
    return t.b.select(t.b.and_(other, inexact), down, quotient)


def _divided(t: Typed, s: Step, x: Value, y: Value) -> tuple[Value, Value]:
    """Quotient and remainder of integers towards zero; both 0 for a divisor of 0. No operands trap."""
    b, zero, one = t.b, t.constant(s.source, 0), t.constant(s.source, 1)
    nothing = b.icmp_signed("==", y, zero)
    if s.source.kind == "u":
        safe = b.select(nothing, one, y)
        quotient = b.udiv(x, safe)
    else:
        # The least number has no opposite: dividing by -1 is a subtraction, which wraps around.
        opposite = b.icmp_signed("==", y, t.constant(s.source, -1))
        safe = b.select(b.or_(nothing, opposite), one, y)
        quotient = b.select(opposite, b.sub(zero, x), b.sdiv(x, safe))
    remainder = b.sub(x, b.mul(quotient, y))
    return b.select(nothing, zero, quotient), b.select(nothing, zero, remainder)


@operation("Mod", "FloorMod", integer=True)
def mod(t: Typed, s: Step, x: Value, y: Value) -> Value:
    b, zero = t.b, t.constant(s.source, 0)
    if s.source.is_float:
        rest = b.frem(x, y)
        if s.kind == "Mod":
            return rest
        other = b.fcmp_ordered("<", b.fmul(math.copysign(t.e, t.constant(s.source, 1), rest), y), zero)
        moved = b.select(other, t.b.fadd(rest, y), rest)
        return b.select(b.fcmp_ordered("==", rest, zero), math.copysign(t.e, zero, y), moved)
    _, rest = _divided(t, s, x, y)
    if s.kind == "Mod" or s.source.kind == "u":
        return rest
    other = b.icmp_signed("<", b.xor(rest, y), zero)
    return b.select(b.and_(other, b.icmp_signed("!=", rest, zero)), b.add(rest, y), rest)


@operation("Power")
def power(t: Typed, s: Step, x: Value, y: Value) -> Value:
    return math.power(t.e, x, y)


POWERS = (2.0, 3.0, 0.5, -1.0, -0.5, -2.0)
"""Exponents that have code of their own."""


@operation("PowerOf")
def power_of(t: Typed, s: Step, x: Value) -> Value:
    """x to one of POWERS."""
    (exponent,) = s.params
    size = abs(exponent)
    if exponent == 0.5:
        return math.call(t.e, "sqrt", x)  # as NumPy has it, also of minus infinity
    if size == 0.5:
        # Other than a root, a power of minus zero is zero, and of minus infinity infinity.
        root = math.call(t.e, "sqrt", t.b.fadd(x, t.constant(s.source, 0.0)))
        below = t.b.fcmp_ordered("==", x, t.constant(s.source, -inf))
        result = t.b.select(below, t.constant(s.source, inf), root)
    else:
        result = x
        for _ in range(int(size) - 1):
            result = t.b.fmul(result, x)
    return t.b.fdiv(t.constant(s.source, 1.0), result) if exponent < 0 else result


@operation("Maximum", "Minimum", double=True, integer=True)
def extreme(t: Typed, s: Step, x: Value, y: Value) -> Value:
    sign = ">" if s.kind == "Maximum" else "<"
    if not s.source.is_float:
        return t.b.select(integer_compare(t, s.source, sign, x, y), x, y)
    # The first selection keeps a NaN of y, the second one of x.
    chosen = t.b.select(t.b.fcmp_ordered(sign, x, y), x, y)
    return t.b.select(math.is_nan(t.e, x), x, chosen)


@operation("Abs", double=True, integer=True)
def absolute(t: Typed, s: Step, x: Value) -> Value:
    if s.source.is_float:
        return math.call(t.e, "fabs", x)
    zero = t.constant(s.source, 0)
    return x if s.source.kind == "u" else t.b.select(t.b.icmp_signed("<", x, zero), t.b.sub(zero, x), x)


@operation("Negative", double=True, integer=True)
def negative(t: Typed, s: Step, x: Value) -> Value:
    return t.b.fneg(x) if s.source.is_float else t.b.sub(t.constant(s.source, 0), x)


@operation("Sign", double=True, integer=True)
def sign(t: Typed, s: Step, x: Value) -> Value:
    zero, one, less = t.constant(s.source, 0), t.constant(s.source, 1), t.constant(s.source, -1)
    if s.source.is_float:
        result = t.b.select(t.b.fcmp_ordered("<", x, zero), less, x)
        return t.b.select(t.b.fcmp_ordered(">", x, zero), one, result)
    result = t.b.select(t.b.icmp_signed("==", x, zero), zero, one)
    return result if s.source.kind == "u" else t.b.select(t.b.icmp_signed("<", x, zero), less, result)


@operation("Floor", "Ceiling", "Round", double=True, integer=True)
def rounding(t: Typed, s: Step, x: Value) -> Value:
    if not s.source.is_float:
        return x
    if s.kind != "Round":
        return (math.floor if s.kind == "Floor" else math.ceil)(t.e, x)
    if s.params[0] == "half_to_even":
        return math.rint(t.e, x)
    cut = math.trunc(t.e, x)
    far = t.b.fcmp_ordered(">=", math.call(t.e, "fabs", t.b.fsub(x, cut)), t.constant(s.source, 0.5))
    one = t.b.select(far, t.constant(s.source, 1.0), t.constant(s.source, 0.0))
    return t.b.fadd(cut, math.copysign(t.e, one, x))


@operation("Sqrt", double=True)
def sqrt(t: Typed, s: Step, x: Value) -> Value:
    return math.call(t.e, "sqrt", x)


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "Exp": math.exp, "Log": math.log_, "Erf": functions.erf, "Sin": functions.sin, "Cos": functions.cos,
    "Tan": functions.tan, "Asin": functions.asin, "Acos": functions.acos, "Atan": functions.atan,
    "Sinh": functions.sinh, "Cosh": functions.cosh, "Tanh": functions.tanh, "Asinh": functions.asinh,
    "Acosh": functions.acosh, "Atanh": functions.atanh, "Sigmoid": functions.sigmoid,
    "SoftPlus": functions.softplus, "Mish": functions.mish,
}  # fmt: skip


@operation(*_FUNCTIONS)
def function(t: Typed, s: Step, x: Value) -> Value:
    return _FUNCTIONS[s.kind](t.e, x)


# Comparisons and logic


def integer_compare(t: Typed, type: DType, sign: str, x: Value, y: Value) -> Value:
    return (t.b.icmp_unsigned if type.kind in "ub" else t.b.icmp_signed)(sign, x, y)


_SIGNS = {"Equal": "==", "NotEqual": "!=", "Greater": ">", "GreaterEqual": ">=", "Less": "<", "LessEqual": "<="}


@operation(*_SIGNS, double=True, integer=True)
def comparison(t: Typed, s: Step, x: Value, y: Value) -> Value:
    sign = _SIGNS[s.kind]
    if not s.source.is_float:
        return integer_compare(t, s.source, sign, x, y)
    return t.b.fcmp_unordered("!=", x, y) if sign == "!=" else t.b.fcmp_ordered(sign, x, y)


_LOGICAL = {"LogicalAnd": "and_", "LogicalOr": "or_", "LogicalXor": "xor", "LogicalNot": "not_"}
_BITS = {"BitwiseAnd": "and_", "BitwiseOr": "or_", "BitwiseXor": "xor"}


@operation(*_LOGICAL)
@operation(*_BITS, integer=True)
def logic(t: Typed, s: Step, *xs: Value) -> Value:
    return getattr(t.b, (_LOGICAL | _BITS)[s.kind])(*xs)


@operation("BitwiseNot", integer=True)
def bitwise_not(t: Typed, s: Step, x: Value) -> Value:
    return t.b.not_(x)


@operation("BitwiseLeftShift", "BitwiseRightShift", integer=True)
def shift(t: Typed, s: Step, x: Value, y: Value) -> Value:
    """Shifts by more bits than there are leave nothing, or the sign."""
    inside = t.b.icmp_unsigned("<", y, t.constant(s.source, s.source.bits))
    left, signed = s.kind == "BitwiseLeftShift", s.source.kind == "i"
    if not left and signed:
        return t.b.ashr(x, t.b.select(inside, y, t.constant(s.source, s.source.bits - 1)))
    zero = t.constant(s.source, 0)
    return t.b.select(inside, (t.b.shl if left else t.b.lshr)(x, t.b.select(inside, y, zero)), zero)


@operation("Select", double=True, integer=True)
def select(t: Typed, s: Step, condition: Value, x: Value, y: Value) -> Value:
    return t.b.select(condition, x, y)


@operation("IsNaN", "IsInf", "IsFinite", double=True)
def predicate(t: Typed, s: Step, x: Value) -> Value:
    if s.kind == "IsNaN":
        return math.is_nan(t.e, x)
    high, low = t.constant(s.source, inf), t.constant(s.source, -inf)
    if s.kind == "IsFinite":
        return t.b.fcmp_ordered("<", math.call(t.e, "fabs", x), high)
    below, above = s.params
    never = ir.Constant(t.vector(dt.boolean), None)
    return t.b.or_(
        t.b.fcmp_ordered("==", x, low) if below else never, t.b.fcmp_ordered("==", x, high) if above else never
    )


@operation("Convert", double=True, integer=True)
def convert(t: Typed, s: Step, x: Value) -> Value:
    return t.convert(x, s.source, s.type)


COSTLY = frozenset(
    {
        *_FUNCTIONS,
        "Power",
        "Divide",
        "Mod",
        "FloorMod",
        "Sqrt",
        "Gelu",
        "Swish",
        "Elu",
        "Selu",
        "SoftSign",
        "FakeQuantize",
    }
)
"""Kinds that are dear enough not to be computed twice."""
