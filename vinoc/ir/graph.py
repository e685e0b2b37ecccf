"""The graph: nodes in topological order between inputs and outputs, and the few verbs that change them.

Everything that changes a graph goes through `insert`, `erase`, `move`, `replace_uses`, `set_input`, `set_op`
and `set_output`. They keep uses, order and types right and tell the listener. `for node in graph` may be combined
with them: `vinoc/ir/order.py` says how.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from . import loc as _loc
from .errors import InferenceError, VinocError
from .inference import detached, retype
from .known import same_known
from .loc import AnyLoc
from .node import Node, Value
from .op import Op
from .order import Order
from .types import Type, check_size

if TYPE_CHECKING:
    import networkx

__all__ = ["Graph", "Listener", "Node", "Value"]


class Listener(Protocol):
    """Is told of every change, right after it."""

    def inserted(self, node: Node) -> None: ...

    def changed(self, node: Node) -> None:
        """An operand, the operation or a type of the node is another."""

    def erased(self, node: Node) -> None: ...


class Graph(Order):
    """Inputs, nodes in topological order, outputs.

    `input_names` and `output_names` are the names by which users address the ports. They belong to the
    graph: no rewrite can lose them. `sources` are the files that the model was read from, if any.
    `rt_info` is what programs note at the model: texts, numbers, lists and nested dicts.
    """

    op: ClassVar[None] = None
    """No operation computes what a graph owns, its inputs."""

    def __init__(self, name: str = "graph") -> None:
        super().__init__()
        self.name = name
        self.sources: tuple[str, ...] = ()
        self.rt_info: dict[str, Any] = {}
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.input_names: list[tuple[str, ...]] = []
        self.output_names: list[tuple[str, ...]] = []
        self.listener: Listener | None = None

    # Reading

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
        self._tell_changed(retype(list(users)))

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
        node.graph = self
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
        node.graph = None
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
        same = old.type == new.type and same_known(old.known, new.known)
        self._tell_changed(touched if same else retype(touched))

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
        self._tell_changed(retype([node]))

    def set_op(self, node: Node, op: Op) -> None:
        """Gives a node another operation with the same inputs; its outputs are inferred again."""
        node.op = op
        self._tell_changed(retype([node]))

    def _tell_changed(self, nodes: Iterable[Node]) -> None:
        if self.listener:
            for node in nodes:
                self.listener.changed(node)

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
