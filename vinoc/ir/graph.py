"""The graph: values, nodes in topological order, and the few verbs that change them.

A node computes values from values; a graph owns its nodes in an intrusive list that is always topological.
Everything that changes a graph goes through `insert`, `erase`, `move`, `replace_uses`, `set_input`, `set_op`
and `set_output`. They keep uses, order and types right and tell the listener.

Iteration (`for node in graph`) may be combined with changes: a node inserted behind the current one is
visited, one inserted before it is not, an erased node is not; the current node may be erased. A moved node is
met at its new place, and iteration goes on from there when it is the current one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Union

from . import loc as _loc
from .constant import Constant
from .dtype import Array, DType
from .errors import InferenceError, VinocError
from .known import follow, same_known
from .loc import AnyLoc
from .op import Op, as_tuple, check_arity, port_name
from .types import Shape, TensorType, Type, check_size

if TYPE_CHECKING:
    import networkx

_GAP = 1 << 40

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
        raise InferenceError(f"expected a tensor, got {self.type}")

    @property
    def dtype(self) -> DType:
        return self.tensor.dtype

    @property
    def shape(self) -> Shape | None:
        return self.tensor.shape

    @property
    def rank(self) -> int | None:
        return self.tensor.rank

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
    def n_uses(self) -> int:
        """How often it is read, as an output of the graph included."""
        return len(self._uses)

    @property
    def is_output(self) -> bool:
        return any(isinstance(o, Graph) for o, _ in self._uses)

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
    def output(self) -> Value:
        """The only output. Raises VinocError when there are several."""
        if len(self.outputs) != 1:
            raise VinocError(f"{self.kind} has {len(self.outputs)} outputs")
        return self.outputs[0]

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


class Listener(Protocol):
    """Is told of every change, right after it."""

    def inserted(self, node: Node) -> None: ...

    def changed(self, node: Node) -> None:
        """An operand, the operation or a type of the node is another."""

    def erased(self, node: Node) -> None: ...


class Graph:
    """Inputs, nodes in topological order, outputs.

    `input_names` and `output_names` are the names by which users address the ports. They belong to the
    graph: no rewrite can lose them. `sources` are the files that the model was read from, if any.
    `rt_info` is what programs note at the model: texts, numbers, lists and nested dicts.
    """

    op: ClassVar[None] = None
    """No operation computes what a graph owns, its inputs."""

    def __init__(self, name: str = "graph") -> None:
        self.name = name
        self.sources: tuple[str, ...] = ()
        self.rt_info: dict[str, Any] = {}
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.input_names: list[tuple[str, ...]] = []
        self.output_names: list[tuple[str, ...]] = []
        self.listener: Listener | None = None
        self._first: Node | None = None
        self._last: Node | None = None
        self._count = 0

    # Reading

    def __iter__(self) -> Iterator[Node]:
        node = self._first
        while node is not None:
            if node.graph is self:
                yield node
            node = node._next

    def __reversed__(self) -> Iterator[Node]:
        node = self._last
        while node is not None:
            before = node._prev
            if node.graph is self:
                yield node
            node = before

    def __len__(self) -> int:
        return self._count

    @property
    def first(self) -> Node | None:
        return self._first

    @property
    def n_edges(self) -> int:
        return sum(v is not None for n in self for v in n.inputs) + len(self.outputs)

    def walk(self) -> Iterator[Graph]:
        """This graph and all bodies below it, innermost first."""
        for node in self:
            for body in node.bodies:
                yield from body.walk()
        yield self

    # Changing

    def add_input(self, type: Type, name: str = "", names: Iterable[str] | None = None) -> Value:
        """A new input at the end of the list; `names` are its public names, by default `name`.

        Raises InferenceError for a type of impossible size.
        """
        check_size(type)
        value = Value(type, self, len(self.inputs), name)
        self.inputs.append(value)
        self.input_names.append(tuple(names) if names is not None else (name,) if name else ())
        return value

    def add_output(self, value: Value, names: Iterable[str] | str = ()) -> None:
        value._uses[self, len(self.outputs)] = None
        self.outputs.append(value)
        self.output_names.append((names,) if isinstance(names, str) else tuple(names))

    def set_output(self, index: int, value: Value) -> None:
        del self.outputs[index]._uses[self, index]
        value._uses[self, index] = None
        self.outputs[index] = value

    def swap_input(self, index: int, type: Type) -> Value:
        """A new value of another type in place of an input, whose names it takes; who reads the old one still does."""
        check_size(type)
        value = Value(type, self, index, self.inputs[index].name)
        self.inputs[index] = value
        return value

    def set_input_types(self, types: Mapping[int, Type]) -> None:
        """Gives inputs other types, all at once; whatever depends on them is inferred again.

        Raises InferenceError, naming the node that cannot take them; then everything is as it was.
        """
        old = {i: self.inputs[i].type for i in types}
        try:
            self._give(types)
        except InferenceError:
            self._give(old)
            raise

    def _give(self, types: Mapping[int, Type]) -> None:
        users: dict[Node, None] = {}
        for i, type in types.items():
            check_size(type)
            self.inputs[i].type = type
            users.update(dict.fromkeys(self.inputs[i].users))
        self._changed(list(users), retype=True)

    def remove_input(self, index: int) -> None:
        """Drops an input that nothing reads. Raises VinocError when something does."""
        value = self.inputs[index]
        if value._uses:
            raise VinocError(f"input '{value.name}' is in use")
        del self.inputs[index], self.input_names[index]
        for i, other in enumerate(self.inputs[index:], index):
            other.index = i

    def order_inputs(self, order: Sequence[int]) -> None:
        """Puts the inputs in another order: `order` holds the index of each, as it was."""
        if sorted(order) != list(range(len(self.inputs))):
            raise VinocError(f"{list(order)} is no order of {len(self.inputs)} inputs")
        self.inputs = [self.inputs[i] for i in order]
        self.input_names = [self.input_names[i] for i in order]
        for i, value in enumerate(self.inputs):
            value.index = i

    def remove_output(self, index: int) -> None:
        for i in range(index, len(self.outputs)):
            del self.outputs[i]._uses[self, i]
        del self.outputs[index], self.output_names[index]
        for i in range(index, len(self.outputs)):
            self.outputs[i]._uses[self, i] = None

    def insert(
        self,
        op: Op,
        inputs: Sequence[Value | None],
        *,
        before: Node | None = None,
        bodies: Sequence[Graph] = (),
        loc: AnyLoc = _loc.UNKNOWN,
        name: str = "",
    ) -> Node:
        """A new node, at the end or before another, with its outputs inferred.

        Raises InferenceError, naming the node, when the operation cannot take the operands.
        """
        node = detached(op, inputs, bodies=bodies, loc=loc, name=name)
        self.adopt(node, before)
        return node

    def adopt(self, node: Node, before: Node | None = None) -> None:
        """Takes in a node that is in no graph. The caller answers for its operands' being in this graph already."""
        self._link(node, before)
        for i, value in enumerate(node.inputs):
            if value is not None:
                value._uses[node, i] = None
        if self.listener:
            self.listener.inserted(node)

    def add_copy(self, node: Node, values: dict[Value, Value]) -> Node:
        """A copy of a node at the end, without inference.

        `values` holds what stands for its operands, of the same types; what stands for its results is added.
        """
        inputs = tuple([v and values[v] for v in node.inputs])
        new = Node(node.op, inputs, tuple([b.clone() for b in node.bodies]), node.loc)
        new.outputs = tuple([Value(out.type, new, out.index, out.name) for out in node.outputs])
        new.precise = node.precise
        if node._rt_info:
            new._rt_info = dict(node._rt_info)
        for out, made in zip(node.outputs, new.outputs, strict=True):
            made.known = out.known
            values[out] = made
        self.adopt(new)
        return new

    def erase(self, node: Node) -> None:
        """Removes a node. Raises VinocError while something reads it."""
        for out in node.outputs:
            if out._uses:
                raise VinocError(f"{node.where} is erased while '{out.name}' is in use")
        for i, value in enumerate(node.inputs):
            if value is not None:
                del value._uses[node, i]
        self._unlink(node)
        if self.listener:
            self.listener.erased(node)
        node.inputs = node.outputs = ()  # node and values name each other: without it neither would be freed at once

    def move(self, node: Node, before: Node | None) -> None:
        """Puts a node elsewhere in the order; the caller answers for its being topological."""
        if node is before:
            return
        self._unlink(node)
        self._link(node, before)

    def replace_uses(self, old: Value, new: Value) -> None:
        """Everything that reads `old` reads `new`. A new value without a name takes the old one's."""
        if old is new:
            return
        if not new.name:
            new.name = old.name
        touched: list[Node] = []
        for owner, i in old.uses:
            if isinstance(owner, Graph):
                owner.set_output(i, new)
                continue
            del old._uses[owner, i]
            new._uses[owner, i] = None
            owner.inputs = (*owner.inputs[:i], new, *owner.inputs[i + 1 :])
            touched.append(owner)
        self._changed(touched, retype=old.type != new.type or not same_known(old.known, new.known))

    def set_input(self, node: Node, index: int, value: Value | None) -> None:
        """Connects one input of a node to another value."""
        inputs = [*node.inputs, *[None] * (index + 1 - len(node.inputs))]
        old = inputs[index]
        if old is value:
            return
        if old is not None:
            del old._uses[node, index]
        if value is not None:
            value._uses[node, index] = None
        inputs[index] = value
        node.inputs = tuple(inputs)
        self._changed([node], retype=True)

    def set_op(self, node: Node, op: Op) -> None:
        """Gives a node another operation with the same inputs; its outputs are inferred again."""
        node.op = op
        self._changed([node], retype=True)

    def _changed(self, nodes: list[Node], retype: bool) -> None:
        if retype:
            nodes = self._retype(nodes)
        if self.listener:
            for node in nodes:
                self.listener.changed(node)

    def _retype(self, nodes: list[Node]) -> list[Node]:
        """Infers nodes again and whatever depends on what changed, in order. Returns all that were inferred."""
        heap = [(n._order, i, n) for i, n in enumerate(nodes)]
        heapq.heapify(heap)
        seen = set(nodes)
        done: list[Node] = []
        while heap:
            _, _, node = heapq.heappop(heap)
            done.append(node)
            types = infer(node)
            if len(types) != len(node.outputs):
                raise VinocError(f"{node.where} has {len(node.outputs)} outputs, now {len(types)}")
            before = [out.known for out in node.outputs]
            for out, t in zip(node.outputs, types, strict=True):
                if out.type != t:
                    out.type = t
                    self._push_users(out, seen, heap)
            follow(node)
            for out, known in zip(node.outputs, before, strict=True):
                if not same_known(known, out.known):
                    self._push_users(out, seen, heap)
        return done

    def _push_users(self, value: Value, seen: set[Node], heap: list[tuple[int, int, Node]]) -> None:
        for user in value.users:
            if user not in seen:
                seen.add(user)
                heapq.heappush(heap, (user._order, len(seen), user))

    # The list

    def _link(self, node: Node, before: Node | None) -> None:
        node.graph = self
        prev = self._last if before is None else before._prev
        node._prev, node._next = prev, before
        if prev is None:
            self._first = node
        else:
            prev._next = node
        if before is None:
            self._last = node
            node._order = (prev._order if prev else 0) + _GAP
        else:
            before._prev = node
            low = prev._order if prev else before._order - _GAP
            # Close to the predecessor: nodes are mostly inserted one after the other before the same node.
            node._order = low + max((before._order - low) >> 6, 1)
            if node._order >= before._order:
                self._relabel()
        self._count += 1

    def _unlink(self, node: Node) -> None:
        prev, nxt = node._prev, node._next
        if prev is None:
            self._first = nxt
        else:
            prev._next = nxt
        if nxt is None:
            self._last = prev
        else:
            nxt._prev = prev
        node.graph = None  # its _next stays: an iteration that stands on it goes on from there
        self._count -= 1

    def _relabel(self) -> None:
        order = 0
        node = self._first
        while node is not None:
            order += _GAP
            node._order = order
            node = node._next

    # Views

    def clone(self) -> Graph:
        """A copy that shares operations and buffers, nothing else."""
        copy = Graph(self.name)
        values: dict[Value, Value] = {}
        for value, names in zip(self.inputs, self.input_names, strict=True):
            values[value] = copy.add_input(value.type, value.name, names)
            values[value].known = value.known
        for node in self:
            copy.add_copy(node, values)
        for value, names in zip(self.outputs, self.output_names, strict=True):
            copy.add_output(values[value], names)
        copy.rt_info = deepcopy(self.rt_info)
        return copy

    def to_networkx(self) -> networkx.MultiDiGraph[Any]:
        """Nodes with edges `index -> index`, for questions about graphs."""
        import networkx

        out: networkx.MultiDiGraph[Any] = networkx.MultiDiGraph(name=self.name)
        for node in self:
            out.add_node(node)
        for node in self:
            for i, value in enumerate(node.inputs):
                if value is not None and value.node is not None:
                    out.add_edge(value.node, node, output=value.index, input=i)
        return out

    def __str__(self) -> str:
        from .text import print_graph

        return print_graph(self)


