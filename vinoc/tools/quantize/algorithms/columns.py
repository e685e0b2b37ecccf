"""What the weights of a product are multiplied with: rows of its data, drawn from samples.

The output of a product at one place is W x, where x [d] is a row of a MatMul's left operand, or the window of data that
a convolution lays its filter on: d = channels of a group * taps. All that rounding needs of the data are the moments
E[x] and E[x x^T] (Nagel et al. 2020, arXiv:2004.10568, section 3; Frantar et al. 2022, arXiv:2210.17323, section 3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ....ir.dtype import Array
from ....ir.graph import Graph, Node, Value
from ....ir.ops.convolution import Convolution, GroupConvolution
from ....ir.ops.matrix import MatMul
from ..collect import collect
from ..data import Samples
from ..statistics import Spec
from .budget import columns
from .classes import constant_of

PRODUCTS = ("Convolution", "GroupConvolution", "MatMul")
"""Products whose rows are known."""

ROWS, SOME, FOLD = 128, 24, 2
"""Drawn from each sample, at most, and of convolutions of groups; and for each element of a row: more bring nothing."""

UNSURE = 1e-5
"""Of the mean of E[x^2]: a covariance is a difference of sums in f32, and where little is left of these, as of what was
seen in a single row, it is noise."""


@dataclass(eq=False)
class Moments:
    """Sums over `count` rows, in f32: x [b, d], and x x^T [b, d, d], for `b` blocks, one or more for each group."""

    first: Array
    second: Array
    count: int = 0

    def add(self, rows: Array) -> None:
        """Takes up rows [g, n, d]."""
        groups, n, _ = rows.shape
        blocks, d = self.first.shape
        rows = rows.reshape(groups, n, blocks // groups, d).swapaxes(1, 2).reshape(blocks, n, d)
        self.first += np.ones(n, rows.dtype) @ rows
        self.second += rows.swapaxes(1, 2) @ rows
        self.count += n

    @property
    def mean(self) -> Array:
        return np.asarray(self.first / max(self.count, 1))

    def square(self, centered: bool) -> Array:
        """E[x x^T], or the covariance, whose diagonal is lifted by what is uncertain of it."""
        found: Array = self.second / max(self.count, 1)
        if not centered:
            return found
        unsure = UNSURE * np.einsum("gdd->g", found) / found.shape[1]
        found = found - self.mean[:, :, None] * self.mean[:, None]
        np.einsum("gdd->gd", found)[...] += unsure[:, None]
        return found

    def divided(self, factors: Array) -> Moments:
        """Those of x / factors [g, d]."""
        factors = factors.reshape(self.first.shape).astype(self.first.dtype)
        both = factors[:, :, None] * factors[:, None]
        return Moments(self.first / factors, self.second / both, self.count)


Lookup = Callable[[Node], "Moments | None"]
"""The moments of what a product reads, where they are known."""


def merged(known: Sequence[Moments]) -> Moments:
    """The moments of all rows of several products together."""
    if len(known) == 1:
        return known[0]
    return Moments(sum(m.first for m in known), sum(m.second for m in known), sum(m.count for m in known))  # type: ignore[arg-type]


def as_rows(node: Node, weights: Array) -> Array | None:
    """The weights [g, o, d] of a product; None where it is none that this knows."""
    if isinstance(node.op, MatMul) and weights.ndim == 2:
        return (weights if node.op.transpose_b else weights.T)[None]
    if isinstance(node.op, Convolution):
        return weights.reshape(1, weights.shape[0], -1)
    if isinstance(node.op, GroupConvolution):
        return weights.reshape(*weights.shape[:2], -1)
    return None


def from_rows(node: Node, rows: Array, like: Array) -> Array:
    """The weights whose `as_rows` they are."""
    if isinstance(node.op, MatMul):
        return np.ascontiguousarray(rows[0] if node.op.transpose_b else rows[0].T)
    return rows.reshape(like.shape)


def drawn(node: Node, data: Array, weights: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Rows [g, n, d] of what a product reads, at most ROWS or SOME of them; of short ones FOLD for each of their
    elements."""
    if isinstance(node.op, MatMul):
        flat = (np.swapaxes(data, -1, -2) if node.op.transpose_a and data.ndim > 1 else data).reshape(
            -1, data.shape[-2 if node.op.transpose_a and data.ndim > 1 else -1]
        )
        if len(flat) > ROWS:
            flat = flat[draw.choice(len(flat), ROWS, replace=False)]
        return np.asarray(flat[None], np.float32)
    assert isinstance(node.op, Convolution | GroupConvolution)
    groups = weights[0] if isinstance(node.op, GroupConvolution) else 1
    count = min(ROWS if groups == 1 else SOME, FOLD * int(np.prod(weights[1 if groups == 1 else 2 :])))
    windows = _windows(node.op, data, weights[-(data.ndim - 2) :], count, draw)
    laid = windows.reshape(*windows.shape[:2], groups, -1).transpose(2, 1, 3, 0)
    return np.ascontiguousarray(laid.reshape(groups, windows.shape[1], -1))


