"""Which pass makes a model wrong, and which single rewrite of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..ir.errors import EvaluationError
from ..ir.graph import Graph
from ..ir.loc import leaves
from ..passes.base import Rewritten
from ..passes.instruments import range_error
from ..passes.manager import Instrument, PassManager, StepResult
from ..passes.pipeline import Pipeline, parse

Evaluate = Callable[[Graph, Sequence[Any]], Sequence[Any]]


@dataclass
class Culprit:
    """What `bisect` found.

    step      the first pass after which the outputs are wrong
    error     their error behind it, relative to the range of the worst output; infinite where it cannot be evaluated
    before    the error in front of it
    number    which application of a rule of that pass makes it so, from 1; 0 where the pass is no set of rules
    rewrite   that application
    unbound   it is wrong without any application, too: by a pass within a group that counts none
    """

    step: StepResult
    error: float
    before: float
    number: int = 0
    rewrite: Rewritten | None = None
    unbound: bool = False


def bisect(
    make: Callable[[], Graph], passes: str, inputs: Sequence[Any], expected: Sequence[Any], evaluate: Evaluate,
    tolerance: float,
) -> Culprit | None:  # fmt: skip
    """The first pass, and within it the first rewrite, after which outputs differ from `expected`; None: there is none.

    `make` gives the model's graph anew. Passes are deterministic, so the same prefix of rewrites gives the same graph.
    After every pass the model is evaluated once; within the pass the rewrites are halved.
    """
    pipeline = parse(passes)
    watch = _Watch(inputs, expected, evaluate, tolerance)
    steps = PassManager(pipeline, [watch], explain=True)
    with suppress(_Found):
        steps.run(make())
    if watch.culprit is None:
        return None
    found = watch.culprit
    if found.step.rewritten:
        search = _Search(make, pipeline, found.step.index, watch)
        found.unbound = search.is_wrong(0)
        if not found.unbound:
            found.number = search.first_wrong(len(found.step.rewritten))
            found.rewrite = found.step.rewritten[found.number - 1]
    return found


def evaluator(device: str) -> Evaluate:
    """What runs a graph: TEMPLATE, every operation by its definition, or CPU, generated kernels."""
    if device == "CPU":
        from ..backends.cpu.device import Executable

        return lambda graph, inputs: Executable(graph.clone()).run(inputs)
    from ..backends.numpy.interpreter import Interpreter

    return lambda graph, inputs: Interpreter(graph).run(inputs)


class _Found(Exception):
    """Ends a run: what is to be known is known."""


class _Watch(Instrument):
    def __init__(self, inputs: Sequence[Any], expected: Sequence[Any], evaluate: Evaluate, tolerance: float) -> None:
        self.inputs = inputs
        self.expected = expected
        self.evaluate = evaluate
        self.tolerance = tolerance
        self.last = 0.0
        self.culprit: Culprit | None = None

    def error(self, graph: Graph) -> float:
        try:
            actual = self.evaluate(graph, self.inputs)
        except EvaluationError:
            return float("inf")
        return max((range_error(e, a) for e, a in zip(self.expected, actual, strict=True)), default=0.0)

    def is_wrong(self, graph: Graph) -> bool:
        return not self.error(graph) <= self.tolerance

    def start(self, graph: Graph) -> None:
        self.last = self.error(graph)

    def after(self, step: StepResult, graph: Graph) -> None:
        if not step.changes:
            return
        error = self.error(graph)
        if not error <= self.tolerance:
            self.culprit = Culprit(step, error, self.last)
            raise _Found
        self.last = error


class _Search(Instrument):
    """Runs the pipeline up to a step of which only the first so many rewrites are made."""

    def __init__(self, make: Callable[[], Graph], pipeline: Pipeline, index: int, watch: _Watch) -> None:
        self.make = make
        self.pipeline = pipeline
        self.index = index
        self.watch = watch

    def first_wrong(self, count: int) -> int:
        """The least number of rewrites after which outputs are wrong; `count` are known to be."""
        right, wrong = 0, count
        while wrong - right > 1:
            middle = (right + wrong) // 2
            if self.is_wrong(middle):
                wrong = middle
            else:
                right = middle
        return wrong

    def is_wrong(self, count: int) -> bool:
        graph = self.make()
        with suppress(_Found):
            PassManager(self.pipeline, [self], limits={self.index: count}).run(graph)
        return self.watch.is_wrong(graph)

    def after(self, step: StepResult, graph: Graph) -> None:
        if step.index == self.index:
            raise _Found


def lines(found: Culprit | None) -> list[str]:
    """What was found, for people."""
    if found is None:
        return ["every pass keeps the outputs"]
    out = [
        f"pass '{found.step.pipeline}' (step {found.step.index}) is the first that makes the outputs wrong:",
        f"  error {found.error:.2e} of the range behind it, {found.before:.2e} in front of it",
    ]
    if found.unbound:
        out.append("none of its rules makes them so, but a pass that it runs behind them")
    if found.rewrite is not None:
        r = found.rewrite
        where = ", ".join(map(str, leaves(r.source)))
        out += [
            f"rule '{r.rule}' at {where or r.kinds[0]}, rewrite {found.number} of {len(found.step.rewritten)}:",
            f"  {' + '.join(r.kinds)} -> {', '.join(r.results) or 'what is there already'}",
        ]
    return out