def detached(
    op: Op, inputs: Sequence[Value | None], *, bodies: Sequence[Graph] = (), loc: AnyLoc = _loc.UNKNOWN, name: str = ""
) -> Node:
    """A node that is in no graph yet, with its outputs inferred; its operands do not know of it.

    Raises InferenceError, naming the node, when the operation cannot take the operands.
    """
    ins = tuple(inputs)
    while ins and ins[-1] is None:
        ins = ins[:-1]
    node = Node(op, ins, tuple(bodies), loc)
    node.outputs = tuple([Value(t, node, i) for i, t in enumerate(infer(node))])
    if name:
        for i, out in enumerate(node.outputs):
            out.name = name if i == 0 else f"{name}.{i}"
    if op.symbolic or type(op) is Constant:
        follow(node)
    return node


def infer(node: Node) -> Sequence[Type]:
    """The types of a node's outputs from its operands. Raises InferenceError that names the node."""
    op, inputs = node.op, node.inputs
    cls = type(op)
    if not cls.min_inputs <= len(inputs) or (cls.max_inputs is not None and len(inputs) > cls.max_inputs):
        raise InferenceError(check_arity(cls, len(inputs)) or "", node.where)
    if None in inputs[: cls.min_inputs]:
        missing = inputs.index(None)
        raise InferenceError(f"{cls.kind} needs its input `{port_name(cls, missing)}`", node.where)
    try:
        types = as_tuple(op.infer(*inputs, bodies=node.bodies) if cls.n_bodies else op.infer(*inputs))
        for t in types:
            check_size(t)
        return types
    except InferenceError as error:
        if error.where is not None:
            raise
        given = ", ".join(str(v.type) if v is not None else "-" for v in inputs)
        what = f"{cls.kind}: {error.what}" + (f" [inputs: {given}]" if given else "")
        raise InferenceError(what, node.where, error.help) from None
