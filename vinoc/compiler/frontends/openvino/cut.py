"""Beginning and ending a model elsewhere than its file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....ir.buffer import Buffer
from ....ir.constant import Constant
from ....ir.errors import UsageError, did_you_mean
from ....ir.graph import Graph, Node, Value
from ....ir.loc import leaves
from ....ir.types import TensorType
from ..base import Inputs


def cut(graph: Graph, inputs: Inputs, outputs: Sequence[str]) -> Graph:
    """The part of a graph between the tensors `inputs` and `outputs`, inferred again.

    An input is one of the graph's own, whose type is replaced where one is given, or any other tensor; one for which
    contents are given becomes a constant. Own inputs
    that nothing reads any more go. Without `outputs` they stay as they are. Tensors are called by their name, by
    their layer's, or `layer:1`. Raises UsageError with the nearest name, InferenceError where a type does not fit.
    """
    known = _tensors(graph)
    begins = {_find(known, name, "--input"): (name, type_) for name, type_ in inputs.items()}
    ends: list[tuple[Value, tuple[str, ...]]] = [(_find(known, name, "--output"), (name,)) for name in outputs]
    ends = ends or list(zip(graph.outputs, graph.output_names, strict=True))
    needed = _needed(graph, [v for v, _ in ends], begins, sinks=not outputs)
    made = Graph(graph.name)
    values: dict[Value, Value] = {}
    for value, names in zip(graph.inputs, graph.input_names, strict=True):
        _, type_ = begins.pop(value, ("", None))
        values[value] = _begun(made, value, type_, names)
    for value, (name, type_) in begins.items():
        values[value] = _begun(made, value, type_, (name,))
    for node in graph:
        if node in needed:
            operands = [None if v is None else values[v] for v in node.inputs]
            new = made.insert(node.op, operands, bodies=node.bodies, loc=node.loc)
            for old, out in zip(node.outputs, new.outputs, strict=True):
                out.name = old.name
                values.setdefault(old, out)
    for value, names in ends:
        made.add_output(values[value], names)
    for i in reversed(range(len(made.inputs))):
        if not made.inputs[i].n_uses and not set(made.input_names[i]) & set(inputs):
            made.remove_input(i)
    return made


def _begun(made: Graph, value: Value, given: TensorType | Buffer | None, names: tuple[str, ...]) -> Value:
    """What stands in a new graph where the old one had a value: an input, or a constant."""
    if isinstance(given, Buffer):
        return made.insert(Constant(given), (), name=value.name).outputs[0]
    return made.add_input(given or value.type, value.name, names)


def _tensors(graph: Graph) -> dict[str, Value]:
    known: dict[str, Value] = {}
    for values, listed in ((graph.inputs, graph.input_names), (graph.outputs, graph.output_names)):
        for value, names in zip(values, listed, strict=True):
            known.update(dict.fromkeys(names, value))
    for node in graph:
        for out in node.outputs:
            known.setdefault(out.name, out)
        layer = ""
        for leaf in leaves(node.loc):
            layer = leaf.node
        for i, out in enumerate(node.outputs):
            known.setdefault(f"{layer}:{i}", out)
            known.setdefault(layer, out)
    return known


def _find(known: Mapping[str, Value], name: str, option: str) -> Value:
    if name not in known:
        raise UsageError(f"the model has no tensor or layer '{name}'", option, did_you_mean(name, known) or None)
    return known[name]


def _needed(graph: Graph, ends: Sequence[Value], begins: Mapping[Value, object], sinks: bool) -> set[Node]:
    """What the ends are computed from, down to the beginnings; and what keeps state, where the model stays whole."""
    stack = [v.node for v in ends if v not in begins]
    if sinks:
        stack += [n for n in graph if not n.op.pure and not any(out.n_uses for out in n.outputs)]
    needed: set[Node] = set()
    while stack:
        node = stack.pop()
        if node is not None and node not in needed:
            needed.add(node)
            stack += [v.node for v in node.inputs if v is not None and v not in begins]
    return needed
