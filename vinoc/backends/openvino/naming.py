"""Names for layers, which must be unique, and for tensors, of which users' own must survive."""

from __future__ import annotations

from collections.abc import Iterable

from ...ir.constant import Constant
from ...ir.graph import Graph, Node, Value
from ...ir.loc import Fused, Loc, leaves
from .attributes import representable


class Unique:
    """Hands out names, each once: a name that is taken gets a number."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._next = dict.fromkeys(taken, 1)

    def __call__(self, wish: str) -> str:
        count = self._next.get(wish)
        if count is None:
            self._next[wish] = 1
            return wish
        name = f"{wish}_{count}"
        while name in self._next:
            count += 1
            name = f"{wish}_{count}"
        self._next[wish] = count + 1
        self._next[name] = 1
        return name


def origin(node: Node) -> str:
    """The framework node whose result this node gives: the last of those that were merged."""
    loc = node.loc
    if isinstance(loc, Loc):
        return loc.node
    last = ""
    for leaf in leaves(loc):
        last = leaf.node or last
    return last


def fused_names(node: Node) -> list[str]:
    """The framework nodes that were merged into this one; empty where it is one alone."""
    names = [leaf.node for leaf in leaves(node.loc) if leaf.node] if isinstance(node.loc, Fused) else []
    return names if len(names) > 1 else []


def layer_names(graph: Graph, unique: Unique) -> dict[Node, str]:
    """A name for each node: the framework node's for the last of the nodes made from it, which gives its result, but
    for a FakeQuantize behind it; else that of the value, else one made of framework node and kind. Constants prefer
    their value's name."""
    owners: dict[str, Node] = {}
    for node in graph:
        if name := origin(node):
            if type(node.op) is Constant or node.kind == "FakeQuantize":
                owners.setdefault(name, node)
            else:
                owners[name] = node
    return {node: unique(_wish(node, owners)) for node in graph}


def _wish(node: Node, owners: dict[str, Node]) -> str:
    name = origin(node)
    value = node.outputs[0].name if node.outputs else ""
    free = bool(value) and value not in owners
    if free and type(node.op) is Constant:
        return value
    if name and owners[name] is node:
        return name
    if free:
        return value
    return f"{name}/{node.kind}" if name else node.kind


def port_names(graph: Graph) -> tuple[dict[Value, list[str]], list[str]]:
    """The tensor names of each value, and the public names that stand for several values.

    A value has its public names, as an input or output of the graph, else its own, unless another tensor has that.
    """
    public: dict[str, Value] = {}
    names: dict[Value, list[str]] = {}
    clashes: list[str] = []

    def publish(value: Value, name: str) -> None:
        if not name:
            return
        if public.setdefault(name, value) is value:
            mine = names.setdefault(value, [])
            if name not in mine:
                mine.append(name)
        else:
            clashes.append(name)

    for value, given in zip(graph.inputs, graph.input_names, strict=True):
        for name in given:
            publish(value, name)
    for value, given in zip(graph.outputs, graph.output_names, strict=True):
        for name in given:
            publish(value, name)
    taken = set(public)
    for value in [*graph.inputs, *(out for node in graph for out in node.outputs)]:
        name = value.name
        if name and name not in taken and value not in names and representable(name):
            taken.add(name)
            names[value] = [name]
    return names, clashes
