"""Chains of elementwise nodes: where their operands lie, and the call of the generated kernel."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ....ir import dtype as dt
from ....ir.graph import Node
from ..codegen.operations import COSTLY
from ..kernels.chain import ADJACENT, APART, DIMS, REPEATED, SCALAR, Expression, chain
from .expression import Operand, Reading
from .movement import collapse
from .place import Form, Place
from .plan import Argument, Array, Plan, Unfit, dtype_of, is_last, lowers, shape_of

PART, COSTLY_PART = 8192, 2048
"""Elements of a unit, and of one with costly operations."""

FAR = 64
"""Bytes between elements that lie apart: from there on a copy that moves blocks is faster than reading one by one."""


@lowers("Region:chain")
def region(plan: Plan, node: Node) -> None:
    """One generated kernel."""
    body = node.bodies[0]
    if all(v is not None and v.is_const for v in node.inputs):
        return _constant(plan, node)
    reading = Reading(dict(zip(body.inputs, (v for v in node.inputs if v is not None), strict=True)))
    expression = reading.read(body)
    compute(plan, expression, reading.operands, plan.write(node.outputs[0]))
    return None


def _constant(plan: Plan, node: Node) -> None:
    """A chain of constants is computed once."""
    from ...numpy.interpreter import Interpreter  # folding leaves few of them

    inputs = [v for v in node.inputs if v is not None]
    shapes = [shape_of(v) for v in inputs]

    def make(*arrays: Array) -> Array:
        operands = [a.reshape(s) for a, s in zip(arrays, shapes, strict=True)]
        return np.ascontiguousarray(Interpreter(node.bodies[0]).run(operands)[0])

    array = plan.packed.of_all(inputs, ("chain", str(node.bodies[0])), make)
    out = node.outputs[0]
    plan.alias(out, plan.constant(array.astype(dtype_of(out), copy=False).reshape(shape_of(out))))


def compute(plan: Plan, expression: Expression, operands: Sequence[Operand | Place], out: Place) -> None:
    """The call: operands broadcast to the shape of `out`. Raises Unfit for places of too many dimensions."""
    if out.size == 0:
        return
    if min((s for n, s in zip(out.shape, out.strides) if n > 1), default=out.itemsize) != out.itemsize:
        # Elements of the result that lie apart are written by the copy kernel.
        target = plan.new(out.shape, out.dtype)
        compute(plan, expression, operands, target)
        plan.copy(target, out)
        return
    sources = [source_of_chain(plan, o, out) for o in operands]
    places = [(k, s) for k, s in enumerate(sources) if isinstance(s, Place)]
    sizes, strides = collapse(out.shape, [out.strides, *(s.strides for _, s in places)])
    if len(sizes) > DIMS:
        raise Unfit(f"an elementwise operation over {len(sizes)} dimensions that cannot be merged")
    pad = DIMS - len(sizes)
    sizes = [1] * pad + sizes
    reads = [SCALAR] * len(sources)
    args: dict[str, Argument] = {"output": out}
    args |= {f"output_{d}": s for d, s in enumerate([0] * pad + strides[0])}
    for (k, place), own in zip(places, strides[1:]):
        reads[k] = {0: REPEATED, place.itemsize: ADJACENT}.get(own[-1], APART)
        args |= {f"x{k}_{d}": s for d, s in enumerate([0] * pad + own)}
    for k, source in enumerate(sources):
        args[f"x{k}"] = source
    size = COSTLY_PART if any(s.kind in COSTLY for s in expression.steps) else PART
    part = min(sizes[4], size)
    block = min(sizes[3], max(size // part, 1))
    parts, blocks = -(-sizes[4] // part), -(-sizes[3] // block)
    args |= {"part": part, "parts": parts, "block": block, "blocks": blocks}
    args |= {f"n{d}": n for d, n in enumerate(sizes)}
    plan.call(chain(expression, tuple(reads)), prod(sizes[:3]) * blocks * parts, flops=out.size, **args)


def source_of_chain(plan: Plan, operand: Operand | Place, out: Place) -> Place | int:
    """The operand's place with the dimensions of `out`, or its bits where it is a scalar constant."""
    if isinstance(operand, Place):
        return spread(operand, out.shape)
    if operand.value.is_const and prod(operand.shape) == 1:
        return scalar_bits(np.asarray(operand.value.const), operand.value.dtype)
    if repeated := _repeated(plan, operand, out):
        return repeated
    place = plan.read(operand.value)
    view = place.reshaped(operand.shape)
    if view is None:
        view = plan.formed(place, Form.ROWS).reshaped(operand.shape)
    assert view is not None
    if _is_far(view, out):
        view = plan.formed(view, Form.LAST if len(view.shape) > 2 and is_last(out) else Form.ROWS)
    return spread(view, out.shape)


NARROW = 8
"""Channels of pixels whose constants are repeated over a line: as many in a row would be short vectors."""


def _repeated(plan: Plan, operand: Operand, out: Place) -> Place | None:
    """A constant for each of few channels, repeated over the pixels of a line of the result, which are adjacent."""
    shape = (1,) * (len(out.shape) - len(operand.shape)) + operand.shape
    if not operand.value.is_const or len(out.shape) < 3 or not 1 < out.shape[1] <= NARROW or not is_last(out):
        return None
    channels, pixels = out.shape[1], out.shape[-1]
    if prod(shape) != channels or shape[1] != channels or out.pixel != channels * out.itemsize or pixels == 1:
        return None
    array = plan.packed.of(operand.value, ("repeated", pixels), lambda a: np.tile(a.reshape(-1), pixels))
    size = array.itemsize
    strides = (0, size, *(0,) * (len(out.shape) - 3), channels * size)
    return plan.constant(array).viewed(out.shape, strides)


def _is_far(place: Place, out: Place) -> bool:
    """Whether the elements of an operand lie far apart along the innermost dimension of the result."""
    inner = [k for k in range(len(out.shape)) if out.shape[k] > 1 and out.strides[k] == out.itemsize]
    axis = inner[0] - len(out.shape) + len(place.shape) if inner else -1
    return axis >= 0 and place.shape[axis] > 1 and abs(place.strides[axis]) >= FAR


def spread(place: Place, shape: tuple[int, ...]) -> Place:
    """A place broadcast to a shape, by strides of 0."""
    pad = len(shape) - len(place.shape)
    strides = [0 if n == 1 else s for n, s in zip(place.shape, place.strides)]
    return place.viewed(shape, (*(0,) * pad, *strides))


def scalar_bits(array: Array, type: dt.DType) -> int:
    """An element as a word of an argument block."""
    item: Any = np.ascontiguousarray(array.reshape(-1)[:1])
    return int(item.view(f"i{type.numpy.itemsize}")[0])
