"""What the weights of a product are multiplied with: rows of its data, drawn from samples.

The output of a product at one place is W x, where x [d] is a row of a MatMul's left operand, or the window of data that
a convolution lays its filter on: d = channels of a group * taps. All that rounding needs of the data are the moments
E[x] and E[x x^T] (Nagel et al. 2020, arXiv:2004.10568, section 3; Frantar et al. 2022, arXiv:2210.17323, section 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ....ir.dtype import Array
from ....ir.graph import Graph, Node
from ....ir.ops.convolution import Convolution, GroupConvolution
from ....ir.ops.matrix import MatMul
from ..collect import Runner
from .budget import columns
from .classes import constant_of

PRODUCTS = ("Convolution", "GroupConvolution", "MatMul")
"""Products whose rows are known."""

ROWS = 128
"""Drawn from each sample."""

UNSURE = 1e-5
"""Of the mean of E[x^2]: a covariance is a difference of sums in f32, and where little is left of these, as of what was
seen in a single row, it is noise."""


@dataclass(eq=False)
class Moments:
    """Sums over `count` rows: x [b, d], and x x^T [b, d, d], for `b` blocks, one or more for each group."""

    first: Array
    second: Array
    count: int = 0

    def add(self, rows: Array) -> None:
        """Takes up rows [g, d, n]."""
        rows = rows.reshape(*self.first.shape, -1)
        self.first += rows.sum(axis=2, dtype=np.float64)
        self.second += rows @ rows.transpose(0, 2, 1)
        self.count += rows.shape[2]

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
        factors = factors.reshape(self.first.shape)
        both = factors[:, :, None] * factors[:, None]
        return Moments(self.first / factors, self.second / both, self.count)


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
    """Rows [g, d, n] of what a product reads, at most ROWS of them."""
    if isinstance(node.op, MatMul):
        flat = (np.swapaxes(data, -1, -2) if node.op.transpose_a and data.ndim > 1 else data).reshape(
            -1, data.shape[-2 if node.op.transpose_a and data.ndim > 1 else -1]
        )
        if len(flat) > ROWS:
            flat = flat[draw.choice(len(flat), ROWS, replace=False)]
        return np.asarray(flat.T[None], np.float32)
    assert isinstance(node.op, Convolution | GroupConvolution)
    groups = weights[0] if isinstance(node.op, GroupConvolution) else 1
    windows = _windows(node.op, data, weights[-(data.ndim - 2) :], draw)
    return windows.reshape(groups, -1, windows.shape[-1])


def _windows(
    op: Convolution | GroupConvolution, data: Array, kernel: tuple[int, ...], draw: np.random.Generator
) -> Array:
    """Windows [channels, taps, n] of the first image, at places that are drawn."""
    spatial = data.shape[2:]
    ends = [_padding(op, i, n, k) for i, (n, k) in enumerate(zip(spatial, kernel, strict=True))]
    sizes = [
        max((n + begin + end - d * (k - 1) - 1) // s + 1, 0)
        for n, (begin, end), k, s, d in zip(spatial, ends, kernel, op.strides, op.dilations, strict=True)
    ]
    total = int(np.prod(sizes))
    places = draw.choice(total, ROWS, replace=False) if total > ROWS else np.arange(total)
    corners = np.unravel_index(places, sizes)
    taps = np.unravel_index(np.arange(int(np.prod(kernel))), kernel)
    flat, inside = np.zeros((len(taps[0]), len(places)), np.intp), np.ones((len(taps[0]), len(places)), bool)
    for corner, tap, s, d, (begin, _), n in zip(corners, taps, op.strides, op.dilations, ends, spatial, strict=True):
        at = corner * s + tap[:, None] * d - begin
        inside &= (at >= 0) & (at < n)
        flat = flat * n + at
    whole = bool(inside.all())
    out = np.take(data[0].reshape(data.shape[1], -1), flat if whole else np.where(inside, flat, 0), axis=1)
    return np.asarray(out if whole else out * inside, np.float32)


def _padding(op: Convolution | GroupConvolution, axis: int, size: int, kernel: int) -> tuple[int, int]:
    if op.auto_pad == "explicit":
        return op.pads_begin[axis], op.pads_end[axis]
    if op.auto_pad == "valid":
        return 0, 0
    stride, reach = op.strides[axis], op.dilations[axis] * (kernel - 1) + 1
    both = max((-(-size // stride) - 1) * stride + reach - size, 0)
    less = both // 2
    return (less, both - less) if op.auto_pad == "same_upper" else (both - less, less)


def moments_of(
    graph: Graph,
    samples: Iterable[tuple[str, Mapping[str, Array]]],
    products: Sequence[Node],
    changed: Mapping[Node, Callable[[Array], Array]] | None = None,
) -> dict[Node, Moments]:
    """Moments of what products read in a float graph; none for those that are unknown. Rows that are longer than
    the `budget` has it are cut into equal blocks, between which nothing is made up for. `changed`: of the data behind a
    function."""
    found: dict[Node, Moments] = {}
    shapes: dict[Node, tuple[int, ...]] = {}
    constants = {n: a for n in products if (a := constant_of(n.inputs[1])) is not None}
    widest = columns(sum(a.size for a in constants.values()))
    for node, weights in constants.items():
        rows = as_rows(node, weights)
        if rows is not None:
            groups, _, d = rows.shape
            blocks = next(b for b in range(1, d + 1) if d % b == 0 and d // b <= widest)
            groups, d = groups * blocks, d // blocks
            found[node] = Moments(np.zeros((groups, d)), np.zeros((groups, d, d)))
            shapes[node] = weights.shape
    values = list(dict.fromkeys(node.operand(0) for node in found))
    place = {value: i for i, value in enumerate(values)}
    run = Runner(graph, values)
    draw = np.random.default_rng(0)
    for _, arrays in samples:
        results = run(arrays)
        for node, moments in found.items():
            data = np.asarray(results[place[node.operand(0)]])
            if changed is not None:
                data = changed[node](data)
            rows = drawn(node, data, shapes[node], draw)
            if np.isfinite(rows).all():
                moments.add(rows)
    return found
