"""Attention: products, soft maximum and mask as one kernel over packed keys and values."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ....ir.dtype import f32
from ....ir.graph import Node, Value
from ....ir.types import static_shape
from ..kernels.attention import ATTENTION, MASKED_ATTENTION, most_keys
from ..kernels.base import f32_bits
from .matmul import adjacent, as_rows, broadcast, offsets, pack, swapped, table_of
from .place import Form, Place
from .plan import Array, Plan, Unfit, lowers, shape_of

FEW_QUERIES = 8
"""Below this, packing keys and values costs more than it saves."""

MOST_KEYS = most_keys(12, 32)
"""Whose scores fit into the scratch of every target."""


def attention_of(first: Node) -> list[Node]:
    """The nodes from a product of queries and keys, by scale, mask, soft maximum, to that with the values; or none."""
    if first.kind != "MatMul" or first.op.transpose_a or first.outputs[0].dtype is not f32:  # type: ignore[attr-defined]
        return []
    scores = first.outputs[0]
    shape = static_shape(scores.tensor.shape)
    if shape is None or len(shape) < 2 or shape[-2] < FEW_QUERIES or not 0 < shape[-1] <= MOST_KEYS:
        return []
    if any((v.rank or 0) < 2 for v in (first.operand(0), first.operand(1))):
        return []
    found, end = [first], first
    for kinds in (("Multiply", "Divide"), ("Add",), ("SoftMax",), ("MatMul",)):
        value = end.outputs[0]
        user = value.only_user
        if user is None:
            return []
        if user.kind in kinds and _fits(user, value):
            found.append(user)
            end = user
        elif "SoftMax" in kinds or "MatMul" in kinds:
            return []
    return found


def _fits(user: Node, value: Value) -> bool:
    op: Any = user.op
    if user.kind == "MatMul":
        return user.operand(0) is value and not op.transpose_a and (user.operand(1).rank or 0) >= 2
    if user.outputs[0].type != value.type:
        return False
    if user.kind == "SoftMax":
        return bool(op.axis % len(value.tensor.shape or ()) == len(value.tensor.shape or ()) - 1)
    if user.operand(0) is user.operand(1) or (user.kind == "Divide" and user.operand(1) is value):
        return False
    other = user.operand(1) if user.operand(0) is value else user.operand(0)
    return user.kind == "Add" or (other.const is not None and other.const.size == 1)


@lowers("Region:attention")
def attention(plan: Plan, node: Node) -> None:
    """What `attention_of` has found."""
    body = node.bodies[0]
    nodes = list(body)
    outer = dict(zip(body.inputs, node.inputs, strict=True))
    first, last = nodes[0], nodes[-1]
    scale, mask = 1.0, None
    value = first.outputs[0]
    for step in nodes[1:-1]:
        if step.kind != "SoftMax":
            other = outer[step.operand(1) if step.operand(0) is value else step.operand(0)]
            assert other is not None
            if step.kind == "Add":
                mask = plan.read(other)
            else:
                assert other.const is not None
                number = float(other.const.reshape(-1)[0])
                scale = number if step.kind == "Multiply" else 1.0 / number if number else np.inf
        value = step.outputs[0]
    q, k, v = (plan.read(outer[x]) for x in (first.operand(0), first.operand(1), last.operand(1)))
    k = swapped(k) if first.op.transpose_b else k  # type: ignore[attr-defined]
    v = swapped(v) if last.op.transpose_b else v  # type: ignore[attr-defined]
    _attend(plan, q, k, v, mask, scale, plan.write(node.outputs[0], Form.ROWS))


@lowers("ScaledDotProductAttention")
def attention_op(plan: Plan, node: Node) -> None:
    """The operation; a causal or boolean mask that is known becomes one of 0 and -inf."""
    op: Any = node.op
    if node.outputs[0].dtype is not f32:
        raise Unfit(f"there is no kernel for {node.outputs[0].dtype}")
    q, k, v = (plan.read(node.operand(i)) for i in range(3))
    queries, keys = q.shape[-2], k.shape[-2]
    if not 0 < keys <= MOST_KEYS:
        raise Unfit(f"{keys} keys are too many")
    given = node.inputs[3] if len(node.inputs) > 3 else None
    factor = node.inputs[4] if len(node.inputs) > 4 else None
    if factor is not None and factor.const is None:
        raise Unfit("its scale is not known")
    scale = float(factor.const.reshape(-1)[0]) if factor is not None else float(1 / np.sqrt(np.float32(q.shape[-1])))  # type: ignore[union-attr]
    mask = None
    if op.causal:
        allowed = plan.packed.get(("causal", queries, keys), lambda: additive(np.tri(queries, keys, dtype=bool)))
        mask = plan.constant(allowed)
    elif given is not None and given.dtype is f32:
        mask = plan.read(given)
    elif given is not None:
        if given.const is None:
            raise Unfit("its boolean mask is not known")
        mask = plan.constant(plan.packed.of(given, "additive", additive)).reshaped(shape_of(given))
    _attend(plan, q, swapped(k), v, mask, scale, plan.write(node.outputs[0], Form.ROWS))


def additive(allowed: Array) -> Array:
    """0 where it is allowed, -inf elsewhere."""
    return np.where(allowed, np.float32(0), np.float32(-np.inf)).astype(np.float32)


def _attend(plan: Plan, q: Place, k: Place, v: Place, mask: Place | None, scale: float, out: Place) -> None:
    """q [..., L, E], k [..., E, S], v [..., S, V] -> out [..., L, V]; the batch of `out` is that of all broadcast."""
    if not out.size:
        return
    batch, (queries, columns) = out.shape[:-2], out.shape[-2:]
    depth, keys = k.shape[-2:]
    q = as_rows(plan, broadcast(q, batch))
    packed = [_packed(plan, broadcast(p, batch)) for p in (k, v)]
    target = out if adjacent(out, -1) else plan.new(out.shape, out.dtype)
    mask = _spread_mask(plan, mask, batch, queries, keys) if mask is not None else None
    moved = offsets(mask) if mask is not None else np.zeros(1, np.int64)
    where = [offsets(q), packed[0][1], packed[1][1], moved, offsets(target)]
    table = np.zeros((prod(batch), 5), np.int64)
    for i, column in enumerate(where):
        table[:, i] = column
    tiles = -(-queries // plan.target.rows)
    plan.call(
        MASKED_ATTENTION if mask is not None else ATTENTION,
        prod(batch) * tiles,
        flops=2 * prod(batch) * queries * keys * (depth + columns),
        q=q, k=packed[0][0], v=packed[1][0], mask=mask if mask is not None else 0, out=target,
        pairs=table_of(plan, table), scale=f32_bits(scale), queries=queries, keys=keys, depth=depth, columns=columns,
        tiles=tiles, q_row=q.strides[-2], mask_row=mask.strides[-2] if mask is not None else 0,
        out_row=target.strides[-2],
    )  # fmt: skip
    if target is not out:
        plan.copy(target, out)


def _packed(plan: Plan, b: Place) -> tuple[Place, Array]:
    """A right operand in panels, each matrix once, and where each of the batch begins."""
    depth, columns = b.shape[-2:]
    width = plan.target.width
    kept = tuple(n if s else 1 for n, s in zip(b.shape[:-2], b.strides))
    own = replace(b, shape=(*kept, depth, columns))
    numbers = np.broadcast_to(np.arange(prod(kept)).reshape(kept), b.shape[:-2]).reshape(-1)
    return pack(plan, own), numbers * (4 * -(-columns // width) * width * depth)


def _spread_mask(plan: Plan, mask: Place, batch: tuple[int, ...], queries: int, keys: int) -> Place:
    """The mask broadcast to all pairs; its keys are adjacent."""
    rank = len(batch) + 2
    own = (1,) * (rank - len(mask.shape)) + mask.shape
    strides = (0,) * (rank - len(mask.shape)) + mask.strides
    strides = tuple(s if n > 1 else 0 for n, s in zip(own, strides))
    kept = tuple(n if s else 1 for n, s in zip(own, strides))
    base = replace(mask, shape=(*kept[:-1], keys), strides=strides)
    if strides[-1] != 4 and keys > 1:
        base = plan.formed(base, Form.ROWS)
    strides = tuple(s if n > 1 else 0 for n, s in zip(base.shape, base.strides))
    return replace(base, shape=(*batch, queries, keys), strides=strides)
