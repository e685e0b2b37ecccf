"""The default: recipes are tried, and the one with the least error on held-out samples is taken.

No recipe is best for all models. What is tried: channels aligned or not; ranges of least error or min-max. Weights are
rounded so that products change least (`rounding`), which helps all of them, and takes the mean of what is left into the
biases; what a correction of biases in the quantized graph brings beyond that (`bias`) is seldom worth its time. All
samples have their say in the ranges, held-out ones too: rare large values, which are cut where too few samples were
seen, do more harm than all rounding, and would decide which recipe seems better. Nothing needs labels. Levels are
symmetric with the preset `performance`, else asymmetric, which are symmetric ones too where that suits the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ....ir.graph import Graph, Node
from ....passes.quantize import Range, Setting
from ..data import Samples
from ..memory import give_back
from ..work import Work
from .alignment import alignment
from .budget import held_out, told
from .columns import PRODUCTS, Lookup, Moments, Rows
from .judge import Judge, geometric_mean, root_mean_square, split
from .keep import guard, tell_wide
from .rounding import SAMPLES, round_weights
from .spans import ESTIMATORS, WITH_HISTOGRAM, ranges_of
from .weights_only import weights_alone, weights_without_data

MARGIN = 0.95
"""Of the error of what was tried before, that another recipe must stay below: few samples tell no finer differences."""

CLEAR, SLIGHT = 1.5, 1.02
"""How many times less noise alignment must promise, for channels as they are not to be tried; to be tried itself."""


@dataclass(eq=False)
class Tried:
    """A recipe, the work that it made, and the errors of the outputs."""

    name: str
    estimator: str
    work: Work
    errors: list[float]

    @property
    def error(self) -> float:
        """By which recipes are compared."""
        return geometric_mean(self.errors)


class Trials:
    """Recipes judged one after another: the errors of all, and the best, which alone stays in memory: the first of
    them, unless another is better by more than a margin."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.errors: dict[str, float] = {}
        self._best: Tried | None = None

    @property
    def best(self) -> Tried:
        assert self._best is not None
        return self._best

    def add(self, name: str, work: Work, estimators: Iterable[str]) -> None:
        """Judges work, whose weights are rounded, with the ranges of each estimator; equal ones once."""
        known: list[Tried] = []
        for estimator in estimators:
            made = replace(work)
            made.values = ranges_of(made, estimator)
            same = next((t for t in known if _same(t.work.values, made.values)), None)
            errors = same.errors if same else self.judge.errors(made.quantized())
            tried = Tried(f"{name}, {estimator}", estimator, made, errors)
            known.append(tried)
            self.errors[tried.name] = tried.error
            if self._best is None or tried.error < MARGIN * self._best.error:
                self._best = tried


def _same(a: Mapping[str, Range], b: Mapping[str, Range]) -> bool:
    """Whether ranges have the same ends."""
    pairs = [(x, y) for n in a for x, y in ((a[n].low, b[n].low), (a[n].high, b[n].high))]
    return all(x is not None and y is not None and np.array_equal(x, y) for x, y in pairs)


def best_recipe(work: Work) -> None:
    """Tries recipes on `work`, and leaves it as the best of them made it."""
    if work.options.weights_only:
        weights_alone(work)
        if len(work.samples):
            held = split(work.samples, held_out(work.original))[1]
            work.facts["error"] = guard(work, Judge(work.original, held).error(work.quantized()))
        return
    everything = work.samples
    rest, held = split(everything, held_out(work.original))
    judge = Judge(work.original, held)
    few = _fresh(work, work.graph.clone(), rest.subset(SAMPLES))
    rows = Rows([n for n in few.graph if n.kind in PRODUCTS])
    few.statistics(WITH_HISTOGRAM, rows.draws)
    trials = Trials(judge)
    _variants(work, few, rows.moments, trials)
    best = trials.best
    weights = sum(a.size for a in best.work.unrounded.values())
    if bounded := told(work.original, weights, len(everything)):
        work.facts["bounded"] = bounded
    _take(work, best, trials.errors)
    if "channel alignment" in best.work.facts:
        work.portable = ranges_of(few, best.estimator)
    tell_wide(work, few.statistics(WITH_HISTOGRAM))
    work.facts["error"] = guard(work, work.facts["error"])
    work.samples = everything.only([i for i, n in enumerate(everything.names) if n not in work.watch.skipped])


def _variants(work: Work, few: Work, moments: Mapping[Node, Moments], trials: Trials) -> None:
    """All ranges with aligned channels, and the best of them without; all without, where alignment brings nothing."""
    seen = few.statistics(WITH_HISTOGRAM)
    lined = alignment(few, seen)
    estimators = list(ESTIMATORS)
    if lined is not None and lined.gain > SLIGHT:
        variant = _rounded(_fresh(work, lined.graph, work.samples), lined.moments(moments))
        variant.facts["channel alignment"] = lined.told
        trials.add("aligned channels", variant, estimators)
        if lined.gain > CLEAR:
            return
        estimators = [trials.best.estimator]
    graph = few.graph.clone()
    twin = dict(zip(few.graph, graph, strict=True))
    same = _fresh(work, graph, work.samples)
    if len(few.samples) >= len(work.samples):
        same._seen = WITH_HISTOGRAM, seen
    trials.add("channels as they are", _rounded(same, {twin[n]: m for n, m in moments.items()}.get), estimators)


def _fresh(work: Work, graph: Graph, samples: Samples) -> Work:
    """Work on a graph at which nothing was done yet."""
    made = replace(
        work,
        graph=graph,
        samples=samples,
        values={},
        weights={},
        unrounded={},
        shifts={},
        recipes={},
        facts={},
        _seen=None,
    )
    symmetric = work.options.preset == "performance"
    made.activations = Setting("symmetric" if symmetric else "asymmetric", work.options.bits)
    return made


def _rounded(work: Work, moments: Lookup) -> Work:
    """Rounds the weights; statistics are those before: biases move by less than ranges care for."""
    seen = work.statistics(WITH_HISTOGRAM)
    round_weights(work, moments)
    weights_without_data(work)
    give_back()
    work._seen = WITH_HISTOGRAM, seen
    return work


def _take(work: Work, best: Tried, errors: dict[str, float]) -> None:
    """Leaves `work` as the best recipe made it, and says what was tried."""
    made = best.work
    work.graph, work.values, work.weights, work.unrounded = made.graph, made.values, made.weights, made.unrounded
    work.activations, work._seen = made.activations, made._seen
    work.facts |= made.facts
    work.facts["recipes"] = errors
    work.facts["recipe"] = best.name
    work.shifts = made.shifts
    work.facts["error"] = root_mean_square(best.errors)
    for name in work.values:
        work.remark(name, f"range: {best.estimator}")
    for layer, texts in made.recipes.items():
        for text in texts:
            work.remark(layer, text)
