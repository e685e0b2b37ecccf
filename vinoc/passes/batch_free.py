"""Reshapes that have one batch written into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..ir.builder import Builder
from ..ir.dtype import Array
from ..ir.graph import Graph, Node, Value
from ..ir.loc import leaves
from ..ir.ops.shape import Reshape
from ..ir.types import Shape, TensorType

_CONSTANTS = ("", "Const", "Constant")


def changes_batch(graph: Graph, shapes: Mapping[int, Shape]) -> bool:
    """Whether an input gets another first dimension."""
    types = [(graph.inputs[i].type, shape) for i, shape in shapes.items()]
    return any(isinstance(t, TensorType) and t.shape and s and t.shape[0] != s[0] for t, s in types)


def free_batch(graph: Graph, literal: bool) -> int:
    """Lets the first dimension of what constant Reshapes give follow that of their data; returns how many.

    A model that was read for one batch has it as a number in its shapes: Reshape(x; [1,-1,16]) where x is [1,32,8,8].
    The first dimension is taken for the batch: where it is that of x, it is copied from there (0); else, and where
    nothing else is open, it is what is left over (-1). For the batch that it has, the graph computes the same.

    That is done to shapes that the model computes, which reading or folding made constants; with `literal` also to
    those that are constants in the file, which mean what they say as long as that is possible.
    """
    return sum(
        _free(graph, node, node.op, literal)
        for node in list(graph)
        if isinstance(node.op, Reshape) and len(node.inputs) == 2
    )


def _free(graph: Graph, node: Node, op: Reshape, literal: bool) -> bool:
    data, shape = node.inputs
    if data is None or shape is None or shape.const is None or not (literal or _is_computed(shape)):
        return False
    if data.rank == 0:  # a number has no batch
        return False
    sizes = _following(shape.const.reshape(-1), _first(data), _first(node.outputs[0]), op.special_zero)
    if sizes is None:
        return False
    graph.set_op(node, replace(op, special_zero=True))
    graph.set_input(node, 1, Builder(graph, before=node).const(sizes))
    return True


def _is_computed(value: Value) -> bool:
    """Whether a constant stands for nodes of the model that are none."""
    return value.node is not None and any(loc.op_type not in _CONSTANTS for loc in leaves(value.node.loc))


def _first(value: Value) -> int | None:
    """The first dimension where it is a number."""
    shape = value.shape
    return shape[0] if shape and isinstance(shape[0], int) else None


def _following(sizes: Array, before: int | None, after: int | None, zeros: bool) -> Array | None:
    """The sizes with an open first one; None where it is open, or cannot be. `before` and `after`: the first dimension
    of data and result where they are numbers.

    `zeros`: whether a 0 among them copies a dimension. Where it does not, and one stands there, nothing is changed.
    """
    if not sizes.size or sizes[0] <= 0 or before == 0 or (not zeros and (sizes == 0).any()):
        return None
    if before == after or (before is None and sizes[0] == 1):  # an open batch, and room for one alone: it was one
        first = 0
    elif (sizes[1:] != -1).all():
        first = -1
    else:
        return None
    return np.concatenate([np.array([first], sizes.dtype), sizes[1:]])
