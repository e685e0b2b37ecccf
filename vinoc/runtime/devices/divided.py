"""A model whose parts run on several devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backends.numpy.interpreter import STATE, evaluate_node
from ...ir.constant import Constant
from ...ir.errors import UsageError, VinocError
from ...ir.graph import Graph, Node, Value
from ...ir.subgraph import subgraph
from ...ir.types import TensorType
from ..engines import Engine, own
from ..execution import Schedule, Stage
from ..ports import ports_of
from ..profiling import ProfilingInfo
from ..states import declared_variables
from .base import Fixed, Host, Prepared
from .given import Given
from .partition import Part, partition

HERE = ""
"""The device of ReadValue and Assign: a variable belongs to the whole model, so they are done between the parts."""


@dataclass(frozen=True)
class Step:
    """A part, made ready: what it reads and writes by number, and what nobody reads after it.

    One that only reads and assigns variables is `here`, a graph; all others are `prepared` by their devices.
    """

    prepared: Prepared | None
    here: Graph
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    dead: tuple[int, ...]


class DividedModel(Fixed):
    """A graph, which it takes over, with the device of each node; `names`: the devices by priority."""

    device = "HETERO"

    def __init__(
        self, graph: Graph, devices: Mapping[Node, str], names: Sequence[str], settings: Mapping[str, Any], host: Host
    ) -> None:
        self.name = graph.name
        self.inputs, self.outputs = ports_of(graph)
        self._names = names
        self._declared = declared_variables(graph)
        parts = partition(graph, _with_variables_here(graph, devices))
        apart = [v for v in dict.fromkeys(graph.outputs) if v.is_const]
        values = [*graph.inputs, *(v for part in parts for v in part.outputs), *apart]
        numbers = {v: i for i, v in enumerate(dict.fromkeys(values))}
        self.size = len(numbers)
        self.results = [numbers[v] for v in graph.outputs]
        self.constants = {numbers[v]: np.asarray(v.const) for v in apart}
        self._apart = Stage(subgraph([], [], apart), self.device, [], list(self.constants))
        self.steps = list(self._made(parts, numbers, settings, host))
        self.graph: Graph | None = None  # nothing of it is kept: constants are with the devices

    def _made(
        self, parts: Sequence[Part], numbers: Mapping[Value, int], settings: Mapping[str, Any], host: Host
    ) -> Iterator[Step]:
        last: dict[int, int] = {}
        for i, part in enumerate(parts):
            last.update((numbers[v], i) for v in (*part.inputs, *part.outputs))
        for i, part in enumerate(parts):
            made = subgraph(part.nodes, part.inputs, part.outputs, f"{self.name}_{i}")
            is_here = part.device == HERE
            yield Step(
                None if is_here else host.compile(_given(made), part.device, settings),
                made if is_here else Graph(),
                tuple(numbers[v] for v in part.inputs),
                tuple(numbers[v] for v in part.outputs),
                tuple(n for n, at in last.items() if at == i and n not in self.results),
            )

    def variables(self) -> Mapping[str, TensorType]:
        return self._declared

    def start(self) -> Engine:
        whole = list(range(len(self.inputs))), self.results
        for step in self.steps[:1]:
            if step.prepared is not None and ([*step.inputs], [*step.outputs]) == whole:  # undivided
                return step.prepared.start()
        return Divided(self)

    def facts(self) -> Mapping[str, Any]:
        prepared = [s.prepared for s in self.steps if s.prepared is not None]
        facts = [dict(p.facts()) for p in prepared]
        used = {name: f for f in facts for name in f["EXECUTION_DEVICES"]}
        return {
            "EXECUTION_DEVICES": [n for n in self._names if n in used] + [n for n in used if n not in self._names],
            "OPTIMAL_NUMBER_OF_INFER_REQUESTS": max((f["OPTIMAL_NUMBER_OF_INFER_REQUESTS"] for f in facts), default=1),
            "LOADED_FROM_CACHE": False,
            "HETERO_NUMBER_OF_SUBMODELS": len(prepared),
            "DEVICE_PROPERTIES": used,
            "MULTI_DEVICE_PRIORITIES": ",".join(self._names),
        }

    def export(self, file: Any) -> None:
        raise VinocError("models compiled for HETERO cannot be stored", self.name)

    def schedule(self) -> Schedule | None:
        """The stages of all parts, joined by the numbers of the values between them. None where one is not known."""
        stages = [self._apart] if self._apart.outputs else []
        for i, step in enumerate(self.steps):
            if step.prepared is None:
                stages.append(Stage(step.here, self.device, step.inputs, step.outputs))
                continue
            found = step.prepared.schedule()
            if found is None:
                return None
            keys = dict(zip((*found.inputs, *found.outputs), (*step.inputs, *step.outputs), strict=True))
            for s in found.stages:
                ends = [[keys.get(k, (i, k)) for k in side] for side in (s.inputs, s.outputs)]
                stages.append(Stage(s.graph, s.device, ends[0], ends[1], s.done))
        return Schedule(stages, list(range(len(self.inputs))), self.results)


def _with_variables_here(graph: Graph, devices: Mapping[Node, str]) -> dict[Node, str]:
    """The devices of a graph that is to be divided, its variables apart; of one on a single device as they are.

    Raises VinocError where a body of control flow has variables: they belong to one device then.
    """
    real = {devices[n] for n in graph if n.kind != "Constant"}
    if len(real) < 2:
        return dict(devices)
    for body in (b for n in graph for b in n.bodies):
        for inner in (n for g in body.walk() for n in g if n.kind in STATE):
            raise VinocError(
                "a model with variables inside of control flow cannot be divided", inner.where, "use one device for it"
            )
    return {n: HERE if n.kind in STATE else d for n, d in devices.items()}


def _given(graph: Graph) -> Given:
    return Given(lambda: graph)


class Divided:
    """A request over the parts: each has an engine of its device, the variables are here."""

    def __init__(self, model: DividedModel) -> None:
        self._model = model
        self._engines = [s.prepared.start() if s.prepared is not None else None for s in model.steps]
        self._variables: dict[str, Any] = {}
        self._pending: dict[str, Any] = {}

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        model = self._model
        values: list[Any] = [None] * model.size
        values[: len(inputs)] = inputs
        for i, array in model.constants.items():
            values[i] = array
        self._pending = {}
        for step, engine in zip(model.steps, self._engines, strict=True):
            read = [values[i] for i in step.inputs]
            results = self._here(step, read) if engine is None else engine.run(read)
            for i, value in zip(step.outputs, results, strict=True):
                values[i] = value
            for i in step.dead:
                values[i] = None
        self._variables.update(self._pending)
        return self._owned(values)

    def _owned(self, values: list[Any]) -> list[Any]:
        """The outputs: what is an input, a constant, a variable or an output twice is copied."""
        model = self._model
        shared = {*range(len(model.inputs)), *model.constants}
        held = {id(v) for v in self._variables.values()}
        results = []
        for i in model.results:
            value = values[i]
            results.append(own(value) if i in shared or id(value) in held else value)
            shared.add(i)
        return results

    def _here(self, step: Step, read: Sequence[Any]) -> list[Any]:
        """Reads and assigns variables. What is assigned is a copy: an input may be changed after the run."""
        known: dict[Value, Any] = dict(zip(step.here.inputs, read, strict=True))
        for node in step.here:
            if type(node.op) is Constant:
                known[node.output] = node.op.value.array
                continue
            operands = [None if v is None else known[v] for v in node.inputs]
            if node.kind == "Assign":
                operands = [own(a) for a in operands]
            results = evaluate_node(node, operands, (), self._variables, self._pending)
            known.update(zip(node.outputs, results, strict=True))
        return [known[v] for v in step.here.outputs]

    def variables(self) -> dict[str, Any]:
        engines = [e for e in self._engines if e is not None]
        return engines[0].variables() if len(self._engines) == 1 and engines else self._variables

    def reset(self) -> None:
        self._variables.clear()
        for engine in self._engines:
            if engine is not None:
                engine.reset()

    def times(self) -> list[ProfilingInfo]:
        """Of the parts whose devices keep times. Raises UsageError where none does."""
        found: list[ProfilingInfo] = []
        refused: UsageError | None = None
        for engine in self._engines:
            try:
                found += engine.times() if engine is not None else []
            except UsageError as error:
                refused = error
        if refused is not None and not found:
            raise refused
        return found
