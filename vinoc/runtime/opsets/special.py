"""Factories of nodes that no table describes: inputs, outputs, constants and variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.errors import UsageError
from ...ir.ops.state import Assign, ReadValue
from ...ir.types import TensorType
from ..nodes.kinds import Constant, Parameter, Result
from ..nodes.make import make, make_constant, make_parameter
from ..nodes.node import Node
from ..nodes.operands import operand
from ..nodes.ports import view
from ..shapes import PartialShape
from .control import IfNode, LoopNode, TensorIteratorNode
from .factory import element_type


def parameter(shape: Any, dtype: Any = np.float32, name: str | None = None) -> Parameter:
    """An input of a model to come."""
    dims = shape if isinstance(shape, PartialShape) else PartialShape(shape)
    return Parameter(make_parameter(TensorType(element_type(dtype), dims.dims), name))


def result(data: Any, name: str | None = None) -> Result:
    """An output of a model to come."""
    return Result(data, name)


def constant(value: Any, dtype: Any = None, name: str | None = None, *, shared_memory: bool = False) -> Constant:
    """A constant of a number, a list, an array or a Tensor; `dtype` converts.

    With `shared_memory` an array that needs no conversion is not copied, and must not be written to afterwards.
    """
    data = value if isinstance(value, np.ndarray) else getattr(value, "data", value)
    array = data if isinstance(data, np.ndarray) and shared_memory else np.array(data)
    if dtype is None and array.dtype.kind in "USO" and not isinstance(value, np.ndarray | list):
        raise TypeError(f"a constant is made of numbers or an array, not of {type(value).__name__}")
    return Constant(make_constant(array, None if dtype is None else element_type(dtype), name))


def assign(new_value: Any, variable_id: Any, name: str | None = None) -> Node:
    """Sets a variable, for the next inference to read."""
    return view(make(Assign(_variable(variable_id)), [operand(new_value)], (), name))


def read_value(
    init_value: Any,
    variable_id: Any = None,
    variable_type: Any = None,
    variable_shape: Any = None,
    name: str | None = None,
) -> Node:
    """The value of a variable; before it is set, `init_value`, or zeros where that is left out.

    Type and shape of the variable are those of `init_value` where they are not given.
    """
    if isinstance(init_value, str):
        if name is not None or isinstance(variable_shape, str):
            raise TypeError("read_value() without an initial value takes (variable_id, variable_type, variable_shape)")
        return read_value(None, init_value, variable_id, variable_type, variable_shape)
    first = None if init_value is None else operand(init_value)
    if first is None and (variable_type is None or variable_shape is None):
        raise UsageError("read_value() without an initial value needs the variable's type and shape")
    dtype = element_type(variable_type) if variable_type is not None else first.dtype if first else None
    shape = PartialShape(variable_shape).dims if variable_shape is not None else first.shape if first else None
    assert dtype is not None
    op = ReadValue(_variable(variable_id), dtype, shape)
    return view(make(op, [first] if first is not None else [], (), name))


def _variable(given: Any) -> str:
    name = given if isinstance(given, str) else getattr(getattr(given, "info", None), "variable_id", None)
    if not isinstance(name, str):
        raise TypeError(f"a variable is named by a text, not by {type(given).__name__}")
    return name


SPECIAL: dict[str, tuple[int, Any]] = {
    "assign": (6, assign),
    "constant": (1, constant),
    "if_op": (8, IfNode),
    "loop": (5, LoopNode),
    "parameter": (1, parameter),
    "read_value": (6, read_value),
    "result": (1, result),
    "tensor_iterator": (1, TensorIteratorNode),
}
"""The functions and classes, and the opsets in which they appear."""
