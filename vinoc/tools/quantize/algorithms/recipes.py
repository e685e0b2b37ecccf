"""The default: recipes are tried, and the one with the least error on held-out samples is taken.

No recipe is best for all models. What is tried: channels aligned or not; ranges of least error, min-max, or means of
extremes. Weights are rounded so that products change least (`rounding`), which helps all of them, and takes the mean of
what is left into the biases; what a correction of biases in the quantized graph brings beyond that (`bias`) is seldom
worth its time. Nothing needs labels. Levels are symmetric with the preset
`performance`, else asymmetric, which are symmetric ones too where that suits the values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ....ir.graph import Graph, Node
from ....passes.quantize import Setting
from ..data import Samples
from ..work import Work
from .alignment import alignment
from .budget import held_out, told
from .columns import PRODUCTS, Moments, moments_of
from .judge import Judge, split
from .keep import guard, tell_wide
from .rounding import SAMPLES, round_weights
from .spans import ESTIMATORS, WITH_HISTOGRAM, ranges_of
from .weights_only import weights_alone, weights_without_data

MARGIN = 0.95
"""Of the error of what was tried before, that another recipe must stay below: few samples tell no finer differences."""

CLEAR = 1.5
"""How many times less noise alignment must promise, for channels as they are not to be tried."""


@dataclass(eq=False)
class Tried:
    """A recipe, the work that it made, and its error."""

    name: str
    estimator: str
    work: Work
    error: float


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
    plain = _fresh(work, work.graph.clone(), rest.subset(SAMPLES))
    plain.statistics(WITH_HISTOGRAM)
    found = _variants(work, plain, rest, judge)
    weights = sum(a.size for a in found[0].work.unrounded.values())
    if bounded := told(work.original, weights, len(everything)):
        work.facts["bounded"] = bounded
    best = _best(found)
    if len(best.work.samples) < len(rest):
        best = _widened(best, rest, judge)
    _take(work, best, found)
    if "channel alignment" in best.work.facts:
        work.portable = ranges_of(plain, best.estimator)
    tell_wide(work, plain.statistics(WITH_HISTOGRAM))
    work.facts["error"] = guard(work, work.facts["error"])
    work.samples = everything.only([i for i, n in enumerate(everything.names) if n not in work.watch.skipped])


def _variants(work: Work, plain: Work, rest: Samples, judge: Judge) -> list[Tried]:
    """All ranges with aligned channels, and the best of them without; or all without, where none can be aligned."""
    moments = moments_of(plain.graph, plain.samples, [n for n in plain.graph if n.kind in PRODUCTS])
    lined = alignment(plain, plain.statistics(WITH_HISTOGRAM))
    found, names = [], list(ESTIMATORS)
    if lined is not None:
        variant = _rounded(_fresh(work, lined.graph, rest), lined.moments(moments))
        variant.facts["channel alignment"] = lined.told
        found += [_tried("aligned channels", variant, name, judge) for name in ESTIMATORS]
        if lined.gain > CLEAR:
            return found
        names = [_best(found).estimator]
    graph = plain.graph.clone()
    twin = dict(zip(plain.graph, graph, strict=True))
    same = _fresh(work, graph, plain.samples if lined is not None else rest)
    if lined is not None:
        same._seen = plain._seen
    same = _rounded(same, {twin[node]: m for node, m in moments.items()})
    return found + [_tried("channels as they are", same, name, judge) for name in names]


def _best(found: list[Tried]) -> Tried:
    """The first of them, unless another is better by more than a margin."""
    best = found[0]
    for other in found[1:]:
        if other.error < MARGIN * best.error:
            best = other
    return best


def _widened(tried: Tried, samples: Samples, judge: Judge) -> Tried:
    """The same recipe with the ranges of more samples."""
    work = replace(tried.work, samples=samples)
    work.changed()
    work.values = ranges_of(work, tried.estimator)
    return replace(tried, work=work, error=judge.error(work.quantized()))


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


def _rounded(work: Work, moments: dict[Node, Moments]) -> Work:
    """Rounds the weights; statistics are those before: biases move by less than ranges care for."""
    seen = work.statistics(WITH_HISTOGRAM)
    round_weights(work, moments)
    weights_without_data(work)
    work._seen = WITH_HISTOGRAM, seen
    return work


def _tried(name: str, work: Work, estimator: str, judge: Judge) -> Tried:
    made = replace(work)
    made.values = ranges_of(made, estimator)
    return Tried(f"{name}, {estimator}", estimator, made, judge.error(made.quantized()))


def _take(work: Work, best: Tried, found: list[Tried]) -> None:
    """Leaves `work` as the best recipe made it, and says what was tried."""
    made = best.work
    work.graph, work.values, work.weights, work.unrounded = made.graph, made.values, made.weights, made.unrounded
    work.activations, work._seen = made.activations, made._seen
    work.facts |= made.facts
    work.facts["recipes"] = {t.name: t.error for t in found}
    work.facts["recipe"] = best.name
    work.shifts = made.shifts
    work.facts["error"] = best.error
    for name in work.values:
        work.remark(name, f"range: {best.estimator}")
    for layer, texts in made.recipes.items():
        for text in texts:
            work.remark(layer, text)
