"""Which elementwise nodes one generated kernel computes together."""

from __future__ import annotations

from dataclasses import field
from math import prod

from ....ir.dtype import f32, f64
from ....ir.graph import Graph, Node, Value
from ....ir.record import record
from ....ir.types import normalize_axes
from ....passes.base import Context
from ..region import extract
from .expression import WITH_SCALARS, is_costly, is_elementwise
from .plan import shape_of

MOST_NODES = 32
"""Of a chain: longer ones take long to compile."""

MOST_OPERANDS = 12
"""Of a chain, but scalar constants: more streams than a processor follows."""


FOLDS = frozenset({"ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"})

SHORTEST = 16
"""Columns from which on vectors of them are filled."""


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


def _reduction_of(nodes: list[Node]) -> list[Node]:
    """The reduction that alone reads a chain (its nodes, users first), and its axes, where they are to be one kernel.

    That is so where operands are much smaller than what they are broadcast to: distances of all rows to all others. The
    last dimension stays.
    """
    value = nodes[0].outputs[0]
    node = value.only_user
    if node is None or node.kind not in FOLDS or value.dtype not in (f32, f64) or node.operand(1).const is None:
        return []
    shape, axes_from = shape_of(value), node.operand(1).node
    axes = normalize_axes(node.operand(1).const.reshape(-1).tolist(), len(shape))  # type: ignore[union-attr]
    if not axes or len(shape) - 1 in axes or shape[-1] < SHORTEST or axes_from is None:
        return []
    inside = set(nodes)
    read = {v for n in nodes for v in n.inputs if v is not None and v.node not in inside}
    return [axes_from, node] if 2 * sum(prod(shape_of(v)) for v in read) <= prod(shape) else []


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
        end = _reduction_of(group.nodes)
        kernel = "folded" if end else "chain"
        context.matches[kernel] += 1
        extract(graph, [*end[:1], *group.nodes[::-1], *end[1:]], kernel)
    return len(groups)
