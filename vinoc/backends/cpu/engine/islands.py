"""Nodes without a kernel, computed by their own definitions. Bodies of control flow run on the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ....ir.graph import Graph, Node
from ..lowering.place import Buffer, Kind, Place
from ..lowering.plan import Array, Island

if TYPE_CHECKING:
    from .repeat import Repeated

LOOPS = frozenset({"Loop", "TensorIterator"})

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
        self.repeated: Repeated | None = None
        executable = getattr(self.bodies[0], "__self__", None) if node.kind in LOOPS else None
        if executable is not None:  # the body does not run by definition
            from .repeat import Repeated

            self.repeated = Repeated(node, executable.program)

    def run(self, operands: Sequence[Any], state: State) -> list[Any]:
        """The outputs. Raises EvaluationError that names the node."""
        if self.repeated is not None:
            found = self.repeated.run(operands)
            if found is not None:
                return found
        bodies = [(lambda arrays, run=run: run(arrays, state)) for run in self.bodies]
        return self.evaluate(self.node, operands, bodies, state.variables, state.pending)


class IslandStep:
    """A node of a plan: its operands and results lie in places."""

    def __init__(self, island: Island, make_body: Maker, arena: Array) -> None:
        self.island = island
        self.arena = arena
        self.runner = NodeRunner(island.node, make_body) if island.node else None
        self.operands = [self._fixed(p) for p in island.inputs]
        self.results = [self._fixed(p) for p in island.outputs]

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array], state: State) -> None:
        operands = [_located(p, inputs, outputs) if type(p) is Place else p for p in self.operands]
        if self.runner is None:  # a copy
            results: Sequence[Any] = operands
        else:
            if self.runner.node.kind == "Assign":  # a variable outlives the arena
                operands = [None if a is None else np.array(a) for a in operands]
            with np.errstate(all="ignore"):
                results = self.runner.run(operands, state)
        for place, result in zip(self.results, results, strict=True):
            target = _located(place, inputs, outputs) if type(place) is Place else place
            target[...] = result

    def _fixed(self, place: Place | None) -> Any:
        """A place as an array where that is the same in every run; of inputs and outputs the place."""
        if place is None or place.buffer.kind is Kind.CONSTANT:
            return place and place.view()
        if place.buffer.kind is not Kind.ARENA:
            return place
        buffer = place.buffer
        return _viewed(place, self.arena[buffer.start : buffer.start + buffer.size])


def _located(place: Place, inputs: Sequence[Array], outputs: Sequence[Array]) -> Array:
    """A place in the arrays of a run."""
    array = (inputs if place.buffer.kind is Kind.INPUT else outputs)[place.buffer.index]
    return array if place.strides == array.strides and place.shape == array.shape else _viewed(place, array)


def _viewed(place: Place, array: Array) -> Array:
    return replace(place, buffer=Buffer(0, array=array)).view()
