"""The inputs and outputs of models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from ..ir.errors import ArgumentTypeError, UsageError, VinocError, did_you_mean
from ..ir.graph import Graph, Value
from ..ir.types import TensorType
from ..ir.types import Type as ValueType
from .both import Both
from .element import Type
from .shapes import PartialShape
from .vectors import Shape


class Typed:
    """What has an element type and a shape."""

    __slots__ = ()

    @property
    def tensor_type(self) -> TensorType:
        raise NotImplementedError

    def get_element_type(self) -> Type:
        return Type(self.tensor_type.dtype)

    def get_partial_shape(self) -> PartialShape:
        return PartialShape(self.tensor_type.shape)

    def get_shape(self) -> Shape:
        """The numbers. Raises VinocError when the shape is dynamic."""
        return self.get_partial_shape().to_shape()

    element_type, partial_shape, shape = Both(get_element_type), Both(get_partial_shape), Both(get_shape)


class Port(Typed):
    """An input or output of a model. Ports of a model and of what is compiled from it are equal."""

    __slots__ = ("_names", "_type", "index", "is_input")

    def __init__(self, is_input: bool, index: int, names: Sequence[str], type: ValueType) -> None:
        self.is_input = is_input
        self.index = index
        self._names = tuple(names)
        self._type = type

    def get_names(self) -> set[str]:
        return set(self._names)

    def get_any_name(self) -> str:
        """The first of the names in alphabetical order, as OpenVINO has it. Raises VinocError when there is none."""
        if not self._names:
            raise VinocError(f"{self.where} has no name", help="use its index")
        return min(self._names)

    names, any_name = Both(get_names), Both(get_any_name)

    def get_index(self) -> int:
        return self.index

    @property
    def type(self) -> ValueType:
        """vinoc's own type; of a sequence or an optional the only one there is."""
        return self._type

    @property
    def tensor_type(self) -> TensorType:
        if isinstance(self._type, TensorType):
            return self._type
        raise VinocError(f"{self.where} is no tensor: {self._type}", help="use `type`")

    # What it stands for

    def get_node(self) -> Any:
        """The Parameter or the Result: of a compiled model its names and its type, no part of a graph."""
        from .port_node import PortNode

        return PortNode(self)

    def get_tensor(self) -> Any:
        """Names, type and shape of what it takes or gives."""
        from .nodes.ports import TensorDescriptor

        return TensorDescriptor(cast(Any, self))

    def get_rt_info(self) -> Any:
        """What programs note at the node; a compiled model has no notes."""
        return self.get_node().rt_info

    node, tensor, rt_info = Both(get_node), Both(get_tensor), Both(get_rt_info)

    @property
    def where(self) -> str:
        """The port, for messages."""
        side = "input" if self.is_input else "output"
        return f"{side} '{self._names[0]}'" if self._names else f"{side} {self.index}"

    @property
    def place(self) -> tuple[bool, int] | None:
        """Whether it is an input of a model, and which; None: it is neither input nor output."""
        return self.is_input, self.index

    def _key(self) -> tuple[Any, ...]:
        return self.is_input, self.index, self._names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Port) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        kind = "ConstOutput" if type(self) is Port else type(self).__name__
        names = ", ".join(sorted(self._names))
        if not isinstance(self._type, TensorType):
            return f"<{kind}: names[{names}] type: {self._type}>"
        return f"<{kind}: names[{names}] shape{self.partial_shape} type: {self.element_type.type_name}>"


ConstOutput = Port
"""What OpenVINO calls the inputs and outputs of compiled models."""


def ports_of(graph: Graph) -> tuple[list[Port], list[Port]]:
    """The input and the output ports of a graph."""

    def made(is_input: bool, values: list[Value], names: list[tuple[str, ...]]) -> list[Port]:
        return [
            Port(is_input, i, given or ((v.name,) if v.name else ()), v.type)
            for i, (v, given) in enumerate(zip(values, names, strict=True))
        ]

    return made(True, graph.inputs, graph.input_names), made(False, graph.outputs, graph.output_names)


PortT = TypeVar("PortT", bound=Port)


class UnknownPortError(UsageError, KeyError, IndexError):
    """There is no input or output of that name or number."""


def find_port(ports: Sequence[PortT], key: Any, side: str) -> PortT:
    """The port of a name, an index or an equal port. Raises UnknownPortError that lists what there is."""
    if isinstance(key, str):
        for port in ports:
            if key in port._names:
                return port
    elif isinstance(key, Port):
        for port in ports:
            if port is key or port == key:
                return port
        for port in ports:  # a port of the model that this one was compiled from, or that was cloned
            if port.place is not None and port.place == key.place and set(port._names) == set(key._names):
                return port
    elif hasattr(key, "__index__"):
        index = int(key)
        if -len(ports) <= index < len(ports):
            return ports[index]
        raise UnknownPortError(f"no {side} {index}: there are {len(ports)}", help=_listing(ports))
    else:
        raise ArgumentTypeError(f"{side}s are found by name, index or port, not by {type(key).__name__}")
    shown = key if isinstance(key, str) else key.where
    hint = did_you_mean(key, [n for p in ports for n in p._names]) if isinstance(key, str) else ""
    raise UnknownPortError(f"no {side} '{shown}'", help=f"{hint} {_listing(ports)}".strip())


def _listing(ports: Sequence[Port]) -> str:
    return "there are: " + (", ".join(f"{p.where} {p.type}" for p in ports) or "none")


class Ported:
    """What has inputs and outputs."""

    _inputs: list[Port]
    _outputs: list[Port]

    @property
    def inputs(self) -> list[Port]:
        return list(self._inputs)

    @property
    def outputs(self) -> list[Port]:
        return list(self._outputs)

    def input(self, key: Any = None) -> Port:
        """An input by name or index; without either the only one. Raises UsageError."""
        return one_of(self._inputs, key, "input")

    def output(self, key: Any = None) -> Port:
        """An output by name or index; without either the only one. Raises UsageError."""
        return one_of(self._outputs, key, "output")


def one_of(ports: Sequence[PortT], key: Any, side: str) -> PortT:
    """The port of a name, an index or an equal port; without any the only one. Raises UsageError."""
    if key is not None:
        return find_port(ports, key, side)
    if len(ports) != 1:
        raise UsageError(f"the model has {len(ports)} {side}s", help=f"say which; {_listing(ports)}")
    return ports[0]
