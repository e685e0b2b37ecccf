"""Recurrent cells and sequences of them.

The product of the whole sequence with the weights is formed at once; the steps then add what comes of the state.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import activation
from .arithmetic import like, widen
from .array import Array

Names = Sequence[str]
Floats = Sequence[float]


def activate(x: Array, index: int, names: Names, alpha: Floats, beta: Floats, clip: float) -> Array:
    """Activation number `index` of a cell, on its argument limited to [-clip, clip] (0: not limited)."""
    if clip > 0:
        x = np.clip(x, x.dtype.type(-clip), x.dtype.type(clip))
    name = names[index]
    if name == "sigmoid":
        return activation.sigmoid(x)
    if name == "tanh":
        return np.asarray(np.tanh(x))
    if name == "relu":
        return np.asarray(np.maximum(x, 0))
    slope = alpha[index] if index < len(alpha) else 0.2
    offset = beta[index] if index < len(beta) else 0.5
    return np.asarray(np.clip(x * x.dtype.type(slope) + x.dtype.type(offset), 0, 1))  # hardsigmoid


def lstm_step(
    gates: Array, h: Array, c: Array, r: Array, names: Names, alpha: Floats, beta: Floats, clip: float
) -> tuple[Array, Array]:
    """One step: gates [N,4H] is what the input adds, in the order forget, input, cell, output."""
    f, i, g, o = np.split(gates + np.matmul(h, r.T), 4, -1)
    forget = activate(f, 0, names, alpha, beta, clip)
    write = activate(i, 0, names, alpha, beta, clip)
    cell = forget * c + write * activate(g, 1, names, alpha, beta, clip)
    return activate(o, 0, names, alpha, beta, clip) * activate(cell, 2, names, alpha, beta, 0), cell


def gru_step(
    gates: Array, h: Array, r: Array, b: Array, linear: bool, names: Names, alpha: Floats, beta: Floats, clip: float
) -> Array:
    """One step: gates [N,3H] is what the input adds, in the order update, reset, hidden.

    With `linear` (linear_before_reset) b is the bias of the recurrent part of the hidden gate, else it is unused.
    """
    size = h.shape[-1]
    recurrent = np.matmul(h, r[: 2 * size].T)
    update = activate(gates[:, :size] + recurrent[:, :size], 0, names, alpha, beta, clip)
    reset = activate(gates[:, size : 2 * size] + recurrent[:, size:], 0, names, alpha, beta, clip)
    if linear:
        hidden = reset * (np.matmul(h, r[2 * size :].T) + b)
    else:
        hidden = np.matmul(reset * h, r[2 * size :].T)
    new = activate(gates[:, 2 * size :] + hidden, 1, names, alpha, beta, clip)
    return np.asarray(update * h + (1 - update) * new)


def rnn_step(gates: Array, h: Array, r: Array, names: Names, alpha: Floats, beta: Floats, clip: float) -> Array:
    """One step: gates [N,H] is what the input adds."""
    return activate(gates + np.matmul(h, r.T), 0, names, alpha, beta, clip)


def gru_bias(b: Array, size: int, linear: bool) -> tuple[Array, Array]:
    """The bias of the gates, and that of the recurrent part of the hidden gate (`linear` alone has it)."""
    return b[: 3 * size], b[3 * size :] if linear else b[:0]


def lstm_cell(
    x: Array, h: Array, c: Array, w: Array, r: Array, b: Array, names: Names, alpha: Floats, beta: Floats, clip: float
) -> tuple[Array, Array]:
    """x [N,I], h and c [N,H], w [4H,I], r [4H,H], b [4H] -> h, c."""
    gates = np.matmul(widen(x), widen(w).T) + widen(b)
    out, cell = lstm_step(gates, widen(h), widen(c), widen(r), names, alpha, beta, clip)
    return like(out, x), like(cell, x)


def gru_cell(
    x: Array, h: Array, w: Array, r: Array, b: Array, linear: bool,
    names: Names, alpha: Floats, beta: Floats, clip: float,
) -> Array:  # fmt: skip
    """x [N,I], h [N,H], w [3H,I], r [3H,H], b [3H] or [4H] -> h."""
    bias, hidden_bias = gru_bias(widen(b), h.shape[-1], linear)
    gates = np.matmul(widen(x), widen(w).T) + bias
    return like(gru_step(gates, widen(h), widen(r), hidden_bias, linear, names, alpha, beta, clip), x)


def rnn_cell(
    x: Array, h: Array, w: Array, r: Array, b: Array, names: Names, alpha: Floats, beta: Floats, clip: float
) -> Array:
    """x [N,I], h [N,H], w [H,I], r [H,H], b [H] -> h."""
    gates = np.matmul(widen(x), widen(w).T) + widen(b)
    return like(rnn_step(gates, widen(h), widen(r), names, alpha, beta, clip), x)


def lstm_sequence(
    x: Array, h: Array, c: Array, lengths: Array, w: Array, r: Array, b: Array, direction: str,
    names: Names, alpha: Floats, beta: Floats, clip: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """x [N,T,I], h and c [N,D,H], w [D,4H,I], ... -> all h [N,D,T,H], the last h and c [N,D,H]."""
    out = np.zeros((len(x), h.shape[1], x.shape[1], h.shape[2]), widen(x).dtype)
    last_h, last_c = widen(h).astype(out.dtype), widen(c).astype(out.dtype)
    for d in range(h.shape[1]):
        gates = np.matmul(widen(x), widen(w[d]).T) + widen(b[d])
        recurrent = widen(r[d])
        for t, active in steps(x.shape[1], lengths, is_reverse(direction, d)):
            new = lstm_step(gates[:, t], last_h[:, d], last_c[:, d], recurrent, names, alpha, beta, clip)
            out[:, d, t] = np.where(active, new[0], 0)
            last_h[:, d] = np.where(active, new[0], last_h[:, d])
            last_c[:, d] = np.where(active, new[1], last_c[:, d])
    return like(out, x), like(last_h, x), like(last_c, x)


def gru_sequence(
    x: Array, h: Array, lengths: Array, w: Array, r: Array, b: Array, direction: str, linear: bool,
    names: Names, alpha: Floats, beta: Floats, clip: float,
) -> tuple[Array, Array]:  # fmt: skip
    """x [N,T,I], h [N,D,H], w [D,3H,I], ... -> all h [N,D,T,H], the last h [N,D,H]."""
    out = np.zeros((len(x), h.shape[1], x.shape[1], h.shape[2]), widen(x).dtype)
    last = widen(h).astype(out.dtype)
    for d in range(h.shape[1]):
        bias, hidden_bias = gru_bias(widen(b[d]), h.shape[2], linear)
        gates = np.matmul(widen(x), widen(w[d]).T) + bias
        recurrent = widen(r[d])
        for t, active in steps(x.shape[1], lengths, is_reverse(direction, d)):
            new = gru_step(gates[:, t], last[:, d], recurrent, hidden_bias, linear, names, alpha, beta, clip)
            out[:, d, t] = np.where(active, new, 0)
            last[:, d] = np.where(active, new, last[:, d])
    return like(out, x), like(last, x)


def rnn_sequence(
    x: Array, h: Array, lengths: Array, w: Array, r: Array, b: Array, direction: str,
    names: Names, alpha: Floats, beta: Floats, clip: float,
) -> tuple[Array, Array]:  # fmt: skip
    """x [N,T,I], h [N,D,H], w [D,H,I], ... -> all h [N,D,T,H], the last h [N,D,H]."""
    out = np.zeros((len(x), h.shape[1], x.shape[1], h.shape[2]), widen(x).dtype)
    last = widen(h).astype(out.dtype)
    for d in range(h.shape[1]):
        gates = np.matmul(widen(x), widen(w[d]).T) + widen(b[d])
        recurrent = widen(r[d])
        for t, active in steps(x.shape[1], lengths, is_reverse(direction, d)):
            new = rnn_step(gates[:, t], last[:, d], recurrent, names, alpha, beta, clip)
            out[:, d, t] = np.where(active, new, 0)
            last[:, d] = np.where(active, new, last[:, d])
    return like(out, x), like(last, x)


def is_reverse(direction: str, index: int) -> bool:
    return direction == "reverse" or index == 1


def steps(time: int, lengths: Array, reverse: bool) -> list[tuple[int, Array]]:
    """The steps in the order they are taken, each with the sequences that are so long, as a column.

    Backwards, a short sequence waits in its initial state until its own last step comes.
    """
    order = range(time - 1, -1, -1) if reverse else range(time)
    return [(t, (lengths > t)[:, None]) for t in order]
