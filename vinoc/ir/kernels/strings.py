"""Strings: arrays of objects, each a `str`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .array import Array


def text(value: Any) -> str:
    """An element as `str`; bytes are read as UTF-8."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def texts(data: Array) -> list[str]:
    """All elements, in order."""
    return [text(v) for v in data.reshape(-1).tolist()]


def strings(values: Any, shape: Any) -> Array:
    """An array of objects from a list of strings."""
    out = np.empty(len(values), object)
    out[:] = values
    return out.reshape(shape)


def concat(a: Array, b: Array) -> Array:
    """a + b, broadcast."""
    left, right = np.broadcast_arrays(a, b)
    return strings([x + y for x, y in zip(texts(left), texts(right))], left.shape)


def equal(a: Array, b: Array) -> Array:
    """a == b, broadcast."""
    left, right = np.broadcast_arrays(a, b)
    found = [x == y for x, y in zip(texts(left), texts(right))]
    return np.array(found, np.bool_).reshape(left.shape)


def index(data: Array, keys: Any) -> Array:
    """The place of each element among the keys, -1 where there is none."""
    place = {key: i for i, key in enumerate(keys)}
    return np.array([place.get(s, -1) for s in texts(data)], np.int64).reshape(data.shape)


def to_number(data: Array, to: np.dtype[Any]) -> Array:
    """The numbers that strings spell. Raises ValueError for a string that is none."""
    if to.kind in "iu":
        whole = [int(s) if s.strip().lstrip("+-").isdigit() else int(float(s)) for s in texts(data)]
        return np.array(whole).astype(to).reshape(data.shape)
    if to == np.bool_:
        return np.array([float(s) != 0 for s in texts(data)], np.bool_).reshape(data.shape)
    return np.array([float(s) for s in texts(data)]).astype(to).reshape(data.shape)


def from_number(data: Array) -> Array:
    """Numbers as strings, with the fewest digits that tell them apart."""
    exact = data if data.dtype.kind in "biuf" else data.astype(np.float32)
    return strings([spelled(v) for v in exact.reshape(-1)], data.shape)


def spelled(value: Any) -> str:
    """A number as ONNX spells it."""
    if value.dtype.kind == "f" and not np.isfinite(value):
        return "NaN" if np.isnan(value) else "INF" if value > 0 else "-INF"
    if value.dtype.kind == "b":
        return "1" if value else "0"
    return str(value)


def full_match(data: Array, pattern: str) -> Array:
    """True where the whole of an element matches a regular expression."""
    compiled = re.compile(pattern)
    found = [compiled.fullmatch(s) is not None for s in texts(data)]
    return np.array(found, np.bool_).reshape(data.shape)


def split(data: Array, delimiter: str, maxsplit: int) -> tuple[Array, Array]:
    """The parts of each element, padded with "" to the longest list, and how many there are."""
    parts = [s.split(delimiter or None, maxsplit) for s in texts(data)]
    width = max([len(p) for p in parts], default=0)
    padded = [part for row in parts for part in [*row, *[""] * (width - len(row))]]
    counts = np.array([len(p) for p in parts], np.int64).reshape(data.shape)
    return strings(padded, (*data.shape, width)), counts


def normalize(data: Array, change: str, case_sensitive: bool, stopwords: Any) -> Array:
    """[C] or [1, C] without the stop words, in another case; one empty string where nothing is left."""
    stop = set(stopwords) if case_sensitive else {w.lower() for w in stopwords}
    kept = [s for s in texts(data) if (s if case_sensitive else s.lower()) not in stop] or [""]
    if change != "NONE":
        kept = [s.lower() if change == "LOWER" else s.upper() for s in kept]
    return strings(kept, (*data.shape[:-1], len(kept)))


def ngram_counts(
    data: Array, starts: Any, pool: Any, columns: Any, shortest: int, longest: int, skips: int, width: int
) -> Array:
    """[N, width]: how often each n-gram of the pool occurs in each row, with 0 to `skips` elements left out between.

    `starts[n - 1]` is where the n-grams of length n begin in the pool; `columns` has the place of each in the result.
    """
    rows = data.reshape(1, -1) if data.ndim < 2 else data
    words = [texts(row) for row in rows] if data.dtype == object else rows.tolist()
    place: dict[Any, int] = {}
    number = 0
    for n, start in enumerate(starts, 1):
        end = starts[n] if n < len(starts) else len(pool)
        for at in range(start, end, n):
            if shortest <= n <= longest:
                place[tuple(pool[at : at + n])] = number
            number += 1
    out = np.zeros((len(words), width), np.float32)
    for row, tokens in enumerate(words):
        for n in range(shortest, longest + 1):
            for step in range(1, skips + 2 if n > 1 else 2):
                for first in range(len(tokens) - (n - 1) * step):
                    found = place.get(tuple(tokens[first : first + (n - 1) * step + 1 : step]))
                    if found is not None:
                        out[row, columns[found]] += 1
    return out if data.ndim == 2 else out[0]
