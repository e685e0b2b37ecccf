"""Channel alignment: channels of a value are scaled so that its levels suit them all.

The model computes what it computed: what multiplies a channel in the weights that make it divides it in those that read
it (`classes`). By how much is where the predicted noise is least (`noise`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ....ir.buffer import forget_pages
from ....ir.builder import Builder
from ....ir.dtype import Array
from ....ir.graph import Graph, Node, Value
from ....passes.quantize.planned import groups
from ..statistics import Statistics
from ..work import Work
from .classes import MOVERS as CARRYING
from .classes import PINNED, POOLS, Classes, Term, classes_of, constant_of
from .columns import PRODUCTS, Lookup, Moments, as_rows
from .noise import Noise, Values, Weights, factors
from .rounding import drop

NARROWEST = 1 / 1024
"""Of the widest channel of a value: narrower ones count as so wide: few samples do not show everything."""

FAINTEST = 1e-4
"""The same of weights."""

ROWS = 64
"""Output channels of a product, of whose weights the noise is predicted."""

TINY = 2.0**-126
"""In place of the largest of nothing but zeros."""


@dataclass(eq=False)
class Alignment:
    """A graph whose channels are scaled, and by what. `gain`: how many times less the predicted noise is; `told`: all
    that in words."""

    graph: Graph
    classes: Classes
    factors: Array
    told: str
    gain: float
    twin: dict[Node, Node]
    """The nodes of the graph as it was, and what they are now."""

    def moments(self, known: Mapping[Node, Moments]) -> Lookup:
        """The moments of what products read, from those before, made when they are asked for."""
        by_class = np.append(self.factors, 1.0)
        terms = {self.twin[t.node]: t for t in self.classes.terms if t.port == 1 and t.node in known}

        def of(node: Node) -> Moments | None:
            term = terms.get(node)
            if term is None:
                return None
            weights = constant_of(term.node.operand(1))
            assert weights is not None
            rows = as_rows(term.node, np.broadcast_to(by_class[term.down], weights.shape))
            assert rows is not None
            return known[term.node].divided(1 / rows[:, 0])

        return of


def align_channels(work: Work) -> None:
    """Scales the channels of `work.graph` by statistics of its values."""
    found = alignment(work, work.statistics())
    work.facts["channel alignment"] = "no channels can be scaled" if found is None else found.told
    if found is not None:
        work.graph = found.graph
        work.changed()


STRENGTHS = (0.25, 0.5, 0.75)
"""SmoothQuant's alpha, of which the one with the least predicted noise is taken."""


def smooth_quant(work: Work) -> None:
    """SmoothQuant: what MatMuls read is divided by reach^alpha / w^(1 - alpha), channel by channel, where reach is that
    of the values and w the largest weight; their weights are multiplied by it (Xiao et al. 2022, arXiv:2211.10438,
    equation 4). What makes the values takes it up: weights of products, or the factors behind a normalization."""
    classes = _classes(work)
    noise = _Builder(work, classes, work.statistics(), kinds=("MatMul",)).noise
    tried = {alpha: smoothed(noise, alpha) for alpha in STRENGTHS} if noise.weights else {}
    if not tried:
        work.facts["smooth quant"] = "no product reads channels that can be scaled"
        return
    alpha, found = min(tried.items(), key=lambda pair: noise.of(np.log(pair[1]))[0])
    work.graph = scaled(work.graph, classes, found)[0]
    work.changed()
    work.facts["smooth quant"] = f"alpha {alpha:g}, factors {1 / found.max():.3g} to {1 / found.min():.3g}"


def smoothed(noise: Noise, alpha: float) -> Array:
    """Factors by class, 1 where no product reads a class."""
    reach, largest = np.zeros(noise.count), np.zeros(noise.count)
    for v in noise.values:
        np.maximum.at(reach, v.classes, v.reach)
    for w in noise.weights:
        np.maximum.at(largest, w.classes, w.largest.max(axis=0))
    used = (reach > 0) & (largest > 0)
    used[noise.fixed] = False
    out = np.ones(noise.count)
    out[used] = largest[used] ** (1 - alpha) / reach[used] ** alpha
    if used.any():
        out[used] /= np.exp(np.log(out[used]).mean())
    return out


