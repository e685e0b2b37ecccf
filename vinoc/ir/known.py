"""What is known of the values of small integers while a graph is built: the arithmetic of shapes.

Constants are known, and so are dimensions, as symbols where they are not numbers. What operations marked `symbolic`
make of them is computed by the operation's own `evaluate`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .constant import Constant
from .dim import Sym
from .dtype import Array
from .errors import EvaluationError, VinocError
from .op import as_tuple
from .types import MAX_SIZE, Shape, TensorType, Type, static_shape

if TYPE_CHECKING:
    from .graph import Node

LIMIT = 4096
"""Longer integer constants are not shape arithmetic; their values are not followed."""


def follow(node: Node) -> None:
    """Notes what is known of the values of small integer outputs: the arithmetic of shapes."""
    op = node.op
    if type(op) is Constant:
        buffer = op.value
        if buffer.dtype.kind in "iub" and buffer.size <= LIMIT:
            node.outputs[0].known = buffer.array
        return
    if not op.symbolic:
        return
    for out in node.outputs:
        out.known = None
    followed = [_is_followed(out.type) for out in node.outputs]
    if not any(followed):
        return
    if op.kind == "ShapeOf":
        source = node.inputs[0]
        if source is not None and source.shape is not None:
            node.outputs[0].known = dims_array(source.shape)
        return
    arrays = [None if value is None else value.known for value in node.inputs]
    if any(value is not None and array is None for value, array in zip(node.inputs, arrays, strict=True)):
        return
    symbolic = any(array is not None and array.dtype == object for array in arrays)
    try:
        with np.errstate(all="ignore"):
            results = [np.asarray(r) for r in as_tuple(op.evaluate(*arrays))]
    except VinocError:
        if not symbolic:
            raise
        return
    except Exception as error:
        if not symbolic:
            raise EvaluationError(f"{op.kind} of constants cannot be computed: {error}", node.where) from error
        return  # the operation asks of a symbol what only a number can answer
    for out, result, wanted in zip(node.outputs, results, followed, strict=True):
        if wanted and result.size <= LIMIT:
            out.known = _narrow(result)


def _is_followed(type: Type) -> bool:
    """True for integers that are not known to be too many for shape arithmetic."""
    if not isinstance(type, TensorType) or type.dtype.kind not in "iub":
        return False
    shape = static_shape(type.shape)
    return shape is None or math.prod(shape) <= LIMIT


def dims_array(shape: Shape) -> Array:
    """Dimensions as an array: i64 where all are numbers, else of objects."""
    if any(isinstance(d, Sym) for d in shape):
        out = np.empty(len(shape), object)
        out[:] = shape
        return out
    return np.array(shape, np.int64)


def _narrow(array: Array) -> Array | None:
    """Objects as i64 where all are numbers; None for numbers that do not fit."""
    if array.dtype == object and not any(isinstance(v, Sym) for v in array.flat):
        return array.astype(np.int64) if all(-MAX_SIZE <= v <= MAX_SIZE for v in array.flat) else None
    return array


def same_known(a: Array | None, b: Array | None) -> bool:
    """Whether the same is known of two values."""
    if a is None or b is None or a is b:
        return a is b
    if a.dtype == object or a.dtype != b.dtype:
        return a.shape == b.shape and bool(np.all(a == b))
    return a.shape == b.shape and a.tobytes() == b.tobytes()  # of small arrays in a tenth of the time
