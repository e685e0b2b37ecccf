"""Mean-variance normalization as loops, a row at a time."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np
from numba import njit, prange

from .memory import room
from .settings import loop, share, tasks_of, threads_for

Array = np.ndarray[Any, np.dtype[Any]]


def normalized(data: Array, axes: Array, with_variance: bool, eps: float, eps_mode: str) -> Array:
    """(data - mean) / sqrt(variance + eps), or / (sqrt(variance) + eps), over the axes, which are the last ones."""
    width = prod(data.shape[data.ndim - axes.size :])
    rows = np.ascontiguousarray(data).reshape(data.size // max(width, 1), width)
    out = room(data.shape)
    threads = threads_for(8 * data.size)
    inside = eps_mode == "INSIDE_SQRT"
    normalize_rows(threads, rows, out.reshape(rows.shape), with_variance, inside, eps, tasks_of(threads, len(rows)))
    return out


@loop
def normalize_rows(rows, out, with_variance, inside, eps, tasks):
    """Some rows are a task."""
    for task in prange(tasks):
        first, last = share(task, tasks, len(rows))
        for i in range(first, last):
            normalize_row(rows[i], out[i], with_variance, inside, eps)


@njit(error_model="numpy", fastmath={"reassoc", "contract"}, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def normalize_row(row, out, with_variance, inside, eps):
    """Sums are formed in any order, so that they can be vectors."""
    count = np.float32(len(row))
    total = np.float32(0)
    for i in range(len(row)):
        total += row[i]
    mean = total / count
    squares = np.float32(0)
    for i in range(len(row)):
        apart = row[i] - mean
        out[i] = apart
        squares += apart * apart
    if with_variance:
        variance = np.float64(squares / count)
        scale = np.float32(1 / (sqrt(variance + eps) if inside else sqrt(variance) + eps))
        for i in range(len(row)):
            out[i] *= scale
