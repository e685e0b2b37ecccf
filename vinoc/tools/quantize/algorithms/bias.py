"""Bias correction: the mean error of each product's output, channel by channel, is taken out of its bias.

`fast`: what the quantized input and the rounded weights do to a product of its own, from the float model's values.
`full`: the mean error in the quantized graph, with what comes from above; since a correction changes what is below
it, half of it is made in each of a few rounds, as long as the outputs come nearer to the float model's.
(Nagel et al. 2019, arXiv:1906.04721, section 4.2, by data.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ....ir.dtype import Array
from ....ir.graph import Graph, Node
from ..collect import Runner
from ..data import Samples
from ..layers import layer_name
from ..measure import SIMULATED, constant
from ..work import Work
from .classes import MOVERS, constant_of
from .columns import PRODUCTS, Moments, as_rows, moments_of
from .judge import Judge, split
from .rounding import Term, add_to, bias_of

ROUNDS, SHARE = 4, 0.5

SAMPLES = 16

BETTER = 0.99
"""The share of the error that a round must leave at most, to be kept."""


def corrected(work: Work, judge: Judge, before: float) -> float:
    """Corrects the biases of `work.graph`, as far as the error falls; returns it."""
    terms = terms_of(work.graph)
    if not terms:
        return before
    samples = work.samples.subset(SAMPLES)
    expected = means(work.graph, [n for n, _ in terms], samples)
    for done in range(ROUNDS):
        kept = work.graph
        made, twin = work.quantized_twin()
        found = means(made, [twin[n] for n, _ in terms], samples)
        trial = kept.clone()
        same = dict(zip(kept, trial, strict=True))
        for (_, term), x, q in zip(terms, expected, found, strict=True):
            add_to(trial, (same[term[0]], term[1]), SHARE * (x - q))
        work.graph = trial
        error = judge.error(work.quantized())
        if error > BETTER * before:
            work.graph = kept
            return before
        before = error
        terms = [(same[n], (same[t[0]], t[1])) for n, t in terms]
        work.facts["bias correction"] = f"{done + 1} rounds"
    return before


def terms_of(graph: Graph) -> list[tuple[Node, Term]]:
    """Sums of a product and a bias, with the bias."""
    found = []
    for node in graph:
        if node.kind in PRODUCTS:
            term = bias_of(node)
            if term is not None:
                found.append((term[0], term))
    return found


def means(graph: Graph, nodes: Sequence[Node], samples: Samples) -> list[Array]:
    """The mean of each channel of what the nodes give, over samples."""
    run = Runner(graph, [n.output for n in nodes], SIMULATED)
    total: list[Array] = []
    count = 0
    for _, arrays in samples:
        found = []
        for node, array in zip(nodes, run(arrays), strict=True):
            axis = array.ndim - 1 if _of_rows(node) else 1
            found.append(np.asarray(array, np.float64).mean(axis=tuple(i for i in range(array.ndim) if i != axis)))
        if all(np.isfinite(a).all() for a in found):
            total = [a + b for a, b in zip(total, found, strict=True)] if total else found
            count += 1
    return [a / count for a in total]


def _of_rows(node: Node) -> bool:
    """Whether a sum is that of a MatMul: its channels are the last dimension."""
    return any(v is not None and v.node is not None and v.node.kind == "MatMul" for v in node.inputs)


def bias_correction(work: Work) -> None:
    """The full correction, judged on held-out samples."""
    _, held = split(work.samples)
    judge = Judge(work.original, held)
    before = judge.error(work.quantized())
    after = corrected(work, judge, before)
    work.facts.setdefault("bias correction", "0 rounds: it did not lessen the error")
    work.facts["error before bias correction"], work.facts["error behind it"] = before, after


def fast_bias_correction(work: Work) -> None:
    """Takes out of each bias what the quantized data and weights of its own product do, by the float model's values."""
    _, twin = work.quantized_twin()
    terms = [(n, bias_of(n)) for n in work.graph if n.kind in PRODUCTS and not n.operand(0).is_const]
    kept = [(n, t) for n, t in terms if t is not None and constant_of(n.inputs[1]) is not None]
    samples = work.samples.subset(SAMPLES)
    before = moments_of(work.graph, samples, [n for n, _ in kept])
    after = moments_of(work.graph, samples, [n for n, _ in kept], {n: levels_of(twin[n]) for n, _ in kept})
    for node, term in kept:
        weights, rounded = constant_of(node.inputs[1]), constant(twin[node].operand(1))
        if node not in before or weights is None or rounded is None:
            continue
        shift = product_mean(node, weights, before[node]) - product_mean(node, rounded, after[node])
        add_to(work.graph, term, shift)
        work.remark(layer_name(node), f"bias: moved by {np.abs(shift).max():.3g} at most")
    work.changed()


def product_mean(node: Node, weights: Array, rows: Moments) -> Array:
    """The mean of each output channel of a product, [channels]."""
    laid = as_rows(node, weights.astype(np.float64))
    assert laid is not None
    return np.asarray(np.einsum("god,gd->go", laid, rows.mean.reshape(laid.shape[0], laid.shape[2])).reshape(-1))


def levels_of(product: Node) -> Callable[[Array], Array]:
    """What its FakeQuantize, if it reads one, makes of an array; what carries levels moves values alone."""
    value = product.operand(0)
    while value.node is not None and value.node.kind in MOVERS | {"MaxPool"}:
        value = value.node.operand(0)
    node = value.node
    if node is None or node.kind != "FakeQuantize":
        return lambda array: array
    ends = [v.const for v in node.inputs[1:5] if v is not None]
    return lambda array: np.asarray(node.op.evaluate(np.asarray(array, np.float32), *ends))
