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
from .kinds import BINARY, REDUCTIONS, UNARY

WITH_AXES = frozenset({*REDUCTIONS, "MVN", "NormalizeL2"})
WITH_AXIS = frozenset({"SoftMax", "LogSoftmax", "Concat"})
SPLITS = frozenset({"Split", "VariadicSplit"})
BROADCAST = BINARY | {"Select"}
WITH_NUMBERS = frozenset({"HardSigmoid", "Selu", "Swish"})
ALONG = frozenset({"Slice", "Gather", "Interpolate", "Roll", "CumSum", "Tile"})
"""Work along axes that an operand names, or that go with the order of another one."""

Order = tuple[int, ...]
Carried = tuple[Op, list["Value | Array"]]


def moved(constant: Array, order: Order) -> Array:
    """The constant c' with Transpose(c'; order) = c, dimensions of length 1 put in front of a shorter one."""
    full = constant.reshape((1,) * (len(order) - constant.ndim) + constant.shape)
    return np.transpose(full, np.argsort(order))


def operands(node: Node, order: Order) -> list[Value] | None:
    """The operands whose dimensions the operation works on, constants left out.

    None for any other operation, and for a resize whose image would not lie in the last dimensions any more.
    """
    kind, inputs, rank = node.kind, node.inputs, len(order)
    if any(v is None for v in inputs) or any(o.rank != rank for o in node.outputs):
        return None
    values = [v for v in inputs if v is not None]
    if kind in BROADCAST:
        free = [v for v in values if not v.is_const]
        fits = all(v.rank == rank for v in free) and all((v.rank or 0) <= rank for v in values)
        return free if fits and getattr(node.op, "auto_broadcast", "numpy") == "numpy" else None
    if kind == "Concat":
        return [v for v in values if not v.is_const] if all(v.rank == rank for v in values) else None
    if kind == "Gather":
        batched = bool(getattr(node.op, "batch_dims", 0))
        along = values[2].is_const and values[1].rank == 1 and not batched
        return values[:1] if along and values[0].rank == rank else None
    if kind in WITH_AXIS or (kind in UNARY and len(values) == 1):
        return values[:1] if len(values) == 1 and values[0].rank == rank else None
    others = kind in ("Pad", "FakeQuantize", "PReLU") or kind in WITH_NUMBERS or kind in ALONG
    if others or kind in WITH_AXES or kind in SPLITS:
        return (
            values[:1]
            if values[0].rank == rank and all(v.is_const for v in values[1:]) and _fits(node, order)
            else None
        )
    return None


def _fits(node: Node, order: Order) -> bool:
    op: Any = node.op
    if node.kind in REDUCTIONS:
        return bool(op.keep_dims)
    if node.kind in WITH_NUMBERS:
        return all(v is None or v.const is None or v.const.size == 1 for v in node.inputs[1:])
    if node.kind == "Tile":
        repeats = node.operand(1).const
        return repeats is not None and repeats.size == node.operand(0).rank
    if node.kind == "Interpolate":
        axes = node.operand(2).const if len(node.inputs) == 3 else None
        if axes is None or any(op.pads_begin) or any(op.pads_end):
            return False
        before = {int(a) % len(order) for a in axes.reshape(-1)}
        last = set(range(len(order) - len(before), len(order)))
        return before != last or {order[a] for a in before} == last
    return True


def carried(node: Node, order: Order, new: Callable[[Value], Value]) -> Carried:
    """The operation and its operands in the other order; `new` gives u of an operand that is no constant."""
    op: Any = node.op
    rank, kind = len(order), node.kind
    values = [v for v in node.inputs if v is not None]
    if kind in BROADCAST or kind == "Concat":
        laid = [new(v) if v.const is None else _laid(v, order) for v in values]
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
        return op, [first, *[_laid(v, order) for v in values[1:]]]
    if kind == "PReLU":
        return op, [first, _slope(rest[0], node, order)]
    if kind in ALONG:
        return op, _along(node, first, values, order)
    return op, [first, *rest]


def _laid(constant: Value, order: Order) -> Value | Array:
    """A constant that broadcasts. A number stays the one that it is, so that equal nodes stay equal."""
    assert constant.const is not None
    return moved(constant.const, order) if constant.rank else constant


def _slope(slope: Array, node: Node, order: Order) -> Array:
    """The slope of a PReLU; as many as there are channels belong to axis 1, and stay one-dimensional there."""
    shape, rank = node.operand(0).shape, len(order)
    if slope.size == 1:
        return slope
    if slope.ndim == 1 and rank > 1 and shape is not None and shape[1] == slope.size:
        slope = slope.reshape((1, -1) + (1,) * (rank - 2))
    laid = moved(slope, order)
    return laid.reshape(-1) if rank > 1 and laid.shape[1] == laid.size else laid


def _along(node: Node, first: Value, values: Sequence[Value], order: Order) -> list[Value | Array]:
    """The operands of an operation along axes, which are others now."""
    rank, kind = len(order), node.kind
    given = [v.const if v.const is not None else v for v in values[1:]]
    if kind == "Tile":
        return [first, np.asarray(given[0])[np.argsort(order)]]
    at = {"Slice": 3, "Gather": 1, "Interpolate": 1, "Roll": 1, "CumSum": 0}[kind]
    axes = given[at] if at < len(given) else np.arange(len(np.asarray(given[0])), dtype=np.int64)
    moved_axes = np.array([order[int(a) % rank] for a in np.reshape(axes, -1)], np.int64)  # type: ignore[arg-type]
    return [first, *given[:at], moved_axes.reshape(np.shape(axes)), *given[at + 1 :]]


def inverse(order: Sequence[int]) -> Order:
    return tuple(int(i) for i in np.argsort(order))
