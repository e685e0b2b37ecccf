"""A body's nodes, put into the graph around it."""

from __future__ import annotations

from collections.abc import Sequence

from .graph import Graph, Node, Value


def inline_body(graph: Graph, body: Graph, operands: Sequence[Value], before: Node | None = None) -> list[Value]:
    """Copies the nodes of a body before a node of the graph; operand k takes the place of the body's input k.

    Returns what the body's outputs have become. Types are inferred again, from the operands. Raises InferenceError,
    with the nodes copied so far in the graph, when a node cannot take them.
    """
    values: dict[Value, Value] = dict(zip(body.inputs, operands, strict=True))
    for node in body:
        copy = graph.insert(
            node.op,
            [v and values[v] for v in node.inputs],
            before=before,
            bodies=[inner.clone() for inner in node.bodies],
            loc=node.loc,
        )
        for old, new in zip(node.outputs, copy.outputs, strict=True):
            new.name = old.name
            values[old] = new
    return [values[v] for v in body.outputs]
