"""AccuracyAwareQuantization: layers go back to float until a metric on labelled samples drops no further than it may.

Layers are ranked by how much smaller the error of the outputs becomes when each alone stays float, which needs no
labels; the metric, which few samples make a noisy one, only tells when it is enough. How many of the ranking's first
layers have to stay float is found by doubling and halving.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ....ir.graph import Graph
from ..data import Samples, open_data
from ..layers import products
from ..metrics import Evaluate, Score, evaluator
from ..options import Options
from ..paired import CONFIDENCE, Drop, mcnemar, needed
from ..quantize import Result, cleaned, quantize_model
from ..watch import Watch
from ..work import Work
from .judge import Judge

RANKED = 32
"""Samples that layers are ranked on, at most."""


@dataclass(frozen=True)
class Aware:
    """maximal_drop  what the metric may lose: of its own unit, or of the float model's metric if `relative`
    most            layers that may stay float; 0: all
    ranking         samples to rank layers on; 0: RANKED
    mixed_first     whether asymmetric values are tried before any layer stays float
    keep_worse      whether the last try counts, where none is within the bound; else the best of them
    baseline        the float model's metric, where it is known
    """

    maximal_drop: float = 0.01
    kind: Literal["absolute", "relative"] = "absolute"
    most: int = 0
    ranking: int = 0
    mixed_first: bool = False
    keep_worse: bool = False
    baseline: float | None = None


@dataclass
class Found:
    """What came of it: `reverted` layers in their order, with how much of the outputs' error each makes up for;
    `tries`: how many were float, and the drop then."""

    result: Result
    before: Score
    after: Score
    drop: Drop
    allowed: float
    reverted: list[tuple[str, float]] = field(default_factory=list)
    ranking: list[tuple[str, float]] = field(default_factory=list)
    tries: list[tuple[int, float]] = field(default_factory=list)

    @property
    def within(self) -> bool:
        """Whether the drop here is within the bound; where that is finer than one sample, one is allowed."""
        grain = 1 / self.drop.count if self.drop.lost is not None else 0.0
        return self.drop.value <= max(self.allowed, grain) + 1e-12

    @property
    def told(self) -> bool:
        """Whether the samples can tell so: the drop is within the bound with CONFIDENCE, or beyond it."""
        if self.drop.low is None or self.drop.high is None:
            return False
        return self.drop.high <= self.allowed or self.drop.low > self.allowed


def accuracy_aware(
    model: Graph | str,
    data: Any,
    options: Options | None = None,
    aware: Aware | None = None,
    watch: Watch | None = None,
    evaluate: Evaluate | None = None,
) -> Found:
    """Quantizes a model within a bound of its metric.

    `evaluate` gives the metric of a graph; without it, it is top-1 on the labels of `data`. Raises VinocError.
    """
    options, aware, watch = options or Options(), aware or Aware(), watch or Watch()
    graph = cleaned(model)
    samples = data if isinstance(data, Samples) else open_data(data, graph, most=options.subset)
    search = _Search(graph, samples, options, aware, watch, evaluate or evaluator(samples))
    found = search.run()
    note(found, aware, watch)
    return found


class _Search:
    def __init__(
        self, graph: Graph, samples: Samples, options: Options, aware: Aware, watch: Watch, evaluate: Evaluate
    ) -> None:
        self.graph, self.samples, self.options = graph, samples, options
        self.aware, self.watch, self.evaluate = aware, watch, evaluate
        self.tried: dict[int, Found] = {}

    def run(self) -> Found:
        self.before = self.evaluate(self.graph)
        value = self.before.value if self.aware.baseline is None else self.aware.baseline
        scale = abs(value) if self.aware.kind == "relative" else 1.0
        self.allowed = self.aware.maximal_drop * scale
        self.ranking: list[tuple[str, float]] = []
        first = self.attempt(0)
        if not first.within and self.aware.mixed_first and self.options.preset == "performance":
            self.options = replace(self.options, preset="mixed")
            first = min(first, self.attempt(0), key=lambda f: f.drop.value)
            self.options = replace(self.options, preset=first.result.work.options.preset)
            self.tried = {0: first}
        found = first
        if not first.within:
            self.ranking = ranked(first.result.work, self.aware.ranking or RANKED)
            found = self.fewest()
        found.ranking = self.ranking
        found.tries = sorted((n, f.drop.value) for n, f in self.tried.items())
        return found

    def attempt(self, count: int) -> Found:
        """Quantizes with the first of the ranking in float."""
        if count in self.tried:
            return self.tried[count]
        names = tuple(name for name, _ in self.ranking[:count])
        ignored = replace(self.options.ignored, names=(*self.options.ignored.names, *names))
        options = replace(self.options, ignored=ignored)
        watch = self.watch if not self.tried else Watch(self.watch.tick)  # what is wrong with data is said once
        result = quantize_model(self.graph, self.samples, options, watch=watch)
        after = self.evaluate(result.graph)
        found = Found(result, self.before, after, self.before.drop(after), self.allowed)
        if self.aware.baseline is not None and self.before.each is None:
            found.drop = Drop(self.aware.baseline - after.value)
        found.reverted = self.ranking[:count]
        self.tried[count] = found
        return found

    def fewest(self) -> Found:
        """The attempt within the bound with the fewest layers in float: 1, 2, 4 ... until it is met, then halves."""
        most = min(self.aware.most or len(self.ranking), len(self.ranking))
        short, count = 0, 1
        while count < most and not self.attempt(count).within:
            short, count = count, count * 2
        count = min(count, most)
        last = self.attempt(count)
        if not last.within:
            return last if self.aware.keep_worse else min(self.tried.values(), key=lambda f: f.drop.value)
        while count - short > 1:
            middle = (short + count) // 2
            short, count = (short, middle) if self.attempt(middle).within else (middle, count)
        return self.attempt(count)


def ranked(work: Work, count: int) -> list[tuple[str, float]]:
    """Layers by how much of the outputs' error (`Judge.error`) is gone when each alone stays float, most first."""
    judge = Judge(work.original, work.samples.subset(count))
    names = list(dict.fromkeys(n.label for n in products(work.graph) if n.label != n.kind))
    names = [n for n in names if n not in work.known().ignored.names]
    whole = judge.error(work.quantized())
    gains = []
    for place, name in enumerate(names):
        work.watch.tick("ranking", place + 1, len(names))
        other = replace(work, keep_float={**work.keep_float, name: "while layers are ranked"})
        gains.append((name, whole - judge.error(other.quantized())))
    return sorted(gains, key=lambda pair: -pair[1])


