"""Probabilities of classes from those of pairs of classes."""

from __future__ import annotations

import numpy as np

from .array import Array

ROUNDS = 100


def couple(pairs: Array, count: int) -> Array:
    """[N, count]. All rows advance together; one that has converged stays as it is."""
    one = pairs.dtype.type(1)
    upper = np.triu_indices(count, 1)
    r = np.zeros((len(pairs), count, count), pairs.dtype)
    r[:, upper[0], upper[1]] = pairs
    r[:, upper[1], upper[0]] = one - pairs
    q = -(np.swapaxes(r, 1, 2) * r)
    q[:, upper[1], upper[0]] = q[:, upper[0], upper[1]]
    for i in range(count):
        q[:, i, i] = 0
        for j in range(count):
            if j != i:
                q[:, i, i] += r[:, j, i] * r[:, j, i]
    p = np.full((len(pairs), count), one / pairs.dtype.type(count))
    limit = pairs.dtype.type(0.005) / pairs.dtype.type(count)
    going = np.arange(len(pairs))
    for _ in range(ROUNDS):
        qp, total = _products(q[going], p[going])
        error = np.abs(qp - total[:, None])
        apart = np.where(np.isnan(error), 0, error).max(1) >= limit
        going, qp, total = going[apart], qp[apart], total[apart]
        if not len(going):
            break
        p[going] = _step(q[going], p[going], qp, total)
    return p


def _products(q: Array, p: Array) -> tuple[Array, Array]:
    """Q p and p^T Q p, summed in order."""
    qp, total = np.zeros_like(p), np.zeros(len(p), p.dtype)
    for i in range(p.shape[1]):
        for j in range(p.shape[1]):
            qp[:, i] += q[:, i, j] * p[:, j]
        total += p[:, i] * qp[:, i]
    return qp, total


def _step(q: Array, p: Array, qp: Array, total: Array) -> Array:
    """Each probability in turn is moved to where its condition holds, and all are divided by their sum."""
    for i in range(p.shape[1]):
        own = q[:, i, i]
        change = (total - qp[:, i]) / own
        whole = (1 + change)[:, None]
        p[:, i] += change
        total = (total + change * (change * own + 2 * qp[:, i])) / whole[:, 0] / whole[:, 0]
        qp = (qp + change[:, None] * q[:, i]) / whole
        p = p / whole
    return p
