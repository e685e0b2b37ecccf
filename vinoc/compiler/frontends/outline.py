"""What a model says of its tensors before it is converted: enough to tell where it is to begin, and with what types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path

from ...ir.graph import Graph
from ...ir.loc import leaves
from ...ir.record import record
from ...ir.types import Type
from .base import Frontend


@record()
class Outline:
    """Tensors and nodes by name.

    inputs   the model's own inputs, with their types
    types    of all other tensors that the model knows the type of
    nodes    the tensors that a node reads and computes; "" for an input left out
    weights  tensors that are constant
    readers  how many operands a tensor is
    """

    inputs: dict[str, Type] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    nodes: dict[str, tuple[Sequence[str], Sequence[str]]] = field(default_factory=dict)
    weights: set[str] = field(default_factory=set)
    readers: Counter[str] = field(default_factory=Counter)

    def tensors(self) -> set[str]:
        """All names of tensors."""
        return {*self.inputs, *self.types, *self.readers, *(t for _, outs in self.nodes.values() for t in outs)}


def outline(frontend: Frontend, path: Path) -> Outline:
    """The outline of a model file: the frontend's own, where it can tell without conversion, else of the graph."""
    tell = getattr(frontend, "outline", None)
    if tell is not None:
        return tell(path)
    return outline_of(frontend.load(path))


def outline_of(graph: Graph) -> Outline:
    """The outline of a graph. Inputs are called by their public name."""
    out = Outline()
    names = {}
    for value, given in zip(graph.inputs, graph.input_names, strict=True):
        names[value] = next(iter(given), value.name)
        out.inputs[names[value]] = value.type
    for node in graph:
        for v in node.outputs:
            names[v] = v.name
            out.types.setdefault(v.name, v.type)
            if node.kind == "Constant":
                out.weights.add(v.name)
        reads = [names[v] if v is not None else "" for v in node.inputs]
        out.readers.update(r for r in reads if r)
        found = [leaf.node for leaf in leaves(node.loc)]
        out.nodes.setdefault(found[-1] if found else node.label, (reads, [v.name for v in node.outputs]))
    out.readers.update(names[v] for v in graph.outputs)
    return out
