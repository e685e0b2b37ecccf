"""The verifier: every fact that a graph stores twice is compared, and every type is inferred again."""

from __future__ import annotations

from .errors import InferenceError, VerificationError
from .graph import Graph, Node, Value
from .inference import infer


def verify(graph: Graph) -> None:
    """Raises VerificationError at the first broken invariant: links, order, uses, types, bodies. Linear."""
    position: dict[Node, int] = {}
    reads: dict[Value, int] = {}
    previous: Node | None = None
    for i, node in enumerate(graph):
        position[node] = i
        if node.graph is not graph or node._prev is not previous:
            raise _fault(graph, node, "its links are broken")
        if previous is not None and previous._order >= node._order:
            raise _fault(graph, node, "its order label does not grow")
        for k, value in enumerate(node.inputs):
            if value is None:
                continue
            reads[value] = reads.get(value, 0) + 1
            if (node, k) not in value._uses:
                raise _fault(graph, node, f"input {k} ('{value.name}') does not list it as a user")
            owner = value.owner
            if isinstance(owner, Graph):
                if owner is not graph:
                    raise _fault(graph, node, f"input {k} ('{value.name}') belongs to another graph")
            elif owner not in position:
                raise _fault(graph, node, f"input {k} ('{value.name}') is computed after it, or not in this graph")
        _check_types(graph, node)
        for body in node.bodies:
            verify(body)
        previous = node
    if len(position) != len(graph):
        raise VerificationError(f"{len(position)} nodes are linked, {len(graph)} are counted", graph.name)
    for i, value in enumerate(graph.outputs):
        reads[value] = reads.get(value, 0) + 1
        if (graph, i) not in value._uses:
            raise VerificationError(f"output {i} ('{value.name}') does not list the graph as a user", graph.name)
        if value.owner is not graph and value.owner not in position:
            raise VerificationError(f"output {i} ('{value.name}') is not computed in this graph", graph.name)
    _check_counts(graph, reads)


def _check_types(graph: Graph, node: Node) -> None:
    try:
        types = infer(node)
    except InferenceError as error:
        raise _fault(graph, node, f"it cannot be inferred again: {error.what}") from error
    if len(types) != len(node.outputs):
        raise _fault(graph, node, f"it has {len(node.outputs)} outputs, inference gives {len(types)}")
    for k, (value, inferred) in enumerate(zip(node.outputs, types, strict=True)):
        if value.type != inferred:
            raise _fault(graph, node, f"output {k} is recorded as {value.type}, inference gives {inferred}")
        if value.owner is not node or value.index != k:
            raise _fault(graph, node, f"output {k} names another producer")


def _check_counts(graph: Graph, reads: dict[Value, int]) -> None:
    for i, value in enumerate(graph.inputs):
        if value.owner is not graph or value.index != i:
            raise VerificationError(f"input {i} ('{value.name}') names another owner", graph.name)
    if not len(graph.inputs) == len(graph.input_names) or not len(graph.outputs) == len(graph.output_names):
        raise VerificationError("ports and their names differ in number", graph.name)
    for value in [*graph.inputs, *(out for node in graph for out in node.outputs)]:
        if value.n_uses != reads.get(value, 0):
            raise VerificationError(
                f"'{value.name}' lists {value.n_uses} uses, {reads.get(value, 0)} are found", graph.name
            )


def _fault(graph: Graph, node: Node, what: str) -> VerificationError:
    return VerificationError(
        f"{node.kind} '{node.label}': {what}",
        f"graph '{graph.name}'",
        "this is a fault of the last pass or of the frontend; `--verify` names it, `--dump-dir` shows it",
    )
