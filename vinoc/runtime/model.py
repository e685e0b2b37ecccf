"""Models and their ports, as programs see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Any, ClassVar

import numpy as np

from ..ir import dim as _dim
from ..ir.dim import Dim, Sym
from ..ir.dtype import DType, from_numpy
from ..ir.errors import UsageError, VinocError, did_you_mean
from ..ir.graph import Graph, Value
from ..ir.types import TensorType, static_shape
from ..ir.types import Type as ValueType


class Type:
    """An element type: `Type.f32`, `Type("f32")`, `Type(np.float32)`. Compares equal to its name, too."""

    f16: ClassVar[Type]
    f32: ClassVar[Type]
    f64: ClassVar[Type]
    bf16: ClassVar[Type]
    i4: ClassVar[Type]
    i8: ClassVar[Type]
    i16: ClassVar[Type]
    i32: ClassVar[Type]
    i64: ClassVar[Type]
    u1: ClassVar[Type]
    u4: ClassVar[Type]
    u8: ClassVar[Type]
    u16: ClassVar[Type]
    u32: ClassVar[Type]
    u64: ClassVar[Type]
    boolean: ClassVar[Type]
    string: ClassVar[Type]

    __slots__ = ("dtype",)

    def __init__(self, of: Any) -> None:
        """From a Type, a name, or anything that NumPy takes for a dtype. Raises VinocError."""
        if isinstance(of, Type):
            of = of.dtype
        if isinstance(of, str) and of in DType.registry:
            of = DType.registry[of]
        self.dtype: DType = of if isinstance(of, DType) else _dtype_of(of)

    def get_type_name(self) -> str:
        return self.dtype.name

    def to_dtype(self) -> np.dtype[Any]:
        """The NumPy type."""
        return self.dtype.numpy

    def is_real(self) -> bool:
        return self.dtype.is_float

    def is_integral(self) -> bool:
        return self.dtype.is_integer or self.dtype.kind == "b"

    def is_signed(self) -> bool:
        return self.dtype.kind in "fi"

    @property
    def bitwidth(self) -> int:
        return self.dtype.bits

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return -(-self.dtype.bits // 8)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Type):
            return self.dtype is other.dtype
        if isinstance(other, DType):
            return self.dtype is other
        return isinstance(other, str) and self.dtype.name == other

    def __hash__(self) -> int:
        return hash(self.dtype.name)

    def __str__(self) -> str:
        return self.dtype.name

    def __repr__(self) -> str:
        return f"<Type: '{self.dtype.name}'>"


def _dtype_of(of: Any) -> DType:
    try:
        return from_numpy(of)
    except TypeError:
        raise UsageError(f"no element type '{of}'", help=did_you_mean(str(of), DType.registry) or None) from None


for _name in (n for n in Type.__annotations__ if n in DType.registry):
    setattr(Type, _name, Type(_name))


class PartialShape:
    """A shape of which dimensions, or the rank, may be open: `[N,3,224,224]`, `[...]`."""

    __slots__ = ("dims",)

    def __init__(self, dims: Iterable[Any] | None) -> None:
        """From dimensions: numbers, -1 or "?" for an open one, (lo, hi) for a range; None: the rank is open."""
        self.dims: tuple[Dim, ...] | None = None if dims is None else tuple(map(_dimension, dims))

    @property
    def rank(self) -> int | None:
        return None if self.dims is None else len(self.dims)

    @property
    def is_static(self) -> bool:
        return self.dims is not None and not any(isinstance(d, Sym) for d in self.dims)

    @property
    def is_dynamic(self) -> bool:
        return not self.is_static

    def to_shape(self) -> tuple[int, ...]:
        """The numbers. Raises VinocError when one is open."""
        shape = static_shape(self.dims)
        if shape is None:
            raise VinocError(f"the shape {self} is dynamic", help="use `partial_shape`, or reshape the model")
        return shape

    def get_min_shape(self) -> list[int]:
        return [int(_dim.bounds(d)[0]) for d in self]

    def get_max_shape(self) -> list[int]:
        """Upper bounds; -1 where there is none."""
        return [-1 if _dim.bounds(d)[1] == inf else int(_dim.bounds(d)[1]) for d in self]

    def to_string(self) -> str:
        return str(self)

    def __iter__(self) -> Iterator[Dim]:
        if self.dims is None:
            raise VinocError("the rank is not known", help="check `rank` before asking for dimensions")
        return iter(self.dims)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, index: int) -> Dim:
        return list(iter(self))[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PartialShape):
            return self.dims == other.dims
        if isinstance(other, list | tuple):
            return self.dims == tuple(map(_dimension, other))
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.dims)

    def __str__(self) -> str:
        return "[...]" if self.dims is None else f"[{','.join(map(str, self.dims))}]"

    def __repr__(self) -> str:
        return f"<PartialShape: {self}>"


def _dimension(d: Any) -> Dim:
    if isinstance(d, Sym):
        return d
    if d in (-1, "?"):
        return _dim.unknown()
    if isinstance(d, tuple | list) and len(d) == 2:
        return _dim.unknown(d[0], inf if d[1] == -1 else d[1])
    if hasattr(d, "__index__") and int(d) >= 0:
        return int(d)
    raise UsageError(f"{d!r} is no dimension", help='write a number, -1 or "?" for an open one, (lo, hi) for a range')


class Port:
    """An input or output of a model. Ports of a model and of what is compiled from it are equal."""

    __slots__ = ("_names", "_type", "index", "is_input")

    def __init__(self, is_input: bool, index: int, names: Sequence[str], type: ValueType) -> None:
        self.is_input = is_input
        self.index = index
        self._names = tuple(names)
        self._type = type

    @property
    def names(self) -> set[str]:
        return set(self._names)

    def get_names(self) -> set[str]:
        return set(self._names)

    @property
    def any_name(self) -> str:
        """The first name. Raises VinocError when there is none."""
        if not self._names:
            raise VinocError(f"{self.where} has no name", help="use its index")
        return self._names[0]

    def get_any_name(self) -> str:
        return self.any_name

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

    @property
    def element_type(self) -> Type:
        return Type(self.tensor_type.dtype)

    def get_element_type(self) -> Type:
        return self.element_type

    @property
    def partial_shape(self) -> PartialShape:
        return PartialShape(self.tensor_type.shape)

    def get_partial_shape(self) -> PartialShape:
        return self.partial_shape

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers. Raises VinocError when the shape is dynamic."""
        return self.partial_shape.to_shape()

    def get_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def where(self) -> str:
        """The port, for messages."""
        side = "input" if self.is_input else "output"
        return f"{side} '{self._names[0]}'" if self._names else f"{side} {self.index}"

    def _key(self) -> tuple[Any, ...]:
        return self.is_input, self.index, self._names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Port) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"<Port: {self.where} : {self._type}>"


