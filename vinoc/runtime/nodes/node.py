"""Nodes of a model, as programs see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ...ir import graph as _ir
from ...ir.dtype import DType
from ...ir.errors import UsageError, nearest
from ...ir.fields import Attribute, attributes_of
from ...ir.graph import Value
from ...ir.loc import Loc
from ..both import Both
from ..element import Type
from ..shapes import PartialShape
from .make import make
from .names import name_node, node_name, type_name

if TYPE_CHECKING:
    from .ports import Input, Output, TensorDescriptor


class DiscreteTypeInfo(NamedTuple):
    """What kind of operation a node is: its type, and the opset in which this form of it is."""

    name: str
    version_id: str


def _binary(kind: str, swapped: bool = False) -> Callable[[Node, Any], Node]:
    """The method of an operator: a node of that kind."""

    def make_node(self: Node, other: Any) -> Node:
        from .operands import pair

        return Node(make(_op(kind), pair(other, self) if swapped else pair(self, other)))

    return make_node


class Noted:
    """What programs can note something at: a node, or its outputs and inputs, which share the node's notes."""

    __slots__ = ()

    def get_rt_info(self) -> dict[str, Any]:
        """What programs note at the node."""
        raise NotImplementedError

    def set_rt_info(self, value: Any, key: str) -> None:
        self.get_rt_info()[key] = value

    rt_info = Both(get_rt_info)