def _windows(
    op: Convolution | GroupConvolution, data: Array, kernel: tuple[int, ...], count: int, draw: np.random.Generator
) -> Array:
    """Windows [taps, n, channels] of the first image, at so many places that are drawn, or at all."""
    spatial = data.shape[2:]
    ends = [_padding(op, i, n, k) for i, (n, k) in enumerate(zip(spatial, kernel, strict=True))]
    sizes = [
        max((n + begin + end - d * (k - 1) - 1) // s + 1, 0)
        for n, (begin, end), k, s, d in zip(spatial, ends, kernel, op.strides, op.dilations, strict=True)
    ]
    total = int(np.prod(sizes))
    places = draw.choice(total, count, replace=False) if total > count else np.arange(total)
    corners = np.unravel_index(places, sizes)
    taps = np.unravel_index(np.arange(int(np.prod(kernel))), kernel)
    flat, inside = np.zeros((len(taps[0]), len(places)), np.intp), np.ones((len(taps[0]), len(places)), bool)
    for corner, tap, s, d, (begin, _), n in zip(corners, taps, op.strides, op.dilations, ends, spatial, strict=True):
        at = corner * s + tap[:, None] * d - begin
        inside &= (at >= 0) & (at < n)
        flat = flat * n + at
    whole = bool(inside.all())
    pixels = np.moveaxis(data[0], 0, -1).reshape(-1, data.shape[1])  # a view, where channels are last in memory
    out = np.take(pixels, flat if whole else np.where(inside, flat, 0), axis=0)
    if not whole:
        out *= inside[:, :, None]
    return np.asarray(out, np.float32)


def _padding(op: Convolution | GroupConvolution, axis: int, size: int, kernel: int) -> tuple[int, int]:
    if op.auto_pad == "explicit":
        return op.pads_begin[axis], op.pads_end[axis]
    if op.auto_pad == "valid":
        return 0, 0
    stride, reach = op.strides[axis], op.dilations[axis] * (kernel - 1) + 1
    both = max((-(-size // stride) - 1) * stride + reach - size, 0)
    less = both // 2
    return (less, both - less) if op.auto_pad == "same_upper" else (both - less, less)


class Rows:
    """Rows of what products read, drawn of each sample: `draws` are for `collect`, `moments` theirs; none for products
    that are unknown. Rows that are longer than the `budget` has it are cut into equal blocks, between which
    nothing is made up for. `changed`: functions, in front of which the data are as they are read."""

    def __init__(
        self, products: Sequence[Node], changed: Mapping[Node, Callable[[Array], Array]] | None = None
    ) -> None:
        constants = {n: a for n in products if (a := constant_of(n.inputs[1])) is not None}
        widest = columns(sum(a.size for a in constants.values()))
        self.moments: dict[Node, Moments] = {}
        self.shapes = {node: weights.shape for node, weights in constants.items()}
        self.changed = changed or {}
        self.random = np.random.default_rng(0)
        readers: dict[Value, list[Node]] = {}
        for node, weights in constants.items():
            rows = as_rows(node, weights)
            if rows is not None:
                self.moments[node] = empty(rows.shape[0], rows.shape[2], widest)
                readers.setdefault(node.operand(0), []).append(node)
        self.draws = {value: partial(self.look, nodes) for value, nodes in readers.items()}

    def look(self, nodes: Sequence[Node], data: Array) -> Callable[[], None]:
        """Draws rows for the products that read a value."""
        rows = [self.drawn(node, data) for node in nodes]

        def take() -> None:
            for node, found in zip(nodes, rows, strict=True):
                if np.isfinite(found).all():
                    self.moments[node].add(found)

        return take

    def drawn(self, node: Node, data: Array) -> Array:
        change = self.changed.get(node)
        return drawn(node, data if change is None else change(data), self.shapes[node], self.random)


def empty(groups: int, d: int, widest: int) -> Moments:
    """Moments of no rows, in blocks of `widest` columns at most."""
    blocks = next(b for b in range(1, d + 1) if d % b == 0 and d // b <= widest)
    shape = groups * blocks, d // blocks
    return Moments(np.zeros(shape, np.float32), np.zeros((*shape, shape[1]), np.float32))


def moments_of(
    graph: Graph,
    samples: Samples,
    products: Sequence[Node],
    changed: Mapping[Node, Callable[[Array], Array]] | None = None,
) -> dict[Node, Moments]:
    """Moments of what products read in a float graph. `changed`: of the data behind a function."""
    rows = Rows(products, changed)
    collect(graph, samples, {}, Spec(), also=rows.draws)
    return rows.moments