def ports_of(graph: Graph) -> tuple[list[Port], list[Port]]:
    """The input and the output ports of a graph."""

    def made(is_input: bool, values: list[Value], names: list[tuple[str, ...]]) -> list[Port]:
        return [
            Port(is_input, i, given or ((v.name,) if v.name else ()), v.type)
            for i, (v, given) in enumerate(zip(values, names, strict=True))
        ]

    return made(True, graph.inputs, graph.input_names), made(False, graph.outputs, graph.output_names)


class UnknownPortError(UsageError, KeyError):
    """There is no input or output of that name or number."""


def find_port(ports: Sequence[Port], key: Any, side: str) -> Port:
    """The port of a name, an index or an equal port. Raises UnknownPortError that lists what there is."""
    if isinstance(key, str):
        for port in ports:
            if key in port._names:
                return port
    elif isinstance(key, Port):
        for port in ports:
            if port is key or port == key:
                return port
    elif hasattr(key, "__index__"):
        index = int(key)
        if -len(ports) <= index < len(ports):
            return ports[index]
        raise UnknownPortError(f"no {side} {index}: there are {len(ports)}", help=_listing(ports))
    else:
        raise UsageError(f"{side}s are found by name, index or port, not by {type(key).__name__}")
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

    def input(self, key: int | str | None = None) -> Port:
        """An input by name or index; without either the only one. Raises UsageError."""
        return self._one(self._inputs, key, "input")

    def output(self, key: int | str | None = None) -> Port:
        """An output by name or index; without either the only one. Raises UsageError."""
        return self._one(self._outputs, key, "output")

    def _one(self, ports: list[Port], key: int | str | None, side: str) -> Port:
        if key is not None:
            return find_port(ports, key, side)
        if len(ports) != 1:
            raise UsageError(f"the model has {len(ports)} {side}s", help=f"say which; {_listing(ports)}")
        return ports[0]


class Model(Ported):
    """A model that was read: its ports, and the graph below them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._inputs, self._outputs = ports_of(graph)

    @property
    def friendly_name(self) -> str:
        return self.graph.name

    def get_friendly_name(self) -> str:
        return self.graph.name

    def is_dynamic(self) -> bool:
        return any(not isinstance(p.type, TensorType) or not p.type.is_static for p in self._inputs)

    def clone(self) -> Model:
        """A copy that can be changed on its own."""
        return Model(self.graph.clone())

    def __repr__(self) -> str:
        sides = [f"  {p!r}" for p in (*self._inputs, *self._outputs)]
        return "\n".join([f"<Model: '{self.friendly_name}', {len(self.graph)} nodes", *sides]) + ">"
