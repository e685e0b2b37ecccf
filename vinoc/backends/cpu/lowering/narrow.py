"""Products with weights of 16 bits: they stay so in memory, the kernel expands what it loads.

A product of few rows takes as long as its weights take to come from memory: half of them take half the time. The
numbers are those of expanded weights, to the bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.constant import Constant
from ....ir.dtype import bf16, f16, f32
from ....ir.graph import Graph, Node, Value
from ....ir.ops.convert import Convert
from ..kernels.gemm import GEMM_NARROW
from ..kernels.pack import K_BLOCK
from ..kernels.pack_narrow import PACK_NARROW_COLUMNS, PACK_NARROW_ROWS
from .epilogue import epilogue_of
from .matmul import Panels, _multiply
from .place import Form
from .plan import Array, Plan, lowers, shape_of

NARROW = (f16, bf16)


def narrow_weights(graph: Graph, node: Node) -> Node | None:
    """The Convert behind whose result compressed weights of a product lie, made its own; None where there is none."""
    if node.kind != "MatMul" or node.op.transpose_a or not node.outputs[0].tensor.is_static:  # type: ignore[attr-defined]
        return None
    expanded = node.operand(1)
    if not is_expanded(expanded) or expanded.rank != 2 or (node.operand(0).rank or 0) < 2:
        return None
    assert expanded.node is not None
    if expanded.n_uses > 1:
        own = graph.insert(expanded.node.op, expanded.node.inputs, before=node, loc=expanded.node.loc)
        graph.set_input(node, 1, own.outputs[0])
        return own
    return expanded.node


def is_expanded(value: Value) -> bool:
    """Whether a value is a marked Convert of a constant of 16-bit floats to f32."""
    convert = value.op
    if not (isinstance(convert, Convert) and convert.decompression and value.dtype is f32) or value.node is None:
        return False
    source = value.node.operand(0)
    return type(source.op) is Constant and source.dtype in NARROW


@lowers("Region:narrow")
def narrow_product(plan: Plan, node: Node) -> None:
    """A product with a constant matrix of 16-bit elements, and what follows it."""
    body = node.bodies[0]
    expand, product = list(body)[:2]
    outer = dict(zip(body.inputs, node.inputs, strict=True))
    data, constant = outer[product.operand(0)], outer[expand.operand(0)]
    assert constant is not None
    a = plan.read(data)
    op: Any = product.op
    weights = _packed(plan, constant, op.transpose_b)
    epilogue = epilogue_of(body, node)
    out = plan.write(node.outputs[0], Form.ROWS)
    residual = plan.read(epilogue.residual) if epilogue.residual is not None else None
    _multiply(plan, a, weights, out, a.shape[-1], shape_of(node.outputs[0])[-1], epilogue, residual)


def _packed(plan: Plan, constant: Value, transposed: bool) -> Panels:
    """The panels of a constant matrix [k, n], or [n, k] where it is transposed."""
    width = plan.target.width
    packed = plan.packed.of(constant, ("narrow", width, transposed), lambda array: _pack(plan, array, transposed))
    depth = packed.shape[1]
    return Panels(packed, 2 * width, depth * 2 * width, np.zeros(1, np.int64), GEMM_NARROW[constant.dtype])


def _pack(plan: Plan, array: Array, transposed: bool) -> Array:
    """-> [panels, k, width]."""
    source = np.ascontiguousarray(array).view(np.uint16)
    depth, columns = source.shape[::-1] if transposed else source.shape
    width = plan.target.width
    panels, blocks = -(-columns // width), -(-depth // K_BLOCK)
    out = plan.packed.fresh((panels, depth, width), np.uint16)
    row, column = source.strides[::-1] if transposed else source.strides
    plan.packed.run(
        PACK_NARROW_COLUMNS if transposed else PACK_NARROW_ROWS, panels * blocks, source=source, target=out,
        depth=depth, columns=columns, panels=panels, row=row, column=column,
    )  # fmt: skip
    return out
