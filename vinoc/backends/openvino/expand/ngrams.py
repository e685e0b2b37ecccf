"""Counting n-grams, which OpenVINO lacks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import f32
from ....ir.graph import Value
from ....ir.ops.strings import NGramCount
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite

LARGEST = 1 << 24
"""Comparisons of a row up to which all windows are compared with all n-grams at once."""


@rewrite
class ExpandNgramCount(Rewrite):
    """NGramCount(x) [N, width] = sum over lengths n and steps s of ReduceSum(w == pool_n; windows) placed at `columns`.

    The windows w [N, C - (n - 1) s, n] are n slices of x [N, C], each s after the last; one equals an n-gram where all
    its elements do. A product with a matrix of zeros and ones takes the counts to their columns.
    """

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.NGramCount(x)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        op, shape = m.NGramCount, m.x.shape
        if shape is None or not isinstance(shape[-1], int):
            return Decline("the number of elements is not known")
        grams = _places(op)
        if shape[-1] * len(op.pool) > LARGEST:
            return Decline("there are too many elements and n-grams to compare them all at once")
        limits = np.iinfo(m.x.dtype.numpy)
        if any(not limits.min <= e <= limits.max for e in op.pool):
            return Decline(f"elements of the pool are no {m.x.dtype}")
        x = m.x if len(shape) == 2 else b.Unsqueeze(m.x, b.const(np.array([0])))
        width = max(op.columns) + 1
        parts = [
            b.MatMul(counts, b.const(at)) for n, s in _steps(op) for counts, at in _counted(b, x, grams, n, s, width)
        ]
        if not parts:
            return Decline("no n-gram is that short")
        y = reduce(b.Add, parts)
        return y if len(shape) == 2 else b.Squeeze(y, b.const(np.array([0])))


def _steps(op: NGramCount) -> Iterator[tuple[int, int]]:
    """Lengths, and how far apart their elements are; for a single element that is all the same."""
    for n in range(op.shortest, op.longest + 1):
        for step in range(1, op.skips + 2 if n > 1 else 2):
            yield n, step


def _places(op: NGramCount) -> dict[tuple[int, ...], int]:
    """The column of each n-gram that counts; of two that are the same the last one."""
    found: dict[tuple[int, ...], int] = {}
    number = 0
    for n, start in enumerate(op.counts, 1):
        end = op.counts[n] if n < len(op.counts) else len(op.pool)
        for at in range(start, end, n):
            if op.shortest <= n <= op.longest:
                found[op.pool[at : at + n]] = op.columns[number]
            number += 1
    return found


def _counted(
    b: Builder, x: Value, grams: dict[tuple[int, ...], int], n: int, step: int, width: int
) -> Iterator[tuple[Value, np.ndarray[Any, Any]]]:
    """[N, P] counts of the n-grams of one length, and [P, width] their columns; nothing where there are none."""
    chosen = {gram: column for gram, column in grams.items() if len(gram) == n}
    length = (x.shape or (0, 0))[1]
    assert isinstance(length, int)
    windows = length - (n - 1) * step
    if not chosen or windows <= 0:
        return
    pool = np.array(list(chosen), x.dtype.numpy)
    hits = []
    for k in range(n):
        begin, end = np.array([k * step]), np.array([k * step + windows])
        part = b.Slice(x, b.const(begin), b.const(end), b.const(np.array([1])), b.const(np.array([1])))
        hits.append(b.Equal(b.Unsqueeze(part, b.const(np.array([2]))), b.const(pool[:, k])))
    found = b.Convert(reduce(b.LogicalAnd, hits), destination_type=f32)
    columns = np.zeros((len(chosen), width), np.float32)
    columns[np.arange(len(chosen)), list(chosen.values())] = 1
    yield b.ReduceSum(found, b.const(np.array([1])), keep_dims=False), columns
