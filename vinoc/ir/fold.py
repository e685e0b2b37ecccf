"""Computing a node whose operands are all constants."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .buffer import Buffer, is_repeated
from .dtype import Array
from .errors import EvaluationError, VinocError
from .inference import infer
from .loc import UNKNOWN
from .node import Node, Value
from .op import Op, as_tuple
from .types import TensorType, Type, static_shape

GROWTH_LIMIT = 1 << 20
"""Elements. A result larger than this and than all operands together is not stored in place of the operation."""
SIZE_LIMIT = 1 << 26
"""Elements. A result larger than this and than what the operands hold in memory is not computed at all."""


def evaluate_constants(op: Op, inputs: Sequence[Value | None]) -> list[Buffer] | None:
    """The outputs of an operation over constants, or None when it is better left in the graph.

    Raises EvaluationError when the operation cannot be computed.
    """
    if not op.foldable:
        return None
    arrays: list[Array | None] = []
    for value in inputs:
        array = None if value is None else value.const
        if array is None and value is not None:
            return None
        arrays.append(array)
    types = infer(Node(op, tuple(inputs), (), UNKNOWN))
    if not all(isinstance(t, TensorType) for t in types):
        return None
    largest = max(map(_elements, types))
    if largest > SIZE_LIMIT and largest > sum(_held(a) for a in arrays if a is not None):
        return None
    try:
        with np.errstate(all="ignore"):
            results = as_tuple(op.evaluate(*arrays))
    except VinocError:
        raise
    except (ArithmeticError, ValueError, LookupError, TypeError, MemoryError, RuntimeError) as error:
        raise EvaluationError(f"{op.kind} of constants cannot be computed: {error}") from error
    out = []
    for t, result in zip(types, results, strict=False):
        assert isinstance(t, TensorType)
        array = np.asarray(result)
        grows = array.size > GROWTH_LIMIT and array.size > sum(a.size for a in arrays if a is not None)
        if grows and not is_repeated(array):
            return None
        out.append(Buffer.of(array, t.dtype))
    return out


def _held(array: Array) -> int:
    """How many elements are in memory: those of a repeated dimension once."""
    return math.prod(n for s, n in zip(array.strides, array.shape, strict=True) if s)


def _elements(type: Type) -> int:
    shape = static_shape(type.shape) if isinstance(type, TensorType) else None
    return 0 if shape is None else math.prod(shape)
