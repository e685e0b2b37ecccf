"""Recurrent sequences and cells against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .checked import check, data

KINDS = {"LSTM": (4, 4), "GRU": (3, 3), "linear": (3, 4), "RNN": (1, 1)}


def options(kind: str) -> dict[str, object]:
    return {"linear_before_reset": True} if kind == "linear" else {}


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["forward", "reverse", "bidirectional"]),
    st.sampled_from([1, 2, 3, 7, 13, 25]),
    st.integers(1, 4),
    st.integers(1, 9),
    st.sampled_from([1, 5, 8, 16, 19, 37]),
    st.sampled_from([0.0, 0.4]),
    st.booleans(),
)
def test_sequences(
    kind: str, direction: str, batch: int, time: int, size: int, hidden: int, clip: float, turned: bool
) -> None:
    gates, biases = KINDS[kind]
    d = 2 if direction == "bidirectional" else 1
    x, h, c = data(0, batch, time, size), data(1, batch, d, hidden), data(2, batch, d, hidden)
    w, r, bias = data(3, d, gates * hidden, size), data(4, d, gates * hidden, hidden) * 0.3, data(5, d, biases * hidden)
    lengths = np.random.default_rng(6).integers(1, time + 1, batch).astype(np.int64)

    def make(b, v, *states):
        op = getattr(b, ("GRU" if kind == "linear" else kind) + "Sequence")
        v = b.Transpose(v, [1, 0, 2]) if turned else v
        return op(v, *states, lengths, w, r, bias, hidden_size=hidden, direction=direction, clip=clip, **options(kind))

    states = (h, c) if kind == "LSTM" else (h,)
    check(make, np.ascontiguousarray(x.swapaxes(0, 1)) if turned else x, *states, tolerance=1e-5, threads=(1, 2))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_cells(kind: str) -> None:
    gates, biases = KINDS[kind]
    w, r, bias = data(3, gates * 11, 5), data(4, gates * 11, 11), data(5, biases * 11)

    def make(b, v, *states):
        op = getattr(b, ("GRU" if kind == "linear" else kind) + "Cell")
        return op(v, *states, w, r, bias, hidden_size=11, **options(kind))

    states = [data(1, 9, 11), data(2, 9, 11)][: 2 if kind == "LSTM" else 1]
    check(make, data(0, 9, 5), *states, tolerance=1e-5)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_as_many_sequences_as_steps(kind: str) -> None:
    """Steps outside of sequences are told from sequences outside of steps where there are as many of both."""
    gates, biases = KINDS[kind]
    w, r, bias = data(3, 1, gates * 11, 5), data(4, 1, gates * 11, 11), data(5, 1, biases * 11)

    def make(b, x, *states):
        op = getattr(b, ("GRU" if kind == "linear" else kind) + "Sequence")
        x, lengths = b.Transpose(x, [1, 0, 2]), np.full(4, 4)
        return op(x, *states, lengths, w, r, bias, hidden_size=11, direction="forward", **options(kind))

    states = [data(1, 4, 1, 11), data(2, 4, 1, 11)][: 2 if kind == "LSTM" else 1]
    check(make, data(0, 4, 4, 5), *states, tolerance=1e-5)


def test_lengths_that_are_computed() -> None:
    w, r, bias = data(3, 2, 44, 5), data(4, 2, 44, 11), data(5, 2, 44)

    def make(b, x, h, c, n):
        return b.LSTMSequence(x, h, c, n, w, r, bias, hidden_size=11, direction="bidirectional")

    check(make, data(0, 3, 6, 5), data(1, 3, 2, 11), data(2, 3, 2, 11), np.array([6, 2, 0]), tolerance=1e-5)


def test_nan_stays_in_its_sequence() -> None:
    w, r, bias = data(3, 1, 44, 5), data(4, 1, 44, 11), data(5, 1, 44)
    x = data(0, 3, 6, 5)
    x[1, 3, 2] = np.nan

    def make(b, v, h, c):
        lengths = np.array([6, 6, 6])
        return b.LSTMSequence(v, h, c, lengths, w, r, bias, hidden_size=11, direction="forward")

    check(make, x, data(1, 3, 1, 11), data(2, 3, 1, 11), tolerance=1e-5)


@pytest.mark.parametrize(
    ("names", "slopes", "offsets"),
    [
        (("hardsigmoid", "tanh", "relu"), (), ()),
        (("hardsigmoid", "hardsigmoid", "tanh"), (0.3,), (0.4, 0.1)),
        (("relu", "hardsigmoid", "hardsigmoid"), (0.0, 0.25, -0.5), (0.0, 0.5, 0.6)),
    ],
)
def test_activations_of_gates(names: tuple[str, ...], slopes: tuple[float, ...], offsets: tuple[float, ...]) -> None:
    w, r, bias = data(3, 1, 44, 5), data(4, 1, 44, 11) * 0.3, data(5, 1, 44)
    attributes = {"activations": names, "activations_alpha": slopes, "activations_beta": offsets}

    def make(b, v, h, c):
        lengths = np.array([4, 2, 4])
        return b.LSTMSequence(v, h, c, lengths, w, r, bias, hidden_size=11, direction="forward", **attributes)

    x = data(0, 3, 4, 5)
    x[2, 1, 0] = np.nan
    check(make, x, data(1, 3, 1, 11), data(2, 3, 1, 11), tolerance=1e-5)
