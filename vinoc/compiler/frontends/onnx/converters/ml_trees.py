"""ai.onnx.ml: ensembles of decision trees, as products of Gather.

All trees descend at once: `at` [N, trees] is the node that each row has reached in each tree, leaves lead to
themselves, and as many steps are taken as the deepest tree needs. (The idea: Nakandala et al., A tensor compiler for
unified machine learning prediction serving, OSDI 2020.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .....ir import dtype as dt
from .....ir.dtype import Array, DType, from_numpy
from .....ir.errors import Unsupported
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .ml_common import ML, best, chosen, class_labels, numbers, transform_of, transformed
from .ml_linear import both_classes
from .values import concat, dim, ints, number, rank, to, to_i64

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER")
KINDS = ("LessEqual", "Less", "GreaterEqual", "Greater", "Equal", "NotEqual")
LEAF, MEMBER = "LEAF", "BRANCH_MEMBER"
MAX_DEPTH = 512
MAX_WEIGHTS = 1 << 28
"""Leaves times targets: more are a damaged file rather than a model."""


@dataclass
class Forest:
    """Nodes of all trees by number. `row`: where a leaf's weights are in `weights` [leaves, targets]."""

    feature: Array
    threshold: Array
    mode: list[str]
    true: Array
    false: Array
    missing: Array
    roots: Array
    row: Array
    weights: Array
    voted: Array
    members: dict[int, list[float]]

    @property
    def depth(self) -> int:
        """The longest way from a root to a leaf. Raises Unsupported for nodes that lead in a circle."""
        front, steps = set(self.roots.tolist()), 0
        while True:
            inner = [i for i in front if self.mode[i] != LEAF]
            if not inner:
                return steps
            front = {int(k) for i in inner for k in (self.true[i], self.false[i])}
            steps += 1
            if steps > min(MAX_DEPTH, len(self.mode)):
                raise Unsupported(f"a tree is deeper than {MAX_DEPTH}, or its nodes lead in a circle")


def _descend(ctx: NodeContext, forest: Forest, x: Value) -> Value:
    """The leaves that the rows of x [N, F] reach, [N, trees]."""
    b, zero = ctx.b, number(ctx.b, 0, dt.i64)
    start = ints(b, forest.roots.tolist())
    at = b.Broadcast(start, concat(b, [dim(b, x, 0), ints(b, [len(forest.roots)])]))

    def pick(values: Array, kind: DType | None = None) -> Value:
        return b.Gather(b.const(values, kind), at, zero, batch_dims=0)

    for _ in range(forest.depth):
        value = b.GatherElements(x, pick(forest.feature), axis=1)
        goes = _compared(ctx, forest, value, pick)
        if forest.missing.any():
            goes = b.LogicalOr(goes, b.LogicalAnd(b.IsNaN(value), pick(forest.missing)))
        at = b.Select(goes, pick(forest.true), pick(forest.false))
    return at


def _compared(ctx: NodeContext, forest: Forest, value: Value, pick: Any) -> Value:
    """Whether each value takes the branch `true` of its node."""
    b = ctx.b
    used = sorted({m for m in forest.mode if m != LEAF}, key=MODES.index) or ["BRANCH_LEQ"]
    threshold = pick(forest.threshold.astype(value.dtype.numpy), value.dtype)
    result: Value | None = None
    for mode in used:
        if mode == MEMBER:
            goes = _is_member(ctx, forest, value, pick)
        else:
            goes = getattr(b, KINDS[MODES.index(mode)])(value, threshold)
        if result is not None:
            goes = b.Select(pick(np.array([m == mode for m in forest.mode])), goes, result)
        result = goes
    assert result is not None
    return result


def _is_member(ctx: NodeContext, forest: Forest, value: Value, pick: Any) -> Value:
    """Whether each value is in the set of its node; sets are rows, filled up with NaN, which equals nothing."""
    b = ctx.b
    width = max([len(v) for v in forest.members.values()], default=1) or 1
    sets = np.full((len(forest.members) + 1, width), np.nan, value.dtype.numpy)
    row = np.zeros(len(forest.mode), np.int64)
    for i, (node, values) in enumerate(forest.members.items(), 1):
        sets[i, : len(values)] = values
        row[node] = i
    found = b.Gather(b.const(sets), pick(row), number(b, 0, dt.i64), batch_dims=0)
    return b.ReduceLogicalOr(b.Equal(b.Unsqueeze(value, [-1]), found), [-1], keep_dims=False)


