"""Weights rounded so that the outputs of each product stay what they are on the data.

Of each output channel, sum over k of w_k x_k is to change least in the mean over the data. Weights are rounded one
after another; what an error does to the output is made up for by those that are still to be rounded (Hassibi & Stork
1993; Frantar et al. 2022, arXiv:2210.17323). With a bias behind the product only the variance of the output's error
counts, and its mean is added to the bias.
"""

from __future__ import annotations

import numpy as np

from ....ir.buffer import forget_pages
from ....ir.builder import Builder
from ....ir.dtype import Array
from ....ir.graph import Graph, Node, Value
from ....passes.quantize import Range
from ....passes.quantize.grid import Grid
from ....passes.quantize.planned import Planned, planned
from ....passes.quantize.saturation import unsaturated
from ..layers import layer_name
from ..work import Work
from .classes import constant_of
from .columns import PRODUCTS, Lookup, Moments, as_rows, from_rows, merged, moments_of

DAMPING = 0.01
"""Of the mean of the moments' diagonal, added to it: a weight whose input was zero in all samples stays the nearest.
Where all were, so much as squares of f32 can be apart."""


TOGETHER = 32
"""Columns whose errors are worked into the later ones by one matrix product."""

SAMPLES = 16
"""Samples that moments are taken of: more bring nothing."""


def round_by_data(work: Work) -> None:
    """Rounds all weights of `work.graph` by what products read."""
    products = [n for n in work.graph if n.kind in PRODUCTS]
    round_weights(work, moments_of(work.graph, work.samples.subset(SAMPLES), products).get)
    work.changed()


def round_weights(work: Work, moments: Lookup) -> None:
    """Rounds all weights of `work.graph` whose moments are known, and tells the pass their scales. Weights that several
    products share are rounded by what all of these read."""
    taken = names_taken(work)
    for plan in planned(work.graph, work.known(), missing="float", **work.pass_options):
        readers = plan.weights.readers
        known = [seen for node in readers if (seen := moments(node)) is not None]
        weights = constant_of(plan.weights.expanded)
        if len(known) < len(readers) or weights is None or plan.setting.granularity == "tensor":
            continue
        rows = as_rows(readers[0], weights.astype(np.float32, copy=False))
        assert rows is not None
        terms = [bias_of(node) for node in readers]
        made = _on_grid(rows, merged(known), plan.grid, centered=None not in terms)
        if plan.paired:
            made = _unsaturated(made, plan, weights)
        for term, seen in zip(terms, known, strict=True):
            if term is not None:
                mean = seen.mean.reshape(rows.shape[0], rows.shape[2])
                _move(work, term, ((rows - made) @ mean[:, :, None]).reshape(-1))
        name = unused(f"{readers[0].label}/weights", taken)
        replace_constant(work.graph, plan.weights.expanded, from_rows(readers[0], made, weights), name)
        work.weights[name] = _range(plan)
        work.unrounded[name] = weights
        forget_pages(weights)
        for node in readers:
            work.remark(layer_name(node), "weights: rounded by the data")


def _unsaturated(rows: Array, plan: Planned, like: Array) -> Array:
    """Rows of rounded weights of which no two neighbours saturate."""
    node, scale = plan.weights.readers[0], plan.grid.scale
    levels = unsaturated(np.rint(from_rows(node, rows, like) / scale), plan.weights.readers)
    found = as_rows(node, levels * scale)
    assert found is not None
    return found


def _move(work: Work, term: Term, shift: Array) -> None:
    """Adds a shift to a bias, which gets a name of its own, so that `unround` finds it."""
    node, port = term
    name = unused(node.operand(port).name or f"{node.label}/bias", set(work.shifts))
    add_to(work.graph, term, shift, name)
    work.shifts[name] = shift


def unround(work: Work, node: Node) -> None:
    """Gives a product of `work.graph` its float weights and bias back."""
    value = node.operand(1)
    if value.name not in work.unrounded:
        return
    term = bias_of(node)
    shift = work.shifts.get(term[0].operand(term[1]).name) if term is not None else None
    if term is not None and shift is not None:
        add_to(work.graph, term, -shift)
    made = Builder(work.graph, before=node).const(work.unrounded[value.name], value.dtype, name=value.name)
    work.graph.set_input(node, 1, made)
    drop(work.graph, value)


def names_taken(work: Work) -> set[str]:
    """All names of values and of weights."""
    return {v.name for part in work.graph.walk() for node in part for v in node.outputs} | set(work.weights)


