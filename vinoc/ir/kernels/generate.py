"""Tensors made of parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import is_integer
from .array import Array
from .convert import convert


def arange(start: Array, stop: Array, step: Array, to: np.dtype[Any]) -> Array:
    """start, start + step, ... below `stop` (above, for a negative step).

    Operands lose their fraction before they are used where the result has integers.
    """
    first, end, stride = (v.reshape(()) for v in (start, stop, step))
    if is_integer(np.empty(0, to)):
        first, end, stride = (convert(v, np.dtype(np.int64)) for v in (first, end, stride))
        if int(stride) == 0:
            raise ValueError("the step is 0")
        return np.arange(int(first), int(end), int(stride)).astype(to)
    first, end, stride = (v.astype(np.float64) for v in (first, end, stride))
    if stride == 0:
        raise ValueError("the step is 0")
    count = max(int(np.ceil((end - first) / stride)), 0)
    return convert(first + np.arange(count) * stride, to)


def eye(rows: Array, columns: Array, diagonal: Array, batch: Array | None, to: np.dtype[Any]) -> Array:
    """Zeros with ones on a diagonal (above the main one if positive), repeated over the batch dimensions."""
    n, m, k = (int(v.reshape(())) for v in (rows, columns, diagonal))
    one = np.eye(n, m, k).astype(to)
    lead = () if batch is None else tuple(batch.reshape(-1).tolist())
    return np.broadcast_to(one, (*lead, n, m)).copy()


def one_hot(indices: Array, depth: Array, on: Array, off: Array, axis: int) -> Array:
    """`on` at the index of each element along a new axis of size `depth`, `off` elsewhere; indices outside are none."""
    size = int(depth.reshape(()))
    rank = indices.ndim + 1
    along = axis % rank
    places = np.arange(size).reshape([size if i == along else 1 for i in range(rank)])
    hit = np.expand_dims(indices, along) == places
    return np.where(hit, on.reshape(()), off.reshape(()))


def mel_weights(bands: int, length: int, rate: int, low: float, high: float, to: np.dtype[Any]) -> Array:
    """[length // 2 + 1, bands]: triangles over the bins of a spectrum, evenly spaced on the mel scale."""
    scale = 2595 / np.log(10)
    first, last = scale * np.log1p(np.array([low, high], np.float32) / 700).astype(np.float64)
    mel = np.arange(bands + 2) * ((last - first) / (bands + 2)) + first
    edges = np.floor((length + 1) * (700 * np.expm1(mel / scale)) / rate).astype(np.int64)
    out = np.zeros((length // 2 + 1, bands))
    for i in range(bands):
        begin, centre, end = edges[i : i + 3]
        rise, fall = np.arange(begin, centre), np.arange(centre, end)
        out[rise, i] = (rise - begin) / max(centre - begin, 1)
        out[fall, i] = (end - fall) / max(end - centre, 1)
        out[centre, i] = 1
    return out.astype(to)
