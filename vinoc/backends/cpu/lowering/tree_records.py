"""Trees as the records that kernels/trees.py walks: level by level, the two children of a node side by side."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ....ir import dtype as dt
from ....ir.dtype import from_numpy
from ....ir.record import record
from ..kernels.trees import Layout

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


@record(frozen=True)
class Records:
    """Trees in memory. `starts`: the byte at which each begins; `depths`: steps to its furthest leaf; `first_leaves`:
    what the leaf numbers in its records count from; `shift`: bits of a word that name the feature.

    layout    None: they do not fit any
    features  up to which one is tested, all below this
    nan       whether some nodes send NaN to the left
    """

    layout: Layout
    data: Array
    starts: Array
    depths: Array
    first_leaves: Array
    shift: int
    features: int
    nan: bool


@record(frozen=True)
class _Level:
    """Nodes and leaves as far from their roots: the tree, the pair of records that each is in, which one, and what."""

    tree: Array
    pair: Array
    side: Array
    what: Array


def records_of(nodes: Array, thresholds: Array, roots: Array, leaves: int) -> Records | str:
    """The records of an ensemble as TreeEnsemble describes it, or why there are none."""
    nodes = nodes.reshape(-1, 4).astype(np.int64)
    ends = np.concatenate([nodes[:, 1], nodes[:, 2], roots])
    if len(ends) and not -leaves <= ends.min() <= ends.max() < len(nodes):
        return "a node leads to one that there is not"
    if len(nodes) and nodes[:, 0].min() < 0:
        return "a node tests a feature that there is not"
    depths = _depths(nodes, roots)
    if isinstance(depths, str):
        return depths
    pairs, levels = _levels(nodes, roots)
    sizes = np.ones(len(roots), np.int64)
    first_leaves = np.full(len(roots), leaves, np.int64)
    for level in levels:
        np.maximum.at(sizes, level.tree, level.pair + 1)
        ends_here = level.what < 0
        np.minimum.at(first_leaves, level.tree[ends_here], ~level.what[ends_here])
    features = int(nodes[:, 0].max()) + 1 if len(nodes) else 0
    shift = 1 + max(features - 1, 1).bit_length()
    type = from_numpy(thresholds.dtype)
    layout = Layout(type, type is dt.f64 or int(2 * sizes.max()).bit_length() + shift > 32)
    starts = 2 * np.cumsum([0, *sizes])
    data = _filled(nodes, thresholds, levels, pairs, (starts, first_leaves), layout, shift)
    if isinstance(data, str):
        return data
    return Records(
        layout, data, starts[:-1] * layout.size, depths, first_leaves, shift, features, bool(nodes[:, 3].any())
    )


def _depths(nodes: Array, roots: Array) -> Array | str:
    """The longest way from each root to a leaf; why there is none."""
    depths = np.zeros(len(roots), np.int64)
    owner = np.full(len(nodes), -1, np.int64)
    tree, front = np.arange(len(roots)), np.asarray(roots, np.int64)
    for step in range(len(nodes) + 1):
        tree, front = tree[front >= 0], front[front >= 0]
        if not len(front):
            return depths
        at = np.unique(front * len(roots) + tree, return_index=True)[1]
        tree, front = tree[at], front[at]
        if ((owner[front] >= 0) & (owner[front] != tree)).any() or not np.diff(front).all():
            return "trees share a node"
        owner[front] = tree
        depths[tree] = step + 1
        tree, front = np.repeat(tree, 2), nodes[front, 1:3].reshape(-1)
    return "nodes of a tree lead in a circle"


def _levels(nodes: Array, roots: Array) -> tuple[Array, list[_Level]]:
    """The pair that holds the children of each node, counted within its tree, and all that is in pairs.

    Pair 0 is for the root alone, which is its right one: every leaf has a record before it. A node that several lead to
    is there as often, with one pair of children.
    """
    pairs = np.full(len(nodes), -1, np.int64)
    used = np.ones(len(roots), np.int64)
    trees = np.arange(len(roots))
    level = _Level(trees, np.zeros_like(trees), np.ones_like(trees), np.asarray(roots, np.int64))
    levels = [level]
    while True:
        inner = level.what >= 0
        tree, what = level.tree[inner], level.what[inner]
        tree, what = tree[fresh := pairs[what] < 0], what[fresh]
        at = np.sort(np.unique(what, return_index=True)[1])
        tree, what = tree[at], what[at]
        if not len(what):
            return pairs, levels
        pairs[what] = used[tree] + np.arange(len(tree)) - np.searchsorted(tree, tree)
        used += np.bincount(tree, minlength=len(roots))
        twice = np.repeat(pairs[what], 2)
        level = _Level(np.repeat(tree, 2), twice, np.arange(len(twice)) % 2, nodes[what, 1:3].reshape(-1))
        levels.append(level)


def _filled(
    nodes: Array, thresholds: Array, levels: list[_Level], pairs: Array, places: tuple[Array, Array], layout: Layout,
    shift: int,
) -> Array | str:  # fmt: skip
    """The records as bytes."""
    starts, first_leaves = places
    item = thresholds.dtype
    whole = np.dtype(f"u{item.itemsize}")
    kind = np.dtype({
        "names": ["threshold", "child", "word"], "formats": [whole, np.uint32, np.uint32],
        "offsets": [0, layout.size - 8 if layout.wide else 4, layout.size - 4], "itemsize": layout.size,
    })  # fmt: skip
    out = np.zeros(int(starts[-1]), kind)
    quiet = np.array(np.nan, item).view(whole) & ~whole.type(layout.payload)
    for level in levels:
        at = 2 * level.pair + level.side
        inner = level.what >= 0
        what = np.where(inner, level.what, 0)
        leaf = np.where(inner, 0, ~level.what - first_leaves[level.tree])
        if leaf.max(initial=0) > layout.payload:
            return "a tree has too many leaves"
        test = nodes[what] if len(nodes) else np.zeros((len(what), 4), np.int64)
        bits = thresholds.view(whole)[what] if len(nodes) else np.zeros(len(what), whole)
        child = np.where(inner, 2 * pairs[what] if len(nodes) else 0, at - 1)
        word = np.where(inner, test[:, 0] << 1 | (test[:, 3] != 0), 0)
        place = starts[level.tree] + at
        out["threshold"][place] = np.where(inner, bits, quiet | leaf.astype(whole))
        if layout.wide:
            out["child"][place], out["word"][place] = child, word
        else:
            out["word"][place] = child << shift | word
    return out.view(np.uint8)
