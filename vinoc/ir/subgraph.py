"""Some nodes of a graph as a graph of their own."""

from __future__ import annotations

from collections.abc import Sequence

from .constant import Constant
from .graph import Graph, Node, Value


def subgraph(nodes: Sequence[Node], inputs: Sequence[Value], outputs: Sequence[Value], name: str = "") -> Graph:
    """A graph of nodes, given in order, with copies of the constants that they read.

    `inputs`: what they read and do not make; what inference knows of it is known still. `outputs`: what of theirs, or
    of constants, is wanted.
    """
    part = Graph(name)
    values: dict[Value, Value] = {}
    for value in inputs:
        values[value] = part.add_input(value.type, value.name)
        values[value].known = value.known
    for node in nodes:
        for v in node.inputs:
            if v is not None and v not in values and type(v.op) is Constant:
                values[v] = _constant(part, v)
        part.add_copy(node, values)
    for value in outputs:
        if value not in values:
            values[value] = _constant(part, value)
        part.add_output(values[value], value.name)
    return part


def _constant(part: Graph, value: Value) -> Value:
    assert value.op is not None
    return part.insert(value.op, (), name=value.name).outputs[0]


def read_by(nodes: Sequence[Node], graph: Graph) -> list[Value]:
    """What nodes read that they do not make, and what the graph gives out that they do not make, each once."""
    made = {v for n in nodes for v in n.outputs}
    read = dict.fromkeys(v for n in nodes for v in n.inputs if v is not None and v not in made)
    return list(read | dict.fromkeys(v for v in graph.outputs if v not in made))
