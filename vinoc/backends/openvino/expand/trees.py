"""Ensembles of decision trees, which OpenVINO lacks.

The idea: Nakandala et al., A tensor compiler for unified machine learning prediction serving, OSDI 2020.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import Array, i64
from ....ir.graph import Value
from ....passes.pattern import Const, Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite

DEEPEST = 512


@rewrite
class ExpandTreeEnsemble(Rewrite):
    """TreeEnsemble(x) = d steps of at = Select(x[feature[at]] <= threshold[at], left[at], right[at]), then leaves[at].

    All trees descend at once: `at` [N, trees] is where each row is in each tree. Leaves lead to themselves, and d is
    the depth of the deepest tree.
    """

    def pattern(
        self, p: Tracer, x: Any, tests: Const, thresholds: Const, roots: Const, targets: Const, leaves: Const
    ) -> OpPattern:
        return p.TreeEnsemble(x, tests, thresholds, roots, targets, leaves)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        nodes, roots, targets = m.tests.astype(np.int64), m.roots.astype(np.int64), m.targets
        depth = _depth(nodes, roots)
        if depth is None:
            return Decline(f"a tree is deeper than {DEEPEST}, or its nodes lead in a circle")
        if not len(roots) or (m.leaves.shape[1] > 1 and targets.any()):
            return Decline("there are no trees, or they add to different columns")
        ends = _descended(b, m.x, nodes, m.thresholds, roots, depth)
        found = _exact(b.Gather(b.const(m.leaves), ends, b.const(0), batch_dims=0))
        op = m.TreeEnsemble
        reduce = {"sum": b.ReduceSum, "min": b.ReduceMin, "max": b.ReduceMax}[op.reduce]
        if m.leaves.shape[1] == op.count:
            return reduce(found, b.const(np.array([1])), keep_dims=False)
        empty = {"sum": 0.0, "min": np.inf, "max": -np.inf}[op.reduce]
        columns = []
        for column in range(op.count):
            own = np.flatnonzero(targets == column)
            if len(own):
                part = b.Gather(found, b.const(own), b.const(1), batch_dims=0)
                columns.append(reduce(part, b.const(np.array([1])), keep_dims=False))
            else:
                rows = b.Gather(b.ShapeOf(m.x, output_type=i64), b.const(np.array([0])), b.const(0), batch_dims=0)
                shape = b.Concat(rows, b.const(np.array([1])), axis=0)
                columns.append(b.Broadcast(b.const(m.leaves.dtype.type(empty)), shape))
        return b.Concat(*columns, axis=1)


def _exact(found: Value) -> Value:
    """Elements of a constant that is to keep all of its bits."""
    assert found.node is not None
    found.node.precise = True
    return found


def _depth(nodes: Array, roots: Array) -> int | None:
    front = np.unique(roots)
    for steps in range(DEEPEST + 1):
        front = front[front >= 0]
        if not len(front):
            return steps
        front = np.unique(nodes[front, 1:3])
    return None


def _descended(b: Builder, x: Value, nodes: Array, thresholds: Array, roots: Array, depth: int) -> Value:
    """[N, trees]: the numbers of the leaves."""
    count = len(nodes)
    leaves = int(-min(nodes[:, 1:3].min(initial=0), roots.min()))
    itself = np.arange(count, count + leaves)
    padding, zero = np.zeros(leaves, np.int64), b.const(0)

    def places(ends: Array) -> Array:
        return np.where(ends < 0, count + ~ends, ends)

    def column(values: Array, rest: Array) -> Value:
        return b.const(np.concatenate([values, rest.astype(values.dtype)]))

    feature, threshold = column(nodes[:, 0], padding), column(thresholds, padding)
    left, right = (column(places(nodes[:, k]), itself) for k in (1, 2))
    nan = column(nodes[:, 3] != 0, padding) if nodes[:, 3].any() else None
    rows = b.Gather(b.ShapeOf(x, output_type=i64), b.const(np.array([0])), zero, batch_dims=0)
    at = b.Broadcast(b.const(places(roots)), b.Concat(rows, b.const(np.array([len(roots)])), axis=0))
    for _ in range(depth):
        value = b.GatherElements(x, b.Gather(feature, at, zero, batch_dims=0), axis=1)
        goes = b.LessEqual(value, _exact(b.Gather(threshold, at, zero, batch_dims=0)))
        if nan is not None:
            goes = b.LogicalOr(goes, b.LogicalAnd(b.IsNaN(value), b.Gather(nan, at, zero, batch_dims=0)))
        at = b.Select(goes, b.Gather(left, at, zero, batch_dims=0), b.Gather(right, at, zero, batch_dims=0))
    return b.Subtract(at, b.const(count))
