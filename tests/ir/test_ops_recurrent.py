"""Recurrent cells and sequences: inferred, computed, compared with OpenVINO."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vinoc.ir.dim import symbol
from vinoc.ir.dtype import f32, i64
from vinoc.ir.errors import InferenceError, VinocError

from .checked import infer, make, openvino, run

N, T = symbol("N"), symbol("T")
RANDOM = np.random.default_rng(0)
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
ACTIVATIONS = {"LSTM": 3, "GRU": 2, "RNN": 1}


def random(*shape: int) -> np.ndarray:
    return (RANDOM.normal(size=shape) * 0.7).astype(np.float32)


def same(op: Any, *arrays: Any) -> None:
    for mine, theirs in zip(run(op, *arrays), openvino(op, *arrays), strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)
    half = [a.astype(np.float16) if a.dtype == np.float32 else a for a in arrays]
    for rough, fine in zip(run(op, *half), run(op, *arrays), strict=True):
        np.testing.assert_allclose(rough.astype(np.float32), fine, atol=3e-2)


def cell(family: str, linear: bool = False, batch: int = 3, width: int = 5, hidden: int = 4) -> list[np.ndarray]:
    gates = GATES[family] * hidden
    states = [random(batch, hidden) for _ in range(2 if family == "LSTM" else 1)]
    bias = random(gates + (hidden if linear else 0))
    return [random(batch, width), *states, random(gates, width), random(gates, hidden), bias]


def sequence(family: str, directions: int, lengths: Any, linear: bool = False, time: int = 6) -> list[np.ndarray]:
    one = [cell(family, linear, len(lengths)) for _ in range(directions)]
    states = 2 if family == "LSTM" else 1
    stacked = [np.stack([c[i] for c in one], 1) for i in range(1, 1 + states)]
    weights = [np.stack([c[i] for c in one]) for i in range(1 + states, 4 + states)]
    return [random(len(lengths), time, 5), *stacked, np.array(lengths, np.int64), *weights]


@pytest.mark.parametrize("family", GATES)
@pytest.mark.parametrize("attributes", [{}, {"clip": 0.3}])
def test_cells(family: str, attributes: Any) -> None:
    same(make(f"{family}Cell", hidden_size=4, **attributes), *cell(family))


def test_gru_cell_that_resets_after_the_product() -> None:
    same(make("GRUCell", hidden_size=4, linear_before_reset=True), *cell("GRU", linear=True))


def test_other_activations() -> None:
    x, h, w, r, b = cell("RNN")
    (found,) = run(make("RNNCell", hidden_size=4, activations=("relu",)), x, h, w, r, b)
    np.testing.assert_allclose(found, np.maximum(x @ w.T + h @ r.T + b, 0), rtol=1e-4, atol=1e-5)
    hard = make(
        "RNNCell", hidden_size=4, activations=("hardsigmoid",), activations_alpha=(0.3,), activations_beta=(0.4,)
    )
    (found,) = run(hard, x, h, w, r, b)
    np.testing.assert_allclose(found, np.clip(0.3 * (x @ w.T + h @ r.T + b) + 0.4, 0, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("lengths", [[6, 6], [6, 3, 1]])
def test_sequences(family: str, direction: str, lengths: list[int]) -> None:
    op = make(f"{family}Sequence", hidden_size=4, direction=direction)
    same(op, *sequence(family, 2 if direction == "bidirectional" else 1, lengths))


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_gru_sequences_that_reset_after_the_product(direction: str) -> None:
    op = make("GRUSequence", hidden_size=4, direction=direction, linear_before_reset=True)
    same(op, *sequence("GRU", 2 if direction == "bidirectional" else 1, [6, 4], linear=True))


def test_a_sequence_is_a_chain_of_cells() -> None:
    x, h, c, lengths, w, r, b = sequence("LSTM", 1, [6, 6])
    every, last_h, last_c = run(make("LSTMSequence", hidden_size=4, direction="forward"), x, h, c, lengths, w, r, b)
    step = make("LSTMCell", hidden_size=4)
    hidden, state = h[:, 0], c[:, 0]
    for t in range(6):
        hidden, state = run(step, x[:, t], hidden, state, w[0], r[0], b[0])
        np.testing.assert_allclose(every[:, 0, t], hidden, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(last_h[:, 0], hidden, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(last_c[:, 0], state, rtol=1e-4, atol=1e-6)


def test_no_steps_keep_the_state() -> None:
    x, h, lengths, w, r, b = sequence("GRU", 1, [0, 0], time=0)
    every, last = run(make("GRUSequence", hidden_size=4, direction="forward"), x, h, lengths, w, r, b)
    assert every.shape == (2, 1, 0, 4)
    np.testing.assert_array_equal(last, h)


def test_inferred_types() -> None:
    op = make("LSTMSequence", hidden_size=8, direction="bidirectional")
    weights = (f32, (2, 32, 5)), (f32, (2, 32, 8)), (f32, (2, 32))
    state = (f32, (N, 2, 8))
    types = infer(op, (f32, (N, T, 5)), state, state, (i64, (N,)), *weights)
    assert [str(t) for t in types] == ["f32[N,2,T,8]", "f32[N,2,8]", "f32[N,2,8]"]
    types = infer(op, *[(f32, None)] * 3, (i64, None), *[(f32, None)] * 3)
    assert [str(t) for t in types] == ["f32[?,2,?,8]", "f32[?,2,8]", "f32[?,2,8]"]
    cell_ = infer(make("GRUCell", hidden_size=8), (f32, None), (f32, (N, 8)), *[(f32, None)] * 3)
    assert [str(t) for t in cell_] == ["f32[N,8]"]


def test_errors() -> None:
    def gru(x: Any = (2, 5), h: Any = (2, 8), w: Any = (24, 5), r: Any = (24, 8), b: Any = (24,), **more: Any) -> Any:
        return infer(make("GRUCell", hidden_size=8, **more), *[(f32, s) for s in (x, h, w, r, b)])

    with pytest.raises(InferenceError, match=r"`h` is \[2, 7\], expected \[2, 8\]"):
        gru(h=(2, 7))
    with pytest.raises(InferenceError, match=r"`w` is \[24, 6\], expected \[24, 5\]"):
        gru(w=(24, 6))
    with pytest.raises(InferenceError, match=r"`b` is \[24\], expected \[32\]"):
        gru(linear_before_reset=True)
    with pytest.raises(InferenceError, match="`x` has rank 3, expected 2"):
        gru(x=(2, 5, 1))
    with pytest.raises(VinocError, match="no activation 'tahn'") as error:
        make("RNNCell", hidden_size=8, activations=("tahn",))
    assert error.value.help == "did you mean 'tanh'?"
    with pytest.raises(VinocError, match="1 activations, expected 3"):
        make("LSTMCell", hidden_size=8, activations=("tanh",))
    with pytest.raises(VinocError, match="`hidden_size` is 0"):
        make("LSTMCell", hidden_size=0)
    with pytest.raises(VinocError, match="`clip` is -1"):
        make("LSTMCell", hidden_size=4, clip=-1)
