"""Layers that cost most: which they are, and those that stay float by `--keep-float auto`.

Layers are products, and recurrent nodes, whose weights alone are rounded. A layer's own error is that of its output
when it alone is quantized, by the float model's values: it takes one run of the model for all layers. The worst of them
are then tried: what a layer costs is how much less the outputs' error is when it stays float.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ....ir.dtype import Array
from ....ir.graph import Node, Value
from ....ir.loc import leaves
from ....ir.op import as_tuple
from ....passes.mark_weights import RECURRENT
from ..collect import Runner
from ..data import Samples
from ..layers import layer_name
from ..measure import constant
from ..statistics import Statistics
from ..work import Work
from .bias import levels_of
from .classes import constant_of
from .columns import PRODUCTS, as_rows, drawn
from .judge import Judge, split
from .rounding import unround

SAMPLES = 4
"""Samples that products' own errors are measured on."""

TRIED = 12
"""Layers whose cost is measured."""

GOOD = 0.05
"""Relative error of the outputs that needs no layer in float."""

WORTH = 0.7
"""Of the error, that is left at most when a layer stays float by itself."""

SHARE = 0.25
"""Of the products, that stay float at most."""

WIDE = 64
"""Times the median channel: a channel that reaches so far leaves four levels to the others."""

AUTO = "auto"

TINY = 2.0**-126
"""In place of the energy of nothing."""


def own_errors(work: Work, samples: Samples) -> dict[Node, float]:
    """|y_q - y| / |y| of each product's output, and of a recurrent node's, quantized by itself; NaN-free, products of
    constants left out."""
    _, twin = work.quantized_twin()
    nodes = [n for n in work.graph if name_of(n) and (n.kind in RECURRENT or _is_known(n))]
    sums = {n: np.zeros(2) for n in nodes}
    wanted = list(dict.fromkeys(v for n in nodes for v in _read(n)))
    run = Runner(work.graph, wanted)
    for _, arrays in samples:
        given = {v: np.asarray(a) for v, a in zip(wanted, run(arrays), strict=True)}
        for node in nodes:
            if node.kind in RECURRENT:
                found = _recurrent_errors(node, twin[node], given)
            else:
                found = _errors(work, node, twin[node], given[node.operand(0)])
            sums[node] += found if np.isfinite(found).all() else 0
    return {n: math.sqrt(float(wrong) / max(float(signal), TINY)) for n, (wrong, signal) in sums.items()}


def _is_known(node: Node) -> bool:
    return node.kind in PRODUCTS and as_rows_of(node) is not None


def _read(node: Node) -> list[Value]:
    """What a product reads beside its weights; of a recurrent node all that is computed."""
    if node.kind in RECURRENT:
        return [v for v in node.inputs if v is not None and constant(v) is None]
    return [node.operand(0)]


def as_rows_of(node: Node) -> Array | None:
    """The float weights [g, o, d] of a product."""
    weights = constant_of(node.inputs[1])
    return None if weights is None else as_rows(node, weights)


def _errors(work: Work, node: Node, made: Node, data: Array) -> Array:
    """Sums of squares of a product's error, and of its output, at places that are drawn."""
    shape = constant_of(node.inputs[1])
    rounded = constant(made.operand(1))
    assert shape is not None
    float_weights = work.unrounded.get(node.operand(1).name, shape)
    x, q = (drawn(node, a, shape.shape, np.random.default_rng(0)) for a in (data, levels_of(made)(data)))
    before = as_rows(node, float_weights)
    after = as_rows(node, rounded) if rounded is not None else before
    if before is None or after is None:
        return np.zeros(2)
    y = before @ x.swapaxes(1, 2)
    error = after @ q.swapaxes(1, 2) - y
    error -= error.mean(axis=2, keepdims=True) * (error.shape[2] > 1)
    return np.array([np.square(error).sum(), np.square(y).sum()], np.float64)


def _recurrent_errors(node: Node, made: Node, given: Mapping[Value, Array]) -> Array:
    """The same of all that a recurrent node gives, with its float weights and with the rounded ones."""
    results = []
    for which in (node, made):
        values = zip(node.inputs, which.inputs, strict=True)
        operands = [given.get(v) if v in given else constant(w) for v, w in values if v is not None and w is not None]
        results.append(as_tuple(node.op.evaluate(*operands)))
    pairs = list(zip(*results, strict=True))
    return np.array([sum(np.square(q - y).sum() for y, q in pairs), sum(np.square(y).sum() for y, _ in pairs)])


