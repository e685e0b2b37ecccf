"""Which elementwise nodes one generated kernel computes together."""

from __future__ import annotations

from dataclasses import field

from ....ir.graph import Graph, Node, Value
from ....ir.record import record
from ....passes.base import Context
from ..region import extract
from .expression import WITH_SCALARS, is_costly, is_elementwise

MOST_NODES = 32
"""Of a chain: longer ones take long to compile."""

MOST_OPERANDS = 12
"""Of a chain, but scalar constants: more streams than a processor follows."""


@record(eq=False)
class Group:
    """Nodes of one chain, users first; the first one's result is the chain's."""

    nodes: list[Node]
    inside: set[Node] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.inside = set(self.nodes)

    @property
    def root(self) -> Node:
        return self.nodes[0]

    def takes(self, node: Node) -> bool:
        """Whether a node whose users are all in the group can be computed with them."""
        whole, own = self.root.outputs[0].shape, node.outputs[0].shape
        if len(self.nodes) >= MOST_NODES or (own != whole and is_costly(node)):
            return False
        return len(_operands({*self.inside, node})) <= MOST_OPERANDS

    def add(self, node: Node) -> None:
        self.nodes.append(node)
        self.inside.add(node)


def _operands(nodes: set[Node]) -> set[Value]:
    """What nodes read from outside, but scalar constants."""
    read = {v for n in nodes for v in n.inputs if v is not None and v.node not in nodes}
    return {v for v in read if not (v.is_const and v.const is not None and v.const.size == 1)}


def _is_parameter(value: Value) -> bool:
    """Whether a user reads it under another shape than its own."""
    users = [u for u in value.users if u.kind == "PReLU" or u.kind in WITH_SCALARS]
    return any(v is value for u in users for v in u.inputs[1:])


def grow(graph: Graph) -> list[Group]:
    """Every elementwise node in a group; a node joins the group of its users where all are in the same one."""
    groups: list[Group] = []
    of: dict[Node, Group] = {}
    for node in reversed(graph):
        if not is_elementwise(node):
            continue
        value = node.outputs[0]
        users = {of.get(user) for user in value.users}
        only = next(iter(users)) if len(users) == 1 and not value.is_output and not _is_parameter(value) else None
        if only is not None and only.takes(node):
            only.add(node)
            of[node] = only
        else:
            of[node] = Group([node])
            groups.append(of[node])
    return groups


def repeat_dequantize(graph: Graph) -> None:
    """A Dequantize for every elementwise node that reads one: less than to write the reals, and to read them."""
    for node in [n for n in graph if n.kind == "Dequantize" and n.outputs[0].n_uses > 1]:
        for user, port in list(node.outputs[0].uses)[1:]:
            if isinstance(user, Node) and is_elementwise(user):
                own = graph.insert(node.op, node.inputs, before=user, loc=node.loc)
                graph.set_input(user, port, own.outputs[0])


def make_chains(graph: Graph, context: Context) -> int:
    """Puts the elementwise nodes that are left into chains."""
    repeat_dequantize(graph)
    groups = grow(graph)
    for group in groups:
        context.matches["chain"] += 1
        extract(graph, group.nodes[::-1], "chain")
    return len(groups)