def _classes(work: Work) -> Classes:
    """The classes of `work.graph`; open shapes are those of a sample."""
    inputs = work.graph.inputs
    if all(v.tensor.is_static for v in inputs) or not len(work.samples):
        return classes_of(work.graph)
    _, arrays = work.samples[0]
    names = [next(iter(n), v.name) for v, n in zip(inputs, work.graph.input_names, strict=True)]
    return classes_of(work.graph, [np.shape(arrays[n]) for n in names])


def alignment(work: Work, seen: Mapping[str, Statistics]) -> Alignment | None:
    """Scales the channels of a copy of `work.graph`; None where there is nothing to scale."""
    classes = _classes(work)
    noise = _Builder(work, classes, seen).noise if classes.count > 1 else None
    if noise is None or not noise.values:
        return None
    found = factors(noise)
    before, after = noise.of(np.zeros(classes.count))[0], noise.of(np.log(found))[0]
    told = (
        f"{classes.count - 1} groups of channels by factors of {found.min():.3g} to {found.max():.3g}, "
        f"predicted noise {before:.3g} -> {after:.3g}"
    )
    graph, twin = scaled(work.graph, classes, found)
    return Alignment(graph, classes, found, told, before / after, twin)


def scaled(graph: Graph, classes: Classes, found: Array) -> tuple[Graph, dict[Node, Node]]:
    """A copy of a graph with factors on its channels, worked into the constants; its nodes by those of the graph."""
    made = graph.clone()
    twin = dict(zip(graph, made, strict=True))
    by_class = np.append(found, 1.0)  # NOTHING is the last
    shared: dict[Value, Value] = {}
    """Weights that several products read, by what they were."""
    for term in classes.terms:
        node = twin[term.node]
        old = node.operand(term.port)
        new = shared.get(old) if node.kind in PRODUCTS else None
        if new is None:
            array = constant_of(old)
            assert array is not None
            factors = (by_class[term.up] / by_class[term.down]).astype(np.float32)
            new = shared[old] = Builder(made, before=node).const(array * factors, name=old.name)
            forget_pages(array)
        made.set_input(node, term.port, new)
        drop(made, old)
    return made, twin


