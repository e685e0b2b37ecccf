"""What follows a convolution or matrix product and is computed at its end.

In this order, all of them optional: a bias for each channel, the sum with another tensor, an activation that limits,
and any elementwise nodes that read nothing else but constants with one element, or one for each channel.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Graph, Node, Value
from ....ir.record import record
from ..kernels.chain import ADJACENT, SCALAR, Expression
from ..kernels.post import builder, post_name
from .chain import compute, scalar_bits
from .expression import WITH_SCALARS, Operand, Reading, is_elementwise
from .place import Place
from .plan import Address, Plan, shape_of

ACTIVATIONS = frozenset({"ReLU", "Clamp"})
"""What the kernels limit by themselves."""

INTEGERS = frozenset({"Quantize", "Dequantize"})
"""What goes between integers and reals: behind products of integers not among the functions, since their kernels write
bytes."""

BIAS, RESIDUAL, ACTIVATION = 1, 2, 3

MOST_NODES = 16
"""Behind the activation."""


@record()
class Post:
    """Elementwise nodes over the product, operand 0 of the expression, and constants."""

    expression: Expression
    operands: list[Operand]
    axis: int


@record()
class Epilogue:
    """What comes behind a product: bias by channel, another tensor, limits, other functions."""

    bias: Value | None = None
    residual: Value | None = None
    lo: float = -np.inf
    hi: float = np.inf
    post: Post | None = None


# Growing


def epilogue(
    node: Node, channel_axis: int, residual: bool = True, post: bool = True, without: frozenset[str] = frozenset()
) -> list[Node]:
    """The nodes behind one that its kernel can compute at its end. `without`: kinds that are no functions for it."""
    found: list[Node] = []
    end = node
    stage = 0
    while (user := end.outputs[0].only_user) is not None:
        kind = _stage(user, end.outputs[0], _constants(user), channel_axis)
        if kind <= stage or (kind == RESIDUAL and not residual):
            break
        found.append(user)
        end, stage = user, kind
    return [*found, *(_functions(end, channel_axis, without) if post else ())]


def _constants(node: Node) -> dict[Value, Value]:
    return {v: v for v in node.inputs if v is not None}


def _stage(user: Node, value: Value, outer: dict[Value, Value], channel_axis: int) -> int:
    """What a node would be at the end of the kernel; 0: nothing. `outer` tells what its operands are."""
    if user.outputs[0].type != value.type:
        return 0
    if user.kind in ACTIVATIONS:
        return ACTIVATION
    if user.kind != "Add":
        return 0
    inner = user.operand(1) if user.operand(0) is value else user.operand(0)
    other = outer.get(inner)
    if other is None:
        return 0
    if other.is_const and is_per_channel(other, value, channel_axis):
        return BIAS
    return RESIDUAL if other.type == value.type and inner is not value else 0


def is_per_channel(constant: Value, value: Value, channel_axis: int) -> bool:
    """Whether a constant has one element, or one for each channel of a value, and broadcasts so."""
    shape, of = constant.shape, value.shape
    assert shape is not None
    assert of is not None
    axis = channel_axis % len(of)
    padded = (1,) * (len(of) - len(shape)) + shape
    return len(shape) <= len(of) and all(n == 1 or (k == axis and n == of[k]) for k, n in enumerate(padded))


def _functions(end: Node, channel_axis: int, without: frozenset[str]) -> list[Node]:
    """The elementwise nodes that follow: the longest run of them whose last result alone is read by others."""
    value = end.outputs[0]
    inside = {value}
    nodes: list[Node] = []
    best = 0
    while len(nodes) < MOST_NODES:
        users = {u for v in inside for u in v.users} - set(nodes)
        ready = [u for u in users if u.kind not in without and _is_function(u, inside, value, channel_axis)]
        if not ready or any(v.is_output for v in inside):
            break
        node = min(ready, key=_Order)
        nodes.append(node)
        inside.add(node.outputs[0])
        known = set(nodes)
        open_values = [v for v in inside if any(u not in known for u in v.users) or v.is_output]
        if open_values in ([node.outputs[0]], []) and node.outputs[0].type == value.type:
            best = len(nodes)
    return nodes[:best]


class _Order:
    """Sorts nodes as they stand in the graph."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def __lt__(self, other: _Order) -> bool:
        return self.node.comes_before(other.node)


