"""The executable of a graph: plans for the shapes that come, kept in a bounded cache."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from typing import Any

from ...ir.errors import InferenceError, UsageError
from ...ir.graph import Graph
from ...ir.types import TensorType
from ...passes.manager import PassManager
from .codegen.library import Library
from .codegen.target import Target, host, target
from .engine.pool import Pool
from .engine.program import Program
from .lowering import conv, movement  # noqa: F401  # they declare lowerings
from .lowering.plan import Array, Packed, Plan

SPECIALIZE = "fold,dropout,cse,dce"
"""What a graph goes through once its shapes are known."""

LOWER = "cpu-regions"

PLANS = 8
"""Plans that are kept, one for each set of input shapes."""


@cache
def library(name: str) -> Library:
    """The kernels of a target, shared by all models."""
    return Library(host() if name == "host" else target(name))


class Executable:
    """A model on the CPU. Calls from several threads wait for each other."""

    def __init__(self, graph: Graph, threads: int = 0, kernels: Target | None = None) -> None:
        self.graph = graph
        self.library = library(kernels.name if kernels else "host")
        self.pool = Pool(self.library, threads or len(os.sched_getaffinity(0)))
        self.packed = Packed()
        self._programs: OrderedDict[Any, Program] = OrderedDict()

    def program(self, shapes: Sequence[tuple[int, ...]]) -> Program:
        """The program for inputs of given shapes; made when it is not kept."""
        key = tuple(shapes)
        found = self._programs.get(key)
        if found is None:
            lowered = specialize(self.graph, shapes)
            PassManager(LOWER).run(lowered)
            plan = Plan(lowered, self.library.target, self.packed).build()
            found = self._programs[key] = Program(plan, self.library, self.pool)
            if len(self._programs) > PLANS:
                self._programs.popitem(last=False)
        self._programs.move_to_end(key)
        return found

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """The outputs, for C-contiguous inputs of the model's types."""
        return self.program([a.shape for a in inputs]).run(inputs)


def specialize(graph: Graph, shapes: Sequence[tuple[int, ...]]) -> Graph:
    """A copy for inputs of given shapes. Raises UsageError when the model cannot take them."""
    copy = Graph(graph.name)
    values = {}
    for value, names, shape in zip(graph.inputs, graph.input_names, shapes, strict=True):
        values[value] = copy.add_input(TensorType(value.dtype, tuple(shape)), value.name, names)
    try:
        for node in graph:
            new = copy.insert(
                node.op, [v and values[v] for v in node.inputs], bodies=[b.clone() for b in node.bodies], loc=node.loc
            )
            for old, made in zip(node.outputs, new.outputs, strict=True):
                made.name = old.name
                values[old] = made
    except InferenceError as error:
        given = ", ".join(str(list(s)) for s in shapes)
        raise UsageError(f"inputs of shapes {given} do not fit: {error.what}", error.where) from error
    for value, names in zip(graph.outputs, graph.output_names, strict=True):
        copy.add_output(values[value], names)
    PassManager(SPECIALIZE).run(copy)
    return copy
