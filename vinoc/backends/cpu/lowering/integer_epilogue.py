"""What follows a product of integers, as numbers: scales, biases and grids folded into a factor and an offset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ....ir import dtype as dt
from ....ir.graph import Node, Value
from ....ir.record import record
from ..kernels.chain import Expression
from .epilogue import Epilogue, read_epilogue
from .plan import Array, Unfit


@record(frozen=True)
class Grid:
    """Of u8: real = (q - zero) * scale, numbers or arrays [channels]."""

    scale: Any
    zero: Any
    low: int = 0
    high: int = 255

    def limits(self, lo: float, hi: float) -> tuple[float, float] | None:
        """The levels that limits of reals are; None where these are not the same for all channels."""
        ends = [np.rint(np.clip(v / self.scale + self.zero, self.low, self.high)) for v in (lo, hi)]
        if any((end != np.ravel(end)[0]).any() for end in ends):
            return None
        lowest, highest = (float(np.ravel(end)[0]) for end in ends)
        return lowest, max(highest, lowest)


@record()
class Outlet:
    """A Region of a product of integers, read.

    product            the first node of the body, with its attributes
    data, filters      u8 and i8, the latter a constant
    zero, scale        constants of the product: the data's zero point, and what a sum stands for
    epilogue           bias, residual, limits, functions, in reals; nothing where the sums are the result
    residual, result   the grid of the residual and of the result, where these are u8
    """

    product: Node
    data: Value
    filters: Value
    zero: Array
    scale: Array
    epilogue: Epilogue
    residual: Grid | None
    result: Grid | None


def outlet_of(node: Node) -> Outlet:
    """Reads a Region of a product of integers, or a product whose sums are the result."""
    if not node.bodies:
        data, zero, filters = (node.operand(k) for k in range(3))
        return Outlet(node, data, filters, _array(zero), np.ones(1), Epilogue(), None, None)
    body = node.bodies[0]
    outer = {b: v for b, v in zip(body.inputs, node.inputs, strict=True) if v is not None}
    nodes = list(body)
    residual = next((n for n in nodes if n.kind == "Dequantize"), None)
    last = nodes[-1] if nodes[-1].kind == "Quantize" else None
    nodes = [n for n in nodes if n not in (residual, last)]
    product = nodes[0]
    known = dict(outer)
    if residual is not None:
        known[residual.outputs[0]] = residual.outputs[0]
    epilogue = read_epilogue(nodes, known, -1 if product.kind == "QuantizedMatMul" else 1)
    if residual is not None and epilogue.residual is residual.outputs[0]:
        epilogue.residual = outer[residual.operand(0)]
    data, zero, filters, scale = (outer[product.operand(k)] for k in range(4))
    return Outlet(
        product, data, filters, _array(zero), _array(scale).reshape(-1), epilogue,
        grid_within(residual, outer) if residual else None, grid_within(last, outer) if last else None,
    )  # fmt: skip


def _array(value: Value) -> Array:
    return np.asarray(value.const, np.float64)


def grid_within(node: Node, outer: Mapping[Value, Any]) -> Grid:
    """Of a Quantize or Dequantize in a Region, whose values are given by those `outer` ones."""
    return grid_of(node.op, outer[node.operand(1)], outer[node.operand(2)])


def grid_of(op: Any, scale: Value, zero: Value) -> Grid:
    """Of a Quantize or Dequantize with constant operands."""
    step, level = (float(n[0]) if n.size == 1 else n for n in (_array(v).reshape(-1) for v in (scale, zero)))
    return Grid(step, level, op.low, op.high) if op.kind == "Quantize" else Grid(step, level)


@record(frozen=True)
class Numbers:
    """What a kernel does with the sum s of a channel: y = limit(s * factor + offset + (residual - res_zero) *
    res_factor), functions of y and constants [operands, channels], y / scale + zero within low .. high for u8: `last`.

    Where whole numbers alone make u8 (`Finish.straight`), y is on the result's grid, and lo .. hi are its limits.
    """

    factor: Array
    offset: Array
    res_factor: float
    res_zero: float
    lo: float
    hi: float
    post: Expression | None
    constants: list[Array]
    last: tuple[float, float, float, float]


NOTHING = Expression((dt.f32,), ())
"""Functions that leave a number as it is: what is rounded is what floats would round."""


def numbers_of(outlet: Outlet, channels: int) -> Numbers:
    """Everything folded that can be. Raises Unfit for functions of other types than f32."""
    epilogue, result = outlet.epilogue, outlet.result
    factor = np.broadcast_to(outlet.scale, channels).astype(np.float64)
    offset = np.zeros(channels)
    if epilogue.bias is not None:
        offset = offset + np.broadcast_to(_array(epilogue.bias).reshape(-1), channels)
    residual = outlet.residual or Grid(1.0, 0.0)
    other, shift = residual.scale, residual.zero
    lo, hi = float(epilogue.lo), float(epilogue.hi)
    post, constants = _functions(epilogue, channels)
    last = (1.0, 0.0, 0.0, 0.0)
    reals = epilogue.residual is not None and outlet.residual is None
    if result is not None and post is None and reals:
        post = NOTHING
    if result is not None and post is None:
        factor, offset = factor / result.scale, (offset - shift * other) / result.scale + result.zero
        if epilogue.residual is not None:  # behind which there is one grid
            other, shift = other / result.scale, 0.0
        found = result.limits(lo, hi)
        if found is None:
            raise Unfit("the limits of an activation are other levels in every channel")
        lo, hi = found
    elif result is not None:
        last = (result.scale, result.zero, float(result.low), float(result.high))
    return Numbers(factor.astype(np.float32), offset.astype(np.float32), other, shift, lo, hi, post, constants, last)


def _functions(epilogue: Epilogue, channels: int) -> tuple[Expression | None, list[Array]]:
    post = epilogue.post
    if post is None:
        return None, []
    if any(t is not dt.f32 for t in post.expression.types):
        raise Unfit("functions behind a product of integers that are not of f32")
    arrays = [np.asarray(o.value.const, np.float32).reshape(-1) for o in post.operands]
    return post.expression, [np.broadcast_to(a, channels) for a in arrays]
