"""What a converter sees of the node that it converts."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ....ir.buffer import Buffer
from ....ir.dtype import Array
from ....ir.errors import ModelError, Unsupported
from ....ir.graph import Graph, Value
from ....ir.record import record
from ....ir.types import Type
from .scopes import FoldingBuilder, Scope
from .structure import Entry
from .tensors import sparse_array

if TYPE_CHECKING:
    from .conversion import Conversion


class _Required:
    """Marks an attribute that has no default."""


REQUIRED: Final = _Required()
_KINDS: Final = {int: "an integer", float: "a number", str: "a string", list: "a list"}

FLOAT, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TENSORS = range(1, 10)
SPARSE = 11


@record(frozen=True)
class Body:
    """A subgraph as a graph of its own.

    Its inputs are those that the caller asked for, then one for each of `captures`: values of the outer graph.
    """

    graph: Graph
    captures: tuple[Value, ...]


class NodeContext:
    """One node: its inputs as values, its attributes as Python values, and a builder that knows its location."""

    __slots__ = ("_attributes", "_conversion", "_scope", "b", "domain", "entry", "inputs", "op_type", "opset")

    def __init__(
        self,
        conversion: Conversion,
        scope: Scope,
        entry: Entry,
        domain: str,
        opset: int,
        inputs: list[Value | None],
    ) -> None:
        self._conversion = conversion
        self._scope = scope
        self.entry = entry
        self.b: FoldingBuilder = scope.builder
        self.domain = domain
        self.op_type = entry.op_type
        self.opset = opset
        self.inputs = inputs
        self._attributes: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return self.entry.label

    # Inputs and outputs

    def input(self, index: int) -> Value:
        """An input that must be there. Fails when it is not."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            self.fail(
                f"input {index} is missing", f"{self.op_type} of opset {self.opset} needs it; export the model again"
            )
        return value

    def optional(self, index: int) -> Value | None:
        """An input, or None where it was left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def n_outputs(self) -> int:
        """How many outputs the node lists, unnamed ones included."""
        return len(self.entry.outputs)

    def wants(self, index: int) -> bool:
        """True when output `index` has a name."""
        return index < len(self.entry.outputs) and bool(self.entry.outputs[index])

    def const(self, index: int) -> Array | None:
        """The array of an input that is constant; None for one that is computed or left out."""
        value = self.optional(index)
        return None if value is None else value.const

    def ints(self, index: int) -> list[int] | None:
        """The integers of an input that is constant, flat; else None."""
        array, value = self.const(index), self.optional(index)
        if array is None or value is None:
            return None
        if not value.dtype.is_integer:
            self.fail(f"input {index} is {value.type}, expected integers", "correct its type; export the model again")
        return [int(v) for v in array.reshape(-1)]

    # Attributes

    def has(self, name: str) -> bool:
        return name in self._all()

    def attr(self, name: str, default: Any = REQUIRED) -> Any:
        """The attribute as int, float, str, a list of these, or an array.

        Fails when it is missing without a default, and when it is of another kind than the default.
        """
        found = self._all().get(name)
        if found is None:
            if default is REQUIRED:
                self.fail(f"attribute `{name}` is missing", f"{self.op_type} of opset {self.opset} needs it")
            return default
        value = self._value(found)
        kind = type(default)
        if type(value) is not kind and kind in (int, float, str, list) and not (kind is float and type(value) is int):
            what = f"attribute `{name}` is {str(value)[:60]!r}, expected {_KINDS[kind]}"
            self.fail(what, "the file breaks the rules of the operator; export the model again")
        return value

    def graph_attr(self, name: str) -> Any:
        """The GraphProto of an attribute. Fails when it is missing."""
        found = self._all().get(name)
        if found is None or found.type != GRAPH:
            self.fail(f"subgraph `{name}` is missing", f"{self.op_type} needs it")
        return found.g

    def buffer_attr(self, name: str) -> Buffer:
        """The tensor of an attribute with its element type, which for some types the array does not show."""
        found = self._all().get(name)
        if found is None or found.type != TENSOR:
            self.fail(f"tensor `{name}` is missing", f"{self.op_type} needs it")
        return self._conversion.tensors.buffer(found.t, f"{self.name}.{name}")

    def type_attr(self, name: str) -> Type | None:
        """The type that an attribute declares, or None where there is none."""
        found = self._all().get(name)
        return None if found is None else self._conversion.symbols.type(found.tp, name)

    def _all(self) -> dict[str, Any]:
        if self._attributes is None:
            given = self._scope.attributes
            self._attributes = {}
            for a in self.entry.proto.attribute:
                if a.ref_attr_name:  # inside a function: the caller's attribute, absent where the caller has none
                    actual = given.get(a.ref_attr_name) if given is not None else None
                    if actual is not None:
                        self._attributes[a.name] = actual
                else:
                    self._attributes[a.name] = a
        return self._attributes

    def _value(self, a: Any) -> Any:
        kind = a.type
        if kind == INT:
            return a.i
        if kind == INTS:
            return list(a.ints)
        if kind == FLOAT:
            return a.f
        if kind == STRING:
            return a.s.decode("utf-8", "replace")
        if kind == FLOATS:
            return list(a.floats)
        if kind == STRINGS:
            return [s.decode("utf-8", "replace") for s in a.strings]
        if kind == TENSOR:
            return self._conversion.tensors.array(a.t, f"{self.name}.{a.name}")
        if kind == TENSORS:
            return [self._conversion.tensors.array(t, f"{self.name}.{a.name}") for t in a.tensors]
        if kind == SPARSE:
            return sparse_array(a.sparse_tensor, self._conversion.tensors, f"{self.name}.{a.name}")
        raise ModelError(f"attribute `{a.name}` has the unexpected type {kind}", help="the file is damaged")

    # Subgraphs

    def make_body(self, proto: Any, inputs: Sequence[Type | Array] = ()) -> Body:
        """A subgraph as a Graph. `inputs` gives each of its inputs a type, or an array that it is fixed to."""
        return self._conversion.body(self._scope, proto, inputs)

    def inline(self, proto: Any, inputs: Sequence[Value] = ()) -> list[Value]:
        """Converts a subgraph right here, with values for its inputs, and returns its outputs."""
        return self._conversion.inline(self._scope, proto, inputs)

    def attempt(self) -> int:
        """A mark for `retry`: how many problems are known so far."""
        return len(self._conversion.problems)

    def retry(self, mark: int) -> None:
        """Forgets what a body reported since the mark, because it is converted again."""
        self._conversion.forget(mark)

    # Other operators

    def standing_for(self, op_type: str, inputs: Sequence[Value | None]) -> NodeContext:
        """This node as one of another operator, for whose converter its inputs have been changed."""
        other = copy(self)
        other.op_type, other.inputs = op_type, list(inputs)
        return other

    # Refusing

    def fail(self, what: str, help: str | None = None) -> NoReturn:
        """Refuses the node; the conversion reports it with all others."""
        raise Unsupported(what, help=help)