class _Builder:
    """The noise of a graph from statistics of what is quantized."""

    def __init__(
        self, work: Work, classes: Classes, seen: Mapping[str, Statistics], kinds: tuple[str, ...] = PRODUCTS
    ) -> None:
        self.classes = classes
        self.noise = Noise(classes.count)
        self.found: dict[Value, tuple[Values, Array, Array]] = {}
        """Of a value: its group, classes of its channels, E[x^2] of them."""
        for group in groups(work.graph, work.known(), **work.pass_options):
            self.add_group(group, seen)
        for node in work.graph:
            if node.kind in ("Add", "Multiply") and not any(constant_of(v) is not None for v in node.inputs):
                for port in (0, 1):
                    self.add_sum(node, port)
        for term in classes.terms:
            if term.node.kind in kinds:
                self.add_product(term)

    def add_group(self, group: Mapping[str, Value], seen: Mapping[str, Statistics]) -> None:
        parts = []
        for name, value in group.items():
            statistics = seen.get(name)
            channels = statistics.channels if statistics else None
            laid = None
            if statistics is not None and statistics.axis is not None and channels is not None:
                laid = self.laid(value, statistics.axis, len(channels.low))
            if laid is None or channels is None:
                ids = self.classes.ids.get(value)
                self.noise.fixed += [int(k) for k in np.unique(ids) if k >= 0] if ids is not None else []
                continue
            parts.append((value, laid, channels.largest, channels.square))
        if not parts:
            return
        ids, reach = (np.concatenate([p[i] for p in parts]) for i in (1, 2))
        known = ids >= 0
        top = max(float(reach.max()), TINY)
        made = Values(ids[known], np.maximum(reach[known], top * NARROWEST))
        self.noise.values.append(made)
        for value, laid, _, square in parts:
            self.found[value] = made, laid, square

    def laid(self, value: Value, axis: int, count: int) -> Array | None:
        """Classes of the channels, None where they change within one."""
        ids = self.classes.ids.get(value)
        if ids is None or ids.shape[axis] != count:
            return None
        rows = np.moveaxis(ids, axis, 0).reshape(count, -1)
        return np.array(rows[:, 0]) if (rows == rows[:, :1]).all() else None

    def sources(self, value: Value) -> list[Value]:
        """The quantized values whose numbers a value has."""
        found, front = [], [value]
        while front:
            v = front.pop()
            if v in self.found:
                found.append(v)
            elif v.node is not None and v.node.kind in CARRYING | POOLS:
                front += [x for x in v.node.inputs if x is not None and not x.is_const]
        return found

    def power(self, sources: list[Value]) -> Array:
        """E[x^2] by class, of the values that an operand comes from."""
        out = np.zeros(self.noise.count)
        for v in sources:
            _, ids, square = self.found[v]
            np.maximum.at(out, ids[ids >= 0], square[ids >= 0])
        return out

    def gain(self, sources: list[Value], ids: Array, gain: Array) -> None:
        for values in {id(self.found[v][0]): self.found[v][0] for v in sources}.values():
            values.add(ids, gain)

    def add_sum(self, node: Node, port: int) -> None:
        sources = self.sources(node.operand(port))
        if not sources:
            return
        ids = np.unique(np.concatenate([self.found[v][1] for v in sources]))
        power = self.power(sources)
        energy = power[ids].sum()
        if energy > 0:
            self.gain(sources, ids, np.full(len(ids), 1 / energy))

    def add_product(self, term: Term) -> None:
        weights = constant_of(term.node.inputs[term.port])
        if weights is None or term.port != 1:
            return
        rows = as_rows(term.node, weights.astype(np.float32, copy=False))
        sources = self.sources(term.node.operand(0))
        if rows is None or not sources:
            return
        classes = as_rows(term.node, np.broadcast_to(term.down, weights.shape))
        assert classes is not None
        power = self.power(sources)
        groups, outs, _ = rows.shape
        taps = int(np.prod(weights.shape[2 if groups == 1 else 3 :])) if term.node.kind != "MatMul" else 1
        ids = classes[:, 0].reshape(groups, -1, taps)[:, :, 0]
        split = rows.reshape(groups, outs, -1, taps)
        squares = np.square(split).sum(axis=3)
        energy = float((squares * power[ids][:, None]).sum())
        if energy <= 0:
            return
        self.gain(sources, ids.reshape(-1), squares.sum(axis=1).reshape(-1) / energy)
        if ids.shape[1] == 1:
            return  # a filter of one channel takes up any factor
        largest = np.abs(split).max(axis=3)
        for g in range(groups):
            if (ids[g] != PINNED).any():
                least = np.maximum(largest[g], max(float(largest[g].max()), TINY) * FAINTEST)
                rows_told = typical(least)
                share = outs / len(rows_told)
                self.noise.weights.append(
                    Weights(rows_told, np.maximum(ids[g], 0), power[ids[g]] * taps / energy * share)
                )


def typical(largest: Array) -> Array:
    """Rows [o, k] that stand for all of them: evenly spaced ones by their largest element."""
    count = len(largest)
    if count <= ROWS:
        return largest
    order = np.argsort(largest.max(axis=1), kind="stable")
    return np.asarray(largest[order[(2 * np.arange(ROWS) + 1) * count // (2 * ROWS)]])
