"""Moves Transposes through operations that do not mind, where that takes more of them away than it makes."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from ..ir.builder import Builder
from ..ir.graph import Graph, Node, Value
from ..ir.loc import fuse
from ..ir.order import in_order
from ..ir.record import record
from .base import Context, Pass, graph_pass
from .layoutless import Order, carried, inverse, operands
from .rewrite import adopt_name, erase_dead

COLORS = frozenset({"NV12toRGB", "NV12toBGR", "I420toRGB", "I420toBGR"})
"""What makes an image NHWC of what a camera gives."""


@graph_pass("sink-transposes")
class SinkTransposes(Pass):
    """op(Transpose(x; p), Transpose(y; p)) = Transpose(op(x, y); p), where Transposes become fewer by it.

    All operations that do not mind the order of their dimensions and hang together are taken as one: what enters
    by Transpose(p), or leaves by its inverse, loses it; any other border gets one. Where they become neither more nor
    fewer they go to the model's own ports, so that weights can take what stood before them.
    """

    needs = frozenset({"Transpose"})

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        seen: dict[Order, set[Node]] = {}
        for node in _transposes(graph):
            order = order_of(node) if node.graph is graph else None
            if order is None or context.is_spent:
                continue
            region = _grown(node, order, seen.setdefault(order, set()))
            if not region.nodes:
                continue
            gain = region.gain()
            if gain < 0 or (gain == 0 and not region.ends_the_model()):
                if context.explain:
                    context.decline(self.name, node.where, _why(region))
                continue
            source, name = node.loc, node.label
            region.move(graph)
            count += 1
            context.rewrote(self.name, source, [name], ["Transpose"])
        for node in _transposes(graph):
            way = _way_from_input(node) if node.graph is graph and not context.is_spent else None
            if way is not None:
                source, name = node.loc, node.label
                way.move(graph)
                count += 1
                context.rewrote(self.name, source, [name], ["Transpose"])
        return count


def _transposes(graph: Graph) -> list[Node]:
    return [n for n in graph if n.op.kind == "Transpose"]


def order_of(node: Node) -> Order | None:
    """The order of a Transpose, where it is constant and its rank known."""
    if node.kind != "Transpose":
        return None
    order, rank = node.operand(1).const, node.operand(0).rank
    if order is None or rank is None:
        return None
    return tuple(int(i) for i in order) if order.size else tuple(range(rank))[::-1]


@record()
class _Region:
    """Operations between Transposes.

    `entries` are Transpose(order) that feed it, `strangers` other values that do; `exits` are Transposes that
    read it, `leaving` its values that others read.
    """

    order: Order
    nodes: dict[Node, None] = field(default_factory=dict)
    entries: dict[Node, None] = field(default_factory=dict)
    strangers: dict[Value, None] = field(default_factory=dict)
    exits: dict[Node, None] = field(default_factory=dict)
    leaving: dict[Value, None] = field(default_factory=dict)

    def gain(self) -> int:
        """How many Transposes there are less when it is moved."""
        back = inverse(self.order)
        gone = sum(all(u in self.nodes for u, _ in e.output.uses) for e in self.entries)
        gone += sum(order_of(e) == back for e in self.exits)
        return gone - len(self.strangers) - len(self.leaving)

    def ends_the_model(self) -> bool:
        """Whether all that enters was computed by a Transpose that goes, and all that leaves is the model's output."""
        return (
            not self.strangers
            and all(e.operand(0).node is not None for e in self.entries)
            and all(all(isinstance(o, Graph) for o, _ in v.uses) for v in self.leaving)
        )

    def move(self, graph: Graph) -> None:
        new: dict[Value, Value] = {e.output: e.operand(0) for e in self.entries}
        back = np.array(inverse(self.order), np.int64)
        for value in self.strangers:
            first = in_order(u for u in value.users if u in self.nodes)[0]
            new[value] = Builder(graph, before=first, loc=first.loc).Transpose(value, back)
        old_nodes = in_order(self.nodes)
        for node in old_nodes:
            b = Builder(graph, before=node, loc=fuse((node.loc,), "sink-transposes"))
            op, inputs = carried(node, self.order, lambda v: new[v])
            for old, value in zip(node.outputs, b.outputs(op, *inputs), strict=True):
                new[old] = value
                self._leave(graph, b, old, value)
        exits = list(self.exits)
        erase_dead(graph, [*exits, *reversed(old_nodes), *self.entries])

    def _leave(self, graph: Graph, b: Builder, old: Value, value: Value) -> None:
        """What reads a value from outside reads it in its own order again."""
        for user in list(old.users):
            if user in self.exits:
                order = [self.order[i] for i in order_of(user) or ()]
                straight = order == list(range(len(order)))
                made = value if straight else b.Transpose(value, np.array(order, np.int64))
                adopt_name(user.output, made)
                graph.replace_uses(user.output, made)
        if old in self.leaving:
            made = b.Transpose(value, np.array(self.order, np.int64))
            adopt_name(old, made)
            for owner, index in old.uses:
                if isinstance(owner, Graph):
                    graph.set_output(index, made)
                elif owner not in self.nodes and owner not in self.exits:
                    graph.set_input(owner, index, made)


def _grown(seed: Node, order: Order, seen: set[Node]) -> _Region:
    """The largest region around the users of a Transpose that nobody has looked at yet."""
    region = _Region(order)

    def free(node: Node) -> bool:
        return (node in region.nodes or node not in seen) and operands(node, order) is not None

    stack = [u for u in seed.output.users if free(u)]
    while stack:
        node = stack.pop()
        if node in region.nodes or node in seen:
            continue
        read = operands(node, order)
        assert read is not None
        region.nodes[node] = None
        seen.add(node)
        for value in read:
            producer = value.node
            if producer is not None and order_of(producer) == order:
                region.entries[producer] = None
                stack += [u for u in value.users if free(u)]
            elif producer is not None and producer.kind != "Constant" and free(producer):
                stack.append(producer)
            else:
                region.strangers[value] = None
        for out in node.outputs:
            for user, _ in out.uses:
                if isinstance(user, Graph):
                    region.leaving[out] = None
                elif user.kind == "Transpose" and order_of(user) is not None:
                    region.exits[user] = None
                elif free(user) and out in (operands(user, order) or ()):
                    stack.append(user)
                else:
                    region.leaving[out] = None
    return region


def _way_from_input(node: Node) -> _Region | None:
    """The operations between an input of the model, or the image that is made of it, and a Transpose, where each has
    one operand and one reader."""
    order = order_of(node)
    if order is None or node.operand(0).node is None:
        return None
    region = _Region(inverse(order))
    region.exits[node] = None
    value = node.operand(0)
    while value.node is not None and value.node.kind not in COLORS:
        read = operands(value.node, region.order)
        if value.n_uses != 1 or read is None or len(read) != 1 or len(value.node.outputs) != 1:
            return None
        region.nodes[value.node] = None
        value = read[0]
    region.strangers[value] = None
    return region if region.nodes else None


def _why(region: _Region) -> str:
    return (
        f"{len(region.entries)} Transposes enter and {len(region.exits)} leave, but {len(region.strangers)} more "
        f"values would need one on the way in, {len(region.leaving)} on the way out"
    )
