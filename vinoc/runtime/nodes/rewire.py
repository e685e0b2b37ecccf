"""Connecting nodes otherwise, those of models and free ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ...ir.errors import UsageError, VinocError
from ...ir.graph import Graph, Node, Value
from ...ir.inference import infer
from ...ir.known import follow
from ...ir.op import Op
from ...ir.types import TensorType
from .make import Loose, is_free


def set_operand(node: Node, index: int, value: Value) -> None:
    """Connects an input of a node to another value; what is free and feeds that is taken into the node's model.

    Raises UsageError for values of other models and for a circle, InferenceError where the value does not fit.
    """
    if node.graph is not None:
        bring(node.graph, value, node)
        node.graph.set_input(node, index, value)
        return
    old = node.inputs[index]
    if old is not None:
        old._uses.pop((node, index), None)
    node.inputs = (*node.inputs[:index], value, *node.inputs[index + 1 :])
    if is_free(value):
        value._uses[node, index] = None
    infer_free([node])


def set_op(node: Node, op: Op) -> None:
    """Gives a node another operation; types are inferred again."""
    if node.graph is not None:
        node.graph.set_op(node, op)
        return
    node.op = op
    infer_free([node])


def set_result(graph: Graph, index: int, value: Value) -> None:
    """Lets an output of a graph be another value."""
    bring(graph, value, None)
    names = graph.output_names[index]
    graph.set_output(index, value)
    graph.output_names[index] = names


def retype_parameter(value: Value, type: TensorType) -> None:
    """Gives a Parameter another type; what depends on it is inferred again."""
    owner = value.owner
    assert isinstance(owner, Graph)
    if isinstance(owner, Loose):
        value.type = type
        infer_free([n for n in value.users if n.graph is None])
    else:
        owner.set_input_types({value.index: type})


def infer_free(nodes: Sequence[Node]) -> None:
    """Infers free nodes again, and the free nodes that depend on them."""
    for node in _depending(nodes):
        refresh(node)


def refresh(node: Node) -> None:
    """Infers the types of a node's outputs again. Raises InferenceError."""
    types = infer(node)
    if len(types) != len(node.outputs):
        raise VinocError(f"{node.where} has {len(node.outputs)} outputs, now {len(types)}")
    for out, t in zip(node.outputs, types, strict=True):
        out.type = t
    follow(node)


def _depending(nodes: Sequence[Node]) -> list[Node]:
    """Nodes and the free ones that read them, each behind what it reads."""

    def readers(node: Node) -> Iterator[Node]:
        for out in node.outputs:
            yield from (n for n in out.users if n.graph is None)

    return in_order(nodes, readers)[::-1]


def bring(graph: Graph, value: Value, before: Node | None) -> None:
    """Sees to it that a value is there before a node of a graph: free nodes are taken in, later ones moved forward.

    Raises UsageError for values of other models, for Parameters that the model lacks, and for a circle.
    """

    def sources(node: Node) -> Iterator[Node]:
        for source in node.inputs:
            if source is not None and _is_late(graph, source, before):
                owner = source.owner
                assert isinstance(owner, Node)
                yield owner

    if not _is_late(graph, value, before):
        return
    first = value.owner
    assert isinstance(first, Node)
    for node in in_order([first], sources):
        if node is before:
            raise UsageError(f"{node.where} would depend on itself")
        if node.graph is None:
            take_in(graph, node, before)
        else:
            graph.move(node, before)


def take_in(graph: Graph, node: Node, before: Node | None = None) -> None:
    """Makes a free node one of a graph's; its operands are there already."""
    for out in node.outputs:
        out._uses.clear()  # free nodes that read it register again when they are taken in themselves
    graph.adopt(node, before)


def _is_late(graph: Graph, value: Value, before: Node | None) -> bool:
    """Whether the node of a value has to be taken in or moved to stand before another."""
    owner = value.owner
    if isinstance(owner, Loose):
        raise UsageError(f"Parameter '{value.name}' is not in the model", help="add it with Model.add_parameters")
    home = owner.graph if isinstance(owner, Node) else owner
    if home is not None and home is not graph:
        raise UsageError(f"'{value.name}' belongs to another model", help="clone the model, and take its nodes")
    if not isinstance(owner, Node):
        return False
    return home is None or (before is not None and not owner.comes_before(before))


def in_order(roots: Sequence[Node], nexts: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """Nodes that are reached from `roots` by `nexts`, each behind those that it leads to."""
    done: dict[Node, None] = {}
    entered: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(n, False) for n in reversed(roots)]
    while stack:
        node, finished = stack.pop()
        if finished:
            done[node] = None
        elif node not in entered:
            entered.add(node)
            stack.append((node, True))
            stack.extend((n, False) for n in reversed(list(nexts(node))) if n not in entered)
    return list(done)