def _aggregated(ctx: NodeContext, forest: Forest, at: Value, how: str) -> Value:
    """[N, targets]: the weights of the leaves, joined over the trees."""
    b, zero = ctx.b, number(ctx.b, 0, dt.i64)
    row = b.Gather(b.const(forest.row), at, zero, batch_dims=0)
    weights = b.Gather(b.const(forest.weights), row, zero, batch_dims=0)  # [N, trees, targets]
    kind = weights.dtype
    if how in ("SUM", "AVERAGE"):
        total = b.ReduceSum(weights, [1], keep_dims=False)
        return total if how == "SUM" else b.Divide(total, float(len(forest.roots)))
    if how not in ("MIN", "MAX"):
        ctx.fail(f"attribute `aggregate_function` is '{how}'", "ONNX knows AVERAGE, SUM, MIN, MAX")
    voted = b.Gather(b.const(forest.voted), row, zero, batch_dims=0)
    least = how == "MIN"
    neutral = number(b, np.inf if least else -np.inf, kind)
    masked = b.Select(voted, weights, neutral)
    joined = (b.ReduceMin if least else b.ReduceMax)(masked, [1], keep_dims=False)
    return b.Select(b.Equal(joined, neutral), number(b, 0, kind), joined)


def _data(ctx: NodeContext, kind: DType) -> Value:
    x = ctx.input(0)
    x = to(ctx.b, x, x.dtype if x.dtype in (dt.f32, dt.f64, dt.f16) else kind)
    return ctx.b.Unsqueeze(x, [0]) if rank(ctx, x) == 1 else x


# The operators up to ai.onnx.ml 4: nodes are named by (tree, node), leaves are nodes.


def _read(ctx: NodeContext, votes: str, targets: int) -> Forest:
    """The forest of attributes nodes_* and {votes}_* (class or target)."""
    trees, nodes = ctx.attr("nodes_treeids"), ctx.attr("nodes_nodeids")
    modes = ctx.attr("nodes_modes")
    place = {key: i for i, key in enumerate(zip(trees, nodes, strict=True))}
    n = len(modes)
    if len(place) != n:
        ctx.fail(
            f"{n} nodes are given, {len(place)} of them with different numbers", "a node id occurs twice in a tree"
        )
    thresholds = numbers(ctx, "nodes_values")
    follow = {side: np.arange(n) for side in ("true", "false")}
    for side, ends in follow.items():
        for i, node in enumerate(ctx.attr(f"nodes_{side}nodeids")):
            if modes[i] != LEAF:
                ends[i] = place[trees[i], node]
    seen: dict[int, int] = {}  # the root of a tree is its node with the least number
    for (tree, _), i in sorted(place.items()):
        seen.setdefault(tree, i)
    leaves = [i for i in range(n) if modes[i] == LEAF]
    row = np.zeros(n, np.int64)
    row[leaves] = np.arange(len(leaves))
    values = numbers(ctx, f"{votes}_weights")
    _check_targets(ctx, ctx.attr(f"{votes}_ids"), targets, len(leaves))
    weights = np.zeros((max(len(leaves), 1), targets), values.dtype)
    voted = np.zeros(weights.shape, np.bool_)
    keys = zip(
        ctx.attr(f"{votes}_treeids"), ctx.attr(f"{votes}_nodeids"), ctx.attr(f"{votes}_ids"), values, strict=True
    )
    for tree, node, target, weight in keys:
        weights[row[place[tree, node]], target] += weight
        voted[row[place[tree, node]], target] = True
    missing = np.asarray(ctx.attr("nodes_missing_value_tracks_true", None) or [0] * n) != 0
    feature = np.asarray([0 if m == LEAF else f for f, m in zip(ctx.attr("nodes_featureids"), modes, strict=True)])
    roots = np.array(list(seen.values()), np.int64)
    return Forest(feature, thresholds, modes, follow["true"], follow["false"], missing, roots, row, weights, voted, {})


def _check_targets(ctx: NodeContext, ids: list[int], targets: int, leaves: int) -> None:
    """Fails for votes for a target that there is not, and for a table that no memory holds."""
    if ids and not 0 <= min(ids) <= max(ids) < targets:
        ctx.fail(f"a leaf votes for target {max(ids)} of {targets}", "the file is damaged; export the model again")
    if not 0 < targets * max(leaves, 1) <= MAX_WEIGHTS:
        ctx.fail(f"{leaves} leaves with {targets} targets are given", "the file is damaged; export the model again")


@converter("TreeEnsembleRegressor", since=1, domain=ML)
def tree_regressor(ctx: NodeContext) -> Value:
    """The weights of the leaves that the rows reach, aggregated over the trees."""
    b, targets = ctx.b, int(ctx.attr("n_targets", 1))
    forest = _read(ctx, "target", targets)
    at = _descend(ctx, forest, _data(ctx, dt.f32))
    y = _aggregated(ctx, forest, at, ctx.attr("aggregate_function", "SUM"))
    base = numbers(ctx, "base_values")
    if base.size:
        y = b.Add(y, b.const(base.astype(y.dtype.numpy)))
    return to(b, transformed(ctx, y, transform_of(ctx)), dt.f32)


