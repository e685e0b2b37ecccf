"""What the operators of classical machine learning share: transforms of scores, and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .....ir import dtype as dt
from .....ir.dtype import DType
from .....ir.graph import Value
from ..context import NodeContext
from .values import number, rank, to

ML = "ai.onnx.ml"
TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


def transform_of(ctx: NodeContext) -> str:
    """The attribute `post_transform`, which newer operators give by number."""
    given = ctx.attr("post_transform", None)
    if given is None:
        return "NONE"
    name = TRANSFORMS[given] if isinstance(given, int) and 0 <= given < len(TRANSFORMS) else given
    if name not in TRANSFORMS:
        ctx.fail(f"attribute `post_transform` is {given!r}", f"ONNX knows {', '.join(TRANSFORMS)}")
    return str(name)


def transformed(ctx: NodeContext, scores: Value, name: str) -> Value:
    """Scores [N, classes] by a transform."""
    b = ctx.b
    if name == "NONE":
        return scores
    if name == "SOFTMAX":
        return b.SoftMax(scores, axis=-1)
    if name == "LOGISTIC":
        return b.Sigmoid(scores)
    return _softmax_zero(ctx, scores) if name == "SOFTMAX_ZERO" else _probit(ctx, scores)


def _softmax_zero(ctx: NodeContext, scores: Value) -> Value:
    """A soft maximum among the scores that are not zero; zeros stay."""
    b, zero = ctx.b, number(ctx.b, 0, scores.dtype)
    there = b.Greater(b.Abs(scores), number(b, 1e-7, scores.dtype))
    terms = b.Exp(b.Subtract(scores, b.ReduceMax(scores, [-1], keep_dims=True)))
    terms = b.Select(there, terms, zero)
    total = b.ReduceSum(terms, [-1], keep_dims=True)
    return b.Divide(terms, b.Select(b.Equal(total, zero), number(b, 1, scores.dtype), total))


def _probit(ctx: NodeContext, p: Value) -> Value:
    """sqrt(2) * erfinv(2 p - 1), with S. Winitzki's approximation of erfinv (2008), as ONNX Runtime computes it."""
    b, a = ctx.b, 0.147
    x = b.Subtract(b.Multiply(p, 2.0), 1.0)
    log = b.Log(b.Subtract(number(b, 1, p.dtype), b.Multiply(x, x)))
    v = b.Add(b.Multiply(log, 0.5), 2.0 / (math.pi * a))
    root = b.Sqrt(b.Subtract(b.Multiply(v, v), b.Divide(log, a)))
    return b.Multiply(b.Multiply(b.Sign(x), b.Sqrt(b.Subtract(root, v))), math.sqrt(2.0))


def numbers(ctx: NodeContext, name: str, kind: DType = dt.f32) -> np.ndarray:
    """A list of numbers, from the attribute `name` or the tensor `name_as_tensor`; empty where neither is given."""
    given = ctx.attr(f"{name}_as_tensor", None)
    if given is not None:
        return np.asarray(given).reshape(-1)
    return np.asarray(ctx.attr(name, []), np.float32).astype(kind.numpy)


def class_labels(ctx: NodeContext) -> Value:
    """The labels of the classes, i64 or strings, in order."""
    for name in ("classlabels_int64s", "classlabels_ints"):
        given = ctx.attr(name, None)
        if given:
            return ctx.b.const(np.asarray(given, np.int64))
    words = ctx.attr("classlabels_strings", None)
    if not words:
        ctx.fail("it has no class labels", "set classlabels_int64s, classlabels_ints or classlabels_strings")
    return text(ctx, words)


def text(ctx: NodeContext, words: Sequence[str]) -> Value:
    """A vector of strings."""
    array = np.empty(len(words), object)
    array[:] = list(words)
    return ctx.b.const(array, dt.string)


def chosen(ctx: NodeContext, labels: Value, places: Value) -> Value:
    """Labels by index: numbers that follow one another evenly are worked out."""
    b, known = ctx.b, labels.known
    if known is not None and len(known) > 1 and labels.dtype is dt.i64:
        first, step = int(known[0]), int(known[1]) - int(known[0])
        if np.array_equal(known, first + step * np.arange(len(known))):
            spread = places if step == 1 else b.Multiply(places, number(b, step, dt.i64))
            return spread if first == 0 else b.Add(spread, number(b, first, dt.i64))
    return b.Gather(labels, places, number(ctx.b, 0, dt.i64), batch_dims=0)


def best(ctx: NodeContext, scores: Value) -> Value:
    """The index of the largest score of each row, [N]; of equal ones the first."""
    b = ctx.b
    _, places = b.TopK(
        scores, number(b, 1, dt.i64), axis=-1, mode="max", sort="value", index_element_type=dt.i64, stable=True
    )
    return b.Squeeze(places, [-1])


def rows(ctx: NodeContext, kind: DType = dt.f32) -> Value:
    """The data as [N, F] floats; a vector is one row."""
    b, x = ctx.b, ctx.input(0)
    x = to(b, x, kind)
    return b.Unsqueeze(x, [0]) if rank(ctx, x) == 1 else x
