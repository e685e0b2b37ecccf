"""The one operation of lowered graphs: nodes that one kernel computes together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ...ir.errors import InferenceError
from ...ir.graph import Graph, Node, Value
from ...ir.kernels.loops import Body
from ...ir.loc import fuse
from ...ir.op import Op, Operand, op
from ...ir.types import Type


@op(internal=True)
class Region(Op):
    """What its body says, computed by one kernel of the given family. Input k of the body is input k of the node.

    The body holds the operations as they were, so a lowered graph still says what it computes: it prints, verifies and
    evaluates like any other.
    """

    n_bodies: ClassVar[int] = 1

    kernel: str

    def infer(self, *inputs: Operand, bodies: Sequence[Graph]) -> tuple[Type, ...]:
        (body,) = bodies
        if len(inputs) != len(body.inputs):
            raise InferenceError(f"the body has {len(body.inputs)} inputs, the node {len(inputs)}")
        for i, (operand, declared) in enumerate(zip(inputs, body.inputs, strict=True)):
            if operand.type != declared.type:
                raise InferenceError(f"input {i} of the body is declared {declared.type}, it gets {operand.type}")
        return tuple(v.type for v in body.outputs)

    def evaluate(self, *inputs: Any, bodies: Sequence[Body]) -> tuple[Any, ...]:
        return tuple(bodies[0](list(inputs)))


def extract(graph: Graph, nodes: Sequence[Node], kernel: str) -> Node:
    """Puts nodes, given in order, into a Region at the place of the last one. Constants among them are copied.

    Their outputs that others read become the Region's. The caller answers for nothing between the nodes depending
    on one of them.
    """
    inside = set(nodes)
    body = Graph(kernel)
    values: dict[Value, Value] = {}
    operands: list[Value] = []
    for node in nodes:
        for v in node.inputs:
            if v is not None and v not in values and v.node not in inside:
                values[v] = Value(v.type, body, len(operands), v.name)
                operands.append(v)
        body.add_copy(node, values)
    body.inputs = [values[v] for v in operands]
    body.input_names = [(v.name,) if v.name else () for v in operands]
    results = [v for n in nodes if n.kind != "Constant" for v in n.outputs if _read_outside(v, inside)]
    for v in results:
        body.add_output(values[v], v.name)
    loc = fuse((n.loc for n in nodes if n.kind != "Constant"), kernel)
    region = Node(Region(kernel=kernel), tuple(operands), (body,), loc)
    region.outputs = tuple([Value(v.type, region, i, v.name) for i, v in enumerate(results)])
    graph.adopt(region, nodes[-1])
    for old, new in zip(results, region.outputs, strict=True):
        graph.replace_uses(old, new)
    for node in reversed(nodes):
        if not node.is_read:
            graph.erase(node)
    return region


def _read_outside(value: Value, inside: set[Node]) -> bool:
    return not inside.issuperset([owner for owner, _ in value.uses])
