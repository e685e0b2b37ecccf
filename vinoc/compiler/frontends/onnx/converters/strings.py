"""Strings and n-grams: internal operations, which IR cannot hold."""

from __future__ import annotations

import numpy as np

from .....ir.dtype import string
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .values import to

MAX_WIDTH = 1 << 26
"""Of a vector of counts: more is a damaged file rather than a vocabulary."""


@converter("StringConcat", since=20)
def string_concat(ctx: NodeContext) -> Value:
    return ctx.b.StringConcat(ctx.input(0), ctx.input(1))


@converter("RegexFullMatch", since=20)
def regex_full_match(ctx: NodeContext) -> Value:
    return ctx.b.RegexFullMatch(ctx.input(0), pattern=ctx.attr("pattern"))


@converter("StringSplit", since=20)
def string_split(ctx: NodeContext) -> list[Value]:
    parts, counts = ctx.b.StringSplit(
        ctx.input(0), delimiter=ctx.attr("delimiter", ""), maxsplit=ctx.attr("maxsplit", -1)
    )
    return [parts, counts]


@converter("StringNormalizer", since=10)
def string_normalizer(ctx: NodeContext) -> Value:
    return ctx.b.StringNormalizer(
        ctx.input(0),
        case_change=ctx.attr("case_change_action", "NONE"),
        is_case_sensitive=bool(ctx.attr("is_case_sensitive", 0)),
        stopwords=tuple(ctx.attr("stopwords", [])),
    )


@converter("TfIdfVectorizer", since=9)
def tf_idf_vectorizer(ctx: NodeContext) -> Value:
    """Counts of n-grams: as they are (TF), whether there are any, weighted (IDF), or counts weighted (TFIDF)."""
    b, x, mode = ctx.b, ctx.input(0), ctx.attr("mode")
    columns = ctx.attr("ngram_indexes")
    if columns and max(columns) >= MAX_WIDTH:
        ctx.fail(f"an n-gram counts at place {max(columns)}", f"results have fewer than {MAX_WIDTH:,} places")
    kind = b.StringNGramCount if x.dtype is string else b.NGramCount
    counts = kind(
        x,
        counts=tuple(ctx.attr("ngram_counts")),
        columns=tuple(columns),
        pool=tuple(ctx.attr("pool_strings" if x.dtype is string else "pool_int64s")),
        shortest=ctx.attr("min_gram_length"),
        longest=ctx.attr("max_gram_length"),
        skips=ctx.attr("max_skip_count"),
    )
    if mode not in ("TF", "IDF", "TFIDF"):
        ctx.fail(f"attribute `mode` is '{mode}'", "ONNX knows TF, IDF, TFIDF")
    if mode == "TF":
        return counts
    if mode == "IDF":
        counts = to(b, b.Greater(counts, 0.0), counts.dtype)
    given = ctx.attr("weights", None) or [1.0] * len(columns)
    if len(given) != len(columns):
        ctx.fail(f"{len(given)} weights are given for {len(columns)} n-grams")
    weights = np.zeros(max(columns) + 1, np.float32)
    weights[columns] = given
    return b.Multiply(counts, b.const(weights))