def unused(name: str, taken: set[str]) -> str:
    """A name for weights that no other ones have: their ranges go by it."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}#{number}"
    taken.add(found)
    return found


def _on_grid(rows: Array, known: Moments, grid: Grid, centered: bool) -> Array:
    """The weights [g, o, d] on their grid, block by block."""
    groups, outs, d = rows.shape
    blocks = known.first.shape[0] // groups
    split = rows.reshape(groups, outs, blocks, -1).swapaxes(1, 2).reshape(groups * blocks, outs, -1)
    scale, zero = (
        np.repeat(np.asarray(a, np.float32).reshape(groups, -1, 1), blocks, axis=0) for a in (grid.scale, grid.zero)
    )
    found: Array = rounded(split, known.square(centered), scale, zero, grid.levels) * scale
    return np.asarray(found.reshape(groups, blocks, outs, -1).swapaxes(1, 2).reshape(groups, outs, d))


def _range(plan: Planned) -> Range:
    """The ends of a grid, of which the pass makes the same grid again."""
    grid: Grid = plan.grid
    return Range(grid.low.reshape(-1), grid.high.reshape(-1), setting=plan.setting)


def rounded(weights: Array, square: Array, scale: Array, zero: Array, levels: int) -> Array:
    """Whole numbers q [g, o, d] with q * scale near to the weights in the norm of `square` [g, d, d]."""
    groups, _, d = weights.shape
    diagonal = np.einsum("gdd->gd", square)
    order = np.argsort(-diagonal, axis=1, kind="stable")
    damping = DAMPING * diagonal.mean(axis=1) + np.finfo(np.float32).tiny
    upper = _upper(square, order, damping)
    left = weights.swapaxes(1, 2)[np.arange(groups)[:, None], order]  # [g, d, o]: what a step reads stands together
    scale, zero = scale[:, :, 0], zero[:, :, 0]
    most = levels - 1 - zero
    found = np.empty_like(left)
    for begin in range(0, d, TOGETHER):
        end = min(begin + TOGETHER, d)
        block = left[:, begin:end]
        errors = np.empty_like(block)
        for i, k in enumerate(range(begin, end)):
            column = block[:, i]
            found[:, k] = q = np.clip(np.rint(column / scale), -zero, most)
            errors[:, i] = error = (column - q * scale) / upper[:, k, k, None]
            block[:, i + 1 :] -= upper[:, k, k + 1 : end, None] * error[:, None]
        left[:, end:] -= upper[:, begin:end, end:].swapaxes(1, 2) @ errors
    out = np.empty_like(weights)
    out.swapaxes(1, 2)[np.arange(groups)[:, None], order] = found
    return out


MOST_TRIES = 5
"""To find a matrix positive; then columns are rounded each by itself."""


def _upper(square: Array, order: Array, damping: Array) -> Array:
    """The upper triangle U [g, d, d] with U^T U = A^-1, of the rows and columns of `square` in that order, its diagonal
    damped: the inverse of R with A = R R^T, R upper too.

    Moments of few samples about a large mean are rounded so much that A may be none: then its diagonal grows tenfold
    until it is positive.
    """
    groups, d = order.shape
    back = order[:, ::-1]
    turned = square[np.arange(groups)[:, None, None], back[:, :, None], back[:, None]]
    diagonal = np.einsum("gdd->gd", turned)
    diagonal += damping[:, None].astype(turned.dtype)
    more = np.maximum(np.abs(diagonal).max(axis=1), np.finfo(np.float32).tiny) * 1e-3
    for _ in range(MOST_TRIES):
        try:
            return np.ascontiguousarray(_inverse(np.linalg.cholesky(turned))[:, ::-1, ::-1])
        except np.linalg.LinAlgError:
            diagonal += more[:, None]
            more = more * 10
    return np.asarray(np.sqrt(1 / more)[:, None, None] * np.eye(d, dtype=turned.dtype))


SMALL = 32
"""Rows of a triangle that is inverted at once."""


def _inverse(lower: Array) -> Array:
    """The inverse of lower triangles [g, d, d], by halves: of [A 0; C B] it is [A' 0; -B' C A' B']."""
    d = lower.shape[1]
    if d <= SMALL:
        return np.asarray(np.linalg.inv(lower))
    half = d // 2
    first, last = _inverse(lower[:, :half, :half]), _inverse(lower[:, half:, half:])
    out = np.zeros_like(lower)
    out[:, :half, :half], out[:, half:, half:] = first, last
    out[:, half:, :half] = -(last @ lower[:, half:, :half] @ first)
    return out


# Terms behind products


Term = tuple[Node, int]
"""A node and the operand that is a constant."""


def bias_of(product: Node) -> Term | None:
    """The constant of floats that is added to a product, with a number for each output channel, if there is one."""
    uses = list(product.output.uses)
    if len(uses) != 1:
        return None
    reader, port = uses[0]
    if not isinstance(reader, Node) or reader.kind != "Add":
        return None
    array = constant_of(reader.inputs[1 - port])
    out = product.output
    axis = -1 if product.kind == "MatMul" else 1
    if array is None or out.shape is None or array.ndim > len(out.shape) or array.size == 1:
        return None
    channels = out.shape[axis]
    place = axis % len(out.shape) - (len(out.shape) - array.ndim)
    if place < 0 or array.shape[place] != channels or array.size != channels:
        return None
    return reader, 1 - port


def add_to(graph: Graph, term: Term, shift: Array, name: str = "") -> None:
    """Adds numbers, one for each channel, to a constant."""
    node, port = term
    array = constant_of(node.inputs[port])
    assert array is not None
    value = node.operand(port)
    moved = (array + shift.reshape(array.shape)).astype(np.float32)
    made = Builder(graph, before=node).const(moved, name=name or value.name)
    graph.set_input(node, port, made)
    drop(graph, value)


def replace_constant(graph: Graph, value: Value, array: Array, name: str) -> Value:
    """Other numbers in place of a constant, for all that read it."""
    producer = value.node
    assert producer is not None
    made = Builder(graph, before=producer).const(array.astype(np.float32), value.dtype, name=name)
    graph.replace_uses(value, made)
    drop(graph, value)
    return made


def drop(graph: Graph, value: Value) -> None:
    """Erases a constant that nobody reads any more, and its Convert."""
    node = value.node
    while node is not None and not any(o.n_uses for o in node.outputs):
        before = node.inputs[0].node if node.inputs and node.inputs[0] is not None else None
        graph.erase(node)
        node = before