@converter("TreeEnsembleClassifier", since=1, domain=ML)
def tree_classifier(ctx: NodeContext) -> list[Value]:
    """The label of the largest sum of votes, and the sums.

    Where of two classes only one gets votes, they decide: above 0.5 where none is negative, above 0 otherwise.
    """
    b, labels, transform = ctx.b, class_labels(ctx), transform_of(ctx)
    count = int(str((labels.shape or (0,))[0]))
    ids = ctx.attr("class_ids")
    single = count == 2 and len(set(ids)) == 1
    forest = _read(ctx, "class", count)
    if single:
        forest.weights = forest.weights[:, ids[:1]]
    scores = _aggregated(ctx, forest, _descend(ctx, forest, _data(ctx, dt.f32)), "SUM")
    base = numbers(ctx, "base_values")
    if base.size:
        base = base[-1:] if single else base
        scores = b.Add(scores, b.const(base.astype(scores.dtype.numpy)))
    if not single:
        return [
            chosen(ctx, labels, best(ctx, scores)),
            to(b, transformed(ctx, scores, transform), dt.f32),
        ]
    positive = not (forest.weights < 0).any()
    limit = number(b, 0.5 if positive else 0.0, scores.dtype)
    place = to_i64(b, b.Greater(b.Squeeze(scores, [1]), limit))
    if positive and transform not in ("LOGISTIC", "PROBIT"):
        pair = b.Concat(b.Subtract(number(b, 1, scores.dtype), scores), scores, axis=1)
    else:
        pair = both_classes(ctx, scores, transform if transform in ("LOGISTIC", "PROBIT") else "NONE")
    return [chosen(ctx, labels, place), to(b, pair, dt.f32)]


# From ai.onnx.ml 5: inner nodes and leaves are listed apart.

AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")


@converter("TreeEnsemble", since=5, domain=ML)
def tree_ensemble(ctx: NodeContext) -> Value:
    """The weights of the leaves that the rows reach, aggregated over the trees."""
    thresholds, weights = np.asarray(ctx.attr("nodes_splits")), np.asarray(ctx.attr("leaf_weights"))
    codes = np.asarray(ctx.attr("nodes_modes")).reshape(-1)
    inner, leaves, targets = len(codes), len(weights), int(ctx.attr("n_targets", 1))
    total = inner + leaves
    ends = {}
    for side in ("true", "false"):
        at, leaf = np.asarray(ctx.attr(f"nodes_{side}nodeids")), np.asarray(ctx.attr(f"nodes_{side}leafs")) != 0
        ends[side] = np.concatenate([np.where(leaf, at + inner, at), np.arange(inner, total)]).astype(np.int64)
        if total and not 0 <= ends[side].min() <= ends[side].max() < total:
            ctx.fail(f"attribute `nodes_{side}nodeids` names nodes that there are not")
    _check_targets(ctx, list(ctx.attr("leaf_targetids")), targets, leaves)
    table = np.zeros((leaves, targets), weights.dtype)
    table[np.arange(leaves), ctx.attr("leaf_targetids")] = weights.reshape(-1)
    voted = np.zeros(table.shape, np.bool_)
    voted[np.arange(leaves), ctx.attr("leaf_targetids")] = True
    rest = [0] * leaves
    forest = Forest(
        np.asarray([*ctx.attr("nodes_featureids"), *rest], np.int64),
        np.concatenate([thresholds.reshape(-1), np.zeros(leaves, thresholds.dtype)]),
        [*(MODES[c] for c in codes.tolist()), *[LEAF] * leaves],
        ends["true"],
        ends["false"],
        np.asarray([*(ctx.attr("nodes_missing_value_tracks_true", None) or [0] * inner), *rest]) != 0,
        np.asarray(ctx.attr("tree_roots"), np.int64),
        np.concatenate([np.zeros(inner, np.int64), np.arange(leaves)]),
        table,
        voted,
        _sets(ctx, codes),
    )
    kind = from_numpy(thresholds.dtype)
    how = AGGREGATES[ctx.attr("aggregate_function", 1)]
    y = _aggregated(ctx, forest, _descend(ctx, forest, _data(ctx, kind)), how)
    return to(ctx.b, transformed(ctx, y, transform_of(ctx)), kind)


def _sets(ctx: NodeContext, codes: Array) -> dict[int, list[float]]:
    """The members of each node that tests membership: lists one after the other, with NaN between."""
    nodes = [i for i, c in enumerate(codes.tolist()) if MODES[c] == MEMBER]
    if not nodes:
        return {}
    lists: list[list[float]] = [[]]
    for value in np.asarray(ctx.attr("membership_values")).reshape(-1).tolist():
        if np.isnan(value):
            lists.append([])
        else:
            lists[-1].append(value)
    if len(lists) < len(nodes):
        ctx.fail(f"{len(nodes)} nodes test membership, {len(lists)} sets are given")
    return dict(zip(nodes, lists, strict=False))
