"""Inference with the values at hand: what an operation gives, where only a run can say.

A node whose result has dimensions that depend on values (Range, Tile, Pad, ...) is inferred once more before it is
computed. So numbers that make no sense are found by the rules that hold for constants too, and a result that is too
large for the machine is refused before memory is taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir.dim import Sym
from ...ir.errors import EvaluationError, InferenceError
from ...ir.graph import Node
from ...ir.op import TensorOperand, as_tuple
from ...ir.types import TensorType, Type
from ..memory import LARGE, bytes_of, check_room

VIEWS = frozenset({"Broadcast"})
"""Their results are views, which take no memory, however large they seem."""


def check_sizes(node: Node, operands: Sequence[Any]) -> None:
    """Raises EvaluationError for operands that a node cannot take, and for a result that there is no memory for."""
    types = [v.type for v in node.outputs]
    if any(map(_depends_on_values, types)) and not node.bodies and all(map(_is_array, operands)):
        known = [
            None if v is None else TensorOperand(TensorType(v.dtype, a.shape), a)
            for v, a in zip(node.inputs, operands, strict=True)
        ]
        try:
            types = list(as_tuple(node.op.infer(*known)))
        except InferenceError as error:
            raise EvaluationError(error.what, help=error.help) from error
    size = 0 if node.kind in VIEWS else bytes_of(types)
    if size >= LARGE:
        check_room(size, "the result")


def _is_array(operand: Any) -> bool:
    return operand is None or (isinstance(operand, np.ndarray) and operand.dtype != object)


def _depends_on_values(type: Type) -> bool:
    if not isinstance(type, TensorType):
        return False
    return type.shape is None or any(isinstance(d, Sym) and d.is_unknown for d in type.shape)
