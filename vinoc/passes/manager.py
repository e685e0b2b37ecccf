"""The loop that runs a pipeline. Everything about it that can be seen is an instrument; passes know of none."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from ..ir.errors import VinocError
from ..ir.graph import Graph
from ..ir.record import record
from .base import Context, Declined, Note, Pass, Rewritten
from .pipeline import MAX_ROUNDS, UNTIL_STABLE, Pipeline, Repeat, Step, parse

if TYPE_CHECKING:
    from .camera import Camera


@record()
class StepResult:
    """What one execution of a pass did. `matches` counts applications by rule, `seconds` is wall time."""

    index: int
    name: str
    pipeline: str
    changes: int = 0
    seconds: float = 0.0
    face: bool = False  # it was told to change what the model computes, or its ports
    rounds: float = 0.0  # how far it may move outputs, since it rounds
    nodes_before: int = 0
    nodes_after: int = 0
    matches: Counter[str] = field(default_factory=Counter)
    declined: list[Declined] = field(default_factory=list)
    rewritten: list[Rewritten] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    camera: Camera | None = None  # an instrument's, that is to see rewrites


class Instrument:
    """Is called around every pass. Base of dump, timing, verification, ..."""

    def start(self, graph: Graph) -> None:
        """Before the first pass."""

    def before(self, step: StepResult, graph: Graph) -> None:
        """Before a pass."""

    def after(self, step: StepResult, graph: Graph) -> None:
        """After a pass; `step.changes` says whether there is anything to look at."""

    def finish(self, graph: Graph) -> None:
        """After the last pass."""


class PassManager:
    """Runs a pipeline over a graph and its bodies, with instruments around each pass.

    Raises VinocError naming the pass when one fails.
    """

    def __init__(
        self,
        pipeline: Pipeline | str,
        instruments: Iterable[Instrument] = (),
        explain: bool = False,
        limits: Mapping[int, int] | None = None,
    ) -> None:
        """`limits`: how many rewrites the rules of a step may make, by its index; to find a wrong one."""
        self.pipeline = parse(pipeline, "pipeline") if isinstance(pipeline, str) else pipeline
        self.instruments = list(instruments)
        self.explain = explain
        self.limits = limits or {}
        self.results: list[StepResult] = []
        self._seen: tuple[list[Graph], set[str]] | None = None

    def run(self, graph: Graph) -> list[StepResult]:
        """Runs all steps on the graph, in place; returns what each execution of a pass did."""
        self.results, self._seen = [], None
        for instrument in self.instruments:
            instrument.start(graph)
        self._run_steps(self.pipeline.steps, graph)
        for instrument in self.instruments:
            instrument.finish(graph)
        return self.results

    def _run_steps(self, steps: Sequence[Step], graph: Graph) -> int:
        return sum(self._run_group(s, graph) if isinstance(s, Repeat) else self._run_pass(s, graph) for s in steps)

    def _run_group(self, group: Repeat, graph: Graph) -> int:
        total = 0
        rounds = MAX_ROUNDS if group.times == UNTIL_STABLE else group.times
        for _ in range(rounds):
            changes = self._run_steps(group.steps, graph)
            total += changes
            if not changes:
                return total
        if group.times == UNTIL_STABLE:
            raise VinocError(
                f"the group {group} still changes the graph after {MAX_ROUNDS} rounds",
                help="its passes undo each other; bound it with *N",
            )
        return total

    def _run_pass(self, p: Pass, graph: Graph) -> int:
        step = StepResult(len(self.results), p.name, str(p), face=p.face, rounds=p.rounds)
        graphs, kinds = self._look(graph)
        step.nodes_before = sum(map(len, graphs))
        for instrument in self.instruments:
            instrument.before(step, graph)
        context = Context(
            self.explain,
            step.matches,
            step.declined,
            step.rewritten,
            self.limits.get(step.index),
            step.notes,
            root=graph,
            camera=step.camera,
        )
        began = time.perf_counter()
        for g in [graph] if p.face else graphs if p.concerns(kinds) else ():
            try:
                step.changes += p.run(g, context)
            except VinocError as error:
                if error.where is None:
                    error.where = f"pass '{p.name}'"
                raise
        step.seconds = time.perf_counter() - began
        if step.changes:
            self._seen = None
        step.nodes_after = sum(map(len, self._look(graph)[0]))
        self.results.append(step)
        for instrument in self.instruments:
            instrument.after(step, graph)
        return step.changes

    def _look(self, graph: Graph) -> tuple[list[Graph], set[str]]:
        """The graph and its bodies, and the kinds of operations in them; looked for again when a pass changed them."""
        if self._seen is None:
            self._seen = [], set()
            _survey(graph, *self._seen)
        return self._seen


def _survey(graph: Graph, graphs: list[Graph], kinds: set[str]) -> None:
    """Notes all graphs, innermost first, and the kinds of their operations."""
    for node in graph:
        kinds.add(node.op.kind)
        for body in node.bodies:
            _survey(body, graphs, kinds)
    graphs.append(graph)
