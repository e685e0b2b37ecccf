"""Nodes without a kernel, computed by their own definitions. Bodies of control flow run on the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ....ir.graph import Graph, Node
from ..lowering.place import Buffer, Kind, Place
from ..lowering.plan import Array, Island

Runner = Callable[[Sequence[Any], "State"], list[Any]]
"""Runs a graph: arrays and variables in, arrays out."""

Maker = Callable[[Graph], Runner]


class State:
    """Variables of a request: what runs before have left, and what the current one assigns."""

    def __init__(self) -> None:
        self.variables: dict[str, Array] = {}
        self.pending: dict[str, Array] = {}

    def commit(self) -> None:
        """A run is over: what it assigned is there for the next one."""
        self.variables.update(self.pending)
        self.pending = {}


def _interpreted(graph: Graph) -> Runner:
    from ...numpy.interpreter import Interpreter

    run = Interpreter(graph).run
    return lambda arrays, _: list(run(list(arrays)))


class NodeRunner:
    """One node, from arrays to arrays."""

    def __init__(self, node: Node, make_body: Maker) -> None:
        from ...numpy.interpreter import evaluate_node  # most models have no such node

        self.node = node
        self.evaluate = evaluate_node
        if node.kind == "Region":  # no kernel takes it, nor would one take what a plan of its body makes of that
            make_body = _interpreted
        self.bodies = [make_body(body) for body in node.bodies]

    def run(self, operands: Sequence[Any], state: State) -> list[Any]:
        """The outputs. Raises EvaluationError that names the node."""
        bodies = [(lambda arrays, run=run: run(arrays, state)) for run in self.bodies]
        return self.evaluate(self.node, operands, bodies, state.variables, state.pending)


class IslandStep:
    """A node of a plan: its operands and results lie in places."""

    def __init__(self, island: Island, make_body: Maker, arena: Array) -> None:
        self.island = island
        self.arena = arena
        self.runner = NodeRunner(island.node, make_body) if island.node else None

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array], state: State) -> None:
        operands = [None if p is None else self.located(p, inputs, outputs) for p in self.island.inputs]
        if self.runner is None:  # a copy
            self.located(self.island.outputs[0], inputs, outputs)[...] = operands[0]
            return
        if self.runner.node.kind == "Assign":  # a variable outlives the arena
            operands = [None if a is None else np.array(a) for a in operands]
        with np.errstate(all="ignore"):
            results = self.runner.run(operands, state)
        for place, result in zip(self.island.outputs, results, strict=True):
            self.located(place, inputs, outputs)[...] = result

    def located(self, place: Place, inputs: Sequence[Array], outputs: Sequence[Array]) -> Array:
        """A place as an array; those of inputs and outputs lie in the arrays of the run."""
        buffer = place.buffer
        if buffer.kind is Kind.CONSTANT:
            return place.view()
        if buffer.kind is Kind.ARENA:
            array = self.arena[buffer.start : buffer.start + buffer.size]
        else:
            array = (inputs if buffer.kind is Kind.INPUT else outputs)[buffer.index]
        return replace(place, buffer=Buffer(0, array=array)).view()
