"""ai.onnx.ml: support vector machines."""

from __future__ import annotations

import numpy as np

from .....ir import dtype as dt
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .ml_common import ML, best, chosen, class_labels, numbers, rows, transform_of, transformed
from .values import number, to, to_i64


def _kernel(ctx: NodeContext, x: Value, vectors: np.ndarray) -> Value:
    """[N, vectors]: x v^T, (gamma x v^T + coef0)^degree, exp(-gamma |x - v|^2) or tanh(gamma x v^T + coef0)."""
    b, kind = ctx.b, ctx.attr("kernel_type", "LINEAR")
    gamma, coef0, degree = (float(v) for v in (ctx.attr("kernel_params", []) or [0.0, 0.0, 0.0]))
    if kind == "RBF":
        apart = b.Subtract(b.Unsqueeze(x, [2]), b.const(np.ascontiguousarray(vectors.T)))
        squares = b.ReduceSum(b.Multiply(apart, apart), [1], keep_dims=False)
        return b.Exp(b.Multiply(squares, -gamma))
    product = b.MatMul(x, b.const(np.ascontiguousarray(vectors.T)))
    if kind == "LINEAR":
        return product
    moved = b.Add(b.Multiply(product, gamma), coef0)
    if kind == "POLY":
        return b.Power(moved, number(b, degree, dt.f32))
    if kind != "SIGMOID":
        ctx.fail(f"attribute `kernel_type` is '{kind}'", "ONNX knows LINEAR, POLY, RBF, SIGMOID")
    return b.Tanh(moved)


@converter("SVMRegressor", domain=ML)
def svm_regressor(ctx: NodeContext) -> Value:
    """The kernel times the coefficients, plus rho; its sign for a machine of one class."""
    b, x, count = ctx.b, rows(ctx), int(ctx.attr("n_supports", 0))
    weights, rho = numbers(ctx, "coefficients"), numbers(ctx, "rho")
    vectors = numbers(ctx, "support_vectors").reshape(count, -1) if count else weights.reshape(1, -1)
    y = _kernel(ctx, x, vectors)
    if count:
        y = b.MatMul(y, b.const(weights.reshape(-1, 1)))
    y = b.Add(y, float(rho[0]))
    if ctx.attr("one_class", 0):
        one = number(b, 1, dt.f32)
        return b.Select(b.Greater(y, number(b, 0, dt.f32)), one, b.Negative(one))
    return transformed(ctx, y, transform_of(ctx))


@converter("SVMClassifier", domain=ML)
def svm_classifier(ctx: NodeContext) -> list[Value]:
    """The label with the most votes, and the decision of each pair of classes.

    Machine (i, j) decides for i where sum_j of its coefficients times the kernel plus rho is positive. Without vectors
    there is a linear machine for each class.
    """
    b, labels, transform = ctx.b, class_labels(ctx), transform_of(ctx)
    count = int(str((labels.shape or (0,))[0]))
    per_class = list(ctx.attr("vectors_per_class", []))
    weights, rho, x = numbers(ctx, "coefficients"), numbers(ctx, "rho"), rows(ctx)
    if not per_class:
        scores = b.Add(_kernel(ctx, x, weights.reshape(count, -1)), float(rho[0]))
        return [chosen(ctx, labels, best(ctx, scores)), transformed(ctx, scores, transform)]
    total = sum(per_class)
    kernel = _kernel(ctx, x, numbers(ctx, "support_vectors").reshape(total, -1))
    machines, votes = _machines(weights.reshape(-1, total), per_class)
    sums = b.MatMul(to(b, kernel, dt.f64), b.const(machines.T.astype(np.float64)))  # coefficients may be large
    decisions = to(b, b.Add(sums, b.const(rho[: len(machines)].astype(np.float64))), dt.f32)
    won = b.Greater(decisions, number(b, 0, dt.f32))
    first, second = (b.const(v.astype(np.float32)) for v in votes)
    zero = number(b, 0, dt.f32)
    wins = b.Select(b.Unsqueeze(won, [2]), first, second)  # [N, pairs, classes]
    place = best(ctx, b.ReduceSum(wins, [1], keep_dims=False))
    if count == 2:
        place = to_i64(b, b.LessEqual(b.Squeeze(decisions, [1]), zero))
    if len(ctx.attr("prob_a", [])):
        scores = b.CoupleProbabilities(_of_pairs(ctx, decisions), classes=count)
    elif count == 2:
        rest = b.Negative(decisions) if transform == "NONE" else b.Subtract(number(b, 1, dt.f32), decisions)
        return [chosen(ctx, labels, place), b.Concat(rest, decisions, axis=1)]
    else:
        scores = decisions
    return [chosen(ctx, labels, place), transformed(ctx, scores, transform)]


def _machines(weights: np.ndarray, per_class: list[int]) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """[pairs, vectors]: the coefficients of each machine; and whom its decision is a vote for, [1, pairs, classes].

    Row j - 1 of the coefficients of the vectors of class i is for the machine (i, j), row i of those of class j, too.
    """
    starts = np.cumsum([0, *per_class])
    count = len(per_class)
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    machines = np.zeros((len(pairs), starts[-1]), np.float32)
    votes = np.zeros((2, 1, len(pairs), count), np.bool_)
    for p, (i, j) in enumerate(pairs):
        of_i, of_j = slice(starts[i], starts[i + 1]), slice(starts[j], starts[j + 1])
        machines[p, of_i] = weights[j - 1, of_i]
        machines[p, of_j] = weights[i, of_j]
        votes[0, 0, p, i] = votes[1, 0, p, j] = True
    return machines, (votes[0], votes[1])


def _of_pairs(ctx: NodeContext, decisions: Value) -> Value:
    """Platt's probability of the first of each pair: 1 / (1 + exp(a * decision + b)), not quite 0 or 1.

    It is 1 less the logistic function, as ONNX Runtime rounds it.
    """
    b, slope, offset = ctx.b, numbers(ctx, "prob_a"), numbers(ctx, "prob_b")
    pairs = int(str((decisions.shape or (0, 0))[1]))
    if not len(slope) == len(offset) == pairs:
        ctx.fail(f"{len(slope)} prob_a and {len(offset)} prob_b are given for {pairs} pairs of classes")
    x = b.Add(b.Multiply(decisions, b.const(slope)), b.const(offset))
    one = number(b, 1, dt.f32)
    large = b.Divide(one, b.Add(one, b.Exp(b.Negative(b.Abs(x)))))
    logistic = b.Select(b.Less(x, number(b, 0, dt.f32)), b.Subtract(one, large), large)
    return b.Clamp(b.Subtract(one, logistic), min=1e-7, max=float(np.float32(1) - np.float32(1e-7)))
