"""ai.onnx.ml: scaling, imputing and binarizing features, linear models."""

from __future__ import annotations

import numpy as np

from .....ir import dtype as dt
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .ml_common import ML, best, chosen, class_labels, numbers, rows, transform_of, transformed
from .values import ints, number, rank, reshape, to, to_i64


@converter("Scaler", domain=ML)
def scaler(ctx: NodeContext) -> Value:
    """(x - offset) * scale."""
    b, x = ctx.b, to(ctx.b, ctx.input(0), dt.f32)
    offset, scale = numbers(ctx, "offset"), numbers(ctx, "scale")
    if offset.size:
        x = b.Subtract(x, b.const(offset))
    return b.Multiply(x, b.const(scale)) if scale.size else x


@converter("Normalizer", domain=ML)
def normalizer(ctx: NodeContext) -> Value:
    """Rows divided by their maximum, by the sum of their magnitudes (L1) or by their length (L2)."""
    b, x, norm = ctx.b, to(ctx.b, ctx.input(0), dt.f32), ctx.attr("norm", "MAX")
    if norm == "MAX":
        size = b.ReduceMax(x, [-1], keep_dims=True)
    elif norm == "L1":
        size = b.ReduceL1(x, [-1], keep_dims=True)
    elif norm == "L2":
        size = b.ReduceL2(x, [-1], keep_dims=True)
    else:
        ctx.fail(f"attribute `norm` is '{norm}'", "ONNX knows MAX, L1, L2")
    return b.Divide(x, b.Select(b.Equal(size, number(b, 0, dt.f32)), number(b, 1, dt.f32), size))


@converter("Binarizer", domain=ML)
def binarizer(ctx: NodeContext) -> Value:
    """1 above the threshold, 0 elsewhere."""
    b, x, threshold = ctx.b, ctx.input(0), float(ctx.attr("threshold", 0.0))
    data = x if x.dtype.is_float else to(b, x, dt.f32)
    return to(b, b.Greater(data, number(b, threshold, data.dtype)), x.dtype)


@converter("Imputer", domain=ML)
def imputer(ctx: NodeContext) -> Value:
    """Another value in place of one (NaN included), the same for all features or one for each."""
    b, x = ctx.b, ctx.input(0)
    if x.dtype.is_float:
        values, replaced = ctx.attr("imputed_value_floats", []), ctx.attr("replaced_value_float", 0.0)
    else:
        values, replaced = ctx.attr("imputed_value_int64s", []), ctx.attr("replaced_value_int64", 0)
    if not values:
        ctx.fail("no imputed value is given for the type of the data", f"the data are {x.type}")
    fill = np.asarray(values).astype(x.dtype.numpy)
    hit = b.IsNaN(x) if x.dtype.is_float and np.isnan(replaced) else b.Equal(x, number(b, replaced, x.dtype))
    return b.Select(hit, b.const(fill.reshape(()) if len(fill) == 1 else fill), x)


@converter("ArrayFeatureExtractor", domain=ML)
def array_feature_extractor(ctx: NodeContext) -> Value:
    """Gather of the last dimension; a vector is one row."""
    b, x, places = ctx.b, ctx.input(0), to_i64(ctx.b, ctx.input(1))
    picked = b.Gather(x, reshape(b, places, [-1]), number(b, -1, dt.i64), batch_dims=0)
    return b.Unsqueeze(picked, [0]) if rank(ctx, x) == 1 else picked


@converter("FeatureVectorizer", domain=ML)
def feature_vectorizer(ctx: NodeContext) -> Value:
    """Concat of all features as f32; a vector is one row."""
    b, parts = ctx.b, []
    for i in range(len(ctx.inputs)):
        x = to(b, ctx.input(i), dt.f32)
        parts.append(b.Unsqueeze(x, [0]) if rank(ctx, x) == 1 else x)
    return b.Concat(*parts, axis=1)


@converter("ZipMap", domain=ML)
def zip_map(ctx: NodeContext) -> Value:
    """The scores themselves, [N, classes], in place of a dictionary from classes to scores for each row."""
    return ctx.b.Identity(ctx.input(0))


def _scores(ctx: NodeContext, count: int) -> Value:
    """x w^T + intercepts, [N, count]."""
    b, weights, intercepts = ctx.b, numbers(ctx, "coefficients"), numbers(ctx, "intercepts")
    if not count or weights.size % count:
        ctx.fail(f"{weights.size} coefficients are given for {count} targets")
    y = b.MatMul(rows(ctx), b.const(np.ascontiguousarray(weights.reshape(count, -1).T)))
    return b.Add(y, b.const(intercepts)) if intercepts.size else y


@converter("LinearRegressor", domain=ML)
def linear_regressor(ctx: NodeContext) -> Value:
    """MatMul and Add."""
    return transformed(ctx, _scores(ctx, int(ctx.attr("targets", 1))), transform_of(ctx))


@converter("LinearClassifier", domain=ML)
def linear_classifier(ctx: NodeContext) -> list[Value]:
    """The label of the largest score, and the scores; a single one is for the second of two classes where it is > 0."""
    b, labels, transform = ctx.b, class_labels(ctx), transform_of(ctx)
    count = numbers(ctx, "intercepts").size or int(str((labels.shape or (1,))[0]))
    scores = _scores(ctx, int(count))
    if count > 1:
        return [chosen(ctx, labels, best(ctx, scores)), transformed(ctx, scores, transform)]
    place = to_i64(b, b.Greater(b.Squeeze(scores, ints(b, [1])), number(b, 0, dt.f32)))
    return [chosen(ctx, labels, place), both_classes(ctx, scores, transform)]


def both_classes(ctx: NodeContext, score: Value, transform: str) -> Value:
    """The scores of two classes from that of the second, [N, 1] -> [N, 2]."""
    b = ctx.b
    if transform == "LOGISTIC":
        return b.Concat(b.Sigmoid(b.Negative(score)), b.Sigmoid(score), axis=1)
    if transform == "PROBIT":
        return transformed(ctx, score, transform)
    pair = b.Concat(b.Negative(score), score, axis=1)
    return transformed(ctx, pair, transform)
