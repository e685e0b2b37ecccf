"""Constants, Parameters and Results: nodes that are more to programs than to a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ...ir.constant import Constant as ConstantOp
from ...ir.dtype import Array
from ...ir.errors import UsageError
from ...ir.graph import Graph, Value
from ...ir.types import TensorType
from ..both import Both
from ..element import Type
from ..layout import Layout
from ..shapes import PartialShape
from .make import make_constant, make_parameter
from .names import fresh_name, name_result, parameter_name, result_name
from .node import DiscreteTypeInfo, Node
from .ports import Output

_NOTES: WeakKeyDictionary[Value, dict[str, Any]] = WeakKeyDictionary()
"""What programs note at inputs of models."""


class Constant(Node):
    """A tensor stored with the model."""

    __slots__ = ()

    def __init__(self, *args: Any, shared_memory: bool = False) -> None:
        """`Constant(array, shared_memory=False)`, `Constant(element_type, shape, values)`, or of a Tensor.

        With `shared_memory` an array must not be written to afterwards.
        """
        if len(args) == 1 and hasattr(args[0], "op"):
            super().__init__(args[0])
            return
        if len(args) == 3:
            element, shape, values = args
            dtype = Type(element).dtype
            array = np.asarray(values, None if dtype.kind == "s" else dtype.numpy)
            filled = np.broadcast_to(array, shape) if array.size == 1 else array.reshape(tuple(shape))
            super().__init__(make_constant(np.array(filled), dtype))
            return
        if not args or len(args) > 2:
            raise TypeError("a Constant is made of an array, or of an element type, a shape and values")
        array = np.asarray(getattr(args[0], "data", args[0]) if not isinstance(args[0], np.ndarray) else args[0])
        shared = args[1] if len(args) == 2 else shared_memory
        super().__init__(make_constant(array if shared else np.array(array)))

    @property
    def _buffer(self) -> Any:
        op = self._node.op
        assert isinstance(op, ConstantOp)
        return op.value

    @property
    def data(self) -> Array:
        """The contents, read-only."""
        array: Array = self._buffer.array
        return array

    def get_data(self, *, dtype: Any = None, copy: bool = False) -> Array:
        """The contents, of another element type if asked for."""
        array = self.data if dtype is None else self.data.astype(Type(dtype).to_dtype())
        return array.copy() if copy else array

    def get_vector(self) -> Array:
        """The contents as one row."""
        return self.data.reshape(-1)

    def get_value_strings(self) -> list[str]:
        return [str(v) for v in self.data.reshape(-1).tolist()]

    def get_byte_size(self) -> int:
        return int(self._buffer.nbytes)

    def get_strides(self) -> tuple[int, ...]:
        return tuple(np.ascontiguousarray(self.data).strides)

    def get_attributes(self) -> dict[str, Any]:
        return {"element_type": self._buffer.dtype.name, "shape": list(self._buffer.shape)}

    def get_tensor_view(self) -> Any:
        """A Tensor of the contents."""
        from ..tensor import Tensor

        return Tensor(self.data, shared_memory=True)

    strides, tensor_view = Both(get_strides), Both(get_tensor_view)


class _End(Node):
    """A node at an end of a model, for which a layout is noted."""

    __slots__ = ()

    _layout_key: str
    """Under which key of `rt_info` it is."""

    def get_layout(self) -> Layout:
        return Layout(self.rt_info.get(self._layout_key, ""))

    def set_layout(self, layout: Layout | str) -> None:
        self.rt_info[self._layout_key] = Layout(layout)

    layout = Both(get_layout, set_layout)


class Parameter(_End):
    """An input of a model."""

    __slots__ = ()

    _layout_key = "layout_0"

    def __init__(self, *args: Any) -> None:
        """`Parameter(element_type, shape)`: one that belongs to no model yet."""
        if len(args) == 1 and isinstance(args[0], Value):
            super().__init__(args[0])
            return
        if len(args) != 2:
            raise TypeError("a Parameter is made of an element type and a shape")
        shape = args[1] if isinstance(args[1], PartialShape) else PartialShape(args[1])
        super().__init__(make_parameter(TensorType(Type(args[0]).dtype, shape.dims)))

    @property
    def _value(self) -> Value:
        place: Value = self._place
        return place

    def _operands(self) -> Sequence[Value | None]:
        return ()

    def _values(self) -> Sequence[Value]:
        return (self._value,)

    def get_friendly_name(self) -> str:
        return parameter_name(self._value)

    def _set_name(self, name: str) -> None:
        self._value.name = name

    def get_type_name(self) -> str:
        return "Parameter"

    def get_type_info(self) -> DiscreteTypeInfo:
        return DiscreteTypeInfo("Parameter", "opset1")

    def get_rt_info(self) -> dict[str, Any]:
        return _NOTES.setdefault(self._value, {})

    def get_attributes(self) -> dict[str, Any]:
        shape = self.get_partial_shape()
        dims = [str(d) for d in shape] if shape.is_dynamic and shape.dims is not None else shape.dims
        return {"shape": "..." if dims is None else list(dims), "element_type": self._value.dtype.name}

    def set_element_type(self, element_type: Any) -> None:
        self._retype(TensorType(Type(element_type).dtype, self._value.shape))

    def get_partial_shape(self) -> PartialShape:
        return self.output(0).get_partial_shape()

    def set_partial_shape(self, shape: Any) -> None:
        wanted = shape if isinstance(shape, PartialShape) else PartialShape(shape)
        self._retype(TensorType(self._value.dtype, wanted.dims))

    element_type = Both(Node.get_element_type, set_element_type)
    partial_shape = Both(get_partial_shape, set_partial_shape)

    def _retype(self, type: TensorType) -> None:
        from .rewire import retype_parameter

        retype_parameter(self._value, type)


class Result(_End):
    """An output of a model. Its place is a graph and an index, or, while it is free, its own."""

    __slots__ = ("_label", "_source")

    def __init__(self, source: Any, name: str | None = None) -> None:
        """A Result of a node or an output, for a model to come."""
        from .operands import operand

        super().__init__(object())
        self._source: Value | None = operand(source)
        self._label = name or fresh_name("Result")

    @classmethod
    def of(cls, graph: Graph, index: int) -> Result:
        """The view of an output of a graph."""
        made = cls.__new__(cls)
        made._place = graph, index
        made._source = None
        made._label = ""
        return made

    def belong_to(self, graph: Graph, index: int) -> None:
        """A model took it."""
        name_result(graph, index, self._label)
        self._place = graph, index
        self._source = None

    def _operands(self) -> Sequence[Value | None]:
        return self._values()

    def _values(self) -> Sequence[Value]:
        if self._source is not None:
            return (self._source,)
        graph, index = self._place
        return (graph.outputs[index],)

    def _set_operand(self, index: int, value: Value) -> None:
        from .rewire import set_result

        if self._source is not None:
            self._source = value
        else:
            graph, place = self._place
            set_result(graph, place, value)

    def outputs(self) -> list[Output]:
        return [Output(v, self) for v in self._values()]

    def get_friendly_name(self) -> str:
        return self._label if self._source is not None else result_name(*self._place)

    def _set_name(self, name: str) -> None:
        if self._source is not None:
            self._label = name
        else:
            graph, index = self._place
            name_result(graph, index, name)

    def get_type_name(self) -> str:
        return "Result"

    def get_type_info(self) -> DiscreteTypeInfo:
        return DiscreteTypeInfo("Result", "opset1")

    def get_attributes(self) -> dict[str, Any]:
        return {}

    def get_rt_info(self) -> dict[str, Any]:
        """What programs note at the node that gives the output; its Results share it."""
        return Output(self._values()[0]).get_rt_info()

    @property
    def _layout_key(self) -> str:  # type: ignore[override]
        """Of the tensor that is the output: all Results of it have the same layout, as in OpenVINO."""
        return f"layout_{Output(self._values()[0]).index}"


def as_result(given: Any) -> Result:
    """A Result of what programs give for one. Raises UsageError for what is no node and no output."""
    if isinstance(given, Result):
        return given
    if isinstance(given, Node | Output):
        return Result(given)
    raise UsageError(f"a result of a model is a node or an output, not {type(given).__name__}")
