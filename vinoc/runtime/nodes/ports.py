"""Inputs and outputs of nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...ir import graph as _ir
from ...ir.errors import UsageError
from ...ir.graph import Graph, Value
from ...ir.types import TensorType
from ...ir.types import Type as ValueType
from ..both import Both
from ..ports import Port, Typed
from .names import name_tensor, tensor_names
from .node import Node, Noted


class Output(Noted, Port):
    """An output of a node: a typed value that other nodes read. Of a Result it is what the Result passes on."""

    __slots__ = ("_reader", "_value")

    def __init__(self, value: Value, reader: Node | None = None) -> None:
        self._value = value
        self._reader = reader

    # What the accessors of Port read

    @property
    def is_input(self) -> bool:  # type: ignore[override]
        return False

    @property
    def index(self) -> int:  # type: ignore[override]
        return self._value.index if isinstance(self._value.owner, _ir.Node) and self._reader is None else 0

    @property
    def _names(self) -> tuple[str, ...]:  # type: ignore[override]
        return tensor_names(self._value)

    @property
    def _type(self) -> ValueType:  # type: ignore[override]
        return self._value.type

    @property
    def place(self) -> tuple[bool, int] | None:
        owner = self._value.owner
        if self._reader is not None:
            place = self._reader._place
            return (False, place[1]) if isinstance(place, tuple) else None
        return (True, self._value.index) if isinstance(owner, Graph) else None

    @property
    def where(self) -> str:
        return f"output {self.index} of {self.node._where}"

    # The node

    def get_node(self) -> Node:
        if self._reader is not None:
            return self._reader
        owner = self._value.owner
        if isinstance(owner, _ir.Node):
            return view(owner)
        from .kinds import Parameter

        return Parameter(self._value)

    def get_rt_info(self) -> dict[str, Any]:
        """What programs note at the node that gives it."""
        return self.get_node().get_rt_info()

    # The tensor

    def get_tensor(self) -> TensorDescriptor:
        return TensorDescriptor(self)

    def set_names(self, names: Iterable[str]) -> None:
        name_tensor(self._value, _texts(names))

    def add_names(self, names: Iterable[str]) -> None:
        name_tensor(self._value, {*tensor_names(self._value), *_texts(names)})

    # Who reads it

    def get_target_inputs(self) -> set[Input]:
        """The inputs that it feeds, Results included."""
        from .kinds import Result

        found = set()
        for owner, index in self._value.uses:
            if isinstance(owner, Graph):
                found.add(Input(Result.of(owner, index), 0))
            else:
                found.add(Input(view(owner), index))
        return found

    target_inputs = Both(get_target_inputs)

    def remove_target_input(self, target_input: Input) -> None:
        raise UsageError("an input of a node cannot be left without a source", help="use Input.replace_source_output")

    def replace(self, replacement: Output) -> None:
        """Everything that reads this output reads another one."""
        for target in self.get_target_inputs():
            target.replace_source_output(replacement)

    def _key(self) -> tuple[Any, ...]:
        return self._value, self._reader

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Output) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


class Input(Noted, Typed):
    """An input of a node."""

    __slots__ = ("_index", "_owner")

    def __init__(self, node: Node, index: int) -> None:
        self._owner = node
        self._index = index

    def get_node(self) -> Node:
        return self._owner

    def get_index(self) -> int:
        return self._index

    def get_source_output(self) -> Output:
        """The output that feeds it. Raises UsageError where the input was left out."""
        value = self._owner._operands()[self._index]
        if value is None:
            raise UsageError(f"input {self._index} of {self._owner._where} was left out")
        return Output(value)

    def replace_source_output(self, new_source_output: Output) -> None:
        """Connects it to another output; types are inferred again."""
        if isinstance(new_source_output, Node):
            new_source_output = new_source_output.output(0)
        if not isinstance(new_source_output, Output):
            raise TypeError(f"an input reads an output of a node, not a {type(new_source_output).__name__}")
        self._owner._set_operand(self._index, new_source_output._value)

    @property
    def tensor_type(self) -> TensorType:
        return self.get_source_output().tensor_type

    def get_tensor(self) -> TensorDescriptor:
        return self.get_source_output().get_tensor()

    def get_rt_info(self) -> dict[str, Any]:
        return self._owner.get_rt_info()

    node, index, tensor = Both(get_node), Both(get_index), Both(get_tensor)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Input) and (self._owner, self._index) == (other._owner, other._index)

    def __hash__(self) -> int:
        return hash((self._owner, self._index))

    def __repr__(self) -> str:
        return f"<Input: shape{self.get_partial_shape()} type: {self.get_element_type()}>"


class TensorDescriptor(Typed):
    """Names, type and shape of what an output gives."""

    __slots__ = ("_output",)

    def __init__(self, output: Output) -> None:
        self._output = output

    @property
    def tensor_type(self) -> TensorType:
        return self._output.tensor_type

    def get_names(self) -> set[str]:
        return self._output.names

    def set_names(self, names: Iterable[str]) -> None:
        self._output.set_names(names)

    def add_names(self, names: Iterable[str]) -> None:
        self._output.add_names(names)

    def get_any_name(self) -> str:
        return self._output.any_name

    names, any_name = Both(get_names, set_names), Both(get_any_name)

    @property
    def rt_info(self) -> dict[str, Any]:
        return self._output.rt_info

    def __repr__(self) -> str:
        return repr(self._output).replace("<Output:", "<TensorDescriptor:")


def view(node: _ir.Node) -> Node:
    """The view of a node of a graph."""
    from ...ir.constant import Constant as ConstantOp
    from .kinds import Constant

    return Constant(node) if type(node.op) is ConstantOp else Node(node)


def _texts(names: Iterable[str]) -> set[str]:
    given = {names} if isinstance(names, str) else set(names)
    wrong = next((n for n in given if not isinstance(n, str)), None)
    if wrong is not None:
        raise TypeError(f"names of tensors are texts, not {type(wrong).__name__}")
    return given
