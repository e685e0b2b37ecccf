"""Products with constant matrices of f64."""

from __future__ import annotations

import numpy as np

from ....ir.constant import Constant
from ....ir.dtype import f64
from ....ir.graph import Graph, Node, Value
from ..kernels.dot_wide import dot_wide
from .place import Form
from .plan import Plan, Unfit, lowers, shape_of


@lowers("Region:dot_wide")
def widened(plan: Plan, node: Node) -> None:
    """With the Convert before it, whose result is not stored."""
    body: Graph = node.bodies[0]
    outer = dict(zip(body.inputs, node.inputs, strict=True))
    *_, product = [n for n in body if type(n.op) is not Constant]
    data = product.operand(0).node
    assert data is not None
    values = [outer[v] for v in (data.operand(0), product.operand(1))]
    assert values[0] is not None
    assert values[1] is not None
    _product(plan, product, values[0], values[1], node.outputs[0])


@lowers("MatMul", ahead=True)
def product(plan: Plan, node: Node) -> None:
    """Of data of f64."""
    if node.outputs[0].dtype is not f64:
        raise Unfit("it is no product of f64")
    _product(plan, node, node.operand(0), node.operand(1), node.outputs[0])


def _product(plan: Plan, node: Node, data: Value, weights: Value, result: Value) -> None:
    transposed = node.op.transpose_b  # type: ignore[attr-defined]
    if not weights.is_const or weights.rank != 2 or node.op.transpose_a or (data.rank or 0) < 2:  # type: ignore[attr-defined]
        raise Unfit("a product of f64 with a matrix that is computed, or of vectors")
    terms, columns = shape_of(weights)[::-1] if transposed else shape_of(weights)
    packed = plan.packed.of(
        weights, ("by rows", transposed), lambda w: _by_rows(w.reshape(shape_of(weights)), transposed)
    )
    source, out = plan.read(data, Form.ROWS), plan.write(result, Form.ROWS)
    rows = out.size // columns
    plan.call(
        dot_wide(data.dtype), rows, flops=2 * rows * terms * columns, source=source,
        source_row=terms * source.itemsize, weights=packed, target=out, target_row=columns * 8, terms=terms,
        columns=columns,
    )  # fmt: skip


def _by_rows(weights: np.ndarray, transposed: bool) -> np.ndarray:
    return np.ascontiguousarray(weights if transposed else weights.T)