def ranked(work: Work, judge: Judge, whole: float) -> list[tuple[Node, float]]:
    """The products with the largest own errors, by what they cost, most first."""
    own = own_errors(work, work.samples.subset(SAMPLES))
    worst = sorted(own, key=lambda n: -own[n])[:TRIED]
    costs = []
    for place, node in enumerate(worst):
        work.watch.tick("layers that cost most", place + 1, len(worst))
        costs.append((node, whole - judge.error(_without(work, [node]).quantized())))
    return sorted(costs, key=lambda pair: -pair[1])


def _without(work: Work, nodes: list[Node]) -> Work:
    """The same with products float, as they were before rounding."""
    graph = work.graph.clone()
    twin: dict[Node, Node] = dict(zip(work.graph, graph, strict=True))
    made = replace(work, graph=graph, keep_float=dict(work.keep_float))
    for node in nodes:
        unround(made, twin[node])
        made.keep_float[name_of(node)] = ""
    return made


def name_of(node: Node) -> str:
    """What `ignored` calls a product; empty where it has no name."""
    return node.outputs[0].name or next((leaf.node for leaf in leaves(node.loc) if leaf.node), "")


def guard(work: Work, error: float) -> float:
    """Leaves float what costs most if that is asked for and the error is large; the error then."""
    if error <= GOOD or AUTO not in work.options.keep_float:
        return error
    _, held = split(work.samples)
    judge = Judge(work.original, held.subset(8))
    whole = judge.error(work.quantized())
    costs = ranked(work, judge, whole)
    work.facts["cost"] = {layer_name(node): cost for node, cost in costs}
    most = max(1, int(SHARE * sum(n.kind in PRODUCTS or n.kind in RECURRENT for n in work.graph)))
    left = whole
    kept: list[Node] = []
    for node, _ in costs:
        trial = judge.error(_without(work, [*kept, node]).quantized())
        if trial < WORTH * left and len(kept) < most:
            left, kept = trial, [*kept, node]
        if left <= GOOD:
            break
    _keep(work, kept, dict(costs))
    return error if not kept else left


def _keep(work: Work, kept: list[Node], costs: Mapping[Node, float]) -> None:
    for node in kept:
        unround(work, node)
        name = name_of(node)
        work.keep_float[name] = f"kept float: quantized it adds {costs[node]:.2g} to the outputs' error"
        work.remark(layer_name(node), work.keep_float[name])
    listed = ", ".join(node.label for node in kept)
    work.facts["kept float"] = listed or "nothing: no layer alone makes up for much of the error"


def wide_channels(seen: Mapping[str, Statistics]) -> dict[str, tuple[int, float]]:
    """Values of which one channel reaches far further than the others: which, and how many times the median."""
    found = {}
    for name, statistics in seen.items():
        channels = statistics.channels
        if channels is None or len(channels.low) < 4:
            continue
        reach = channels.largest
        usual = float(np.median(reach[reach > 0])) if (reach > 0).any() else 0.0
        if usual and reach.max() > WIDE * usual:
            found[name] = int(reach.argmax()), float(reach.max() / usual)
    return found


def tell_wide(work: Work, before: Mapping[str, Statistics]) -> None:
    """Says in the report which channels are wide, and warns of those that alignment did not mend."""
    assert work._seen is not None
    now = wide_channels(work._seen[1])
    values = work.needed()
    for name, (channel, times) in wide_channels(before).items():
        told = f"channel {channel} reaches {times:.0f} times as far as the median one"
        if name not in now:
            work.remark(name, f"{told}: aligned")
            continue
        readers = ", ".join(f"'{n.label}'" for n in dict.fromkeys(values[name].users)) if name in values else ""
        text = f"'{name}': {told}, which leaves the others few levels (read by {readers})"
        if AUTO not in work.options.keep_float:
            text += "; --keep-float auto leaves float what it costs most"
        work.warnings.append(text)
        work.watch.warn(text)
