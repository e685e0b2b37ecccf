"""LSTM and GRU as loops over the steps: some sequences, in one direction, are a task.

What the input adds to the gates is one product for all steps, which is NumPy's. In each step, eight rows of states, as
weights, are multiplied with the recurrent weights, and the gates follow while the sums are in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from .memory import aligned, room
from .scalars import sigmoid, tanh
from .settings import compiled, loop, threads_for
from .tiles import ROWS, multiply, store_eight
from .vectors import WIDE, element, load, plus_product, store, zeros

Array = np.ndarray[Any, np.dtype[Any]]

# Sequences up to which each is multiplied alone, four vectors at a time.
ALONE = 2


def pack_recurrent(r: Array) -> Array:
    """Recurrent weights [D,G*H,H] as [D,H,G*H] in one row, with zeros for vectors that reach over its end."""
    packed = np.zeros(r.size + 4 * WIDE, np.float32)
    packed[: r.size] = np.swapaxes(r, 1, 2).reshape(-1)
    return packed


def pack_cell(r: Array) -> Array:
    """The same for [G*H,H]."""
    return pack_recurrent(r[None])


def lstm(
    x: Array, r: Array, h: Array, c: Array, lengths: Array, w: Array, b: Array, direction: str
) -> tuple[Array, Array, Array]:
    """x [N,T,I], packed r, h and c [N,D,H], lengths [N], w [D,4H,I], b [D,4H] -> all h [N,D,T,H], the last h and c."""
    gates, out, threads = prepared(x, h, w)
    h, c, lengths = np.array(h, order="C"), np.array(c, order="C"), np.array(lengths, np.int64)
    lstm_steps(threads, gates, r, np.ascontiguousarray(b), lengths, out, h, c, direction == "reverse")
    return out, h, c


def lstm_cell(x: Array, r: Array, h: Array, c: Array, w: Array, b: Array) -> tuple[Array, Array]:
    """One step: x [N,I], packed r, h and c [N,H], w [4H,I], b [4H] -> h, c."""
    one = np.ones(len(x), np.int64)
    _, h, c = lstm(x[:, None], r, h[:, None], c[:, None], one, w[None], b[None], "forward")
    return h[:, 0], c[:, 0]


def gru(
    x: Array, r: Array, h: Array, lengths: Array, w: Array, b: Array, direction: str, linear: bool
) -> tuple[Array, Array]:
    """x [N,T,I], packed r, h [N,D,H], lengths [N], w [D,3H,I], b [D,3H] or [D,4H] -> all h [N,D,T,H], the last h."""
    gates, out, threads = prepared(x, h, w)
    h, lengths = np.array(h, order="C"), np.array(lengths, np.int64)
    gru_steps(threads, gates, r, np.ascontiguousarray(b), lengths, out, h, direction == "reverse", linear)
    return out, h


def gru_cell(x: Array, r: Array, h: Array, w: Array, b: Array, linear: bool) -> Array:
    """One step: x [N,I], packed r, h [N,H], w [3H,I], b [3H] or [4H] -> h."""
    one = np.ones(len(x), np.int64)
    return gru(x[:, None], r, h[:, None], one, w[None], b[None], "forward", linear)[1][:, 0]


def prepared(x: Array, h: Array, w: Array) -> tuple[Array, Array, int]:
    """What the input adds to the gates, [D,N*T,G*H], room for all h, and threads."""
    (batch, time, depth), (directions, width, _), size = x.shape, w.shape, h.shape[2]
    gates = room((directions, batch * time, width))
    rows = x.reshape(batch * time, depth)
    for d in range(directions):
        np.matmul(rows, w[d].T, out=gates[d])
    return gates, room((batch, directions, time, size)), threads_for(gates.size * size)


@loop
def lstm_steps(gates, r, b, lengths, out, h, c, reverse):
    """All steps of LSTMs; h and c are first the states before them, then those behind."""
    groups = -(-len(out) // ROWS)
    for task in prange(out.shape[1] * groups):
        d, group = divmod(np.int64(task), groups)
        last = min((group + 1) * ROWS, len(out))
        lstm_group(d, group * ROWS, last, gates, r, b, lengths, out, h, c, reverse or d == 1)


@compiled
def lstm_group(d, first, last, gates, r, b, lengths, out, h, c, backwards):
    """Some sequences in one direction. Gates in the order forget, input, cell, output."""
    time, size = out.shape[2:]
    state, sums = rooms(size, 4 * size)
    for step in range(time):
        t = time - 1 - step if backwards else step
        turn(h, d, first, last, state)
        recur(state, last - first, r, d * size, 4 * size, 0, 4 * size, sums)
        for n in range(first, last):
            if t < lengths[n]:
                row = sums[n - first]
                add_input(row, gates[d, n * out.shape[2] + t], b[d])
                lstm_row(row, c[n, d], h[n, d], size)
                out[n, d, t] = h[n, d]
            else:
                out[n, d, t] = 0


@compiled
def lstm_row(row, c, h, size):
    """The state of one sequence from the sums of its gates."""
    for j in range(size):
        c[j] = sigmoid(row[j]) * c[j] + sigmoid(row[size + j]) * tanh(row[2 * size + j])
    for j in range(size):
        h[j] = sigmoid(row[3 * size + j]) * tanh(c[j])


@loop
def gru_steps(gates, r, b, lengths, out, h, reverse, linear):
    """All steps of GRUs; h is first the state before them, then that behind."""
    groups = -(-len(out) // ROWS)
    for task in prange(out.shape[1] * groups):
        d, group = divmod(np.int64(task), groups)
        last = min((group + 1) * ROWS, len(out))
        gru_group(d, group * ROWS, last, gates, r, b, lengths, out, h, reverse or d == 1, linear)


@compiled
def gru_group(d, first, last, gates, r, b, lengths, out, h, backwards, linear):
    """Some sequences in one direction. Gates in the order update, reset, hidden."""
    time, size = out.shape[2:]
    state, sums = rooms(size, 3 * size)
    kept = np.empty((ROWS, 1, size), np.float32)
    width, hidden = 3 * size, 2 * size
    for step in range(time):
        t = time - 1 - step if backwards else step
        turn(h, d, first, last, state)
        recur(state, last - first, r, d * size, width, 0, width if linear else hidden, sums)
        for n in range(first, last):
            row, more = sums[n - first], gates[d, n * out.shape[2] + t]
            add_input(row[:hidden], more[:hidden], b[d, :hidden])
            for j in range(size):
                row[size + j] = sigmoid(row[size + j])
            if not linear:
                for j in range(size):
                    kept[n - first, 0, j] = row[size + j] * h[n, d, j]
        if not linear:
            turn(kept, 0, 0, last - first, state)
            recur(state, last - first, r, d * size, width, hidden, width, sums)
        for n in range(first, last):
            if t < lengths[n]:
                row, more = sums[n - first], gates[d, n * out.shape[2] + t]
                if linear:
                    for j in range(size):
                        row[hidden + j] = row[size + j] * (row[hidden + j] + b[d, width + j])
                add_input(row[hidden:width], more[hidden:], b[d, hidden:width])
                gru_row(row, h[n, d], size)
                out[n, d, t] = h[n, d]
            else:
                out[n, d, t] = 0


@compiled
def gru_row(row, h, size):
    """The state of one sequence: update * h + (1 - update) * tanh(hidden)."""
    for j in range(size):
        update = sigmoid(row[j])
        h[j] = update * h[j] + (np.float32(1) - update) * tanh(row[2 * size + j])


@compiled
def rooms(size, width):
    """Room for eight rows of states, turned, and for their products."""
    state = aligned(size * ROWS)
    state[:] = 0
    return state, aligned(ROWS * (width + 4 * WIDE)).reshape(ROWS, width + 4 * WIDE)


@compiled
def turn(h, d, first, last, state):
    """state [H,8] = some rows of h [N,D,H]."""
    for n in range(first, last):
        for k in range(h.shape[2]):
            state[k * ROWS + n - first] = h[n, d, k]


@compiled
def recur(state, rows, r, k, width, begin, end, sums):
    """sums [8,width]: states [H,8] times columns `begin` to `end` of the weights [H,width] from row k of r on."""
    depth, pitch = len(state) // ROWS, sums.shape[1]
    if rows <= ALONE:
        for row in range(rows):
            for j in range(begin, end, 4 * WIDE):
                four = multiply_one(state, row, r, k * width + j, width, depth, zeros(WIDE))
                for i in range(4):
                    store(sums, row * pitch + j + i * WIDE, four[i])
    else:
        for j in range(begin, end, WIDE):
            eight = multiply(state, 0, r, k * width + j, width, depth, zeros(WIDE))
            store_eight(sums, j, pitch, eight)


@compiled
def multiply_one(state, at, panel, place, step, depth, like):
    """Four vectors of sums over k: state[at + 8 * k] * row k of the panel."""
    s0 = s1 = s2 = s3 = like
    for _ in range(depth):
        number = element(state, at)
        s0 = plus_product(s0, number, load(panel, place, like))
        s1 = plus_product(s1, number, load(panel, place + WIDE, like))
        s2 = plus_product(s2, number, load(panel, place + 2 * WIDE, like))
        s3 = plus_product(s3, number, load(panel, place + 3 * WIDE, like))
        at += ROWS
        place += step
    return s0, s1, s2, s3


@compiled
def add_input(row, more, b):
    """Adds to sums what the input adds to the gates, and the bias."""
    for j in range(len(more)):
        row[j] += more[j] + b[j]
