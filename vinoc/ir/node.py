"""Values, and the nodes that compute them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Union

from . import loc as _loc
from .constant import Constant
from .dtype import Array, DType
from .errors import VinocError
from .loc import AnyLoc
from .op import Op, port_name
from .types import Shape, TensorType, Type, no_tensor

if TYPE_CHECKING:
    from .graph import Graph

Owner = Union["Node", "Graph"]


class Value:
    """A typed result of a node, or an input of a graph.

    `name` is a label from the model, for people and files; nothing depends on it.
    """

    __slots__ = ("__weakref__", "_uses", "index", "known", "name", "owner", "type")

    def __init__(self, type: Type, owner: Owner, index: int, name: str = "") -> None:
        self.type = type
        self.owner: Owner = owner
        self.index = index
        self.name = name
        self.known: Array | None = None
        self._uses: dict[tuple[Owner, int], None] = {}

    @property
    def node(self) -> Node | None:
        """The node that computes it; None for an input of a graph."""
        return self.owner if isinstance(self.owner, Node) else None

    @property
    def op(self) -> Op | None:
        """The operation that computes it; None for an input of a graph."""
        return self.owner.op

    @property
    def tensor(self) -> TensorType:
        if isinstance(self.type, TensorType):
            return self.type
        raise no_tensor(self.type)

    @property
    def dtype(self) -> DType:
        return self.type.dtype

    @property
    def shape(self) -> Shape | None:
        return self.type.shape

    @property
    def rank(self) -> int | None:
        shape = self.type.shape
        return None if shape is None else len(shape)

    @property
    def const(self) -> Array | None:
        """The array, where the value is a constant. Loads it."""
        op = self.owner.op
        return op.value.array if type(op) is Constant else None

    @property
    def is_const(self) -> bool:
        return type(self.owner.op) is Constant

    @property
    def uses(self) -> Iterator[tuple[Owner, int]]:
        """(node or graph, input or output index), in order of insertion. Safe while uses change."""
        return iter(tuple(self._uses))

    @property
    def users(self) -> Iterator[Node]:
        """The nodes that read it, each once."""
        return iter(dict.fromkeys([o for o, _ in self._uses if isinstance(o, Node)]))

    @property
    def only_user(self) -> Node | None:
        """The node that reads it once, where nothing else reads it."""
        if len(self._uses) != 1:
            return None
        ((owner, _),) = self._uses
        return owner if isinstance(owner, Node) else None

    @property
    def n_uses(self) -> int:
        """How often it is read, as an output of the graph included."""
        return len(self._uses)

    @property
    def is_output(self) -> bool:
        return any(not isinstance(o, Node) for o, _ in self._uses)

    def __repr__(self) -> str:
        return f"<{self.name or '?'}: {self.type}>"


class Node:
    """A place in a graph: an operation, its inputs (None: an optional one left out), outputs and bodies.

    `precise` asks devices that compute in half precision to compute and to store this node in full; rewrites keep it.
    """

    __slots__ = ("_next", "_order", "_prev", "_rt_info", "bodies", "graph", "inputs", "loc", "op", "outputs", "precise")

    def __init__(self, op: Op, inputs: tuple[Value | None, ...], bodies: tuple[Graph, ...], loc: AnyLoc) -> None:
        self.op = op
        self.inputs = inputs
        self.outputs: tuple[Value, ...] = ()
        self.bodies = bodies
        self.loc = loc
        self.precise = False
        self.graph: Graph | None = None
        self._order = 0
        self._prev: Node | None = None
        self._next: Node | None = None
        self._rt_info: dict[str, Any] | None = None

    @property
    def rt_info(self) -> dict[str, Any]:
        """What programs note at the node, such as its `affinity`. Copies have it, too; a pass that replaces the node
        need not keep it."""
        if self._rt_info is None:
            self._rt_info = {}
        return self._rt_info

    @property
    def kind(self) -> str:
        return self.op.kind

    @property
    def next(self) -> Node | None:
        """The node behind it; `insert(..., before=node.next)` puts another one there."""
        return self._next

    @property
    def output(self) -> Value:
        """The only output. Raises VinocError when there are several."""
        if len(self.outputs) != 1:
            raise VinocError(f"{self.kind} has {len(self.outputs)} outputs")
        return self.outputs[0]

    @property
    def is_read(self) -> bool:
        """Whether anything reads one of its outputs."""
        for out in self.outputs:  # noqa: SIM110  # asked of every node again and again
            if out._uses:
                return True
        return False

    @property
    def label(self) -> str:
        """How messages call the node: its framework name, else the name of what it computes."""
        first = next(_loc.leaves(self.loc), None)
        return (first.node if first else "") or (self.outputs[0].name if self.outputs else "") or self.kind

    @property
    def where(self) -> str:
        """The node, for error messages."""
        return str(self.loc) if self.loc != _loc.UNKNOWN else f"node '{self.label}' ({self.kind})"

    def operand(self, index: int) -> Value:
        """An input that must be there. Raises VinocError naming the port when it was left out."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise VinocError(f"{self.kind} needs its input `{port_name(type(self.op), index)}`", self.where)
        return value

    def comes_before(self, other: Node) -> bool:
        return self._order < other._order

    def __repr__(self) -> str:
        return f"<{self.kind} {self.label}>"
