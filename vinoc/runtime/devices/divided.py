"""A model whose parts run on several devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backends.numpy.interpreter import evaluate_node
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

_VARIABLES = frozenset({"ReadValue", "Assign"})


@dataclass(frozen=True)
class Step:
    """A part, made ready: what it reads and writes by number, and what nobody reads after it."""

    part: Part
    prepared: Prepared | None
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
        self.numbers: dict[Value, int] = {v: i for i, v in enumerate(graph.inputs)}
        for part in parts:
            for v in part.outputs:
                self.numbers.setdefault(v, len(self.numbers))
        apart = [v for v in dict.fromkeys(graph.outputs) if v.is_const]
        for v in apart:
            self.numbers[v] = len(self.numbers)
        self._apart = Stage(subgraph([], [], apart), "HETERO", [], [self.numbers[v] for v in apart])
        self.constants = {v: np.asarray(v.const) for v in apart}
        for part in parts:
            for v in (v for n in part.nodes if part.device == HERE for v in n.inputs if v is not None and v.is_const):
                self.constants[v] = np.asarray(v.const)
        self.results = [self.numbers[v] for v in graph.outputs]
        self.steps = list(self._made(graph, parts, settings, host))
        self.graph: Graph | None = None

    def _made(self, graph: Graph, parts: Sequence[Part], settings: Mapping[str, Any], host: Host) -> list[Step]:
        last: dict[int, int] = {}
        for i, part in enumerate(parts):
            last.update((self.numbers[v], i) for v in (*part.inputs, *part.outputs))
        kept = {*self.results}
        steps = []
        for i, part in enumerate(parts):
            prepared = None if part.device == HERE else _compiled(part, f"{graph.name}_{i}", settings, host)
            dead = tuple(n for n, at in last.items() if at == i and n not in kept)
            ins, outs = (tuple(self.numbers[v] for v in side) for side in (part.inputs, part.outputs))
            steps.append(Step(part, prepared, ins, outs, dead))
        return steps

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
                stages.append(Stage(_graph(step.part, self.name), "HETERO", step.inputs, step.outputs))
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
        for inner in (n for g in body.walk() for n in g if n.kind in _VARIABLES):
            raise VinocError(
                "a model with variables inside of control flow cannot be divided", inner.where, "use one device for it"
            )
    return {n: HERE if n.kind in _VARIABLES else d for n, d in devices.items()}


def _graph(part: Part, name: str) -> Graph:
    return subgraph(part.nodes, part.inputs, part.outputs, name)


def _compiled(part: Part, name: str, settings: Mapping[str, Any], host: Host) -> Prepared:
    graph = _graph(part, name)
    return host.compile(Given(lambda: graph), part.device, settings)


class Divided:
    """A request over the parts: each has an engine of its device, the variables are here."""

    def __init__(self, model: DividedModel) -> None:
        self._model = model
        self._engines = [s.prepared.start() if s.prepared is not None else None for s in model.steps]
        self._variables: dict[str, Any] = {}
        self._pending: dict[str, Any] = {}

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        model = self._model
        values: list[Any] = [None] * len(model.numbers)
        values[: len(inputs)] = inputs
        for value, array in model.constants.items():
            if value in model.numbers:
                values[model.numbers[value]] = array
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
        shared = {*range(len(model.inputs)), *(model.numbers[v] for v in model.constants if v in model.numbers)}
        held = {id(v) for v in self._variables.values()}
        results = []
        for i in model.results:
            value = values[i]
            results.append(own(value) if i in shared or id(value) in held else value)
            shared.add(i)
        return results

    def _here(self, step: Step, read: Sequence[Any]) -> list[Any]:
        """Reads and assigns variables. What is assigned is a copy: an input may be changed after the run."""
        known = {**self._model.constants, **dict(zip(step.part.inputs, read, strict=True))}
        for node in step.part.nodes:
            operands = [None if v is None else known[v] for v in node.inputs]
            if node.kind == "Assign":
                operands = [own(a) for a in operands]
            results = evaluate_node(node, operands, (), self._variables, self._pending)
            known.update(zip(node.outputs, results, strict=True))
        return [known[v] for v in step.part.outputs]

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