def note(found: Found, aware: Aware, watch: Watch) -> None:
    """Writes what was found into the report's facts, and warns of what the samples cannot tell."""
    drop, work = found.drop, found.result.work
    for name, gain in found.reverted:
        work.keep_float.setdefault(name, f"accuracy: it makes up for {gain:.3g} of the outputs' error")
    work.facts["accuracy"] = {
        "float": found.before.value, "quantized": found.after.value, "drop": drop.value, "allowed": found.allowed,
        "interval": (drop.low, drop.high), "samples": drop.count, "lost": drop.lost, "won": drop.won,
        "reverted": [name for name, _ in found.reverted], "tries": found.tries, "within": found.within,
    }  # fmt: skip
    reverted = [f"{name} ({gain:.2g} of the outputs' error)" for name, gain in found.reverted]
    count = f" on {drop.count} samples" if drop.count else ""
    work.facts |= {
        "float model": f"{found.before.value:.4g}{count}",
        "quantized model": f"{found.after.value:.4g}{count}",
        "drop": f"{drop.value:.4g}, allowed {found.allowed:.4g}",
        "reverted to float": ", ".join(reverted) or "nothing",
    }
    for text in remarks(found):
        work.warnings.append(text)
        watch.warn(text)


def remarks(found: Found) -> list[str]:
    """What a person should know: that the bound is not met, or that the samples are too few to tell."""
    drop = found.drop
    out = []
    if not found.within:
        out.append(
            f"the metric drops by {drop.value:.4g}, more than {found.allowed:.4g}, with {len(found.reverted)} layers in"
            " float: more may have to be"
        )
    if found.reverted and len(found.reverted) == len(found.ranking):
        out.append("all layers are float: nothing is quantized any more")
    if found.told:
        return out
    if drop.low is None or drop.high is None:
        return [*out, "the metric is one number for all samples: whether its drop is chance cannot be told"]
    within = f"between {drop.low:.4g} and {drop.high:.4g} with {CONFIDENCE:.0%} confidence"
    changed = ""
    if drop.lost is not None and drop.won is not None:
        changed = f" ({drop.lost} lost, {drop.won} won; p = {mcnemar(drop.lost, drop.won):.2g} that it is chance)"
    out.append(
        f"{drop.count} labels are too few to tell a drop of {found.allowed:.4g}: it is {drop.value:.4g} here{changed},"
        f" and may be {within}; about {needed(drop, found.allowed)} are needed"
    )
    return out