class Node(Noted):
    """A node of a model, or one that is to be part of one. It is a view: two views of one node are equal.

    Arithmetic on nodes makes nodes: `+ - * / ** %`, `@`, `-x` and the comparisons `< <= > >=`; a number takes the
    element type of the other operand.
    """

    __slots__ = ("_place",)
    __array_ufunc__ = None  # so that NumPy leaves `array * node` to the node

    def __init__(self, place: Any) -> None:
        """The view of a node of a graph."""
        self._place = place

    # What subclasses for graphs' inputs and outputs have otherwise

    @property
    def _node(self) -> _ir.Node:
        place: _ir.Node = self._place
        return place

    def _operands(self) -> Sequence[Value | None]:
        return self._node.inputs

    def _values(self) -> Sequence[Value]:
        return self._node.outputs

    def _set_operand(self, index: int, value: Value) -> None:
        from .rewire import set_operand

        set_operand(self._node, index, value)

    def _set_name(self, name: str) -> None:
        name_node(self._node, name)

    def get_friendly_name(self) -> str:
        return node_name(self._node)

    # Names and facts

    def set_friendly_name(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a node's name is text, not {type(name).__name__}")
        self._set_name(name)

    def get_name(self) -> str:
        """The node's name; where OpenVINO has a second, unchangeable one, it is the same here."""
        return self.get_friendly_name()

    friendly_name, name = Both(get_friendly_name, set_friendly_name), Both(get_name)

    def get_type_name(self) -> str:
        return type_name(self._node.op)

    def get_type_info(self) -> DiscreteTypeInfo:
        opset = self._node.op.opset
        return DiscreteTypeInfo(self.get_type_name(), f"opset{opset}" if opset else "vinoc")

    type_info = Both(get_type_info)

    def get_instance_id(self) -> int:
        """A number that no other node has while this one is there."""
        return id(self._place)

    def get_rt_info(self) -> dict[str, Any]:
        return self._node.rt_info

    # Attributes

    def get_attributes(self) -> dict[str, Any]:
        """The attributes by the names that OpenVINO IR has for them: numbers, texts and lists of these."""
        return {a.ir_name or a.name: _plain(v) for a, v in self._node.op.attributes() if v is not None}

    def set_attribute(self, name: str, value: Any) -> None:
        """Gives an attribute another value; types are inferred again. Raises UsageError for an unknown name."""
        from .rewire import set_op

        op = self._node.op
        field = _attribute_named(type(op), name)
        set_op(self._node, replace(op, **{field.name: _typed(field, value)}))  # type: ignore[type-var]

    def __getattr__(self, name: str) -> Any:
        """`get_strides()` and `set_strides(value)`: one pair for each attribute."""
        verb, _, attribute = name.partition("_")
        if verb in ("get", "set") and type(self) is Node and attribute in self.get_attributes():
            if verb == "get":
                return lambda: self.get_attributes()[attribute]
            return lambda value: self.set_attribute(attribute, value)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    # Inputs and outputs

    def inputs(self) -> list[Input]:
        from .ports import Input

        return [Input(self, i) for i in range(self.get_input_size())]

    def input(self, input_index: int) -> Input:
        return self.inputs()[self._checked(input_index, self.get_input_size(), "inputs")]

    def input_value(self, index: int) -> Output:
        """The output that feeds an input. Raises UsageError where there is no such input, or it was left out."""
        return self.input(index).get_source_output()

    def input_values(self) -> list[Output]:
        return [i.get_source_output() for i in self.inputs()]

    def outputs(self) -> list[Output]:
        from .ports import Output

        return [Output(v) for v in self._values()]

    def output(self, output_index: int) -> Output:
        return self.outputs()[self._checked(output_index, self.get_output_size(), "outputs")]

    def set_argument(self, index: int, argument: Output) -> None:
        """Connects an input to another output; types are inferred again."""
        self.input(index).replace_source_output(argument)

    def set_arguments(self, arguments: Iterable[Any]) -> None:
        """Connects all inputs anew, to nodes with one output each or to outputs."""
        given = [a.output(0) if isinstance(a, Node) else a for a in arguments]
        if len(given) != self.get_input_size():
            raise UsageError(f"{self._where} has {self.get_input_size()} inputs, {len(given)} are given")
        for i, argument in enumerate(given):
            self.set_argument(i, argument)

    def get_input_size(self) -> int:
        return len(self._operands())

    def get_output_size(self) -> int:
        return len(self._values())

    def get_input_element_type(self, index: int) -> Type:
        return self.input(index).get_element_type()

    def get_input_partial_shape(self, index: int) -> PartialShape:
        return self.input(index).get_partial_shape()

    def get_input_shape(self, index: int) -> Any:
        return self.input(index).get_shape()

    def get_input_tensor(self, index: int) -> TensorDescriptor:
        return self.input(index).get_tensor()

    def get_output_element_type(self, index: int) -> Type:
        return self.output(index).get_element_type()

    def get_output_partial_shape(self, index: int) -> PartialShape:
        return self.output(index).get_partial_shape()

    def get_output_shape(self, index: int) -> Any:
        return self.output(index).get_shape()

    def get_output_tensor(self, index: int) -> TensorDescriptor:
        return self.output(index).get_tensor()

    def get_element_type(self) -> Type:
        """Of the only output."""
        return self._only().get_element_type()

    @property
    def shape(self) -> Any:
        """Of the only output."""
        return self._only().get_shape()

    def _only(self) -> Output:
        if self.get_output_size() != 1:
            raise UsageError(f"{self._where} has {self.get_output_size()} outputs", help="ask one of `outputs()`")
        return self.output(0)

    def validate_and_infer_types(self) -> None:
        """Infers the types of the outputs from those of the inputs again."""
        from .rewire import set_op

        set_op(self._node, self._node.op)

    def evaluate(self, output_values: Sequence[Any], input_values: Sequence[Any]) -> bool:
        """Computes the node: arrays of the tensors in `input_values` into those in `output_values`.

        Raises VinocError where the node has bodies, or state.
        """
        from .evaluation import compute

        compute(self._node, output_values, input_values)
        return True

    @property
    def _where(self) -> str:
        return str(Loc("", self.friendly_name, self.get_type_name()))

    def _checked(self, index: int, count: int, what: str) -> int:
        if not 0 <= index < count:
            raise UsageError(f"{self._where} has no {what[:-1]} {index}: it has {count} {what}")
        return index

    # As values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return (self._place,)

    def __repr__(self) -> str:
        shapes = ", ".join(str(o.get_partial_shape()) for o in self.outputs())
        return f"<{self.get_type_name()}: '{self.friendly_name}' ({shapes})>"

    __add__, __radd__ = _binary("Add"), _binary("Add", swapped=True)
    __sub__, __rsub__ = _binary("Subtract"), _binary("Subtract", swapped=True)
    __mul__, __rmul__ = _binary("Multiply"), _binary("Multiply", swapped=True)
    __truediv__, __rtruediv__ = _binary("Divide"), _binary("Divide", swapped=True)
    __pow__, __rpow__ = _binary("Power"), _binary("Power", swapped=True)
    __matmul__, __rmatmul__ = _binary("MatMul"), _binary("MatMul", swapped=True)
    __mod__ = _binary("FloorMod")
    __lt__, __le__, __gt__, __ge__ = map(_binary, ("Less", "LessEqual", "Greater", "GreaterEqual"))

    def __neg__(self) -> Node:
        return Node(make(_op("Negative"), [self.output(0)._value]))


def _op(kind: str) -> Any:
    from ...ir.op import op_class

    return op_class(kind)()


def _plain(value: Any) -> Any:
    if isinstance(value, DType):
        return value.name
    return list(value) if isinstance(value, tuple) else value


def _attribute_named(cls: type, name: str) -> Attribute:
    known = {a.ir_name or a.name: a for a in attributes_of(cls)}
    found = known.get(name)
    if found is None:
        raise UsageError(f"{cls.__name__} has no attribute '{name}'", help=nearest(name, known, "it has"))
    return found


def _typed(field: Attribute, value: Any) -> Any:
    return Type(value).dtype if field.kind == "dtype" else value