def _is_function(node: Node, inside: set[Value], value: Value, channel_axis: int) -> bool:
    if not is_elementwise(node) or node.outputs[0].shape != value.shape:
        return False
    return all(
        v in inside or (v is not None and v.is_const and _is_parameter(node, i, v, value, channel_axis))
        for i, v in enumerate(node.inputs)
    )


def _is_parameter(node: Node, index: int, constant: Value, value: Value, channel_axis: int) -> bool:
    """Whether a constant operand of a node has one element, or one for each channel."""
    if index and node.kind in WITH_SCALARS:
        return True
    shape, of = constant.shape, value.shape
    slopes = node.kind == "PReLU" and index and shape is not None and of is not None and len(shape) == 1 < len(of)
    if slopes and shape == (of[1],) != (1,):  # type: ignore[index]
        return channel_axis % len(of) == 1  # type: ignore[arg-type]
    return is_per_channel(constant, value, channel_axis)


# Lowering


def epilogue_of(body: Graph, node: Node) -> Epilogue:
    """Reads the epilogue of a Region for a product; its first node is the product, or expands its weights."""
    outer = {b: v for b, v in zip(body.inputs, node.inputs, strict=True) if v is not None}
    nodes = [n for n in body if not (n.kind == "Convert" and n.op.decompression)]  # type: ignore[attr-defined]
    return read_epilogue(nodes, outer, -1 if nodes[0].kind == "MatMul" else 1)


def read_epilogue(nodes: list[Node], outer: dict[Value, Value], axis: int) -> Epilogue:
    """What the nodes behind the first are to it; `outer` tells what values of a body stand for."""
    found = Epilogue()
    value, stage = nodes[0].outputs[0], 0
    for i, step in enumerate(nodes[1:], 1):
        kind = _stage(step, value, outer, axis) if value in step.inputs else 0
        if kind <= stage or value.n_uses != 1:
            found.post = _read(nodes[i:], value, outer, axis)
            break
        other = next((outer[v] for v in step.inputs if v in outer), None)
        if kind == BIAS:
            found.bias = other
        elif kind == RESIDUAL:
            found.residual = other
        elif step.kind == "ReLU":
            found.lo = 0.0
        else:
            found.lo, found.hi = step.op.min, step.op.max  # type: ignore[attr-defined]
        value, stage = step.outputs[0], kind
    return found


def _read(nodes: list[Node], value: Value, outer: dict[Value, Value], axis: int) -> Post:
    first = Operand(value, shape_of(value))
    reading = Reading(outer, [first], [], {first: 0})
    return Post(reading.read(nodes), reading.operands[1:], axis)


def post_arguments(plan: Plan, epilogue: Epilogue) -> dict[str, Any]:
    """The arguments `post` and `post_args` of a kernel of products."""
    post = epilogue.post
    if post is None:
        return {"post": 0, "post_args": 0}
    reads: list[str] = []
    words: list[int] = []
    for operand in post.operands:
        if prod(operand.shape) == 1:
            reads.append(SCALAR)
            words.append(scalar_bits(np.asarray(operand.value.const), operand.value.dtype))
        else:
            reads.append(ADJACENT)
            array = plan.packed.of(operand.value, "by channel", lambda array: array.reshape(-1))
            words.append(array.ctypes.data)
    name = post_name(post.expression, reads)
    address = Address(name, builder(post.expression, tuple(reads), plan.target))
    return {"post": address, "post_args": np.array([*words, 0], np.int64)}


def apply_post(plan: Plan, epilogue: Epilogue, out: Place) -> None:
    """The functions behind a product whose kernel has not computed them, as a chain of its own, in place."""
    if epilogue.post is not None:
        compute(plan, epilogue.post.expression, [out, *epilogue.post.operands], out)
