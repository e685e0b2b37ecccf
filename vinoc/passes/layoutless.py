"""Operations that do the same whatever order their dimensions have, and how they look in another order.

Where y = op(x_1, ..., x_n) and every x_i = Transpose(u_i; p), y = Transpose(op'(u_1, ..., u_n); p): the axis that op
calls i is the axis p[i] of u. `carried` gives op' and its constants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir.dtype import Array
from ..ir.graph import Node, Value
from ..ir.op import Op

UNARY = frozenset(
    [
        "ReLU",
        "Clamp",
        "Sigmoid",
        "Tanh",
        "Elu",
        "Gelu",
        "SoftPlus",
        "Mish",
        "HSwish",
        "HSigmoid",
        "SoftSign",
        "Swish",
        "Abs",
        "Negative",
        "Sign",
        "Ceiling",
        "Floor",
        "Round",
        "Sqrt",
        "Exp",
        "Log",
        "Erf",
        "Sin",
        "Cos",
        "Convert",
        "LogicalNot",
        "Identity",
    ]
)
BINARY = frozenset(
    [
        "Add",
        "Subtract",
        "Multiply",
        "Divide",
        "Power",
        "Maximum",
        "Minimum",
        "SquaredDifference",
        "Equal",
        "NotEqual",
        "Greater",
        "GreaterEqual",
        "Less",
        "LessEqual",
        "LogicalAnd",
        "LogicalOr",
        "Mod",
        "FloorMod",
    ]
)
REDUCTIONS = frozenset(f"Reduce{k}" for k in ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2"))
WITH_AXES = REDUCTIONS | {"MVN", "NormalizeL2"}
WITH_AXIS = frozenset({"SoftMax", "LogSoftmax", "Concat"})
SPLITS = frozenset({"Split", "VariadicSplit"})

Order = tuple[int, ...]
Carried = tuple[Op, list["Value | Array"]]


def moved(constant: Array, order: Order) -> Array:
    """The constant c' with Transpose(c'; order) = c, dimensions of length 1 put in front of a shorter one."""
    full = constant.reshape((1,) * (len(order) - constant.ndim) + constant.shape)
    return np.transpose(full, np.argsort(order))


def operands(node: Node, rank: int) -> list[Value] | None:
    """The operands whose dimensions the operation works on, constants left out; None for any other operation."""
    kind, inputs = node.kind, node.inputs
    if any(v is None for v in inputs) or any(o.rank != rank for o in node.outputs):
        return None
    values = [v for v in inputs if v is not None]
    if kind in BINARY:
        free = [v for v in values if not v.is_const]
        fits = all(v.rank == rank for v in free) and all((v.rank or 0) <= rank for v in values)
        return free if fits and getattr(node.op, "auto_broadcast", "numpy") == "numpy" else None
    if kind == "Concat":
        return [v for v in values if not v.is_const] if all(v.rank == rank for v in values) else None
    if kind in UNARY or kind in WITH_AXIS:
        return values[:1] if len(values) == 1 and values[0].rank == rank else None
    if kind == "Pad" or kind in WITH_AXES or kind in SPLITS or kind == "FakeQuantize" or kind == "PReLU":
        return values[:1] if values[0].rank == rank and all(v.is_const for v in values[1:]) and _fits(node) else None
    return None


def _fits(node: Node) -> bool:
    op: Any = node.op
    if node.kind in REDUCTIONS:
        return bool(op.keep_dims)
    if node.kind == "PReLU":
        slope = node.operand(1).const
        return slope is not None and slope.size == 1
    return True


def carried(node: Node, order: Order, new: Callable[[Value], Value]) -> Carried:
    """The operation and its operands in the other order; `new` gives u of an operand that is no constant."""
    op: Any = node.op
    rank, kind = len(order), node.kind
    values = [v for v in node.inputs if v is not None]
    if kind in BINARY or kind == "Concat":
        laid = [new(v) if v.const is None else moved(v.const, order) for v in values]
        return (replace(op, axis=order[op.axis % rank]) if kind == "Concat" else op), laid
    first = new(values[0])
    if kind in WITH_AXIS:
        return replace(op, axis=order[op.axis % rank]), [first]
    rest = [v.const for v in values[1:] if v.const is not None]
    if kind in WITH_AXES:
        axes = sorted(order[int(a) % rank] for a in rest[0].reshape(-1))
        return op, [first, np.array(axes, np.int64)]
    if kind in SPLITS:
        axis = np.array(order[int(rest[0].reshape(-1)[0]) % rank], np.int64)
        return op, [first, axis, *rest[1:]]
    if kind == "Pad":
        back = np.argsort(order)
        return op, [first, rest[0][back], rest[1][back], *rest[2:]]
    if kind == "FakeQuantize":
        return op, [first, *[moved(r, order) for r in rest]]
    return op, [first, *rest]


def inverse(order: Sequence[int]) -> Order:
    return tuple(int(i) for i in np.argsort(order))
