"""Recurrent nodes whose weights are integers of eight bits, times a scale for each row."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vinoc
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering import recurrent_weights
from vinoc.backends.cpu.lowering.plan import Call
from vinoc.backends.numpy import Interpreter
from vinoc.backends.openvino import write_ir
from vinoc.ir import Graph
from vinoc.ir.dtype import f32

from .checked import build, check, runnable, targets
from .test_recurrent import KINDS, data, options

ALWAYS = dict.fromkeys((4, 8, 16), (1, 1, 1))
"""Sizes from which on kernels read bytes: all."""


def stored(b: Any, array: np.ndarray, unsigned: bool = False) -> Any:
    """(Convert(q) - zero) * scale, for each row."""
    scale = np.abs(array).max(-1, keepdims=True) / np.float32(127)
    levels = np.rint(array / scale)
    if unsigned:
        real = b.Convert((levels + 128).astype(np.uint8), destination_type=f32, decompression=True)
        return b.Multiply(b.Subtract(real, np.float32(128)), scale.astype(np.float32))
    real = b.Convert(levels.astype(np.int8), destination_type=f32, decompression=True)
    return b.Multiply(real, scale.astype(np.float32))


def sequence(kind: str, direction: str, hidden: int, size: int, batch: int, time: int, **how: Any) -> tuple[Any, Any]:
    """What makes the node, and its inputs."""
    gates, biases = KINDS[kind]
    d = 2 if direction == "bidirectional" else 1
    w, r, bias = data(3, d, gates * hidden, size), data(4, d, gates * hidden, hidden) * 0.3, data(5, d, biases * hidden)
    lengths = np.random.default_rng(6).integers(1, time + 1, batch).astype(np.int64)

    def make(b: Any, x: Any, *states: Any) -> Any:
        op = getattr(b, ("GRU" if kind == "linear" else kind) + "Sequence")
        weights = stored(b, w, **how), stored(b, r, **how)
        return op(x, *states, lengths, *weights, bias, hidden_size=hidden, direction=direction, **options(kind))

    states = [data(1 + k, batch, d, hidden) for k in range(2 if kind == "LSTM" else 1)]
    return make, [data(0, batch, time, size), *states]


def kernels(graph: Graph, target: str, inputs: list[np.ndarray]) -> list[str]:
    """The kernels of the product with the inputs, and of the states."""
    plan = Executable(graph, 1, runnable(target)).program([a.shape for a in inputs]).plan
    calls = [step.kernel.name for step in plan.steps if isinstance(step, Call)]
    return [name for name in calls if name.startswith(("gemm", "lstm", "gru", "linear_gru", "rnn"))]


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["forward", "reverse", "bidirectional"]),
    st.sampled_from([1, 5, 8, 16, 19, 37]),
    st.integers(1, 9),
    st.sampled_from([1, 2, 3, 7, 13]),
    st.integers(1, 4),
)
def test_sequences(kind: str, direction: str, hidden: int, size: int, batch: int, time: int) -> None:
    make, inputs = sequence(kind, direction, hidden, size, batch, time)
    with patch.object(recurrent_weights, "FEWEST", ALWAYS):
        check(make, *inputs, tolerance=1e-5, threads=(1, 2))
        graph = build(make, *inputs)
        for target in targets():
            names = kernels(graph, target.name, inputs)
            assert [name.endswith("_i8") for name in names] == [True, True], (target.name, names)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_cells(kind: str) -> None:
    gates, biases = KINDS[kind]
    w, r, bias = data(3, gates * 11, 5), data(4, gates * 11, 11), data(5, biases * 11)

    def make(b: Any, v: Any, *states: Any) -> Any:
        op = getattr(b, ("GRU" if kind == "linear" else kind) + "Cell")
        return op(v, *states, stored(b, w), stored(b, r), bias, hidden_size=11, **options(kind))

    with patch.object(recurrent_weights, "FEWEST", ALWAYS):
        check(make, data(0, 3, 5), *[data(k, 3, 11) for k in range(1, 3 if kind == "LSTM" else 2)], tolerance=1e-5)


@pytest.mark.parametrize("which", [0, 2])
def test_results_that_nobody_reads(which: int) -> None:
    make, inputs = sequence("LSTM", "forward", 16, 4, 2, 3)
    with patch.object(recurrent_weights, "FEWEST", ALWAYS):
        check(lambda b, *values: make(b, *values)[which], *inputs, tolerance=1e-5, threads=(1,))


@pytest.mark.parametrize(
    ("target", "hidden", "batch", "time", "bytes"),
    [
        ("avx512", 64, 1, 1, True),
        ("avx512", 64, 2, 5, True),
        ("avx512", 32, 1, 5, False),
        ("avx512", 128, 3, 5, False),
        ("avx512", 256, 3, 5, True),
        ("avx2", 256, 2, 2, True),
        ("avx2", 128, 1, 1, False),
        ("avx2", 256, 1, 5, False),
        ("avx2", 384, 1, 5, True),
        ("avx2", 256, 3, 5, True),
        ("avx2", 128, 3, 5, False),
        ("sse2", 512, 1, 1, False),
    ],
)
def test_bytes_are_read_where_that_is_faster(target: str, hidden: int, batch: int, time: int, bytes: bool) -> None:
    make, inputs = sequence("LSTM", "forward", hidden, 3, batch, time)
    names = kernels(build(make, *inputs), target, inputs)
    assert [name.endswith("_i8") for name in names] == [bytes, bytes]


def test_weights_with_zero_points_are_expanded() -> None:
    make, inputs = sequence("GRU", "forward", 24, 4, 2, 3, unsigned=True)
    with patch.object(recurrent_weights, "FEWEST", ALWAYS):
        check(make, *inputs, tolerance=1e-5, threads=(1,))
        names = kernels(build(make, *inputs), targets()[-1].name, inputs)
    assert not any(name.endswith("_i8") for name in names)


def test_only_the_weights_of_the_state_are_integers() -> None:
    w, r, bias = data(3, 44, 5), data(4, 44, 11), data(5, 44)

    def make(b: Any, x: Any, h: Any, c: Any) -> Any:
        return b.LSTMCell(x, h, c, w, stored(b, r), bias, hidden_size=11)

    with patch.object(recurrent_weights, "FEWEST", ALWAYS):
        check(make, data(0, 2, 5), data(1, 2, 11), data(2, 2, 11), tolerance=1e-5, threads=(1,))


def test_weights_that_two_nodes_share_are_expanded_for_both() -> None:
    w, r, bias = data(3, 32, 8), data(4, 32, 8), data(5, 32)

    def make(b: Any, x: Any, h: Any, c: Any) -> Any:
        weights = stored(b, w), stored(b, r)
        first = b.LSTMCell(x, h, c, *weights, bias, hidden_size=8)
        return b.LSTMCell(first[0], *first, *weights, bias, hidden_size=8)

    with patch.object(recurrent_weights, "FEWEST", ALWAYS):
        check(make, data(0, 2, 8), data(1, 2, 8), data(2, 2, 8), tolerance=1e-5, threads=(1,))


def test_from_a_file_to_a_blob(tmp_path: Path) -> None:
    make, inputs = sequence("LSTM", "bidirectional", 128, 20, 1, 5)
    graph = build(make, *inputs)
    expected = Interpreter(graph).run(inputs)
    write_ir(graph, tmp_path / "net.xml")
    compiled = vinoc.Core().compile_model(tmp_path / "net.xml", "CPU")
    again = vinoc.Core().import_model(compiled.export_model(), "CPU")
    for model in (compiled, again):
        for want, got in zip(expected, model(inputs).values(), strict=True):
            np.testing.assert_allclose(got, want, atol=1e-5)
