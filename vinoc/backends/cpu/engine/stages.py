"""Graphs of which some shapes are known only while they run.

Such a graph runs in stages. What does not depend on the unknown is one program. Then the nodes that make values of
unknown shape (NonZero, NonMaxSuppression, a Loop with an unknown count, sequences, ...) run by their definitions, and
with the shapes that they turn out to have the rest is an executable of its own, planned for those shapes and kept.
Strings and sequences are objects of Python, which have no place in an arena: nodes that read or make them run by their
definitions, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....ir.constant import Constant
from ....ir.dtype import string
from ....ir.graph import Graph, Node, Value
from ....ir.subgraph import read_by, subgraph
from ....ir.types import TensorType
from .islands import Maker, NodeRunner, State


def is_static(graph: Graph) -> bool:
    """Whether every value is an array of static shape."""
    made = [v.type for node in graph for v in node.outputs]
    static = all(isinstance(t, TensorType) and t.is_static and t.dtype is not string for t in made)
    return static and not any(map(_is_object, graph.inputs))


def _static(value: Value) -> bool:
    return isinstance(value.type, TensorType) and value.type.is_static


def _is_object(value: Value) -> bool:
    """Whether a value is made of Python's objects: a sequence, an optional, strings."""
    return not isinstance(value.type, TensorType) or value.type.dtype is string


class Staged:
    """A graph with values of unknown shape.

    make        gives the runner of a graph whose inputs are of static types
    make_rest   gives the runner of a graph for inputs of any shapes
    """

    def __init__(self, graph: Graph, make: Maker, make_rest: Maker, make_body: Maker) -> None:
        first, frontier, rest = _parts(graph)
        used = read_by([*frontier, *rest], graph)
        known = {*graph.inputs, *(v for n in first for v in n.outputs)}
        self.inputs = list(graph.inputs)
        self.plain_inputs = [v for v in self.inputs if not _is_object(v)]
        self.first_outputs = [v for v in used if v in known and v.owner is not graph and not v.is_const]
        self.first = (
            make(subgraph(first, self.plain_inputs, self.first_outputs, graph.name)) if self.first_outputs else None
        )
        self.frontier = [(node, NodeRunner(node, make_body)) for node in frontier]
        made = {v for n in frontier for v in n.outputs}
        after = read_by(rest, graph)
        self.outputs = list(graph.outputs)
        ready = {v for v in self.outputs if _is_object(v) and (v in known or v in made or v.is_const)}
        read = {v for n in rest for v in n.inputs}
        self.rest_outputs = [v for v in dict.fromkeys(self.outputs) if v not in ready]
        self.rest_inputs = [
            v for v in after if (v in known or v in made) and not v.is_const and (v in read or v not in ready)
        ]
        self.rest = (
            make_rest(subgraph(rest, self.rest_inputs, self.rest_outputs, graph.name)) if self.rest_outputs else None
        )
        constant = [v for n in frontier for v in n.inputs if v is not None] + [*ready]
        self.constants = {v: np.asarray(v.const) for v in constant if v.is_const}

    def run(self, inputs: Sequence[Any], state: State) -> list[Any]:
        """The outputs of the graph."""
        values: dict[Value, Any] = {**self.constants, **dict(zip(self.inputs, inputs, strict=True))}
        if self.first is not None:
            results = self.first([values[v] for v in self.plain_inputs], state)
            values.update(zip(self.first_outputs, results, strict=True))
        with np.errstate(all="ignore"):
            for node, runner in self.frontier:
                results = runner.run([None if v is None else values[v] for v in node.inputs], state)
                values.update(zip(node.outputs, results, strict=True))
        out = {v: _own(values[v]) for v in self.outputs if v in values and _is_object(v)}
        if self.rest is not None:
            results = self.rest([values[v] for v in self.rest_inputs], state)
            out.update(zip(self.rest_outputs, results, strict=True))
        return [out[v] for v in self.outputs]


def _own(value: Any) -> Any:
    """Strings as an array of the caller's own."""
    return np.array(value) if isinstance(value, np.ndarray) else value


def _parts(graph: Graph) -> tuple[list[Node], list[Node], list[Node]]:
    """(what depends on nothing unknown, what makes the unknown, what depends on it); constants are in none.

    A node that reads or makes objects is of the second kind, unless it needs something of the third.
    """
    first, frontier, rest = [], [], []
    late: set[Value] = set()
    last: set[Value] = set()
    for node in graph:
        if type(node.op) is Constant:
            continue
        objects = any(_is_object(v) for v in (*node.inputs, *node.outputs) if v is not None)
        if any(v in last for v in node.inputs) or (not objects and any(v in late for v in node.inputs)):
            rest.append(node)
            last.update(node.outputs)
        elif all(map(_static, node.outputs)) and not objects:
            first.append(node)
            continue
        else:
            frontier.append(node)
        late.update(node.outputs)
    return first, frontier, rest
