"""ai.onnx.ml: categories as numbers, numbers as categories, one-hot vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .....ir import dtype as dt
from .....ir.dtype import DType, from_numpy
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .ml_common import ML, text
from .values import number, to

_KINDS = (("strings", dt.string), ("int64s", dt.i64), ("floats", dt.f32))


def _place(ctx: NodeContext, x: Value, keys: np.ndarray) -> Value:
    """1 + the index of the last key that equals an element, 0 where none does; NaN equals NaN."""
    b = ctx.b
    if x.dtype is dt.string:
        return b.Add(b.StringIndex(x, keys=tuple(str(k) for k in keys.tolist())), number(b, 1, dt.i64))
    if x.dtype.is_integer and keys.dtype.kind == "i" and len(keys) and _are_near(keys):
        return _place_in_table(ctx, x, keys)
    column = b.Unsqueeze(x, [-1])
    kind = x.dtype
    hit = b.Equal(column, b.const(keys.astype(kind.numpy), kind))
    if kind.is_float and np.isnan(keys.astype(np.float64)).any():
        hit = b.LogicalOr(hit, b.LogicalAnd(b.IsNaN(column), b.const(np.isnan(keys))))
    order = b.const(np.arange(1, len(keys) + 1))
    return b.ReduceMax(b.Select(hit, order, number(b, 0, dt.i64)), [-1], keep_dims=False)


SPARSE, SMALL = 4, 1024
"""A table of all integers between the least key and the largest may have so many elements for each key, or so many."""


def _are_near(keys: np.ndarray) -> bool:
    low, high = int(keys.min()), int(keys.max())
    return high - low < max(SPARSE * len(keys), SMALL) and -(1 << 62) < low <= high < 1 << 62


def _place_in_table(ctx: NodeContext, x: Value, keys: np.ndarray) -> Value:
    """The same for integers that are near each other; the ends of the table are for all that are beyond."""
    b, below, above = ctx.b, int(keys.min()) - 1, int(keys.max()) + 1
    places = np.zeros(above - below + 1, np.int64)
    places[keys.astype(np.int64) - below] = np.arange(1, len(keys) + 1)
    at = b.Maximum(b.Minimum(to(b, x, dt.i64), number(b, above, dt.i64)), number(b, below, dt.i64))
    return b.Gather(b.const(places), b.Subtract(at, number(b, below, dt.i64)), number(b, 0, dt.i64), batch_dims=0)


def _table(ctx: NodeContext, default: Any, values: Any, kind: DType) -> Value:
    """A vector of the default, then the values."""
    if kind is dt.string:
        return text(ctx, [str(default), *(str(v) for v in values)])
    return ctx.b.const(np.asarray([default, *values]).astype(kind.numpy), kind)


def _listed(ctx: NodeContext, side: str) -> tuple[np.ndarray, DType]:
    """The keys or values, and their type."""
    given = ctx.attr(f"{side}_tensor", None)
    if given is not None:
        array = np.asarray(given).reshape(-1)
        return array, dt.string if array.dtype == object else from_numpy(array.dtype)
    for name, kind in _KINDS:
        found = ctx.attr(f"{side}_{name}", None)
        if found:
            array = np.empty(len(found), object) if kind is dt.string else np.asarray(found, kind.numpy)
            array[:] = found
            return array, kind
    return ctx.fail(f"no {side} are given", f"set one of {side}_tensor, {side}_strings, {side}_int64s, {side}_floats")


def _default(ctx: NodeContext, kind: DType) -> Any:
    given = ctx.attr("default_tensor", None)
    if given is not None:
        return np.asarray(given).reshape(-1)[0]
    if kind is dt.string:
        return ctx.attr("default_string", "_Unused")
    return ctx.attr("default_float", -0.0) if kind.is_float else ctx.attr("default_int64", -1)


@converter("LabelEncoder", since=1, domain=ML)
def label_encoder_1(ctx: NodeContext) -> Value:
    """Strings to their index among `classes_strings`, or indices to strings."""
    words, x = ctx.attr("classes_strings"), ctx.input(0)
    if x.dtype is dt.string:
        keys = np.array(words, object)
        table = _table(ctx, ctx.attr("default_int64", -1), range(len(words)), dt.i64)
    else:
        keys = np.arange(len(words))
        table = _table(ctx, ctx.attr("default_string", "_Unused"), words, dt.string)
    return ctx.b.Gather(table, _place(ctx, x, keys), number(ctx.b, 0, dt.i64), batch_dims=0)


@converter("LabelEncoder", since=2, domain=ML)
def label_encoder(ctx: NodeContext) -> Value:
    """The value that belongs to each element as a key, or the default."""
    (keys, _), (values, kind) = _listed(ctx, "keys"), _listed(ctx, "values")
    if len(keys) != len(values):
        ctx.fail(f"{len(keys)} keys and {len(values)} values are given", "there must be as many of both")
    table = _table(ctx, _default(ctx, kind), values, kind)
    return ctx.b.Gather(table, _place(ctx, ctx.input(0), keys), number(ctx.b, 0, dt.i64), batch_dims=0)


@converter("CategoryMapper", domain=ML)
def category_mapper(ctx: NodeContext) -> Value:
    """Strings to integers or integers to strings, by two lists."""
    words, codes, x = ctx.attr("cats_strings"), ctx.attr("cats_int64s"), ctx.input(0)
    if len(words) != len(codes):
        ctx.fail(f"{len(words)} strings and {len(codes)} integers are given", "there must be as many of both")
    if x.dtype is dt.string:
        keys, table = np.array(words, object), _table(ctx, ctx.attr("default_int64", -1), codes, dt.i64)
    else:
        keys, table = np.asarray(codes), _table(ctx, ctx.attr("default_string", "_Unused"), words, dt.string)
    return ctx.b.Gather(table, _place(ctx, x, keys), number(ctx.b, 0, dt.i64), batch_dims=0)


@converter("OneHotEncoder", domain=ML)
def one_hot_encoder(ctx: NodeContext) -> Value:
    """1 at the place of the category, in a new last dimension; zeros where there is no such category.

    `zeros` 0 asks for a failure in that case; all zeros it is here, too.
    """
    b, x = ctx.b, ctx.input(0)
    words = ctx.attr("cats_strings", None)
    if x.dtype is dt.string:
        if not words:
            ctx.fail("the data are strings, and there is no list of strings", "set cats_strings")
        hit = b.Equal(b.Unsqueeze(_place(ctx, x, np.array(words, object)), [-1]), b.const(np.arange(len(words)) + 1))
    else:
        codes = np.asarray(ctx.attr("cats_int64s"), np.int64)
        hit = b.Equal(b.Unsqueeze(to(b, x, dt.i64), [-1]), b.const(codes))
    return to(b, hit, dt.f32)
