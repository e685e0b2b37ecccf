"""ai.onnx.ml: ensembles of decision trees.

They become TreeEnsemble, which knows one test, `x <= t`, and which way NaN goes; the others are that test with another
threshold, with its children exchanged, or two of it. Of floats x < t is x <= p, where p is the number before t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....ir import dtype as dt
from .....ir.dtype import Array, DType, from_numpy
from .....ir.errors import Unsupported
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .ml_common import ML, best, chosen, class_labels, numbers, transform_of, transformed
from .ml_linear import both_classes
from .values import number, rank, to, to_i64

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF")
LEQ, LT, GTE, GT, EQ, NEQ, MEMBER, LEAF = range(len(MODES))
MAX_DEPTH = 512
MAX_WEIGHTS = 1 << 28
"""Leaves times targets: more are a damaged file rather than a model."""


@dataclass
class Tests:
    """Inner nodes by number: which feature is compared how with what, and where rows go then. Child ~k is leaf k.

    `missing`: NaN goes where a passed test leads.
    """

    feature: Array
    mode: Array
    threshold: Array
    true: Array
    false: Array
    missing: Array

    def columns(self) -> list[Array]:
        return [self.feature, self.mode, self.threshold, self.true, self.false, self.missing]


@dataclass
class Forest:
    """Inner nodes; `roots` of the trees; the column at which each begins to add its leaves' weights [leaves, width].

    `voted`: which weights were given.
    """

    tests: Tests
    roots: Array
    targets: Array
    weights: Array
    voted: Array

    def check_depth(self) -> None:
        """Raises Unsupported for nodes that lead in a circle."""
        front, steps = np.unique(self.roots), 0
        while len(front := front[front >= 0]):
            steps += 1
            if steps > MAX_DEPTH:
                raise Unsupported(f"a tree is deeper than {MAX_DEPTH}, or its nodes lead in a circle")
            front = np.unique(np.concatenate([self.tests.true[front], self.tests.false[front]]))


def _appended(tests: Tests, more: Tests) -> Tests:
    pairs = zip(tests.columns(), more.columns(), strict=True)
    return Tests(*(np.concatenate([a, b.astype(a.dtype)]) for a, b in pairs))


def _without_members(tests: Tests, sets: dict[int, list[float]]) -> Tests:
    """A test of membership is one of equality with each member, of which each but the last leads to the next."""
    for node, members in sets.items():
        count, last = max(len(members), 1), tests.false[node]
        tests.mode[node] = EQ
        tests.threshold[node] = members[0] if members else np.nan
        if count > 1:
            rest = len(tests.mode) + np.arange(count - 1)
            tests.false[node] = rest[0]
            same = np.full(count - 1, 1)
            more = Tests(
                same * tests.feature[node], same * EQ, np.asarray(members[1:]), same * tests.true[node],
                np.append(rest[1:], last), same * 0,
            )  # fmt: skip
            tests = _appended(tests, more)
    return tests


def _without_equality(tests: Tests) -> Tests:
    """x == t where x <= t and not x < t: two tests, in one order for == and in the other for !=, which NaN passes."""
    at = np.flatnonzero((tests.mode == EQ) | (tests.mode == NEQ))
    equal = tests.mode[at] == EQ
    second = len(tests.mode) + np.arange(len(at))
    yes, no = np.where(equal, tests.true[at], tests.false[at]), np.where(equal, tests.false[at], tests.true[at])
    more = Tests(tests.feature[at], np.full(len(at), LT), tests.threshold[at], no, yes, np.zeros(len(at)))
    tests.mode[at], tests.true[at], tests.false[at] = LEQ, second, no
    tests.missing[at] &= equal
    return _appended(tests, more)


def _nodes(tests: Tests, sets: dict[int, list[float]], kind: DType) -> tuple[Array, Array]:
    """The operands `nodes` and `thresholds` of TreeEnsemble."""
    tests = _without_equality(_without_members(Tests(*map(np.array, tests.columns())), sets))
    t = tests.threshold.astype(kind.numpy)
    before = np.where(t == -np.inf, np.nan, np.nextafter(t, t.dtype.type(-np.inf)))
    more = (tests.mode == GTE) | (tests.mode == GT)
    t = np.where((tests.mode == LT) | (tests.mode == GTE), before, t).astype(kind.numpy)
    given = tests.threshold
    t[more & np.isnan(given)] = np.inf  # no number passes
    left, right = np.where(more, tests.false, tests.true), np.where(more, tests.true, tests.false)
    return np.stack([tests.feature, left, right, tests.missing ^ more], 1).astype(np.int32), t


def _aggregated(
    ctx: NodeContext, forest: Forest, sets: dict[int, list[float]], x: Value, how: str, count: int
) -> Value:
    """[N, count]: the weights of the leaves, joined over the trees."""
    if how not in AGGREGATES:
        ctx.fail(f"attribute `aggregate_function` is '{how}'", f"ONNX knows {', '.join(AGGREGATES)}")
    b, kind = ctx.b, x.dtype
    forest.check_depth()
    _check_features(ctx, forest.tests.feature, x)
    nodes, thresholds = _nodes(forest.tests, sets, kind)
    weights, reduce = forest.weights.astype(kind.numpy), "sum"
    neutral = np.inf if how == "MIN" else -np.inf
    if how in ("MIN", "MAX"):
        reduce, weights = how.lower(), np.where(forest.voted, weights, kind.numpy.type(neutral))
    roots, targets = forest.roots.astype(np.int32), forest.targets.astype(np.int32)
    operands = [b.const(v) for v in (nodes, thresholds, roots, targets, weights)]
    y: Value = b.TreeEnsemble(x, *operands, count=count, reduce=reduce)
    if how == "AVERAGE":
        return b.Divide(y, float(len(roots)))
    return y if how == "SUM" else b.Select(b.Equal(y, number(b, neutral, kind)), number(b, 0, kind), y)


def _data(ctx: NodeContext, kind: DType) -> Value:
    x = ctx.input(0)
    x = to(ctx.b, x, dt.f64 if dt.f64 in (x.dtype, kind) else dt.f32)
    return ctx.b.Unsqueeze(x, [0]) if rank(ctx, x) == 1 else x


# The operators up to ai.onnx.ml 4: nodes are named by (tree, node), leaves are nodes.


class _Places:
    """Nodes by (tree, node)."""

    def __init__(self, ctx: NodeContext, trees: Array, nodes: Array) -> None:
        self.ctx = ctx
        self.trees, self.nodes = np.unique(trees), np.unique(nodes)
        keys = self._keys(trees, nodes)
        self.order = np.argsort(keys, kind="stable")
        self.keys = keys[self.order]
        different = len(np.unique(keys))
        if different != len(keys):
            ctx.fail(
                f"{len(keys)} nodes are given, {different} of them with different numbers",
                "a node id occurs twice in a tree",
            )

    def _keys(self, trees: Array, nodes: Array) -> Array:
        at = [np.searchsorted(k, v) for k, v in ((self.trees, trees), (self.nodes, nodes))]
        return at[0] * (len(self.nodes) + 1) + at[1]

    def roots(self) -> Array:
        """The node with the least number in each tree."""
        starts = np.searchsorted(self.keys, np.arange(len(self.trees)) * (len(self.nodes) + 1))
        return self.order[starts]

    def find(self, trees: Array, nodes: Array) -> Array:
        """Where nodes are in the lists."""
        there = np.isin(trees, self.trees) & np.isin(nodes, self.nodes)
        at = np.minimum(np.searchsorted(self.keys, keys := self._keys(trees, nodes)), len(self.keys) - 1)
        if len(trees) and not (len(self.keys) and (there & (self.keys[at] == keys)).all()):
            self.ctx.fail("it names a node that there is not", "the file is damaged; export the model again")
        return self.order[at]


def _columns(ctx: NodeContext, *names: str) -> list[Array]:
    """Lists of integers, of the same length."""
    found = [np.asarray(ctx.attr(name, []), np.int64) for name in names]
    if len({len(v) for v in found}) > 1:
        ctx.fail(f"lists have {', '.join(f'{len(v)} ({n})' for n, v in zip(names, found, strict=True))} elements",
                 "the file is damaged; export the model again")  # fmt: skip
    return found


def _read(ctx: NodeContext, votes: str, targets: int, ids: Array) -> Forest:
    """The forest of attributes nodes_* and {votes}_* (class or target); `ids`: what the votes are for."""
    trees, nodes, feature, true, false = _columns(
        ctx, *(f"nodes_{n}" for n in ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids"))
    )
    names, thresholds = ctx.attr("nodes_modes"), numbers(ctx, "nodes_values")
    missing = np.asarray(ctx.attr("nodes_missing_value_tracks_true", None) or np.zeros(len(trees)), np.int64)
    if not len(names) == len(thresholds) == len(missing) == len(trees):
        ctx.fail(f"{len(trees)} nodes have {len(names)} modes, {len(thresholds)} values, {len(missing)} ways of NaN")
    if unknown := set(names) - set(MODES):
        ctx.fail(f"a node's mode is '{min(unknown)}'", f"ONNX knows {', '.join(MODES)}")
    mode = np.array([*map(MODES.index, names)], np.int64)
    places, inner = _Places(ctx, trees, nodes), mode != LEAF
    number_of = np.where(inner, np.cumsum(inner) - 1, -np.cumsum(~inner))  # child ~k is leaf k
    at = np.flatnonzero(inner)
    passed, failed = (number_of[places.find(trees[at], side[at])] for side in (true, false))
    tests = Tests(feature[at], mode[at], thresholds[at], passed, failed, missing[at] != 0)
    roots = places.roots()
    of, node = _columns(ctx, f"{votes}_treeids", f"{votes}_nodeids")
    values, leaf = numbers(ctx, f"{votes}_weights"), ~number_of[places.find(of, node)]
    if not len(ids) == len(values) == len(of):
        ctx.fail(f"{len(of)} leaves have {len(ids)} targets and {len(values)} weights")
    _check_targets(ctx, ids, targets, int((~inner).sum()))
    kept = leaf >= 0
    tree, leaf, ids, values = np.searchsorted(places.trees, of[kept]), leaf[kept], ids[kept], values[kept]
    columns, width = _narrowed(tree, ids, len(roots), targets)
    weights = np.zeros((max(int((~inner).sum()), 1), width), values.dtype)
    voted = np.zeros(weights.shape, np.bool_)
    column = ids - columns[tree]
    np.add.at(weights, (leaf, column), values)
    voted[leaf, column] = True
    return Forest(tests, number_of[roots], columns, weights, voted)


def _narrowed(tree: Array, ids: Array, trees: int, targets: int) -> tuple[Array, int]:
    """The first column and the number of columns of each tree: one, where no tree votes for several targets."""
    least, most = np.full(trees, targets), np.zeros(trees, np.int64)
    np.minimum.at(least, tree, ids)
    np.maximum.at(most, tree, ids)
    if (least < most).any():
        return np.zeros(trees, np.int64), targets
    return np.minimum(least, most), 1


def _check_features(ctx: NodeContext, features: Array, x: Value) -> None:
    """Fails for tests of a feature that there is not."""
    known = x.shape[-1] if x.shape else None
    there = known if isinstance(known, int) else 1 << 31
    wrong = features[(features < 0) | (features >= there)]
    if len(wrong):
        of = f" of {there}" if there == known else ""
        ctx.fail(f"a node tests feature {wrong[0]}{of}", "give the input as many columns, or export the model again")


def _check_targets(ctx: NodeContext, ids: Array, targets: int, leaves: int) -> None:
    """Fails for votes for a target that there is not, and for a table that no memory holds."""
    if len(ids) and not 0 <= ids.min() <= ids.max() < targets:
        wrong = ids.min() if ids.min() < 0 else ids.max()
        ctx.fail(f"a leaf votes for target {wrong} of {targets}", "the file is damaged; export the model again")
    if not 0 < targets * max(leaves, 1) <= MAX_WEIGHTS:
        ctx.fail(f"{leaves} leaves with {targets} targets are given", "the file is damaged; export the model again")


@converter("TreeEnsembleRegressor", since=1, domain=ML)
def tree_regressor(ctx: NodeContext) -> Value:
    """The weights of the leaves that the rows reach, aggregated over the trees."""
    b, targets = ctx.b, int(ctx.attr("n_targets", 1))
    (ids,) = _columns(ctx, "target_ids")
    forest = _read(ctx, "target", targets, ids)
    y = _aggregated(ctx, forest, {}, _data(ctx, dt.f32), ctx.attr("aggregate_function", "SUM"), targets)
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
    (ids,) = _columns(ctx, "class_ids")
    single = count == 2 and len(np.unique(ids)) == 1
    base = numbers(ctx, "base_values")
    if single:
        _check_targets(ctx, ids, count, 1)
        only, ids, count = int(ids[0]), np.zeros_like(ids), 1
    forest = _read(ctx, "class", count, ids)
    scores = _aggregated(ctx, forest, {}, _data(ctx, dt.f32), "SUM", count)
    if single:
        positive = not (forest.weights < 0).any()
        place, pair = _of_one(ctx, scores, only, base, positive)
        return [chosen(ctx, labels, place), to(b, pair, dt.f32)]
    if base.size:
        scores = b.Add(scores, b.const(base.astype(scores.dtype.numpy)))
    return [chosen(ctx, labels, best(ctx, scores)), to(b, transformed(ctx, scores, transform), dt.f32)]


def _of_one(ctx: NodeContext, score: Value, only: int, base: Array, positive: bool) -> tuple[Value, Value]:
    """The place of the label and the scores of two classes, of which but one has votes.

    With votes for the first and one base value, or none, they are probabilities of the second; otherwise the scores of
    the class that they are for, beside the base value of the other one: so does ONNX Runtime. A single base value
    beside votes for the second is left out.
    """
    b, kind, transform = ctx.b, score.dtype, transform_of(ctx)
    alone = only == 0 and base.size < 2
    if base.size == 2 or (base.size and alone):
        score = b.Add(score, number(b, float(base[0 if alone else only]), kind))
    limit = number(b, 0.5 if positive else 0.0, kind)
    place = to_i64(b, b.Greater(b.Squeeze(score, [1]), limit))
    if not alone:
        rest = float(base[0]) if only and base.size == 2 else 0.0
        other = b.Add(b.Multiply(score, number(b, 0, kind)), number(b, rest, kind))
        return place, transformed(ctx, b.Concat(*((other, score) if only else (score, other)), axis=1), transform)
    if positive and transform not in ("LOGISTIC", "PROBIT"):
        return place, b.Concat(b.Subtract(number(b, 1, kind), score), score, axis=1)
    return place, both_classes(ctx, score, transform if transform in ("LOGISTIC", "PROBIT") else "NONE")


# From ai.onnx.ml 5: inner nodes and leaves are listed apart.

AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")


@converter("TreeEnsemble", since=5, domain=ML)
def tree_ensemble(ctx: NodeContext) -> Value:
    """The weights of the leaves that the rows reach, aggregated over the trees."""
    thresholds, weights = (np.asarray(ctx.attr(n)).reshape(-1) for n in ("nodes_splits", "leaf_weights"))
    mode = np.asarray(ctx.attr("nodes_modes")).reshape(-1).astype(np.int64)
    feature, true, false, true_leaf, false_leaf = _columns(
        ctx, *(f"nodes_{n}" for n in ("featureids", "truenodeids", "falsenodeids", "trueleafs", "falseleafs"))
    )
    inner, targets, (ids,) = len(mode), int(ctx.attr("n_targets", 1)), _columns(ctx, "leaf_targetids")
    missing = np.asarray(ctx.attr("nodes_missing_value_tracks_true", None) or np.zeros(inner), np.int64)
    if not inner == len(thresholds) == len(missing) == len(feature) or len(ids) != len(weights):
        ctx.fail("its lists are of different lengths", "the file is damaged; export the model again")
    ends, roots = [], np.asarray(ctx.attr("tree_roots"), np.int64)
    for name, at, leaf in (("true", true, true_leaf != 0), ("false", false, false_leaf != 0)):
        if inner and not ((at >= 0) & (at < np.where(leaf, len(weights), inner))).all():
            ctx.fail(f"attribute `nodes_{name}nodeids` names nodes that there are not")
        ends.append(np.where(leaf, ~at, at))
    if inner and not 0 <= mode.min() <= mode.max() <= MEMBER:
        ctx.fail(f"a node's mode is {mode.max()}", f"ONNX knows {', '.join(MODES[:LEAF])}")
    if len(roots) and not 0 <= roots.min() <= roots.max() < inner:
        ctx.fail("attribute `tree_roots` names nodes that there are not")
    _check_targets(ctx, ids, targets, len(weights))
    table = np.zeros((max(len(weights), 1), targets), weights.dtype)
    table[np.arange(len(ids)), ids] = weights
    voted = np.zeros(table.shape, np.bool_)
    voted[np.arange(len(ids)), ids] = True
    tests = Tests(feature, mode, thresholds, ends[0], ends[1], missing != 0)
    forest = Forest(tests, roots, np.zeros(len(roots), np.int64), table, voted)
    kind, code = from_numpy(thresholds.dtype), int(ctx.attr("aggregate_function", 1))
    how = AGGREGATES[code] if 0 <= code < len(AGGREGATES) else str(code)
    y = _aggregated(ctx, forest, _sets(ctx, mode), _data(ctx, kind), how, targets)
    return to(ctx.b, transformed(ctx, y, transform_of(ctx)), kind)


def _sets(ctx: NodeContext, modes: Array) -> dict[int, list[float]]:
    """The members of each node that tests membership: lists one after the other, with NaN between."""
    nodes = np.flatnonzero(modes == MEMBER).tolist()
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
