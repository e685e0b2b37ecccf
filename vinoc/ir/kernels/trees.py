"""Ensembles of decision trees."""

from __future__ import annotations

import numpy as np

from .array import Array


def tree_ensemble(
    x: Array, nodes: Array, thresholds: Array, roots: Array, targets: Array, leaves: Array, count: int, reduce: str
) -> Array:
    """[N, count]: the rows of `leaves` that the rows of x reach, joined over the trees."""
    ends = _descend(x, nodes, thresholds, roots)
    join = {"sum": np.add, "min": np.minimum, "max": np.maximum}[reduce]
    out = np.full((len(x), count), {"sum": 0.0, "min": np.inf, "max": -np.inf}[reduce], x.dtype)
    for tree, first in enumerate(targets.tolist()):
        part = out[:, first : first + leaves.shape[1]]
        part[...] = join(part, leaves[ends[:, tree]])
    return out


def _descend(x: Array, nodes: Array, thresholds: Array, roots: Array) -> Array:
    """[N, trees]: the leaf that each row reaches in each tree. A child ~k is leaf k."""
    at = np.tile(roots.astype(np.int64), (len(x), 1))
    for _ in range(len(nodes) + 1):
        inner = at >= 0
        if not inner.any():
            return ~at
        here = np.where(inner, at, 0)
        feature, left, right, nan = np.moveaxis(nodes[here], -1, 0)
        value = np.take_along_axis(x, feature.astype(np.int64), 1)
        goes = (value <= thresholds[here]) | ((nan != 0) & np.isnan(value))
        at = np.where(inner, np.where(goes, left, right), at)
    raise ValueError("nodes of a tree lead in a circle")
