"""Attention as a loop: softmax(query key^T * scale + mask) value, eight queries at a time.

The keys of a head are turned, so that eight rows of queries, as weights, are multiplied with vectors of keys; the
probabilities are the weights of the values. There are never more than eight rows of scores.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numba import prange

from .memory import aligned, room
from .scalars import exp
from .settings import compiled, loop, threads_for
from .tiles import ROWS, multiply, multiply_apart, store_eight
from .vectors import SHORT, larger, load, plus, splat, store, zeros

Array = np.ndarray[Any, np.dtype[Any]]


def attention(query: Array, key: Array, value: Array, mask: Array | None, scale: Array | None, causal: bool) -> Array:
    """query [...,L,E], key [...,S,E], value [...,S,V], mask broadcast to [...,L,S] -> [...,L,V].

    By default the scale is 1 / sqrt(E). A boolean mask allows where it is true; `causal` takes its place.
    """
    mask = None if causal else mask
    leading = {a.shape[:-2] for a in (query, key, value, mask) if a is not None}
    heads = query.shape[:-2] if len(leading) == 1 else np.broadcast_shapes(*leading)
    q, k, v = (of_heads(a, heads) for a in (query, key, value))
    added = masks(mask, heads, k.shape[1])
    out = room((*heads, q.shape[1], v.shape[2]))
    factor = np.float32(1 / np.sqrt(q.shape[2]) if scale is None else scale.reshape(-1)[0])
    threads = threads_for(out.size * k.shape[1])
    attend(threads, q, k, v, added, factor, causal, out.reshape(len(q), q.shape[1], v.shape[2]))
    return out


def masks(mask: Array | None, heads: tuple[int, ...], seen: int) -> Array:
    """What is added to the scores, [heads,L,S], with one head and one row where they are equal."""
    if mask is None:
        return np.zeros((1, 1, seen), np.float32)
    if mask.dtype == np.bool_:
        mask = np.where(mask, np.float32(0), np.float32(-np.inf))
    mask = mask.reshape((1,) * (2 - mask.ndim) + mask.shape)
    added = mask.reshape(1, *mask.shape[-2:]) if prod(mask.shape[:-2]) == 1 else of_heads(mask, heads)
    return np.ascontiguousarray(np.broadcast_to(added, (*added.shape[:2], seen)))


def of_heads(array: Array, heads: tuple[int, ...]) -> Array:
    """[...,L,X] as [heads,L,X]."""
    if array.shape[:-2] != heads:
        array = np.broadcast_to(array, (*heads, *array.shape[-2:]))
    return np.ascontiguousarray(array.reshape(prod(heads), *array.shape[-2:]))


@loop
def attend(q, k, v, added, factor, causal, out):
    """A head is a task."""
    for head in prange(len(q)):
        attend_head(np.int64(head), q, k, v, added, factor, causal, out)


@compiled
def attend_head(head, q, k, v, added, factor, causal, out):
    """One head. What lies behind the last key of a row of scores is never likely, and behind the values it is 0."""
    length, depth, seen, wide = q.shape[1], q.shape[2], k.shape[1], v.shape[2]
    pitch, across = -(-seen // SHORT) * SHORT, -(-wide // SHORT) * SHORT
    keys, values = turned(k[head], depth, pitch), padded_rows(v[head], across)
    state, sums = aligned(depth * ROWS), aligned(ROWS * across)
    state[:] = 0
    scores = aligned(ROWS * pitch).reshape(ROWS, pitch)
    for first in range(0, length, ROWS):
        rows = min(ROWS, length - first)
        for row in range(rows):
            for i in range(depth):
                state[i * ROWS + row] = q[head, first + row, i] * factor
        for t in range(0, pitch, SHORT):
            store_eight(scores, t, pitch, multiply(state, 0, keys, t, pitch, depth, zeros(SHORT)))
        for row in range(rows):
            line = first + row
            add_mask(
                scores[row], added[head % len(added), line % added.shape[1]], min(line + 1, seen) if causal else seen
            )
            soften(scores, row, pitch)
        for x in range(0, across, SHORT):
            eight = multiply_apart(scores, 0, 1, pitch, values, x, across, seen, zeros(SHORT))
            store_eight(sums, x, across, eight)
        for row in range(rows):
            out[head, first + row] = sums[row * across : row * across + wide]


@compiled
def turned(rows, depth, pitch):
    """Rows [S,E] as [E,pitch], with zeros behind."""
    out = aligned(depth * pitch)
    out[:] = 0
    for t in range(len(rows)):
        for i in range(depth):
            out[i * pitch + t] = rows[t, i]
    return out


@compiled
def padded_rows(rows, pitch):
    """Rows [S,V] as [S,pitch], with zeros behind."""
    out = aligned(len(rows) * pitch)
    out[:] = 0
    for t in range(len(rows)):
        out[t * pitch : t * pitch + rows.shape[1]] = rows[t]
    return out


@compiled
def add_mask(scores, added, allowed):
    """Adds the mask to the first scores; those behind `allowed` are impossible."""
    for t in range(allowed):
        scores[t] += added[t]
    for t in range(allowed, len(scores)):
        scores[t] = np.float32(-np.inf)


@compiled
def soften(scores, row, pitch):
    """exp(x - largest) / sum of those, in place."""
    numbers = scores[row]
    vector = load(scores, row * pitch, zeros(SHORT))
    for t in range(SHORT, pitch, SHORT):
        vector = larger(vector, load(scores, row * pitch + t, vector))
    ends = np.empty(SHORT, np.float32)
    store(ends, 0, vector)
    largest = ends[0]
    for i in range(1, SHORT):
        largest = max(largest, ends[i])
    for t in range(pitch):
        numbers[t] = exp(numbers[t] - largest)
    vector = splat(np.float32(0), zeros(SHORT))
    for t in range(0, pitch, SHORT):
        vector = plus(vector, load(scores, row * pitch + t, vector))
    store(ends, 0, vector)
    total = np.float32(0)
    for i in range(SHORT):
        total += ends[i]
    for t in range(pitch):
        numbers[t] /= total
