"""Runs a graph on the CPU engine, on every target of this machine and several thread counts, against the reference."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from vinoc.backends.cpu.codegen.target import TARGETS, Target, _machine, host
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Island
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph
from vinoc.ir import dtype as dt
from vinoc.ir.builder import Builder
from vinoc.ir.types import TensorType

KERNEL_TYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
"""Calls a kernel from Python, which the engine does natively."""

_LADDER = ("sse2", "avx2", "avx512")


def targets() -> list[Target]:
    """The targets that this machine can run, but those that differ in products of integers alone."""
    name = host().name.removesuffix("vnni").removesuffix("dot")
    return [TARGETS[n] for n in _LADDER[: _LADDER.index(name) + 1]] if name in _LADDER else [TARGETS[name]]


def integer_targets() -> list[Target]:
    """Those too."""
    features = _machine()[0]
    names = {"avx2vnni": {"avx_vnni", "avxvnni"}, "avx512vnni": {"avx512_vnni", "avx512vnni"}, "neondot": {"dotprod"}}
    return [*targets(), *(TARGETS[name] for name, wanted in names.items() if features & wanted)]


def runnable(name: str) -> Target:
    """The target of that name; the test is skipped where the machine cannot run it."""
    if TARGETS[name] not in integer_targets():
        pytest.skip(f"this machine does not run the target {name}")
    return TARGETS[name]


def build(make: Callable[..., Any], *inputs: np.ndarray) -> Graph:
    """A graph of what `make(builder, *values)` returns, for inputs like the arrays."""
    graph = Graph("test")
    values = [graph.add_input(TensorType(dt.from_numpy(a.dtype), a.shape), f"x{i}") for i, a in enumerate(inputs)]
    results = make(Builder(graph), *values)
    for i, value in enumerate(results if isinstance(results, tuple) else (results,)):
        graph.add_output(value, f"y{i}")
    return graph


ENDS = ("", "bias", "relu", "residual", "all", "tanh")


def ended(b: Builder, product: Callable[[], Any], bias: np.ndarray, end: str) -> Any:
    """A product, and what one kernel computes with it: one of ENDS."""
    y = product()
    if end in ("bias", "all"):
        y = b.Add(y, bias)
    if end in ("residual", "all"):
        y = b.Add(y, product())
    if end == "tanh":
        return b.Tanh(y)
    return b.ReLU(y) if end in ("relu", "all") else y


def check(
    make: Callable[..., Any],
    *inputs: np.ndarray,
    tolerance: float = 2e-6,
    islands: Sequence[str] = (),
    threads: Sequence[int] = (1, 2, 3),
) -> None:
    """Asserts that the engine computes what the reference does, without islands but those named.

    `tolerance` is relative to the largest finite magnitude of the output; NaN and infinities must be the same.
    """
    graph = build(make, *inputs)
    expected = Interpreter(graph).run(list(inputs))
    for target in targets():
        for count in threads:
            executable = Executable(graph, count, target)
            actual = executable.run([np.asarray(a, order="C") for a in inputs])
            plan = executable.program([a.shape for a in inputs]).plan
            found = [(s.node.kind if s.node else "copy", s.why) for s in plan.steps if isinstance(s, Island)]
            assert [f for f in found if f[0] not in islands] == [], f"{target.name}"
            for want, got in zip(expected, actual, strict=True):
                assert_close(want, got, tolerance, f"{target.name}, {count} threads")


def assert_close(want: np.ndarray, got: np.ndarray, tolerance: float, what: str) -> None:
    assert want.shape == got.shape
    assert want.dtype == got.dtype
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want, err_msg=what)
        return
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want), err_msg=what)
    infinite = np.isinf(want)
    np.testing.assert_array_equal(got[infinite], want[infinite], err_msg=what)
    finite = np.isfinite(want)
    if finite.any():
        assert np.isfinite(got[finite]).all(), what
        scale = max(float(np.abs(want[finite]).max()), 1e-30)
        error = float(np.abs(got[finite].astype(np.float64) - want[finite]).max()) / scale
        assert error <= tolerance, f"{what}: error {error:.1e}"


def data(seed: int, *shape: int) -> np.ndarray:
    """Standard normal numbers of f32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def levels(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Bytes."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def i64(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)
